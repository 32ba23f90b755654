//! The policy slots of the software device's queues: set by any thread, looked at by those that judge before each batch.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::tcp::{Policy, PolicySlot};

/// A slot in force.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    pub(super) policy: Policy,
    /// How often it was set, modulo 256.
    pub(super) version: u8,
    /// The change that set it, 0 for none.
    pub(super) change: u64,
}

/// All slots of a card.
#[derive(Debug)]
pub(super) struct Policies {
    /// How many changes there were. Written with the slots locked.
    changes: AtomicU64,
    slots: Mutex<[Slot; PolicySlot::COUNT]>,
}

impl Policies {
    /// Slots as after a reset.
    pub(super) fn new() -> Self {
        let slot = Slot {
            policy: Policy::reset_default(),
            version: 0,
            change: 0,
        };
        Self {
            changes: AtomicU64::new(0),
            slots: Mutex::new([slot; PolicySlot::COUNT]),
        }
    }

    /// Puts a policy in force and says by which version. Whoever sees something that was done after this call also sees
    /// this change.
    pub(super) fn set(&self, slot: PolicySlot, policy: &Policy) -> u8 {
        let mut slots = self.slots.lock();
        let change = self.changes.load(Ordering::Relaxed) + 1;
        let slot = &mut slots[slot.index()];
        *slot = Slot {
            policy: *policy,
            version: slot.version.wrapping_add(1),
            change,
        };
        self.changes.store(change, Ordering::Release);
        slot.version
    }

    /// All slots, if anything changed after change `seen`; with the last change.
    #[inline]
    pub(super) fn since(&self, seen: u64) -> Option<(u64, [Slot; PolicySlot::COUNT])> {
        if self.changes.load(Ordering::Acquire) == seen {
            return None;
        }
        let slots = self.slots.lock();
        Some((self.changes.load(Ordering::Relaxed), *slots))
    }
}
