//! The ladder out of trouble on cards that hang: simulated in this process, and served.
#![cfg(feature = "cosim")]

#[path = "../common/mod.rs"]
mod common;
mod killed;
mod lost;
mod rungs;
mod validation;
mod with_kernels;
