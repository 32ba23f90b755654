//! A policy: how the risk, the flags and the stated costs of a descriptor become a decision.
//!
//! A [`Policy`] is exactly what one of a card's policy slots holds, eight 32-bit words; how people
//! write one down is `policy_file`'s business.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::profile::Profile;

/// What is to become of a tool call, in order of severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Decision {
    /// It may run.
    Approve,
    /// It may run, watched.
    Caution,
    /// A person must agree first.
    RequireApproval,
    /// It must not run.
    Reject,
}

impl Decision {
    /// All decisions, mildest first; a decision's index is its code.
    pub const ALL: [Self; 4] = [
        Self::Approve,
        Self::Caution,
        Self::RequireApproval,
        Self::Reject,
    ];

    /// The decision of a two-bit code; higher bits are ignored.
    pub const fn from_code(code: u8) -> Self {
        Self::ALL[(code & 3) as usize]
    }

    /// The two-bit code, 0..=3.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The name in the specification.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Approve => "APPROVE",
            Self::Caution => "CAUTION",
            Self::RequireApproval => "REQUIRE_APPROVAL",
            Self::Reject => "REJECT",
        }
    }
}

/// How dangerous a tool says it is: exactly one of the security flags 0..=4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RiskLevel {
    /// Bit 0.
    Safe,
    /// Bit 1.
    LowRisk,
    /// Bit 2.
    MediumRisk,
    /// Bit 3.
    HighRisk,
    /// Bit 4.
    Critical,
}

impl RiskLevel {
    /// All levels, mildest first; a level's index is its flag bit.
    pub const ALL: [Self; 5] = [
        Self::Safe,
        Self::LowRisk,
        Self::MediumRisk,
        Self::HighRisk,
        Self::Critical,
    ];

    /// The flag bit, 0..=4.
    pub const fn bit(self) -> u32 {
        self as u32
    }

    /// The risk level of the security flags, if exactly one is set.
    ///
    /// None set is not SAFE: a reader that takes it so fails open.
    pub fn from_flags(flags: u32) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|level| flags & super::profile::RISK_MASK == 1 << level.bit())
    }

    /// The name in the specification.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Safe => "SAFE",
            Self::LowRisk => "LOW_RISK",
            Self::MediumRisk => "MEDIUM_RISK",
            Self::HighRisk => "HIGH_RISK",
            Self::Critical => "CRITICAL",
        }
    }
}

/// A text is none of the names it could be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown {kind} {name:?}; use one of {}", .allowed.join(", "))]
pub struct UnknownName {
    kind: &'static str,
    name: String,
    allowed: Vec<&'static str>,
}

macro_rules! named {
    ($type:ty, $kind:literal) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }

        impl FromStr for $type {
            type Err = UnknownName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL
                    .into_iter()
                    .find(|value| value.name() == text)
                    .ok_or_else(|| UnknownName {
                        kind: $kind,
                        name: text.to_owned(),
                        allowed: Self::ALL.map(Self::name).to_vec(),
                    })
            }
        }
    };
}

named!(Decision, "decision");
named!(RiskLevel, "risk level");

/// The largest costs a policy lets pass; a field is over its maximum when strictly greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Execution time in milliseconds.
    pub max_exec_ms: u32,
    /// Memory in megabytes.
    pub max_memory_mb: u16,
    /// Output in kilobytes.
    pub max_output_kb: u16,
}

impl Limits {
    /// Nothing exceeds these.
    pub const NONE: Self = Self {
        max_exec_ms: u32::MAX,
        max_memory_mb: u16::MAX,
        max_output_kb: u16::MAX,
    };
}

/// The contents of a policy slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Policy {
    /// The decision for each risk level, indexed by [`RiskLevel::bit`].
    pub risk: [Decision; 5],
    /// Security-flag bits that make a descriptor malformed.
    pub reserved_mask: u32,
    /// Security-flag bits any of which means REJECT.
    pub deny_mask: u32,
    /// Security-flag bits any of which means at least REQUIRE_APPROVAL.
    pub approval_mask: u32,
    /// The maxima.
    pub limits: Limits,
    /// The least severe decision when a maximum is exceeded.
    pub exceeded: Decision,
}

impl Policy {
    /// Eight little-endian 32-bit words in a slot.
    pub const WORDS: usize = 8;

    /// What every slot holds after reset; it suits the compact profile.
    pub const fn reset_default() -> Self {
        Self::for_profile(Profile::Compact)
    }

    /// The reset contents with the profile's reserved mask.
    pub const fn for_profile(profile: Profile) -> Self {
        Self {
            risk: [
                Decision::Approve,
                Decision::Approve,
                Decision::Caution,
                Decision::RequireApproval,
                Decision::Reject,
            ],
            reserved_mask: profile.reserved_mask(),
            deny_mask: 0,
            approval_mask: 0,
            limits: Limits::NONE,
            exceeded: Decision::Caution,
        }
    }

    /// The slot's words, as written to the card.
    pub fn to_words(&self) -> [u32; Self::WORDS] {
        let risk_table = RiskLevel::ALL.iter().fold(0, |table, level| {
            table | u32::from(self.risk[level.bit() as usize].code()) << (2 * level.bit())
        });
        let memory_and_output =
            u32::from(self.limits.max_memory_mb) | u32::from(self.limits.max_output_kb) << 16;
        [
            risk_table,
            self.reserved_mask,
            self.deny_mask,
            self.approval_mask,
            self.limits.max_exec_ms,
            memory_and_output,
            self.exceeded.code().into(),
            0,
        ]
    }

    /// The policy that a slot's words hold.
    ///
    /// # Errors
    ///
    /// [`PolicyWordError`] when a bit that the format leaves undefined is set.
    pub fn from_words(words: [u32; Self::WORDS]) -> Result<Self, PolicyWordError> {
        const DEFINED: [(usize, u32); 3] = [(0, 0x3ff), (6, 0b11), (7, 0)];
        for (index, defined) in DEFINED {
            if words[index] & !defined != 0 {
                return Err(PolicyWordError {
                    index,
                    word: words[index],
                    defined,
                });
            }
        }
        Ok(Self {
            risk: RiskLevel::ALL
                .map(|level| Decision::from_code((words[0] >> (2 * level.bit())) as u8)),
            reserved_mask: words[1],
            deny_mask: words[2],
            approval_mask: words[3],
            limits: Limits {
                max_exec_ms: words[4],
                max_memory_mb: words[5] as u16,
                max_output_kb: (words[5] >> 16) as u16,
            },
            exceeded: Decision::from_code(words[6] as u8),
        })
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::reset_default()
    }
}

/// A policy slot holds a word that the format does not define.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "policy word {index} is {word:#010x}, but only the bits {defined:#x} are defined; rewrite the slot or reset the card"
)]
pub struct PolicyWordError {
    /// The word's index in the slot.
    pub index: usize,
    /// Its value.
    pub word: u32,
    /// The bits it may have.
    pub defined: u32,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_reset_words_are_those_of_the_specification() {
        let expected = [0x390, 0xf020, 0, 0, u32::MAX, u32::MAX, 1, 0];
        assert_eq!(Policy::reset_default().to_words(), expected);
        assert_eq!(Policy::for_profile(Profile::Wide).to_words()[1], 0xc0e0);
    }

    proptest! {
        #[test]
        fn words_round_trip_or_name_the_undefined_word(words: [u32; 8], tame: bool) {
            let mut words = words;
            if tame {
                words[0] &= 0x3ff;
                words[6] &= 3;
                words[7] = 0;
            }
            match Policy::from_words(words) {
                Ok(policy) => prop_assert_eq!(policy.to_words(), words),
                Err(error) => {
                    prop_assert!(!tame);
                    prop_assert!(error.word & !error.defined != 0);
                    prop_assert_eq!(error.word, words[error.index]);
                }
            }
        }
    }

    #[test]
    fn each_undefined_bit_is_refused() {
        for (index, first) in [(0, 10), (6, 2), (7, 0)] {
            for bit in first..32 {
                let mut words = Policy::reset_default().to_words();
                words[index] |= 1 << bit;
                assert_eq!(Policy::from_words(words).unwrap_err().index, index);
            }
        }
    }

    #[test]
    fn only_one_risk_bit_is_a_risk_level() {
        for flags in 0..32u32 {
            let expected = (flags.count_ones() == 1).then(|| flags.trailing_zeros());
            assert_eq!(
                RiskLevel::from_flags(flags | 0xffff_ff20).map(RiskLevel::bit),
                expected
            );
        }
    }

    #[test]
    fn names_parse_back_and_unknown_ones_list_the_choices() {
        for decision in Decision::ALL {
            assert_eq!(decision.name().parse(), Ok(decision));
            assert_eq!(Decision::from_code(decision.code()), decision);
        }
        for level in RiskLevel::ALL {
            assert_eq!(level.to_string().parse(), Ok(level));
        }
        let error = "DENY".parse::<Decision>().unwrap_err().to_string();
        assert!(
            error.contains("DENY") && error.contains("REQUIRE_APPROVAL"),
            "{error}"
        );
    }
}
