//! Why descriptors cannot be read: what is wrong, where, and what would be right.

use std::{io, path::PathBuf};

use thiserror::Error;

use super::{Format, tcpdb::DatabaseError};
use crate::tcp::descriptor::ParseDescriptorError;

/// The formats, as every error about an unreadable file lists them.
const ACCEPTED: &str = "accepted are packed 24-byte descriptors, a TCPDB database, lines of 48 hex \
                        digits with an optional name, and JSON with strings of 48 hex digits";

/// Why a file of descriptors cannot be read.
#[derive(Debug, Error)]
pub enum CollectionError {
    /// The file cannot be opened or read.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file's contents are not descriptors.
    #[error("cannot read the descriptors in {}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ContentError,
    },
}

/// Why bytes are not a collection of descriptors.
#[derive(Debug, Error)]
pub enum ContentError {
    /// There are no bytes.
    #[error("it is empty; {ACCEPTED}")]
    Empty,
    /// The bytes are of no known format.
    #[error("its {length} bytes are in no known format; {ACCEPTED}")]
    Unknown {
        /// The number of bytes.
        length: usize,
    },
    /// Packed descriptors end amid one.
    #[error(
        "it holds packed descriptors, but its length of {length} bytes is not a multiple of 24: \
         {} descriptors and {} bytes more; it may be cut short", length / 24, length % 24
    )]
    Length {
        /// The number of bytes.
        length: usize,
    },
    /// A database contradicts itself or ends early.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A line is no descriptor.
    #[error("line {line}: {problem}; write 48 hex digits, then a name if you like, or a # comment")]
    HexLine {
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: ParseDescriptorError,
    },
    /// The text begins as JSON does, but is none.
    #[error("it begins as JSON does, but cannot be read: {0}")]
    Json(serde_json::Error),
    /// The format is right, but there is no descriptor in it.
    #[error("the {0} has no descriptor: no string of 48 hex digits")]
    NoDescriptors(Format),
}
