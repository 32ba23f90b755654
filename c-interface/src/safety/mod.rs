//! `tcp/safety.h`: the decision engine, which answers for many agents at once and fails closed.

#![allow(
    non_camel_case_types,
    reason = "these are the names that C programs write"
)]
#![allow(
    clippy::missing_safety_doc,
    reason = "what pointers must be is said once, at the top of tcp/hardware.h"
)]

pub mod decide;
pub mod engine;
pub mod namespaces;
pub mod statistics;
