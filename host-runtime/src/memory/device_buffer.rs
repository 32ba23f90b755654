//! Memory on the card alone, for callers that keep the host's side themselves: XRT's buffers, or none at all.

use std::sync::Arc;

use super::MappedMemory;
use crate::card::CardCore;
use crate::{Error, Result};

/// Bytes copied at a time between two cards.
const PIECE: usize = 1 << 20;

/// Memory in one bank of a card. Freed on drop.
#[derive(Debug)]
pub struct DeviceBuffer {
    card: Arc<CardCore>,
    generation: u64,
    bank: usize,
    address: u64,
    len: usize,
    /// It was handed to the card to keep.
    given_up: bool,
}

impl DeviceBuffer {
    pub(crate) fn new(card: Arc<CardCore>, bank: usize, len: usize) -> Result<Self> {
        let (address, generation) = card.allocate(bank, len as u64)?;
        Ok(Self {
            card,
            generation,
            bank,
            address,
            len,
            given_up: false,
        })
    }

    /// Lets go of the card, and leaves the memory taken until then: the card may still write there.
    #[cfg(feature = "cosim")]
    pub(crate) fn give_up(mut self, until: impl Fn() -> bool + Send + Sync + 'static) {
        self.given_up = true;
        let (bank, address, len) = (self.bank, self.address, self.len as u64);
        self.card
            .release_when(until, bank, address, len, self.generation);
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it holds no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Address of its first byte in the card's memory; a multiple of 4096.
    pub fn address(&self) -> u64 {
        self.address
    }

    /// Index of its bank.
    pub fn bank(&self) -> usize {
        self.bank
    }

    /// Copies `bytes` to it, from byte `offset` on.
    ///
    /// # Errors
    /// [`Error::BufferRange`], [`Error::Stale`] after the card was programmed anew or reset, [`Error::Bus`] if the
    /// transfer failed.
    pub fn write(&self, offset: usize, bytes: &[u8]) -> Result<()> {
        let address = self.address_of(offset, bytes.len())?;
        self.card.backend().write_memory(address, bytes)
    }

    /// Fills `bytes` from it, from byte `offset` on.
    ///
    /// # Errors
    /// As [`DeviceBuffer::write`].
    pub fn read(&self, offset: usize, bytes: &mut [u8]) -> Result<()> {
        let address = self.address_of(offset, bytes.len())?;
        self.card.backend().read_memory(address, bytes)
    }

    /// Copies `len` bytes of `source` to it, on the card if both are on the same one. They may overlap.
    ///
    /// # Errors
    /// As [`DeviceBuffer::write`], for either buffer.
    pub fn copy_from(
        &self,
        offset: usize,
        source: &Self,
        source_offset: usize,
        len: usize,
    ) -> Result<()> {
        let to = self.address_of(offset, len)?;
        let from = source.address_of(source_offset, len)?;
        if Arc::ptr_eq(&self.card, &source.card) {
            return self.card.backend().copy_memory(from, to, len);
        }
        let mut piece = vec![0; PIECE.min(len)];
        for done in (0..len).step_by(PIECE) {
            let piece = &mut piece[..PIECE.min(len - done)];
            source.read(source_offset + done, piece)?;
            self.write(offset + done, piece)?;
        }
        Ok(())
    }

    /// Its bytes in the host's address space; `None` on cards whose memory the host does not see.
    ///
    /// # Errors
    /// As [`DeviceBuffer::write`].
    pub fn map(&self) -> Result<Option<MappedMemory>> {
        let address = self.address_of(0, self.len)?;
        self.card.backend().map_memory(address, self.len)
    }

    fn address_of(&self, offset: usize, len: usize) -> Result<u64> {
        let end = offset.saturating_add(len);
        if end > self.len {
            return Err(Error::BufferRange {
                start: offset,
                end,
                len: self.len,
            });
        }
        self.card.check_generation(self.generation, "buffer")?;
        Ok(self.address + offset as u64)
    }
}

impl Drop for DeviceBuffer {
    fn drop(&mut self) {
        if !self.given_up {
            self.card
                .release(self.bank, self.address, self.len as u64, self.generation);
        }
    }
}
