//! The options word: one per batch, the kernel's fourth argument.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::profile::{Checksum, Layout, Profile};

const CHECKSUM_BITS: u32 = 0b11;
const LAYOUT_BIT: u32 = 2;
const OUTPUT_BIT: u32 = 3;
const SLOT_SHIFT: u32 = 4;
const DEFINED_BITS: u32 = 0xff;

/// What a device writes for each descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Output {
    /// One [`Verdict`](super::Verdict) byte.
    #[default]
    Verdicts,
    /// One [`Detail`](super::Detail) word: four bytes, little-endian.
    Details,
}

impl Output {
    /// Bytes written for each descriptor.
    pub const fn bytes_per_descriptor(self) -> usize {
        match self {
            Self::Verdicts => 1,
            Self::Details => 4,
        }
    }
}

/// One of a card's sixteen policy slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct PolicySlot(u8);

impl PolicySlot {
    /// How many slots a card has.
    pub const COUNT: usize = 16;

    /// The slot of that index.
    ///
    /// # Errors
    ///
    /// [`OptionsError::Slot`] when `index` is past 15.
    pub const fn new(index: u32) -> Result<Self, OptionsError> {
        if index < Self::COUNT as u32 {
            Ok(Self(index as u8))
        } else {
            Err(OptionsError::Slot(index))
        }
    }

    /// The slot's index, 0..=15.
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Every slot, in order.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        (0..Self::COUNT as u8).map(Self)
    }
}

/// How a batch of descriptors is to be read and answered. The default is the options word 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Options {
    /// The checksum algorithm.
    pub checksum: Checksum,
    /// The layout of the performance bytes.
    pub layout: Layout,
    /// What is written for each descriptor.
    pub output: Output,
    /// The policy slot that decides.
    pub slot: PolicySlot,
}

impl Options {
    /// The options of a profile, with verdict bytes and policy slot 0.
    pub const fn for_profile(profile: Profile) -> Self {
        Self {
            checksum: profile.checksum(),
            layout: profile.layout(),
            output: Output::Verdicts,
            slot: PolicySlot(0),
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::for_profile(Profile::Compact)
    }
}

impl From<Options> for u32 {
    fn from(options: Options) -> Self {
        let checksum = match options.checksum {
            Checksum::Crc32 => 0,
            Checksum::Sum => 1,
            Checksum::Modbus => 2,
        };
        let layout = match options.layout {
            Layout::Compact => 0,
            Layout::Wide => 1 << LAYOUT_BIT,
        };
        let output = match options.output {
            Output::Verdicts => 0,
            Output::Details => 1 << OUTPUT_BIT,
        };
        checksum | layout | output | (options.slot.index() as u32) << SLOT_SHIFT
    }
}

/// An options word that a device refuses as an argument error.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OptionsError {
    /// Bits 1:0 are 3.
    #[error(
        "options {0:#010x}: checksum code 3 is undefined; use 0 (crc32), 1 (sum) or 2 (modbus)"
    )]
    Checksum(u32),
    /// A bit above 7 is set.
    #[error("options {0:#010x}: bits 31:8 must be zero")]
    UndefinedBits(u32),
    /// There is no such policy slot.
    #[error("policy slot {0} does not exist; the slots are 0..=15")]
    Slot(u32),
}

impl TryFrom<u32> for Options {
    type Error = OptionsError;

    fn try_from(word: u32) -> Result<Self, Self::Error> {
        if word & !DEFINED_BITS != 0 {
            return Err(OptionsError::UndefinedBits(word));
        }
        let checksum = *Checksum::ALL
            .get((word & CHECKSUM_BITS) as usize)
            .ok_or(OptionsError::Checksum(word))?;
        let layout = if word >> LAYOUT_BIT & 1 == 0 {
            Layout::Compact
        } else {
            Layout::Wide
        };
        let output = if word >> OUTPUT_BIT & 1 == 0 {
            Output::Verdicts
        } else {
            Output::Details
        };
        let slot = PolicySlot::new(word >> SLOT_SHIFT)?;
        Ok(Self {
            checksum,
            layout,
            output,
            slot,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_either_round_trips_or_is_an_argument_error() {
        for word in 0..=0x1ff {
            let parsed = Options::try_from(word);
            if word > 0xff {
                assert_eq!(parsed, Err(OptionsError::UndefinedBits(word)));
            } else if word & 3 == 3 {
                assert_eq!(parsed, Err(OptionsError::Checksum(word)));
            } else {
                assert_eq!(parsed.map(u32::from), Ok(word));
            }
        }
        for bit in 8..32 {
            assert_eq!(
                Options::try_from(1 << bit),
                Err(OptionsError::UndefinedBits(1 << bit))
            );
        }
    }

    #[test]
    fn the_profiles_have_the_words_of_the_specification() {
        assert_eq!(u32::from(Options::default()), 0);
        assert_eq!(u32::from(Options::for_profile(Profile::Wide)), 5);
    }

    #[test]
    fn fields_lie_where_the_specification_puts_them() {
        let options = Options::try_from(0xa6 | 8).unwrap();
        assert_eq!(options.checksum, Checksum::Modbus);
        assert_eq!(options.layout, Layout::Wide);
        assert_eq!(options.output, Output::Details);
        assert_eq!(options.slot.index(), 10);
    }

    #[test]
    fn a_slot_past_fifteen_is_refused() {
        assert_eq!(PolicySlot::new(16), Err(OptionsError::Slot(16)));
        assert_eq!(PolicySlot::all().map(PolicySlot::index).max(), Some(15));
    }
}
