//! A buffer object: bytes on the host and bytes on the card, which differ until `sync`. A program that forgets
//! to sync reads stale data here as it would on a card with its own memory.

use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

use super::host_side::HostSide;
use crate::card::CardCore;
use crate::{Error, Result};

/// Which side of a buffer is copied to which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the host's side to the card's.
    ToDevice,
    /// From the card's side to the host's.
    FromDevice,
}

/// Memory on the host and in one bank of a card. Freed on drop.
#[derive(Debug)]
pub struct Buffer {
    card: Arc<CardCore>,
    generation: u64,
    bank: usize,
    address: u64,
    len: usize,
    host: HostSide,
}

impl Buffer {
    pub(crate) fn new(card: Arc<CardCore>, bank: usize, len: usize) -> Result<Self> {
        // The host side first: a failure leaves nothing taken on the card.
        let host = HostSide::new(&card, len)?;
        let (address, generation) = card.allocate(bank, len as u64)?;
        Ok(Self {
            card,
            generation,
            bank,
            address,
            len,
            host,
        })
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

    /// The host's side.
    pub fn map(&self) -> &[u8] {
        &self.host.bytes()[..self.len]
    }

    /// The host's side, to write to.
    pub fn map_mut(&mut self) -> &mut [u8] {
        &mut self.host.bytes_mut()[..self.len]
    }

    /// Copies the whole buffer from one side to the other.
    ///
    /// # Errors
    /// [`Error::Stale`] after the card was programmed anew or reset, [`Error::Bus`] if the transfer failed.
    pub fn sync(&mut self, direction: Direction) -> Result<()> {
        self.sync_range(direction, ..)
    }

    /// Copies some bytes of the buffer from one side to the other.
    ///
    /// # Errors
    /// As [`Buffer::sync`], and [`Error::BufferRange`] for bytes that are not in the buffer.
    pub fn sync_range(
        &mut self,
        direction: Direction,
        range: impl RangeBounds<usize>,
    ) -> Result<()> {
        let start = match range.start_bound() {
            Bound::Included(&start) => start,
            Bound::Excluded(&start) => start.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(&end) => end.saturating_add(1),
            Bound::Excluded(&end) => end,
            Bound::Unbounded => self.len,
        };
        if start > end || end > self.len {
            return Err(Error::BufferRange {
                start,
                end,
                len: self.len,
            });
        }
        self.check_current()?;
        let address = self.address + start as u64;
        let bytes = &mut self.host.bytes_mut()[start..end];
        match direction {
            Direction::ToDevice => self.card.backend().write_memory(address, bytes),
            Direction::FromDevice => self.card.backend().read_memory(address, bytes),
        }
    }

    /// Refuses a buffer of an image that the card no longer holds.
    pub(crate) fn check_current(&self) -> Result<()> {
        self.card.check_generation(self.generation, "buffer")
    }

    pub(crate) fn belongs_to(&self, card: &Arc<CardCore>) -> bool {
        Arc::ptr_eq(&self.card, card)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.card
            .release(self.bank, self.address, self.len as u64, self.generation);
    }
}
