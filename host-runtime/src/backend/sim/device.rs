//! One loaded image: an engine with its compute units, and the runs on each of them.

mod assembly;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use cosim::engine::RemoteMemory;
use cosim::{DeviceMemory, Engine, EngineConfig, EngineError};
use parking_lot::Mutex;

use super::SimOptions;
use super::board::MemoryBanks;
use super::queues::Queues;
use super::unit::{Attention, Ended, UnitRuns};
use crate::backend::residency::Device;
use crate::backend::{BusError, RunId, RunRequest};
use crate::card_id::CardId;
use crate::faults::FaultInjector;
use crate::image::Image;
use crate::trust::TrustOptions;
use crate::{Error, Result};

/// Clocks between looks at kernels that have no interrupt.
const POLL_CLOCKS: u64 = 64;

/// Clocks between looks for the answers of register accesses. Small: they take a few clocks each.
const REGISTER_CLOCKS: u64 = 4;

/// Clocks between looks for what hosts have posted to queues.
pub(super) const QUEUE_CLOCKS: u64 = 16;

/// Clocks between looks at what faults on the buses ask for.
const FAULT_CLOCKS: u64 = 64;

/// What a process decides about its simulated card, and what of it others may see.
#[derive(Debug, Clone)]
pub(crate) struct SimConfig {
    pub(super) options: SimOptions,
    pub(super) trust: TrustOptions,
    /// The card's own memory; `None`: what the image says.
    pub(super) banks: Option<MemoryBanks>,
    /// Memory of the current device, so that copying needs no seat.
    pub(super) memory: Arc<Mutex<Option<Arc<DeviceMemory>>>>,
    /// Clocks since the card was opened.
    pub(super) clocks: Arc<AtomicU64>,
    /// Nanoseconds that the host spent clocking them.
    pub(super) clocking: Arc<AtomicU64>,
}

pub(crate) struct SimDevice {
    card: CardId,
    engine: Engine,
    units: Vec<UnitRuns>,
    pub(super) queues: Queues,
    /// The watchdog watches over somebody's queue.
    watches_queue: bool,
    /// Clocks of earlier devices of this opening.
    earlier: u64,
    /// The simulation stopped with an error; only a reset helps.
    broken: bool,
    faults: FaultInjector,
    clocks: Arc<AtomicU64>,
    clocking: Arc<AtomicU64>,
}

impl SimDevice {
    pub(super) fn enqueue(&mut self, run: RunId, request: RunRequest) {
        self.units[request.unit].enqueue(run, request);
    }

    /// Takes back what was queued and not begun.
    pub(super) fn withdraw(&mut self) -> Vec<(RunId, RunRequest)> {
        self.units.iter_mut().flat_map(UnitRuns::withdraw).collect()
    }

    /// Ends all runs.
    pub(super) fn abort_all(&mut self) -> Vec<Ended> {
        let card = self.card;
        self.units
            .iter_mut()
            .flat_map(|unit| {
                let name = unit.name().to_owned();
                unit.end_all()
                    .into_iter()
                    .map(move |run| {
                        (
                            run,
                            Err(Error::Aborted {
                                card,
                                unit: name.clone(),
                            }),
                        )
                    })
                    .collect::<Vec<_>>()
            })
            .collect()
    }

    /// Ends a run. One that was not begun is only taken back; else all runs of its unit end, and that unit alone is
    /// reset. The others work on.
    pub(super) fn abort(&mut self, run: RunId) -> Result<Vec<Ended>> {
        let Some(index) = self.units.iter().position(|unit| unit.knows(run)) else {
            return Ok(Vec::new());
        };
        if self.units[index].withdraw_one(run) {
            let unit = self.units[index].name().to_owned();
            let card = self.card;
            return Ok(vec![(run, Err(Error::Aborted { card, unit }))]);
        }
        self.abort_unit(index)
    }

    /// Ends all runs of one unit, and resets it alone.
    pub(super) fn abort_unit(&mut self, index: usize) -> Result<Vec<Ended>> {
        // The answers of the other units' register accesses must not get lost. If they do not come, only a reset of
        // all helps.
        if self.let_registers_settle().is_err() {
            let ended = self.abort_all();
            self.reset()?;
            return Ok(ended);
        }
        let card = self.card;
        let unit = &mut self.units[index];
        let name = unit.name().to_owned();
        let aborted = |run| {
            let unit = name.clone();
            (run, Err(Error::Aborted { card, unit }))
        };
        let ended = unit.end_all().into_iter().map(aborted).collect();
        self.reset_unit(index)?;
        let working = self.is_working();
        self.engine.set_running(working);
        self.publish_clocks();
        Ok(ended)
    }

    /// Resets one unit; the others stand still meanwhile.
    pub(super) fn reset_unit(&mut self, index: usize) -> Result<()> {
        let card = self.card;
        if self.queues.units().contains(&index) {
            // Their pairs are gone, and what was on its way to them.
            self.queues.retire();
        }
        self.engine
            .reset_unit(index)
            .and_then(|()| self.units[index].prepare(&mut self.engine, index))
            .map_err(|source| Error::Simulation { card, source })
    }

    /// Clocks, whatever the units do. What was posted goes to the kernels.
    pub(super) fn free_run(&mut self, clocks: u64) -> Result<()> {
        let card = self.card;
        let ran = self
            .exchange_posted()
            .and_then(|()| self.engine.run(clocks))
            .and_then(|()| self.suffer());
        self.publish_clocks();
        ran.map_err(|source| Error::Simulation { card, source })
    }

    /// Clocks since anything was transferred on a bus.
    pub(super) fn still_for(&self) -> u64 {
        self.engine.counters().clocks - self.engine.last_progress()
    }

    /// Has kernels reach the hosts' memory through windows, where the image has banks for it.
    pub(super) fn connect_hosts(&mut self, image: &Image, windows: &Arc<dyn RemoteMemory>) {
        // The engine knows the banks that the card uses.
        let used = image.banks().iter().filter(|bank| bank.size > 0);
        for (position, bank) in used.enumerate() {
            if bank.is_host() {
                self.engine.set_remote(position, Arc::clone(windows));
            }
        }
    }

    /// Whether a unit raises its interrupt.
    pub(super) fn interrupt(&self, unit: usize) -> bool {
        self.engine.interrupt(unit)
    }

    /// The card's memory.
    pub(super) fn memory(&self) -> &Arc<DeviceMemory> {
        self.engine.memory()
    }

    /// Clocks for up to `clocks` and returns the runs that ended. `begin` false: begins no queued run. `started` is now.
    pub(super) fn work(&mut self, clocks: u64, begin: bool, started: Instant) -> Vec<Ended> {
        let mut ended = Vec::new();
        let last = self.engine.counters().clocks + clocks;
        if let Err(source) = self.try_work(last, begin, &mut ended) {
            ended.extend(self.fail(Some(source)));
        }
        self.account(started);
        ended
    }

    fn account(&self, started: Instant) {
        self.clocking
            .fetch_add(started.elapsed().as_nanos() as u64, Ordering::Relaxed);
        self.publish_clocks();
        self.queues.notify();
    }

    /// Clocks for up to `clocks`, until `ready` says so, runs and queues alike. Says whether it did. `started` is now.
    pub(super) fn work_until(
        &mut self,
        clocks: u64,
        ready: &dyn Fn() -> bool,
        started: Instant,
        ended: &mut Vec<Ended>,
    ) -> Result<bool> {
        let last = self.engine.counters().clocks + clocks;
        let worked = self.try_work_until(last, ready, ended);
        self.account(started);
        worked.map_err(|source| {
            ended.extend(self.fail(None));
            let card = self.card;
            Error::Simulation { card, source }
        })
    }

    fn try_work_until(
        &mut self,
        last: u64,
        ready: &dyn Fn() -> bool,
        ended: &mut Vec<Ended>,
    ) -> Result<bool, EngineError> {
        if !self.watches_queue {
            self.engine.set_running(true);
            self.watches_queue = true;
        }
        let begin = true;
        let mut poll = true;
        loop {
            self.exchange_posted()?;
            for (index, unit) in self.units.iter_mut().enumerate() {
                let attention = Attention { begin, poll };
                unit.advance(&mut self.engine, index, self.card, attention, ended)?;
            }
            poll = false;
            let now = self.engine.counters().clocks;
            if ready() {
                self.queues.collect(&mut self.engine)?;
                // What is due next has its own time; runs go on being watched over.
                self.watches_queue = false;
                return Ok(true);
            }
            if now >= last {
                return Ok(false);
            }
            self.engine
                .run_until(QUEUE_CLOCKS.min(last - now), |_| ready())?;
            self.suffer()?;
        }
    }

    /// Resets the kernels if a fault asks for that. Nobody is told: that they forgot their work must be found out.
    fn suffer(&mut self) -> Result<(), EngineError> {
        if self.faults.take_reset() {
            tracing::debug!(card = %self.card, "a fault resets the kernels");
            self.engine.reset()?;
            self.queues.lose_posted();
            let working = self.is_working();
            self.engine.set_running(working);
        }
        Ok(())
    }

    /// Has the kernels suffer what events elsewhere than on their buses asked for.
    pub(super) fn suffer_now(&mut self) -> Result<()> {
        let card = self.card;
        self.suffer()
            .map_err(|source| Error::Simulation { card, source })
    }

    /// Has posted writes go to the kernels, and takes in the answers of those that did.
    fn exchange_posted(&mut self) -> Result<(), EngineError> {
        self.queues.deliver(&mut self.engine)?;
        self.queues.collect(&mut self.engine)
    }

    fn try_work(
        &mut self,
        last: u64,
        begin: bool,
        ended: &mut Vec<Ended>,
    ) -> Result<(), EngineError> {
        let mut poll = true;
        loop {
            self.exchange_posted()?;
            for (index, unit) in self.units.iter_mut().enumerate() {
                unit.advance(
                    &mut self.engine,
                    index,
                    self.card,
                    Attention { begin, poll },
                    ended,
                )?;
            }
            poll = false;
            let working = self.units.iter().any(UnitRuns::is_active);
            let now = self.engine.counters().clocks;
            if !working {
                // Only now: the end of one unit's run must not disarm the watchdog of the others.
                self.engine.set_running(false);
                self.watches_queue = false;
                return Ok(());
            }
            if now >= last {
                return Ok(());
            }
            self.suffer()?;
            let left = match self.faults.watches_bus() {
                true => FAULT_CLOCKS.min(last - now),
                false => last - now,
            };
            if self.units.iter().any(UnitRuns::awaits_registers) {
                self.engine.run_until(REGISTER_CLOCKS, |_| false)?;
            } else if let [unit] = &self.units[..]
                && unit.has_interrupt()
            {
                // The common case, kept small: it is asked every clock.
                self.engine.run_until(left, |engine| engine.interrupt(0))?;
            } else {
                let watched: Vec<usize> = (0..self.units.len())
                    .filter(|&index| self.units[index].watches_interrupt())
                    .collect();
                let clocks =
                    if watched.len() == self.units.iter().filter(|unit| unit.is_active()).count() {
                        left
                    } else {
                        POLL_CLOCKS
                    };
                self.engine.run_until(clocks, |engine| {
                    watched.iter().any(|&index| engine.interrupt(index))
                })?;
            }
        }
    }

    /// Every run ends with the error that stopped the simulation; the first carries it, if nobody else does.
    fn fail(&mut self, mut source: Option<EngineError>) -> Vec<Ended> {
        let card = self.card;
        self.broken = true;
        self.units
            .iter_mut()
            .flat_map(UnitRuns::end_all)
            .collect::<Vec<_>>()
            .into_iter()
            .map(|run| {
                let error = match source.take() {
                    Some(source) => Error::Simulation { card, source },
                    None => Error::CardStopped {
                        card,
                        reason: "an earlier error stopped the simulation".to_owned(),
                    },
                };
                (run, Err(error))
            })
            .collect()
    }

    pub(super) fn is_working(&self) -> bool {
        self.units.iter().any(UnitRuns::is_active)
    }

    pub(super) fn clocks(&self) -> u64 {
        self.earlier + self.engine.counters().clocks
    }

    fn publish_clocks(&self) {
        self.clocks.store(self.clocks(), Ordering::Relaxed);
    }

    pub(super) fn read_register(&mut self, unit: usize, offset: u32) -> Result<u32> {
        self.let_registers_settle()?;
        let value = self.engine.read_register(unit, offset.into());
        let value = value.and_then(|value| self.suffer().map(|()| value));
        self.publish_clocks();
        value
            .map(|value| value as u32)
            .map_err(|source| self.register_error(unit, offset, source))
    }

    pub(super) fn write_register(&mut self, unit: usize, offset: u32, value: u32) -> Result<()> {
        self.let_registers_settle()?;
        let written = self
            .engine
            .write_register(unit, offset.into(), value.into());
        let written = written.and_then(|()| self.suffer());
        self.publish_clocks();
        written.map_err(|source| self.register_error(unit, offset, source))
    }

    /// Lets the accesses of runs and queues finish, so that their answers are not taken for ours.
    pub(super) fn let_registers_settle(&mut self) -> Result<()> {
        let bound = self.engine.counters().clocks + self.register_bound();
        self.exchange_posted().map_err(|source| Error::Simulation {
            card: self.card,
            source,
        })?;
        while self.units.iter().any(UnitRuns::awaits_registers) || self.queues.awaits_registers() {
            let now = self.engine.counters().clocks;
            if now >= bound {
                return Err(Error::CardStopped {
                    card: self.card,
                    reason: "its registers do not answer".to_owned(),
                });
            }
            let step = self
                .engine
                .run_until(REGISTER_CLOCKS, |_| false)
                .map(|_| ());
            let settled = step.and_then(|()| {
                self.units
                    .iter_mut()
                    .enumerate()
                    .try_for_each(|(index, unit)| unit.collect(&mut self.engine, index))?;
                self.queues.collect(&mut self.engine)
            });
            settled.map_err(|source| Error::Simulation {
                card: self.card,
                source,
            })?;
        }
        Ok(())
    }

    fn register_bound(&self) -> u64 {
        EngineConfig::default().register_timeout
    }

    fn register_error(&self, unit: usize, offset: u32, source: EngineError) -> Error {
        match source {
            EngineError::Register {
                access, response, ..
            } => Error::Bus {
                card: self.card,
                source: BusError::Register {
                    unit: self.units[unit].name().to_owned(),
                    access,
                    offset,
                    response: response.to_owned(),
                },
            },
            source => Error::Simulation {
                card: self.card,
                source,
            },
        }
    }
}
