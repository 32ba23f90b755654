//! How a fault was found out, in few words: by the kind of error that it ended in, or by what was counted where it was mended.

use cosim::EngineError;

use super::cases::Case;
use crate::queue::StopCause;
use crate::{BusError, Error, PcieError, Reliability};

/// By how much the counts of what was mended have grown.
pub(super) fn grown(before: Option<Reliability>, now: Option<Reliability>) -> Reliability {
    let (before, now) = (before.unwrap_or_default(), now.unwrap_or_default());
    Reliability {
        corrected: now.corrected.saturating_sub(before.corrected),
        uncorrected: now.uncorrected.saturating_sub(before.uncorrected),
        replays: now.replays.saturating_sub(before.replays),
    }
}

/// How a fault was mended that nobody noticed.
pub(super) fn unnoticed(case: &Case, counted: Reliability) -> &'static str {
    use crate::faults::FaultKind as Kind;
    match case.plan.faults[0].kind {
        _ if counted.corrected > 0 => "ECC: corrected, counted",
        _ if counted.replays > 0 => "link CRC: sent again, counted",
        Kind::InterruptLost | Kind::InterruptLate(_) => "the driver looks by itself",
        Kind::Slow(_) => "waited for",
        _ => "no effect",
    }
}

/// The kind of an error, in few words.
pub(super) fn kind(error: &Error) -> &'static str {
    match error {
        Error::RunFailed { .. } => "kernel's status register",
        Error::RunTimeout { .. } => "timeout of the run",
        Error::Inconsistent { .. } => "counters against answers",
        Error::Simulation { source, .. } => match source {
            EngineError::Watchdog { .. } => "watchdog",
            EngineError::Register { .. } => "register's error response",
            EngineError::RegisterTimeout { .. } => "register without an answer",
            _ => "simulation stopped",
        },
        Error::Stale { .. } => "generation changed",
        Error::CardUnusable { .. } | Error::DeviceLost { .. } => "card does not answer",
        Error::WrongState { .. } => "register access failed",
        Error::CardStopped { .. } => "does not come to rest",
        Error::QueueStopped { cause, .. } => match cause {
            StopCause::ReadError => "queue stopped: READ_ERROR",
            StopCause::WriteError => "queue stopped: WRITE_ERROR",
            StopCause::Host => "queue stopped: reset",
            _ => "queue stopped",
        },
        Error::QueueAnswer { .. } => "answer that was not due",
        Error::QueueStale { .. } => "generation changed",
        Error::Bus { source, .. } => match source {
            BusError::Register { .. } => "register's error response",
            BusError::Transfer { .. } => "DMA status",
            BusError::Short { .. } => "count of bytes moved",
            BusError::Uncorrectable { .. } => "ECC",
            _ => "bus error",
        },
        Error::Pcie { source, .. } => match source {
            PcieError::Dma { .. } => "DMA status",
            PcieError::Short { .. } => "count of bytes moved",
            PcieError::RegisterRefused { .. } => "count of refused accesses",
            PcieError::Unit(_) => "register access failed",
            PcieError::Stopped => "simulation stopped",
            PcieError::Removed => "card does not answer",
            PcieError::Refused(_) => "card's refusal",
            PcieError::TimedOut { .. } => "timeout of the driver",
            PcieError::Served(_) => "connection closed",
            _ => "PCIe error",
        },
        _ => "other error",
    }
}
