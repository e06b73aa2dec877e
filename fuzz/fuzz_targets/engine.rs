#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| jsonframe_fuzz::engine::check(data));
