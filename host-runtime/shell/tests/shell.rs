//! A card behind the shell, as a driver finds it: a plain card, and the vfio-user client.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use card_shell::bypass::{self, DoorbellWord};
use card_shell::identity as id;
use card_shell::{
    AxiError, Card, CardError, CardEvents, CardStatus, Doorbell, Shell, VENDOR, VSEC,
};
use parking_lot::Mutex;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use vfio_user::{
    BAR0_REGION, BAR1_REGION, BAR2_REGION, CONFIG_REGION, Client, DmaAccess, MSIX_IRQ,
    ServerOptions, Timeouts,
};
use xdma::DmaDescriptor;
use xdma::registers::{channel, control, irq, sgdma, status, target};

const KERNEL: u64 = 0x180_0000;
const BANK: usize = 0x10_0000;
/// Where the host's memory is for the device.
const HOST: u64 = 0x1000_0000;
const HOST_BYTES: u64 = 0x40_0000;
const LIST: u64 = HOST + 0x3F_0000;

#[derive(Default)]
struct PlainCard {
    register: Mutex<u32>,
    memory: Mutex<Vec<u8>>,
    image: Mutex<Option<Vec<u8>>>,
    generation: Mutex<u32>,
    /// What the shell told of units.
    told: Mutex<Vec<String>>,
    events: Mutex<Option<Arc<dyn CardEvents>>>,
    rung: Mutex<Vec<(u32, Doorbell)>>,
}

impl Card for PlainCard {
    fn status(&self) -> CardStatus {
        let generation = *self.generation.lock();
        let image = self.image.lock();
        CardStatus {
            sequence: generation.into(),
            image: image.as_ref().map(|_| *b"0123456789abcdef"),
            image_bytes: image.as_ref().map_or(0, |image| image.len() as u32),
            generation,
            clock_mhz: 300,
            units: 1,
            pairs: 4,
            ..CardStatus::default()
        }
    }

    fn read_register(&self, address: u64) -> Result<u32, AxiError> {
        if address != KERNEL {
            return Err(AxiError::Decode);
        }
        Ok(*self.register.lock())
    }

    fn write_register(&self, address: u64, value: u32) -> Result<(), AxiError> {
        if address != KERNEL {
            return Err(AxiError::Decode);
        }
        *self.register.lock() = value;
        Ok(())
    }

    fn memory(
        &self,
        address: u64,
        len: usize,
        access: &mut dyn FnMut(&mut [u8]),
    ) -> Result<(), AxiError> {
        let start = usize::try_from(address).map_err(|_| AxiError::Decode)?;
        let mut memory = self.memory.lock();
        memory.resize(BANK, 0);
        let end = start.checked_add(len).ok_or(AxiError::Decode)?;
        access(memory.get_mut(start..end).ok_or(AxiError::Decode)?);
        Ok(())
    }

    fn image(&self) -> Option<Arc<[u8]>> {
        self.image.lock().clone().map(Into::into)
    }

    fn program(&self, image: Vec<u8>) -> Result<(), CardError> {
        if !image.starts_with(b"good") {
            return Err(CardError("it is no good".to_owned()));
        }
        *self.image.lock() = Some(image);
        *self.generation.lock() += 1;
        self.events().status_changed(&self.status());
        Ok(())
    }

    fn unload(&self) -> Result<(), CardError> {
        *self.image.lock() = None;
        *self.generation.lock() += 1;
        self.events().status_changed(&self.status());
        Ok(())
    }

    fn reset(&self) -> Result<(), CardError> {
        *self.generation.lock() += 1;
        self.events().status_changed(&self.status());
        Ok(())
    }

    fn reset_unit(&self, unit: u32) -> Result<(), CardError> {
        match unit {
            0 => Ok(()),
            _ => Err(CardError(format!("there is no unit {unit}"))),
        }
    }

    fn allocate(&self, client: u32, bank: u32, bytes: u64, host: u64) -> Option<u64> {
        self.told.lock().push(format!(
            "{bytes:#x} in bank {bank} for {client}, to {host:#x}"
        ));
        (bank == 0).then_some(0x1_2345_6000)
    }

    fn release(&self, client: u32, address: u64) {
        self.told
            .lock()
            .push(format!("{address:#x} of {client} released"));
    }

    fn release_all(&self, client: u32) {
        self.told.lock().push(format!("all of {client} released"));
    }

    fn taken(&self, unit: u32) {
        self.told.lock().push(format!("{unit} taken"));
    }

    fn given_back(&self, unit: u32, left: bool) {
        self.told.lock().push(format!(
            "{unit} given back{}",
            if left { " by leaving" } else { "" }
        ));
    }

    fn pair_taken(&self, pair: u32) {
        self.told.lock().push(format!("pair {pair} taken"));
    }

    fn pair_given_back(&self, pair: u32) -> bool {
        self.told.lock().push(format!("pair {pair} given back"));
        // One that does not come to rest.
        pair != 3
    }

    fn ring(&self, pair: u32, doorbell: Doorbell) {
        self.rung.lock().push((pair, doorbell));
    }

    fn wake(&self) {}

    fn connect(&self, events: Arc<dyn CardEvents>) {
        *self.events.lock() = Some(events);
    }
}

impl PlainCard {
    fn events(&self) -> Arc<dyn CardEvents> {
        self.events.lock().clone().unwrap()
    }
}

struct Bench {
    card: Arc<PlainCard>,
    shell: Shell,
    _folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let card = Arc::new(PlainCard::default());
        let path = folder.path().join("card");
        let shell = Shell::serve(&path, Arc::clone(&card) as _, ServerOptions::default()).unwrap();
        Self {
            card,
            shell,
            _folder: folder,
        }
    }

    fn driver(&self) -> Driver {
        let client = Client::connect(self.shell.path(), Timeouts::default()).unwrap();
        let flags = rustix::fs::MemfdFlags::CLOEXEC | rustix::fs::MemfdFlags::ALLOW_SEALING;
        let memory = rustix::fs::memfd_create("host", flags).unwrap();
        rustix::fs::ftruncate(&memory, HOST_BYTES).unwrap();
        rustix::fs::fcntl_add_seals(&memory, rustix::fs::SealFlags::SHRINK).unwrap();
        client
            .map_dma(HOST, HOST_BYTES, DmaAccess::BOTH, memory.as_fd(), 0)
            .unwrap();
        // Memory space and bus master.
        client.write(CONFIG_REGION, 4, &6u16.to_le_bytes()).unwrap();
        Driver { client, memory }
    }
}

/// A driver in small.
struct Driver {
    client: Client,
    memory: OwnedFd,
}

impl Driver {
    fn read(&self, region: u32, offset: u64) -> u32 {
        let mut bytes = [0; 4];
        self.client.read(region, offset, &mut bytes).unwrap();
        u32::from_le_bytes(bytes)
    }

    fn write(&self, region: u32, offset: u64, value: u32) {
        self.client
            .write(region, offset, &value.to_le_bytes())
            .unwrap();
    }

    fn dma(&self, offset: u32, value: u32) {
        self.write(BAR1_REGION, offset.into(), value);
    }

    /// One transfer, waited for by its interrupt; the channel's status.
    fn transfer(&self, channels: u32, from: u64, to: u64, len: u32) -> u32 {
        let descriptor = DmaDescriptor::new(
            from,
            to,
            len,
            DmaDescriptor::STOP | DmaDescriptor::COMPLETED,
        );
        rustix::io::pwrite(&self.memory, bytemuck::bytes_of(&descriptor), LIST - HOST).unwrap();
        let done = eventfd(0, EventfdFlags::NONBLOCK).unwrap();
        self.client
            .set_interrupts(MSIX_IRQ, 3, &[done.as_fd()])
            .unwrap();
        self.dma(target::IRQ + irq::CHANNEL_VECTOR, 0x0303);
        self.dma(target::IRQ + irq::CHANNEL_ENABLE, 3);
        self.dma(channels + channel::INTERRUPT_ENABLE, status::LOGGED);
        let lists = channels + (target::H2C_SGDMA - target::H2C);
        self.dma(lists + sgdma::FIRST_LOW, LIST as u32);
        self.dma(lists + sgdma::FIRST_HIGH, (LIST >> 32) as u32);
        self.dma(channels + channel::CONTROL, control::RUN | control::LOG_ALL);
        let mut files = [PollFd::new(&done, PollFlags::IN)];
        let bound = Timespec {
            tv_sec: 20,
            tv_nsec: 0,
        };
        assert_eq!(poll(&mut files, Some(&bound)), Ok(1), "no interrupt");
        let status = self.read(BAR1_REGION, u64::from(channels + channel::STATUS));
        self.dma(channels + channel::CONTROL, 0);
        self.read(
            BAR1_REGION,
            u64::from(channels + channel::STATUS_READ_CLEAR),
        );
        status & !status::BUSY
    }

    /// How the command that goes on ends.
    fn command_end(&self) -> u32 {
        let words = (0..).map(|_| self.read(BAR0_REGION, id::REG_PROGRAM.into()));
        words
            .take(1_000_000)
            .find(|&word| word != id::command::BUSY)
            .expect("commands end")
    }

    fn fill(&self, offset: u64, bytes: &[u8]) {
        assert_eq!(
            rustix::io::pwrite(&self.memory, bytes, offset),
            Ok(bytes.len())
        );
    }

    fn see(&self, offset: u64, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        assert_eq!(rustix::io::pread(&self.memory, &mut bytes, offset), Ok(len));
        bytes
    }
}

const DONE: u32 = status::DESCRIPTOR_STOPPED | status::DESCRIPTOR_COMPLETED;

#[test]
fn a_driver_recognises_the_card() {
    let bench = Bench::new();
    let driver = bench.driver();
    assert_eq!(driver.read(CONFIG_REGION, 0) & 0xFFFF, u32::from(VENDOR));
    assert_eq!(driver.read(CONFIG_REGION, VSEC as u64) & 0xFFFF, 0x000B);
    assert_eq!(driver.read(BAR0_REGION, id::REG_MAGIC.into()), id::MAGIC);
    assert_eq!(driver.read(BAR0_REGION, id::REG_STATUS.into()), 0);
    assert_eq!(driver.read(BAR0_REGION, id::REG_UNITS.into()), 1);
    assert_eq!(driver.read(BAR1_REGION, 0), 0x1FC0_0006);
}

#[test]
fn registers_of_kernels_are_reached_and_nothing_reads_as_ones() {
    let bench = Bench::new();
    let driver = bench.driver();
    driver.write(BAR0_REGION, KERNEL, 0xABCD);
    assert_eq!(driver.read(BAR0_REGION, KERNEL), 0xABCD);
    assert_eq!(driver.read(BAR0_REGION, KERNEL + 0x1000), u32::MAX);
    let mut byte = [0];
    driver
        .client
        .read(BAR0_REGION, KERNEL + 1, &mut byte)
        .unwrap();
    assert_eq!(byte, [0xAB]);
    driver
        .client
        .write(BAR0_REGION, KERNEL + 1, &[1])
        .unwrap_err();
}

#[test]
fn dma_goes_both_ways_and_interrupts() {
    let bench = Bench::new();
    let driver = bench.driver();
    let pattern: Vec<u8> = (0..0x5_0000u32).map(|i| ((i * 13) >> 2) as u8).collect();
    driver.fill(0, &pattern);
    assert_eq!(
        driver.transfer(target::H2C, HOST, 0x100, pattern.len() as u32),
        DONE
    );
    assert!(bench.card.memory.lock()[0x100..0x100 + pattern.len()] == pattern);
    assert_eq!(
        driver.transfer(target::C2H, 0x100, HOST + 0x10_0000, pattern.len() as u32),
        DONE
    );
    assert!(driver.see(0x10_0000, pattern.len()) == pattern);
}

#[test]
fn dma_errors_have_a_status_and_host_faults_are_counted() {
    let bench = Bench::new();
    let driver = bench.driver();
    let outside = BANK as u64;
    assert_eq!(
        driver.transfer(target::H2C, HOST, outside, 64),
        status::H2C_WRITE_DECODE
    );
    assert_eq!(
        driver.transfer(target::C2H, outside, HOST, 64),
        status::C2H_READ_DECODE
    );
    assert_eq!(driver.read(BAR0_REGION, id::REG_DMA_FAULTS.into()), 0);
    assert_eq!(
        driver.transfer(target::H2C, HOST - 64, 0, 64),
        status::H2C_READ_UNSUPPORTED
    );
    assert_eq!(driver.read(BAR0_REGION, id::REG_DMA_FAULTS.into()), 1);
    // Posted: done, as the engine sees it; the count tells.
    assert_eq!(driver.transfer(target::C2H, 0, HOST - 64, 64), DONE);
    assert_eq!(driver.read(BAR0_REGION, id::REG_DMA_FAULTS.into()), 2);
}

#[test]
fn an_image_is_programmed_and_read_back_by_dma() {
    let bench = Bench::new();
    let driver = bench.driver();
    let program = |image: &[u8]| {
        driver.fill(0, image);
        assert_eq!(
            driver.transfer(target::H2C, HOST, id::IMAGE_ADDRESS, image.len() as u32),
            DONE
        );
        driver.write(BAR0_REGION, id::REG_PROGRAM.into(), image.len() as u32);
        driver.command_end()
    };
    assert_eq!(program(b"good image"), id::command::DONE);
    assert_eq!(driver.read(BAR0_REGION, id::REG_STATUS.into()), 1);
    assert_eq!(driver.read(BAR0_REGION, id::REG_GENERATION.into()), 1);
    assert_eq!(
        driver.read(BAR0_REGION, u64::from(id::REG_IMAGE) + 4),
        u32::from_le_bytes(*b"4567")
    );
    assert_eq!(program(b"bad"), id::command::FAILED);
    let bytes = driver.read(BAR0_REGION, id::REG_TEXT_BYTES.into());
    assert_eq!(
        driver.transfer(target::C2H, id::TEXT_ADDRESS, HOST + 0x2000, bytes),
        DONE
    );
    assert_eq!(driver.see(0x2000, bytes as usize), b"it is no good");
    assert_eq!(driver.read(BAR0_REGION, id::REG_GENERATION.into()), 1);
    let bytes = driver.read(BAR0_REGION, id::REG_IMAGE_BYTES.into());
    assert_eq!(
        driver.transfer(target::C2H, id::IMAGE_ADDRESS, HOST + 0x1000, bytes),
        DONE
    );
    assert_eq!(driver.see(0x1000, bytes as usize), b"good image");
    // More than has come.
    driver.write(BAR0_REGION, id::REG_PROGRAM.into(), 5);
    assert_eq!(driver.command_end(), id::command::FAILED);
}

#[test]
fn a_unit_has_one_holder_until_it_is_given_back_or_its_holder_leaves() {
    let bench = Bench::new();
    let (one, other) = (bench.driver(), bench.driver());
    let number = one.read(BAR0_REGION, id::REG_CLIENT.into());
    let take = |driver: &Driver| driver.read(BAR0_REGION, u64::from(id::REG_HOLDER) + 4);
    assert_eq!(take(&one), 0);
    assert_eq!(take(&other), number);
    // Only its holder can give it back, and only as itself.
    let own = other.read(BAR0_REGION, id::REG_CLIENT.into());
    other.write(BAR0_REGION, u64::from(id::REG_HOLDER) + 4, own);
    assert_eq!(take(&other), number);
    other.write(BAR0_REGION, u64::from(id::REG_HOLDER) + 4, number);
    assert_eq!(take(&other), number);
    one.write(BAR0_REGION, u64::from(id::REG_HOLDER) + 4, number);
    assert_eq!(take(&other), 0);
    drop(other);
    while bench.shell.clients() > 1 {
        std::thread::yield_now();
    }
    assert_eq!(take(&one), 0);
    assert_eq!(
        *bench.card.told.lock(),
        [
            "1 taken".to_owned(),
            "1 given back".to_owned(),
            "1 taken".to_owned(),
            "1 given back by leaving".to_owned(),
            format!("all of {own} released"),
            "1 taken".to_owned(),
        ]
    );
}

#[test]
fn the_holder_of_a_unit_gets_its_interrupt() {
    let bench = Bench::new();
    let (one, other) = (bench.driver(), bench.driver());
    let signals: Vec<_> = [&one, &other]
        .iter()
        .map(|driver| {
            let signal = eventfd(0, EventfdFlags::NONBLOCK).unwrap();
            driver
                .client
                .set_interrupts(MSIX_IRQ, 5, &[signal.as_fd()])
                .unwrap();
            driver.dma(target::IRQ + irq::USER_VECTOR, 0x0500);
            driver.dma(target::IRQ + irq::USER_ENABLE, 2);
            signal
        })
        .collect();
    assert_eq!(other.read(BAR0_REGION, u64::from(id::REG_HOLDER) + 4), 0);
    bench.card.events().interrupt(1, true);
    let mut count = [0; 8];
    assert_eq!(rustix::io::read(&signals[1], &mut count), Ok(8));
    assert_eq!(
        rustix::io::read(&signals[0], &mut count),
        Err(rustix::io::Errno::AGAIN)
    );
}

#[test]
fn a_function_that_is_no_bus_master_reaches_nothing() {
    let bench = Bench::new();
    let driver = bench.driver();
    driver
        .client
        .write(CONFIG_REGION, 4, &2u16.to_le_bytes())
        .unwrap();
    driver.fill(0, &[7; 64]);
    let descriptor = DmaDescriptor::new(HOST, 0, 64, DmaDescriptor::STOP);
    driver.fill(LIST - HOST, bytemuck::bytes_of(&descriptor));
    driver.dma(target::H2C_SGDMA + sgdma::FIRST_LOW, LIST as u32);
    driver.dma(
        target::H2C + channel::CONTROL,
        control::RUN | control::LOG_ALL,
    );
    let states = (0..).map(|_| driver.read(BAR1_REGION, (target::H2C + channel::STATUS).into()));
    let ended = states
        .take(1_000_000)
        .find(|state| state & status::BUSY == 0);
    assert_eq!(ended, Some(status::DESCRIPTOR_UNSUPPORTED));
}

#[test]
fn a_reset_of_the_function_leaves_the_card_to_the_others() {
    let bench = Bench::new();
    let (one, other) = (bench.driver(), bench.driver());
    other.write(BAR0_REGION, KERNEL, 5);
    one.client.reset().unwrap();
    assert_eq!(one.read(CONFIG_REGION, 4) & 0xFFFF, 0);
    assert_eq!(other.read(BAR0_REGION, KERNEL), 5);
    assert_eq!(other.read(CONFIG_REGION, 4) & 0xFFFF, 6);
}

#[test]
fn a_function_level_reset_gives_back_what_the_client_holds() {
    let bench = Bench::new();
    let driver = bench.driver();
    assert_eq!(driver.read(BAR0_REGION, id::REG_HOLDER.into()), 0);
    driver.write(BAR0_REGION, (id::REG_MEMORY_BYTES + 4).into(), 0);
    // Bit 15 of the device control register, as Linux finds it by the capability list.
    let express = capability(&driver, 0x10);
    driver.write(CONFIG_REGION, express + 8, 0x0000_8000);
    let told = bench.card.told.lock().clone();
    assert!(
        told.contains(&"0 given back by leaving".to_owned()),
        "{told:?}"
    );
    assert!(
        told.iter().any(|told| told.starts_with("all of")),
        "{told:?}"
    );
    assert_eq!(
        driver.read(CONFIG_REGION, 4) & 6,
        0,
        "the command register is as after reset"
    );
    assert_eq!(driver.read(CONFIG_REGION, express + 8) >> 15 & 1, 0);
}

/// Where a capability is.
fn capability(driver: &Driver, id: u32) -> u64 {
    let mut at = u64::from(driver.read(CONFIG_REGION, 0x34) & 0xFF);
    while driver.read(CONFIG_REGION, at) & 0xFF != id {
        at = u64::from(driver.read(CONFIG_REGION, at) >> 8 & 0xFF);
        assert_ne!(at, 0, "there is no capability {id:#x}");
    }
    at
}

#[test]
fn the_page_that_tells_can_be_mapped_and_follows_the_card() {
    let bench = Bench::new();
    let driver = bench.driver();
    let info = driver.client.region_info(BAR0_REGION).unwrap();
    assert_eq!(info.areas, [(0, id::PAGE.into())]);
    let (file, offset) = info.file.unwrap();
    let mapped = |register: u32| {
        let mut word = [0; 4];
        rustix::io::pread(&file, &mut word, offset + u64::from(register)).unwrap();
        u32::from_le_bytes(word)
    };
    assert_eq!(mapped(id::REG_MAGIC), id::MAGIC);
    assert_eq!(
        mapped(id::REG_CLIENT),
        driver.read(BAR0_REGION, id::REG_CLIENT.into())
    );
    let before = mapped(id::REG_GENERATION);
    driver.write(BAR0_REGION, id::REG_RESET.into(), 1);
    assert_eq!(driver.command_end(), id::command::DONE);
    assert_eq!(mapped(id::REG_GENERATION), before + 1);
    rustix::io::pwrite(&file, &[0; 4], 0).unwrap_err();
    driver.write(BAR0_REGION, id::REG_RESET_UNIT.into(), 0);
    assert_eq!(driver.command_end(), id::command::DONE);
    driver.write(BAR0_REGION, id::REG_RESET_UNIT.into(), 5);
    assert_eq!(driver.command_end(), id::command::FAILED);
}

#[test]
fn memory_is_given_out_by_the_card() {
    let bench = Bench::new();
    let driver = bench.driver();
    let ask = |bank: u32| {
        driver.write(BAR0_REGION, id::REG_MEMORY_BANK.into(), bank);
        driver.write(BAR0_REGION, id::REG_MEMORY_BYTES.into(), 0x1000);
        driver.write(BAR0_REGION, u64::from(id::REG_MEMORY_BYTES) + 4, 3);
        let low = driver.read(BAR0_REGION, id::REG_MEMORY_ADDRESS.into());
        let high = driver.read(BAR0_REGION, u64::from(id::REG_MEMORY_ADDRESS) + 4);
        u64::from(high) << 32 | u64::from(low)
    };
    assert_eq!(ask(0), 0x1_2345_6000);
    assert_eq!(ask(1), u64::MAX);
    driver.write(BAR0_REGION, id::REG_MEMORY_RELEASE.into(), 0x2345_6000);
    driver.write(BAR0_REGION, u64::from(id::REG_MEMORY_RELEASE) + 4, 1);
    let client = driver.read(BAR0_REGION, id::REG_CLIENT.into());
    assert_eq!(
        *bench.card.told.lock(),
        [
            format!("0x300001000 in bank 0 for {client}, to 0x0"),
            format!("0x300001000 in bank 1 for {client}, to 0x0"),
            format!("0x123456000 of {client} released"),
        ]
    );
}

#[test]
fn of_two_states_of_the_card_the_later_one_is_shown() {
    let bench = Bench::new();
    let driver = bench.driver();
    let mut status = bench.card.status();
    status.sequence = 9;
    status.clock_mhz = 250;
    bench.card.events().status_changed(&status);
    status.sequence = 8;
    status.clock_mhz = 100;
    bench.card.events().status_changed(&status);
    assert_eq!(driver.read(BAR0_REGION, id::REG_CLOCK_MHZ.into()), 250);
}

#[test]
fn doorbells_are_taken_over_in_order_and_written_back() {
    let bench = Bench::new();
    let driver = bench.driver();
    let pair = 2;
    let holder = u64::from(id::REG_PAIR + 4 * pair);
    assert_eq!(driver.read(BAR0_REGION, holder), 0);
    let high = u64::from(id::REG_WRITE_BACK) + 4;
    driver.write(BAR0_REGION, id::REG_WRITE_BACK.into(), HOST as u32);
    driver.write(BAR0_REGION, high, (HOST >> 32) as u32);
    let signal = eventfd(0, EventfdFlags::NONBLOCK).unwrap();
    let vector = bypass::FIRST_PAIR_VECTOR + pair;
    driver
        .client
        .set_interrupts(MSIX_IRQ, vector, &[signal.as_fd()])
        .unwrap();
    let place = u64::from(pair) * bypass::DOORBELL_STRIDE;
    let window = bypass::PUSHES + u64::from(pair) * bypass::PUSH_STRIDE;
    driver.client.write(BAR2_REGION, window, &[7; 64]).unwrap();
    let word = DoorbellWord(DoorbellWord::ANSWER)
        .with(5, 3, 1)
        .asking_for_interrupt();
    driver.write(BAR2_REGION, place, word.0 as u32);
    driver.write(BAR2_REGION, place + 4, (word.0 >> 32) as u32);
    assert_eq!(
        *bench.card.rung.lock(),
        [
            (pair, Doorbell::Head(3)),
            (pair, Doorbell::Tail(5)),
            (pair, Doorbell::Push([7; 64])),
            (pair, Doorbell::Interrupt(3)),
        ]
    );
    assert_eq!(driver.see(place, 8), word.0.to_le_bytes());
    assert_eq!(rustix::io::read(&signal, &mut [0; 8]), Ok(8));
    // The same word again is nothing new.
    driver.write(BAR0_REGION, id::REG_RING.into(), 1);
    assert_eq!(bench.card.rung.lock().len(), 4);
}

#[test]
fn a_pair_has_one_holder_and_one_that_does_not_rest_is_lost_until_a_reset() {
    let bench = Bench::new();
    let (one, other) = (bench.driver(), bench.driver());
    let number = one.read(BAR0_REGION, id::REG_CLIENT.into());
    let register = |pair: u32| u64::from(id::REG_PAIR + 4 * pair);
    for pair in [1, 3] {
        assert_eq!(one.read(BAR0_REGION, register(pair)), 0);
        assert_eq!(other.read(BAR0_REGION, register(pair)), number);
        other.write(BAR0_REGION, register(pair), number);
        assert_eq!(other.read(BAR0_REGION, register(pair)), number);
        one.write(BAR0_REGION, register(pair), number);
    }
    assert_eq!(other.read(BAR0_REGION, register(1)), 0);
    assert_eq!(other.read(BAR0_REGION, register(3)), number, "it is lost");
    assert_eq!(other.read(BAR0_REGION, register(4)), u32::MAX, "none");
    bench.card.reset().unwrap();
    assert_eq!(other.read(BAR0_REGION, register(3)), 0);
}
