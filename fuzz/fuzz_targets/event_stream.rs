#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| paid::ai::fuzzing::event_stream(input));
