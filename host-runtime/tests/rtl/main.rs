//! The `tcp_validator` RTL against the golden model, at every width, below the runtime: the kernel alone in the
//! engine, so that stalls, faults and every byte of memory are the test's to choose.
//!
//! Random tests print their seed when they fail; `FPGA_TEST_SEED=N cargo test -p host-runtime --test rtl NAME`
//! replays it.
#![cfg(feature = "cosim")]

mod boundaries;
mod errors;
#[path = "../common/figure.rs"]
mod figure;
mod figures;

#[path = "../common/hardware/mod.rs"]
mod hardware;
mod page;
mod random;
mod registers;
mod rig;
mod stages;
