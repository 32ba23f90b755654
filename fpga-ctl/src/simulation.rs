//! Options that only a simulated card has: its memory's timing, stalls, checkers and waves.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::{Args, value_parser};
use host_runtime::cosim::engine::{MemoryTiming, Stalls};
use host_runtime::{CardId, SimOptions, Waves, cosim::EngineConfig};

use crate::faults::FaultArgs;

/// Options of the simulation.
#[derive(Debug, Args)]
#[command(next_help_heading = "Simulation")]
pub(crate) struct SimulationArgs {
    /// Record waves into this file, FST
    #[arg(long, value_name = "FILE.fst")]
    pub(crate) waves: Option<PathBuf>,
    /// First clock to record, counted from the opening of the card
    #[arg(long, value_name = "CLOCK", requires = "waves")]
    waves_from: Option<u64>,
    /// First clock not to record any more
    #[arg(long, value_name = "CLOCK", requires = "waves")]
    waves_to: Option<u64>,
    /// Seed of everything that is random in the simulation
    #[arg(long, default_value_t = EngineConfig::default().seed)]
    pub(crate) seed: u64,
    /// Clock of the kernels [default: what the image says]
    #[arg(long, value_name = "MHZ", value_parser = value_parser!(u16).range(1..=2000))]
    clock: Option<u16>,
    /// Clocks from an accepted read burst to its first beat
    #[arg(long, value_name = "CLOCKS", value_parser = value_parser!(u64).range(1..), default_value_t = MemoryTiming::default().read_latency)]
    latency: u64,
    /// Clocks from the last beat of a write burst to its response
    #[arg(long, value_name = "CLOCKS", value_parser = value_parser!(u64).range(1..), default_value_t = MemoryTiming::default().write_latency)]
    write_latency: u64,
    /// Bursts that a port may have under way in each direction
    #[arg(long, value_name = "BURSTS", value_parser = value_parser!(u16).range(1..), default_value_t = MemoryTiming::default().outstanding as u16)]
    outstanding: u16,
    /// Bytes that each bank moves per clock [default: a beat on every port in each direction]
    #[arg(long, value_name = "BYTES", value_parser = value_parser!(u32).range(1..))]
    bandwidth: Option<u32>,
    /// Share of clocks in which each bus channel stalls at random
    #[arg(long, value_name = "PERCENT", value_parser = value_parser!(u8).range(0..=95), default_value_t = 0)]
    stalls: u8,
    /// Do not check the bus protocol
    #[arg(long)]
    no_checkers: bool,
    /// Clocks without progress after which the simulation gives up
    #[arg(long, value_name = "CLOCKS", value_parser = value_parser!(u64).range(1..), default_value_t = EngineConfig::default().watchdog)]
    watchdog: u64,
    #[command(flatten)]
    faults: FaultArgs,
}

impl SimulationArgs {
    /// What the runtime calls it; for another card than a simulated one only the defaults make sense.
    pub(crate) fn options(&self, card: CardId) -> Result<SimOptions> {
        let range = self.waves_from.unwrap_or(0)..self.waves_to.unwrap_or(u64::MAX);
        if range.is_empty() {
            bail!(
                "--waves-from {} is not before --waves-to {}",
                range.start,
                range.end
            );
        }
        if let (Some(path), false) = (&self.waves, matches!(card, CardId::Simulated(_))) {
            bail!(
                "{card} has no waves to record in {}; use a simulated card: --card sim:0",
                path.display()
            );
        }
        let folder = self.waves.as_deref().and_then(Path::parent);
        if let Some(folder) = folder.filter(|folder| !folder.as_os_str().is_empty())
            && !folder.is_dir()
        {
            bail!(
                "there is no folder {} to write waves into; create it first",
                folder.display()
            );
        }
        Ok(SimOptions {
            engine: EngineConfig {
                seed: self.seed,
                memory: MemoryTiming {
                    read_latency: self.latency,
                    write_latency: self.write_latency,
                    outstanding: self.outstanding.into(),
                    bytes_per_clock: self.bandwidth,
                },
                stalls: Stalls::all(f64::from(self.stalls) / 100.0),
                checkers: !self.no_checkers,
                watchdog: self.watchdog,
                ..EngineConfig::default()
            },
            waves: self.waves.clone().map(|path| Waves {
                path,
                from: range.start,
                to: range.end,
            }),
            clock_mhz: self.clock,
            faults: self.faults.injector(card)?,
        })
    }
}
