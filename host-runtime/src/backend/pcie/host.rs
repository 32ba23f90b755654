//! Memory of this process that the card reaches. Buffers in the banks of a card that are the host's memory: kernels reach
//! them through windows that the card gives out. And the host's side of large buffers in the card's own banks: its DMA
//! engine fetches and stores them without a copy.

use std::collections::BTreeMap;
use std::ptr::NonNull;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use card_shell::identity as id;

use super::PcieBackend;
use super::error::PcieError;
use super::transport::DmaBuffer;
use crate::backend::Backend;
use crate::memory::MappedMemory;
use crate::{Error, Result};

/// From this size on a buffer's host side is mapped for DMA: smaller ones are copied sooner than they are mapped.
const LARGE: usize = 256 << 10;

/// The host's memory of one opening of a card, by its addresses on the card's side.
#[derive(Debug, Default)]
pub(super) struct HostBuffers(Mutex<Buffers>);

#[derive(Debug, Default)]
struct Buffers {
    /// The card's generation: those of an earlier one are nobody's.
    generation: u64,
    all: BTreeMap<u64, Arc<DmaBuffer>>,
}

impl HostBuffers {
    pub(super) fn add(&self, generation: u64, address: u64, memory: DmaBuffer) {
        let mut buffers = self.0.lock();
        if buffers.generation != generation {
            buffers.generation = generation;
            buffers.all.clear();
        }
        buffers.all.insert(address, Arc::new(memory));
    }

    /// Forgets memory that the card's kernels do not reach any more.
    pub(super) fn remove(&self, address: u64) {
        self.0.lock().all.remove(&address);
    }

    fn find(&self, address: u64, len: usize) -> Option<(Arc<DmaBuffer>, usize)> {
        let buffers = self.0.lock();
        let (start, memory) = buffers.all.range(..=address).next_back()?;
        let offset = usize::try_from(address - start).ok()?;
        let end = offset.checked_add(len)?;
        (end <= memory.len()).then(|| (Arc::clone(memory), offset))
    }

    /// Copies bytes in; whether they are here.
    pub(super) fn write(&self, address: u64, bytes: &[u8]) -> bool {
        let found = self.find(address, bytes.len());
        found.is_some_and(|(memory, offset)| {
            memory.put(offset, bytes);
            true
        })
    }

    /// Copies bytes out; whether they are here.
    pub(super) fn read(&self, address: u64, bytes: &mut [u8]) -> bool {
        let found = self.find(address, bytes.len());
        found.is_some_and(|(memory, offset)| {
            memory.get(offset, bytes);
            true
        })
    }

    /// Where this process sees them; `None` if they are not here.
    pub(super) fn map(&self, address: u64, len: usize) -> Option<MappedMemory> {
        let (memory, offset) = self.find(address, len)?;
        let start = NonNull::new(memory.start().wrapping_add(offset))?;
        Some(MappedMemory::new(start, len, memory))
    }
}

/// Host sides of buffers, by where this process sees them.
#[derive(Debug, Default)]
pub(super) struct HostSides(Mutex<BTreeMap<usize, Weak<DmaBuffer>>>);

impl HostSides {
    fn add(&self, memory: &Arc<DmaBuffer>) {
        let mut sides = self.0.lock();
        sides.retain(|_, side| side.strong_count() > 0);
        sides.insert(memory.start().addr(), Arc::downgrade(memory));
    }

    /// The memory that these bytes are of, and where the card sees them.
    fn find(&self, bytes: &[u8]) -> Option<(Arc<DmaBuffer>, u64)> {
        let sides = self.0.lock();
        let (start, side) = sides.range(..=bytes.as_ptr().addr()).next_back()?;
        let memory = side.upgrade()?;
        let offset = bytes.as_ptr().addr() - start;
        let inside = offset + bytes.len() <= memory.len();
        let address = memory.address() + offset as u64;
        inside.then_some((memory, address))
    }
}

impl PcieBackend {
    pub(super) fn map_host_side(&self, len: usize) -> Option<MappedMemory> {
        if len < LARGE {
            return None;
        }
        let memory = self.space.allocate(len);
        let memory = memory
            .inspect_err(
                |error| tracing::debug!(card = %self.id, %error, "a buffer will be copied"),
            )
            .ok()?;
        let memory = Arc::new(memory);
        self.host_sides.add(&memory);
        let start = NonNull::new(memory.start())?;
        Some(MappedMemory::new(start, memory.len(), memory))
    }

    pub(super) fn write_bytes(&self, address: u64, bytes: &[u8]) -> Result<()> {
        if self.host.write(address, bytes) {
            return Ok(());
        }
        let dma = self.dma.lock();
        let written = match self.host_sides.find(bytes) {
            Some((_memory, from)) => dma.fetch(address, from, bytes.len()),
            None => dma.write_card(address, bytes),
        };
        written.map_err(self.failed("be written to"))
    }

    pub(super) fn read_bytes(&self, address: u64, bytes: &mut [u8]) -> Result<()> {
        if self.host.read(address, bytes) {
            return Ok(());
        }
        let dma = self.dma.lock();
        let read = match self.host_sides.find(bytes) {
            Some((_memory, to)) => dma.store(address, to, bytes.len()),
            None => dma.read_card(address, bytes),
        };
        read.map_err(self.failed("be read"))
    }

    /// Memory of the card in a bank: its address.
    pub(super) fn give_memory(&self, bank: usize, len: u64) -> Result<u64> {
        let image = self.image();
        let info = image.as_ref().and_then(|image| image.banks().get(bank));
        let generation = self.generation();
        let host = match info.filter(|bank| bank.is_host()) {
            Some(_) => Some(self.host_memory(len)?),
            None => None,
        };
        let _turn = self.requests.lock();
        let ask = || -> Result<u64, PcieError> {
            if let Some(host) = &host {
                let address = host.address();
                self.write_user(id::REG_MEMORY_HOST, address as u32)?;
                self.write_user(id::REG_MEMORY_HOST + 4, (address >> 32) as u32)?;
            }
            self.write_user(id::REG_MEMORY_BANK, u32::try_from(bank).unwrap_or(u32::MAX))?;
            self.write_user(id::REG_MEMORY_BYTES, len as u32)?;
            self.write_user(id::REG_MEMORY_BYTES + 4, (len >> 32) as u32)?;
            let low = self.read_user(id::REG_MEMORY_ADDRESS)?;
            let high = self.read_user(id::REG_MEMORY_ADDRESS + 4)?;
            Ok(u64::from(high) << 32 | u64::from(low))
        };
        match ask().map_err(self.failed("give out memory"))? {
            u64::MAX => Err(Error::OutOfMemory {
                card: self.id,
                bank: info.map_or_else(|| bank.to_string(), |bank| bank.name.clone()),
                asked: len,
                largest_free: 0,
            }),
            address => {
                if let Some(host) = host {
                    self.host.add(generation, address, host);
                }
                Ok(address)
            }
        }
    }

    /// Gives memory back to the card.
    pub(super) fn take_memory(&self, address: u64) {
        let _turn = self.requests.lock();
        let released = self
            .write_user(id::REG_MEMORY_RELEASE, address as u32)
            .and_then(|()| self.write_user(id::REG_MEMORY_RELEASE + 4, (address >> 32) as u32));
        if let Err(error) = released {
            tracing::debug!(card = %self.id, %error, "memory was not given back");
        }
        self.host.remove(address);
    }

    /// Memory of this process for a buffer in a bank of host memory.
    fn host_memory(&self, len: u64) -> Result<DmaBuffer> {
        let asked = usize::try_from(len).unwrap_or(usize::MAX);
        let memory = self.space.allocate(asked);
        memory.map_err(self.failed("reach memory of this process"))
    }
}
