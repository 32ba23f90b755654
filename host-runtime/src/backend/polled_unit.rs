//! A compute unit driven by its registers: runs one after the other, with what the runtime asks to be read around each.

use std::collections::VecDeque;
use std::io;

use bitstreams::ControlProtocol;

use super::{RunId, RunOutcome, RunRequest};
use crate::tcp::registers::{CONTROL, INTERRUPT_STATUS};

/// Bits of the control register, as Vitis' `ap_ctrl_hs` and `ap_ctrl_chain` have them.
const START: u32 = 1 << 0;
const DONE: u32 = 1 << 1;
const IDLE: u32 = 1 << 2;
const CONTINUE: u32 = 1 << 4;

/// `ap_done` in the interrupt registers.
const DONE_INTERRUPT: u32 = 1 << 0;

/// The registers of a compute unit, by byte offset.
pub(crate) trait Registers: std::fmt::Debug {
    /// Reads one.
    fn read(&self, offset: u32) -> io::Result<u32>;
    /// Writes one.
    fn write(&self, offset: u32, value: u32) -> io::Result<()>;
}

/// A compute unit that this program has to itself, at least while it runs.
#[derive(Debug)]
pub(crate) struct PolledUnit<R> {
    registers: R,
    chained: bool,
    /// Its interrupt is used, and must be taken back after each run.
    interrupts: bool,
    queue: VecDeque<(RunId, RunRequest)>,
    current: Option<Current>,
}

/// The run under way.
#[derive(Debug)]
struct Current {
    run: RunId,
    snapshot: &'static [u32],
    before: Vec<u32>,
    preserved: Vec<(u32, u32)>,
}

impl<R: Registers> PolledUnit<R> {
    pub(crate) fn new(registers: R, control: ControlProtocol, interrupts: bool) -> Self {
        Self {
            registers,
            chained: control == ControlProtocol::ApCtrlChain,
            interrupts,
            queue: VecDeque::new(),
            current: None,
        }
    }

    pub(crate) fn registers(&self) -> &R {
        &self.registers
    }

    /// Queues a run, and begins it if the unit is free.
    pub(crate) fn submit(&mut self, run: RunId, request: RunRequest) -> io::Result<()> {
        self.queue.push_back((run, request));
        self.begin_next()
    }

    /// Looks whether the run under way has ended; if none is under way, begins the next. Call it until it gives `None`.
    pub(crate) fn poll(&mut self) -> io::Result<Option<(RunId, RunOutcome)>> {
        if self.current.is_none() {
            self.begin_next()?;
            return Ok(None);
        }
        let control = self.registers.read(CONTROL)?;
        if control & DONE == 0 && (control & IDLE == 0 || control & START != 0) {
            return Ok(None);
        }
        // The run stays the current one until all is done: if an access fails, it is still known.
        let Some(current) = &self.current else {
            return Ok(None);
        };
        let after = self.snapshot(current.snapshot)?;
        for &(offset, value) in &current.preserved {
            self.registers.write(offset, value)?;
        }
        if self.chained {
            self.registers.write(CONTROL, CONTINUE)?;
        }
        if self.interrupts && self.registers.read(INTERRUPT_STATUS)? & DONE_INTERRUPT != 0 {
            // Written ones toggle.
            self.registers.write(INTERRUPT_STATUS, DONE_INTERRUPT)?;
        }
        let Some(current) = self.current.take() else {
            return Ok(None);
        };
        let outcome = RunOutcome {
            before: current.before,
            after,
        };
        Ok(Some((current.run, outcome)))
    }

    /// Whether there is nothing to do.
    pub(crate) fn is_idle(&self) -> bool {
        self.current.is_none() && self.queue.is_empty()
    }

    /// Whether this run is the one under way.
    pub(crate) fn is_running(&self, run: RunId) -> bool {
        self.current
            .as_ref()
            .is_some_and(|current| current.run == run)
    }

    /// Takes a run out of the queue; whether it was there.
    pub(crate) fn withdraw(&mut self, run: RunId) -> bool {
        let before = self.queue.len();
        self.queue.retain(|(queued, _)| *queued != run);
        self.queue.len() < before
    }

    /// Every run that was not told to have ended: the one under way, then the queue.
    pub(crate) fn give_up(&mut self) -> Vec<RunId> {
        let current = self.current.take().map(|current| current.run);
        let queued = self.queue.drain(..).map(|(run, _)| run);
        current.into_iter().chain(queued).collect()
    }

    fn begin_next(&mut self) -> io::Result<()> {
        if self.current.is_some() {
            return Ok(());
        }
        // It stays in the queue until it has begun: if an access fails, it is still known, and has not run.
        let Some((_, request)) = self.queue.front() else {
            return Ok(());
        };
        let before = self.snapshot(request.snapshot)?;
        let preserved = request
            .preserve
            .iter()
            .map(|&offset| Ok((offset, self.registers.read(offset)?)))
            .collect::<io::Result<_>>()?;
        for &(offset, value) in &request.registers {
            self.registers.write(offset, value)?;
        }
        self.registers.write(CONTROL, START)?;
        self.current = self.queue.pop_front().map(|(run, request)| Current {
            run,
            snapshot: request.snapshot,
            before,
            preserved,
        });
        Ok(())
    }

    fn snapshot(&self, offsets: &[u32]) -> io::Result<Vec<u32>> {
        offsets
            .iter()
            .map(|&offset| self.registers.read(offset))
            .collect()
    }
}
