//! The memory that a client lets the device reach: an IOMMU in small. What is not mapped is a fault, never an access.

use std::collections::BTreeMap;
use std::fmt;
use std::os::fd::OwnedFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering, fence};

use parking_lot::RwLock;
use rustix::fs::{FileType, SealFlags, fcntl_get_seals, fstat, fstatfs};
use rustix::io::{Errno, pread, pwrite};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use thiserror::Error;

/// `f_type` of file systems whose files are memory (`<linux/magic.h>`): tmpfs, to which memfds belong, and hugetlbfs.
/// Access to any other file could take as long as its owner likes.
const MEMORY_FILE_SYSTEMS: [u64; 2] = [0x0102_1994, 0x9584_58f6];

/// Offsets of mappings are multiples of this on every machine that is supported.
const PAGE: u64 = 4096;

/// Up to this many bytes are copied word by word: rings and their indices lie in such. More goes by memcpy.
const WORD_WISE: usize = 4096;

/// What a device may do with a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DmaAccess {
    /// The device may read.
    pub read: bool,
    /// The device may write.
    pub write: bool,
}

impl DmaAccess {
    /// Reading and writing.
    pub const BOTH: Self = Self {
        read: true,
        write: true,
    };
}

/// An access that the client's mappings do not allow, as an IOMMU reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("DMA {} of {len} bytes at {address:#x} failed: {reason}", if *.write { "write" } else { "read" })]
pub struct DmaFault {
    /// Where the access began.
    pub address: u64,
    /// Its length in bytes.
    pub len: usize,
    /// Whether it was a write.
    pub write: bool,
    /// Why it failed.
    pub reason: DmaFaultReason,
}

/// Why an access failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DmaFaultReason {
    /// No mapping holds this address.
    NotMapped(u64),
    /// The mapping does not allow it.
    NotAllowed,
    /// The memory behind the mapping is gone, or the client did not answer for it.
    Lost,
}

impl fmt::Display for DmaFaultReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotMapped(address) => write!(f, "{address:#x} is not mapped"),
            Self::NotAllowed => write!(f, "the mapping does not allow it"),
            Self::Lost => write!(f, "the memory behind the mapping cannot be reached"),
        }
    }
}

/// Access to memory for which the client gave no file: by messages.
pub(crate) trait PeerMemory {
    /// Fills `bytes` from the client's memory; whether that was possible.
    fn read(&self, address: u64, bytes: &mut [u8]) -> bool;
    /// Writes `bytes` to the client's memory; whether that was possible.
    fn write(&self, address: u64, bytes: &[u8]) -> bool;
}

/// A shared mapping of a client's memory. Only of files that cannot shrink: an access past a file's end would be a
/// SIGBUS.
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
        // SAFETY: the range was mapped by `Backing::new`, and nobody refers to it beyond a copy's duration.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), self.len) };
    }
}

enum Backing {
    Mapped(Mapping),
    /// By system calls, as the file may shrink at any time.
    File {
        file: OwnedFd,
        offset: u64,
    },
    Peer,
}

impl Backing {
    fn new(file: OwnedFd, offset: u64, size: u64, access: DmaAccess) -> Result<Self, Errno> {
        let len = usize::try_from(size).map_err(|_| Errno::INVAL)?;
        let end = offset.checked_add(size).ok_or(Errno::INVAL)?;
        let stat = fstat(&file)?;
        let is_memory = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
            && MEMORY_FILE_SYSTEMS.contains(&(fstatfs(&file)?.f_type as u64));
        if !is_memory || u64::try_from(stat.st_size).map_err(|_| Errno::INVAL)? < end {
            return Err(Errno::INVAL);
        }
        let sealed = fcntl_get_seals(&file).is_ok_and(|seals| seals.contains(SealFlags::SHRINK));
        if !sealed || !offset.is_multiple_of(PAGE) {
            return Ok(Self::File { file, offset });
        }
        let mut protection = ProtFlags::empty();
        protection.set(ProtFlags::READ, access.read);
        protection.set(ProtFlags::WRITE, access.write);
        // SAFETY: a new mapping at an address of the system's choice.
        let start = unsafe {
            mmap(
                std::ptr::null_mut(),
                len,
                protection,
                MapFlags::SHARED,
                &file,
                offset,
            )
        }?;
        let start = NonNull::new(start.cast()).ok_or(Errno::NOMEM)?;
        Ok(Self::Mapped(Mapping { start, len }))
    }
}

struct DmaRegion {
    /// Last byte.
    last: u64,
    access: DmaAccess,
    backing: Backing,
}

/// The ranges that one client has mapped, by their addresses as the device sees them.
pub struct DmaTable {
    regions: RwLock<BTreeMap<u64, DmaRegion>>,
    limit: usize,
}

impl fmt::Debug for DmaTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DmaTable with {} ranges", self.len())
    }
}

impl DmaTable {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            regions: RwLock::default(),
            limit,
        }
    }

    /// Number of mapped ranges.
    pub fn len(&self) -> usize {
        self.regions.read().len()
    }

    /// Whether nothing is mapped.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn map(
        &self,
        address: u64,
        size: u64,
        access: DmaAccess,
        file: Option<(OwnedFd, u64)>,
    ) -> Result<(), Errno> {
        let last = last_byte(address, size)?;
        let backing = match file {
            Some((file, offset)) => Backing::new(file, offset, size, access)?,
            None => Backing::Peer,
        };
        let mut regions = self.regions.write();
        if regions
            .range(..=last)
            .next_back()
            .is_some_and(|(_, other)| other.last >= address)
        {
            return Err(Errno::EXIST);
        }
        if regions.len() >= self.limit {
            return Err(Errno::NOSPC);
        }
        regions.insert(
            address,
            DmaRegion {
                last,
                access,
                backing,
            },
        );
        Ok(())
    }

    /// Forgets all ranges that lie within these bytes, once no access is under way, as Linux's type 1 IOMMU does. A range
    /// of which only a part lies within is an error, and nothing changes.
    pub(crate) fn unmap(&self, address: u64, size: u64) -> Result<(), Errno> {
        let last = last_byte(address, size)?;
        let mut regions = self.regions.write();
        let cut_in_front = regions
            .range(..address)
            .next_back()
            .is_some_and(|(_, before)| before.last >= address);
        let cut_behind = regions
            .range(address..=last)
            .next_back()
            .is_some_and(|(_, end)| end.last > last);
        if cut_in_front || cut_behind {
            return Err(Errno::INVAL);
        }
        regions.retain(|&start, _| !(address..=last).contains(&start));
        Ok(())
    }

    /// Forgets all ranges, once no access is under way.
    pub(crate) fn clear(&self) {
        self.regions.write().clear();
    }

    pub(crate) fn read(
        &self,
        peer: &dyn PeerMemory,
        address: u64,
        bytes: &mut [u8],
    ) -> Result<(), DmaFault> {
        let len = bytes.len();
        let mut bytes = bytes;
        self.in_pieces(address, len, false, |piece| {
            let (head, rest) = std::mem::take(&mut bytes).split_at_mut(piece.len);
            bytes = rest;
            match piece.place {
                Place::Mapped(from) => {
                    // SAFETY: `in_pieces` gives a range within a mapping that it keeps for as long as this runs; `head`
                    // is the caller's own memory.
                    unsafe { copy_from_shared(from, head) };
                    true
                }
                Place::File(file, offset) => read_file(file, offset, head),
                Place::Peer(address) => peer.read(address, head),
            }
        })
    }

    pub(crate) fn write(
        &self,
        peer: &dyn PeerMemory,
        address: u64,
        bytes: &[u8],
    ) -> Result<(), DmaFault> {
        let len = bytes.len();
        let mut bytes = bytes;
        self.in_pieces(address, len, true, |piece| {
            let (head, rest) = bytes.split_at(piece.len);
            bytes = rest;
            match piece.place {
                Place::Mapped(to) => {
                    // SAFETY: as in `read`.
                    unsafe { copy_to_shared(head, to) };
                    true
                }
                Place::File(file, offset) => write_file(file, offset, head),
                Place::Peer(address) => peer.write(address, head),
            }
        })
    }

    /// Splits an access at the ends of ranges. All of it must be mapped before any of it is done. Mapped ranges stay while
    /// `transfer` runs; for those that are reached by messages the table is free, as the client's reply and what it
    /// unmaps come by the same way.
    fn in_pieces(
        &self,
        address: u64,
        len: usize,
        write: bool,
        mut transfer: impl FnMut(Piece<'_>) -> bool,
    ) -> Result<(), DmaFault> {
        let fault = |reason| DmaFault {
            address,
            len,
            write,
            reason,
        };
        if len == 0 {
            return Ok(());
        }
        let last = last_byte(address, len as u64)
            .map_err(|_| fault(DmaFaultReason::NotMapped(u64::MAX)))?;
        self.check(address, last, write).map_err(fault)?;
        let mut at = address;
        loop {
            let regions = self.regions.read();
            // It may have been unmapped since the check, by a client that does not wait for what it asked for.
            let found = regions
                .range(..=at)
                .next_back()
                .filter(|(_, region)| region.last >= at);
            let Some((&start, region)) = found else {
                return Err(fault(DmaFaultReason::NotMapped(at)));
            };
            let end = region.last.min(last);
            let piece_len = (end - at) as usize + 1;
            let within = at - start;
            let done = match &region.backing {
                Backing::Mapped(mapping) => transfer(Piece {
                    len: piece_len,
                    // SAFETY: `within` is less than the region's length, which is the mapping's.
                    place: Place::Mapped(unsafe { mapping.start.add(within as usize) }),
                }),
                Backing::File { file, offset } => transfer(Piece {
                    len: piece_len,
                    place: Place::File(file, offset + within),
                }),
                Backing::Peer => {
                    drop(regions);
                    transfer(Piece {
                        len: piece_len,
                        place: Place::Peer(at),
                    })
                }
            };
            if !done {
                return Err(fault(DmaFaultReason::Lost));
            }
            if end == last {
                return Ok(());
            }
            at = end + 1;
        }
    }

    fn check(&self, address: u64, last: u64, write: bool) -> Result<(), DmaFaultReason> {
        let regions = self.regions.read();
        let mut at = address;
        loop {
            let found = regions
                .range(..=at)
                .next_back()
                .filter(|(_, region)| region.last >= at);
            let Some((_, region)) = found else {
                return Err(DmaFaultReason::NotMapped(at));
            };
            let allowed = if write {
                region.access.write
            } else {
                region.access.read
            };
            if !allowed {
                return Err(DmaFaultReason::NotAllowed);
            }
            if region.last >= last {
                return Ok(());
            }
            at = region.last + 1;
        }
    }
}

struct Piece<'a> {
    len: usize,
    place: Place<'a>,
}

enum Place<'a> {
    Mapped(NonNull<u8>),
    File(&'a OwnedFd, u64),
    /// Address as the device sees it.
    Peer(u64),
}

/// The last byte of a range; an error if there is none, or it would be past 2^64.
fn last_byte(address: u64, size: u64) -> Result<u64, Errno> {
    size.checked_sub(1)
        .and_then(|size| address.checked_add(size))
        .ok_or(Errno::INVAL)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_is_full_takes_no_more() {
        let table = DmaTable::new(2);
        table.map(0, 1, DmaAccess::BOTH, None).unwrap();
        table.map(1, 1, DmaAccess::BOTH, None).unwrap();
        assert_eq!(table.map(2, 1, DmaAccess::BOTH, None), Err(Errno::NOSPC));
        table.unmap(0, 1).unwrap();
        table.map(2, 1, DmaAccess::BOTH, None).unwrap();
    }
}
