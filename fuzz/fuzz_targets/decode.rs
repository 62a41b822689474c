//! Decoding, encoding and both text forms of any bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| isa::fuzz_decode(bytes));
