//! Buffers in the banks of a card that are the host's memory: this process' own memory, which the card's kernels reach
//! through windows that the card gives out.

use std::collections::BTreeMap;
use std::ptr::NonNull;
use std::sync::Arc;

use parking_lot::Mutex;

use super::transport::DmaBuffer;
use crate::memory::MappedMemory;

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
