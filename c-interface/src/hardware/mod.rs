//! `tcp/hardware.h`: cards, policies, decisions about descriptors one by one and in batches.

#![allow(
    non_camel_case_types,
    reason = "these are the names that C programs write"
)]
#![allow(
    clippy::missing_safety_doc,
    reason = "what pointers must be is said once, at the top of the header"
)]

mod batch;
pub mod cards;
pub mod evaluate;
pub mod policy;
pub mod queue;
pub mod status;
pub mod version;
