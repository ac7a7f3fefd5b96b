#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wingbeat_client::fuzzing::hostile_session(data));
