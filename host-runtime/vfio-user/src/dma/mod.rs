//! The memory that a client lets the device reach: an IOMMU in small. What is not mapped is a fault, never an access.

mod memory_file;

use std::collections::BTreeMap;
use std::fmt;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use rustix::io::Errno;
use thiserror::Error;

use memory_file::{MemoryFile, MemoryFiles};

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

enum Backing {
    /// Bytes of a file, from an offset on.
    File(Arc<MemoryFile>, u64),
    Peer,
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
    files: Mutex<MemoryFiles>,
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
            files: Mutex::default(),
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
            Some((file, offset)) => {
                let end = offset.checked_add(size).ok_or(Errno::INVAL)?;
                let file = self.files.lock().find(file, end, access)?;
                Backing::File(file, offset)
            }
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
                Place::File(file, offset) => file.read(offset, head),
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
                Place::File(file, offset) => file.write(offset, head),
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
                Backing::File(file, offset) => transfer(Piece {
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
    /// A file, and an offset in it.
    File(&'a MemoryFile, u64),
    /// Address as the device sees it.
    Peer(u64),
}

/// The last byte of a range; an error if there is none, or it would be past 2^64.
fn last_byte(address: u64, size: u64) -> Result<u64, Errno> {
    size.checked_sub(1)
        .and_then(|size| address.checked_add(size))
        .ok_or(Errno::INVAL)
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::memory_file::{MAX_FILES, MAX_MAPPED, MAX_OPEN};
    use super::*;
    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};

    fn file(bytes: u64, sealed: bool) -> OwnedFd {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let file = memfd_create("test", flags).unwrap();
        ftruncate(&file, bytes).unwrap();
        if sealed {
            fcntl_add_seals(&file, SealFlags::SHRINK).unwrap();
        }
        file
    }

    fn duplicate(file: &OwnedFd) -> OwnedFd {
        file.as_fd().try_clone_to_owned().unwrap()
    }

    #[test]
    fn a_table_that_is_full_takes_no_more() {
        let table = DmaTable::new(2);
        table.map(0, 1, DmaAccess::BOTH, None).unwrap();
        table.map(1, 1, DmaAccess::BOTH, None).unwrap();
        assert_eq!(table.map(2, 1, DmaAccess::BOTH, None), Err(Errno::NOSPC));
        table.unmap(0, 1).unwrap();
        table.map(2, 1, DmaAccess::BOTH, None).unwrap();
    }

    /// As a guest's memory is mapped page by page, by a file that comes with each.
    #[test]
    fn ranges_of_one_file_share_it() {
        for sealed in [true, false] {
            let table = DmaTable::new(usize::MAX);
            let memory = file(MAX_FILES as u64 * 0x2000, sealed);
            for page in 0..2 * MAX_FILES as u64 {
                let place = Some((duplicate(&memory), 0x1000 * page));
                table
                    .map(page << 20, 0x1000, DmaAccess::BOTH, place)
                    .unwrap();
            }
            assert_eq!(table.files.lock().count(), 1);
            table.clear();
            assert_eq!(table.files.lock().count(), 0);
        }
    }

    #[test]
    fn a_client_has_no_more_than_its_share_of_what_a_process_can_have() {
        for (sealed, most) in [(true, MAX_FILES), (false, MAX_OPEN)] {
            let table = DmaTable::new(usize::MAX);
            let map = |place: usize| {
                let memory = Some((file(0x1000, sealed), 0));
                table.map((place as u64) << 12, 0x1000, DmaAccess::BOTH, memory)
            };
            (0..most).for_each(|place| map(place).unwrap());
            assert_eq!(map(most), Err(Errno::NOSPC), "sealed: {sealed}");
            table.unmap(0, 0x1000).unwrap();
            map(most).unwrap();
        }
        let table = DmaTable::new(usize::MAX);
        let map = |address, bytes: u64| {
            let memory = Some((file(bytes, true), 0));
            table.map(address, 0x1000, DmaAccess::BOTH, memory)
        };
        map(0, MAX_MAPPED / 2 + 1).unwrap();
        assert_eq!(map(0x1000, MAX_MAPPED / 2), Err(Errno::NOSPC));
        map(0x1000, MAX_MAPPED / 2 - 1).unwrap();
    }

    #[test]
    fn a_file_that_is_known_to_be_read_is_not_written_and_one_that_grew_is_seen_whole() {
        let table = DmaTable::new(usize::MAX);
        let memory = file(0x1000, true);
        let read_only = DmaAccess {
            read: true,
            write: false,
        };
        let place = |offset| Some((duplicate(&memory), offset));
        table.map(0, 0x1000, read_only, place(0)).unwrap();
        table
            .map(0x1000, 0x1000, DmaAccess::BOTH, place(0))
            .unwrap();
        ftruncate(&memory, 0x2000).unwrap();
        table
            .map(0x2000, 0x1000, DmaAccess::BOTH, place(0x1000))
            .unwrap();
        table.write(&Nobody, 0x1FF8, &[7; 16]).unwrap();
        let mut bytes = [0; 8];
        table.read(&Nobody, 0xFF8, &mut bytes).unwrap();
        assert_eq!(bytes, [7; 8]);
        table.write(&Nobody, 0xFF8, &[8; 8]).unwrap_err();
    }

    struct Nobody;

    impl PeerMemory for Nobody {
        fn read(&self, _: u64, _: &mut [u8]) -> bool {
            false
        }

        fn write(&self, _: u64, _: &[u8]) -> bool {
            false
        }
    }
}
