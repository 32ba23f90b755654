//! Clients that are broken or mean harm, against a whole served card: whatever they do, another one works on meanwhile and
//! after it, and all that it is answered is right.
//!
//! `hostile.rs` and `files.rs` of the crate `vfio-user` test the server's answers one by one.
#![cfg(feature = "cosim")]

#[path = "../../shell/tests/shell/driver.rs"]
mod driver;
#[path = "../../vfio-user/tests/wire/raw.rs"]
mod raw;

mod attacked;
mod endless;
mod limits;
mod memory;
mod messages;
mod ring;
mod vanished;
