//! Policy slots and counters of a `tcp_validator` on a card.

use crate::kernel::Kernel;
use crate::tcp::registers as reg;
use crate::tcp::{Policy, PolicySlot, Tally};
use crate::{Error, Result};

/// Register offsets and values that make a slot hold a policy.
pub(super) fn slot_registers(slot: PolicySlot, policy: &Policy) -> Vec<(u32, u32)> {
    let base = reg::POLICY + reg::POLICY_STRIDE * slot.index() as u32;
    policy
        .to_words()
        .into_iter()
        .zip((base..).step_by(4))
        .map(|(word, offset)| (offset, word))
        .collect()
}

/// What a card counted since its reset, beyond [`Tally`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Cycles {
    /// Clocks in which a run was going on.
    pub active: u64,
    /// Clocks of those in which it waited for read data.
    pub read_wait: u64,
    /// Clocks of those in which it waited for its writes to be accepted.
    pub write_wait: u64,
}

impl Kernel {
    /// The policy in a slot of a `tcp_validator`.
    ///
    /// # Errors
    /// [`Error::WrongState`] if it holds bits that no policy has, or what the card says.
    pub fn policy(&self, slot: PolicySlot) -> Result<Policy> {
        let base = reg::POLICY + reg::POLICY_STRIDE * slot.index() as u32;
        let mut words = [0; Policy::WORDS];
        for (word, offset) in words.iter_mut().zip((base..).step_by(4)) {
            *word = self.read_register(offset)?;
        }
        Policy::from_words(words).map_err(|error| Error::WrongState {
            card: self.card(),
            reason: format!(
                "policy slot {} holds no policy: {error}; set it anew",
                slot.index()
            ),
        })
    }

    /// Stores a policy in a slot of a `tcp_validator`.
    ///
    /// # Errors
    /// What the card says; a card refuses this while a run goes on.
    pub fn set_policy(&self, slot: PolicySlot, policy: &Policy) -> Result<()> {
        slot_registers(slot, policy)
            .into_iter()
            .try_for_each(|(offset, word)| self.write_register(offset, word))
    }

    /// What a `tcp_validator` counted since its reset.
    ///
    /// # Errors
    /// What the card says.
    pub fn counters(&self) -> Result<(Tally, Cycles)> {
        let mut counters = [0; reg::COUNTER_COUNT as usize];
        for (counter, offset) in counters.iter_mut().zip((reg::COUNTERS..).step_by(8)) {
            // The halves are two accesses: take the high one that the low one belongs to.
            let mut high = self.read_register(offset + 4)?;
            let low = loop {
                let low = self.read_register(offset)?;
                let again = self.read_register(offset + 4)?;
                if again == high {
                    break low;
                }
                high = again;
            };
            *counter = (u64::from(high) << 32) | u64::from(low);
        }
        let (tally, cycles) = counters.split_at(Tally::COUNTERS);
        Ok((
            Tally::from_counters(tally.try_into().expect("its length")),
            Cycles {
                active: cycles[0],
                read_wait: cycles[1],
                write_wait: cycles[2],
            },
        ))
    }
}
