#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| paid::ai::fuzzing::json_usage(input));
