//! One execution of a kernel: arguments, start, wait, abort.

use std::sync::Arc;
use std::time::Duration;

use bitstreams::ControlProtocol;

use crate::backend::{Patience, RunId, RunOutcome, RunRequest, Waited};
use crate::cancel::CancelToken;
use crate::kernel::Kernel;
use crate::memory::Buffer;
use crate::recovery::{self, Climber, Rung};
use crate::{Error, Result};

/// Where a run stands, in XRT's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// Not started, or to be started again.
    New,
    /// Queued or running.
    Running,
    /// Ended by itself.
    Completed,
    /// Ended by [`Run::abort`].
    Aborted,
    /// Ended by an error of the card.
    Error,
}

/// A run of a kernel. May be started again when it has ended. Dropping a running one aborts it.
#[derive(Debug)]
pub struct Run {
    kernel: Kernel,
    unit: usize,
    /// Register values by argument id.
    arguments: Vec<Option<Vec<(u32, u32)>>>,
    snapshot: &'static [u32],
    preserve: Vec<(u32, u32)>,
    state: RunState,
    submitted: Option<RunId>,
    outcome: RunOutcome,
}

impl Run {
    pub(crate) fn new(kernel: Kernel, unit: usize) -> Self {
        let count = kernel.image().kernels()[kernel.image().units()[unit].kernel]
            .arguments
            .len();
        Self {
            kernel,
            unit,
            arguments: vec![None; count],
            snapshot: &[],
            preserve: Vec::new(),
            state: RunState::New,
            submitted: None,
            outcome: RunOutcome::default(),
        }
    }

    /// Has these registers read before the start and after the end; see [`RunRequest::snapshot`].
    pub(crate) fn snapshot(mut self, offsets: &'static [u32]) -> Self {
        self.snapshot = offsets;
        self
    }

    /// Has these registers hold these values for the length of the run only.
    pub(crate) fn with_registers(&mut self, values: Vec<(u32, u32)>) {
        self.preserve = values;
    }

    /// Sets argument `id` to a buffer.
    ///
    /// # Errors
    /// [`Error::Argument`] if it takes no buffer, [`Error::BankNotConnected`], [`Error::Stale`],
    /// [`Error::WrongState`] for a buffer of another card.
    pub fn set_buffer(&mut self, id: usize, buffer: &Buffer) -> Result<()> {
        buffer.check_current()?;
        if !buffer.belongs_to(self.kernel.core()) {
            return Err(Error::WrongState {
                card: self.kernel.card(),
                reason: "the buffer belongs to another opening of a card; allocate it on this one"
                    .to_owned(),
            });
        }
        let argument = self.kernel.argument(self.unit, id)?;
        if !argument.is_pointer() {
            return Err(self.wrong(&argument.name, "takes a number, not a buffer"));
        }
        let image = self.kernel.image();
        let unit = &image.units()[self.unit];
        let connected = &unit.banks[id];
        if !connected.contains(&buffer.bank()) {
            let bank_name = |&bank: &usize| {
                image
                    .banks()
                    .get(bank)
                    .map_or_else(|| bank.to_string(), |bank| bank.name.clone())
            };
            return Err(Error::BankNotConnected {
                card: self.kernel.card(),
                unit: unit.name.clone(),
                argument: argument.name.clone(),
                connected: connected
                    .iter()
                    .map(bank_name)
                    .collect::<Vec<_>>()
                    .join(", "),
                bank: bank_name(&buffer.bank()),
            });
        }
        self.set_words(id, buffer.address())
    }

    /// Sets argument `id` to a number.
    ///
    /// # Errors
    /// [`Error::Argument`] if it takes a buffer, or the number does not fit its size.
    pub fn set_scalar(&mut self, id: usize, value: u64) -> Result<()> {
        let argument = self.kernel.argument(self.unit, id)?;
        if argument.is_pointer() {
            return Err(self.wrong(&argument.name, "takes a buffer, not a number"));
        }
        if argument.size < 8 && value >> (8 * argument.size) != 0 {
            return Err(self.wrong(
                &argument.name,
                &format!("has {} bytes; {value:#x} does not fit", argument.size),
            ));
        }
        self.set_words(id, value)
    }

    fn set_words(&mut self, id: usize, value: u64) -> Result<()> {
        let argument = self.kernel.argument(self.unit, id)?;
        let offset = u32::try_from(argument.offset).map_err(|_| {
            self.wrong(&argument.name, "has a register outside the kernel's window")
        })?;
        let mut words = vec![(offset, value as u32)];
        if argument.size > 4 {
            words.push((offset + 4, (value >> 32) as u32));
        }
        self.arguments[id] = Some(words);
        Ok(())
    }

    fn wrong(&self, argument: &str, reason: &str) -> Error {
        Error::Argument {
            kernel: self.kernel.name().to_owned(),
            argument: argument.to_owned(),
            reason: reason.to_owned(),
        }
    }

    /// Starts the run. Arguments that were never set keep what the kernel's registers hold.
    ///
    /// # Errors
    /// [`Error::WrongState`] if it runs already, [`Error::Stale`], or what the card says.
    pub fn start(&mut self) -> Result<()> {
        self.kernel.check_current()?;
        if self.state == RunState::Running {
            return Err(Error::WrongState {
                card: self.kernel.card(),
                reason: "the run is going on already; wait for it, or abort it".to_owned(),
            });
        }
        if self.kernel.image().control(self.unit) == ControlProtocol::ApCtrlNone {
            return Err(Error::WrongState {
                card: self.kernel.card(),
                reason: format!(
                    "{} cannot be started: it is ap_ctrl_none and runs from the reset on; use its registers",
                    self.kernel.name()
                ),
            });
        }
        let request = RunRequest {
            unit: self.unit,
            registers: self
                .preserve
                .iter()
                .chain(self.arguments.iter().flatten().flatten())
                .copied()
                .collect(),
            snapshot: self.snapshot,
            preserve: self.preserve.iter().map(|&(offset, _)| offset).collect(),
        };
        self.submitted = Some(self.kernel.core().backend().submit(request)?);
        self.state = RunState::Running;
        Ok(())
    }

    /// Waits for the end of the run.
    ///
    /// # Errors
    /// [`Error::RunTimeout`] (the run goes on), [`Error::Aborted`], or what ended the run.
    pub fn wait(&mut self, timeout: Duration) -> Result<()> {
        self.wait_or_cancel(timeout, &CancelToken::new())
    }

    /// Waits for the end of the run, a timeout, or a cancellation.
    ///
    /// # Errors
    /// As [`Run::wait`], and [`Error::Cancelled`] (the run goes on).
    pub fn wait_or_cancel(&mut self, timeout: Duration, cancel: &CancelToken) -> Result<()> {
        let Some(run) = self.submitted else {
            return match self.state {
                RunState::Completed => Ok(()),
                _ => Err(Error::WrongState {
                    card: self.kernel.card(),
                    reason: "the run was not started".to_owned(),
                }),
            };
        };
        let patience = Patience {
            timeout,
            cancel: cancel.clone(),
        };
        match self.kernel.core().backend().wait(run, &patience) {
            Ok(Waited::Done(outcome)) => {
                self.submitted = None;
                self.state = RunState::Completed;
                self.outcome = outcome;
                Ok(())
            }
            Ok(Waited::Pending(_)) if cancel.is_cancelled() => Err(Error::Cancelled {
                card: self.kernel.card(),
            }),
            Ok(Waited::Pending(hint)) => Err(Error::RunTimeout {
                card: self.kernel.card(),
                unit: self.unit_name().to_owned(),
                waited: timeout,
                hint: if hint.is_empty() {
                    hint
                } else {
                    format!("; {hint}")
                },
            }),
            Err(error) => {
                self.submitted = None;
                self.state = match error {
                    Error::Aborted { .. } => RunState::Aborted,
                    _ => RunState::Error,
                };
                Err(error)
            }
        }
    }

    /// As [`Run::wait`]; and if the run or the card is in trouble, climbs the ladder up to a rung. The run is not started
    /// again: what it had done is not known here.
    ///
    /// # Errors
    /// [`Error::Recovered`] when the card works again, else what [`Run::wait`] and [`Card::climb`](crate::Card::climb) say.
    pub fn wait_or_recover(&mut self, timeout: Duration, up_to: Rung) -> Result<()> {
        let Err(error) = self.wait(timeout) else {
            return Ok(());
        };
        match recovery::first_rung(&error) {
            Some(first) if first <= up_to && first != Rung::DeviceLost => {
                let core = Arc::clone(self.kernel.core());
                let why = recovery::cause(&error);
                let climbed = Climber::of_unit(&core, self.unit).climb(first, up_to, &why);
                // A rung that was taken ended the run; of a card that did not recover, nothing better is known.
                let aborted = self.abort();
                let rung = climbed?.rung;
                aborted?;
                Err(Error::Recovered {
                    card: core.id(),
                    rung,
                    cause: Box::new(error),
                })
            }
            _ => Err(error),
        }
    }

    /// Ends the run. Its compute unit is reset, so its registers go back to their reset values.
    ///
    /// # Errors
    /// What the card says.
    pub fn abort(&mut self) -> Result<()> {
        if let Some(run) = self.submitted.take() {
            self.state = RunState::Aborted;
            self.kernel.core().backend().abort(run)?;
        }
        Ok(())
    }

    /// Where it stands, without waiting.
    pub fn state(&mut self) -> RunState {
        if self.submitted.is_some() {
            // An error shows in the state; the caller that wants its text waits.
            let _ = self.wait(Duration::ZERO);
        }
        self.state
    }

    /// What the snapshot registers held before and after the run.
    pub(crate) fn outcome(&self) -> &RunOutcome {
        &self.outcome
    }

    pub(crate) fn unit_name(&self) -> &str {
        &self.kernel.image().units()[self.unit].name
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Err(error) = self.abort() {
            tracing::warn!(%error, "a run that was dropped could not be aborted");
        }
    }
}
