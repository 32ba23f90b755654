//! How a campaign ends that found something.

use std::time::Duration;

use thiserror::Error;

use crate::Error;

/// Why a campaign failed.
#[derive(Debug, Error)]
pub enum CampaignError {
    /// A card answered wrong.
    #[error("case {case} ({fault} at {stage}): a wrong answer {when}; replay: {replay}")]
    WrongAnswer {
        /// The case's number.
        case: u64,
        /// What was suffered.
        fault: String,
        /// When.
        stage: &'static str,
        /// While the fault was in force, or afterwards.
        when: &'static str,
        /// The command.
        replay: String,
    },
    /// A card does not work after its recovery.
    #[error(
        "case {case} ({fault} at {stage}): the card does not work afterwards: {source}; replay: {replay}"
    )]
    NotWorking {
        /// The case's number.
        case: u64,
        /// What was suffered.
        fault: String,
        /// When.
        stage: &'static str,
        /// Why not.
        source: Box<Error>,
        /// The command.
        replay: String,
    },
    /// A fault ended in an error for which the ladder has no rung.
    #[error(
        "case {case} ({fault} at {stage}): the ladder knows no rung for the error: {error}; replay: {replay}"
    )]
    NotOnTheLadder {
        /// The case's number.
        case: u64,
        /// What was suffered.
        fault: String,
        /// When.
        stage: &'static str,
        /// The error.
        error: String,
        /// The command.
        replay: String,
    },
    /// The ladder did not count what it did.
    #[error("case {case} ({fault} at {stage}): the ladder counted wrong: {what}; replay: {replay}")]
    Miscounted {
        /// The case's number.
        case: u64,
        /// What was suffered.
        fault: String,
        /// When.
        stage: &'static str,
        /// What was counted.
        what: String,
        /// The command.
        replay: String,
    },
    /// A case did not end.
    #[error("case {case} did not end within {waited:?}; replay: {replay}")]
    Hang {
        /// The case's number.
        case: u64,
        /// How long.
        waited: Duration,
        /// The command.
        replay: String,
    },
    /// Something was left behind.
    #[error("after {struck} faults something is left behind: {what}; the seed is {seed}")]
    Leak {
        /// Faults that had struck.
        struck: u64,
        /// What.
        what: String,
        /// The seed.
        seed: u64,
    },
    /// The cards could not be set up.
    #[error("the campaign could not begin: {0}")]
    SetUp(#[source] Box<Error>),
}
