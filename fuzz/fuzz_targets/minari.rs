#![no_main]

#[path = "../../crates/potstill/tests/parsers/targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    targets::check("minari", bytes);
});
