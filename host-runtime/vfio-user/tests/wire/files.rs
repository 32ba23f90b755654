//! File descriptors that clients send along: too many, none, of the wrong kind, where none is asked for. All are closed again.

use std::io::{PipeReader, PipeWriter, pipe};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::fs::{Mode, OFlags, SealFlags, fcntl_add_seals, open};

use crate::bench::{Bench, VECTORS, memory_file};
use crate::raw::{ERROR, MOST_FILES, Raw, VERSION, dma_map, dma_unmap, message, set_irqs};

const DMA_MAP: u16 = 2;
const DMA_UNMAP: u16 = 3;
const DEVICE_INFO: u16 = 4;
const SET_IRQS: u16 = 8;
const REGION_READ: u16 = 9;

/// A file whose last descriptor's end shows at the other end.
struct Watched {
    sent: PipeWriter,
    watch: PipeReader,
}

impl Watched {
    fn new() -> Self {
        let (watch, sent) = pipe().unwrap();
        Self { sent, watch }
    }

    /// Nobody has it open any more, once who does has ended what it does.
    fn assert_closed(self) {
        let Self { sent, watch } = self;
        drop(sent);
        let mut files = [PollFd::new(&watch, PollFlags::IN)];
        let bound = Timespec {
            tv_sec: 20,
            tv_nsec: 0,
        };
        assert_eq!(poll(&mut files, Some(&bound)), Ok(1), "it is still open");
        assert!(files[0].revents().contains(PollFlags::HUP));
    }
}

fn answers(raw: &mut Raw) {
    let info = [16u32, 0, 0, 0].map(u32::to_ne_bytes).concat();
    let (flags, _) = raw.ask(DEVICE_INFO, &info, &[]).expect("it was dropped");
    assert_eq!(flags & ERROR, 0);
}

#[test]
fn more_files_than_a_message_may_have_end_the_connection_and_are_closed() {
    let bench = Bench::new();
    for count in [17, 100, MOST_FILES] {
        let watched = Watched::new();
        let files = vec![watched.sent.as_fd(); count];
        let mut raw = Raw::greeted(&bench.path());
        raw.send_with(&message(1, SET_IRQS, 0, &set_irqs(0, VECTORS)), &files);
        assert_eq!(raw.reply(), None, "{count} files");
        watched.assert_closed();
    }
    answers(&mut Raw::greeted(&bench.path()));
}

/// Each part of a message may bring as many as one message may have.
#[test]
fn files_that_come_in_parts_are_counted_together() {
    let bench = Bench::new();
    let watched = Watched::new();
    let files = vec![watched.sent.as_fd(); 10];
    let mut raw = Raw::greeted(&bench.path());
    let bytes = message(1, SET_IRQS, 0, &set_irqs(0, VECTORS));
    raw.send_with(&bytes[..20], &files);
    raw.send_with(&bytes[20..], &files);
    assert_eq!(raw.reply(), None);
    watched.assert_closed();
}

#[test]
fn files_where_none_are_asked_for_are_refused_and_closed() {
    let bench = Bench::new();
    let mut raw = Raw::connect(&bench.path());
    let watched = Watched::new();
    raw.send_with(&message(0, 1, 0, &VERSION), &[watched.sent.as_fd()]);
    assert_eq!(raw.reply().unwrap().1 & ERROR, 0);
    watched.assert_closed();
    for (command, payload) in [
        (DMA_UNMAP, dma_unmap(0, 0x1000)),
        (DEVICE_INFO, vec![0; 16]),
        (REGION_READ, vec![0; 16]),
        (13, vec![]),
        (999, vec![]),
    ] {
        let watched = Watched::new();
        let (flags, _) = raw
            .ask(command, &payload, &[watched.sent.as_fd()])
            .expect("it was dropped");
        assert_eq!(flags & ERROR, ERROR, "{command}");
        watched.assert_closed();
    }
    answers(&mut raw);
}

#[test]
fn memory_comes_with_one_file_of_the_right_kind_at_most() {
    let bench = Bench::new();
    let mut raw = Raw::greeted(&bench.path());
    let mut refused = |what: &str, files: &[BorrowedFd<'_>]| {
        let (flags, _) = raw
            .ask(DMA_MAP, &dma_map(0x1000, 0x1000, 0), files)
            .expect("it was dropped");
        assert_eq!(flags & ERROR, ERROR, "{what}");
    };
    let memory = memory_file(0x1000, true);
    refused("two files", &[memory.as_fd(), memory.as_fd()]);
    let path = |file: &OwnedFd, flags| {
        let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(file));
        open(path, flags, Mode::empty()).unwrap()
    };
    refused(
        "opened for reading",
        &[path(&memory, OFlags::RDONLY).as_fd()],
    );
    refused(
        "opened for writing",
        &[path(&memory, OFlags::WRONLY).as_fd()],
    );
    refused("not opened at all", &[path(&memory, OFlags::PATH).as_fd()]);
    let open_file = memory_file(0x1000, false);
    refused(
        "opened for reading",
        &[path(&open_file, OFlags::RDONLY).as_fd()],
    );
    refused(
        "opened for writing",
        &[path(&open_file, OFlags::WRONLY).as_fd()],
    );
    let read_only = memory_file(0x1000, true);
    fcntl_add_seals(&read_only, SealFlags::WRITE).unwrap();
    refused("sealed against writing", &[read_only.as_fd()]);
    let event = eventfd(0, EventfdFlags::empty()).unwrap();
    refused("an eventfd", &[event.as_fd()]);
    let (socket, _other) = UnixStream::pair().unwrap();
    refused("a socket", &[socket.as_fd()]);
    let program = std::fs::File::open(std::env::current_exe().unwrap()).unwrap();
    refused("a file on a disk", &[program.as_fd()]);
    refused(
        "a file that is too short",
        &[memory_file(0xFFF, true).as_fd()],
    );
    assert!(bench.device.links.lock()[0].dma().is_empty());
    answers(&mut raw);
}

#[test]
fn interrupts_signal_eventfds_and_nothing_else() {
    let bench = Bench::new();
    let mut raw = Raw::greeted(&bench.path());
    answers(&mut raw);
    let link = bench.device.links.lock()[0].clone();
    let mut set = |count: u32, files: &[BorrowedFd<'_>]| {
        let (flags, _) = raw
            .ask(SET_IRQS, &set_irqs(0, count), files)
            .expect("it was dropped");
        flags & ERROR == 0
    };
    let event = eventfd(0, EventfdFlags::NONBLOCK).unwrap();
    let memory = memory_file(0x1000, true);
    let (socket, _other) = UnixStream::pair().unwrap();
    let watched = Watched::new();
    for file in [memory.as_fd(), socket.as_fd(), watched.sent.as_fd()] {
        assert!(!set(1, &[file]), "{file:?}");
        assert!(!set(2, &[event.as_fd(), file]), "{file:?}");
    }
    watched.assert_closed();
    assert!(!set(VECTORS, &[event.as_fd()]), "too few");
    assert!(!set(1, &[event.as_fd(), event.as_fd()]), "too many");
    // None of those was taken.
    link.interrupt(vfio_user::MSIX_IRQ, 0);
    let count = || rustix::io::read(&event, &mut [0; 8]);
    assert_eq!(count(), Err(rustix::io::Errno::AGAIN));
    assert!(set(1, &[event.as_fd()]));
    link.interrupt(vfio_user::MSIX_IRQ, 0);
    assert_eq!(count(), Ok(8));
    // No file at all: none is signalled any more.
    assert!(set(1, &[]));
    link.interrupt(vfio_user::MSIX_IRQ, 0);
    assert_eq!(count(), Err(rustix::io::Errno::AGAIN));
}
