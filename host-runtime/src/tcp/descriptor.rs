//! The 24-byte descriptor as it lies in memory, in a file and on the card's bus.
//!
//! A [`Descriptor`] is any 24 bytes: reading a field never fails and never judges. Whether the
//! bytes are well-formed is decided in one place only, by a device or by [`super::golden`].

use std::{fmt, str::FromStr};

use bytemuck::{Pod, Zeroable};
use thiserror::Error;

use super::profile::{Checksum, Layout};

/// Bytes 0..4 of every well-formed descriptor: `"TCP"` and the format's version, 2.
pub const MAGIC: [u8; 4] = *b"TCP\x02";

/// The version field (bytes 4..6) of every well-formed descriptor.
pub const VERSION: u16 = 2;

/// The bytes that the checksum covers: all but the checksum itself.
pub const CHECKED_BYTES: usize = 22;

/// One descriptor: 24 bytes, big-endian fields, no alignment.
///
/// `&[u8]` of a multiple of 24 bytes and `&[Descriptor]` cast into each other with
/// [`bytemuck::cast_slice`], without a copy.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Pod, Zeroable)]
#[repr(transparent)]
pub struct Descriptor(pub [u8; Descriptor::SIZE]);

impl Descriptor {
    /// The size of a descriptor in bytes; also the stride of a packed array.
    pub const SIZE: usize = 24;

    /// The raw bytes.
    pub const fn as_bytes(&self) -> &[u8; Self::SIZE] {
        &self.0
    }

    /// Bytes 0..4; [`MAGIC`] when well-formed.
    pub fn magic(&self) -> [u8; 4] {
        self.field(0)
    }

    /// Bytes 4..6; [`VERSION`] when well-formed.
    pub fn version(&self) -> u16 {
        u16::from_be_bytes(self.field(4))
    }

    /// Bytes 6..10: the first four bytes of the MD5 of the command's name.
    pub fn command_hash(&self) -> u32 {
        u32::from_be_bytes(self.field(6))
    }

    /// Bytes 10..14: risk level (bits 0..=4, one-hot), capabilities, reserved and vendor bits.
    pub fn flags(&self) -> u32 {
        u32::from_be_bytes(self.field(10))
    }

    /// The declared execution time in milliseconds.
    pub fn exec_ms(&self, layout: Layout) -> u32 {
        match layout {
            Layout::Compact => u16::from_be_bytes(self.field(14)).into(),
            Layout::Wide => u32::from_be_bytes(self.field(14)),
        }
    }

    /// The declared memory use in megabytes.
    pub fn memory_mb(&self, layout: Layout) -> u16 {
        match layout {
            Layout::Compact => u16::from_be_bytes(self.field(16)),
            Layout::Wide => u16::from_be_bytes(self.field(18)),
        }
    }

    /// The declared output size in kilobytes.
    pub fn output_kb(&self, layout: Layout) -> u16 {
        match layout {
            Layout::Compact => u16::from_be_bytes(self.field(18)),
            Layout::Wide => u16::from_be_bytes(self.field(20)),
        }
    }

    /// The length of the command's name in bytes; the wide layout has no such field.
    pub fn name_len(&self, layout: Layout) -> Option<u16> {
        match layout {
            Layout::Compact => Some(u16::from_be_bytes(self.field(20))),
            Layout::Wide => None,
        }
    }

    /// Bytes 22..24: the checksum as stored.
    pub fn stored_checksum(&self) -> u16 {
        u16::from_be_bytes(self.field(22))
    }

    /// The checksum that bytes 0..22 call for.
    pub fn expected_checksum(&self, checksum: Checksum) -> u16 {
        checksum.compute(&self.field(0))
    }

    /// Stores the checksum that bytes 0..22 call for.
    pub fn write_checksum(&mut self, checksum: Checksum) {
        let expected = self.expected_checksum(checksum);
        self.0[CHECKED_BYTES..].copy_from_slice(&expected.to_be_bytes());
    }

    fn field<const N: usize>(&self, start: usize) -> [u8; N] {
        std::array::from_fn(|i| self.0[start + i])
    }
}

/// 48 lower-case hex digits.
impl fmt::Display for Descriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; 2 * Self::SIZE];
        hex::encode_to_slice(self.0, &mut digits).map_err(|_| fmt::Error)?;
        f.pad(std::str::from_utf8(&digits).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Descriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Descriptor({self})")
    }
}

/// Why a text is not a descriptor.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ParseDescriptorError {
    /// The text has the wrong number of characters.
    #[error("a descriptor is 48 hex digits (24 bytes); this text has {found} characters")]
    Length {
        /// Characters found.
        found: usize,
    },
    /// A character is not a hex digit.
    #[error("a descriptor is 48 hex digits; character {position} is {found:?}")]
    Digit {
        /// The character.
        found: char,
        /// Its place, counted from 1.
        position: usize,
    },
}

/// Parses exactly 48 hex digits of either case.
impl FromStr for Descriptor {
    type Err = ParseDescriptorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some((index, found)) = text
            .chars()
            .enumerate()
            .find(|(_, character)| !character.is_ascii_hexdigit())
        {
            return Err(ParseDescriptorError::Digit {
                found,
                position: index + 1,
            });
        }
        let mut bytes = [0; Self::SIZE];
        hex::decode_to_slice(text, &mut bytes)
            .map_err(|_| ParseDescriptorError::Length { found: text.len() })?;
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIT: &str = "544350020002ba9f11ec0000024407d000c80d920003f202";

    #[test]
    fn fields_are_big_endian_and_placed_by_layout() {
        let git: Descriptor = GIT.parse().unwrap();
        assert_eq!(git.magic(), MAGIC);
        assert_eq!(git.version(), VERSION);
        assert_eq!(git.command_hash(), 0xba9f_11ec);
        assert_eq!(git.flags(), 0x244);
        assert_eq!(git.exec_ms(Layout::Compact), 0x07d0);
        assert_eq!(git.memory_mb(Layout::Compact), 0x00c8);
        assert_eq!(git.output_kb(Layout::Compact), 0x0d92);
        assert_eq!(git.name_len(Layout::Compact), Some(3));
        assert_eq!(git.exec_ms(Layout::Wide), 0x07d0_00c8);
        assert_eq!(git.memory_mb(Layout::Wide), 0x0d92);
        assert_eq!(git.output_kb(Layout::Wide), 3);
        assert_eq!(git.name_len(Layout::Wide), None);
        assert_eq!(git.stored_checksum(), 0xf202);
        assert_eq!(git.expected_checksum(Checksum::Crc32), 0xf202);
    }

    #[test]
    fn text_round_trips_in_either_case() {
        let git: Descriptor = GIT.parse().unwrap();
        assert_eq!(git.to_string(), GIT);
        assert_eq!(GIT.to_uppercase().parse(), Ok(git));
        assert_eq!(format!("{git:?}"), format!("Descriptor({GIT})"));
    }

    #[test]
    fn a_text_of_another_length_is_refused_with_its_length() {
        for text in ["", "54", &GIT[..47], &format!("{GIT}0")] {
            let found = text.len();
            assert_eq!(
                text.parse::<Descriptor>(),
                Err(ParseDescriptorError::Length { found })
            );
        }
    }

    #[test]
    fn a_character_that_is_no_digit_is_named_with_its_place() {
        let text = GIT.replacen("11", "ü", 1);
        let expected = ParseDescriptorError::Digit {
            found: 'ü',
            position: 17,
        };
        assert_eq!(text.parse::<Descriptor>(), Err(expected));
    }
}
