//! Transfers between this process' memory and the card's, by the card's DMA engine (PG195): through a piece of memory that
//! both see, in two halves, so that one is copied while the other is transferred.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use card_shell::identity as id;
use vfio_user::BAR1_REGION;
use xdma::DmaDescriptor;
use xdma::registers::{channel, control, sgdma, status, target, write_back};

use super::error::PcieError;
use super::transport::{DmaBuffer, DmaSpace, Mapped, Transport};

/// Bytes of each half of the piece of memory: small enough for a core's cache.
const HALF: usize = 1 << 19;
/// Where in it the DMA descriptors and the written back words of the two channels are.
const CONTROL: usize = 2 * HALF;
const BYTES: usize = CONTROL + 4096;

/// Bytes that one DMA descriptor moves at most, of memory that the card reaches.
const MOST: usize = 64 << 20;

/// How long a piece takes at most on a card that has a CPU for itself, with a margin of ten: until then a look follows the
/// other, since a pause alone takes longer than a piece.
const PROMPT: Duration = Duration::from_micros(500);

/// Pause between looks after that.
const PAUSE: Duration = Duration::from_micros(50);

/// Looks without a pause before the thread lets others run.
const SPINS: u32 = 2000;

/// How long the written back word is waited for before the channel is asked for its status, and between that.
const ASK: Duration = Duration::from_millis(100);

/// The DMA engine of a card, for one user at a time.
#[derive(Debug)]
pub(super) struct DmaEngine {
    transport: Arc<dyn Transport>,
    /// Where the card counts the bytes that it moves.
    page: Arc<Mapped>,
    memory: DmaBuffer,
}

#[derive(Debug, Clone, Copy)]
struct Channel {
    registers: u32,
    lists: u32,
    /// Offsets in the shared memory.
    descriptor: usize,
    write_back: usize,
    /// Where in the identity block the bytes are counted that moved.
    moved: u32,
}

const TO_CARD: Channel = Channel {
    registers: target::H2C,
    lists: target::H2C_SGDMA,
    descriptor: CONTROL,
    write_back: CONTROL + 64,
    moved: id::REG_BYTES_TO_CARD,
};

const FROM_CARD: Channel = Channel {
    registers: target::C2H,
    lists: target::C2H_SGDMA,
    descriptor: CONTROL + 128,
    write_back: CONTROL + 192,
    moved: id::REG_BYTES_FROM_CARD,
};

/// A transfer that was started.
struct Started {
    channel: Channel,
    address: u64,
    bytes: usize,
    /// Bytes that the card had moved before.
    moved: u32,
}

impl DmaEngine {
    pub(super) fn new(
        transport: Arc<dyn Transport>,
        space: &Arc<DmaSpace>,
        page: Arc<Mapped>,
    ) -> Result<Self, PcieError> {
        let memory = space.allocate(BYTES)?;
        let engine = Self {
            transport,
            page,
            memory,
        };
        for channel in [TO_CARD, FROM_CARD] {
            let identifier = engine
                .transport
                .read(BAR1_REGION, channel.registers.into())?;
            if identifier & 0xFFF0_0000 != xdma::registers::IDENTIFIER {
                return Err(PcieError::NotOurs(format!(
                    "a DMA channel has the identifier {identifier:#x}"
                )));
            }
            let at = |offset| engine.at(offset);
            engine.write_address(channel.lists + sgdma::FIRST_LOW, at(channel.descriptor))?;
            engine.write(channel.lists + sgdma::FIRST_ADJACENT, 0)?;
            let write_back = at(channel.write_back);
            engine.write_address(channel.registers + channel::WRITE_BACK_LOW, write_back)?;
        }
        Ok(engine)
    }

    /// Copies bytes to the card.
    pub(super) fn write_card(&self, address: u64, bytes: &[u8]) -> Result<(), PcieError> {
        let mut under_way = None;
        for (index, piece) in bytes.chunks(HALF).enumerate() {
            let half = index % 2 * HALF;
            self.memory.put(half, piece);
            self.finish(under_way.take())?;
            let to = address + (index * HALF) as u64;
            let from = self.at(half);
            under_way = Some(self.start(TO_CARD, from, to, to, piece.len())?);
        }
        self.finish(under_way)
    }

    /// Has the card fetch bytes that it sees at `from`.
    pub(super) fn fetch(&self, address: u64, from: u64, bytes: usize) -> Result<(), PcieError> {
        for (offset, bytes) in pieces(bytes) {
            let to = address + offset;
            self.finish(Some(self.start(TO_CARD, from + offset, to, to, bytes)?))?;
        }
        Ok(())
    }

    /// Has the card store bytes where it sees `to`.
    pub(super) fn store(&self, address: u64, to: u64, bytes: usize) -> Result<(), PcieError> {
        for (offset, bytes) in pieces(bytes) {
            let from = address + offset;
            self.finish(Some(self.start(
                FROM_CARD,
                from,
                to + offset,
                from,
                bytes,
            )?))?;
        }
        Ok(())
    }

    /// Copies bytes from the card.
    pub(super) fn read_card(&self, address: u64, bytes: &mut [u8]) -> Result<(), PcieError> {
        let mut before: Option<(usize, &mut [u8])> = None;
        let mut under_way = None;
        for (index, piece) in bytes.chunks_mut(HALF).enumerate() {
            let half = index % 2 * HALF;
            let from = address + (index * HALF) as u64;
            self.finish(under_way.take())?;
            under_way = Some(self.start(FROM_CARD, from, self.at(half), from, piece.len())?);
            if let Some((half, piece)) = before.replace((half, piece)) {
                self.memory.get(half, piece);
            }
        }
        self.finish(under_way)?;
        if let Some((half, piece)) = before {
            self.memory.get(half, piece);
        }
        Ok(())
    }

    /// Where the card sees an offset of the shared memory.
    fn at(&self, offset: usize) -> u64 {
        self.memory.address() + offset as u64
    }

    fn start(
        &self,
        channel: Channel,
        from: u64,
        to: u64,
        address: u64,
        bytes: usize,
    ) -> Result<Started, PcieError> {
        let flags = DmaDescriptor::STOP | DmaDescriptor::COMPLETED;
        let descriptor = DmaDescriptor::new(from, to, bytes as u32, flags);
        self.memory
            .put(channel.descriptor, bytemuck::bytes_of(&descriptor));
        self.memory
            .word(channel.write_back)
            .store(0, Ordering::Release);
        let moved = self.page.word(channel.moved);
        let run = control::LOG_ALL | control::POLL_WRITE_BACK;
        // The edge of Run starts the engine.
        self.write(channel.registers + channel::CONTROL, run)?;
        self.write(channel.registers + channel::CONTROL, run | control::RUN)?;
        Ok(Started {
            channel,
            address,
            bytes,
            moved,
        })
    }

    fn finish(&self, started: Option<Started>) -> Result<(), PcieError> {
        let Some(Started {
            channel,
            address,
            bytes,
            moved: before,
        }) = started
        else {
            return Ok(());
        };
        let begin = Instant::now();
        let mut asked = Duration::ZERO;
        let mut looks = 0u32;
        let word = loop {
            let word = self.memory.word(channel.write_back).load(Ordering::Acquire);
            if word != 0 {
                break word;
            }
            looks += 1;
            if looks < SPINS {
                std::hint::spin_loop();
            } else if self.page.word(id::REG_MAGIC) != id::MAGIC {
                return Err(PcieError::Removed);
            } else if begin.elapsed() >= asked + ASK {
                // The word is posted, so that it is lost where the card cannot reach this process' memory.
                let status = self.status(channel)?;
                if status & status::BUSY == 0 && status & status::ERRORS != 0 {
                    break write_back::ERROR;
                }
                asked = begin.elapsed();
                if asked >= self.transport.patience() {
                    // It is not to go on when its memory is somebody else's. What waits for the card's own bus hears of this
                    // only by a reset, which is the ladder's next rung.
                    self.write(channel.registers + channel::CONTROL, 0)?;
                    return Err(PcieError::TimedOut {
                        what: "end a DMA transfer",
                        after: self.transport.patience(),
                    });
                }
            } else if begin.elapsed() < PROMPT {
                std::thread::yield_now();
            } else {
                // The card is slow, or others have its CPU: this thread is not to be one of them.
                std::thread::sleep(PAUSE);
            }
        };
        let to_card = channel.registers == target::H2C;
        let direction = if to_card { "to" } else { "from" };
        if word & write_back::ERROR == 0 {
            // An engine that stops early says that it is done like one that is.
            let moved = self.page.word(channel.moved).wrapping_sub(before);
            if moved as usize == bytes {
                return Ok(());
            }
            if self.page.word(id::REG_MAGIC) != id::MAGIC {
                return Err(PcieError::Removed);
            }
            return Err(PcieError::Short {
                direction,
                address,
                moved: moved as usize,
                asked: bytes,
            });
        }
        let status = self.status(channel)?;
        Err(PcieError::Dma {
            direction,
            address,
            bytes,
            status,
            meaning: meaning(status, to_card),
        })
    }

    fn status(&self, channel: Channel) -> Result<u32, PcieError> {
        let offset = channel.registers + channel::STATUS;
        self.transport.read(BAR1_REGION, offset.into())
    }

    fn write(&self, offset: u32, value: u32) -> Result<(), PcieError> {
        self.transport.write(BAR1_REGION, offset.into(), value)
    }

    fn write_address(&self, offset: u32, address: u64) -> Result<(), PcieError> {
        self.write(offset, address as u32)?;
        self.write(offset + 4, (address >> 32) as u32)
    }
}

/// Offsets and lengths of what one DMA descriptor moves each.
fn pieces(bytes: usize) -> impl Iterator<Item = (u64, usize)> {
    let offsets = (0..bytes).step_by(MOST);
    offsets.map(move |offset| (offset as u64, MOST.min(bytes - offset)))
}

fn meaning(word: u32, to_card: bool) -> &'static str {
    let has = |bits: u32| word & bits != 0;
    match to_card {
        _ if has(control::DESCRIPTOR_ERRORS) => "the DMA descriptor could not be fetched",
        _ if has(status::MAGIC_STOPPED) => "the DMA descriptor is damaged",
        true if has(status::H2C_WRITE_DECODE) => "DECERR: the card has no memory there",
        true if has(status::H2C_WRITE_SLAVE) => "SLVERR: the card's memory refused",
        true if has(status::H2C_READ_PARITY) => "the host's data came damaged",
        true if has(control::READ_ERRORS) => "the host's memory could not be read",
        false if has(status::C2H_READ_DECODE) => "DECERR: the card has no memory there",
        false if has(status::C2H_READ_SLAVE) => "SLVERR: the card's memory refused",
        _ => "no reason is given",
    }
}

#[cfg(all(test, feature = "cosim"))]
mod tests {
    use super::*;
    use crate::backend::Backend;
    use crate::backend::pcie::PcieBackend;
    use crate::{Error, Image, ServeOptions, ServedCard};

    fn meaning_of(error: Error) -> &'static str {
        match error {
            Error::Pcie {
                source: PcieError::Dma { meaning, .. },
                ..
            } => meaning,
            other => panic!("{other}"),
        }
    }

    /// From the IOMMU of a served card, through its channels and the driver, to who calls.
    #[test]
    fn dma_to_memory_that_is_not_mapped_is_an_error_that_says_so() {
        let state = tempfile::tempdir().unwrap();
        let options = ServeOptions {
            image: Some(Image::default_image().unwrap()),
            state_folder: Some(state.path().to_owned()),
            ..ServeOptions::default()
        };
        let served = ServedCard::start("unmapped".parse().unwrap(), &options).unwrap();
        let open = || PcieBackend::open_served(served.id(), served.socket(), None, None).unwrap();
        let backend = open();
        let to = backend.allocate(0, 4 << 20).unwrap().unwrap();
        // A large buffer's own memory: the engine reads and writes that.
        let memory = backend.space.allocate(1 << 20).unwrap();
        let transport = Arc::clone(&backend.transport);
        transport.unmap_dma(memory.address(), 1 << 20).unwrap();
        let dma = backend.dma.lock();
        let fault = dma.fetch(to, memory.address(), 1 << 20).unwrap_err();
        let fault = meaning_of(backend.failed("be written to")(fault));
        assert_eq!(fault, "the host's memory could not be read");
        // Writes to the host are posted: the count of what has moved tells.
        let fault = dma.store(to, memory.address(), 1 << 20).unwrap_err();
        assert!(
            matches!(fault, PcieError::Short { moved: 0, .. }),
            "{fault}"
        );
        drop(dma);
        // The engine's own memory, with its DMA descriptors and the words that it writes back.
        let (address, bytes) = {
            let dma = backend.dma.lock();
            (dma.memory.address(), dma.memory.len() as u64)
        };
        backend.transport.unmap_dma(address, bytes).unwrap();
        let fault = meaning_of(backend.write_memory(to, &[1; 64]).unwrap_err());
        assert_eq!(fault, "the DMA descriptor could not be fetched");
        let faults = backend.read_user(id::REG_DMA_FAULTS).unwrap();
        assert!(faults > 3, "{faults} are counted");
        // Nobody else is touched.
        let other = open();
        let to = other.allocate(0, 64).unwrap().unwrap();
        other.write_memory(to, &[1; 64]).unwrap();
        assert_eq!(other.read_user(id::REG_DMA_FAULTS).unwrap(), 0);
    }
}
