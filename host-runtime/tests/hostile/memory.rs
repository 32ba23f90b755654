//! Memory that goes away while the card uses it: unmapped, or cut off. Each access is a fault that is counted, and tells the
//! client; never an access, and never the server's end.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, fstat, ftruncate, memfd_create};
use vfio_user::DmaAccess;
use xdma::registers::{status, target};

use crate::attacked::{Attacked, until};
use crate::driver::{Driver, HOST, HOST_BYTES};
use crate::endless;
use crate::raw::{ERROR, Raw, dma_map};
use crate::ring::{self, PAGE, READ_ERROR, Ring};

/// Where the memory is that goes away, as the device sees it.
const GOING: u64 = 1 << 33;
const BYTES: u64 = endless::BYTES as u64;

fn file(bytes: u64, sealed: bool) -> OwnedFd {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let file = memfd_create("going", flags).unwrap();
    ftruncate(&file, bytes).unwrap();
    if sealed {
        fcntl_add_seals(&file, SealFlags::SHRINK).unwrap();
    }
    file
}

fn map(driver: &Driver, file: &OwnedFd, bytes: u64) {
    driver
        .client
        .map_dma(GOING, bytes, DmaAccess::BOTH, file.as_fd(), 0)
        .unwrap();
}

fn put(file: &OwnedFd, bytes: &[u8], offset: u64) {
    assert_eq!(rustix::io::pwrite(file, bytes, offset), Ok(bytes.len()));
}

fn see(file: &OwnedFd, bytes: u64) -> Vec<u8> {
    let mut all = vec![0; bytes as usize];
    assert_eq!(rustix::io::pread(file, &mut all, 0), Ok(all.len()));
    all
}

/// The engine is told of reads that fail; writes are posted, and only the count tells.
fn assert_faults(driver: &Driver, channels: u32, before: u32) {
    if channels == target::H2C {
        let word = driver.ended(channels);
        assert!(word & status::H2C_READ_UNSUPPORTED != 0, "{word:#x}");
    }
    until("faults are counted", || endless::faults(driver) > before);
    endless::stop(driver, channels);
}

#[test]
fn memory_that_is_unmapped_under_dma_faults_and_is_not_touched_any_more() {
    let card = Attacked::validator();
    card.during(|| {
        let driver = Driver::attach(&card.socket());
        let on_card = endless::card_memory(&driver);
        let memory = file(BYTES, true);
        for _ in 0..5 {
            for channels in [target::H2C, target::C2H] {
                put(&memory, &vec![0xAA; BYTES as usize], 0);
                map(&driver, &memory, BYTES);
                endless::start(&driver, channels, GOING, on_card);
                let before = endless::faults(&driver);
                driver.client.unmap_dma(GOING, BYTES).unwrap();
                put(&memory, &vec![0; BYTES as usize], 0);
                assert_faults(&driver, channels, before);
                assert!(see(&memory, BYTES).iter().all(|&byte| byte == 0));
            }
        }
        // The list of DMA descriptors goes, too.
        map(&driver, &memory, BYTES);
        endless::start(&driver, target::H2C, GOING, on_card);
        driver.client.unmap_dma(HOST, HOST_BYTES).unwrap();
        let word = driver.ended(target::H2C);
        assert!(word & status::DESCRIPTOR_UNSUPPORTED != 0, "{word:#x}");
    });
}

#[test]
fn memory_that_is_cut_off_under_dma_faults_and_does_not_end_the_server() {
    let card = Attacked::validator();
    card.during(|| {
        let driver = Driver::attach(&card.socket());
        let on_card = endless::card_memory(&driver);
        for channels in [target::H2C, target::C2H] {
            let memory = file(BYTES, false);
            map(&driver, &memory, BYTES);
            endless::start(&driver, channels, GOING, on_card);
            let before = endless::faults(&driver);
            ftruncate(&memory, 0).unwrap();
            assert_faults(&driver, channels, before);
            assert_eq!(fstat(&memory).unwrap().st_size, 0, "it has grown again");
            driver.client.unmap_dma(GOING, BYTES).unwrap();
        }
        // What is mapped cannot be cut off, and holes in it are zeros.
        let memory = file(BYTES, true);
        map(&driver, &memory, BYTES);
        endless::start(&driver, target::H2C, GOING, on_card);
        ftruncate(&memory, 0).unwrap_err();
        let punch = rustix::fs::FallocateFlags::PUNCH_HOLE | rustix::fs::FallocateFlags::KEEP_SIZE;
        rustix::fs::fallocate(&memory, punch, 0, BYTES).unwrap();
        let before = endless::faults(&driver);
        endless::stop(&driver, target::H2C);
        assert_eq!(endless::faults(&driver), before);
    });
}

#[test]
fn a_ring_that_is_unmapped_or_cut_off_stops_its_pair_alone() {
    let card = Attacked::queue();
    card.during(|| {
        let driver = Driver::attach(&card.socket());
        for sealed in [true, false] {
            let memory = file(2 * PAGE, sealed);
            put(&memory, &ring::entries(), 0);
            map(&driver, &memory, 2 * PAGE);
            let ring = Ring::new(&driver, GOING);
            let before = ring.faults();
            // Under way when it goes, and again when it is gone.
            ring.ring(32, 0);
            match sealed {
                true => driver.client.unmap_dma(GOING, 2 * PAGE).unwrap(),
                false => ftruncate(&memory, 0).unwrap(),
            }
            ring.ring(64, 0);
            assert_eq!(ring.stopped(), READ_ERROR);
            assert!(ring.faults() > before);
            ring.give_back();
            if !sealed {
                driver.client.unmap_dma(GOING, 2 * PAGE).unwrap();
            }
        }
    });
}

#[test]
fn completions_to_unmapped_memory_are_lost_and_counted() {
    let card = Attacked::queue();
    card.during(|| {
        let driver = Driver::attach(&card.socket());
        let memory = file(2 * PAGE, true);
        put(&memory, &ring::entries(), 0);
        let map = |offset: u64| {
            let file = memory.as_fd();
            let access = DmaAccess::BOTH;
            let mapped = driver
                .client
                .map_dma(GOING + offset, PAGE, access, file, offset);
            mapped.unwrap();
        };
        map(0);
        map(PAGE);
        let ring = Ring::new(&driver, GOING);
        ring.ring(16, 0);
        until("answers come", || ring.completed() == 16);
        assert_eq!(ring.faults(), 0);
        driver.client.unmap_dma(GOING + PAGE, PAGE).unwrap();
        let answers = see(&memory, 2 * PAGE);
        ring.ring(48, 16);
        until("answers come", || ring.completed() == 48);
        until("faults are counted", || ring.faults() > 0);
        assert!(
            see(&memory, 2 * PAGE) == answers,
            "unmapped memory was written"
        );
        ring.give_back();
    });
}

/// The card's kernels wait for nobody: not for a client that would have to answer.
#[test]
fn a_ring_in_memory_without_a_file_is_out_of_kernels_reach() {
    let card = Attacked::queue();
    card.during(|| {
        let driver = Driver::attach(&card.socket());
        let memory = std::sync::Arc::new(parking_lot::Mutex::new(vec![0; 2 * PAGE as usize]));
        driver
            .client
            .map_dma_served(GOING, DmaAccess::BOTH, memory)
            .unwrap();
        let ring = Ring::new(&driver, GOING);
        ring.ring(1, 0);
        assert_eq!(ring.stopped(), READ_ERROR);
        assert!(ring.faults() > 0);
        ring.give_back();
    });
}

#[test]
fn ranges_that_wrap_or_overlap_are_refused_while_the_card_works() {
    let card = Attacked::validator();
    card.during(|| {
        let mut raw = Raw::greeted(&card.socket());
        let memory = file(4 * PAGE, true);
        let mut ask = |address, size, offset| {
            let answer = raw.ask(2, &dma_map(address, size, offset), &[memory.as_fd()]);
            answer.expect("it was dropped").0 & ERROR == 0
        };
        assert!(ask(PAGE, 2 * PAGE, 0));
        for (address, size, offset) in [
            (2 * PAGE, PAGE, 0),
            (0, 2 * PAGE, 0),
            (u64::MAX, 2, 0),
            (u64::MAX - PAGE + 2, PAGE, 0),
            (0, u64::MAX, 0),
            (8 * PAGE, 0, 0),
            (8 * PAGE, PAGE, u64::MAX),
            (8 * PAGE, PAGE, u64::MAX - PAGE + 1),
            (8 * PAGE, PAGE, 4 * PAGE),
            (8 * PAGE, 4 * PAGE + 1, 0),
        ] {
            assert!(
                !ask(address, size, offset),
                "{address:#x} {size:#x} {offset:#x}"
            );
        }
        assert!(ask(u64::MAX - PAGE + 1, PAGE, 3 * PAGE));
    });
}
