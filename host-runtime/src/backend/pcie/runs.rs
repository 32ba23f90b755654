//! The runs of this process on a card that others use, too: which ended, how, and what ends them before their time.

use std::time::Instant;

use card_shell::identity as id;

use super::error::PcieError;
use super::presence::lost;
use super::unit::Unit;
use super::{PAUSE, PcieBackend, State};
use crate::backend::{Patience, RunId};
use crate::{Error, Result};

impl PcieBackend {
    /// Looks at every unit with something to do, and keeps what has ended.
    pub(super) fn advance(&self, state: &mut State) {
        let client = self.client();
        let known = state.image.as_ref().map(|(generation, _)| *generation);
        for (&index, unit) in &mut state.units {
            let advanced = unit.advance(client).map_err(PcieError::from_io);
            // Asked afterwards: who finds a unit idle that was reset finds the card's new state, too.
            let checked = advanced.and_then(|ended| self.check_status().map(|()| ended));
            match checked {
                Ok(ended) => {
                    let stale = known != Some(self.page.word(id::REG_GENERATION));
                    for (run, outcome) in ended {
                        state.unit_of.remove(&run);
                        let result = if stale {
                            Err(self.stale_run())
                        } else {
                            Ok(outcome)
                        };
                        state.ended.insert(run, result);
                    }
                }
                Err(error) => {
                    let given_up = unit.give_up();
                    if !given_up.is_empty() {
                        tracing::warn!(card = %self.id, unit = index, %error, "a compute unit was given up");
                    }
                    for run in given_up {
                        state.unit_of.remove(&run);
                        state.ended.insert(run, Err(self.run_failed(&error)));
                    }
                }
            }
        }
        if known.is_some_and(|known| known != self.page.word(id::REG_GENERATION))
            && let Err(error) = self.look_at_image(state)
        {
            tracing::debug!(card = %self.id, %error, "the new image could not be read");
        }
    }

    pub(super) fn stale_run(&self) -> Error {
        Error::Stale {
            card: self.id,
            what: "run",
        }
    }

    /// An error for each run that ended with one.
    fn run_failed(&self, error: &PcieError) -> Error {
        let source = match error {
            error if error.is_loss() => return lost(self.id, error),
            PcieError::Stopped => PcieError::Stopped,
            other => PcieError::Unit(other.to_string()),
        };
        self.failed("go on with a run")(source)
    }

    /// Ends this program's runs of a unit, and has it reset if they were begun, or if `always`.
    pub(super) fn end_unit(&self, index: usize, but: Option<RunId>, always: bool) -> Result<()> {
        let held = {
            let mut state = self.lock();
            let mut held = false;
            if let Some(unit) = state.units.get_mut(&index) {
                held = unit.stop_for_reset();
                let name = unit.name().to_owned();
                for run in unit.give_up() {
                    state.unit_of.remove(&run);
                    if Some(run) != but {
                        let unit = name.clone();
                        let card = self.id;
                        state.ended.insert(run, Err(Error::Aborted { card, unit }));
                    }
                }
            }
            held
        };
        let result = if held || always {
            self.reset_alone(index, held)
        } else {
            Ok(())
        };
        if let Some(unit) = self.lock().units.get_mut(&index) {
            let let_go = unit.go_on(self.client());
            result?;
            let_go.map_err(|error| self.failed("let a unit go")(PcieError::from_io(error)))?;
            return Ok(());
        }
        result
    }

    /// Resets a unit that nobody else works with.
    fn reset_alone(&self, index: usize, held: bool) -> Result<()> {
        let failed = self.failed("reset a compute unit");
        let semaphore = id::REG_HOLDER + 4 * index as u32;
        if !held {
            let holder = self.read_user(semaphore).map_err(&failed)?;
            if holder != 0 {
                return Err(Error::UnitBusy {
                    card: self.id,
                    unit: index.to_string(),
                    users: format!("the card's client {holder}"),
                });
            }
        }
        let reset = self.command(id::REG_RESET_UNIT, index as u32, "reset a compute unit");
        let given_back = match held {
            true => Ok(()),
            false => self.write_user(semaphore, self.client()),
        };
        reset.and(given_back).map_err(failed)
    }

    /// Advances until `found` finds something, or patience ends.
    pub(super) fn advance_until<T>(
        &self,
        patience: &Patience,
        mut found: impl FnMut(&mut State) -> Option<T>,
    ) -> Option<T> {
        let begin = Instant::now();
        loop {
            let holding = {
                let mut state = self.lock();
                self.advance(&mut state);
                if let Some(found) = found(&mut state) {
                    return Some(found);
                }
                state.units.values().any(Unit::is_held)
            };
            let left = patience.timeout.saturating_sub(begin.elapsed());
            if left.is_zero() || patience.cancel.is_cancelled() {
                return None;
            }
            // A unit that this process holds interrupts; for one that another holds there is only looking again.
            if holding {
                self.doorbell.wait(left);
            } else {
                std::thread::sleep(PAUSE.min(left));
            }
        }
    }
}
