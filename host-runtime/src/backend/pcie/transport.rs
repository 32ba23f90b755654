//! The way to a PCIe card: what the driver needs of VFIO, whoever gives it. Behind it is a served card by vfio-user.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use memmap2::{MmapOptions, MmapRaw};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use vfio_user::{Client, DmaAccess, MSIX_IRQ, Timeouts};

use super::error::PcieError;

/// A PCI function with its regions, its DMA and its interrupts.
pub(crate) trait Transport: Send + Sync + std::fmt::Debug {
    /// Reads a 32-bit register.
    fn read(&self, region: u32, offset: u64) -> Result<u32, PcieError>;

    /// Writes a 32-bit register.
    fn write(&self, region: u32, offset: u64, value: u32) -> Result<(), PcieError>;

    /// Maps the beginning of a region for reading, if that can be done.
    fn map(&self, region: u32, bytes: usize) -> Result<Option<Mapped>, PcieError>;

    /// Lets the card reach memory at `address`, as it sees it.
    fn map_dma(&self, address: u64, memory: &DmaMemory) -> Result<(), PcieError>;

    /// Has an MSI-X vector signal an eventfd.
    fn set_interrupt(&self, vector: u32, eventfd: BorrowedFd<'_>) -> Result<(), PcieError>;
}

/// Words that the card writes and this process reads.
#[derive(Debug)]
pub(crate) struct Mapped(MmapRaw);

impl Mapped {
    /// A word; 0 outside.
    pub(crate) fn word(&self, offset: u32) -> u32 {
        word(&self.0, offset as usize).map_or(0, |word| word.load(Ordering::Acquire))
    }
}

fn word(map: &MmapRaw, offset: usize) -> Option<&AtomicU32> {
    let fits = offset.is_multiple_of(4) && offset.checked_add(4)? <= map.len();
    // SAFETY: aligned and within the map, as just checked; other accesses to shared memory are by words as well.
    fits.then(|| unsafe { AtomicU32::from_ptr(map.as_mut_ptr().add(offset).cast()) })
}

/// Memory of this process that a card reaches by DMA.
#[derive(Debug)]
pub(crate) struct DmaMemory {
    file: OwnedFd,
    map: MmapRaw,
}

impl DmaMemory {
    pub(crate) fn new(bytes: usize) -> Result<Self, PcieError> {
        let make = || -> std::io::Result<Self> {
            let file = memfd_create("fpga-dma", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
            ftruncate(&file, bytes as u64)?;
            // So the other side may map it, too: it cannot be cut off.
            fcntl_add_seals(&file, SealFlags::SHRINK)?;
            let map = MmapOptions::new().len(bytes).map_raw(&file)?;
            Ok(Self { file, map })
        };
        make().map_err(PcieError::HostMemory)
    }

    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }

    /// Copies bytes in. They must fit.
    pub(crate) fn put(&self, offset: usize, bytes: &[u8]) {
        assert!(offset + bytes.len() <= self.len());
        // SAFETY: within the map, as just checked. The card accesses it only between the start and the end of a transfer.
        unsafe {
            let to = self.map.as_mut_ptr().add(offset);
            to.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        }
    }

    /// Copies bytes out. They must be there.
    pub(crate) fn get(&self, offset: usize, bytes: &mut [u8]) {
        assert!(offset + bytes.len() <= self.len());
        // SAFETY: as in `put`.
        unsafe {
            let from = self.map.as_ptr().add(offset);
            from.copy_to_nonoverlapping(bytes.as_mut_ptr(), bytes.len());
        }
    }

    /// A word that the card writes.
    pub(crate) fn word(&self, offset: usize) -> &AtomicU32 {
        word(&self.map, offset).expect("a word of the driver's own memory")
    }
}

/// A served card.
#[derive(Debug)]
pub(crate) struct VfioUser(Client);

impl VfioUser {
    pub(crate) fn connect(socket: &Path) -> Result<Self, PcieError> {
        Ok(Self(Client::connect(socket, Timeouts::default())?))
    }
}

impl Transport for VfioUser {
    fn read(&self, region: u32, offset: u64) -> Result<u32, PcieError> {
        let mut bytes = [0; 4];
        self.0.read(region, offset, &mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn write(&self, region: u32, offset: u64, value: u32) -> Result<(), PcieError> {
        Ok(self.0.write(region, offset, &value.to_le_bytes())?)
    }

    fn map(&self, region: u32, bytes: usize) -> Result<Option<Mapped>, PcieError> {
        let info = self.0.region_info(region)?;
        let within = |&(start, size): &(u64, u64)| start == 0 && size >= bytes as u64;
        let Some((file, offset)) = info.file.filter(|_| info.areas.iter().any(within)) else {
            return Ok(None);
        };
        let map = MmapOptions::new()
            .offset(offset)
            .len(bytes)
            .map_raw_read_only(&file);
        Ok(Some(Mapped(map.map_err(PcieError::HostMemory)?)))
    }

    fn map_dma(&self, address: u64, memory: &DmaMemory) -> Result<(), PcieError> {
        let bytes = memory.len() as u64;
        Ok(self
            .0
            .map_dma(address, bytes, DmaAccess::BOTH, memory.file.as_fd(), 0)?)
    }

    fn set_interrupt(&self, vector: u32, eventfd: BorrowedFd<'_>) -> Result<(), PcieError> {
        Ok(self.0.set_interrupts(MSIX_IRQ, vector, &[eventfd])?)
    }
}
