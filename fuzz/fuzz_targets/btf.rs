//! Reading, walking and writing of any bytes as type information.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| btf::fuzz_btf(bytes));
