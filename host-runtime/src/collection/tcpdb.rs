//! The `TCPDB` descriptor database: named entries, and an index of where each one lies.
//!
//! The file says everything twice, so everything is checked: counts, lengths, and that each index
//! record names the entry that it points at. All integers are big-endian.
//!
//! | bytes | field |
//! |---|---|
//! | 0..6 | magic, `"TCPDB"` and the version 2 |
//! | 6..10 | entry count |
//! | 10..18 | Unix time of writing |
//! | 18..22 | index size in bytes |
//! | 22.. | entries: u16 name length, name, 24-byte descriptor |
//! | .. to the end | index: u16 name length, name, u64 file offset of the entry |

use std::io::{self, Write};

use thiserror::Error;

use super::Parsed;
use crate::tcp::Descriptor;

/// The first six bytes of every database.
pub const MAGIC: [u8; 6] = *b"TCPDB\x02";

const HEADER_SIZE: usize = 22;

/// The smallest entry: an empty name and a descriptor.
const MIN_ENTRY_SIZE: usize = 2 + Descriptor::SIZE;

/// What a database says of itself beside its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatabaseInfo {
    /// When it was written, in seconds since the Unix epoch.
    pub unix_time: u64,
    /// Whether the entries are sorted by name, as the format asks; it is readable either way.
    pub sorted: bool,
}

/// How a database contradicts itself. Offsets are in bytes from the start of the file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DatabaseError {
    /// The first bytes are not the magic.
    #[error(
        "the database's magic is {}, not {}; its first bytes are damaged",
        hex::encode(.found), hex::encode(MAGIC)
    )]
    Magic {
        /// The first six bytes.
        found: Vec<u8>,
    },
    /// A field reaches past the end of its part of the file.
    #[error(
        "the database is cut short or damaged: {what} at offset {offset} needs {needed} bytes, \
         but {available} are left"
    )]
    Truncated {
        /// The field.
        what: String,
        /// Where it begins.
        offset: usize,
        /// Its length in bytes.
        needed: usize,
        /// The bytes there are.
        available: usize,
    },
    /// Bytes are left over where a part of the file should end.
    #[error(
        "the database is damaged: {extra} bytes at offset {offset}, after the last {part}, belong \
         to nothing; the entry count of {count} or a length is wrong"
    )]
    Trailing {
        /// The part of the file.
        part: &'static str,
        /// Where it should end.
        offset: usize,
        /// How many bytes are too many.
        extra: usize,
        /// The entry count of the header.
        count: u32,
    },
    /// A name is not UTF-8.
    #[error("the database is damaged: the name of {what} at offset {offset} is not UTF-8")]
    Name {
        /// Whose name it is.
        what: String,
        /// Where the name begins.
        offset: usize,
    },
    /// An index record points at no entry, or at one that another record points at.
    #[error(
        "the database is damaged: index record {record} at offset {offset} points at offset \
         {target}, where no entry begins that is not indexed already"
    )]
    IndexTarget {
        /// The record, counted from 0.
        record: u32,
        /// Where it begins.
        offset: usize,
        /// Where it points.
        target: u64,
    },
    /// An index record and the entry it points at have different names.
    #[error(
        "the database is damaged: index record {record} at offset {offset} is named {indexed:?}, \
         but the entry it points at {entry:?}"
    )]
    IndexName {
        /// The record, counted from 0.
        record: u32,
        /// Where it begins.
        offset: usize,
        /// The record's name.
        indexed: String,
        /// The entry's name.
        entry: String,
    },
}

/// Reads a database.
pub(super) fn read(bytes: &[u8]) -> Result<(Parsed, DatabaseInfo), DatabaseError> {
    let mut header = Part {
        bytes,
        offset: 0,
        end: bytes.len(),
    };
    let magic = header.take(MAGIC.len(), || "the magic".into())?;
    if magic != MAGIC {
        return Err(DatabaseError::Magic {
            found: magic.to_vec(),
        });
    }
    let count = u32::from_be_bytes(header.array(|| "the entry count".into())?);
    let unix_time = u64::from_be_bytes(header.array(|| "the time".into())?);
    let index_size = u32::from_be_bytes(header.array(|| "the index size".into())?) as usize;
    let Some(index_start) = bytes
        .len()
        .checked_sub(index_size)
        .filter(|start| *start >= HEADER_SIZE)
    else {
        return Err(DatabaseError::Truncated {
            what: "the index".into(),
            offset: HEADER_SIZE,
            needed: index_size,
            available: bytes.len() - HEADER_SIZE,
        });
    };

    let mut entries = Part {
        bytes,
        offset: HEADER_SIZE,
        end: index_start,
    };
    // The count may lie; the file's size does not.
    let likely = (count as usize).min((index_start - HEADER_SIZE) / MIN_ENTRY_SIZE);
    let mut starts = Vec::with_capacity(likely);
    let mut parsed = Parsed::default();
    parsed.descriptors.reserve(likely);
    let mut sorted = true;
    let mut previous = "";
    for entry in 0..count {
        starts.push(entries.offset as u64);
        let name = entries.name(|| format!("entry {entry}"))?;
        let descriptor = entries.array(|| format!("the descriptor of entry {entry}"))?;
        parsed.push(name, Descriptor(descriptor));
        sorted &= previous <= name;
        previous = name;
    }
    entries.finish("entry", count)?;

    let index = Part {
        bytes,
        offset: index_start,
        end: bytes.len(),
    };
    check_index(index, count, &starts, &parsed)?;
    Ok((parsed, DatabaseInfo { unix_time, sorted }))
}

fn check_index(
    mut index: Part<'_>,
    count: u32,
    starts: &[u64],
    parsed: &Parsed,
) -> Result<(), DatabaseError> {
    let mut indexed = vec![false; starts.len()];
    for record in 0..count {
        let offset = index.offset;
        let name = index.name(|| format!("index record {record}"))?;
        let target =
            u64::from_be_bytes(index.array(|| format!("the target of index record {record}"))?);
        let entry = starts
            .binary_search(&target)
            .ok()
            .filter(|entry| !std::mem::replace(&mut indexed[*entry], true))
            .ok_or(DatabaseError::IndexTarget {
                record,
                offset,
                target,
            })?;
        let entry_name = parsed.names.get(entry).unwrap_or_default();
        if entry_name != name {
            return Err(DatabaseError::IndexName {
                record,
                offset,
                indexed: name.to_owned(),
                entry: entry_name.to_owned(),
            });
        }
    }
    index.finish("index record", count)
}

/// A part of the file, read from its start to its end.
struct Part<'a> {
    bytes: &'a [u8],
    offset: usize,
    end: usize,
}

impl<'a> Part<'a> {
    fn take(
        &mut self,
        needed: usize,
        what: impl FnOnce() -> String,
    ) -> Result<&'a [u8], DatabaseError> {
        let offset = self.offset;
        let available = self.end - offset;
        if needed > available {
            return Err(DatabaseError::Truncated {
                what: what(),
                offset,
                needed,
                available,
            });
        }
        self.offset += needed;
        Ok(&self.bytes[offset..self.offset])
    }

    fn array<const N: usize>(
        &mut self,
        what: impl FnOnce() -> String,
    ) -> Result<[u8; N], DatabaseError> {
        self.take(N, what)
            .map(|bytes| std::array::from_fn(|i| bytes[i]))
    }

    fn name(&mut self, what: impl Fn() -> String) -> Result<&'a str, DatabaseError> {
        let length = u16::from_be_bytes(self.array(|| format!("the name length of {}", what()))?);
        let offset = self.offset;
        let name = self.take(length.into(), || format!("the name of {}", what()))?;
        std::str::from_utf8(name).map_err(|_| DatabaseError::Name {
            what: what(),
            offset,
        })
    }

    fn finish(&self, part: &'static str, count: u32) -> Result<(), DatabaseError> {
        match self.end - self.offset {
            0 => Ok(()),
            extra => Err(DatabaseError::Trailing {
                part,
                offset: self.offset,
                extra,
                count,
            }),
        }
    }
}

/// Why a database cannot be written.
#[derive(Debug, Error)]
pub enum WriteDatabaseError {
    /// A name is longer than its length field can say.
    #[error("the name {:?}... has {} bytes; a database holds names of up to 65535", 
        .name.chars().take(20).collect::<String>(), .name.len())]
    NameTooLong {
        /// The name.
        name: String,
    },
    /// The entries or the index are larger than the header can say.
    #[error("{entries} entries are too many for one database; its index holds up to 4 GiB")]
    TooLarge {
        /// The number of entries.
        entries: usize,
    },
    /// The destination refused.
    #[error("the database cannot be written")]
    Io(#[from] io::Error),
}

/// Writes a database of the entries, sorted by name in the order of code points (as Python sorts
/// strings); entries of one name keep their order.
///
/// # Errors
///
/// [`WriteDatabaseError`]; before anything is written unless the destination itself fails.
pub fn write<N: AsRef<str>>(
    entries: &[(N, Descriptor)],
    unix_time: u64,
    destination: &mut impl Write,
) -> Result<(), WriteDatabaseError> {
    // UTF-8 bytes sort as their code points do.
    let mut sorted: Vec<(&str, &Descriptor)> = entries
        .iter()
        .map(|(name, descriptor)| (name.as_ref(), descriptor))
        .collect();
    sorted.sort_by_key(|(name, _)| *name);

    let mut body = Vec::new();
    let mut index = Vec::new();
    for (name, descriptor) in sorted {
        let length = u16::try_from(name.len())
            .map_err(|_| WriteDatabaseError::NameTooLong {
                name: name.to_owned(),
            })?
            .to_be_bytes();
        index.extend(length);
        index.extend(name.as_bytes());
        index.extend(((HEADER_SIZE + body.len()) as u64).to_be_bytes());
        body.extend(length);
        body.extend(name.as_bytes());
        body.extend(descriptor.as_bytes());
    }
    let too_large = |_| WriteDatabaseError::TooLarge {
        entries: entries.len(),
    };
    let count = u32::try_from(entries.len()).map_err(too_large)?;
    let index_size = u32::try_from(index.len()).map_err(too_large)?;

    destination.write_all(&MAGIC)?;
    destination.write_all(&count.to_be_bytes())?;
    destination.write_all(&unix_time.to_be_bytes())?;
    destination.write_all(&index_size.to_be_bytes())?;
    destination.write_all(&body)?;
    destination.write_all(&index)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn database(names: &[&str]) -> Vec<u8> {
        let entries: Vec<_> = names
            .iter()
            .enumerate()
            .map(|(index, name)| (*name, Descriptor([index as u8; 24])))
            .collect();
        let mut bytes = Vec::new();
        write(&entries, 1_600_000_000, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn the_bytes_are_those_of_the_specification() {
        let bytes = database(&["b", "é"]);
        let expected = [
            &b"TCPDB\x02\0\0\0\x02\0\0\0\0\x5f\x5e\x10\x00\0\0\0\x17"[..],
            b"\0\x01b",
            &[0; 24],
            b"\0\x02\xc3\xa9",
            &[1; 24],
            b"\0\x01b\0\0\0\0\0\0\0\x16",
            b"\0\x02\xc3\xa9\0\0\0\0\0\0\0\x31",
        ];
        assert_eq!(bytes, expected.concat());
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_sorted(
            entries: Vec<(String, [u8; 24])>,
            unix_time: u64,
        ) {
            let entries: Vec<_> =
                entries.into_iter().map(|(name, bytes)| (name, Descriptor(bytes))).collect();
            let mut bytes = Vec::new();
            write(&entries, unix_time, &mut bytes).unwrap();
            let (parsed, info) = read(&bytes).unwrap();
            prop_assert_eq!(info, DatabaseInfo { unix_time, sorted: true });
            let mut expected = entries;
            expected.sort_by_key(|(name, _)| name.chars().collect::<Vec<_>>());
            let names = parsed.names.iter().map(|name| name.unwrap_or_default().to_owned());
            let read: Vec<_> = names.zip(parsed.descriptors).collect();
            prop_assert_eq!(read, expected);
        }

        #[test]
        fn noise_after_the_magic_never_panics(noise: Vec<u8>, count in 0u8..3, index in 0u8..40) {
            let mut bytes = [&MAGIC[..], &[0, 0, 0, count], &[0; 8], &[0, 0, 0, index]].concat();
            bytes.extend(noise);
            let _ = read(&bytes);
        }
    }

    #[test]
    fn every_cut_is_an_error() {
        let bytes = database(&["cat", "", "rm", "zé"]);
        for length in 0..bytes.len() {
            assert!(read(&bytes[..length]).is_err(), "cut to {length} bytes");
        }
    }

    #[test]
    fn every_flipped_bit_is_an_error_save_in_time_and_descriptors() {
        let names = ["cat", "cau", "rm", "zé"];
        let bytes = database(&names);
        let time = 10..18;
        let mut free = Vec::from([time]);
        let mut offset = HEADER_SIZE;
        for name in names {
            offset += 2 + name.len();
            free.push(offset..offset + 24);
            offset += 24;
        }
        for bit in 0..8 * bytes.len() {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let is_free = free.iter().any(|range| range.contains(&(bit / 8)));
            assert_eq!(
                read(&flipped).is_ok(),
                is_free,
                "bit {} of byte {}",
                bit % 8,
                bit / 8
            );
        }
    }

    #[test]
    fn bytes_after_the_index_are_an_error() {
        let bytes = [database(&["cat"]), vec![0]].concat();
        assert!(matches!(
            read(&bytes),
            Err(DatabaseError::Trailing { part: "entry", .. })
        ));
        let mut larger_index = bytes;
        larger_index[21] += 1;
        let error = read(&larger_index).unwrap_err();
        assert!(matches!(
            error,
            DatabaseError::Trailing {
                part: "index record",
                extra: 1,
                ..
            }
        ));
    }

    #[test]
    fn errors_say_where() {
        let bytes = database(&["cat", "rm"]);
        let mut target = bytes.clone();
        let last = target.len() - 1;
        target[last] = 22;
        let error = read(&target).unwrap_err();
        assert_eq!(
            error,
            DatabaseError::IndexTarget {
                record: 1,
                offset: 92,
                target: 22
            }
        );
        let mut name = bytes.clone();
        name[24] = b'b';
        let text = read(&name).unwrap_err().to_string();
        assert!(
            text.contains("record 0") && text.contains("\"bat\""),
            "{text}"
        );
        let mut count = bytes;
        count[9] = 3;
        let text = read(&count).unwrap_err().to_string();
        assert!(text.contains("entry 2 at offset 79"), "{text}");
    }

    #[test]
    fn a_huge_count_costs_no_memory() {
        let mut bytes = database(&["cat"]);
        bytes[6..10].copy_from_slice(&u32::MAX.to_be_bytes());
        assert!(matches!(read(&bytes), Err(DatabaseError::Truncated { .. })));
    }

    #[test]
    fn entries_out_of_order_are_read_and_reported() {
        let mut bytes = database(&["a", "b"]);
        // The names of the two entries, then of the two index records.
        for offset in [24, 51, 78, 89] {
            bytes[offset] ^= b'a' ^ b'b';
        }
        let (parsed, info) = read(&bytes).unwrap();
        assert_eq!(parsed.names.get(0), Some("b"));
        assert!(!info.sorted);
    }

    #[test]
    fn a_name_too_long_is_refused() {
        let entries = [("x".repeat(0x1_0000), Descriptor([0; 24]))];
        let error = write(&entries, 0, &mut Vec::new()).unwrap_err();
        assert!(matches!(error, WriteDatabaseError::NameTooLong { .. }));
    }
}
