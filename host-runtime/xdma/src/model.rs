//! The subsystem as a whole: the DMA BAR's address map, and what it moves data between.

use parking_lot::Mutex;

use crate::channel::{Channel, ChannelDirection};
use crate::interrupts::Interrupts;
use crate::registers::{
    BAR_BYTES, CHANNEL, IDENTIFIER, IDENTIFIER_VERSION, MAX_CHANNELS, MSIX_PENDING, MSIX_VECTORS,
    config, irq, sgdma_common, target,
};

/// An access to the host's memory that the host did not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostFault;

/// An error response of the card's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AxiError {
    /// DECERR: nothing is at the address.
    Decode,
    /// SLVERR: what is there refused.
    Slave,
}

/// Which side of a transfer failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferFault {
    /// The host's.
    Host(HostFault),
    /// The card's.
    Card(AxiError),
    /// The data was damaged on the way, which parity shows.
    Parity,
    /// No answer ever comes: the engine waits until it is reset.
    Hang,
}

/// What the subsystem is connected to: the host by PCIe, the card's memory by AXI.
pub trait Bus {
    /// Reads the host's memory.
    ///
    /// # Errors
    /// If the host does not allow it.
    fn read_host(&self, address: u64, bytes: &mut [u8]) -> Result<(), HostFault>;

    /// Writes the host's memory.
    ///
    /// # Errors
    /// If the host does not allow it. The subsystem does not learn of that: writes are posted.
    fn write_host(&self, address: u64, bytes: &[u8]) -> Result<(), HostFault>;

    /// Copies from the host's memory to the card's.
    ///
    /// # Errors
    /// Which side failed.
    fn host_to_card(&self, host: u64, card: u64, len: usize) -> Result<(), TransferFault>;

    /// Copies from the card's memory to the host's.
    ///
    /// # Errors
    /// Which side failed.
    fn card_to_host(&self, card: u64, host: u64, len: usize) -> Result<(), TransferFault>;

    /// Sends an interrupt message.
    fn message(&self, vector: u32);
}

/// How many channels there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// H2C channels, 1 to 4.
    pub h2c: usize,
    /// C2H channels, 1 to 4.
    pub c2h: usize,
}

impl Default for Layout {
    fn default() -> Self {
        Self { h2c: 1, c2h: 1 }
    }
}

/// A model of the subsystem. Any thread may access its registers while one works.
#[derive(Debug)]
pub struct Xdma {
    h2c: Vec<Channel>,
    c2h: Vec<Channel>,
    interrupts: Interrupts,
    halt: Mutex<u32>,
    /// The vector table as it was written. Who delivers the messages keeps masks of its own.
    msix: Mutex<Vec<u32>>,
}

/// Words of the MSI-X table.
const MSIX_WORDS: usize = MSIX_VECTORS as usize * 4;

impl Xdma {
    /// A subsystem after reset. More than four channels of a direction are not built.
    pub fn new(layout: Layout) -> Self {
        let channels = |count: usize, direction| {
            let count = count.clamp(1, MAX_CHANNELS);
            (0..count).map(|_| Channel::new(direction)).collect()
        };
        Self {
            h2c: channels(layout.h2c, ChannelDirection::HostToCard),
            c2h: channels(layout.c2h, ChannelDirection::CardToHost),
            interrupts: Interrupts::default(),
            halt: Mutex::new(0),
            msix: Mutex::new(msix_reset()),
        }
    }

    /// Reads a register of the DMA BAR; 0 where there is none.
    pub fn read(&self, bus: &dyn Bus, offset: u32) -> u32 {
        let (block, register) = (offset & 0xF000, offset & 0xFFF);
        let (index, in_channel) = ((register / CHANNEL) as usize, register % CHANNEL);
        if in_channel == 0 && block < target::MSIX {
            return self.identifier(block, index);
        }
        let value = match block {
            target::H2C => self.h2c.get(index).map(|channel| channel.read(in_channel)),
            target::C2H => self.c2h.get(index).map(|channel| channel.read(in_channel)),
            target::IRQ => Some(self.interrupts.read(register)),
            target::CONFIG => Some(config_register(register)),
            target::H2C_SGDMA => self
                .h2c
                .get(index)
                .map(|channel| channel.read_sgdma(in_channel)),
            target::C2H_SGDMA => self
                .c2h
                .get(index)
                .map(|channel| channel.read_sgdma(in_channel)),
            target::SGDMA_COMMON if register == sgdma_common::HALT => Some(*self.halt.lock()),
            target::MSIX => self.msix.lock().get(register as usize / 4).copied(),
            _ => None,
        };
        // Reading can clear a status, and so an interrupt.
        self.update_interrupts(bus);
        value.unwrap_or(0)
    }

    /// Writes a register of the DMA BAR; nothing happens where there is none.
    pub fn write(&self, bus: &dyn Bus, offset: u32, value: u32) {
        let (block, register) = (offset & 0xF000, offset & 0xFFF);
        let (index, in_channel) = ((register / CHANNEL) as usize, register % CHANNEL);
        let write = |channels: &[Channel], write: fn(&Channel, u32, u32)| {
            if let Some(channel) = channels.get(index) {
                write(channel, in_channel, value);
            }
        };
        match block {
            target::H2C => write(&self.h2c, Channel::write),
            target::C2H => write(&self.c2h, Channel::write),
            target::H2C_SGDMA => write(&self.h2c, Channel::write_sgdma),
            target::C2H_SGDMA => write(&self.c2h, Channel::write_sgdma),
            target::IRQ => send(bus, self.interrupts.write(register, value)),
            target::SGDMA_COMMON => {
                let mut halt = self.halt.lock();
                match register {
                    sgdma_common::HALT => *halt = value & 0xF_000F,
                    sgdma_common::HALT_SET => *halt |= value & 0xF_000F,
                    sgdma_common::HALT_CLEAR => *halt &= !value,
                    _ => {}
                }
            }
            target::MSIX if offset < MSIX_PENDING => {
                if let Some(word) = self.msix.lock().get_mut(register as usize / 4) {
                    *word = value;
                }
            }
            _ => {}
        }
        self.update_interrupts(bus);
    }

    /// Does a step of what each channel has to do; whether there is more.
    pub fn work(&self, bus: &dyn Bus) -> bool {
        let halt = *self.halt.lock();
        let mut worked = false;
        for (line, channel) in self.channels().enumerate() {
            let bit = if line < self.h2c.len() {
                line
            } else {
                16 + line - self.h2c.len()
            };
            worked |= channel.work(bus, halt >> bit & 1 != 0);
        }
        self.update_interrupts(bus);
        worked
    }

    /// Whether an engine is busy.
    pub fn is_busy(&self) -> bool {
        self.channels().any(Channel::is_busy)
    }

    /// Raises or lowers an interrupt of the card's user logic; there are [`irq::USERS`].
    pub fn set_user_interrupt(&self, bus: &dyn Bus, line: usize, level: bool) {
        if line < irq::USERS {
            send(bus, self.interrupts.set_user(line, level));
        }
    }

    /// Sets all registers as after reset. What was under way ends where it is.
    pub fn reset(&self) {
        self.channels().for_each(Channel::reset);
        self.interrupts.reset();
        *self.halt.lock() = 0;
        *self.msix.lock() = msix_reset();
    }

    /// Frees engines that wait for an answer that does not come, as a reset of what is behind them does. They end without a
    /// word; their settings stay.
    pub fn release(&self) {
        self.channels().for_each(Channel::release);
    }

    /// H2C channels first: in this order they have interrupt lines.
    fn channels(&self) -> impl Iterator<Item = &Channel> {
        self.h2c.iter().chain(&self.c2h)
    }

    fn identifier(&self, block: u32, channel: usize) -> u32 {
        let channels = match block {
            target::H2C | target::H2C_SGDMA => self.h2c.len(),
            target::C2H | target::C2H_SGDMA => self.c2h.len(),
            target::IRQ | target::CONFIG | target::SGDMA_COMMON => 1,
            _ => 0,
        };
        if channel >= channels {
            return 0;
        }
        IDENTIFIER | (block >> 12) << 16 | (channel as u32) << 8 | IDENTIFIER_VERSION
    }

    fn update_interrupts(&self, bus: &dyn Bus) {
        for (line, channel) in self.channels().enumerate() {
            send(bus, self.interrupts.set_channel(line, channel.interrupts()));
        }
    }
}

/// The table after reset: every vector is masked ("MSI-X Vector Table and PBA (0x8)").
fn msix_reset() -> Vec<u32> {
    let mut words = vec![0; MSIX_WORDS];
    words
        .iter_mut()
        .skip(3)
        .step_by(4)
        .for_each(|control| *control = u32::MAX);
    words
}

fn config_register(register: u32) -> u32 {
    match register {
        // 256 bytes and 512 bytes, as hosts commonly set them.
        config::MAX_PAYLOAD => 1,
        config::MAX_READ_REQUEST => 2,
        config::SYSTEM_ID => 0xFF01,
        config::MSI_ENABLE => 1 << 1,
        config::DATA_WIDTH => 3,
        _ => 0,
    }
}

fn send(bus: &dyn Bus, vectors: Vec<u32>) {
    vectors.into_iter().for_each(|vector| bus.message(vector));
}

const _: () = assert!(MSIX_PENDING as u64 + 4 <= BAR_BYTES && MSIX_WORDS * 4 <= 0xFE0);
