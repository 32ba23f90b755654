//! The mark of a card that is or was leased: what is in it belongs to that lease, until it was cleared.

use std::io::{self, Write};
use std::path::Path;

use super::Access;

const NAME: &str = "leased";

/// How the card was leased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark(pub(super) Access);

impl Mark {
    /// The card's mark. What cannot be read counts as the stricter one.
    pub(super) fn read(folder: &Path) -> Option<Self> {
        match std::fs::read_to_string(folder.join(NAME)) {
            Ok(text) if text == Access::Shared.to_string() => Some(Self(Access::Shared)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Ok(_) | Err(_) => Some(Self(Access::Exclusive)),
        }
    }

    pub(super) fn write(self, folder: &Path) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        write!(file, "{}", self.0)?;
        file.persist(folder.join(NAME))?;
        Ok(())
    }

    pub(super) fn remove(folder: &Path) -> io::Result<()> {
        std::fs::remove_file(folder.join(NAME))
    }
}
