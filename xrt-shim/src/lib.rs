//! XRT's driver interface on top of `host-runtime`: unmodified programs written against XRT run on our cards.
//!
//! XRT reaches a card through the C functions of `xrt.h`, which it looks for in a library named by `XILINX_XRT` and
//! `XCL_EMULATION_MODE`. `exports` is those functions. `scripts/build-xrt-shim` links them with the objects of the
//! installed XRT that make its C++ device out of them; nothing here needs XRT to build.
//!
//! ```text
//! program -> libxrt_coreutil (XRT's, unchanged) -> libxrt_hwemu.so.2 = XRT's device objects + glue.cpp + this crate
//!                                                                                        -> host-runtime -> the card
//! ```
//!
//! From the inside out: `packet` reads command packets, `memory` holds buffer objects, `execution` has commands run,
//! `device` is all that of one card, `registry` the cards of the
//! process.

mod device;
mod error;
mod execution;
pub mod exports;
mod memory;
mod packet;
mod registry;
mod report;
