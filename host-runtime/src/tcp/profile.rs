//! The two descriptor collections in circulation disagree about the second half of a descriptor.
//!
//! A [`Profile`] names one of them: its performance [`Layout`], its [`Checksum`], what its
//! capability bits are called and which bits must be zero.

use std::{fmt, str::FromStr};

use crc::{CRC_16_MODBUS, Crc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::descriptor::CHECKED_BYTES;

const MODBUS: Crc<u16> = Crc::<u16>::new(&CRC_16_MODBUS);

/// The bits that hold the risk level, one-hot, SAFE in bit 0.
pub const RISK_MASK: u32 = 0x1f;

/// The bits that belong to vendors and are ignored by every profile.
pub const VENDOR_MASK: u32 = 0xffff_0000;

/// How the eight performance bytes (14..22) are divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// exec_ms u16, memory_mb u16, output_kb u16, name_len u16.
    Compact,
    /// exec_ms u32, memory_mb u16, output_kb u16.
    Wide,
}

impl Layout {
    /// Both layouts, in the order of their code in the options word.
    pub const ALL: [Self; 2] = [Self::Compact, Self::Wide];

    /// The largest execution time, in milliseconds, that the layout can state.
    pub const fn max_exec_ms(self) -> u32 {
        match self {
            Self::Compact => u16::MAX as u32,
            Self::Wide => u32::MAX,
        }
    }
}

/// The 16-bit checksum over bytes 0..22.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Checksum {
    /// The low 16 bits of CRC-32 (IEEE 802.3, as zlib's `crc32`).
    Crc32,
    /// The sum of the bytes, modulo 2^16.
    Sum,
    /// CRC-16/MODBUS: polynomial 0x8005 reflected, initial value 0xffff, no final xor.
    Modbus,
}

impl Checksum {
    /// All algorithms, in the order of their code in the options word.
    pub const ALL: [Self; 3] = [Self::Crc32, Self::Sum, Self::Modbus];

    /// The checksum of the first 22 bytes of a descriptor.
    pub fn compute(self, bytes: &[u8; CHECKED_BYTES]) -> u16 {
        match self {
            Self::Crc32 => (crc32fast::hash(bytes) & 0xffff) as u16,
            Self::Sum => bytes.iter().map(|&byte| u16::from(byte)).sum(),
            Self::Modbus => MODBUS.checksum(bytes),
        }
    }
}

/// The lower-case name, as options and files spell it.
impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Crc32 => "crc32",
            Self::Sum => "sum",
            Self::Modbus => "modbus",
        })
    }
}

/// A capability: one of the named security flags above the risk level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Capability {
    /// The bit of the security flags, 5..=15.
    pub bit: u32,
    /// The name in the specification.
    pub name: &'static str,
}

/// One of the two published conventions for descriptors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// The specification's own: compact layout, CRC-32.
    #[default]
    Compact,
    /// The published knowledge base's: wide layout, byte sum.
    Wide,
}

impl Profile {
    /// Both profiles.
    pub const ALL: [Self; 2] = [Self::Compact, Self::Wide];

    /// The layout of the performance bytes.
    pub const fn layout(self) -> Layout {
        match self {
            Self::Compact => Layout::Compact,
            Self::Wide => Layout::Wide,
        }
    }

    /// The checksum algorithm.
    pub const fn checksum(self) -> Checksum {
        match self {
            Self::Compact => Checksum::Crc32,
            Self::Wide => Checksum::Sum,
        }
    }

    /// The security-flag bits that must be zero.
    pub const fn reserved_mask(self) -> u32 {
        match self {
            Self::Compact => 0x0000_f020,
            Self::Wide => 0x0000_c0e0,
        }
    }

    /// The named capability bits, in ascending order.
    pub const fn capabilities(self) -> &'static [Capability] {
        match self {
            Self::Compact => &[
                Capability {
                    bit: 6,
                    name: "REQUIRES_ROOT",
                },
                Capability {
                    bit: 7,
                    name: "DESTRUCTIVE",
                },
                Capability {
                    bit: 8,
                    name: "NETWORK_ACCESS",
                },
                Capability {
                    bit: 9,
                    name: "FILE_MODIFICATION",
                },
                Capability {
                    bit: 10,
                    name: "SYSTEM_MODIFICATION",
                },
                Capability {
                    bit: 11,
                    name: "PRIVILEGE_ESCALATION",
                },
            ],
            Self::Wide => &[
                Capability {
                    bit: 8,
                    name: "FILE_MODIFICATION",
                },
                Capability {
                    bit: 9,
                    name: "NETWORK_ACCESS",
                },
                Capability {
                    bit: 10,
                    name: "REQUIRES_ROOT",
                },
                Capability {
                    bit: 11,
                    name: "DESTRUCTIVE",
                },
                Capability {
                    bit: 12,
                    name: "SYSTEM_MODIFICATION",
                },
                Capability {
                    bit: 13,
                    name: "PROCESS_CONTROL",
                },
            ],
        }
    }

    /// The one-bit mask of the capability of that name.
    ///
    /// # Errors
    ///
    /// [`UnknownCapability`] when the profile has none of that name; it lists those it has.
    pub fn capability_mask(self, name: &str) -> Result<u32, UnknownCapability> {
        self.capabilities()
            .iter()
            .find(|capability| capability.name == name)
            .map(|capability| 1 << capability.bit)
            .ok_or_else(|| UnknownCapability {
                name: name.to_owned(),
                profile: self,
            })
    }

    /// The names of the capability bits set in `flags`, in the order of the bits.
    pub fn capability_names(self, flags: u32) -> impl Iterator<Item = &'static str> {
        self.capabilities()
            .iter()
            .filter(move |capability| flags >> capability.bit & 1 == 1)
            .map(|capability| capability.name)
    }
}

/// The lower-case name, as options and files spell it.
impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Compact => "compact",
            Self::Wide => "wide",
        })
    }
}

/// A text names no profile.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown profile {0:?}; the profiles are \"compact\" and \"wide\"")]
pub struct UnknownProfile(String);

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|profile| profile.to_string() == text)
            .ok_or_else(|| UnknownProfile(text.to_owned()))
    }
}

/// A profile has no capability of this name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "the {profile} profile has no capability {name:?}; it has {}",
    .profile.capabilities().iter().map(|c| c.name).collect::<Vec<_>>().join(", ")
)]
pub struct UnknownCapability {
    /// The name asked for.
    pub name: String,
    /// The profile it was asked of.
    pub profile: Profile,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_agree_with_other_implementations() {
        // Values computed apart: Python's zlib.crc32 and sum, and a bitwise MODBUS loop that gives
        // the catalogue's 0x4b37 for "123456789".
        let bytes = *b"1234567891234567891234";
        assert_eq!(Checksum::Crc32.compute(&bytes), 0x88da);
        assert_eq!(Checksum::Sum.compute(&bytes), 0x0484);
        assert_eq!(Checksum::Modbus.compute(&bytes), 0xce69);
        assert_eq!(Checksum::Sum.compute(&[0xff; 22]), 22 * 0xff);
    }

    #[test]
    fn capability_names_and_bits_are_inverse_in_each_profile() {
        for profile in Profile::ALL {
            for capability in profile.capabilities() {
                let mask = profile.capability_mask(capability.name).unwrap();
                assert_eq!(mask, 1 << capability.bit);
                assert_eq!(
                    profile.capability_names(mask).collect::<Vec<_>>(),
                    [capability.name]
                );
            }
        }
    }

    #[test]
    fn risk_capability_reserved_and_vendor_bits_divide_the_word() {
        for profile in Profile::ALL {
            let capabilities: u32 = profile.capabilities().iter().map(|c| 1 << c.bit).sum();
            let parts = [
                RISK_MASK,
                capabilities,
                profile.reserved_mask(),
                VENDOR_MASK,
            ];
            assert_eq!(parts.iter().fold(0, |all, part| all | part), u32::MAX);
            assert_eq!(parts.iter().map(|part| part.count_ones()).sum::<u32>(), 32);
        }
    }

    #[test]
    fn a_capability_of_the_other_profile_is_refused_with_the_names_there_are() {
        let error = Profile::Wide
            .capability_mask("PRIVILEGE_ESCALATION")
            .unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("wide") && text.contains("PROCESS_CONTROL"),
            "{text}"
        );
    }

    #[test]
    fn profiles_are_parsed_from_their_names_only() {
        assert_eq!("wide".parse(), Ok(Profile::Wide));
        assert_eq!("compact".parse(), Ok(Profile::Compact));
        assert!("Wide".parse::<Profile>().is_err());
    }
}
