//! Pages that a client maps to write to, and that the server reads: the bypass BAR of its function.

use std::os::fd::OwnedFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

use crate::bypass;

const BYTES: usize = bypass::MAPPABLE as usize;

/// The pages as the server sees them. The client stores to them at any time, whatever it likes.
#[derive(Debug)]
pub(crate) struct BypassPages {
    start: NonNull<u8>,
    file: OwnedFd,
}

// SAFETY: the pages are reached by atomic accesses alone, and stay mapped for as long as this lives.
unsafe impl Send for BypassPages {}
// SAFETY: as above.
unsafe impl Sync for BypassPages {}

impl BypassPages {
    pub(crate) fn new() -> rustix::io::Result<Self> {
        let file = memfd_create("bypass", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        ftruncate(&file, BYTES as u64)?;
        // Nobody can cut the file off under the server.
        let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
        fcntl_add_seals(&file, seals)?;
        // SAFETY: a new mapping at an address of the system's choice.
        let start = unsafe {
            mmap(
                std::ptr::null_mut(),
                BYTES,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED,
                &file,
                0,
            )
        }?;
        let start = NonNull::new(start.cast()).ok_or(rustix::io::Errno::NOMEM)?;
        Ok(Self { start, file })
    }

    /// A handle of the file, to give to the client.
    pub(crate) fn file(&self) -> std::io::Result<OwnedFd> {
        self.file.try_clone()
    }

    /// The doorbell word of a pair below [`bypass::PAIRS`].
    pub(crate) fn doorbell(&self, pair: u32) -> &AtomicU64 {
        self.word64(u64::from(pair) * bypass::DOORBELL_STRIDE)
    }

    /// What lies in a place of a pair's push window.
    pub(crate) fn push(&self, pair: u32, place: u16) -> [u8; bypass::PUSH_BYTES as usize] {
        let window = bypass::PUSHES + u64::from(pair) * bypass::PUSH_STRIDE;
        let start = window + u64::from(place % bypass::PUSH_PLACES) * bypass::PUSH_BYTES;
        let mut bytes = [0; bypass::PUSH_BYTES as usize];
        for (index, chunk) in bytes.chunks_exact_mut(8).enumerate() {
            let word = self
                .word64(start + 8 * index as u64)
                .load(Ordering::Acquire);
            chunk.copy_from_slice(&word.to_ne_bytes());
        }
        bytes
    }

    /// Reads a word as the client would; 0 where there is none.
    pub(crate) fn read(&self, offset: u64) -> u32 {
        self.word32(offset)
            .map_or(0, |word| word.load(Ordering::Acquire))
    }

    /// Writes a word as the client would; nothing happens where there is none.
    pub(crate) fn write(&self, offset: u64, value: u32) {
        if let Some(word) = self.word32(offset) {
            word.store(value, Ordering::Release);
        }
    }

    fn word32(&self, offset: u64) -> Option<&AtomicU32> {
        let fits = offset.is_multiple_of(4) && offset < BYTES as u64;
        // SAFETY: aligned and within the pages, which are mapped for as long as `self` lives.
        fits.then(|| unsafe {
            AtomicU32::from_ptr(self.start.as_ptr().add(offset as usize).cast())
        })
    }

    fn word64(&self, offset: u64) -> &AtomicU64 {
        assert!(offset.is_multiple_of(8) && offset < BYTES as u64);
        // SAFETY: as in `word32`.
        unsafe { AtomicU64::from_ptr(self.start.as_ptr().add(offset as usize).cast()) }
    }
}

impl Drop for BypassPages {
    fn drop(&mut self) {
        // SAFETY: what `new` mapped; no reference into it outlives `self`.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), BYTES) };
    }
}
