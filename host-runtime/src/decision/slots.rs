//! Which policy is in which slot of a lane. A slot is rewritten only when nothing is under way in it, so that what is
//! under way is decided by the policy it was bound to, and a completion's version has one right value.

use std::collections::HashMap;

use super::lane::{Lane, LaneError};
use crate::tcp::Policy;

/// A slot that holds a policy.
#[derive(Debug, Clone, Copy)]
struct Slot {
    policy: Policy,
    /// What the lane's completions have to carry.
    version: u8,
    /// Namespaces whose requests go here.
    bound: u32,
    /// Requests that the lane has.
    under_way: u32,
    /// Whether it is in the list of spare slots.
    spare: bool,
}

/// The policy slots of a lane.
#[derive(Debug, Default)]
pub(super) struct Slots {
    slots: Vec<Slot>,
    /// How many there may be.
    most: usize,
    by_policy: HashMap<Policy, u32>,
    /// Slots that are neither bound nor have anything under way, and others that were so once.
    spare: Vec<u32>,
}

impl Slots {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            ..Self::default()
        }
    }

    /// Binds one more namespace to the slot of that policy, which is set up if it has none. `None`: no slot is spare.
    pub(super) fn bind(
        &mut self,
        policy: &Policy,
        lane: &mut dyn Lane,
    ) -> Result<Option<u32>, LaneError> {
        if let Some(&index) = self.by_policy.get(policy) {
            self.slots[index as usize].bound += 1;
            return Ok(Some(index));
        }
        let index = match self.take_spare() {
            Some(index) => index,
            None if self.slots.len() < self.most => self.slots.len(),
            None => return Ok(None),
        };
        let slot = Slot {
            policy: *policy,
            version: lane.set_policy(index, policy)?,
            bound: 1,
            under_way: 0,
            spare: false,
        };
        if index == self.slots.len() {
            self.slots.push(slot);
        } else {
            self.by_policy.remove(&self.slots[index].policy);
            self.slots[index] = slot;
        }
        self.by_policy.insert(*policy, index as u32);
        Ok(Some(index as u32))
    }

    fn take_spare(&mut self) -> Option<usize> {
        while let Some(index) = self.spare.pop() {
            let slot = &mut self.slots[index as usize];
            slot.spare = false;
            if slot.bound == 0 && slot.under_way == 0 {
                return Some(index as usize);
            }
        }
        None
    }

    /// A namespace's requests do not go here any more.
    pub(super) fn unbind(&mut self, index: u32) {
        self.slots[index as usize].bound -= 1;
        self.note_spare(index);
    }

    /// A request goes to the lane.
    #[inline(always)]
    pub(super) fn begin(&mut self, index: u32) {
        self.slots[index as usize].under_way += 1;
    }

    /// A request came back from the lane.
    #[inline(always)]
    pub(super) fn end(&mut self, index: u32) {
        let slot = &mut self.slots[index as usize];
        slot.under_way -= 1;
        if slot.under_way == 0 && slot.bound == 0 {
            self.note_spare(index);
        }
    }

    /// The version that completions of this slot have to carry.
    #[inline(always)]
    pub(super) fn version(&self, index: u32) -> u8 {
        self.slots[index as usize].version
    }

    /// The policy that decides what is under way in this slot.
    pub(super) fn policy(&self, index: u32) -> &Policy {
        &self.slots[index as usize].policy
    }

    fn note_spare(&mut self, index: u32) {
        let slot = &mut self.slots[index as usize];
        if slot.bound == 0 && slot.under_way == 0 && !slot.spare {
            slot.spare = true;
            self.spare.push(index);
        }
    }
}
