//! The C functions of `xrt.h`, `deprecated/xrt.h` and `experimental/xrt-next.h`. Names, types and answers are theirs:
//! 0 or a negative error number, unless said otherwise. `xclOpen`, `xclLoadXclBin` and what takes C++ types is in
//! `glue/glue.cpp`, which calls the functions with `fpga_xrt` in their names.

pub mod absent;
pub mod buffers;
pub mod commands;
pub mod devices;
pub mod info;

use std::ffi::c_void;

use crate::error::Result;
use crate::report;

/// `xclDeviceHandle`.
pub type Handle = *mut c_void;

/// 0, or the negative error number.
fn status(function: &str, work: impl FnOnce() -> Result<()>) -> i32 {
    match report::answer(function, work) {
        Ok(()) => 0,
        Err(number) => -number,
    }
}
