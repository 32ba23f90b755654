//! Turns on a card that several processes share: one works at a time, in the order they asked.

use std::fs::{File, TryLockError};
use std::time::{Duration, Instant};

use super::{CardStore, holders};
use crate::cancel::CancelToken;
use crate::{Error, Result};

/// How often a process that waits for its turn looks again.
const POLL: Duration = Duration::from_micros(500);

/// The right to work on the card, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    // A description of its own: locks belong to the open file, not to the process.
    lock: File,
    queue: File,
}

impl Turn {
    /// Whether another process waits for this one to let go.
    pub(crate) fn is_wanted(&self) -> bool {
        match self.queue.try_lock() {
            Ok(()) => {
                let _ = self.queue.unlock();
                false
            }
            Err(_) => true,
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let _ = self.lock.unlock();
    }
}

impl CardStore {
    /// Waits for the turn.
    ///
    /// # Errors
    /// [`Error::TurnTimeout`], [`Error::Cancelled`], [`Error::StateFolder`].
    pub(crate) fn take_turn(&self, timeout: Duration, cancel: &CancelToken) -> Result<Turn> {
        let begin = Instant::now();
        // First in the queue, then on the card: so the holder sees that somebody waits, and the next in line
        // is the one who gets it.
        self.acquire(&self.queue, begin, timeout, cancel)?;
        let acquired = self.acquire(&self.turn, begin, timeout, cancel);
        let _ = self.queue.unlock();
        acquired?;
        let duplicate = |file: &File| file.try_clone().map_err(|source| self.lock_fault(source));
        Ok(Turn {
            lock: duplicate(&self.turn)?,
            queue: duplicate(&self.queue)?,
        })
    }

    fn acquire(
        &self,
        file: &File,
        begin: Instant,
        timeout: Duration,
        cancel: &CancelToken,
    ) -> Result<()> {
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::Error(source)) => return Err(self.lock_fault(source)),
                Err(TryLockError::WouldBlock) => {}
            }
            if cancel.is_cancelled() {
                return Err(Error::Cancelled { card: self.id });
            }
            let waited = begin.elapsed();
            if waited >= timeout {
                return Err(Error::TurnTimeout {
                    card: self.id,
                    waited,
                    holders: holders::describe(&self.folder),
                });
            }
            std::thread::sleep(POLL.min(timeout - waited));
        }
    }

    fn lock_fault(&self, source: std::io::Error) -> Error {
        Error::StateFolder {
            card: self.id,
            action: "lock the turn in",
            path: self.folder.clone(),
            source,
            advice: "use a folder on a local disk: FPGA_STATE_DIR names one",
        }
    }
}
