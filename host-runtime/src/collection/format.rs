//! Telling the formats apart by content.

use std::fmt;

use super::{ContentError, hex_lines, tcpdb};
use crate::tcp::{
    Descriptor,
    descriptor::{MAGIC, VERSION},
};

/// A format in which descriptors are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Descriptors back to back, nothing else.
    Packed,
    /// A `TCPDB` database.
    Database,
    /// Text, one descriptor a line.
    HexLines,
    /// JSON with descriptors as strings.
    Json,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Packed => "packed array",
            Self::Database => "TCPDB database",
            Self::HexLines => "text",
            Self::Json => "JSON",
        })
    }
}

/// How every descriptor begins that is not malformed.
const PREFIX: [u8; 6] = [MAGIC[0], MAGIC[1], MAGIC[2], MAGIC[3], 0, VERSION as u8];

impl Format {
    /// Finds the format of a file's contents.
    ///
    /// One damaged byte in a database's magic does not make it an array of malformed descriptors,
    /// nor does a malformed first descriptor hide a packed array.
    pub(super) fn detect(bytes: &[u8]) -> Result<Self, ContentError> {
        if bytes.is_empty() {
            return Err(ContentError::Empty);
        }
        if is_database(bytes) {
            return Ok(Self::Database);
        }
        if bytes.starts_with(&MAGIC) || is_packed(bytes) {
            return if bytes.len().is_multiple_of(Descriptor::SIZE) {
                Ok(Self::Packed)
            } else {
                Err(ContentError::Length {
                    length: bytes.len(),
                })
            };
        }
        let unknown = Err(ContentError::Unknown {
            length: bytes.len(),
        });
        if std::str::from_utf8(bytes).is_err() {
            return unknown;
        }
        match without_mark(bytes).trim_ascii_start().first() {
            Some(b'{' | b'[' | b'"') => Ok(Self::Json),
            _ if hex_lines::is_likely(bytes) => Ok(Self::HexLines),
            _ => unknown,
        }
    }
}

/// The text without the byte-order mark that some editors put before it.
pub(super) fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// Begins with the database magic, with all of it but one byte, or is cut within it.
fn is_database(bytes: &[u8]) -> bool {
    if bytes.len() < tcpdb::MAGIC.len() {
        return bytes.len() > 3 && tcpdb::MAGIC.starts_with(bytes);
    }
    differing(bytes, &tcpdb::MAGIC) <= 1
}

/// The first record has the right version, or some record all of the prefix but one byte.
fn is_packed(bytes: &[u8]) -> bool {
    let (records, _) = bytes.as_chunks::<{ Descriptor::SIZE }>();
    records
        .first()
        .is_some_and(|first| first[4..6] == PREFIX[4..])
        || records.iter().any(|record| differing(record, &PREFIX) <= 1)
}

fn differing(bytes: &[u8], expected: &[u8; 6]) -> usize {
    bytes
        .iter()
        .zip(expected)
        .filter(|(byte, expected)| byte != expected)
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIT: &str = "544350020002ba9f11ec0000024407d000c80d920003f202";

    fn git() -> Vec<u8> {
        GIT.parse::<Descriptor>().unwrap().0.to_vec()
    }

    #[test]
    fn a_malformed_descriptor_does_not_hide_a_packed_array() {
        for byte in 0..24 {
            let mut bytes = git();
            bytes[byte] ^= 0x11;
            assert_eq!(
                Format::detect(&bytes).unwrap(),
                Format::Packed,
                "byte {byte}"
            );
        }
        let mut bytes = vec![0xff; 24];
        assert!(Format::detect(&bytes).is_err());
        let mut damaged = git();
        damaged[1] = 0;
        bytes.extend(damaged);
        assert_eq!(Format::detect(&bytes).unwrap(), Format::Packed);
        let mut other_magic = git();
        other_magic[..4].fill(0xff);
        assert_eq!(Format::detect(&other_magic).unwrap(), Format::Packed);
    }

    #[test]
    fn a_damaged_database_magic_is_a_database_still() {
        let whole = [&tcpdb::MAGIC[..], &git()].concat();
        for byte in 0..6 {
            let mut bytes = whole.clone();
            bytes[byte] ^= 0x40;
            assert_eq!(
                Format::detect(&bytes).unwrap(),
                Format::Database,
                "byte {byte}"
            );
        }
        for length in 4..6 {
            assert_eq!(Format::detect(&whole[..length]).unwrap(), Format::Database);
        }
    }

    #[test]
    fn packed_descriptors_cut_short_say_so() {
        let bytes = [git(), git()].concat();
        for length in (25..48).chain(4..24) {
            let error = Format::detect(&bytes[..length]).unwrap_err();
            assert!(
                matches!(error, ContentError::Length { length: l } if l == length),
                "{error}"
            );
        }
    }

    #[test]
    fn text_is_told_by_its_first_character_or_its_lines() {
        for (text, format) in [
            (" \n {}", Format::Json),
            ("[1", Format::Json),
            ("\u{feff}{}", Format::Json),
            ("\"x\"", Format::Json),
            (GIT, Format::HexLines),
            ("# only a comment\n\n\nabcdef0123 x", Format::HexLines),
            (&format!("what?\n{GIT} git"), Format::HexLines),
        ] {
            assert_eq!(Format::detect(text.as_bytes()).unwrap(), format, "{text}");
        }
    }

    #[test]
    fn anything_else_is_unknown_and_the_error_lists_the_formats() {
        let elf = [&b"\x7fELF\x02\x01\x01\0"[..], &[0; 40]].concat();
        let inputs: [&[u8]; 6] = [
            &elf,
            b"hello, world\n",
            b"T",
            b"TCP",
            &[0; 240],
            b"# nothing\n",
        ];
        for bytes in inputs {
            let error = Format::detect(bytes).unwrap_err();
            assert!(
                matches!(error, ContentError::Unknown { .. }),
                "{bytes:?}: {error}"
            );
            assert!(error.to_string().contains("TCPDB"), "{error}");
        }
        assert!(matches!(Format::detect(b""), Err(ContentError::Empty)));
    }
}
