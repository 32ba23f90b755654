//! The way to a PCIe card: what the driver needs of VFIO, whoever gives it. One file for each that does.

mod dma_memory;
mod dma_space;
mod vfio;
mod vfio_user;

use std::any::Any;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

pub(crate) use dma_memory::DmaMemory;
pub(crate) use dma_space::{DmaAddresses, DmaBuffer, DmaSpace};
pub(crate) use vfio::Vfio;
pub(crate) use vfio_user::VfioUser;

use super::error::PcieError;

/// A PCI function with its regions, its DMA and its interrupts. Regions have VFIO's numbers.
pub(crate) trait Transport: Send + Sync + std::fmt::Debug {
    /// Reads a 32-bit register.
    fn read(&self, region: u32, offset: u64) -> Result<u32, PcieError>;

    /// Writes a 32-bit register.
    fn write(&self, region: u32, offset: u64, value: u32) -> Result<(), PcieError>;

    /// Maps the beginning of a region for reading, if that can be done.
    fn map(&self, region: u32, bytes: usize) -> Result<Option<Mapped>, PcieError>;

    /// Maps the beginning of a region for reading and writing; `None` where that cannot be done.
    fn map_writable(&self, _region: u32, _bytes: usize) -> Result<Option<Mapped>, PcieError> {
        Ok(None)
    }

    /// Whether the card is known to be gone for good.
    fn is_lost(&self) -> bool {
        false
    }

    /// How long an answer of the card is waited for, and a transfer.
    fn patience(&self) -> Duration;

    /// Where the card can be given memory. [`DmaSpace`] gives the addresses out.
    fn dma_addresses(&self) -> DmaAddresses;

    /// Lets the card reach memory at `address`, as it sees it.
    fn map_dma(&self, address: u64, memory: &DmaMemory) -> Result<(), PcieError>;

    /// Takes memory back that was mapped: when this returns, the card does not reach it any more.
    fn unmap_dma(&self, address: u64, bytes: u64) -> Result<(), PcieError>;

    /// Has an MSI-X vector signal an eventfd.
    fn set_interrupt(&self, vector: u32, eventfd: BorrowedFd<'_>) -> Result<(), PcieError>;
}

/// Words that the card writes and this process reads: memory that a served card shares, or registers of a real one.
#[derive(Debug)]
pub(crate) struct Mapped {
    start: *mut u8,
    bytes: usize,
    /// Keeps the words mapped.
    _owner: Box<dyn Any + Send + Sync>,
}

// SAFETY: the words stay mapped as long as the owner lives, which may be sent and shared; they are read by atomic loads.
unsafe impl Send for Mapped {}
// SAFETY: as above.
unsafe impl Sync for Mapped {}

impl Mapped {
    /// # Safety
    /// `bytes` bytes from `start` on can be read for as long as `owner` lives, wherever it is moved.
    unsafe fn new(start: *mut u8, bytes: usize, owner: impl Any + Send + Sync) -> Self {
        Self {
            start,
            bytes,
            _owner: Box::new(owner),
        }
    }

    /// A word; 0 outside.
    pub(crate) fn word(&self, offset: u32) -> u32 {
        // SAFETY: `new` was promised it.
        let word = unsafe { word(self.start, self.bytes, offset as usize) };
        word.map_or(0, |word| word.load(Ordering::Acquire))
    }

    /// Stores eight bytes at once, after what was stored before; nothing happens outside. Only of what is
    /// [mapped to be written](Transport::map_writable).
    pub(crate) fn store(&self, offset: usize, value: u64) {
        // SAFETY: `new` was promised it.
        if let Some(word) = unsafe { word64(self.start, self.bytes, offset) } {
            word.store(value.to_le(), Ordering::Release);
        }
    }
}

/// # Safety
/// `len` bytes from `start` on can be read for `'a`, and others access them by words as well.
unsafe fn word<'a>(start: *mut u8, len: usize, offset: usize) -> Option<&'a AtomicU32> {
    let fits = offset.is_multiple_of(4) && offset.checked_add(4)? <= len;
    // SAFETY: aligned and within the memory, as just checked; pages begin at multiples of more than 4.
    fits.then(|| unsafe { AtomicU32::from_ptr(start.add(offset).cast()) })
}

/// # Safety
/// As [`word`].
unsafe fn word64<'a>(start: *mut u8, len: usize, offset: usize) -> Option<&'a AtomicU64> {
    let fits = offset.is_multiple_of(8) && offset.checked_add(8)? <= len;
    // SAFETY: as in `word`.
    fits.then(|| unsafe { AtomicU64::from_ptr(start.add(offset).cast()) })
}
