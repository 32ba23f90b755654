//! What is known of a card's size. What is not known is not guessed.

use serde::Serialize;

use crate::card_id::CardId;

/// The size of a card; `None` for what is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct CardResources {
    /// Bytes of its own memory, over all banks.
    pub memory: Option<u64>,
    /// Logic, in look-up tables.
    pub luts: Option<u64>,
    /// DSP slices.
    pub dsps: Option<u64>,
}

impl CardResources {
    /// What a simulated card stands for unless told otherwise: the two DDR4 banks that the images we carry have, and the
    /// logic of an Alveo U250 (its data sheet, DS962: 1,728K LUTs, 12,288 DSP slices).
    pub const SIMULATED: Self = Self {
        memory: Some(32 << 30),
        luts: Some(1_728_000),
        dsps: Some(12_288),
    };

    /// Of a card that does not tell it itself. A loaded image tells of the banks that it uses.
    pub(crate) fn of(card: CardId, banks: Option<u64>) -> Self {
        match card {
            CardId::Simulated(_) => Self {
                memory: banks.or(Self::SIMULATED.memory),
                ..Self::SIMULATED
            },
            // Its memory is the host's.
            CardId::Software(_) => Self::default(),
            CardId::Xrt(_) | CardId::Served(_) | CardId::Pci(_) => Self {
                memory: banks,
                ..Self::default()
            },
        }
    }
}
