//! The Tool Capability Protocol: descriptors, the policies they are judged by, and the verdicts.
//!
//! Everything here is pure data and portable code: no card, no file, no thread. The formats are
//! those of the project's descriptor specification; `golden` follows it line by line and is what
//! every faster device is compared with.

pub mod decode;
pub mod descriptor;
pub mod encode;
pub mod golden;
pub mod options;
pub mod policy;
pub mod policy_file;
pub mod profile;
pub mod random;
pub mod registers;
pub mod verdict;

pub use decode::Decoded;
pub use descriptor::Descriptor;
pub use encode::DescriptorBuilder;
pub use options::{Options, Output, PolicySlot};
pub use policy::{Decision, Limits, Policy, RiskLevel};
pub use policy_file::PolicyFile;
pub use profile::{Checksum, Layout, Profile};
pub use verdict::{Cause, Detail, Tally, Verdict, VerdictCounts};
