//! What the project is measured beside, and with: shared by the measuring programs of this folder and the criterion benches.

pub mod limits;
pub mod loops;
pub mod workload;
