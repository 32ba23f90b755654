//! The runtime for programs in C and C++: `libtcp_hardware` with its headers `tcp/hardware.h` and `tcp/safety.h`.
//!
//! The modules that hold `tcp_*` functions are the headers in Rust's words: cbindgen makes the headers from them, so their
//! names and comments are for C. Each function checks its arguments (`arguments`), finds what a handle stands for
//! (`handles`) and does its work inside `boundary::call`, which lets no panic and no error out but as a status.

mod arguments;
mod boundary;
mod device;
mod failure;
mod handles;
pub mod hardware;
mod open_engine;
mod open_queue;
mod request;
pub mod safety;
