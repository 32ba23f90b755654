#![no_main]
//! A client of the vfio-user server that sends what it likes.

#[path = "../src/vfio_user.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|input: &[u8]| target::run(input));
