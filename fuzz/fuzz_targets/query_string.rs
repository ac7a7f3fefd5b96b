#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wingbeat_fuzz::query_string::query_string(data));
