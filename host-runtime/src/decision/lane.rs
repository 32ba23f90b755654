//! What judges: the engine's view of a queue of a card, of the software device, and of test doubles.

use thiserror::Error;

use crate::judge::Judge;
use crate::queue::{Completion, Submission};
use crate::tcp::{Options, Policy};

/// Judges descriptors, each by the policy slot that its submission names, and completes them in any order.
///
/// The engine calls it from one thread. No call may wait for long: the engine stands still meanwhile. The first error ends
/// the lane: the engine does not call it again, and gives what was under way to another.
pub trait Lane: Send {
    /// What it is, for logs and statistics.
    fn name(&self) -> String;

    /// How many policy slots it has. Slot *n* goes into a submission's options word as *n* << 4, also beyond 15.
    fn policy_slots(&self) -> usize;

    /// Whether a share of its verdicts is to be compared with the golden model's.
    fn audited(&self) -> bool {
        true
    }

    /// What judges as this lane does, if that can be done in the engine's thread without waiting: then the engine does so while
    /// requests are submitted, and gives the lane only what other lanes have left behind.
    ///
    /// # Errors
    /// [`LaneError`]: the lane has failed.
    fn judge(&self, options: Options, policy: &Policy) -> Result<Option<Judge>, LaneError> {
        let _ = (options, policy);
        Ok(None)
    }

    /// Puts a policy into a slot, of which nothing is under way, and gives the version that completions will carry.
    ///
    /// # Errors
    /// [`LaneError`]: the lane has failed.
    fn set_policy(&mut self, slot: usize, policy: &Policy) -> Result<u8, LaneError>;

    /// Takes submissions, from the first on, as many as find a place, and says how many. Never waits for a place.
    ///
    /// # Errors
    /// [`LaneError`]: the lane has failed; what became of the submissions does not matter.
    fn submit_many(&mut self, submissions: &[Submission]) -> Result<usize, LaneError>;

    /// Writes what has been completed since, as much as finds a place, and says how many. Never waits for a completion.
    ///
    /// # Errors
    /// [`LaneError`]: the lane has failed.
    fn poll(&mut self, completions: &mut [Completion]) -> Result<usize, LaneError>;
}

/// Why a lane cannot go on.
#[derive(Debug, Error)]
pub enum LaneError {
    /// The card's queue says so.
    #[error(transparent)]
    Card(#[from] crate::Error),
    /// The lane itself says so.
    #[error("{0}")]
    Failed(String),
}
