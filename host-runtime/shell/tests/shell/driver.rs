//! A driver in small: what the tests do to a card's function, register by register.

// Tests of other crates use a part of this.
#![allow(dead_code)]

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use card_shell::identity as id;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use vfio_user::{BAR0_REGION, BAR1_REGION, CONFIG_REGION, Client, DmaAccess, MSIX_IRQ, Timeouts};
use xdma::DmaDescriptor;
use xdma::registers::{channel, control, irq, sgdma, status, target};

/// Where the host's memory is for the device.
pub(crate) const HOST: u64 = 0x1000_0000;
pub(crate) const HOST_BYTES: u64 = 0x40_0000;
/// Where DMA descriptors are put.
pub(crate) const LIST: u64 = HOST + 0x3F_0000;
/// Status of a channel whose transfer went well.
pub(crate) const DONE: u32 = status::DESCRIPTOR_STOPPED | status::DESCRIPTOR_COMPLETED;

/// A function of the card, driven by hand.
pub(crate) struct Driver {
    pub(crate) client: Client,
    pub(crate) memory: OwnedFd,
}

impl Driver {
    /// Attaches to the card that is served there, which may reach our memory from then on.
    pub(crate) fn attach(socket: &Path) -> Self {
        let client = Client::connect(socket, Timeouts::default()).unwrap();
        let flags = rustix::fs::MemfdFlags::CLOEXEC | rustix::fs::MemfdFlags::ALLOW_SEALING;
        let memory = rustix::fs::memfd_create("host", flags).unwrap();
        rustix::fs::ftruncate(&memory, HOST_BYTES).unwrap();
        rustix::fs::fcntl_add_seals(&memory, rustix::fs::SealFlags::SHRINK).unwrap();
        client
            .map_dma(HOST, HOST_BYTES, DmaAccess::BOTH, memory.as_fd(), 0)
            .unwrap();
        // Memory space and bus master.
        client.write(CONFIG_REGION, 4, &6u16.to_le_bytes()).unwrap();
        Self { client, memory }
    }

    pub(crate) fn read(&self, region: u32, offset: u64) -> u32 {
        let mut bytes = [0; 4];
        self.client.read(region, offset, &mut bytes).unwrap();
        u32::from_le_bytes(bytes)
    }

    pub(crate) fn write(&self, region: u32, offset: u64, value: u32) {
        self.client
            .write(region, offset, &value.to_le_bytes())
            .unwrap();
    }

    pub(crate) fn dma(&self, offset: u32, value: u32) {
        self.write(BAR1_REGION, offset.into(), value);
    }

    /// Starts one transfer.
    pub(crate) fn start(&self, channels: u32, from: u64, to: u64, len: u32) {
        let flags = DmaDescriptor::STOP | DmaDescriptor::COMPLETED;
        self.follow(channels, DmaDescriptor::new(from, to, len, flags));
    }

    /// Has a channel follow a list that begins with this DMA descriptor.
    pub(crate) fn follow(&self, channels: u32, descriptor: DmaDescriptor) {
        self.fill(LIST - HOST, bytemuck::bytes_of(&descriptor));
        let lists = channels + (target::H2C_SGDMA - target::H2C);
        self.dma(lists + sgdma::FIRST_LOW, LIST as u32);
        self.dma(lists + sgdma::FIRST_HIGH, (LIST >> 32) as u32);
        self.dma(channels + channel::CONTROL, control::RUN | control::LOG_ALL);
    }

    /// The status of a channel once it has stopped by itself.
    pub(crate) fn ended(&self, channels: u32) -> u32 {
        let register = u64::from(channels + channel::STATUS);
        let states = (0..).map(|_| self.read(BAR1_REGION, register));
        states
            .take(1_000_000)
            .find(|state| state & status::BUSY == 0)
            .expect("it ends")
    }

    /// One transfer, waited for by its interrupt; the channel's status.
    pub(crate) fn transfer(&self, channels: u32, from: u64, to: u64, len: u32) -> u32 {
        let done = eventfd(0, EventfdFlags::NONBLOCK).unwrap();
        self.client
            .set_interrupts(MSIX_IRQ, 3, &[done.as_fd()])
            .unwrap();
        self.dma(target::IRQ + irq::CHANNEL_VECTOR, 0x0303);
        self.dma(target::IRQ + irq::CHANNEL_ENABLE, 3);
        self.dma(channels + channel::INTERRUPT_ENABLE, status::LOGGED);
        self.start(channels, from, to, len);
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
    pub(crate) fn command_end(&self) -> u32 {
        let words = (0..).map(|_| self.read(BAR0_REGION, id::REG_PROGRAM.into()));
        words
            .take(1_000_000)
            .find(|&word| word != id::command::BUSY)
            .expect("commands end")
    }

    pub(crate) fn fill(&self, offset: u64, bytes: &[u8]) {
        assert_eq!(
            rustix::io::pwrite(&self.memory, bytes, offset),
            Ok(bytes.len())
        );
    }

    pub(crate) fn see(&self, offset: u64, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        assert_eq!(rustix::io::pread(&self.memory, &mut bytes, offset), Ok(len));
        bytes
    }
}
