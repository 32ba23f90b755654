//! A lane with all that the engine knows about it.

use super::answer::Time;
use super::lane::{Lane, LaneError};
use super::leaving::{Gone, Leaving};
use super::slots::Slots;
use crate::queue::{Completion, Submission};

/// How a lane does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneStatus {
    /// The lane's own name.
    pub name: String,
    /// Why it failed; `None` while it lives.
    pub failure: Option<String>,
    /// Requests that it has.
    pub under_way: usize,
    /// Requests that it has completed since the engine began, those before it at its place in the list included.
    pub completed: u64,
    /// How often a lane failed at this place in the list.
    pub failures: u64,
    /// Requests that were moved from here to other lanes, or rejected for want of one.
    pub moved: u64,
}

/// What a lane did that none may do, or did not do.
#[derive(Debug, thiserror::Error)]
pub(super) enum LaneFailure {
    #[error("setting a policy failed: {0}")]
    SetPolicy(LaneError),
    #[error("submitting failed: {0}")]
    Submit(LaneError),
    #[error("polling failed: {0}")]
    Poll(LaneError),
    #[error("it says that it took {took} of {given} submissions")]
    TookTooMany { took: usize, given: usize },
    #[error("it says that it completed {completed}, of {room} that there was room for")]
    CompletedTooMany { completed: usize, room: usize },
    #[error("it did not complete a request in time")]
    Overdue,
    #[error("it completed tag {0:#010x}, which it does not have")]
    UnknownTag(u32),
    #[error("its completion {0:?} is no verdict on the descriptor")]
    NoVerdict(Completion),
    #[error("its completion {completion:?} is of another policy version than {expected}")]
    WrongVersion {
        completion: Completion,
        expected: u8,
    },
    #[error("its completion {0:?} is not what the golden model says")]
    WrongVerdict(Completion),
}

pub(super) struct Station {
    pub(super) lane: Box<dyn Lane>,
    pub(super) slots: Slots,
    pub(super) lives: bool,
    pub(super) audited: bool,
    /// When requests of a failed lane last came here: their time at this lane begins then.
    pub(super) moved_at: Time,
    pub(super) status: LaneStatus,
    /// What the lane has not taken yet, from `taken` on.
    outbox: Vec<Submission>,
    taken: usize,
    /// The lane that failed, until it has let its card go.
    leaving: Option<Leaving>,
}

impl Station {
    pub(super) fn new(lane: Box<dyn Lane>) -> Self {
        Self {
            slots: Slots::new(lane.policy_slots()),
            lives: true,
            audited: lane.audited(),
            moved_at: Time(0),
            status: LaneStatus {
                name: lane.name(),
                failure: None,
                under_way: 0,
                completed: 0,
                failures: 0,
                moved: 0,
            },
            lane,
            outbox: Vec::new(),
            taken: 0,
            leaving: None,
        }
    }

    /// The lane has failed: what it has of its card goes back.
    pub(super) fn let_go(&mut self) {
        let lane = std::mem::replace(&mut self.lane, Box::new(Gone));
        self.leaving = Some(Leaving::begin(lane));
    }

    /// Puts another lane in the place of one that failed.
    pub(super) fn replace(&mut self, lane: Box<dyn Lane>) {
        let before = std::mem::replace(self, Self::new(lane));
        self.status = LaneStatus {
            name: self.status.name.clone(),
            failure: None,
            under_way: 0,
            ..before.status
        };
    }

    #[inline(always)]
    pub(super) fn give(&mut self, submission: Submission) {
        self.outbox.push(submission);
        self.status.under_way += 1;
    }

    /// Hands over what waits, as much as the lane takes.
    pub(super) fn hand_over(&mut self) -> Result<(), LaneFailure> {
        let waiting = &self.outbox[self.taken..];
        if waiting.is_empty() {
            return Ok(());
        }
        let given = waiting.len();
        let took = self
            .lane
            .submit_many(waiting)
            .map_err(LaneFailure::Submit)?;
        if took > given {
            return Err(LaneFailure::TookTooMany { took, given });
        }
        self.taken += took;
        // Half of it at least is moved out of the way, so each submission is moved once on average.
        if self.taken >= self.outbox.len() / 2 {
            self.outbox.drain(..self.taken);
            self.taken = 0;
        }
        Ok(())
    }

    pub(super) fn poll(&mut self, completions: &mut [Completion]) -> Result<usize, LaneFailure> {
        let completed = self.lane.poll(completions).map_err(LaneFailure::Poll)?;
        let room = completions.len();
        if completed > room {
            return Err(LaneFailure::CompletedTooMany { completed, room });
        }
        Ok(completed)
    }

    /// Forgets what it has.
    pub(super) fn clear(&mut self) {
        self.outbox = Vec::new();
        self.taken = 0;
        self.status.under_way = 0;
    }
}

impl std::fmt::Debug for Station {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Station")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}
