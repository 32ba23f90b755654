//! The board around a simulated card's kernels: their clock and the card's memory, where they are not what the image says.

use cosim::Bank;

use super::SimOptions;
use crate::card_id::CardId;
use crate::image::{BankInfo, Image};
use crate::{Error, Result};

/// The memory banks that a card has of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryBanks {
    /// How many.
    pub count: u32,
    /// Bytes of each.
    pub bytes: u64,
}

impl MemoryBanks {
    /// Bytes of all.
    pub fn total(&self) -> u64 {
        self.bytes.saturating_mul(self.count.into())
    }
}

impl SimOptions {
    /// MHz of an image's kernels on this card.
    pub(super) fn clock_of(&self, image: &Image) -> u16 {
        self.clock_mhz.unwrap_or(image.clock_mhz()).max(1)
    }

    /// Picoseconds of one clock of an image's kernels on this card.
    pub(super) fn period_ps(&self, image: &Image) -> u64 {
        1_000_000 / u64::from(self.clock_of(image))
    }
}

/// Bytes of an image's bank on a card with such memory: the image may have been made for a card with more.
pub(super) fn bytes_of(bank: &BankInfo, card: Option<MemoryBanks>) -> u64 {
    match card {
        Some(card) if !bank.is_host() => bank.size.min(card.bytes),
        _ => bank.size,
    }
}

/// The banks that an image uses, as an engine takes them.
///
/// # Errors
/// [`Error::ImageForAnotherCard`] if the card has fewer of its own.
pub(super) fn used_banks(
    id: CardId,
    image: &Image,
    card: Option<MemoryBanks>,
) -> Result<Vec<Bank>> {
    let used = image.banks().iter().filter(|bank| bank.size > 0);
    let own = used.clone().filter(|bank| !bank.is_host()).count();
    if let Some(card) = card.filter(|card| own > card.count as usize) {
        return Err(Error::ImageForAnotherCard {
            card: id,
            platform: image.platform().to_owned(),
            reason: format!(
                "it has {own} memory banks of its own, and the card has {}",
                card.count
            ),
            advice: format!("serve the card with --banks {own}, or link an image with fewer"),
        });
    }
    let engine_bank = |bank: &BankInfo| Bank {
        name: bank.name.clone(),
        base: bank.base,
        size: bytes_of(bank, card),
    };
    Ok(used.map(engine_bank).collect())
}
