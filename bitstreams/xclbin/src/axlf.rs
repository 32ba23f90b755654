//! The fixed part of the file: `struct axlf` up to its section table, as XRT's `xclbin.h` lays it
//! out (x86-64 alignment, little-endian).
//!
//! | offset | field |
//! |---|---|
//! | 0x000 | magic, `xclbin2\0` |
//! | 0x008 | `m_signature_length`, -1 without a signature; else the last so many bytes of the file |
//! | 0x028 | `m_keyBlock`, 256 bytes: ours keeps digest and signature there |
//! | 0x128 | `m_uniqueId` |
//! | 0x130 | `struct axlf_header`, 152 bytes |
//! | 0x1C8 | section headers, 40 bytes each; their data follows, aligned to 8 bytes |
//!
//! `xclbinutil` appends a JSON copy of the headers (between `XCLBIN_MIRROR_DATA_START` and `_END`)
//! after the last section; it is part of `m_length`, and nothing reads it but a format migration.

use std::fmt;

use bytemuck::{Pod, Zeroable};
use uuid::Uuid;

use crate::error::Result;
use crate::table::{field, text};

/// `axlf.m_magic`.
pub(crate) const MAGIC: [u8; 8] = *b"xclbin2\0";
/// `XCLBIN_MAX_NUM_SECTION`.
pub(crate) const MAX_SECTIONS: u32 = 0x10000;
/// Offset of `axlf.m_keyBlock` in the file.
pub(crate) const KEY_BLOCK: usize = std::mem::offset_of!(RawAxlf, key_block);
/// Alignment of section data in files that we write.
pub(crate) const ALIGNMENT: usize = 8;

/// `struct axlf` without its section headers.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct RawAxlf {
    pub(crate) magic: [u8; 8],
    pub(crate) signature_length: i32,
    pub(crate) reserved: [u8; 28],
    pub(crate) key_block: [u8; 256],
    pub(crate) unique_id: u64,
    pub(crate) header: RawHeader,
}

/// `struct axlf_header`.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct RawHeader {
    pub(crate) length: u64,
    pub(crate) timestamp: u64,
    pub(crate) feature_rom_timestamp: u64,
    pub(crate) version_patch: u16,
    pub(crate) version_major: u8,
    pub(crate) version_minor: u8,
    pub(crate) mode: u16,
    pub(crate) action_mask: u16,
    pub(crate) interface_uuid: [u8; 16],
    pub(crate) platform_vbnv: [u8; 64],
    pub(crate) uuid: [u8; 16],
    pub(crate) debug_bin: [u8; 16],
    pub(crate) num_sections: u32,
    pub(crate) padding: u32,
}

/// `struct axlf_section_header`.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct RawSectionHeader {
    pub(crate) kind: u32,
    pub(crate) name: [u8; 16],
    pub(crate) padding: u32,
    pub(crate) offset: u64,
    pub(crate) size: u64,
}

const _: () = {
    use std::mem::offset_of;
    assert!(size_of::<RawAxlf>() == 0x1C8);
    assert!(size_of::<RawHeader>() == 152);
    assert!(size_of::<RawSectionHeader>() == 40);
    assert!(offset_of!(RawAxlf, key_block) == 0x28);
    assert!(offset_of!(RawAxlf, unique_id) == 0x128);
    assert!(offset_of!(RawAxlf, header) == 0x130);
    assert!(offset_of!(RawHeader, version_patch) == 24);
    assert!(offset_of!(RawHeader, interface_uuid) == 32);
    assert!(offset_of!(RawHeader, platform_vbnv) == 48);
    assert!(offset_of!(RawHeader, uuid) == 112);
    assert!(offset_of!(RawHeader, num_sections) == 144);
    assert!(offset_of!(RawSectionHeader, offset) == 24);
};

/// Offset of `m_header.m_numSections` in the file.
pub(crate) const NUM_SECTIONS_OFFSET: u64 = 0x130 + 144;

/// What the header of an image says, without lengths and counts: those follow from its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Identity of the image; XRT matches programs and cards by it.
    pub uuid: Uuid,
    /// Identity of the shell that the image links to; nil where the shell has none.
    pub interface_uuid: Uuid,
    /// Platform (vendor, board, name, version), at most 63 bytes.
    pub platform_vbnv: String,
    /// Seconds since 1970 when the image was made; 0 in reproducible builds.
    pub timestamp: u64,
    /// Time stamp of the shell's feature ROM; 0 for current shells.
    pub feature_rom_timestamp: u64,
    /// `m_uniqueId`.
    pub unique_id: u64,
    /// Version of the tool that wrote the file.
    pub version: Version,
    /// What the image is to be loaded into.
    pub mode: Mode,
    /// `m_actionMask`: bit 0 load the AIE, bit 1 load the PDI.
    pub action_mask: u16,
    /// Name of a companion file with debug information, at most 15 bytes.
    pub debug_bin: String,
}

/// Version of the tool that wrote an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// `m_versionMajor`.
    pub major: u8,
    /// `m_versionMinor`.
    pub minor: u8,
    /// `m_versionPatch`.
    pub patch: u16,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// `enum XCLBIN_MODE`: what an image is to be loaded into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A whole FPGA.
    Flat,
    /// A partial region of an FPGA.
    Pr,
    /// Tandem configuration, second stage.
    TandemStage2,
    /// Tandem configuration, second stage, with a partial region.
    TandemStage2WithPr,
    /// A simulation of the hardware. Images with a Verilated model use it.
    HwEmu,
    /// An emulation in software.
    SwEmu,
    /// A simulation of a partial region.
    HwEmuPr,
    /// A number that is not in the list.
    Unknown(u16),
}

impl From<u16> for Mode {
    fn from(number: u16) -> Self {
        match number {
            0 => Mode::Flat,
            1 => Mode::Pr,
            2 => Mode::TandemStage2,
            3 => Mode::TandemStage2WithPr,
            4 => Mode::HwEmu,
            5 => Mode::SwEmu,
            6 => Mode::HwEmuPr,
            other => Mode::Unknown(other),
        }
    }
}

impl From<Mode> for u16 {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Flat => 0,
            Mode::Pr => 1,
            Mode::TandemStage2 => 2,
            Mode::TandemStage2WithPr => 3,
            Mode::HwEmu => 4,
            Mode::SwEmu => 5,
            Mode::HwEmuPr => 6,
            Mode::Unknown(number) => number,
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mode::Flat => f.write_str("FLAT"),
            Mode::Pr => f.write_str("PR"),
            Mode::TandemStage2 => f.write_str("TANDEM_STAGE2"),
            Mode::TandemStage2WithPr => f.write_str("TANDEM_STAGE2_WITH_PR"),
            Mode::HwEmu => f.write_str("HW_EMU"),
            Mode::SwEmu => f.write_str("SW_EMU"),
            Mode::HwEmuPr => f.write_str("HW_EMU_PR"),
            Mode::Unknown(number) => write!(f, "UNKNOWN({number})"),
        }
    }
}

impl Header {
    pub(crate) fn from_raw(raw: &RawAxlf) -> Self {
        let header = &raw.header;
        Header {
            uuid: Uuid::from_bytes(header.uuid),
            interface_uuid: Uuid::from_bytes(header.interface_uuid),
            platform_vbnv: text(&header.platform_vbnv),
            timestamp: header.timestamp,
            feature_rom_timestamp: header.feature_rom_timestamp,
            unique_id: raw.unique_id,
            version: Version {
                major: header.version_major,
                minor: header.version_minor,
                patch: header.version_patch,
            },
            mode: Mode::from(header.mode),
            action_mask: header.action_mask,
            debug_bin: text(&header.debug_bin),
        }
    }

    /// The fixed part of an unsigned file of `length` bytes; the unused bytes are 0xFF, as
    /// `xclbinutil` writes them.
    pub(crate) fn to_raw(&self, length: u64, num_sections: u32) -> Result<RawAxlf> {
        Ok(RawAxlf {
            magic: MAGIC,
            signature_length: -1,
            reserved: [0xFF; 28],
            key_block: [0xFF; 256],
            unique_id: self.unique_id,
            header: RawHeader {
                length,
                timestamp: self.timestamp,
                feature_rom_timestamp: self.feature_rom_timestamp,
                version_patch: self.version.patch,
                version_major: self.version.major,
                version_minor: self.version.minor,
                mode: self.mode.into(),
                action_mask: self.action_mask,
                interface_uuid: self.interface_uuid.into_bytes(),
                platform_vbnv: field("platform VBNV", &self.platform_vbnv)?,
                uuid: self.uuid.into_bytes(),
                debug_bin: field("debug_bin", &self.debug_bin)?,
                num_sections,
                padding: 0,
            },
        })
    }
}
