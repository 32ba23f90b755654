//! The addresses at which a card sees this process' memory: given out here, from those that its IOMMU has.

use std::ops::{Deref, RangeInclusive};
use std::sync::Arc;

use parking_lot::Mutex;

use super::{DmaMemory, Transport};
use crate::backend::pcie::error::PcieError;
use crate::memory::BankAllocator;

/// What addresses there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DmaAddresses {
    /// Where memory can be mapped, first and last byte.
    pub(crate) ranges: Vec<RangeInclusive<u64>>,
    /// Addresses and lengths are multiples of this power of two.
    pub(crate) alignment: u64,
}

/// Gives out memory that a card reaches.
#[derive(Debug)]
pub(crate) struct DmaSpace {
    transport: Arc<dyn Transport>,
    free: Mutex<Vec<BankAllocator>>,
    alignment: u64,
}

/// Memory that a card reaches, until this is dropped.
#[derive(Debug)]
pub(crate) struct DmaBuffer {
    space: Arc<DmaSpace>,
    memory: DmaMemory,
    address: u64,
}

impl DmaSpace {
    pub(crate) fn new(transport: Arc<dyn Transport>) -> Arc<Self> {
        let DmaAddresses { ranges, alignment } = transport.dma_addresses();
        Arc::new(Self {
            transport,
            free: Mutex::new(allocators(ranges, alignment)),
            alignment,
        })
    }

    /// Memory of at least so many bytes, zeroed.
    pub(crate) fn allocate(self: &Arc<Self>, bytes: usize) -> Result<DmaBuffer, PcieError> {
        let len = (bytes.max(1) as u64).next_multiple_of(self.alignment);
        let memory = DmaMemory::new(len as usize)?;
        let taken = self
            .free
            .lock()
            .iter_mut()
            .find_map(|range| range.allocate(len));
        let address = taken.ok_or(PcieError::NoDmaAddress { bytes: len })?;
        if let Err(error) = self.transport.map_dma(address, &memory) {
            self.release(address, len);
            return Err(error);
        }
        Ok(DmaBuffer {
            space: Arc::clone(self),
            memory,
            address,
        })
    }

    fn release(&self, address: u64, len: u64) {
        // A piece goes back to any of the ranges: they only add up the pieces that they hold.
        if let Some(range) = self.free.lock().first_mut() {
            range.release(address, len);
        }
    }
}

/// The largest range first: the smaller ones, below reserved addresses, come last.
fn allocators(mut ranges: Vec<RangeInclusive<u64>>, alignment: u64) -> Vec<BankAllocator> {
    ranges.sort_by_key(|range| std::cmp::Reverse(range.end() - range.start()));
    let aligned = ranges.iter().map(|range| {
        let start = range.start().next_multiple_of(alignment);
        // One byte less than there are, where that would be 2^64.
        let end = range.end().saturating_add(1) / alignment * alignment;
        BankAllocator::new(start, end.saturating_sub(start))
    });
    aligned.collect()
}

impl DmaBuffer {
    /// Where the card sees it.
    pub(crate) fn address(&self) -> u64 {
        self.address
    }
}

impl Deref for DmaBuffer {
    type Target = DmaMemory;

    fn deref(&self) -> &DmaMemory {
        &self.memory
    }
}

impl Drop for DmaBuffer {
    fn drop(&mut self) {
        let len = self.memory.len() as u64;
        match self.space.transport.unmap_dma(self.address, len) {
            Ok(()) => self.space.release(self.address, len),
            // The address stays taken; the memory goes, and whoever keeps it mapped keeps it alive.
            Err(error) => tracing::debug!(%error, "memory was not taken back from a card"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_of_the_largest_range_first_and_never_outside_of_one() {
        let ranges = vec![0x1000..=0xFEDF_FFFF, 0xFEF0_0000..=(1 << 39) - 1];
        let mut free = allocators(ranges, 0x1000);
        assert_eq!(free[0].allocate(0x1000), Some(0xFEF0_0000));
        assert_eq!(
            free[1].largest_free(),
            0xFEE0_0000 - 0x1000,
            "its end is its last byte"
        );
    }

    #[test]
    fn ranges_are_cut_to_whole_pages_of_the_iommu() {
        let mut free = allocators(vec![0x1000..=0x2_FFFE], 0x1_0000);
        assert_eq!(free[0].largest_free(), 0x1_0000);
        assert_eq!(free[0].allocate(0x1_0000), Some(0x1_0000));
        let mut all = allocators(vec![0x1000..=u64::MAX], 0x1000);
        assert_eq!(all[0].allocate(1), Some(0x1000));
    }
}
