//! Which errors are a card's trouble, and where the ladder begins for each.

use super::Rung;
use crate::{BusError, Error};

/// Where the ladder begins; `None` for what is no trouble of the card: wrong calls, other processes, files.
pub(crate) fn first_rung(error: &Error) -> Option<Rung> {
    match error {
        Error::RunTimeout { .. } | Error::Inconsistent { .. } => Some(Rung::Abort),
        // The memory answered the kernel with an error.
        Error::RunFailed { address, .. } => address.map(|_| Rung::Abort),
        Error::Bus { source, .. } => match source {
            BusError::Memory { .. } => None,
            BusError::Register { .. }
            | BusError::Uncorrectable { .. }
            | BusError::Transfer { .. }
            | BusError::Short { .. } => Some(Rung::Abort),
        },
        #[cfg(feature = "cosim")]
        Error::Simulation { .. } => Some(Rung::SoftReset),
        Error::CardStopped { .. } | Error::SelfTest { .. } => Some(Rung::SoftReset),
        // A queue that the card stopped is opened again; one that was answered wrong has a card that is out of step.
        Error::QueueAnswer { .. } => Some(Rung::SoftReset),
        Error::Pcie { source, .. } => source.first_rung(),
        Error::NotRecovered { left, .. } => Some(*left),
        Error::DeviceLost { .. } => Some(Rung::DeviceLost),
        _ => None,
    }
}

/// Whether a rung failed for a reason that no other rung mends: somebody else's right, or the user's files.
pub(super) fn is_beyond_the_ladder(error: &Error) -> bool {
    matches!(
        error,
        Error::UnitBusy { .. }
            | Error::CardBusy { .. }
            | Error::TurnTimeout { .. }
            | Error::Cancelled { .. }
            | Error::Untrusted { .. }
            | Error::Trust(_)
            | Error::ImageForAnotherCard { .. }
            | Error::StateFolder { .. }
            | Error::HostMemory { .. }
    )
}

/// An error as the cause of a recovery: what it advises is done by now.
pub(crate) fn cause(error: &Error) -> String {
    match error {
        Error::RunTimeout { unit, waited, .. } => {
            format!("the run of {unit} did not end within {waited:?}")
        }
        Error::Pcie { action, source, .. } => format!("the card could not {action}: {source}"),
        Error::Bus { source, .. } => source.to_string(),
        Error::SelfTest { what, .. } => format!("the self-test failed: {what}"),
        Error::CardStopped { reason, .. } | Error::DeviceLost { reason, .. } => reason.clone(),
        #[cfg(feature = "cosim")]
        Error::Simulation { source, .. } => format!("the simulation stopped: {source}"),
        other => other.to_string(),
    }
}
