//! The whole `check` of any bytes, fixes included.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bpf_analyzer::fuzz::check(bytes));
