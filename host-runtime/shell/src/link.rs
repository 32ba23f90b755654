//! What can befall a card on its link and on the way of its DMA, and what a client's function keeps count of so that its driver
//! finds out. A card that suffers no faults keeps the defaults of [`Card`].

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use xdma::{AxiError, HostFault, TransferFault};

use crate::card::Card;
use crate::identity as id;
use crate::page::StatusPage;

/// How the link to the host is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// It works.
    Up,
    /// It is down until a function is reset, which trains it anew: reads give all ones, writes are lost.
    Down,
    /// The card was pulled out: connections end, and there are no new ones.
    Removed,
}

/// A piece of DMA between host and card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DmaPiece {
    /// From the host to the card; else the other way.
    pub to_card: bool,
    /// The card's address.
    pub address: u64,
    /// Bytes.
    pub len: usize,
}

/// What befalls a piece of DMA.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Disturbance {
    /// The card's memory answers with this error.
    pub response: Option<AxiError>,
    /// The data came damaged, again and again.
    pub parity: bool,
    /// Half of it is moved, and nobody says so.
    pub short: bool,
    /// The engine does not end, until it is reset.
    pub hang: bool,
}

/// The link of one client's function, and what its driver can check itself by.
#[derive(Debug, Default)]
pub(crate) struct ClientLink {
    down: AtomicBool,
    to_card: AtomicU32,
    from_card: AtomicU32,
    refused: AtomicU32,
}

impl ClientLink {
    pub(crate) fn is_down(&self) -> bool {
        self.down.load(Ordering::Acquire)
    }

    /// Takes over the link's state. A page that the client maps gives all ones while the link is down.
    pub(crate) fn set(&self, state: LinkState, page: &StatusPage) {
        let down = state != LinkState::Up;
        if self.down.swap(down, Ordering::AcqRel) != down {
            if down {
                page.lose();
            } else {
                page.restore();
            }
        }
    }

    /// Before a piece of DMA: how many bytes of it move.
    pub(crate) fn begin(&self, card: &dyn Card, piece: DmaPiece) -> Result<usize, TransferFault> {
        if self.is_down() {
            return Err(TransferFault::Host(HostFault));
        }
        let befalls = card.disturb(&piece).unwrap_or_default();
        if let Some(response) = befalls.response {
            return Err(TransferFault::Card(response));
        }
        if befalls.parity {
            return Err(TransferFault::Parity);
        }
        if befalls.hang {
            return Err(TransferFault::Hang);
        }
        // The link may be what was disturbed.
        if self.is_down() {
            return Err(TransferFault::Host(HostFault));
        }
        if piece.address < id::IMAGE_ADDRESS {
            card.check_memory(&piece).map_err(TransferFault::Card)?;
        }
        Ok(match befalls.short {
            true => piece.len / 2,
            false => piece.len,
        })
    }

    /// Counts bytes that have moved between host and card.
    pub(crate) fn moved(&self, page: &StatusPage, to_card: bool, bytes: usize) {
        let (count, register) = match to_card {
            true => (&self.to_card, id::REG_BYTES_TO_CARD),
            false => (&self.from_card, id::REG_BYTES_FROM_CARD),
        };
        let bytes = bytes as u32;
        let before = count.fetch_add(bytes, Ordering::Relaxed);
        page.set(register, before.wrapping_add(bytes));
    }

    /// Counts an access of a kernel's register that was answered with an error.
    pub(crate) fn refused(&self, page: &StatusPage) {
        let before = self.refused.fetch_add(1, Ordering::Relaxed);
        page.set(id::REG_REFUSED, before.wrapping_add(1));
    }
}
