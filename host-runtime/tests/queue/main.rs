//! The `tcp_queue` RTL against the golden model, below the runtime: the kernel alone in the engine, so that stalls,
//! faults, doorbells and every byte of memory are the test's to choose. docs/queue.md is what it is held to.
//!
//! Random tests print their seed when they fail; `FPGA_TEST_SEED=N cargo test -p host-runtime --test queue NAME`
//! replays it.
#![cfg(feature = "cosim")]

mod errors;
#[path = "../common/figure.rs"]
mod figure;
mod figures;
#[path = "../common/hardware/mod.rs"]
mod hardware;
mod host;
mod interrupts;
mod random;
mod registers;
mod rig;
mod stages;
