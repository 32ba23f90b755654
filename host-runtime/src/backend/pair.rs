//! The backend line of queues: one pair of rings of a card. What a queue promises its user (room, order, cancellation,
//! what becomes of what is not answered) is kept above this line.

use std::time::Instant;

use crate::cancel::CancelToken;
use crate::queue::{Completion, StopCause, Submission};
use crate::tcp::{Policy, PolicySlot};
use crate::{Error, Result};

/// Which way submissions went. Each way is answered in its own order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// Through the submission ring.
    Ring,
    /// By push.
    Push,
}

/// Why a pair will answer no more.
#[derive(Debug)]
pub(crate) enum PairFault {
    /// The card stopped it.
    Stopped(StopCause),
    /// The card was reset or programmed, or closed.
    Stale,
    /// The card failed.
    Card(Error),
}

impl From<Error> for PairFault {
    fn from(error: Error) -> Self {
        Self::Card(error)
    }
}

/// What a queue needs of its pair. Dropping it gives the pair back to the card, in bounded time.
pub(crate) trait Pair: Send + std::fmt::Debug {
    /// Which pair of the card it is.
    fn index(&self) -> usize;

    /// Takes the first of these submissions in, with one doorbell, and says how many and which way. The queue keeps what
    /// is outstanding within the entries it was opened with; `outstanding` says how many are.
    fn submit(&mut self, submissions: &[Submission], outstanding: usize) -> (usize, Route);

    /// Copies out completions that are there, in the order in which they were written.
    fn take(&mut self, completions: &mut [Completion]) -> usize;

    /// Has the card work where it only works when it is asked, and looks whether the pair is still alive. Nothing was
    /// there to be taken. Never waits.
    fn progress(&mut self, outstanding: usize) -> Result<(), PairFault>;

    /// Waits until something may be there to be taken, at most until `deadline`, or until somebody cancels.
    fn wait(
        &mut self,
        outstanding: usize,
        deadline: Instant,
        cancel: &CancelToken,
    ) -> Result<(), PairFault>;

    /// Gives the pair back, and says whether it came to rest; dropping it only tries.
    fn release(&mut self) -> Result<()> {
        Ok(())
    }

    /// Puts a policy in force, and says which version of the slot it is.
    fn set_policy(&mut self, slot: PolicySlot, policy: &Policy) -> Result<u8, PairFault>;
}
