//! Opening and linking of any bytes as a compiled object.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bpf_object::fuzz_elf(bytes));
