#![no_main]
//! The reader of images, on any bytes.

#[path = "../src/xclbin.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|input: &[u8]| target::run(input));
