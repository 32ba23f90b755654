//! Clients that want more than their share: connections, ranges, files, interrupts, and the server's patience.

use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, fcntl_setfl, ftruncate, memfd_create};
use vfio_user::{BAR1_REGION, Client, DmaAccess, MSIX_IRQ, Timeouts};
use xdma::DmaDescriptor;
use xdma::registers::{MSIX_VECTORS, channel, irq, status, target};

use crate::attacked::{Attacked, until};
use crate::driver::{Driver, HOST, LIST};
use crate::endless;
use crate::raw::{Raw, VERSION, access, message};

const CLIENTS: usize = 64;

#[test]
fn a_flood_of_clients_is_turned_away_and_those_who_were_there_work_on() {
    let card = Attacked::validator();
    card.during(|| {
        let mut flood: Vec<Raw> = (0..2 * CLIENTS)
            .map(|_| Raw::connect(&card.socket()))
            .collect();
        // Half of them say nothing.
        for raw in flood.iter_mut().step_by(2) {
            raw.send(&message(0, 1, 0, &VERSION));
        }
        let served = flood.iter_mut().step_by(2);
        let served = served.filter_map(|raw| raw.reply().filter(|(_, flags, _)| flags & 32 == 0));
        assert!(served.count() < CLIENTS);
        let error = Client::connect(&card.socket(), Timeouts::default()).unwrap_err();
        assert!(matches!(error, vfio_user::Error::Full), "{error}");
        drop(flood);
        until("there is room again", || {
            Client::connect(&card.socket(), Timeouts::default()).is_ok()
        });
    });
}

fn file(sealed: bool) -> OwnedFd {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let file = memfd_create("many", flags).unwrap();
    ftruncate(&file, 0x1000).unwrap();
    if sealed {
        fcntl_add_seals(&file, SealFlags::SHRINK).unwrap();
    }
    file
}

#[test]
fn a_flood_of_maps_takes_no_more_than_a_share() {
    let card = Attacked::validator();
    card.during(|| {
        let driver = Driver::attach(&card.socket());
        let map = |place: u64, file: &OwnedFd| {
            let address = (1 << 40) + (place << 12);
            let access = DmaAccess::BOTH;
            driver
                .client
                .map_dma(address, 0x1000, access, file.as_fd(), 0)
                .is_ok()
        };
        let one = file(true);
        assert!((0..2000).all(|place| map(place, &one)));
        // The driver has one for itself, and one is mapped above.
        let taken = (2000..3000).filter(|&place| map(place, &file(true)));
        assert_eq!(taken.count(), 510);
        driver.client.unmap_dma(1 << 40, 2000 << 12).unwrap();
        assert!(map(0, &one));
        let taken = (4000..4100).filter(|&place| map(place, &file(false)));
        assert_eq!(taken.count(), 0);
        driver.client.unmap_dma(1 << 40, 1 << 40).unwrap();
        let taken = (4000..4100).filter(|&place| map(place, &file(false)));
        assert_eq!(taken.count(), 32);
    });
}

#[test]
fn interrupts_that_nobody_takes_do_not_hold_the_card() {
    let card = Attacked::validator();
    card.during(|| {
        let driver = Driver::attach(&card.socket());
        let on_card = endless::card_memory(&driver);
        // As full as can be, and blocking, for every vector; then closed at this end.
        let full = eventfd(0, EventfdFlags::empty()).unwrap();
        rustix::io::write(&full, &(u64::MAX - 1).to_ne_bytes()).unwrap();
        for start in (0..MSIX_VECTORS).step_by(16) {
            let files = vec![full.as_fd(); 16];
            driver
                .client
                .set_interrupts(MSIX_IRQ, start, &files)
                .unwrap();
        }
        fcntl_setfl(&full, rustix::fs::OFlags::empty()).unwrap();
        drop(full);
        // Each of these interrupts, and they do not end.
        let descriptor = DmaDescriptor::new(HOST, on_card, 64, DmaDescriptor::COMPLETED);
        let descriptor = descriptor.followed_by(LIST, 0);
        driver.dma(target::IRQ + irq::CHANNEL_ENABLE, 3);
        driver.dma(
            target::H2C + channel::INTERRUPT_ENABLE,
            status::DESCRIPTOR_COMPLETED,
        );
        driver.follow(target::H2C, descriptor);
        let completed = || {
            let register = target::H2C + channel::COMPLETED;
            driver.read(BAR1_REGION, register.into())
        };
        until("it goes on", || completed() > 1000);
        endless::stop(&driver, target::H2C);
    });
}

#[test]
fn a_client_that_takes_no_replies_holds_nobody() {
    let card = Attacked::validator();
    card.during(|| {
        let mut raw = Raw::greeted(&card.socket());
        raw.0.set_nonblocking(true).unwrap();
        // Of the doorbells, as reading semaphores takes them.
        let request = message(1, 9, 0, &access(0, 2, 0x1000));
        let mut sent = 0;
        while raw.0.write_all(&request).is_ok() {
            sent += 1;
        }
        assert!(sent > 0);
        // It is in the server's hands until that gives up, and the others work meanwhile.
        raw
    });
}
