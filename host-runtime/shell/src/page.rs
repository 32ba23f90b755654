//! The page of the identity block that clients map: a file that only the server writes.

use std::os::fd::OwnedFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

use crate::CardStatus;
use crate::identity as id;

const BYTES: usize = id::PAGE as usize;

/// The page as the server sees it.
#[derive(Debug)]
pub(crate) struct StatusPage {
    words: NonNull<AtomicU32>,
    file: OwnedFd,
    /// Of the status that is shown.
    sequence: Mutex<Option<u64>>,
    /// What the words are to be when the link comes up again; none while it is up.
    lost: Mutex<Option<Vec<u32>>>,
}

// SAFETY: the words are atomic, and mapped for as long as this lives.
unsafe impl Send for StatusPage {}
// SAFETY: as above.
unsafe impl Sync for StatusPage {}

impl StatusPage {
    pub(crate) fn new(client: u32) -> rustix::io::Result<Self> {
        let file = memfd_create("card", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        ftruncate(&file, BYTES as u64)?;
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
        let page = Self {
            words: NonNull::new(start.cast()).ok_or(rustix::io::Errno::NOMEM)?,
            file,
            sequence: Mutex::new(None),
            lost: Mutex::new(None),
        };
        // From here on only this mapping can write, and nobody can cut the file off under it.
        let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::FUTURE_WRITE | SealFlags::SEAL;
        fcntl_add_seals(&page.file, seals)?;
        page.set(id::REG_MAGIC, id::MAGIC);
        page.set(id::REG_VERSION, id::VERSION);
        page.set(id::REG_CLIENT, client);
        Ok(page)
    }

    /// A handle of the file, to give to the client.
    pub(crate) fn file(&self) -> std::io::Result<OwnedFd> {
        self.file.try_clone()
    }

    pub(crate) fn read(&self, offset: u32) -> u32 {
        self.word(offset)
            .map_or(0, |word| word.load(Ordering::Acquire))
    }

    /// Shows a card's status, unless a later one is shown. The generation is written last: who sees it sees the rest.
    pub(crate) fn publish(&self, status: &CardStatus) {
        let mut sequence = self.sequence.lock();
        if sequence.is_some_and(|shown| shown > status.sequence) {
            return;
        }
        *sequence = Some(status.sequence);
        let programmed = if status.image.is_some() {
            id::status::PROGRAMMED
        } else {
            0
        };
        let broken = if status.broken { id::status::BROKEN } else { 0 };
        let pushes = if status.takes_pushes {
            id::status::PUSHES
        } else {
            0
        };
        for (index, word) in status.image.unwrap_or_default().chunks_exact(4).enumerate() {
            let word = u32::from_le_bytes(word.try_into().expect("four bytes"));
            self.set(id::REG_IMAGE + 4 * index as u32, word);
        }
        self.set(id::REG_CLOCK_MHZ, status.clock_mhz);
        self.set(id::REG_UNITS, status.units);
        self.set(id::REG_IMAGE_BYTES, status.image_bytes);
        self.set(id::REG_CORRECTED, status.corrected);
        self.set(id::REG_UNCORRECTED, status.uncorrected);
        self.set(id::REG_REPLAYS, status.replays);
        self.set(id::REG_PAIRS, status.pairs);
        self.set(id::REG_SIZE_MEMORY, status.size.memory as u32);
        self.set(id::REG_SIZE_MEMORY + 4, (status.size.memory >> 32) as u32);
        self.set(id::REG_SIZE_LUTS, status.size.luts);
        self.set(id::REG_SIZE_DSPS, status.size.dsps);
        self.set(id::REG_STATUS, programmed | broken | pushes);
        self.set(id::REG_GENERATION, status.generation);
    }

    pub(crate) fn set(&self, offset: u32, value: u32) {
        let mut lost = self.lost.lock();
        if let Some(words) = &mut *lost {
            if let Some(word) = words.get_mut(offset as usize / 4) {
                *word = value;
            }
        } else if let Some(word) = self.word(offset) {
            word.store(value, Ordering::Release);
        }
    }

    /// Reads give all ones from now on: the link is down.
    pub(crate) fn lose(&self) {
        let mut lost = self.lost.lock();
        if lost.is_none() {
            let offsets = (0..id::PAGE).step_by(4);
            let words = offsets.filter_map(|offset| self.word(offset));
            *lost = Some(
                words
                    .map(|word| word.swap(u32::MAX, Ordering::AcqRel))
                    .collect(),
            );
        }
    }

    /// Reads give what is there again.
    pub(crate) fn restore(&self) {
        let mut lost = self.lost.lock();
        for (value, offset) in lost.take().into_iter().flatten().zip((0..).step_by(4)) {
            if let Some(word) = self.word(offset) {
                word.store(value, Ordering::Release);
            }
        }
    }

    fn word(&self, offset: u32) -> Option<&AtomicU32> {
        let index = offset as usize / 4;
        // SAFETY: within the page, which is mapped for as long as `self` lives.
        (index < BYTES / 4).then(|| unsafe { self.words.add(index).as_ref() })
    }
}

impl Drop for StatusPage {
    fn drop(&mut self) {
        // SAFETY: what `new` mapped; no reference into it outlives `self`.
        let _ = unsafe { munmap(self.words.as_ptr().cast(), BYTES) };
    }
}
