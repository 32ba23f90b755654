//! An image as a file holds it: checked once when it is read, and then looked at in place.

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;

use uuid::Uuid;

use crate::axlf::{
    Header, KEY_BLOCK, MAGIC, MAX_SECTIONS, NUM_SECTIONS_OFFSET, RawAxlf, RawSectionHeader,
};
use crate::build_metadata::BuildMetadata;
use crate::clock_freq::ClockFrequencies;
use crate::connectivity::Connectivity;
use crate::container::Container;
use crate::digest::{self, DigestStatus, hex};
use crate::embedded_metadata::EmbeddedMetadata;
use crate::error::{Error, Result};
use crate::file;
use crate::ip_layout::IpLayout;
use crate::key::SecretKey;
use crate::mem_topology::MemTopology;
use crate::section::{Section, SectionKind};
use crate::signature::{self, SignatureStatus};
use crate::summary::Summary;

/// An image. Its header, section table and (where it has one) digest have been checked; the content
/// of a section is checked by the accessor that reads it.
#[derive(Clone)]
pub struct Xclbin {
    bytes: Cow<'static, [u8]>,
    header: Header,
    signature_length: Option<u32>,
    sections: Vec<Entry>,
    digest: DigestStatus,
    signature: SignatureStatus,
}

/// A checked section header: `data` lies in the file.
#[derive(Clone)]
struct Entry {
    kind: SectionKind,
    name: [u8; 16],
    data: Range<usize>,
}

/// What a card is to be configured with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bitstream<'a> {
    /// A Verilated model, an ELF shared object: for simulated cards.
    Model(&'a [u8]),
    /// Anything else: bits for an FPGA.
    Fpga(&'a [u8]),
}

/// Bytes of `axlf.m_keyBlock`.
const KEY_BLOCK_BYTES: usize = 256;

const ELF_MAGIC: &[u8] = b"\x7FELF";

impl<'a> Bitstream<'a> {
    pub(crate) fn of(data: &'a [u8]) -> Self {
        if data.starts_with(ELF_MAGIC) {
            Bitstream::Model(data)
        } else {
            Bitstream::Fpga(data)
        }
    }
}

impl Xclbin {
    /// Takes the bytes of an image: a `Vec<u8>`, or a `&'static [u8]` without a copy.
    ///
    /// # Errors
    /// If they are no xclbin, are cut, have bytes appended, or differ from what their digest says;
    /// or if a section lies outside the file or overlaps another.
    pub fn parse(bytes: impl Into<Cow<'static, [u8]>>) -> Result<Self> {
        Self::parse_with(bytes.into(), true)
    }

    /// As [`Xclbin::parse`], but takes an image whose digest does not match or whose signature is damaged, to show what
    /// is left of it. [`Xclbin::digest`] and [`Xclbin::signature`] tell; nothing may be programmed from it.
    ///
    /// # Errors
    /// As for [`Xclbin::parse`], digest and signature apart.
    pub fn parse_unverified(bytes: impl Into<Cow<'static, [u8]>>) -> Result<Self> {
        Self::parse_with(bytes.into(), false)
    }

    /// Reads an image from a file.
    ///
    /// # Errors
    /// As for [`Xclbin::parse`], or if the file cannot be read; each names the file.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::parse(file::read(path)?).map_err(|error| error.in_file(path))
    }

    /// As [`Xclbin::read`], with the leniency of [`Xclbin::parse_unverified`].
    ///
    /// # Errors
    /// As for [`Xclbin::read`], digest and signature apart.
    pub fn read_unverified(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::parse_unverified(file::read(path)?).map_err(|error| error.in_file(path))
    }

    fn parse_with(bytes: Cow<'static, [u8]>, verify: bool) -> Result<Self> {
        let length = bytes.len() as u64;
        if !bytes.starts_with(&MAGIC) {
            let found = &bytes[..bytes.len().min(MAGIC.len())];
            return Err(Error::NotAnXclbin {
                found: found.escape_ascii().to_string(),
            });
        }
        let Some(raw) = bytes.get(..size_of::<RawAxlf>()) else {
            let end = size_of::<RawAxlf>() as u64;
            return Err(Error::Truncated {
                item: "the axlf header",
                offset: 0,
                end,
                length,
            });
        };
        let raw: RawAxlf = bytemuck::pod_read_unaligned(raw);
        let content = content_length(&bytes, raw.header.length)?;
        // Before the section table: "corrupt" says more than whatever the damage did to the table.
        let digest = digest::check(&bytes);
        if let (DigestStatus::Mismatch { stored, computed }, true) = (&digest, verify) {
            return Err(Error::Corrupt {
                stored: hex(stored),
                computed: hex(computed),
            });
        }
        let signature = match &digest {
            DigestStatus::Absent => SignatureStatus::Absent,
            DigestStatus::Valid => signature::check(&bytes, &digest::stored(&bytes)),
            DigestStatus::Mismatch { computed, .. } => signature::check(&bytes, computed),
        };
        if verify && signature == SignatureStatus::Damaged {
            let offset = signature::AREA.start as u64;
            return Err(Error::SignatureDamaged { offset });
        }
        let sections = parse_sections(&bytes[..content], raw.header.num_sections)?;
        let ends = sections.iter().map(|entry| entry.data.end);
        let used = ends.max().unwrap_or(size_of::<RawAxlf>());
        let signature_length = match u32::try_from(bytes.len() - content) {
            Ok(0) => signature_length(raw.signature_length, content - used, length)?,
            appended => appended.ok(),
        };
        Ok(Xclbin {
            header: Header::from_raw(&raw),
            signature_length,
            sections,
            digest,
            signature,
            bytes,
        })
    }

    /// The file, byte for byte as it was read or built.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Writes the file as a whole or not at all: an error leaves what was there.
    ///
    /// # Errors
    /// [`Error::Io`], which names the file.
    pub fn write_atomically(&self, path: impl AsRef<Path>) -> Result<()> {
        file::write_atomically(path.as_ref(), &self.bytes)
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Identity of the image.
    pub fn uuid(&self) -> Uuid {
        self.header.uuid
    }

    /// The platform it is for.
    pub fn platform_vbnv(&self) -> &str {
        &self.header.platform_vbnv
    }

    /// Length of a vendor's signature at the end of the file, bytes: within `m_length` (PKCS) or,
    /// in the older form that is marked by a magic number, after it. Neither is checked.
    pub fn signature_length(&self) -> Option<u32> {
        self.signature_length
    }

    /// What the digest says; [`DigestStatus::Mismatch`] only after [`Xclbin::parse_unverified`].
    pub fn digest(&self) -> DigestStatus {
        self.digest
    }

    /// What the image's own signature says; a vendor's is not looked at.
    pub fn signature(&self) -> SignatureStatus {
        self.signature
    }

    /// The image with this key's signature in place of any other. Content, digest and UUID stay.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if the digest does not match; [`Error::CannotSign`] if a vendor signed it or uses the place of
    /// the signature.
    pub fn signed(&self, key: &SecretKey) -> Result<Self> {
        let mut bytes = self.bytes.to_vec();
        match &self.digest {
            DigestStatus::Valid => {}
            DigestStatus::Mismatch { stored, computed } => {
                return Err(Error::Corrupt {
                    stored: hex(stored),
                    computed: hex(computed),
                });
            }
            DigestStatus::Absent => {
                let block = &mut bytes[KEY_BLOCK..KEY_BLOCK + KEY_BLOCK_BYTES];
                let blank = [0, 0xFF].map(|blank| block.iter().all(|&byte| byte == blank));
                if self.signature_length.is_some() || !blank.contains(&true) {
                    let problem =
                        "it is signed by its vendor, whose signature would not match any more";
                    return Err(Error::CannotSign { problem });
                }
                block.fill(0xFF);
                digest::seal(&mut bytes);
            }
        }
        let digest = digest::stored(&bytes);
        signature::write(&mut bytes, &digest, key);
        Self::parse(bytes)
    }

    /// Whether both are the same image, their signatures apart. The digests of both must be valid.
    pub fn has_content_of(&self, other: &Xclbin) -> bool {
        self.digest == DigestStatus::Valid
            && other.digest == DigestStatus::Valid
            && digest::stored(&self.bytes) == digest::stored(&other.bytes)
    }

    /// All sections, in the order of the table, known kinds and others.
    pub fn sections(&self) -> impl Iterator<Item = Section<'_>> {
        self.sections.iter().map(|entry| self.view(entry))
    }

    /// The first section of a kind.
    pub fn section(&self, kind: SectionKind) -> Option<Section<'_>> {
        self.sections().find(|section| section.kind == kind)
    }

    fn view<'a>(&'a self, entry: &'a Entry) -> Section<'a> {
        Section {
            kind: entry.kind,
            name: section_name(&entry.name),
            offset: entry.data.start as u64,
            data: &self.bytes[entry.data.clone()],
        }
    }

    fn typed<T>(
        &self,
        kind: SectionKind,
        parse: impl FnOnce(&[u8]) -> Result<T>,
    ) -> Result<Option<T>> {
        self.section(kind)
            .map(|section| parse(section.data))
            .transpose()
    }

    /// The memories (`MEM_TOPOLOGY`).
    ///
    /// # Errors
    /// [`Error::MalformedSection`].
    pub fn mem_topology(&self) -> Result<Option<MemTopology>> {
        let kind = SectionKind::MemTopology;
        self.typed(kind, |data| MemTopology::parse(kind, data))
    }

    /// The memories with the groups that v++ adds (`GROUP_TOPOLOGY`).
    ///
    /// # Errors
    /// [`Error::MalformedSection`].
    pub fn group_topology(&self) -> Result<Option<MemTopology>> {
        let kind = SectionKind::GroupTopology;
        self.typed(kind, |data| MemTopology::parse(kind, data))
    }

    /// Which argument reaches which memory (`CONNECTIVITY`).
    ///
    /// # Errors
    /// [`Error::MalformedSection`].
    pub fn connectivity(&self) -> Result<Option<Connectivity>> {
        let kind = SectionKind::Connectivity;
        self.typed(kind, |data| Connectivity::parse(kind, data))
    }

    /// Which argument reaches which memory or group (`GROUP_CONNECTIVITY`).
    ///
    /// # Errors
    /// [`Error::MalformedSection`].
    pub fn group_connectivity(&self) -> Result<Option<Connectivity>> {
        let kind = SectionKind::GroupConnectivity;
        self.typed(kind, |data| Connectivity::parse(kind, data))
    }

    /// The compute units and other blocks (`IP_LAYOUT`).
    ///
    /// # Errors
    /// [`Error::MalformedSection`].
    pub fn ip_layout(&self) -> Result<Option<IpLayout>> {
        self.typed(SectionKind::IpLayout, IpLayout::parse)
    }

    /// The clocks (`CLOCK_FREQ_TOPOLOGY`).
    ///
    /// # Errors
    /// [`Error::MalformedSection`].
    pub fn clock_frequencies(&self) -> Result<Option<ClockFrequencies>> {
        self.typed(SectionKind::ClockFreqTopology, ClockFrequencies::parse)
    }

    /// The tool that made the image (`BUILD_METADATA`).
    ///
    /// # Errors
    /// [`Error::MalformedSection`].
    pub fn build_metadata(&self) -> Result<Option<BuildMetadata>> {
        self.typed(SectionKind::BuildMetadata, BuildMetadata::parse)
    }

    /// The kernels and their instances (`EMBEDDED_METADATA`).
    ///
    /// # Errors
    /// [`Error::MalformedSection`] or [`Error::KernelDescription`].
    pub fn embedded_metadata(&self) -> Result<Option<EmbeddedMetadata>> {
        self.typed(SectionKind::EmbeddedMetadata, EmbeddedMetadata::parse)
    }

    /// What a card is configured with: `BITSTREAM`, or what Versal cards have in its place.
    pub fn bitstream(&self) -> Option<Bitstream<'_>> {
        [
            SectionKind::Bitstream,
            SectionKind::BitstreamPartialPdi,
            SectionKind::Pdi,
        ]
        .into_iter()
        .filter_map(|kind| self.section(kind))
        // Images without FPGA bits may still have an empty BITSTREAM.
        .find(|section| !section.data.is_empty())
        .map(|section| Bitstream::of(section.data))
    }

    /// Whether a card may be programmed with the image; returns what to program.
    ///
    /// A model is code: it must come with a valid digest, and with metadata that agree.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::SignatureDamaged`], [`Error::DigestMissing`], [`Error::MissingSection`], or what the
    /// accessors of the sections say.
    pub fn verify_programmable(&self) -> Result<Bitstream<'_>> {
        if let DigestStatus::Mismatch { stored, computed } = &self.digest {
            return Err(Error::Corrupt {
                stored: hex(stored),
                computed: hex(computed),
            });
        }
        if self.signature == SignatureStatus::Damaged {
            let offset = signature::AREA.start as u64;
            return Err(Error::SignatureDamaged { offset });
        }
        let bitstream = self.bitstream().ok_or(Error::MissingSection {
            kind: SectionKind::Bitstream,
            advice: "it only describes one: build or export it with its bitstream",
        })?;
        if let Bitstream::Model(_) = bitstream {
            if self.digest == DigestStatus::Absent {
                return Err(Error::DigestMissing);
            }
            self.verify_metadata()?;
        }
        Ok(bitstream)
    }

    /// Checks that the sections a simulated card is made from are there and fit each other.
    fn verify_metadata(&self) -> Result<()> {
        const ADVICE: &str = "build it again";
        let missing = |kind| Error::MissingSection {
            kind,
            advice: ADVICE,
        };
        let memories = self
            .mem_topology()?
            .ok_or(missing(SectionKind::MemTopology))?;
        let layout = self.ip_layout()?.ok_or(missing(SectionKind::IpLayout))?;
        let connectivity = self
            .connectivity()?
            .ok_or(missing(SectionKind::Connectivity))?;
        let metadata = self
            .embedded_metadata()?
            .ok_or(missing(SectionKind::EmbeddedMetadata))?;

        for (index, row) in connectivity.connections.iter().enumerate() {
            let within =
                |value: i32, count| usize::try_from(value).is_ok_and(|value| value < count);
            for (field, value, count) in [
                ("m_ip_layout_index", row.ip_layout_index, layout.ips.len()),
                ("mem_data_index", row.mem_data_index, memories.banks.len()),
            ] {
                if !within(value, count) {
                    return Err(Error::malformed(
                        SectionKind::Connectivity,
                        format!("m_connection[{index}].{field}"),
                        4 + index * 12,
                        format!("is {value}, but the image has {count} of them; {ADVICE}"),
                    ));
                }
            }
        }
        for (index, ip) in layout.ips.iter().enumerate() {
            let known = |kernel| metadata.kernel(kernel).is_some();
            if ip.kernel().is_some_and(|kernel| !known(kernel)) {
                return Err(Error::malformed(
                    SectionKind::IpLayout,
                    format!("m_ip_data[{index}].m_name"),
                    8 + index * 80,
                    format!(
                        "{} is of a kernel that EMBEDDED_METADATA does not describe; {ADVICE}",
                        ip.name
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Header and sections, to change and write again. Bytes outside the sections (a vendor's
    /// signature, xclbinutil's copy of the headers) are not taken over.
    pub fn to_container(&self) -> Container {
        let mut container = Container::new(self.header.clone());
        for entry in &self.sections {
            let data = self.bytes[entry.data.clone()].to_vec();
            container.push_raw(entry.kind, entry.name, data);
        }
        container
    }

    /// Everything there is to say about the image, as data.
    pub fn summary(&self) -> Summary {
        Summary::of(self)
    }
}

impl std::fmt::Debug for Xclbin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Xclbin")
            .field("uuid", &self.header.uuid)
            .field("length", &self.bytes.len())
            .field(
                "sections",
                &self
                    .sections
                    .iter()
                    .map(|entry| entry.kind)
                    .collect::<Vec<_>>(),
            )
            .field("digest", &self.digest)
            .field("signature", &self.signature)
            .finish()
    }
}

/// The name up to its terminator; bytes that are not UTF-8 end it too.
fn section_name(field: &[u8; 16]) -> &str {
    let end = field
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(field.len());
    let field = &field[..end];
    str::from_utf8(field).unwrap_or_else(|error| {
        str::from_utf8(&field[..error.valid_up_to()]).expect("valid up to there")
    })
}

/// First bytes of the signature that `xclbinutil --add-signature` appends without counting it in
/// `m_length` (`SignatureHeader::magicValue`).
const SIGNATURE_MAGIC: u128 = 0x5349474E_9DFF41C0_8CCB82A7_131CC9F3;

/// Length of the file without an appended signature; any other difference from `declared` is damage.
fn content_length(bytes: &[u8], declared: u64) -> Result<usize> {
    let mismatch = || Error::LengthMismatch {
        declared,
        actual: bytes.len() as u64,
    };
    let content = usize::try_from(declared).map_err(|_| mismatch())?;
    let rest = bytes.get(content..).ok_or_else(mismatch)?;
    let in_order = content >= size_of::<RawAxlf>();
    if in_order && (rest.is_empty() || rest.starts_with(&SIGNATURE_MAGIC.to_be_bytes())) {
        Ok(content)
    } else {
        Err(mismatch())
    }
}

fn signature_length(field: i32, room: usize, file_length: u64) -> Result<Option<u32>> {
    match u32::try_from(field) {
        Err(_) if field == -1 => Ok(None),
        // Files from before signatures existed have a zero here.
        Ok(0) => Ok(None),
        Ok(length) if length as usize <= room => Ok(Some(length)),
        _ => Err(Error::SignatureLength {
            length: field,
            file_length,
        }),
    }
}

fn parse_sections(bytes: &[u8], count: u32) -> Result<Vec<Entry>> {
    let length = bytes.len() as u64;
    let table = &bytes[size_of::<RawAxlf>()..];
    if count > MAX_SECTIONS || count as usize > table.len() / size_of::<RawSectionHeader>() {
        let (offset, limit) = (NUM_SECTIONS_OFFSET, MAX_SECTIONS);
        return Err(Error::TooManySections {
            offset,
            count,
            limit,
            length,
        });
    }
    let table_size = count as usize * size_of::<RawSectionHeader>();
    let first = size_of::<RawAxlf>() + table_size;
    let entries = table[..table_size]
        .chunks_exact(size_of::<RawSectionHeader>())
        .enumerate()
        .map(|(index, header)| {
            parse_entry(
                index,
                bytemuck::pod_read_unaligned(header),
                first,
                bytes.len(),
            )
        })
        .collect::<Result<Vec<_>>>()?;
    check_overlap(&entries)?;
    Ok(entries)
}

fn parse_entry(index: usize, raw: RawSectionHeader, first: usize, length: usize) -> Result<Entry> {
    let kind = SectionKind::from(raw.kind);
    // An absent section has size 0, and then its offset means nothing.
    let offset = if raw.size == 0 {
        first as u64
    } else {
        raw.offset
    };
    let start = usize::try_from(offset).ok().filter(|&start| start >= first);
    let end = offset
        .checked_add(raw.size)
        .and_then(|end| usize::try_from(end).ok());
    match (start, end.filter(|&end| end <= length)) {
        (Some(start), Some(end)) => Ok(Entry {
            kind,
            name: raw.name,
            data: start..end,
        }),
        _ => Err(Error::SectionOutOfBounds {
            index,
            kind,
            name: section_name(&raw.name).to_owned(),
            offset: raw.offset,
            size: raw.size,
            first: first as u64,
            length: length as u64,
        }),
    }
}

fn check_overlap(entries: &[Entry]) -> Result<()> {
    let mut order: Vec<_> = entries
        .iter()
        .enumerate()
        .filter(|(_, entry)| !entry.data.is_empty())
        .collect();
    order.sort_by_key(|(_, entry)| entry.data.start);
    for pair in order.windows(2) {
        let [(first, a), (second, b)] = [pair[0], pair[1]];
        if b.data.start < a.data.end {
            return Err(Error::SectionOverlap {
                first,
                first_kind: a.kind,
                second,
                second_kind: b.kind,
                offset: b.data.start as u64,
            });
        }
    }
    Ok(())
}
