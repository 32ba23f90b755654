//! Takes an input for what a client sends to the vfio-user server: any bytes, or messages with right headers. No panic in
//! the server, answers that are whole messages, and other clients are served on.
//!
//! | byte | what |
//! |---|---|
//! | 0 | bit 0: messages follow, else bytes as they are; bit 1: no greeting before them |
//! | of each message | command, with bit 7 for a file that comes with it; flags; bytes of payload; the payload |

use std::io::{IoSlice, Read};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use vfio_user::{
    Attachment, BAR0_REGION, BAR1_REGION, Client, Device, Function, IrqType, Link, MSIX_IRQ,
    Mappable, PCI_IRQS, PCI_REGIONS, Region, Server, ServerOptions, Timeouts,
};

const RAW: u8 = 0;
const MESSAGES: u8 = 1 << 0;
const UNGREETED: u8 = 1 << 1;
const WITH_FILE: u8 = 1 << 7;

const VERSION: u16 = 1;
const HEADER: usize = 16;
const BAR_BYTES: u64 = 0x1000;
/// A register whose write has the device copy eight bytes of the client's memory, from the address that is written.
const COPY: u64 = 0x800;
/// Each so many inputs another client is served.
const OTHERS: u64 = 64;

/// A device with a page of registers, which does DMA.
struct Page;

struct PageFunction {
    link: Arc<Link>,
    bytes: Vec<u8>,
}

impl Device for Page {
    fn attach(&self, link: Arc<Link>) -> Result<Attachment, String> {
        let mut regions: Vec<_> = (0..PCI_REGIONS).map(|_| Region::default()).collect();
        regions[BAR0_REGION as usize].size = BAR_BYTES;
        regions[BAR1_REGION as usize] = Region {
            size: BAR_BYTES,
            mappable: Some(Mappable {
                file: file(),
                offset: 0,
                areas: vec![(0, BAR_BYTES)],
            }),
        };
        let mut irqs = vec![IrqType::default(); PCI_IRQS as usize];
        irqs[MSIX_IRQ as usize] = IrqType {
            count: 4,
            maskable: true,
        };
        let function = PageFunction {
            link,
            bytes: vec![0; BAR_BYTES as usize],
        };
        Ok(Attachment {
            regions,
            irqs,
            function: Box::new(function),
        })
    }
}

impl Function for PageFunction {
    fn read(&mut self, _region: u32, offset: u64, bytes: &mut [u8]) -> Result<(), Errno> {
        let start = offset as usize;
        bytes.copy_from_slice(&self.bytes[start..start + bytes.len()]);
        Ok(())
    }

    fn write(&mut self, _region: u32, offset: u64, bytes: &[u8]) -> Result<(), Errno> {
        let start = offset as usize;
        self.bytes[start..start + bytes.len()].copy_from_slice(bytes);
        if let (COPY, Ok(address)) = (offset, bytes.try_into().map(u64::from_ne_bytes)) {
            let mut copied = [0; 8];
            if self.link.read(address, &mut copied).is_ok() {
                let _ = self.link.write(address, &copied);
            }
            self.link.interrupt(MSIX_IRQ, copied[0].into());
        }
        Ok(())
    }

    fn reset(&mut self) {
        self.bytes.fill(0);
    }
}

/// Memory that a client may have mapped.
fn file() -> OwnedFd {
    let file =
        memfd_create("fuzz", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).expect("a file");
    ftruncate(&file, 4 * BAR_BYTES).expect("room");
    fcntl_add_seals(&file, SealFlags::SHRINK).expect("a seal");
    file
}

/// One server for all inputs. Never dropped.
static SERVER: LazyLock<(Server, tempfile::TempDir)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let options = ServerOptions {
        timeouts: Timeouts {
            transfer: Duration::from_secs(2),
            reply: Duration::from_secs(2),
        },
        ..ServerOptions::default()
    };
    let server = Server::start(&folder.path().join("card"), Arc::new(Page), options);
    (server.expect("a server"), folder)
});

static INPUTS: AtomicU64 = AtomicU64::new(0);

/// One input.
pub(crate) fn run(input: &[u8]) {
    let Some((&mode, rest)) = input.split_first() else {
        return;
    };
    let socket = UnixStream::connect(SERVER.0.path()).expect("the server listens");
    let patience = Some(Duration::from_secs(10));
    let timeouts = socket
        .set_write_timeout(patience)
        .and(socket.set_read_timeout(patience));
    timeouts.expect("timeouts");
    let replies = socket.try_clone().expect("a second handle");
    std::thread::scope(|scope| {
        // Whoever takes no replies is dropped: they are taken.
        let replies = scope.spawn(move || all_of(replies));
        let greeting = mode & UNGREETED == 0;
        if greeting {
            send(&socket, &message(VERSION, 0, b"\0\0\x01\0\0"), None);
        }
        if mode & MESSAGES == RAW {
            send(&socket, rest, None);
        } else {
            send_messages(&socket, rest);
        }
        let _ = socket.shutdown(Shutdown::Write);
        check(&replies.join().expect("the reader ends"));
    });
    if INPUTS
        .fetch_add(1, Ordering::Relaxed)
        .is_multiple_of(OTHERS)
    {
        let client =
            Client::connect(SERVER.0.path(), Timeouts::default()).expect("others are served");
        client.write(BAR0_REGION, 8, &[5; 4]).expect("others write");
        let mut back = [0; 4];
        client.read(BAR0_REGION, 8, &mut back).expect("others read");
        assert_eq!(back, [5; 4]);
    }
}

fn send_messages(socket: &UnixStream, mut rest: &[u8]) {
    while let [command, flags, len, others @ ..] = rest {
        let (payload, others) = others.split_at(others.len().min((*len).into()));
        let bytes = message((command & !WITH_FILE).into(), (*flags).into(), payload);
        let file = (command & WITH_FILE != 0).then(file);
        send(socket, &bytes, file.as_ref().map(AsFd::as_fd));
        rest = others;
    }
}

/// A message with a right header.
fn message(command: u16, flags: u32, payload: &[u8]) -> Vec<u8> {
    let size = (HEADER + payload.len()) as u32;
    let mut bytes = [7u16.to_ne_bytes(), command.to_ne_bytes()].concat();
    bytes.extend([size, flags, 0].map(u32::to_ne_bytes).concat());
    bytes.extend(payload);
    bytes
}

/// Sends all, or as much as the server takes before it drops the client.
fn send(socket: &UnixStream, bytes: &[u8], file: Option<BorrowedFd<'_>>) {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let files: Vec<_> = file.into_iter().collect();
    if !files.is_empty() {
        ancillary.push(SendAncillaryMessage::ScmRights(&files));
    }
    let mut sent = 0;
    while sent < bytes.len() {
        let rest = [IoSlice::new(&bytes[sent..])];
        match sendmsg(socket, &rest, &mut ancillary, SendFlags::NOSIGNAL) {
            Ok(count) => sent += count,
            Err(Errno::INTR) => {}
            Err(_) => return,
        }
        ancillary.clear();
    }
}

fn all_of(mut socket: UnixStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A reset at the end is an end: the server drops who breaks the protocol.
    let _ = socket.read_to_end(&mut bytes);
    bytes
}

/// What the server sends is whole messages, of a size that is theirs.
fn check(mut bytes: &[u8]) {
    while bytes.len() >= HEADER {
        let size = u32::from_ne_bytes(bytes[4..8].try_into().expect("four bytes")) as usize;
        assert!(size >= HEADER, "a message of {size} bytes");
        // The server may be dropped in the middle of a reply, as one that waits too long is.
        let Some(rest) = bytes.get(size..) else {
            return;
        };
        bytes = rest;
    }
}

/// Inputs to begin with, by name.
#[allow(dead_code, reason = "the fuzzer takes them from files")]
pub(crate) fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let words = |words: &[u32]| {
        words
            .iter()
            .flat_map(|word| word.to_ne_bytes())
            .collect::<Vec<u8>>()
    };
    let access = |offset: u64, region: u32, data: &[u8], count: u32| {
        [&offset.to_ne_bytes()[..], &words(&[region, count]), data].concat()
    };
    let map = |address: u64, size: u64| {
        let range = [0, address, size].map(u64::to_ne_bytes).concat();
        [words(&[32, 3]), range].concat()
    };
    let unmap = |address: u64, size: u64, flags: u32| {
        let range = [address, size].map(u64::to_ne_bytes).concat();
        [words(&[24, flags]), range].concat()
    };
    let input = |messages: &[(u8, Vec<u8>)]| {
        let mut bytes = vec![MESSAGES];
        for (command, payload) in messages {
            bytes.extend([*command, 0, payload.len() as u8]);
            bytes.extend(payload);
        }
        bytes
    };
    let one_write = [&1u64.to_ne_bytes()[..], &access(16, 0, &[9; 8], 4)].concat();
    vec![
        ("greeting", vec![RAW]),
        (
            "bytes",
            [vec![RAW | UNGREETED], message(VERSION, 0, b"\0\0\x01\0\0"), message(13, 0, &[])].concat(),
        ),
        (
            "capabilities",
            [
                vec![RAW | UNGREETED],
                message(VERSION, 0, b"\0\0\x01\0{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":4096}}\0"),
            ]
            .concat(),
        ),
        (
            "information",
            input(&[
                (4, words(&[16, 0, 0, 0])),
                (5, words(&[32, 0, 0, 0, 0, 0, 0, 0])),
                (5, words(&[128, 0, 1, 0, 0, 0, 0, 0])),
                (7, words(&[16, 0, 2, 0])),
                (13, Vec::new()),
            ]),
        ),
        (
            "registers",
            input(&[
                (10, access(0, 0, &[1, 2, 3, 4], 4)),
                (9, access(0, 0, &[], 4)),
                (15, one_write),
                (9, access(BAR_BYTES, 0, &[], 1)),
            ]),
        ),
        (
            "memory",
            input(&[
                (2 | WITH_FILE, map(0x10000, 0x2000)),
                (2, map(0x40000, 0x1000)),
                (10, access(COPY, 0, &0x10008u64.to_ne_bytes(), 8)),
                (10, access(COPY, 0, &0x40000u64.to_ne_bytes(), 8)),
                (3, unmap(0x10000, 0x2000, 0)),
                (10, access(COPY, 0, &0x10008u64.to_ne_bytes(), 8)),
                (3, unmap(0, 0, 2)),
            ]),
        ),
        (
            "interrupts",
            input(&[
                (8 | WITH_FILE, words(&[20, 4 | 1 << 5, 2, 0, 1])),
                (8, words(&[20, 1 | 1 << 5, 2, 0, 4])),
                (8, [words(&[20, 2 | 1 << 3, 2, 1, 2]), vec![1, 0]].concat()),
                (8, words(&[20, 1 | 1 << 5, 2, 0, 0])),
            ]),
        ),
    ]
}
