//! Masking, parsing and lowering of any bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| syntax::fuzz_parse(bytes));
