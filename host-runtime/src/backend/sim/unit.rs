//! The runs of one compute unit: one after the other, each a course of register accesses around the kernel's work.

use std::collections::VecDeque;

use cosim::engine::RegisterAccess;
use cosim::{Engine, EngineError};

use crate::backend::{BusError, RunId, RunOutcome, RunRequest};
use crate::card_id::CardId;
use crate::tcp::registers as reg;
use crate::{Error, Result};

/// Bits of the control register, as UG1393 and Vitis HLS define them.
const AP_START: u32 = 1 << 0;
const AP_DONE: u32 = 1 << 1;
const AP_IDLE: u32 = 1 << 2;
const AP_CONTINUE: u32 = 1 << 4;
/// `ap_done` in the interrupt registers.
const DONE_INTERRUPT: u32 = 1 << 0;

/// What a unit may do when it is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attention {
    /// Begin queued runs.
    pub(super) begin: bool,
    /// Ask a kernel whether it is done though its interrupt says nothing: a program may have switched it off.
    pub(super) poll: bool,
}

/// A run that ended, and how.
pub(super) type Ended = (RunId, Result<RunOutcome>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Snapshot, arguments and start are on the register bus.
    Starting,
    /// The kernel works; nothing is on the bus.
    Working,
    /// The control register is being read.
    Asking,
    /// Acknowledgement and the snapshot after the end are on the bus.
    Ending,
}

#[derive(Debug)]
struct Active {
    run: RunId,
    request: RunRequest,
    stage: Stage,
    /// Answers of the current stage, in order.
    answers: Vec<u32>,
    /// Answers still to come in the current stage.
    awaited: usize,
    /// Registers to write back after the run.
    preserved: Vec<(u32, u32)>,
    /// The first access that was answered with an error.
    fault: Option<BusError>,
    outcome: RunOutcome,
}

#[derive(Debug)]
pub(super) struct UnitRuns {
    name: String,
    has_interrupt: bool,
    chained: bool,
    active: Option<Active>,
    queue: VecDeque<(RunId, RunRequest)>,
}

fn write(offset: u32, value: u32) -> RegisterAccess {
    RegisterAccess::Write {
        address: offset.into(),
        data: value.into(),
    }
}

fn read(offset: u32) -> RegisterAccess {
    RegisterAccess::Read {
        address: offset.into(),
    }
}

impl UnitRuns {
    pub(super) fn new(name: String, has_interrupt: bool, chained: bool) -> Self {
        Self {
            name,
            has_interrupt,
            chained,
            active: None,
            queue: VecDeque::new(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn enqueue(&mut self, run: RunId, request: RunRequest) {
        self.queue.push_back((run, request));
    }

    pub(super) fn knows(&self, run: RunId) -> bool {
        self.active.as_ref().is_some_and(|active| active.run == run)
            || self.queue.iter().any(|(queued, _)| *queued == run)
    }

    pub(super) fn is_active(&self) -> bool {
        self.active.is_some()
    }

    pub(super) fn has_queued(&self) -> bool {
        !self.queue.is_empty()
    }

    pub(super) fn has_interrupt(&self) -> bool {
        self.has_interrupt
    }

    /// Whether its interrupt is what the next step waits for.
    pub(super) fn watches_interrupt(&self) -> bool {
        self.has_interrupt
            && self
                .active
                .as_ref()
                .is_some_and(|active| active.stage == Stage::Working)
    }

    pub(super) fn awaits_registers(&self) -> bool {
        self.active
            .as_ref()
            .is_some_and(|active| active.awaited > 0)
    }

    pub(super) fn withdraw(&mut self) -> Vec<(RunId, RunRequest)> {
        self.queue.drain(..).collect()
    }

    /// Takes back a run that was queued and not begun; whether it was.
    pub(super) fn withdraw_one(&mut self, run: RunId) -> bool {
        let position = self.queue.iter().position(|(queued, _)| *queued == run);
        position
            .map(|position| self.queue.remove(position))
            .is_some()
    }

    /// Forgets all runs and names them.
    pub(super) fn end_all(&mut self) -> Vec<RunId> {
        let active = self.active.take().map(|active| active.run);
        active
            .into_iter()
            .chain(self.queue.drain(..).map(|(run, _)| run))
            .collect()
    }

    /// Enables the interrupt after a reset.
    pub(super) fn prepare(&mut self, engine: &mut Engine, index: usize) -> Result<(), EngineError> {
        if self.has_interrupt {
            engine.write_register(index, reg::GLOBAL_INTERRUPT_ENABLE.into(), 1)?;
            engine.write_register(index, reg::INTERRUPT_ENABLE.into(), DONE_INTERRUPT.into())?;
        }
        Ok(())
    }

    /// Only takes in answers, for a caller that wants the register bus to itself.
    pub(super) fn collect(&mut self, engine: &mut Engine, index: usize) -> Result<(), EngineError> {
        self.collect_answers(engine, index)
    }

    /// Takes the next step of the active run, as far as what it waits for is there; begins the next run.
    pub(super) fn advance(
        &mut self,
        engine: &mut Engine,
        index: usize,
        card: CardId,
        Attention { begin, poll }: Attention,
        ended: &mut Vec<Ended>,
    ) -> Result<(), EngineError> {
        loop {
            self.collect_answers(engine, index)?;
            let Some(active) = &mut self.active else {
                if !begin {
                    return Ok(());
                }
                let Some((run, request)) = self.queue.pop_front() else {
                    return Ok(());
                };
                self.begin(engine, index, run, request)?;
                continue;
            };
            if active.awaited > 0 {
                return Ok(());
            }
            if let Some(source) = active.fault.take() {
                let run = active.run;
                self.active = None;
                ended.push((run, Err(Error::Bus { card, source })));
                continue;
            }
            match active.stage {
                Stage::Starting => {
                    let count = active.request.snapshot.len();
                    active.outcome.before = active.answers[..count].to_vec();
                    let preserved = active.request.preserve.iter().copied();
                    active.preserved = preserved
                        .zip(active.answers[count..].iter().copied())
                        .collect();
                    active.stage = Stage::Working;
                    return Ok(());
                }
                Stage::Working if self.has_interrupt && !poll && !engine.interrupt(index) => {
                    return Ok(());
                }
                Stage::Working => {
                    active.stage = Stage::Asking;
                    active.submit(engine, index, &[read(reg::CONTROL)])?;
                }
                Stage::Asking => {
                    let control = active.answers[0];
                    if control & (AP_DONE | AP_IDLE) == 0 {
                        active.stage = Stage::Working;
                        return Ok(());
                    }
                    let mut accesses = Vec::new();
                    if self.chained {
                        accesses.push(write(reg::CONTROL, AP_CONTINUE));
                    }
                    if engine.interrupt_line(index) {
                        accesses.push(write(reg::INTERRUPT_STATUS, DONE_INTERRUPT));
                    }
                    accesses.extend(
                        active
                            .preserved
                            .iter()
                            .map(|&(offset, value)| write(offset, value)),
                    );
                    accesses.extend(active.request.snapshot.iter().map(|&offset| read(offset)));
                    active.stage = Stage::Ending;
                    active.submit(engine, index, &accesses)?;
                }
                Stage::Ending => {
                    let count = active.request.snapshot.len();
                    active.outcome.after = active.answers[active.answers.len() - count..].to_vec();
                    ended.push((active.run, Ok(std::mem::take(&mut active.outcome))));
                    self.active = None;
                }
            }
        }
    }

    fn begin(
        &mut self,
        engine: &mut Engine,
        index: usize,
        run: RunId,
        request: RunRequest,
    ) -> Result<(), EngineError> {
        let mut accesses: Vec<_> = request
            .snapshot
            .iter()
            .chain(&request.preserve)
            .map(|&offset| read(offset))
            .collect();
        accesses.extend(
            request
                .registers
                .iter()
                .map(|&(offset, value)| write(offset, value)),
        );
        accesses.push(write(reg::CONTROL, AP_START));
        let mut active = Active {
            run,
            request,
            stage: Stage::Starting,
            answers: Vec::new(),
            awaited: 0,
            preserved: Vec::new(),
            fault: None,
            outcome: RunOutcome::default(),
        };
        active.submit(engine, index, &accesses)?;
        self.active = Some(active);
        engine.set_running(true);
        Ok(())
    }

    fn collect_answers(&mut self, engine: &mut Engine, index: usize) -> Result<(), EngineError> {
        while let Some(active) = self.active.as_mut().filter(|active| active.awaited > 0) {
            let Some(answer) = engine.register_result(index)? else {
                return Ok(());
            };
            active.awaited -= 1;
            active.answers.push(answer.data as u32);
            if answer.response != 0 && active.fault.is_none() {
                let (access, address) = match answer.access {
                    RegisterAccess::Read { address } => ("read of", address),
                    RegisterAccess::Write { address, .. } => ("write to", address),
                };
                active.fault = Some(BusError::Register {
                    unit: self.name.clone(),
                    access,
                    offset: address as u32,
                    response: if answer.response == 2 {
                        "SLVERR"
                    } else {
                        "DECERR"
                    }
                    .to_owned(),
                });
            }
        }
        Ok(())
    }
}

impl Active {
    fn submit(
        &mut self,
        engine: &mut Engine,
        index: usize,
        accesses: &[RegisterAccess],
    ) -> Result<(), EngineError> {
        self.answers.clear();
        self.awaited = accesses.len();
        accesses
            .iter()
            .try_for_each(|&access| engine.submit_register(index, access))
    }
}
