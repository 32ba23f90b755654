//! Clocks the compute units of a card and answers their buses.
//!
//! An engine is deterministic: what it does is a function of the models, the content of the memory, the calls
//! made and the seed, never of the host's timing.

mod access;
mod burst;
mod clocks;
mod config;
mod error;
mod gate;
mod inject;
mod interconnect;
mod lite;
mod master;
mod pcie;
mod read;
mod remote;
mod slave;
mod stall;
mod state;
mod stream;
mod transfer;
mod unit;
mod write;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use clocks::ClockRatio;
pub use config::{EngineConfig, MemoryTiming, UnitOptions};
pub use error::{Channel, EngineError, Rule, Violation};
pub use inject::{Effect, Injection, InjectionTally, Injector, Site, Trigger, names_port, random};
pub use interconnect::{Access, ErrorResponse, Fault};
pub use lite::{RegisterAccess, RegisterResult};
pub use pcie::PcieLink;
pub use remote::RemoteMemory;
pub use slave::{BurstResult, BurstWrite};
pub use stall::Stalls;
pub use stream::StreamEnd;

use crate::frame::AxiMaster;
use crate::interface::{Direction, Interfaces, Port};
use crate::memory::DeviceMemory;
use crate::model::{InstanceOptions, ModelLibrary};
use clocks::Clocks;
use interconnect::Interconnect;
use stall::StallSource;
use stream::Link;
use unit::{Unit, no_such};

/// One clock in this many is measured with [`EngineConfig::sample_time`].
const SAMPLE_EVERY: u64 = 64;

/// What an engine has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Clocks stepped since the engine was made.
    pub clocks: u64,
    /// Clocks that were measured: see [`EngineConfig::sample_time`].
    pub sampled: u64,
    /// Time inside the models, in the measured clocks.
    pub model: Duration,
    /// Time inside the bus models and checkers, in the measured clocks.
    pub bus: Duration,
}

/// How [`Engine::run_until`] ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunEnd {
    /// The condition became true.
    Reached,
    /// The clocks given were used up.
    ClocksUsed,
}

/// A handle to a port that belongs to no bus, from [`Engine::port`].
#[derive(Debug, Clone, Copy)]
pub struct PortHandle {
    unit: usize,
    offset: usize,
    width: u32,
}

/// The compute units of a card with their memory, clocked together.
pub struct Engine {
    config: EngineConfig,
    units: Vec<Unit>,
    links: Vec<Link>,
    clocks: Clocks,
    fabric: Interconnect,
    running: bool,
    /// Why the engine cannot be stepped.
    halted: Option<String>,
    counters: Counters,
}

impl Engine {
    /// An engine without compute units.
    pub fn new(config: EngineConfig, memory: Arc<DeviceMemory>) -> Self {
        Self {
            fabric: Interconnect::new(memory, &config),
            clocks: Clocks::new(config.clock_period_ps, config.second_clock),
            config,
            units: Vec::new(),
            links: Vec::new(),
            running: false,
            halted: None,
            counters: Counters::default(),
        }
    }

    /// Adds an instance of `kernel` as a compute unit, and answers its position. Reset the engine before the
    /// unit is used.
    ///
    /// # Errors
    ///
    /// A kernel that the library does not have or that the engine cannot drive; options that name ports or
    /// banks that are not there.
    pub fn add(
        &mut self,
        library: &ModelLibrary,
        kernel: &str,
        options: UnitOptions,
    ) -> Result<usize, EngineError> {
        self.clocks.check()?;
        let index = self.units.len();
        let seed = self.config.seed.wrapping_add(index as u64);
        let model = library.instantiate(kernel, InstanceOptions { seed })?;
        let unit = Unit::new(
            model,
            options,
            index as u64,
            &self.config,
            self.fabric.memory(),
        )?;
        self.units.push(unit);
        Ok(index)
    }

    /// Has the stream port `from` send to the stream port `to`, through a FIFO of `depth` beats (at least two).
    /// Every stream port must be connected before the engine is reset.
    ///
    /// # Errors
    ///
    /// A unit or port that is not there, or is connected already; ports of different widths.
    pub fn connect_streams(
        &mut self,
        from: &StreamEnd,
        to: &StreamEnd,
        depth: usize,
    ) -> Result<(), EngineError> {
        // Ports of units are numbered from 0.
        let number = u64::MAX - self.links.len() as u64;
        let t = self.config.stalls.t;
        let stalls = StallSource::new(self.config.seed, number, [t, t, 0.0, 0.0, 0.0]);
        let link = Link::new(&mut self.units, from, to, depth, stalls)?;
        self.links.push(link);
        Ok(())
    }

    /// The memory.
    pub fn memory(&self) -> &Arc<DeviceMemory> {
        self.fabric.memory()
    }

    /// Number of compute units.
    pub fn units(&self) -> usize {
        self.units.len()
    }

    /// The ports of a compute unit's kernel.
    ///
    /// # Errors
    ///
    /// [`EngineError::NoSuchUnit`].
    pub fn interfaces(&self, unit: usize) -> Result<&Interfaces, EngineError> {
        Ok(self.unit(unit)?.model.interfaces())
    }

    /// What the engine has done so far.
    pub fn counters(&self) -> Counters {
        Counters {
            clocks: self.fabric.now,
            ..self.counters
        }
    }

    /// Replaces the errors that the memory shall answer.
    pub fn set_faults(&mut self, faults: Vec<Fault>) {
        self.fabric.set_faults(faults);
    }

    /// Has kernels reach another memory where the bank at this position of the memory is.
    pub fn set_remote(&mut self, bank: usize, memory: Arc<dyn RemoteMemory>) {
        self.fabric.set_remote(bank, memory);
    }

    /// The clock of the last transfer on any bus; reading registers does not count.
    pub fn last_progress(&self) -> u64 {
        self.fabric.last_progress
    }

    /// Resets all compute units and their bus models, and takes back a halt after a protocol violation. The
    /// memory keeps its content.
    ///
    /// # Errors
    ///
    /// A kernel that has stopped cannot be reset; one that asserts a VALID in reset breaks the protocol.
    pub fn reset(&mut self) -> Result<(), EngineError> {
        self.running = false;
        self.halted = None;
        self.try_reset().map_err(|error| self.halt(error))
    }

    fn try_reset(&mut self) -> Result<(), EngineError> {
        for unit in &self.units {
            if let Some(port) = unit.open_streams.first() {
                return Err(EngineError::Unsupported {
                    unit: unit.name.clone(),
                    what: format!("stream port `{port}` is connected to nothing"),
                });
            }
        }
        for link in &mut self.links {
            link.reset(&mut self.units);
        }
        let count = self.config.reset_clocks.max(1);
        let check = self.config.checkers;
        for unit in &mut self.units {
            unit.reset(&mut self.fabric, count, self.clocks, check)?;
        }
        self.fabric.now += count;
        self.fabric.last_progress = self.fabric.now;
        if check {
            for link in &self.links {
                link.check_reset(&mut self.units, self.fabric.now)?;
            }
        }
        Ok(())
    }

    /// Resets one compute unit and its bus models; the others stand still meanwhile and keep their state. Streams
    /// between units keep what is under way in them.
    ///
    /// # Errors
    ///
    /// As [`reset`](Self::reset), [`EngineError::NoSuchUnit`], and [`EngineError::Halted`] after an error: only a reset
    /// of the whole engine takes that back.
    pub fn reset_unit(&mut self, unit: usize) -> Result<(), EngineError> {
        if let Some(reason) = &self.halted {
            return Err(EngineError::Halted(reason.clone()));
        }
        self.unit(unit)?;
        let count = self.config.reset_clocks.max(1);
        let check = self.config.checkers;
        let result = self.units[unit].reset(&mut self.fabric, count, self.clocks, check);
        for link in &mut self.links {
            link.sender_was_reset(unit);
        }
        self.fabric.now += count;
        self.fabric.last_progress = self.fabric.now;
        result.map_err(|error| self.halt(error))
    }

    /// One clock of every compute unit.
    ///
    /// # Errors
    ///
    /// A protocol violation or a kernel that stopped; the engine is halted then.
    #[inline]
    pub fn step(&mut self) -> Result<(), EngineError> {
        self.run(1)
    }

    /// `clocks` clocks of every compute unit, without watching for progress.
    ///
    /// # Errors
    ///
    /// As [`step`](Self::step).
    pub fn run(&mut self, clocks: u64) -> Result<(), EngineError> {
        let done = |_: &Self| false;
        let last = self.fabric.now.saturating_add(clocks);
        self.dispatch(last, u64::MAX, done).map(|_| ())
    }

    /// Steps until `done` (asked before every clock) or for `clocks` clocks, whichever comes first.
    ///
    /// # Errors
    ///
    /// As [`step`](Self::step); and [`EngineError::Watchdog`] while [`set_running`](Self::set_running) is on
    /// and nothing moves.
    #[inline]
    pub fn run_until(
        &mut self,
        clocks: u64,
        done: impl FnMut(&Self) -> bool,
    ) -> Result<RunEnd, EngineError> {
        let last = self.fabric.now.saturating_add(clocks);
        let patience = if self.running {
            self.config.watchdog
        } else {
            u64::MAX
        };
        self.dispatch(last, patience, done)
    }

    #[inline]
    fn dispatch(
        &mut self,
        last: u64,
        patience: u64,
        done: impl FnMut(&Self) -> bool,
    ) -> Result<RunEnd, EngineError> {
        if let Some(reason) = &self.halted {
            return Err(EngineError::Halted(reason.clone()));
        }
        let result = if self.config.checkers {
            self.run_loop::<true>(last, patience, done)
        } else {
            self.run_loop::<false>(last, patience, done)
        };
        result.map_err(|error| self.halt(error))
    }

    #[inline]
    fn run_loop<const CHECK: bool>(
        &mut self,
        last: u64,
        patience: u64,
        mut done: impl FnMut(&Self) -> bool,
    ) -> Result<RunEnd, EngineError> {
        let clocks = self.clocks;
        let gated = self.fabric.injector().watches_interrupts();
        if !gated {
            self.units.iter_mut().for_each(Unit::open_gate);
        }
        while !done(self) {
            let now = self.fabric.now;
            if now >= last {
                return Ok(RunEnd::ClocksUsed);
            }
            if now - self.fabric.last_progress > patience {
                return Err(self.starved(patience));
            }
            self.fabric.refill();
            for link in &mut self.links {
                link.step::<CHECK>(&mut self.units, &mut self.fabric)?;
            }
            if self.config.sample_time && now.is_multiple_of(SAMPLE_EVERY) {
                self.measured_step::<CHECK>(clocks)?;
            } else {
                for unit in &mut self.units {
                    unit.exchange::<CHECK>(&mut self.fabric)?;
                    unit.clock(now, clocks)?;
                }
            }
            self.fabric.now = now + 1;
            self.fabric.land();
            if gated {
                self.gate_interrupts();
            }
        }
        Ok(RunEnd::Reached)
    }

    #[cold]
    fn gate_interrupts(&mut self) {
        for unit in &mut self.units {
            unit.gate_interrupt(&self.fabric);
        }
    }

    #[cold]
    fn measured_step<const CHECK: bool>(&mut self, clocks: Clocks) -> Result<(), EngineError> {
        for unit in &mut self.units {
            let start = Instant::now();
            unit.exchange::<CHECK>(&mut self.fabric)?;
            let exchanged = Instant::now();
            unit.clock(self.fabric.now, clocks)?;
            self.counters.bus += exchanged - start;
            self.counters.model += exchanged.elapsed();
        }
        self.counters.sampled += 1;
        Ok(())
    }

    #[cold]
    fn starved(&mut self, limit: u64) -> EngineError {
        let mut report: String = self.units.iter_mut().map(Unit::waiting).collect();
        for link in &self.links {
            report += &link.waiting(&mut self.units);
        }
        EngineError::Watchdog {
            clock: self.fabric.now,
            limit,
            report: report.trim_end().to_owned(),
        }
    }

    /// Ends what cannot go on: the waves are completed, so that they show the end.
    #[cold]
    fn halt(&mut self, error: EngineError) -> EngineError {
        self.halted = Some(error.to_string());
        for unit in &mut self.units {
            if let Err(error) = unit.stop_recording() {
                tracing::warn!(%error, "waves are incomplete");
            }
        }
        error
    }

    /// Says whether a kernel runs, which arms or disarms the watchdog from this clock on.
    pub fn set_running(&mut self, running: bool) {
        self.running = running;
        self.fabric.last_progress = self.fabric.now;
    }

    /// The level of a compute unit's `interrupt` after the last clock; low if it has none. An injected fault may keep it
    /// from being seen here, or let it be seen later.
    #[inline]
    pub fn interrupt(&self, unit: usize) -> bool {
        self.units.get(unit).is_some_and(Unit::interrupt)
    }

    /// As [`interrupt`](Self::interrupt), at the kernel itself, where no fault strikes it.
    #[inline]
    pub fn interrupt_line(&self, unit: usize) -> bool {
        self.units.get(unit).is_some_and(Unit::interrupt_line)
    }

    /// The signals of an AXI4 master port, as they will be at the next rising edge.
    ///
    /// # Errors
    ///
    /// If there is no such unit, or it has no such port.
    pub fn master_signals(&mut self, unit: usize, port: &str) -> Result<AxiMaster, EngineError> {
        self.unit_mut(unit)?.master_signals(port)
    }

    /// A port of a compute unit that belongs to no bus.
    ///
    /// # Errors
    ///
    /// If there is none of that name and direction.
    pub fn port(
        &self,
        unit: usize,
        name: &str,
        direction: Direction,
    ) -> Result<PortHandle, EngineError> {
        let owner = self.unit(unit)?;
        let ports = || {
            owner
                .model
                .interfaces()
                .ports
                .iter()
                .filter(|port| port.direction == direction)
        };
        match ports().find(|port| port.name == name) {
            Some(Port { offset, width, .. }) => Ok(PortHandle {
                unit,
                offset: *offset,
                width: *width,
            }),
            None => {
                let names: Vec<_> = ports().map(|port| port.name.as_str()).collect();
                Err(no_such(&owner.name, "port", name, &names))
            }
        }
    }

    /// The value of a port, its lowest 64 bits.
    #[inline]
    pub fn value(&self, port: PortHandle) -> u64 {
        self.units[port.unit].model.word(port.offset)
    }

    /// Drives an input port from the next clock on, its lowest 64 bits; bits past its width are dropped.
    pub fn drive(&mut self, port: PortHandle, value: u64) {
        let mask = if port.width >= 64 {
            u64::MAX
        } else {
            (1 << port.width) - 1
        };
        self.units[port.unit]
            .model
            .set_word(port.offset, value & mask);
    }

    /// Records the waves of a compute unit in `path` (FST) for the clocks `from..to`; a recording under way
    /// is completed first.
    ///
    /// # Errors
    ///
    /// If the earlier recording cannot be completed. What goes wrong with this one shows when it starts.
    pub fn record_waves(
        &mut self,
        unit: usize,
        path: &Path,
        from: u64,
        to: u64,
    ) -> Result<(), EngineError> {
        self.unit_mut(unit)?.record(path, from, to)
    }

    /// Completes a recording.
    ///
    /// # Errors
    ///
    /// If the file cannot be completed.
    pub fn stop_waves(&mut self, unit: usize) -> Result<(), EngineError> {
        self.unit_mut(unit)?.stop_recording()
    }

    /// Writes the coverage of a compute unit's kernel to `path`, in Verilator's format.
    ///
    /// # Errors
    ///
    /// If its model was built without coverage.
    pub fn write_coverage(&mut self, unit: usize, path: &Path) -> Result<(), EngineError> {
        Ok(self.unit_mut(unit)?.model.write_coverage(path)?)
    }

    fn unit(&self, index: usize) -> Result<&Unit, EngineError> {
        self.units.get(index).ok_or(EngineError::NoSuchUnit(index))
    }

    fn unit_mut(&mut self, index: usize) -> Result<&mut Unit, EngineError> {
        self.units
            .get_mut(index)
            .ok_or(EngineError::NoSuchUnit(index))
    }
}
