//! The host's side of a buffer: any memory of the process, or some that the card's DMA engine reaches without a copy.

use memmap2::MmapMut;

use super::MappedMemory;
use crate::card::CardCore;
use crate::{Error, Result};

/// Bytes of this process, zeroed at first.
#[derive(Debug)]
pub(super) enum HostSide {
    Own(MmapMut),
    /// Nobody else writes to it but a card that transfers, for which whoever has it transfer borrows it mutably.
    Reached(MappedMemory),
}

impl HostSide {
    pub(super) fn new(card: &CardCore, len: usize) -> Result<Self> {
        if let Some(memory) = card.backend().host_side(len)
            && memory.len() >= len
        {
            return Ok(Self::Reached(memory));
        }
        MmapMut::map_anon(len.max(1))
            .map(Self::Own)
            .map_err(|source| Error::HostMemory { asked: len, source })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Own(memory) => memory,
            // SAFETY: the memory is mapped for as long as it is held here, and written only through `bytes_mut`, or by a
            // card during a transfer for which the caller borrows it mutably.
            Self::Reached(memory) => unsafe {
                std::slice::from_raw_parts(memory.as_ptr(), memory.len())
            },
        }
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Own(memory) => memory,
            // SAFETY: as in `bytes`; this borrow is the only one.
            Self::Reached(memory) => unsafe {
                std::slice::from_raw_parts_mut(memory.as_ptr(), memory.len())
            },
        }
    }
}
