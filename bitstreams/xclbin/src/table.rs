//! The shape shared by the binary sections: a count, then an array of fixed-size entries; and the
//! zero-terminated strings in them. Counts are checked against the bytes that are there before
//! anything is allocated.

use bytemuck::Pod;

use crate::error::{Error, Result};
use crate::section::SectionKind;

/// Where a section keeps its count and its first entry.
#[derive(Clone, Copy)]
pub(crate) struct Table {
    pub(crate) kind: SectionKind,
    /// Size of the signed little-endian `m_count`: 2 or 4 bytes.
    pub(crate) count_size: usize,
    /// Offset of the first entry: the count, padded to the alignment of the entry.
    pub(crate) first: usize,
}

impl Table {
    /// Reads all entries. An empty section is an empty table, as `xclbinutil` has it.
    pub(crate) fn read<T: Pod>(self, data: &[u8]) -> Result<Vec<T>> {
        if data.is_empty() {
            return Ok(Vec::new());
        }
        let Some(count) = data.get(..self.count_size) else {
            return Err(Error::malformed(
                self.kind,
                "m_count",
                0,
                format!("the section ends after {} bytes", data.len()),
            ));
        };
        let count = match *count {
            [a, b] => i64::from(i16::from_le_bytes([a, b])),
            [a, b, c, d] => i64::from(i32::from_le_bytes([a, b, c, d])),
            _ => unreachable!("counts are 2 or 4 bytes"),
        };
        let entries = data.get(self.first..).unwrap_or_default();
        let size = size_of::<T>();
        let room = entries.len() / size;
        match usize::try_from(count) {
            Ok(count) if count <= room => Ok(entries
                .chunks_exact(size)
                .take(count)
                .map(bytemuck::pod_read_unaligned)
                .collect()),
            _ => Err(Error::malformed(
                self.kind,
                "m_count",
                0,
                format!("is {count}, but the section has room for {room} entries of {size} bytes"),
            )),
        }
    }

    /// Writes the count and all entries.
    pub(crate) fn write<T: Pod>(self, entries: &[T]) -> Result<Vec<u8>> {
        let limit = if self.count_size == 2 {
            i64::from(i16::MAX)
        } else {
            i64::from(i32::MAX)
        };
        let count = i64::try_from(entries.len())
            .ok()
            .filter(|&count| count <= limit);
        let Some(count) = count else {
            return Err(Error::build(
                self.kind.to_string(),
                format!("{} entries, but the format ends at {limit}", entries.len()),
            ));
        };
        let mut data = count.to_le_bytes()[..self.count_size].to_vec();
        data.resize(self.first, 0);
        data.extend_from_slice(bytemuck::cast_slice(entries));
        Ok(data)
    }
}

/// The text of a zero-terminated field. Bytes that are not UTF-8 become U+FFFD.
pub(crate) fn text(field: &[u8]) -> String {
    let end = field.iter().position(|&b| b == 0).unwrap_or(field.len());
    String::from_utf8_lossy(&field[..end]).into_owned()
}

/// A zero-terminated field of `N` bytes; `item` names it in the error.
pub(crate) fn field<const N: usize>(item: &str, text: &str) -> Result<[u8; N]> {
    if text.len() >= N || text.contains('\0') {
        return Err(Error::build(
            item,
            format!(
                "\"{}\" does not fit: at most {} bytes, none of them zero",
                text.escape_debug(),
                N - 1
            ),
        ));
    }
    let mut field = [0; N];
    field[..text.len()].copy_from_slice(text.as_bytes());
    Ok(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDE: Table = Table {
        kind: SectionKind::MemTopology,
        count_size: 4,
        first: 8,
    };

    #[test]
    fn a_huge_or_negative_count_is_an_error_and_allocates_nothing() {
        for count in [i32::MAX, 2, -1, i32::MIN] {
            let mut data = count.to_le_bytes().to_vec();
            data.resize(16, 0);
            let error = WIDE.read::<u64>(&data).unwrap_err().to_string();
            assert!(error.contains("MEM_TOPOLOGY, m_count"), "{error}");
            assert!(error.contains("room for 1 entries"), "{error}");
        }
    }

    #[test]
    fn entries_start_where_the_alignment_of_c_puts_them() {
        assert_eq!(
            WIDE.write(&[7u64]).unwrap(),
            [1, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0]
        );
        let narrow = Table {
            kind: SectionKind::ClockFreqTopology,
            count_size: 2,
            first: 2,
        };
        assert_eq!(narrow.write(&[7u16, 8]).unwrap(), [2, 0, 7, 0, 8, 0]);
        assert_eq!(narrow.read::<u16>(&[2, 0, 7, 0, 8, 0]).unwrap(), [7, 8]);
        assert!(narrow.read::<u16>(&[2]).is_err());
        assert!(narrow.read::<u16>(&[]).unwrap().is_empty());
    }

    #[test]
    fn a_text_that_needs_its_terminator_does_not_fit() {
        assert_eq!(field::<4>("x", "abc").unwrap(), *b"abc\0");
        assert!(field::<4>("x", "abcd").is_err());
        assert!(field::<4>("x", "a\0").is_err());
        assert_eq!(text(b"abcd"), "abcd");
        assert_eq!(text(b"ab\0d"), "ab");
    }
}
