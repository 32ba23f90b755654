//! Memory of this process that a card reaches by DMA: a memfd, so that a served card can map it too.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU32, AtomicU64};

use memmap2::{MmapOptions, MmapRaw};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};

use super::{word, word64};
use crate::backend::pcie::error::PcieError;

/// Memory that a card may reach, once a transport has mapped it.
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

    /// The file that holds it.
    pub(super) fn file(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
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

    /// Its first byte.
    pub(crate) fn start(&self) -> *mut u8 {
        self.map.as_mut_ptr()
    }

    /// Eight bytes that the card writes at once.
    pub(crate) fn word64(&self, offset: usize) -> &AtomicU64 {
        // SAFETY: the map lives as long as this does.
        unsafe { word64(self.map.as_mut_ptr(), self.len(), offset) }
            .expect("a word of the driver's own memory")
    }

    /// A word that the card writes.
    pub(crate) fn word(&self, offset: usize) -> &AtomicU32 {
        // SAFETY: the map lives as long as this does.
        unsafe { word(self.map.as_mut_ptr(), self.len(), offset) }
            .expect("a word of the driver's own memory")
    }
}
