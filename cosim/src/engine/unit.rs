//! A compute unit: an instance of a kernel with the bus models on its ports.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::clocks::{self, Clocks};
use super::config::{EngineConfig, UnitOptions};
use super::error::{EngineError, Rule, Violation};
use super::gate::InterruptGate;
use super::interconnect::Interconnect;
use super::lite::{LitePort, RegisterAccess, RegisterResult};
use super::master::MasterPort;
use super::slave::SlavePort;
use super::stall::StallSource;
use crate::frame::{AxiLite, AxiMaster, FrameHeader};
use crate::interface::Direction;
use crate::memory::DeviceMemory;
use crate::model::Model;

/// Reset clocks after which a synchronous kernel has seen its reset for certain.
const RESET_SEEN: u64 = 2;

/// The control register of a kernel that is started and finishes (UG1393), its bit of a kernel at work, and those that tell of
/// the end: `ap_done`, `ap_idle`, `ap_ready`.
const CONTROL: u64 = 0;
const AP_START: u64 = 1 << 0;
const ENDED: u64 = 0b1110;

pub(super) struct Unit {
    pub(super) name: String,
    pub(super) model: Model,
    pub(super) masters: Vec<MasterPort>,
    pub(super) slaves: Vec<SlavePort>,
    pub(super) lites: Vec<LitePort>,
    /// Stream ports that are connected to nothing.
    pub(super) open_streams: BTreeSet<String>,
    /// `ap_rst_n`, and `ap_rst_n_2` of a kernel with two clocks.
    resets: Vec<usize>,
    /// It has `ap_clk_2`.
    two_clocks: bool,
    interrupt: Option<usize>,
    /// A fault hides that the kernel has finished, until it is reset.
    withheld: bool,
    /// What is seen of the interrupt, while faults may strike it.
    gate: Option<InterruptGate>,
    waves: Option<Waves>,
}

/// Waves wanted of a unit, for the clocks `from..to`.
struct Waves {
    path: PathBuf,
    from: u64,
    to: u64,
    open: bool,
}

impl Unit {
    /// `index` tells the units of an engine apart.
    pub(super) fn new(
        model: Model,
        options: UnitOptions,
        index: u64,
        config: &EngineConfig,
        memory: &DeviceMemory,
    ) -> Result<Self, EngineError> {
        let interfaces = model.interfaces().clone();
        let name = options.name.unwrap_or_else(|| interfaces.kernel.clone());
        let unsupported = |what: String| EngineError::Unsupported {
            unit: name.clone(),
            what,
        };
        if let Some(clock) = interfaces.clocks.get(1)
            && config.second_clock.is_none()
        {
            return Err(unsupported(format!(
                "there is no source for its clock `{clock}`; say its frequency"
            )));
        }
        for (port, banks) in &options.banks {
            if !interfaces.masters.iter().any(|master| master.name == *port) {
                let names: Vec<_> = interfaces
                    .masters
                    .iter()
                    .map(|master| master.name.as_str())
                    .collect();
                return Err(no_such(&name, "AXI4 master", port, &names));
            }
            if let Some(bank) = banks.iter().find(|bank| **bank >= memory.banks().len()) {
                let names: Vec<_> = memory
                    .banks()
                    .iter()
                    .map(|bank| bank.name.as_str())
                    .collect();
                return Err(no_such(&name, "bank", &bank.to_string(), &names));
            }
        }
        let stalls = &config.stalls;
        let mut ports = (index << 16)..;
        let mut source = |probabilities| {
            StallSource::new(config.seed, ports.next().expect("endless"), probabilities)
        };
        let masters = interfaces
            .masters
            .iter()
            .map(|master| {
                let banks = options
                    .banks
                    .get(&master.name)
                    .cloned()
                    .unwrap_or_else(|| (0..memory.banks().len()).collect());
                MasterPort::new(
                    format!("{name}.{}", master.name),
                    master,
                    banks.into(),
                    source([stalls.ar, stalls.r, stalls.aw, stalls.w, stalls.b]),
                    config.memory,
                )
            })
            .collect();
        let link = config.link.as_ref();
        let way = link.map_or(0, |link| link.clocks(config.clock_period_ps));
        let slaves = interfaces
            .slaves
            .iter()
            .map(|slave| {
                SlavePort::new(
                    format!("{name}.{}", slave.name),
                    slave,
                    source([stalls.slave; 5]),
                    way,
                )
            })
            .collect();
        let lites = interfaces
            .lites
            .iter()
            .map(|lite| {
                LitePort::new(
                    format!("{name}.{}", lite.name),
                    lite,
                    source([stalls.lite; 5]),
                    way,
                )
            })
            .collect();
        let offset = |port: &str, direction: Direction| {
            interfaces
                .port(port)
                .filter(|p| p.direction == direction)
                .map(|port| port.offset)
        };
        Ok(Self {
            resets: ["ap_rst_n", "ap_rst_n_2"]
                .iter()
                .filter_map(|port| offset(port, Direction::Input))
                .collect(),
            two_clocks: interfaces.clocks.len() > 1,
            open_streams: interfaces
                .streams
                .iter()
                .map(|stream| stream.name.clone())
                .collect(),
            interrupt: offset("interrupt", Direction::Output),
            name,
            model,
            masters,
            slaves,
            lites,
            withheld: false,
            gate: None,
            waves: None,
        })
    }

    /// One clock; the signals of the frame are those at its rising edge.
    #[inline]
    pub(super) fn exchange<const CHECK: bool>(
        &mut self,
        fabric: &mut Interconnect,
    ) -> Result<(), EngineError> {
        let frame = self.model.frame();
        for port in &mut self.masters {
            // SAFETY: the model checked that the structures lie in the frame, aligned and apart; nothing
            // else refers to it now.
            let axi = unsafe { frame.add(port.offset).cast::<AxiMaster>().as_mut() };
            port.step::<CHECK>(axi, fabric)
                .map_err(|violation| EngineError::from(*violation))?;
        }
        for port in &mut self.slaves {
            // SAFETY: as above.
            let axi = unsafe { frame.add(port.offset).cast::<AxiMaster>().as_mut() };
            port.step::<CHECK>(axi, fabric)
                .map_err(|violation| EngineError::from(*violation))?;
        }
        for port in &mut self.lites {
            // SAFETY: as above.
            let axi = unsafe { frame.add(port.offset).cast::<AxiLite>().as_mut() };
            port.step::<CHECK>(axi, fabric)
                .map_err(|violation| EngineError::from(*violation))?;
        }
        Ok(())
    }

    /// Clocks the model; `now` is the clock's number.
    #[inline]
    pub(super) fn clock(&mut self, now: u64, clocks: Clocks) -> Result<(), EngineError> {
        if self.waves.is_some() {
            self.turn_waves(now)?;
        }
        if self.two_clocks {
            return self.clock_both(now, clocks);
        }
        let period = clocks.period;
        self.set_times(now * period, now * period + period / 2);
        self.model.clock(clocks::FIRST)?;
        Ok(())
    }

    fn clock_both(&mut self, now: u64, clocks: Clocks) -> Result<(), EngineError> {
        for edge in clocks.edges(now) {
            self.set_times(edge.rise_ps, edge.fall_ps);
            self.model.clock(edge.mask)?;
        }
        Ok(())
    }

    #[inline(always)]
    fn set_times(&mut self, rise_ps: u64, fall_ps: u64) {
        // SAFETY: the frame starts with its header.
        let header = unsafe { self.model.frame().cast::<FrameHeader>().as_mut() };
        header.rise_ps = rise_ps;
        header.fall_ps = fall_ps;
    }

    pub(super) fn has_reset(&self) -> bool {
        !self.resets.is_empty()
    }

    /// Holds the kernel in reset for `count` clocks, its bus models idle.
    pub(super) fn reset(
        &mut self,
        fabric: &mut Interconnect,
        count: u64,
        clocks: Clocks,
        check: bool,
    ) -> Result<(), EngineError> {
        self.idle();
        self.set_reset(0);
        for clock in 0..count {
            self.clock(fabric.now + clock, clocks)?;
            // The reset reaches the kernel's registers one edge after it was driven.
            if check && self.has_reset() && clock >= RESET_SEEN {
                self.check_reset(fabric.now + clock)?;
            }
        }
        self.set_reset(1);
        Ok(())
    }

    /// Takes a saved state; whatever was under way on the buses is forgotten.
    pub(super) fn restore(&mut self, state: &[u8]) -> Result<(), EngineError> {
        self.idle();
        self.model.restore(state)?;
        Ok(())
    }

    /// Forgets what is under way, and drives idle values on the buses.
    fn idle(&mut self) {
        self.withheld = false;
        let frame = self.model.frame();
        for port in &mut self.masters {
            // SAFETY: as in `exchange`.
            port.reset(unsafe { frame.add(port.offset).cast::<AxiMaster>().as_mut() });
        }
        for port in &mut self.slaves {
            // SAFETY: as in `exchange`.
            port.reset(unsafe { frame.add(port.offset).cast::<AxiMaster>().as_mut() });
        }
        for port in &mut self.lites {
            // SAFETY: as in `exchange`.
            port.reset(unsafe { frame.add(port.offset).cast::<AxiLite>().as_mut() });
        }
    }

    fn set_reset(&mut self, level: u64) {
        for offset in &self.resets {
            self.model.set_word(*offset, level);
        }
    }

    fn check_reset(&mut self, clock: u64) -> Result<(), EngineError> {
        let frame = self.model.frame();
        let masters = self.masters.iter().map(|port| {
            // SAFETY: as in `exchange`.
            let axi = unsafe { frame.add(port.offset).cast::<AxiMaster>().as_ref() };
            (port.name(), port.valid_in_reset(axi))
        });
        let slaves = self.slaves.iter().map(|port| {
            // SAFETY: as in `exchange`.
            let axi = unsafe { frame.add(port.offset).cast::<AxiMaster>().as_ref() };
            (port.name.as_str(), port.valid_in_reset(axi))
        });
        let lites = self.lites.iter().map(|port| {
            // SAFETY: as in `exchange`.
            let axi = unsafe { frame.add(port.offset).cast::<AxiLite>().as_ref() };
            (port.name.as_str(), port.valid_in_reset(axi))
        });
        for (name, channel) in masters.chain(slaves).chain(lites) {
            if let Some(channel) = channel {
                return Err(EngineError::Protocol(Violation {
                    rule: Rule::ValidInReset,
                    port: name.to_owned(),
                    channel,
                    clock,
                    detail: String::new(),
                }));
            }
        }
        Ok(())
    }

    /// The name of a port on which something is under way.
    pub(super) fn busy_port(&mut self) -> Option<String> {
        let frame = self.model.frame();
        let master = self.masters.iter().find(|port| {
            // SAFETY: as in `exchange`.
            !port.is_quiet(unsafe { frame.add(port.offset).cast::<AxiMaster>().as_ref() })
        });
        let lite = self.lites.iter().find(|port| {
            // SAFETY: as in `exchange`.
            !port.is_quiet(unsafe { frame.add(port.offset).cast::<AxiLite>().as_ref() })
        });
        let slave = self.slaves.iter().find(|port| {
            // SAFETY: as in `exchange`.
            !port.is_quiet(unsafe { frame.add(port.offset).cast::<AxiMaster>().as_ref() })
        });
        master
            .map(|port| port.name().to_owned())
            .or_else(|| slave.map(|port| port.name.clone()))
            .or_else(|| lite.map(|port| port.name.clone()))
    }

    /// What every channel waits for.
    pub(super) fn waiting(&mut self) -> String {
        let frame = self.model.frame();
        let mut report = String::new();
        for port in &self.masters {
            // SAFETY: as in `exchange`.
            report += &port.waiting(unsafe { frame.add(port.offset).cast::<AxiMaster>().as_ref() });
        }
        for port in &self.slaves {
            // SAFETY: as in `exchange`.
            report += &port.waiting(unsafe { frame.add(port.offset).cast::<AxiMaster>().as_ref() });
        }
        for port in &self.lites {
            // SAFETY: as in `exchange`.
            report += &port.waiting(unsafe { frame.add(port.offset).cast::<AxiLite>().as_ref() });
        }
        report
    }

    /// Position of the AXI4 slave port of that name.
    pub(super) fn slave(&self, name: &str) -> Result<usize, EngineError> {
        let slaves = &self.model.interfaces().slaves;
        slaves
            .iter()
            .position(|port| port.name == name)
            .ok_or_else(|| {
                let names: Vec<_> = slaves.iter().map(|port| port.name.as_str()).collect();
                no_such(&self.name, "AXI4 slave", name, &names)
            })
    }

    /// The signals of a master port.
    pub(super) fn master_signals(&mut self, name: &str) -> Result<AxiMaster, EngineError> {
        let interfaces = self.model.interfaces();
        let Some(port) = interfaces.masters.iter().find(|port| port.name == name) else {
            let names: Vec<_> = interfaces
                .masters
                .iter()
                .map(|port| port.name.as_str())
                .collect();
            return Err(no_such(&self.name, "AXI4 master", name, &names));
        };
        let offset = port.offset;
        // SAFETY: as in `exchange`.
        Ok(unsafe { self.model.frame().add(offset).cast::<AxiMaster>().read() })
    }

    /// The level of `interrupt` as it is seen; low if the kernel has none.
    #[inline]
    pub(super) fn interrupt(&self) -> bool {
        match &self.gate {
            None => self.interrupt_line(),
            Some(gate) => gate.is_seen(),
        }
    }

    /// Looks what is seen of the interrupt after a clock.
    pub(super) fn gate_interrupt(&mut self, fabric: &Interconnect) {
        let level = self.interrupt_line();
        let gate = self.gate.get_or_insert_default();
        self.withheld |= gate.step(level, &self.name, fabric);
    }

    /// A register's answer that the host sees by now.
    pub(super) fn take_register(&mut self, now: u64) -> Option<RegisterResult> {
        let mut result = self.lites.first_mut()?.take_result(now)?;
        if self.withheld && result.access == (RegisterAccess::Read { address: CONTROL }) {
            result.data = result.data & !ENDED | AP_START;
        }
        Some(result)
    }

    /// No fault strikes the interrupt any more.
    pub(super) fn open_gate(&mut self) {
        self.gate = None;
    }

    /// The level of `interrupt`; low if the kernel has none.
    #[inline]
    pub(super) fn interrupt_line(&self) -> bool {
        self.interrupt
            .is_some_and(|offset| self.model.word(offset) & 1 != 0)
    }

    pub(super) fn record(&mut self, path: &Path, from: u64, to: u64) -> Result<(), EngineError> {
        self.stop_recording()?;
        self.waves = Some(Waves {
            path: path.to_owned(),
            from,
            to,
            open: false,
        });
        Ok(())
    }

    pub(super) fn stop_recording(&mut self) -> Result<(), EngineError> {
        if self.waves.take().is_some_and(|waves| waves.open) {
            self.model.trace_close()?;
        }
        Ok(())
    }

    #[cold]
    fn turn_waves(&mut self, now: u64) -> Result<(), EngineError> {
        let Some(waves) = &mut self.waves else {
            return Ok(());
        };
        if !waves.open && (waves.from..waves.to).contains(&now) {
            self.model.trace_open(&waves.path)?;
            waves.open = true;
        }
        if now >= waves.to {
            self.stop_recording()?;
        }
        Ok(())
    }
}

pub(super) fn no_such(
    unit: &str,
    kind: &'static str,
    name: &str,
    available: &[&str],
) -> EngineError {
    EngineError::NoSuch {
        unit: unit.to_owned(),
        kind,
        name: name.to_owned(),
        available: if available.is_empty() {
            "none".to_owned()
        } else {
            available.join(", ")
        },
    }
}
