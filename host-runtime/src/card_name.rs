//! Names that people give to served cards: short, and safe as a file's name.

use std::fmt;
use std::str::FromStr;

/// Longest name, in bytes.
const LONGEST: usize = 15;

/// The name of a served card: 1 to 15 letters, digits, `_`, `-` and `.`, the first a letter or a digit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServedName {
    bytes: [u8; LONGEST],
    len: u8,
}

/// A text is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a card's name has 1 to {LONGEST} letters, digits, '_', '-' or '.', and begins with a letter or a digit"
)]
pub struct ServedNameError;

impl ServedName {
    /// As text.
    pub fn as_str(&self) -> &str {
        // Only ASCII gets in.
        std::str::from_utf8(&self.bytes[..self.len.into()]).unwrap_or_default()
    }
}

impl FromStr for ServedName {
    type Err = ServedNameError;

    fn from_str(text: &str) -> Result<Self, ServedNameError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        let begins_well = text
            .bytes()
            .next()
            .is_some_and(|first| first.is_ascii_alphanumeric());
        if !begins_well || text.len() > LONGEST || !text.bytes().all(allowed) {
            return Err(ServedNameError);
        }
        let mut bytes = [0; LONGEST];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Ok(Self {
            bytes,
            len: text.len() as u8,
        })
    }
}

impl fmt::Display for ServedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ServedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_what_could_leave_a_folder_is_refused() {
        for name in ["a", "lab-1", "0000.x_y", "abcdefghijklmno"] {
            assert_eq!(name.parse::<ServedName>().unwrap().as_str(), name);
        }
        for name in ["", ".", "..", "-a", "a/b", "a b", "ä", "abcdefghijklmnop"] {
            assert_eq!(name.parse::<ServedName>(), Err(ServedNameError), "{name:?}");
        }
    }
}
