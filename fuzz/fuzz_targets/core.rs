//! CO-RE relocations against any bytes as type information.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bpf_object::fuzz_core(bytes));
