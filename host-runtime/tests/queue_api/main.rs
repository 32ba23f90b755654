//! Queues as programs use them, on every kind of card that has them: what they promise, and what they cost.
//!
//! Random tests print their seed when they fail; `FPGA_TEST_SEED=N cargo test -p host-runtime --test queue_api NAME`
//! replays it.
#![cfg(feature = "cosim")]

#[path = "../common/mod.rs"]
mod common;

mod cost;
mod faults;
mod link;
mod promises;
mod simulated;
mod software;
mod traffic;
