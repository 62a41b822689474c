//! Any bytes as choices of a program, which is followed and run.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| oracle::sound::generated::fuzz_sound(bytes));
