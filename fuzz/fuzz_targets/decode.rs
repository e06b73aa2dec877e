#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| jsonframe_fuzz::decode::check(data));
