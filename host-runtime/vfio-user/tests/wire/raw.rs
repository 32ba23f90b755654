//! A client in bytes: it says what it likes, with files that it likes.

// Test programs of other crates use a part of this.
#![allow(dead_code)]

use std::io::{ErrorKind, IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

/// As many files as Linux sends with one message (`SCM_MAX_FD`).
pub(crate) const MOST_FILES: usize = 253;

pub(crate) const VERSION: [u8; 5] = *b"\0\0\x01\0\0";
pub(crate) const ERROR: u32 = 1 << 5;
pub(crate) const NO_REPLY: u32 = 1 << 4;

/// A connection whose bytes the test chooses.
pub(crate) struct Raw(pub(crate) UnixStream);

pub(crate) fn message(id: u16, command: u16, flags: u32, payload: &[u8]) -> Vec<u8> {
    sized(id, command, flags, 16 + payload.len() as u32, payload)
}

pub(crate) fn sized(id: u16, command: u16, flags: u32, size: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = id.to_ne_bytes().to_vec();
    bytes.extend(command.to_ne_bytes());
    bytes.extend(size.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    bytes.extend(0u32.to_ne_bytes());
    bytes.extend(payload);
    bytes
}

impl Raw {
    pub(crate) fn connect(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream
            .set_write_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        Self(stream)
    }

    /// A connection that has agreed on the version.
    pub(crate) fn greeted(socket: &Path) -> Self {
        let mut raw = Self::connect(socket);
        raw.send(&message(0, 1, 0, &VERSION));
        assert_eq!(raw.reply().unwrap().1 & ERROR, 0);
        raw
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        // The server may have dropped the connection already.
        let _ = self.0.write_all(bytes);
    }

    /// Sends bytes with file descriptors.
    pub(crate) fn send_with(&mut self, bytes: &[u8], files: &[BorrowedFd<'_>]) {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FILES))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !files.is_empty() {
            assert!(control.push(SendAncillaryMessage::ScmRights(files)));
        }
        let _ = sendmsg(
            &self.0,
            &[IoSlice::new(bytes)],
            &mut control,
            SendFlags::NOSIGNAL,
        );
    }

    /// Sends a request and takes its reply: flags and payload; `None` if there is none any more.
    pub(crate) fn ask(
        &mut self,
        command: u16,
        payload: &[u8],
        files: &[BorrowedFd<'_>],
    ) -> Option<(u32, Vec<u8>)> {
        self.send_with(&message(9, command, 0, payload), files);
        self.reply().map(|(_, flags, payload)| (flags, payload))
    }

    /// Fills bytes; `None` at the connection's end, which must come in time.
    fn take(&mut self, bytes: &mut [u8]) -> Option<()> {
        let taken = self.0.read_exact(bytes);
        if let Err(error) = &taken {
            assert_ne!(
                error.kind(),
                ErrorKind::WouldBlock,
                "the server does nothing"
            );
        }
        taken.ok()
    }

    /// Id, flags and payload of the next message; `None` at the connection's end.
    pub(crate) fn reply(&mut self) -> Option<(u16, u32, Vec<u8>)> {
        let mut header = [0; 16];
        self.take(&mut header)?;
        let word = |at: usize| u32::from_ne_bytes(header[at..at + 4].try_into().unwrap());
        let mut payload = vec![0; word(4) as usize - 16];
        self.take(&mut payload)?;
        Some((u16::from_ne_bytes([header[0], header[1]]), word(8), payload))
    }
}

/// The fixed part of an access to a region.
pub(crate) fn access(offset: u64, region: u32, count: u32) -> Vec<u8> {
    let mut bytes = offset.to_ne_bytes().to_vec();
    bytes.extend(region.to_ne_bytes());
    bytes.extend(count.to_ne_bytes());
    bytes
}

/// A request to map memory for reading and writing.
pub(crate) fn dma_map(address: u64, size: u64, offset: u64) -> Vec<u8> {
    let words = [32u32, 3].map(u32::to_ne_bytes).concat();
    [
        words,
        [offset, address, size].map(u64::to_ne_bytes).concat(),
    ]
    .concat()
}

/// A request to take memory back.
pub(crate) fn dma_unmap(address: u64, size: u64) -> Vec<u8> {
    let words = [24u32, 0].map(u32::to_ne_bytes).concat();
    [words, [address, size].map(u64::to_ne_bytes).concat()].concat()
}

/// A request to have the MSI-X vectors from `start` on signal the eventfds that come with it.
pub(crate) fn set_irqs(start: u32, count: u32) -> Vec<u8> {
    const EVENTFD: u32 = 1 << 2;
    const TRIGGER: u32 = 1 << 5;
    [20, EVENTFD | TRIGGER, 2, start, count]
        .map(u32::to_ne_bytes)
        .concat()
}
