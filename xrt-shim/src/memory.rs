//! Buffer objects: memory on the card, and whose the host's side is.

use std::ptr::NonNull;
use std::sync::atomic::AtomicU32;

use host_runtime::{Card, DeviceBuffer, MappedMemory};
use memmap2::MmapRaw;

use crate::error::{Error, Result};
use crate::packet;

/// Bits of the flags that hold the bank.
const BANK_MASK: u32 = 0x00FF_FFFF;
/// `XCL_BO_FLAGS_DEV_ONLY`: no side on the host.
const DEVICE_ONLY: u32 = 1 << 28;
/// `XCL_BO_FLAGS_HOST_ONLY`: one memory, on the host, that the kernels reach.
const HOST_ONLY: u32 = 1 << 29;
/// `XCL_BO_FLAGS_P2P`: one memory, on the card, that the host sees.
const PEER_TO_PEER: u32 = 1 << 30;
/// `XCL_BO_FLAGS_EXECBUF`: a command packet; on the host alone.
const EXECUTION: u32 = 1 << 31;

/// `enum xclBOSyncDirection`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    ToDevice,
    FromDevice,
}

/// A buffer object.
#[derive(Debug)]
pub(crate) struct BufferObject {
    flags: u32,
    len: usize,
    host: Host,
    device: Option<DeviceBuffer>,
}

/// The host's side.
#[derive(Debug)]
enum Host {
    /// There is none.
    None,
    /// The program's, or XRT's.
    User(NonNull<u8>),
    /// Ours.
    Own(MmapRaw),
    /// The card's memory itself: there is nothing to sync.
    Shared(MappedMemory),
}

// SAFETY: a user's pointer is only used by calls of the program that gave it, which answers for what else it does with
// these bytes at the time.
unsafe impl Send for BufferObject {}
// SAFETY: as above.
unsafe impl Sync for BufferObject {}

impl BufferObject {
    /// `xclAllocBO`.
    pub(crate) fn allocate(card: &Card, len: usize, flags: u32) -> Result<Self> {
        check_len(len)?;
        if flags & EXECUTION != 0 {
            return Ok(Self {
                flags,
                len,
                host: Host::Own(map(len)?),
                device: None,
            });
        }
        let device = allocate_device(card, len, flags)?;
        let host = if flags & DEVICE_ONLY != 0 {
            Host::None
        } else if flags & (HOST_ONLY | PEER_TO_PEER) != 0 {
            match device.map()? {
                Some(mapped) => Host::Shared(mapped),
                // Programs are told to sync these too, and then two copies do as well.
                None => Host::Own(map(len)?),
            }
        } else {
            Host::Own(map(len)?)
        };
        Ok(Self {
            flags,
            len,
            host,
            device: Some(device),
        })
    }

    /// `xclAllocUserPtrBO`: the `len` bytes at `host` are the caller's, and stay while this lives.
    pub(crate) fn around(card: &Card, host: *mut u8, len: usize, flags: u32) -> Result<Self> {
        check_len(len)?;
        let host = NonNull::new(host)
            .ok_or_else(|| Error::Invalid("the user pointer is null".to_owned()))?;
        Ok(Self {
            flags,
            len,
            host: Host::User(host),
            device: Some(allocate_device(card, len, flags)?),
        })
    }

    pub(crate) fn flags(&self) -> u32 {
        self.flags
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Where it is on the card; 0 if it is not there.
    pub(crate) fn address(&self) -> u64 {
        self.device.as_ref().map_or(0, DeviceBuffer::address)
    }

    /// The host's side; null where there is none.
    pub(crate) fn host(&self) -> *mut u8 {
        match &self.host {
            Host::None => std::ptr::null_mut(),
            Host::User(pointer) => pointer.as_ptr(),
            Host::Own(map) => map.as_mut_ptr(),
            Host::Shared(mapped) => mapped.as_ptr(),
        }
    }

    /// `xclSyncBO`.
    pub(crate) fn sync(&self, direction: Direction, offset: usize, len: usize) -> Result<()> {
        let host = self.host_at(offset, len)?;
        let device = self.device()?;
        if matches!(self.host, Host::Shared(_)) {
            return Ok(());
        }
        match direction {
            Direction::ToDevice => {
                // SAFETY: `host_at` checked the range; the caller keeps its bytes unchanged for the length of the call.
                let bytes = unsafe { std::slice::from_raw_parts(host, len) };
                device.write(offset, bytes)?;
            }
            Direction::FromDevice => {
                // SAFETY: as above, and nobody else reads or writes them meanwhile.
                let bytes = unsafe { std::slice::from_raw_parts_mut(host, len) };
                device.read(offset, bytes)?;
            }
        }
        Ok(())
    }

    /// `xclWriteBO`: the host's side from `offset` on, and the card's.
    pub(crate) fn write(&self, offset: usize, bytes: &[u8]) -> Result<()> {
        if self.has_host() {
            let host = self.host_at(offset, bytes.len())?;
            // SAFETY: `host_at` checked the range; the caller's bytes may be any, even these.
            unsafe { std::ptr::copy(bytes.as_ptr(), host, bytes.len()) };
        }
        match &self.device {
            Some(device) => Ok(device.write(offset, bytes)?),
            None => Ok(()),
        }
    }

    /// `xclReadBO`: from the card.
    pub(crate) fn read(&self, offset: usize, bytes: &mut [u8]) -> Result<()> {
        Ok(self.device()?.read(offset, bytes)?)
    }

    /// `xclCopyBO`: on the card.
    pub(crate) fn copy_from(
        &self,
        offset: usize,
        source: &Self,
        source_offset: usize,
        len: usize,
    ) -> Result<()> {
        let (target, source) = (self.device()?, source.device()?);
        Ok(target.copy_from(offset, source, source_offset, len)?)
    }

    /// A copy of the words of the packet in an execution buffer; the program goes on writing to the buffer when the
    /// command is done.
    pub(crate) fn packet(&self) -> Result<Vec<u32>> {
        let Host::Own(map) = self.execution()? else {
            unreachable!("execution buffers are ours");
        };
        // SAFETY: a mapping of ours, of page alignment, with `len / 4` words.
        let words = unsafe { std::slice::from_raw_parts(map.as_ptr().cast::<u32>(), self.len / 4) };
        let len = packet::len(words).min(words.len());
        Ok(words[..len].to_vec())
    }

    /// An execution buffer's first word, which the program polls.
    pub(crate) fn header(&self) -> Result<&AtomicU32> {
        let Host::Own(map) = self.execution()? else {
            unreachable!("execution buffers are ours");
        };
        // SAFETY: the first word of a mapping of ours, that lives as long as this; the program's own accesses to it
        // are single words too.
        Ok(unsafe { AtomicU32::from_ptr(map.as_mut_ptr().cast()) })
    }

    fn execution(&self) -> Result<&Host> {
        if self.flags & EXECUTION == 0 || self.len < 4 {
            return Err(Error::Invalid(
                "commands are taken from buffers with XCL_BO_FLAGS_EXECBUF only".to_owned(),
            ));
        }
        Ok(&self.host)
    }

    fn has_host(&self) -> bool {
        !matches!(self.host, Host::None | Host::Shared(_))
    }

    fn device(&self) -> Result<&DeviceBuffer> {
        self.device
            .as_ref()
            .ok_or_else(|| Error::Invalid("an execution buffer has no side on the card".to_owned()))
    }

    fn host_at(&self, offset: usize, len: usize) -> Result<*mut u8> {
        if offset.checked_add(len).is_none_or(|end| end > self.len) {
            return Err(Error::Invalid(format!(
                "{len} bytes from {offset} on are outside the buffer of {} bytes",
                self.len
            )));
        }
        let host = self.host();
        if host.is_null() {
            return Err(Error::Invalid(
                "a device-only buffer has no side on the host".to_owned(),
            ));
        }
        Ok(host.wrapping_add(offset))
    }
}

fn check_len(len: usize) -> Result<()> {
    if len == 0 {
        return Err(Error::Invalid("a buffer cannot be empty".to_owned()));
    }
    Ok(())
}

fn map(len: usize) -> Result<MmapRaw> {
    memmap2::MmapMut::map_anon(len)
        .map(MmapRaw::from)
        .map_err(|source| Error::System {
            action: format!("mapping {len} bytes"),
            source,
        })
}

fn allocate_device(card: &Card, len: usize, flags: u32) -> Result<DeviceBuffer> {
    Ok(card.allocate_device((flags & BANK_MASK) as usize, len)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use host_runtime::{CardId, OpenOptions};

    fn card(folder: &tempfile::TempDir) -> Card {
        let options = OpenOptions {
            state_folder: Some(folder.path().to_owned()),
            ..OpenOptions::default()
        };
        Card::open_with(CardId::Software(0), &options).unwrap()
    }

    #[test]
    fn both_sides_differ_until_a_sync_of_just_those_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let card = card(&folder);
        let mut user = [1u8; 100];
        let buffer = BufferObject::around(&card, user.as_mut_ptr(), 100, 1).unwrap();
        buffer.sync(Direction::ToDevice, 10, 5).unwrap();
        let mut bytes = [0; 100];
        buffer.read(0, &mut bytes).unwrap();
        assert_eq!(bytes.iter().filter(|&&byte| byte == 1).count(), 5);
        buffer.write(0, b"abc").unwrap();
        assert_eq!(&user[..4], b"abc\x01");
        assert!(buffer.sync(Direction::FromDevice, 96, 5).is_err());
        assert!(buffer.sync(Direction::FromDevice, usize::MAX, 5).is_err());
    }

    #[test]
    fn each_kind_has_the_sides_it_should_and_refuses_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let card = card(&folder);
        let execution = BufferObject::allocate(&card, 4096, EXECUTION).unwrap();
        let packet_len = |header: u32| {
            let word = execution.header().unwrap();
            word.store(header, std::sync::atomic::Ordering::Relaxed);
            execution.packet().unwrap().len()
        };
        assert_eq!(packet_len(100 << 12), 101);
        // A header that says more than there is, and one that does not count an abort's words.
        assert_eq!(packet_len(0x7FF << 12), 1024);
        assert_eq!(packet_len(0), 4);
        assert!(execution.sync(Direction::ToDevice, 0, 1).is_err());
        let device = BufferObject::allocate(&card, 4096, DEVICE_ONLY | 1).unwrap();
        assert!(device.host().is_null() && device.address() != 0);
        assert!(device.sync(Direction::ToDevice, 0, 1).is_err());
        assert!(device.packet().is_err());
        device.copy_from(0, &device, 8, 8).unwrap();
        assert!(device.copy_from(0, &execution, 8, 8).is_err());
        assert!(BufferObject::allocate(&card, 0, 0).is_err());
        let error = BufferObject::allocate(&card, 1, 7).unwrap_err();
        assert_eq!(error.number(), libc::EINVAL, "no such bank: {error}");
        let error = BufferObject::allocate(&card, 17 << 30, DEVICE_ONLY).unwrap_err();
        assert_eq!(error.number(), libc::ENOMEM, "{error}");
    }
}
