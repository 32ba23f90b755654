//! Regressions: a list of test commands by seeds, in parallel, with what a person wants to know afterwards.
//!
//! A [`Plan`] names the commands; a [`Regression`] runs them, each bounded in time and repeatable alone by the one command that
//! its [`Outcome`] tells; a [`History`] keeps what became of each over the runs; [`junit`] and [`page`] tell it to machines and
//! people. Nothing here knows hardware: a command is whatever a shell runs.

mod error;
pub mod history;
pub mod junit;
pub mod page;
mod plan;
mod process;
mod runner;

pub use error::RegressError;
pub use history::History;
pub use plan::{Plan, Test};
pub use runner::{Extent, Outcome, Regression, Report, Verdict};
