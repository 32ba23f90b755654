//! What can go wrong on the way to a PCIe card.

use std::time::Duration;

use thiserror::Error;

use crate::recovery::Rung;

/// A failure between the driver and a PCIe card.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PcieError {
    /// The connection to a served card.
    #[error(transparent)]
    Served(#[from] vfio_user::Error),
    /// The kernel's VFIO, for a card on the bus.
    #[error(transparent)]
    Vfio(#[from] vfio::Error),
    /// Memory for DMA could not be made or mapped.
    #[error("no memory for DMA: {0}")]
    HostMemory(std::io::Error),
    /// No address is left at which the card could see that much of this process' memory.
    #[error(
        "the card's IOMMU has no free addresses for {bytes} bytes; let go of other host memory of this card"
    )]
    NoDmaAddress {
        /// How much was to be mapped.
        bytes: u64,
    },
    /// What is there is no card with our shell.
    #[error("no card of this shell is there: {0}")]
    NotOurs(String),
    /// A transfer ended with an error.
    #[error(
        "the transfer of {bytes} bytes {direction} the card, at {address:#x}, ended with status {status:#x} ({meaning})"
    )]
    Dma {
        /// `to` or `from`.
        direction: &'static str,
        /// The card's address.
        address: u64,
        /// Length.
        bytes: usize,
        /// The channel's status register.
        status: u32,
        /// What that means.
        meaning: &'static str,
    },
    /// A transfer ended before its end, and the card did not say so.
    #[error(
        "only {moved} of {asked} bytes moved {direction} the card, at {address:#x}; transfer them again"
    )]
    Short {
        /// `to` or `from`.
        direction: &'static str,
        /// The card's address.
        address: u64,
        /// Bytes that moved.
        moved: usize,
        /// Bytes asked for.
        asked: usize,
    },
    /// A kernel answered an access of its registers with an error; which one, a bus with posted writes does not tell.
    #[error("the access of register {address:#x}, or one before it, was answered with an error")]
    RegisterRefused {
        /// The address in the card's register space.
        address: u64,
    },
    /// Kernels reached for memory of this process that was not theirs to reach.
    #[error(
        "{faults} accesses of its kernels to this process' memory failed: it was not mapped for them; reset the card"
    )]
    HostFaults {
        /// How many.
        faults: u32,
    },
    /// The card did not do something in time.
    #[error("the card did not {what} within {after:?}")]
    TimedOut {
        /// What it did not do.
        what: &'static str,
        /// How long was waited.
        after: Duration,
    },
    /// Registers read all ones, also those that never do.
    #[error("the card does not answer any more: it was removed, or its link went down")]
    Removed,
    /// The card says that it does not work.
    #[error("the card stopped with an error, which its server has logged")]
    Stopped,
    /// A compute unit could not be worked on.
    #[error("a register access failed: {0}")]
    Unit(String),
    /// The card refused a command.
    #[error("the card refused: {0}")]
    Refused(String),
}

impl PcieError {
    /// Whether the way to the card is gone for good.
    pub(crate) fn is_loss(&self) -> bool {
        match self {
            Self::Removed => true,
            Self::Vfio(error) => error.is_gone(),
            // One that does not answer in time is given up.
            Self::Served(error) => matches!(
                error,
                vfio_user::Error::Closed
                    | vfio_user::Error::Io(_)
                    | vfio_user::Error::Protocol(_)
                    | vfio_user::Error::TimedOut { .. }
                    | vfio_user::Error::GivenUp(_)
            ),
            _ => false,
        }
    }

    /// Where the ladder begins, if the card is to blame and may be mended.
    pub(crate) fn first_rung(&self) -> Option<Rung> {
        match self {
            Self::Dma { .. } | Self::Short { .. } => Some(Rung::Abort),
            Self::RegisterRefused { .. } | Self::Unit(_) => Some(Rung::Abort),
            Self::TimedOut { .. } | Self::Stopped | Self::HostFaults { .. } => {
                Some(Rung::SoftReset)
            }
            _ => None,
        }
    }

    /// Back out of what [`Registers`](crate::backend::polled_unit::Registers) return.
    pub(super) fn from_io(error: std::io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(error) => error,
            Err(other) => Self::Unit(other.to_string()),
        }
    }
}

impl From<PcieError> for std::io::Error {
    fn from(error: PcieError) -> Self {
        Self::other(error)
    }
}
