//! Any bytes as instructions, run.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| runtime::fuzz_run(bytes));
