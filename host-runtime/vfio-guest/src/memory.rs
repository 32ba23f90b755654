//! Memory for DMA, and eventfds for interrupts.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use memmap2::{MmapOptions, MmapRaw};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use vfio::Function;

/// Longest wait for anything: in a machine without hardware support all takes its time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Anonymous memory.
pub(crate) struct Memory(MmapRaw);

impl Memory {
    pub(crate) fn new(bytes: usize) -> Result<Self> {
        Ok(Self(MmapOptions::new().len(bytes).map_anon()?.into()))
    }

    /// Lets a function reach all of it at an address, until it is unmapped.
    pub(crate) fn map(&self, function: &Function, address: u64) -> vfio::Result<()> {
        // SAFETY: it is this process' own, nobody has references to it, and it is only accessed by the copies below. Every
        // test drops its function, or unmaps this, before this goes.
        unsafe { function.map_dma(address, self.0.as_ptr(), self.0.len()) }
    }

    pub(crate) fn put(&self, offset: usize, bytes: &[u8]) {
        assert!(offset + bytes.len() <= self.0.len());
        // SAFETY: within the memory, as just checked.
        unsafe {
            let to = self.0.as_mut_ptr().add(offset);
            to.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        }
    }

    pub(crate) fn get(&self, offset: usize, len: usize) -> Vec<u8> {
        assert!(offset + len <= self.0.len());
        let mut bytes = vec![0; len];
        // SAFETY: within the memory, as just checked.
        unsafe {
            let from = self.0.as_ptr().add(offset);
            from.copy_to_nonoverlapping(bytes.as_mut_ptr(), len);
        }
        bytes
    }
}

/// An eventfd that an interrupt signals.
pub(crate) struct Signal(OwnedFd);

impl Signal {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(eventfd(
            0,
            EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK,
        )?))
    }

    pub(crate) fn file(&self) -> std::os::fd::BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// Waits until it was signalled.
    pub(crate) fn wait(&self) -> Result<()> {
        let bound = Timespec {
            tv_sec: PATIENCE.as_secs() as i64,
            tv_nsec: 0,
        };
        let mut files = [PollFd::new(&self.0, PollFlags::IN)];
        ensure!(
            poll(&mut files, Some(&bound))? == 1,
            "no interrupt came within {PATIENCE:?}"
        );
        rustix::io::read(&self.0, &mut [0; 8])?;
        Ok(())
    }

    /// Whether it was signalled, without waiting.
    pub(crate) fn is_signalled(&self) -> bool {
        rustix::io::read(&self.0, &mut [0; 8]).is_ok()
    }
}

/// Looks until something is so.
pub(crate) fn until(what: &str, mut so: impl FnMut() -> Result<bool>) -> Result<()> {
    let begin = std::time::Instant::now();
    while !so()? {
        if begin.elapsed() > PATIENCE {
            bail!("{what}: not so within {PATIENCE:?}");
        }
        std::thread::yield_now();
    }
    Ok(())
}
