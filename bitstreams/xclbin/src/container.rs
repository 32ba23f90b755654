//! An image as header and sections, without lengths and offsets: what is edited and built. Writing
//! lays the file out, gives it its identity and seals it with the digest.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::axlf::{ALIGNMENT, Header, MAX_SECTIONS, RawAxlf, RawSectionHeader};
use crate::digest;
use crate::error::{Error, Result};
use crate::section::SectionKind;

/// Header and sections of an image, in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// The header. A nil UUID is replaced, when the image is written, by one that is derived from
    /// the content, so that equal content gives equal files.
    pub header: Header,
    sections: Vec<OwnedSection>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct OwnedSection {
    kind: SectionKind,
    name: [u8; 16],
    data: Vec<u8>,
}

impl Container {
    /// A container without sections.
    pub fn new(header: Header) -> Self {
        Container {
            header,
            sections: Vec::new(),
        }
    }

    /// Appends a section; several of one kind may stand beside each other.
    ///
    /// # Errors
    /// [`Error::Build`] if `name` has more than 16 bytes.
    pub fn push(&mut self, kind: SectionKind, name: &str, data: Vec<u8>) -> Result<()> {
        let mut field = [0; 16];
        let Some(place) = field.get_mut(..name.len()) else {
            return Err(Error::build(
                format!("section {kind}"),
                format!(
                    "its name \"{}\" has more than 16 bytes",
                    name.escape_debug()
                ),
            ));
        };
        place.copy_from_slice(name.as_bytes());
        self.push_raw(kind, field, data);
        Ok(())
    }

    /// Appends a section whose name is kept byte for byte.
    pub(crate) fn push_raw(&mut self, kind: SectionKind, name: [u8; 16], data: Vec<u8>) {
        self.sections.push(OwnedSection { kind, name, data });
    }

    /// The file: sections in order, each aligned to 8 bytes, sealed with the digest.
    ///
    /// A vendor's signature is not carried over, since it would no longer match.
    ///
    /// # Errors
    /// [`Error::Build`] if a text of the header does not fit its field, or there are more than
    /// 65536 sections.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let count = u32::try_from(self.sections.len())
            .ok()
            .filter(|&count| count <= MAX_SECTIONS)
            .ok_or_else(|| {
                Error::build(
                    "section table",
                    format!(
                        "{} sections, the limit is {MAX_SECTIONS}",
                        self.sections.len()
                    ),
                )
            })?;

        let mut end = size_of::<RawAxlf>() + self.sections.len() * size_of::<RawSectionHeader>();
        let mut table = Vec::with_capacity(self.sections.len());
        for section in &self.sections {
            let offset = end.next_multiple_of(ALIGNMENT);
            table.push(RawSectionHeader {
                kind: section.kind.into(),
                name: section.name,
                padding: 0,
                offset: offset as u64,
                size: section.data.len() as u64,
            });
            end = offset + section.data.len();
        }

        let mut header = self.header.clone();
        let mut file = Vec::with_capacity(end);
        file.extend_from_slice(bytemuck::bytes_of(&header.to_raw(end as u64, count)?));
        file.extend_from_slice(bytemuck::cast_slice(&table));
        for section in &self.sections {
            file.resize(file.len().next_multiple_of(ALIGNMENT), 0);
            file.extend_from_slice(&section.data);
        }

        if header.uuid.is_nil() {
            let content: [u8; 32] = Sha256::digest(&file).into();
            header.uuid = content_uuid(&content);
            // XRT skips a download when both agree; a card's cache must not confuse two images.
            header.unique_id = u64::from_le_bytes(content[16..24].try_into().expect("8 bytes"));
            let raw = header.to_raw(end as u64, count)?;
            file[..size_of::<RawAxlf>()].copy_from_slice(bytemuck::bytes_of(&raw));
        }
        digest::seal(&mut file);
        Ok(file)
    }
}

/// A version 8 UUID (RFC 9562: content of our own choice) from the start of a hash.
fn content_uuid(hash: &[u8; 32]) -> Uuid {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}
