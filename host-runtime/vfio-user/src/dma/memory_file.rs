//! Files that hold a client's memory. Each is mapped or held open once, however many ranges are of it, and there may only be
//! so many: a client that maps for the sake of mapping must not use up what a process can have of mappings, file
//! descriptors and addresses, which the other clients need too.

use std::os::fd::OwnedFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::sync::{Arc, Weak};

use rustix::fs::{FileType, OFlags, SealFlags, fcntl_get_seals, fcntl_getfl, fstat, fstatfs};
use rustix::io::{Errno, pread, pwrite};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

use super::DmaAccess;

/// `f_type` of tmpfs, to which memfds belong (`<linux/magic.h>`). Access to files elsewhere could take as long as their
/// owner likes; and hugetlbfs, whose files are memory too, answers an access by a SIGBUS once its pages are used up.
const TMPFS: u64 = 0x0102_1994;

/// Most files of one client. With 64 clients this is half of the mappings that Linux lets a process have
/// (`vm.max_map_count`).
pub(super) const MAX_FILES: usize = 512;
/// Most of them that are held open, as they could shrink.
pub(super) const MAX_OPEN: usize = 32;
/// Most bytes of one client's files that are mapped. With 64 clients this is half of the addresses that a process has.
pub(super) const MAX_MAPPED: u64 = 1 << 40;

/// Up to this many bytes are copied word by word: rings and their indices lie in such. More goes by memcpy.
const WORD_WISE: usize = 4096;

/// The files of one client.
#[derive(Debug, Default)]
pub(super) struct MemoryFiles(Vec<Weak<MemoryFile>>);

/// A file that is memory.
#[derive(Debug)]
pub(super) struct MemoryFile {
    /// Device and inode.
    identity: (u64, u64),
    /// Its length, when it came.
    bytes: u64,
    writable: bool,
    reach: Reach,
}

#[derive(Debug)]
enum Reach {
    /// It cannot shrink, so that no access is past its end, which would be a SIGBUS.
    Mapped(Mapping),
    /// By system calls, as it may shrink at any time.
    Open(OwnedFd),
}

/// A shared mapping of a whole file.
#[derive(Debug)]
struct Mapping {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: it is an address range that stays mapped for the value's life; accesses to it are by raw copies, which do not
// care who else accesses it: another process does at any time.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the range was mapped by `Mapping::new`, and nobody refers to it beyond a copy's duration.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), self.len) };
    }
}

impl Mapping {
    fn new(file: &OwnedFd, bytes: u64, writable: bool) -> Result<Self, Errno> {
        let len = usize::try_from(bytes).map_err(|_| Errno::INVAL)?;
        let mut protection = ProtFlags::READ;
        protection.set(ProtFlags::WRITE, writable);
        // SAFETY: a new mapping at an address of the system's choice.
        let start = unsafe {
            mmap(
                std::ptr::null_mut(),
                len,
                protection,
                MapFlags::SHARED,
                file,
                0,
            )
        }?;
        let start = NonNull::new(start.cast()).ok_or(Errno::NOMEM)?;
        Ok(Self { start, len })
    }
}

impl MemoryFiles {
    /// How many there are.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        let known = self.0.iter();
        known.filter(|known| known.strong_count() > 0).count()
    }

    /// The file whose first `end` bytes can be accessed like this, be it new or known.
    pub(super) fn find(
        &mut self,
        file: OwnedFd,
        end: u64,
        access: DmaAccess,
    ) -> Result<Arc<MemoryFile>, Errno> {
        let stat = fstat(&file)?;
        let is_memory = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
            && fstatfs(&file)?.f_type as u64 == TMPFS;
        let bytes = u64::try_from(stat.st_size).map_err(|_| Errno::INVAL)?;
        if !is_memory || bytes < end {
            return Err(Errno::INVAL);
        }
        self.0.retain(|known| known.strong_count() > 0);
        let all: Vec<_> = self.0.iter().filter_map(Weak::upgrade).collect();
        let identity = (stat.st_dev, stat.st_ino);
        let fits = |known: &&Arc<MemoryFile>| {
            known.identity == identity && known.bytes >= end && (known.writable || !access.write)
        };
        if let Some(known) = all.iter().find(fits) {
            return Ok(Arc::clone(known));
        }
        if all.len() >= MAX_FILES {
            return Err(Errno::NOSPC);
        }
        let writable = access.write;
        let sealed = fcntl_get_seals(&file).is_ok_and(|seals| seals.contains(SealFlags::SHRINK));
        let reach = if sealed {
            let mapped = all.iter().map(|known| match &known.reach {
                Reach::Mapped(_) => known.bytes,
                Reach::Open(_) => 0,
            });
            if mapped.sum::<u64>().saturating_add(bytes) > MAX_MAPPED {
                return Err(Errno::NOSPC);
            }
            Reach::Mapped(Mapping::new(&file, bytes, writable)?)
        } else {
            let open = all
                .iter()
                .filter(|known| matches!(known.reach, Reach::Open(_)));
            if open.count() >= MAX_OPEN {
                return Err(Errno::NOSPC);
            }
            let mode = fcntl_getfl(&file)? & OFlags::ACCMODE;
            if mode == OFlags::WRONLY || writable && mode != OFlags::RDWR {
                return Err(Errno::ACCESS);
            }
            Reach::Open(file)
        };
        let new = Arc::new(MemoryFile {
            identity,
            bytes,
            writable,
            reach,
        });
        self.0.push(Arc::downgrade(&new));
        Ok(new)
    }
}

impl MemoryFile {
    /// Fills `bytes` from an offset on; whether that was possible. They lie within what [`MemoryFiles::find`] was asked for.
    pub(super) fn read(&self, offset: u64, bytes: &mut [u8]) -> bool {
        match &self.reach {
            Reach::Mapped(mapping) => match mapping.at(offset, bytes.len()) {
                Some(from) => {
                    // SAFETY: `at` has checked that so many bytes are mapped there; `bytes` is the caller's own memory.
                    unsafe { copy_from_shared(from, bytes) };
                    true
                }
                None => false,
            },
            Reach::Open(file) => read_file(file, offset, bytes),
        }
    }

    /// Writes `bytes`; otherwise as [`MemoryFile::read`]. Asked for access that writes.
    pub(super) fn write(&self, offset: u64, bytes: &[u8]) -> bool {
        if !self.writable {
            return false;
        }
        match &self.reach {
            Reach::Mapped(mapping) => match mapping.at(offset, bytes.len()) {
                Some(to) => {
                    // SAFETY: as in `read`, and mapped for writing.
                    unsafe { copy_to_shared(bytes, to) };
                    true
                }
                None => false,
            },
            Reach::Open(file) => write_file(file, offset, bytes),
        }
    }
}

impl Mapping {
    /// Where an offset is, if so many bytes follow it.
    fn at(&self, offset: u64, len: usize) -> Option<NonNull<u8>> {
        let start = usize::try_from(offset).ok()?;
        let end = start.checked_add(len)?;
        // SAFETY: within the mapping, as just checked.
        (end <= self.len).then(|| unsafe { self.start.add(start) })
    }
}

fn read_file(file: &OwnedFd, mut offset: u64, mut bytes: &mut [u8]) -> bool {
    while !bytes.is_empty() {
        match pread(file, &mut *bytes, offset) {
            Ok(0) => return false,
            Ok(count) => {
                bytes = &mut bytes[count..];
                offset += count as u64;
            }
            Err(Errno::INTR) => {}
            Err(_) => return false,
        }
    }
    true
}

fn write_file(file: &OwnedFd, mut offset: u64, mut bytes: &[u8]) -> bool {
    // A file that shrank would grow again by writing past its end.
    let end = offset + bytes.len() as u64;
    if fstat(file).is_err() || fstat(file).is_ok_and(|stat| (stat.st_size as u64) < end) {
        return false;
    }
    while !bytes.is_empty() {
        match pwrite(file, bytes, offset) {
            Ok(0) => return false,
            Ok(count) => {
                bytes = &bytes[count..];
                offset += count as u64;
            }
            Err(Errno::INTR) => {}
            Err(_) => return false,
        }
    }
    true
}

/// Copies out of memory that another process may write at the same time. Aligned words are read whole, the first bytes
/// first.
///
/// # Safety
/// `from` points to as many mapped, readable bytes as `to` has.
unsafe fn copy_from_shared(from: NonNull<u8>, to: &mut [u8]) {
    if to.len() > WORD_WISE || !from.addr().get().is_multiple_of(8) || !to.len().is_multiple_of(8) {
        // SAFETY: the caller vouches for `from`; `to` is not in shared memory, so the two do not overlap.
        unsafe {
            from.as_ptr()
                .copy_to_nonoverlapping(to.as_mut_ptr(), to.len())
        };
        return;
    }
    for (index, chunk) in to.chunks_exact_mut(8).enumerate() {
        // SAFETY: aligned to 8 as checked, and within the range that the caller vouches for.
        let word = unsafe { AtomicU64::from_ptr(from.as_ptr().add(8 * index).cast()) };
        chunk.copy_from_slice(&word.load(Ordering::Relaxed).to_ne_bytes());
    }
    fence(Ordering::Acquire);
}

/// Copies to memory that another process may read at the same time. Aligned words are written whole, the first bytes
/// first.
///
/// # Safety
/// `to` points to as many mapped, writable bytes as `from` has.
unsafe fn copy_to_shared(from: &[u8], to: NonNull<u8>) {
    fence(Ordering::Release);
    if from.len() > WORD_WISE || !to.addr().get().is_multiple_of(8) || !from.len().is_multiple_of(8)
    {
        // SAFETY: the caller vouches for `to`; `from` is not in shared memory, so the two do not overlap.
        unsafe {
            to.as_ptr()
                .copy_from_nonoverlapping(from.as_ptr(), from.len())
        };
        return;
    }
    for (index, chunk) in from.chunks_exact(8).enumerate() {
        // SAFETY: aligned to 8 as checked, and within the range that the caller vouches for.
        let word = unsafe { AtomicU64::from_ptr(to.as_ptr().add(8 * index).cast()) };
        word.store(
            u64::from_ne_bytes(chunk.try_into().expect("8 bytes")),
            Ordering::Release,
        );
    }
}
