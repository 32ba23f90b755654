//! The engines, the registers and the interrupts, as a driver finds them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use proptest::prelude::*;
use xdma::registers::{channel, control, irq, sgdma, sgdma_common, status, target, write_back};
use xdma::{AxiError, Bus, DmaDescriptor, HostFault, Layout, TransferFault, Xdma};

const HOST: u64 = 0x7000_0000;
const CARD: u64 = 0x10_0000;
const BYTES: usize = 0x2_0000;
/// Where lists of DMA descriptors lie, in the host's memory.
const LIST: u64 = HOST + 0x1_8000;
const WRITE_BACK: u64 = HOST + 0x1_F000;
/// The card's memory that refuses every access.
const REFUSING: u64 = 0x4000_0000;
/// The card's memory that never answers.
const SILENT: u64 = 0x5000_0000;

type Meanwhile = Box<dyn Fn(&Machine)>;

struct Machine {
    host: RefCell<Vec<u8>>,
    card: RefCell<Vec<u8>>,
    messages: RefCell<Vec<u32>>,
    /// Called in the midst of a transfer.
    meanwhile: RefCell<Option<Meanwhile>>,
    reads: RefCell<Vec<(u64, usize)>>,
}

impl Machine {
    fn new() -> Self {
        Self {
            host: RefCell::new((0..BYTES).map(|i| ((i * 31) >> 3) as u8).collect()),
            card: RefCell::new((0..BYTES).map(|i| ((i * 17) >> 2) as u8).collect()),
            messages: RefCell::default(),
            meanwhile: RefCell::default(),
            reads: RefCell::default(),
        }
    }

    fn place(base: u64, address: u64, len: usize) -> Option<std::ops::Range<usize>> {
        let start = usize::try_from(address.checked_sub(base)?).ok()?;
        let end = start.checked_add(len)?;
        (end <= BYTES).then_some(start..end)
    }

    fn on_card(address: u64, len: usize) -> Result<std::ops::Range<usize>, TransferFault> {
        if address >= SILENT {
            return Err(TransferFault::Hang);
        }
        if address >= REFUSING {
            return Err(TransferFault::Card(AxiError::Slave));
        }
        Self::place(CARD, address, len).ok_or(TransferFault::Card(AxiError::Decode))
    }

    fn put(&self, address: u64, descriptors: &[DmaDescriptor]) {
        self.write_host(address, bytemuck::cast_slice(descriptors))
            .unwrap();
    }

    fn word(&self, address: u64) -> u32 {
        let mut bytes = [0; 4];
        self.read_host(address, &mut bytes).unwrap();
        u32::from_le_bytes(bytes)
    }
}

impl Bus for Machine {
    fn read_host(&self, address: u64, bytes: &mut [u8]) -> Result<(), HostFault> {
        self.reads.borrow_mut().push((address, bytes.len()));
        let place = Self::place(HOST, address, bytes.len()).ok_or(HostFault)?;
        bytes.copy_from_slice(&self.host.borrow()[place]);
        Ok(())
    }

    fn write_host(&self, address: u64, bytes: &[u8]) -> Result<(), HostFault> {
        let place = Self::place(HOST, address, bytes.len()).ok_or(HostFault)?;
        self.host.borrow_mut()[place].copy_from_slice(bytes);
        Ok(())
    }

    fn host_to_card(&self, host: u64, card: u64, len: usize) -> Result<(), TransferFault> {
        let meanwhile = self.meanwhile.borrow_mut().take();
        if let Some(meanwhile) = meanwhile {
            meanwhile(self);
        }
        let from = Self::place(HOST, host, len).ok_or(TransferFault::Host(HostFault))?;
        let to = Self::on_card(card, len)?;
        self.card.borrow_mut()[to].copy_from_slice(&self.host.borrow()[from]);
        Ok(())
    }

    fn card_to_host(&self, card: u64, host: u64, len: usize) -> Result<(), TransferFault> {
        let from = Self::on_card(card, len)?;
        let to = Self::place(HOST, host, len).ok_or(TransferFault::Host(HostFault))?;
        self.host.borrow_mut()[to].copy_from_slice(&self.card.borrow()[from]);
        Ok(())
    }

    fn message(&self, vector: u32) {
        self.messages.borrow_mut().push(vector);
    }
}

struct Bench {
    machine: Machine,
    dma: Xdma,
}

const LOGGING: u32 = control::LOG_ALL;

impl Bench {
    fn new() -> Self {
        Self {
            machine: Machine::new(),
            dma: Xdma::new(Layout::default()),
        }
    }

    fn write(&self, offset: u32, value: u32) {
        self.dma.write(&self.machine, offset, value);
    }

    fn read(&self, offset: u32) -> u32 {
        self.dma.read(&self.machine, offset)
    }

    /// Starts the channel of a target at the list.
    fn start(&self, channels: u32, adjacent: u32, flags: u32) {
        let lists = if channels == target::H2C {
            target::H2C_SGDMA
        } else {
            target::C2H_SGDMA
        };
        self.write(lists + sgdma::FIRST_LOW, LIST as u32);
        self.write(lists + sgdma::FIRST_HIGH, (LIST >> 32) as u32);
        self.write(lists + sgdma::FIRST_ADJACENT, adjacent);
        self.write(channels + channel::WRITE_BACK_LOW, WRITE_BACK as u32);
        self.write(
            channels + channel::WRITE_BACK_HIGH,
            (WRITE_BACK >> 32) as u32,
        );
        self.write(channels + channel::CONTROL, control::RUN | LOGGING | flags);
    }

    fn work(&self) {
        let steps = (0..100_000)
            .take_while(|_| self.dma.work(&self.machine))
            .count();
        assert!(steps < 100_000, "the engine never rests");
    }

    fn run(&self, channels: u32, adjacent: u32, flags: u32) -> u32 {
        self.start(channels, adjacent, flags);
        self.work();
        self.read(channels + channel::STATUS)
    }
}

const LAST: u32 = DmaDescriptor::STOP | DmaDescriptor::COMPLETED;
const DONE: u32 = status::DESCRIPTOR_STOPPED | status::DESCRIPTOR_COMPLETED;

#[test]
fn identifiers_say_what_there_is() {
    let bench = Bench::new();
    for (offset, identifier) in [
        (target::H2C, 0x1FC0_0006),
        (target::C2H, 0x1FC1_0006),
        (target::IRQ, 0x1FC2_0006),
        (target::CONFIG, 0x1FC3_0006),
        (target::H2C_SGDMA, 0x1FC4_0006),
        (target::C2H_SGDMA, 0x1FC5_0006),
        (target::SGDMA_COMMON, 0x1FC6_0006),
        (target::H2C + 0x100, 0),
        (0x7000, 0),
    ] {
        assert_eq!(bench.read(offset), identifier, "{offset:#x}");
    }
    let four = Xdma::new(Layout { h2c: 4, c2h: 9 });
    assert_eq!(four.read(&bench.machine, target::C2H + 0x300), 0x1FC1_0306);
    assert_eq!(four.read(&bench.machine, target::C2H + 0x400), 0);
}

#[test]
fn a_transfer_each_way_moves_its_bytes_and_no_others() {
    for channels in [target::H2C, target::C2H] {
        let bench = Bench::new();
        let before = (
            bench.machine.host.borrow().clone(),
            bench.machine.card.borrow().clone(),
        );
        let (host, card, len) = (0x103, 0x2001, 0x1005);
        let (from, to) = if channels == target::H2C {
            (HOST + 0x103, CARD + 0x2001)
        } else {
            (CARD + 0x2001, HOST + 0x103)
        };
        bench
            .machine
            .put(LIST, &[DmaDescriptor::new(from, to, len as u32, LAST)]);
        assert_eq!(bench.run(channels, 0, 0), DONE);
        assert_eq!(bench.read(channels + channel::COMPLETED), 1);
        let (mut hosts, mut cards) = before;
        let list = (LIST - HOST) as usize;
        hosts[list..list + 32].copy_from_slice(&bench.machine.host.borrow()[list..list + 32]);
        if channels == target::H2C {
            cards[card..card + len].copy_from_slice(&hosts[host..host + len]);
        } else {
            hosts[host..host + len].copy_from_slice(&cards[card..card + len]);
        }
        assert!(*bench.machine.host.borrow() == hosts && *bench.machine.card.borrow() == cards);
    }
}

#[test]
fn adjacent_descriptors_are_fetched_at_once_but_not_over_4_kib() {
    let bench = Bench::new();
    // The list begins four descriptors in front of a 4 KiB boundary.
    let at = |index: u64| LIST + 0xF80 + 32 * index;
    let descriptors: Vec<_> = (0..10)
        .map(|index| {
            let flags = if index == 9 { LAST } else { 0 };
            let offset = 64 * index;
            DmaDescriptor::new(HOST + offset, CARD + offset, 64, flags)
                .followed_by(at(index + 1), 8 - index.min(8) as u32)
        })
        .collect();
    bench.machine.put(at(0), &descriptors);
    bench.write(target::H2C_SGDMA + sgdma::FIRST_LOW, at(0) as u32);
    bench.write(target::H2C_SGDMA + sgdma::FIRST_ADJACENT, 9);
    bench.write(target::H2C + channel::CONTROL, control::RUN | LOGGING);
    bench.work();
    assert_eq!(bench.read(target::H2C + channel::COMPLETED), 10);
    assert_eq!(
        *bench.machine.reads.borrow(),
        [(at(0), 4 * 32), (at(4), 6 * 32)]
    );
    assert!(bench.machine.card.borrow()[..640] == bench.machine.host.borrow()[..640]);
}

#[test]
fn an_engine_that_waits_for_ever_is_busy_whatever_is_written_until_it_is_released() {
    let good = DmaDescriptor::new(HOST, CARD, 64, LAST);
    for release in [Xdma::release, Xdma::reset] {
        let bench = Bench::new();
        let silent = DmaDescriptor::new(HOST, SILENT, 64, LAST);
        bench.machine.put(LIST, &[silent]);
        assert_eq!(bench.run(target::H2C, 0, 0) & status::BUSY, status::BUSY);
        // Neither stopping it nor starting it anew helps.
        bench.write(target::H2C + channel::CONTROL, 0);
        bench.machine.put(LIST, &[good]);
        assert_eq!(bench.run(target::H2C, 0, 0) & status::BUSY, status::BUSY);
        assert_eq!(bench.read(target::H2C + channel::COMPLETED), 0);
        release(&bench.dma);
        bench.write(target::H2C + channel::CONTROL, 0);
        assert_eq!(bench.run(target::H2C, 0, 0), DONE);
    }
}

#[test]
fn polling_sees_the_count_after_descriptors_with_the_completed_bit() {
    let bench = Bench::new();
    let middle =
        DmaDescriptor::new(HOST, CARD, 8, DmaDescriptor::COMPLETED).followed_by(LIST + 32, 0);
    let last = DmaDescriptor::new(HOST, CARD, 8, DmaDescriptor::STOP);
    bench.machine.put(LIST, &[middle, last]);
    bench.run(target::H2C, 0, control::POLL_WRITE_BACK);
    assert_eq!(bench.machine.word(WRITE_BACK), 1);
    assert_eq!(bench.read(target::H2C + channel::COMPLETED), 2);
}

#[test]
fn each_error_has_its_bit_stops_the_engine_and_is_written_back() {
    let good = |flags| DmaDescriptor::new(HOST, CARD, 64, flags);
    let nowhere = 0x1000;
    let cases: Vec<(u32, DmaDescriptor, u32)> = vec![
        (
            target::H2C,
            DmaDescriptor::new(nowhere, CARD, 64, LAST),
            status::H2C_READ_UNSUPPORTED,
        ),
        (
            target::H2C,
            DmaDescriptor::new(HOST, nowhere, 64, LAST),
            status::H2C_WRITE_DECODE,
        ),
        (
            target::H2C,
            DmaDescriptor::new(HOST, REFUSING, 64, LAST),
            status::H2C_WRITE_SLAVE,
        ),
        (
            target::C2H,
            DmaDescriptor::new(nowhere, HOST, 64, LAST),
            status::C2H_READ_DECODE,
        ),
        (
            target::C2H,
            DmaDescriptor::new(REFUSING, HOST, 64, LAST),
            status::C2H_READ_SLAVE,
        ),
        (
            target::H2C,
            DmaDescriptor {
                control: LAST,
                ..good(0)
            },
            status::MAGIC_STOPPED,
        ),
        (
            target::H2C,
            good(0).followed_by(nowhere, 0),
            status::DESCRIPTOR_UNSUPPORTED,
        ),
    ];
    for (channels, descriptor, bit) in cases {
        let bench = Bench::new();
        bench.machine.put(LIST, &[descriptor]);
        assert_eq!(
            bench.run(channels, 0, control::POLL_WRITE_BACK),
            bit,
            "{descriptor:?}"
        );
        let completed = bench.read(channels + channel::COMPLETED);
        assert_eq!(
            bench.machine.word(WRITE_BACK),
            write_back::ERROR | completed
        );
        assert!(!bench.dma.is_busy());
    }
}

#[test]
fn what_is_lost_on_the_way_to_the_host_is_not_the_engines_to_know() {
    let bench = Bench::new();
    bench
        .machine
        .put(LIST, &[DmaDescriptor::new(CARD, 0x1000, 64, LAST)]);
    assert_eq!(bench.run(target::C2H, 0, 0), DONE);
}

#[test]
fn errors_are_logged_only_where_that_is_enabled() {
    let bench = Bench::new();
    bench
        .machine
        .put(LIST, &[DmaDescriptor::new(0x1000, CARD, 64, LAST)]);
    bench.write(target::H2C_SGDMA + sgdma::FIRST_LOW, LIST as u32);
    bench.write(target::H2C + channel::CONTROL, control::RUN);
    bench.work();
    assert_eq!(bench.read(target::H2C + channel::STATUS), 0);
    assert_eq!(bench.read(target::H2C + channel::COMPLETED), 0);
}

#[test]
fn clearing_run_ends_the_engine_after_the_descriptor_under_way() {
    let bench = Bench::new();
    // A list in a circle.
    let ring = DmaDescriptor::new(HOST, CARD, 64, 0).followed_by(LIST, 0);
    bench.machine.put(LIST, &[ring]);
    bench.start(target::H2C, 0, 0);
    for _ in 0..10 {
        assert!(bench.dma.work(&bench.machine));
    }
    assert_eq!(bench.read(target::H2C + channel::STATUS), status::BUSY);
    bench.write(target::H2C + channel::CONTROL_CLEAR, control::RUN);
    bench.work();
    assert_eq!(
        bench.read(target::H2C + channel::STATUS),
        status::IDLE_STOPPED
    );

    bench.start(target::H2C, 0, 0);
    assert_eq!(
        bench.read(target::H2C + channel::STATUS),
        status::BUSY,
        "starting clears the status"
    );
    assert_eq!(bench.read(target::H2C + channel::COMPLETED), 0);
    bench.dma.reset();
    bench.work();
    assert_eq!(bench.read(target::H2C + channel::STATUS), 0);
    assert_eq!(bench.read(target::H2C + channel::CONTROL), 0);
}

#[test]
fn what_was_under_way_at_a_reset_does_not_count_for_what_is_started_after() {
    let machine = Machine::new();
    let dma = Rc::new(Xdma::new(Layout::default()));
    machine.put(LIST, &[DmaDescriptor::new(HOST, CARD, 64, LAST)]);
    let start = |dma: &Xdma, machine: &Machine| {
        dma.write(machine, target::H2C_SGDMA + sgdma::FIRST_LOW, LIST as u32);
        dma.write(
            machine,
            target::H2C + channel::CONTROL,
            control::RUN | LOGGING,
        );
    };
    let again = Rc::clone(&dma);
    *machine.meanwhile.borrow_mut() = Some(Box::new(move |machine| {
        again.reset();
        start(&again, machine);
    }));
    start(&dma, &machine);
    // The list is fetched; the transfer begins, and all is reset and started anew; then the transfer ends.
    assert!(dma.work(&machine) && dma.work(&machine));
    machine.card.borrow_mut().fill(0);
    while dma.work(&machine) {}
    assert_eq!(dma.read(&machine, target::H2C + channel::COMPLETED), 1);
    assert!(machine.card.borrow()[..64] == machine.host.borrow()[..64]);
}

#[test]
fn addresses_of_the_card_stay_where_they_are_if_that_is_asked_for() {
    let bench = Bench::new();
    let before = bench.machine.card.borrow().clone();
    bench
        .machine
        .put(LIST, &[DmaDescriptor::new(HOST, CARD, 200, LAST)]);
    assert_eq!(bench.run(target::H2C, 0, control::NON_INCREMENTING), DONE);
    let (card, host) = (bench.machine.card.borrow(), bench.machine.host.borrow());
    // Beats of 64 bytes: the last one has eight, and what it does not cover is of the one before.
    assert!(card[..8] == host[192..200] && card[8..64] == host[136..192]);
    assert!(card[64..] == before[64..]);
}

#[test]
fn a_halted_channel_fetches_nothing_until_it_is_released() {
    let bench = Bench::new();
    bench
        .machine
        .put(LIST, &[DmaDescriptor::new(CARD, HOST, 64, LAST)]);
    bench.write(target::SGDMA_COMMON + sgdma_common::HALT_SET, 1 << 16);
    assert_eq!(bench.run(target::C2H, 0, 0), status::BUSY);
    bench.write(target::SGDMA_COMMON + sgdma_common::HALT_CLEAR, 1 << 16);
    bench.work();
    assert_eq!(bench.read(target::C2H + channel::STATUS), DONE);
}

#[test]
fn status_is_cleared_by_writing_ones_and_by_the_register_that_clears() {
    let bench = Bench::new();
    bench
        .machine
        .put(LIST, &[DmaDescriptor::new(HOST, CARD, 64, LAST)]);
    bench.run(target::H2C, 0, 0);
    bench.write(target::H2C + channel::STATUS, status::DESCRIPTOR_STOPPED);
    assert_eq!(
        bench.read(target::H2C + channel::STATUS),
        status::DESCRIPTOR_COMPLETED
    );
    assert_eq!(
        bench.read(target::H2C + channel::STATUS_READ_CLEAR),
        status::DESCRIPTOR_COMPLETED
    );
    assert_eq!(bench.read(target::H2C + channel::STATUS), 0);
}

#[test]
fn a_channel_interrupts_once_through_its_vector_while_it_is_pending() {
    let bench = Bench::new();
    // The C2H channel's line is behind that of the one H2C channel.
    bench.write(target::IRQ + irq::CHANNEL_VECTOR, 0x0705);
    bench.write(
        target::C2H + channel::INTERRUPT_ENABLE_SET,
        status::DESCRIPTOR_STOPPED,
    );
    bench
        .machine
        .put(LIST, &[DmaDescriptor::new(CARD, HOST, 64, LAST)]);
    bench.run(target::C2H, 0, 0);
    assert_eq!(
        *bench.machine.messages.borrow(),
        [],
        "not enabled in the block"
    );
    assert_eq!(bench.read(target::IRQ + irq::CHANNEL_REQUEST), 2);
    assert_eq!(bench.read(target::IRQ + irq::CHANNEL_PENDING), 0);
    bench.write(target::IRQ + irq::CHANNEL_ENABLE_SET, 2);
    bench.write(target::IRQ + irq::CHANNEL_ENABLE_SET, 2);
    assert_eq!(*bench.machine.messages.borrow(), [7]);
    assert_eq!(bench.read(target::IRQ + irq::CHANNEL_PENDING), 2);
    // Masked and unmasked while it is still raised: another message, so that none is lost.
    bench.write(target::IRQ + irq::CHANNEL_ENABLE_CLEAR, 2);
    bench.write(target::IRQ + irq::CHANNEL_ENABLE_SET, 2);
    assert_eq!(*bench.machine.messages.borrow(), [7, 7]);
    bench.read(target::C2H + channel::STATUS_READ_CLEAR);
    assert_eq!(bench.read(target::IRQ + irq::CHANNEL_REQUEST), 0);
}

#[test]
fn user_interrupts_go_through_their_vectors() {
    let bench = Bench::new();
    bench.write(target::IRQ + irq::USER_VECTOR + 4, 0x0900_0000);
    assert_eq!(bench.read(target::IRQ + irq::USER_VECTOR + 4), 0x0900_0000);
    bench.write(target::IRQ + irq::USER_ENABLE, 1 << 7);
    for (line, level) in [
        (7, true),
        (7, true),
        (6, true),
        (7, false),
        (7, true),
        (99, true),
    ] {
        bench.dma.set_user_interrupt(&bench.machine, line, level);
    }
    assert_eq!(*bench.machine.messages.borrow(), [9, 9]);
    assert_eq!(bench.read(target::IRQ + irq::USER_REQUEST), 0xC0);
    assert_eq!(bench.read(target::IRQ + irq::USER_PENDING), 0x80);
}

#[test]
fn the_vector_table_keeps_what_is_written_and_is_masked_after_reset() {
    let bench = Bench::new();
    assert_eq!(bench.read(target::MSIX + 0x0C), u32::MAX);
    bench.write(target::MSIX + 0x1F8, 0xABCD);
    assert_eq!(bench.read(target::MSIX + 0x1F8), 0xABCD);
    bench.write(0x8FE0, 5);
    assert_eq!(bench.read(0x8FE0), 0);
}

fn pieces() -> impl Strategy<Value = Vec<(usize, usize, u32)>> {
    prop::collection::vec((0usize..0x8000, 0usize..0x1_0000, 0u32..0x3000), 1..20)
}

proptest! {
    #[test]
    fn lists_of_any_pieces_end_as_plain_copies_would(pieces in pieces(), scattered in any::<bool>(), to_host in any::<bool>()) {
        let bench = Bench::new();
        let mut hosts = bench.machine.host.borrow().clone();
        let mut cards = bench.machine.card.borrow().clone();
        let step = if scattered { 0x400 } else { 32 };
        let at = |index: usize| LIST + step * index as u64;
        let mut by_address = BTreeMap::new();
        for (index, &(host, card, len)) in pieces.iter().enumerate() {
            let (host_address, card_address) = (HOST + host as u64, CARD + card as u64);
            let (from, to) = if to_host { (card_address, host_address) } else { (host_address, card_address) };
            let last = index + 1 == pieces.len();
            let adjacent = if scattered { 0 } else { (pieces.len() - index).saturating_sub(2) as u32 };
            let descriptor = DmaDescriptor::new(from, to, len, if last { LAST } else { 0 }).followed_by(at(index + 1), adjacent);
            by_address.insert(at(index), descriptor);
            let len = len as usize;
            if to_host {
                hosts[host..host + len].copy_from_slice(&cards[card..card + len]);
            } else {
                cards[card..card + len].copy_from_slice(&hosts[host..host + len]);
            }
        }
        for (&address, &descriptor) in &by_address {
            bench.machine.put(address, &[descriptor]);
            let place = (address - HOST) as usize;
            hosts[place..place + 32].copy_from_slice(bytemuck::bytes_of(&descriptor));
        }
        let channels = if to_host { target::C2H } else { target::H2C };
        let adjacent = if scattered { 0 } else { pieces.len() as u32 - 1 };
        prop_assert_eq!(bench.run(channels, adjacent, 0), DONE);
        prop_assert_eq!(bench.read(channels + channel::COMPLETED) as usize, pieces.len());
        prop_assert!(*bench.machine.host.borrow() == hosts);
        prop_assert!(*bench.machine.card.borrow() == cards);
    }
}
