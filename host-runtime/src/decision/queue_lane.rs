//! A queue of a card as a lane: the engine then has the card's policy slots for itself.

use super::lane::{Lane, LaneError};
use crate::CardId;
use crate::queue::{Completion, Queue, Submission};
use crate::tcp::{Policy, PolicySlot};

impl Lane for Queue {
    fn name(&self) -> String {
        format!("{}, queue {}", self.card(), self.pair())
    }

    fn policy_slots(&self) -> usize {
        PolicySlot::COUNT
    }

    /// The software device computes what an audit would.
    fn audited(&self) -> bool {
        !matches!(self.card(), CardId::Software(_))
    }

    fn set_policy(&mut self, slot: usize, policy: &Policy) -> Result<u8, LaneError> {
        let slot = u32::try_from(slot)
            .ok()
            .and_then(|slot| PolicySlot::new(slot).ok())
            .ok_or_else(|| LaneError::Failed(format!("a card has no policy slot {slot}")))?;
        Ok(Self::set_policy(self, slot, policy)?)
    }

    fn submit_many(&mut self, submissions: &[Submission]) -> Result<usize, LaneError> {
        // A queue that has ended takes none, and says why when it is polled.
        Ok(Self::submit_many(self, submissions))
    }

    fn poll(&mut self, completions: &mut [Completion]) -> Result<usize, LaneError> {
        Ok(Self::poll(self, completions)?)
    }
}
