//! Descriptors from files, in the four forms that they travel in.
//!
//! | format | told by | names |
//! |---|---|---|
//! | packed raw | 24-byte records that begin as descriptors do | none |
//! | `TCPDB` database | its first six bytes | of each entry |
//! | hex lines | text with lines of 48 hex digits | optional, after the digits |
//! | JSON | text that begins with `{`, `[` or `"` | the key of each string of 48 hex digits |
//!
//! A format is told by content alone, never by a file's name. Malformed descriptors are no error
//! here: they are for a device to judge.

mod error;
mod format;
mod hex_lines;
mod json;
mod names;
pub mod sample;
pub mod tcpdb;

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use memmap2::Mmap;

use crate::tcp::Descriptor;

pub use error::{CollectionError, ContentError};
pub use format::Format;
pub use names::Names;
pub use tcpdb::DatabaseInfo;

/// Descriptors in the order of their file, and their names where the file has any.
#[derive(Debug)]
pub struct Collection {
    format: Format,
    descriptors: Storage,
    names: Option<Names>,
    database: Option<DatabaseInfo>,
}

#[derive(Debug)]
enum Storage {
    Mapped(Mmap),
    Packed(Vec<u8>),
    Parsed(Vec<Descriptor>),
}

impl Collection {
    /// Reads a file. Packed raw descriptors in a regular file are mapped, not copied, so that a
    /// file larger than memory works; all else is read, pipes included.
    ///
    /// A mapped file must not be shortened while the collection lives: reading past its new end
    /// kills the process (SIGBUS). Changed contents are judged as they are when read.
    ///
    /// # Errors
    ///
    /// [`CollectionError`], with the path and what is wrong where.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, CollectionError> {
        let path = path.as_ref();
        let io_error = |source| CollectionError::Io {
            path: path.to_owned(),
            source,
        };
        let mut file = File::open(path).map_err(io_error)?;
        let collection = match map(&file).map_err(io_error)? {
            Some(map) => Self::from_map(map),
            None => {
                let mut bytes = Vec::new();
                file.read_to_end(&mut bytes).map_err(io_error)?;
                Self::from_bytes(bytes)
            }
        };
        collection.map_err(|source| CollectionError::Content {
            path: path.to_owned(),
            source,
        })
    }

    /// Reads the contents of a file, such as standard input.
    ///
    /// # Errors
    ///
    /// [`ContentError`], with what is wrong where.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, ContentError> {
        let format = Format::detect(&bytes)?;
        let (parsed, database) = match format {
            Format::Packed => return Ok(Self::unnamed(Storage::Packed(bytes))),
            Format::Database => {
                let (parsed, info) = tcpdb::read(&bytes)?;
                (parsed, Some(info))
            }
            Format::HexLines => (hex_lines::read(&bytes)?, None),
            Format::Json => (json::read(&bytes)?, None),
        };
        if parsed.descriptors.is_empty() && database.is_none() {
            return Err(ContentError::NoDescriptors(format));
        }
        Ok(Self {
            format,
            descriptors: Storage::Parsed(parsed.descriptors),
            names: parsed.names.any().then_some(parsed.names),
            database,
        })
    }

    fn from_map(map: Mmap) -> Result<Self, ContentError> {
        match Format::detect(&map)? {
            Format::Packed => Ok(Self::unnamed(Storage::Mapped(map))),
            // Parsed from a copy: the file behind a map may change between two looks at it.
            _ => Self::from_bytes(map.to_vec()),
        }
    }

    fn unnamed(descriptors: Storage) -> Self {
        Self {
            format: Format::Packed,
            descriptors,
            names: None,
            database: None,
        }
    }

    /// The format that the file was found to have.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The descriptors, in the order of the file.
    pub fn descriptors(&self) -> &[Descriptor] {
        match &self.descriptors {
            Storage::Mapped(map) => bytemuck::cast_slice(map),
            Storage::Packed(bytes) => bytemuck::cast_slice(bytes),
            Storage::Parsed(descriptors) => descriptors,
        }
    }

    /// The names, one place for each descriptor; `None` when the file names none.
    pub fn names(&self) -> Option<&Names> {
        self.names.as_ref()
    }

    /// The name of one descriptor, where the file has it.
    pub fn name(&self, index: usize) -> Option<&str> {
        self.names.as_ref()?.get(index)
    }

    /// What a `TCPDB` database says of itself; `None` for other formats.
    pub fn database(&self) -> Option<&DatabaseInfo> {
        self.database.as_ref()
    }
}

/// A map of the file; `None` where it must be read instead: pipes, devices, and files that state
/// no size or lie where nothing can be mapped.
fn map(file: &File) -> io::Result<Option<Mmap>> {
    if file.metadata()?.len() == 0 {
        return Ok(None);
    }
    // SAFETY: the map is read only as bytes and as `Descriptor`s, for which every bit pattern is
    // valid; the documentation of `Collection::open` forbids shortening the file meanwhile.
    Ok(unsafe { Mmap::map(file) }.ok())
}

/// What a parsed format gives: a name, perhaps empty, for each descriptor.
#[derive(Debug, Default)]
struct Parsed {
    descriptors: Vec<Descriptor>,
    names: Names,
}

impl Parsed {
    fn push(&mut self, name: &str, descriptor: Descriptor) {
        self.names.push(name);
        self.descriptors.push(descriptor);
    }
}

#[cfg(test)]
mod tests;
