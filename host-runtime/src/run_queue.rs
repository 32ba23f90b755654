//! Runs as a driver sees them: register values for a compute unit, many under way at once, and one wait for whichever
//! ends first. [`Run`](crate::Run) is for programs; this is for what stands between a program and the card.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::backend::{Patience, RunId, RunRequest};
use crate::cancel::CancelToken;
use crate::card::CardCore;
use crate::{Error, Result};

/// Names a run of a [`RunQueue`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(RunId);

/// Runs under way on the compute units of a card. Dropping it aborts them.
#[derive(Debug)]
pub struct RunQueue {
    card: Arc<CardCore>,
    pending: Mutex<Vec<RunId>>,
}

impl RunQueue {
    pub(crate) fn new(card: Arc<CardCore>) -> Self {
        Self {
            card,
            pending: Mutex::default(),
        }
    }

    /// Queues a run of the compute unit at that index of the image, behind those that it has already. `registers` are
    /// byte offsets and values, written in this order before the start.
    ///
    /// # Errors
    /// [`Error::NotProgrammed`], [`Error::Argument`] for a unit or a register that does not exist, or what the card
    /// says.
    pub fn start(&self, unit: usize, registers: Vec<(u32, u32)>) -> Result<Ticket> {
        let image = self.card.image()?;
        let Some(info) = image.units().get(unit) else {
            return Err(Error::KernelMissing {
                card: self.card.id(),
                kernel: format!("compute unit {unit}"),
                available: format!("{} compute units", image.units().len()),
            });
        };
        let window = image.register_window(unit);
        if let Some((offset, _)) = registers
            .iter()
            .find(|(offset, _)| offset % 4 != 0 || u64::from(*offset) >= window)
        {
            return Err(Error::Argument {
                kernel: info.name.clone(),
                argument: format!("register {offset:#x}"),
                reason: format!("does not exist; registers are words below {window:#x}"),
            });
        }
        let run = self.card.backend().submit(RunRequest {
            unit,
            registers,
            ..RunRequest::default()
        })?;
        self.pending().push(run);
        Ok(Ticket(run))
    }

    /// Runs that were started and whose end was not told yet.
    pub fn pending_count(&self) -> usize {
        self.pending().len()
    }

    /// Waits until a run ends, and tells of all that have; none when time is up or the wait was cancelled, or when no
    /// run is under way. The end of a run is told once, to one of those who wait.
    ///
    /// # Errors
    /// What the card says, if it cannot be worked on at all.
    pub fn wait_any(
        &self,
        timeout: Duration,
        cancel: &CancelToken,
    ) -> Result<Vec<(Ticket, Result<()>)>> {
        let patience = Patience {
            timeout,
            cancel: cancel.clone(),
        };
        let ended = self
            .card
            .backend()
            .wait_any(&|| self.pending().clone(), &patience)?;
        if !ended.is_empty() {
            self.pending()
                .retain(|run| ended.iter().all(|(ended, _)| ended != run));
        }
        Ok(ended
            .into_iter()
            .map(|(run, result)| (Ticket(run), result.map(|_| ())))
            .collect())
    }

    /// Ends a run. If it was begun, its compute unit is reset; runs queued behind it end too, and their waits tell of
    /// it. Of this run no wait tells any more. Whether it was still under way.
    ///
    /// # Errors
    /// What the card says.
    pub fn abort(&self, ticket: Ticket) -> Result<bool> {
        let Ticket(run) = ticket;
        {
            let mut pending = self.pending();
            let Some(position) = pending.iter().position(|&pending| pending == run) else {
                return Ok(false);
            };
            pending.remove(position);
        }
        self.card.backend().abort(run)?;
        Ok(true)
    }

    fn pending(&self) -> MutexGuard<'_, Vec<RunId>> {
        // The list is never left half changed by a panic.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for RunQueue {
    fn drop(&mut self) {
        for run in std::mem::take(&mut *self.pending()) {
            if let Err(error) = self.card.backend().abort(run) {
                tracing::warn!(%error, "a run whose queue was dropped could not be aborted");
            }
        }
    }
}
