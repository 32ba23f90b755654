//! The Tool Capability Protocol: descriptors, the policies they are judged by, and the verdicts.
//!
//! Everything here is pure data and portable code: no card, no file, no thread. The formats are
//! those of the project's descriptor specification; `golden` follows it line by line and is what
//! every faster device is compared with.

pub mod descriptor;
pub mod golden;
pub mod options;
pub mod policy;
pub mod profile;
pub mod verdict;

pub use descriptor::Descriptor;
pub use options::{Options, Output, PolicySlot};
pub use policy::{Decision, Limits, Policy, RiskLevel};
pub use profile::{Checksum, Layout, Profile};
pub use verdict::{Cause, Detail, Tally, Verdict, VerdictCounts};
