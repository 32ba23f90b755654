//! The policies in a card's slots, kept over a recovery: an administrator who set one must not find another decide.

use std::sync::Arc;

use super::self_test::is_validator;
use crate::card::CardCore;
use crate::tcp::registers as reg;
use crate::tcp::{Policy, PolicySlot};
use crate::{Error, Result};

/// What was in the policy slots of each compute unit.
#[derive(Debug, Default)]
pub(super) struct Policies {
    /// Unit, register and word.
    words: Vec<(usize, u32, u32)>,
    incomplete: bool,
}

impl Policies {
    /// None are kept.
    pub(super) fn none() -> Self {
        Self {
            words: Vec::new(),
            incomplete: true,
        }
    }

    /// Reads what can be read. A card whose registers do not answer loses its policies, and the log says so.
    pub(super) fn read(core: &Arc<CardCore>) -> Self {
        let mut policies = Self::default();
        let Ok(Some(image)) = core.backend().try_image() else {
            policies.incomplete = true;
            return policies;
        };
        for unit in (0..image.units().len()).filter(|&unit| is_validator(&image, unit)) {
            match Self::read_unit(core, unit) {
                Ok(words) => policies.words.extend(words),
                Err(error) => {
                    policies.incomplete = true;
                    let name = &image.units()[unit].name;
                    tracing::warn!(card = %core.id(), unit = name, %error, "its policy slots cannot be read; they will hold their reset values");
                }
            }
        }
        policies
    }

    fn read_unit(core: &Arc<CardCore>, unit: usize) -> Result<Vec<(usize, u32, u32)>> {
        let backend = core.backend();
        let mut kept = Vec::new();
        for slot in 0..PolicySlot::COUNT as u32 {
            let base = reg::POLICY + reg::POLICY_STRIDE * slot;
            let mut words = [0; Policy::WORDS];
            for (word, offset) in words.iter_mut().zip((base..).step_by(4)) {
                *word = backend.read_register(unit, offset)?;
            }
            // Bits that no policy has come from a card that answers nonsense.
            Policy::from_words(words).map_err(|error| Error::WrongState {
                card: core.id(),
                reason: format!("policy slot {slot} holds no policy: {error}"),
            })?;
            if words != Policy::reset_default().to_words() {
                let words = words.into_iter().zip((base..).step_by(4));
                kept.extend(words.map(|(word, offset)| (unit, offset, word)));
            }
        }
        Ok(kept)
    }

    /// Whether all could be read.
    pub(super) fn are_complete(&self) -> bool {
        !self.incomplete
    }

    /// Writes them back: those of one compute unit, or of all.
    pub(super) fn restore(&self, core: &Arc<CardCore>, of: Option<usize>) -> Result<()> {
        let backend = core.backend();
        self.words
            .iter()
            .filter(|&&(unit, ..)| of.is_none_or(|of| of == unit))
            .try_for_each(|&(unit, offset, word)| backend.write_register(unit, offset, word))
    }
}
