//! What goes over the wire: numbers and layouts. Names in comments are those of the specification; the VFIO ones are
//! also in Linux's `<linux/vfio.h>`. All is in the host's byte order.

use bytemuck::{Pod, Zeroable};
use rustix::io::Errno;

/// Protocol version that is spoken.
pub(crate) const MAJOR: u16 = 0;
/// See [`MAJOR`].
pub(crate) const MINOR: u16 = 1;

/// `max_data_xfer_size` where a peer says nothing, and what is said here: bytes in one read or write.
pub(crate) const MAX_TRANSFER: usize = 1 << 20;
/// `max_dma_maps` where a peer says nothing, and what is said here.
pub(crate) const MAX_DMA_MAPS: usize = 65535;
/// File descriptors that are taken with one message. QEMU refuses a server that says more (`VFIO_USER_MAX_MAX_FDS`), and
/// sends a longer table of interrupts in parts.
pub(crate) const MAX_FDS: usize = 16;
/// The error by which who comes when there is no more room is turned away.
pub(crate) const FULL: Errno = Errno::USERS;
/// Longest message: a transfer with everything before its data.
pub(crate) const MAX_MESSAGE: usize = MAX_TRANSFER + 256;

/// Indices of a PCI device's regions (`VFIO_PCI_*_REGION_INDEX`).
pub const BAR0_REGION: u32 = 0;
/// See [`BAR0_REGION`].
pub const BAR1_REGION: u32 = 1;
/// See [`BAR0_REGION`].
pub const BAR2_REGION: u32 = 2;
/// See [`BAR0_REGION`].
pub const BAR3_REGION: u32 = 3;
/// See [`BAR0_REGION`].
pub const BAR4_REGION: u32 = 4;
/// See [`BAR0_REGION`].
pub const BAR5_REGION: u32 = 5;
/// See [`BAR0_REGION`].
pub const ROM_REGION: u32 = 6;
/// See [`BAR0_REGION`].
pub const CONFIG_REGION: u32 = 7;
/// See [`BAR0_REGION`].
pub const VGA_REGION: u32 = 8;
/// Regions of a PCI device (`VFIO_PCI_NUM_REGIONS`).
pub const PCI_REGIONS: u32 = 9;

/// Indices of a PCI device's interrupt types (`VFIO_PCI_*_IRQ_INDEX`).
pub const INTX_IRQ: u32 = 0;
/// See [`INTX_IRQ`].
pub const MSI_IRQ: u32 = 1;
/// See [`INTX_IRQ`].
pub const MSIX_IRQ: u32 = 2;
/// See [`INTX_IRQ`].
pub const ERR_IRQ: u32 = 3;
/// See [`INTX_IRQ`].
pub const REQ_IRQ: u32 = 4;
/// Interrupt types of a PCI device (`VFIO_PCI_NUM_IRQS`).
pub const PCI_IRQS: u32 = 5;

/// Commands (`VFIO_USER_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Command {
    Version = 1,
    DmaMap = 2,
    DmaUnmap = 3,
    DeviceInfo = 4,
    RegionInfo = 5,
    IrqInfo = 7,
    SetIrqs = 8,
    RegionRead = 9,
    RegionWrite = 10,
    DmaRead = 11,
    DmaWrite = 12,
    Reset = 13,
    RegionWriteMulti = 15,
}

impl Command {
    pub(crate) fn from_number(number: u16) -> Option<Self> {
        Some(match number {
            1 => Self::Version,
            2 => Self::DmaMap,
            3 => Self::DmaUnmap,
            4 => Self::DeviceInfo,
            5 => Self::RegionInfo,
            7 => Self::IrqInfo,
            8 => Self::SetIrqs,
            9 => Self::RegionRead,
            10 => Self::RegionWrite,
            11 => Self::DmaRead,
            12 => Self::DmaWrite,
            13 => Self::Reset,
            15 => Self::RegionWriteMulti,
            _ => return None,
        })
    }
}

/// Before every message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Header {
    /// Chosen by who sends a command, repeated in the reply.
    pub(crate) id: u16,
    pub(crate) command: u16,
    /// Of the whole message, this header included.
    pub(crate) size: u32,
    pub(crate) flags: u32,
    /// `errno`, in a reply with [`Header::ERROR`].
    pub(crate) error: u32,
}

impl Header {
    pub(crate) const BYTES: usize = size_of::<Self>();
    const TYPE: u32 = 0xF;
    pub(crate) const COMMAND: u32 = 0;
    pub(crate) const REPLY: u32 = 1;
    pub(crate) const NO_REPLY: u32 = 1 << 4;
    pub(crate) const ERROR: u32 = 1 << 5;

    pub(crate) fn kind(&self) -> u32 {
        self.flags & Self::TYPE
    }

    pub(crate) fn wants_reply(&self) -> bool {
        self.flags & Self::NO_REPLY == 0
    }
}

/// Payload of [`Command::DmaMap`].
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct DmaMap {
    pub(crate) argsz: u32,
    pub(crate) flags: u32,
    /// Into the file.
    pub(crate) offset: u64,
    /// As the device sees it.
    pub(crate) address: u64,
    pub(crate) size: u64,
}

impl DmaMap {
    pub(crate) const READABLE: u32 = 1 << 0;
    pub(crate) const WRITABLE: u32 = 1 << 1;
}

/// Payload of [`Command::DmaUnmap`] and of its reply.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct DmaUnmap {
    pub(crate) argsz: u32,
    pub(crate) flags: u32,
    pub(crate) address: u64,
    pub(crate) size: u64,
}

/// Payload of [`Command::DeviceInfo`] and of its reply.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct DeviceInfo {
    pub(crate) argsz: u32,
    pub(crate) flags: u32,
    pub(crate) regions: u32,
    pub(crate) irqs: u32,
}

impl DeviceInfo {
    /// The device can be reset.
    pub(crate) const RESET: u32 = 1 << 0;
    /// It is a PCI device.
    pub(crate) const PCI: u32 = 1 << 1;
}

/// Payload of [`Command::RegionInfo`] and the beginning of its reply.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct RegionInfoWire {
    pub(crate) argsz: u32,
    pub(crate) flags: u32,
    pub(crate) index: u32,
    /// From the start of this structure; 0 for none.
    pub(crate) cap_offset: u32,
    pub(crate) size: u64,
    /// Into the file that comes with the reply.
    pub(crate) offset: u64,
}

impl RegionInfoWire {
    pub(crate) const BYTES: usize = size_of::<Self>();
    pub(crate) const READ: u32 = 1 << 0;
    pub(crate) const WRITE: u32 = 1 << 1;
    pub(crate) const MMAP: u32 = 1 << 2;
    pub(crate) const CAPS: u32 = 1 << 3;
}

/// A region's capability that says which areas can be mapped; [`Area`]s follow it.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct SparseMmap {
    pub(crate) id: u16,
    pub(crate) version: u16,
    pub(crate) next: u32,
    pub(crate) areas: u32,
    pub(crate) reserved: u32,
}

impl SparseMmap {
    pub(crate) const BYTES: usize = size_of::<Self>();
    /// `VFIO_REGION_INFO_CAP_SPARSE_MMAP`.
    pub(crate) const ID: u16 = 1;
    pub(crate) const VERSION: u16 = 1;
}

/// Part of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Area {
    pub(crate) offset: u64,
    pub(crate) size: u64,
}

/// Payload of [`Command::IrqInfo`] and of its reply.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct IrqInfo {
    pub(crate) argsz: u32,
    pub(crate) flags: u32,
    pub(crate) index: u32,
    pub(crate) count: u32,
}

impl IrqInfo {
    pub(crate) const EVENTFD: u32 = 1 << 0;
    pub(crate) const MASKABLE: u32 = 1 << 1;
    pub(crate) const NORESIZE: u32 = 1 << 3;
}

/// Payload of [`Command::SetIrqs`]; booleans may follow it.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct SetIrqs {
    pub(crate) argsz: u32,
    pub(crate) flags: u32,
    pub(crate) index: u32,
    pub(crate) start: u32,
    pub(crate) count: u32,
}

impl SetIrqs {
    pub(crate) const DATA_NONE: u32 = 1 << 0;
    pub(crate) const DATA_BOOL: u32 = 1 << 1;
    pub(crate) const DATA_EVENTFD: u32 = 1 << 2;
    pub(crate) const MASK: u32 = 1 << 3;
    pub(crate) const UNMASK: u32 = 1 << 4;
    pub(crate) const TRIGGER: u32 = 1 << 5;
}

/// Payload of [`Command::RegionRead`] and [`Command::RegionWrite`] and of their replies; data may follow it.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct RegionAccess {
    pub(crate) offset: u64,
    pub(crate) region: u32,
    pub(crate) count: u32,
}

/// One of the writes of [`Command::RegionWriteMulti`], which begins with their number in eight bytes.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct SmallWrite {
    pub(crate) access: RegionAccess,
    pub(crate) data: [u8; 8],
}

/// Payload of [`Command::DmaRead`] and [`Command::DmaWrite`] and of their replies; data may follow it.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct DmaTransfer {
    pub(crate) address: u64,
    pub(crate) count: u64,
}

/// Takes a structure off the front of a payload; `None` if it is too short.
pub(crate) fn take<T: Pod>(payload: &[u8]) -> Option<(T, &[u8])> {
    let (head, rest) = payload.split_at_checked(size_of::<T>())?;
    Some((bytemuck::pod_read_unaligned(head), rest))
}
