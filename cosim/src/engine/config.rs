//! How an engine and its compute units are set up.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::clocks::ClockRatio;
use super::inject::Injector;
use super::pcie::PcieLink;
use super::stall::Stalls;

/// How the memory answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryTiming {
    /// Clocks from an accepted read burst to its first beat; at least 1.
    pub read_latency: u64,
    /// Clocks from the last beat of a write burst to its response; at least 1.
    pub write_latency: u64,
    /// Bursts that a port may have under way, in each direction; at least 1.
    pub outstanding: usize,
    /// Bytes that each bank moves per clock, shared by reads and writes of all ports; `None` leaves every
    /// port one beat a clock in each direction.
    pub bytes_per_clock: Option<u32>,
}

impl Default for MemoryTiming {
    fn default() -> Self {
        Self {
            read_latency: 64,
            write_latency: 16,
            outstanding: 32,
            bytes_per_clock: None,
        }
    }
}

/// How an engine runs.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Of everything that is random: stalls, values before reset.
    pub seed: u64,
    /// Period of `ap_clk` in picoseconds, the time base of waves.
    pub clock_period_ps: u64,
    /// Frequency of `ap_clk_2`, for kernels that have it.
    pub second_clock: Option<ClockRatio>,
    /// The memory's timing.
    pub memory: MemoryTiming,
    /// The way between host and card; `None`: no delay.
    pub link: Option<PcieLink>,
    /// Random stalls.
    pub stalls: Stalls,
    /// Faults; whoever keeps a handle of it can arm it at any time.
    pub injector: Arc<Injector>,
    /// Whether the AXI protocol is checked.
    pub checkers: bool,
    /// Clocks without progress after which [`Engine::run_until`](super::Engine::run_until) gives up, while
    /// [`Engine::set_running`](super::Engine::set_running) says that a kernel runs.
    pub watchdog: u64,
    /// Clocks that [`Engine::read_register`](super::Engine::read_register) and
    /// [`Engine::write_register`](super::Engine::write_register) wait for an answer.
    pub register_timeout: u64,
    /// Clocks for which [`Engine::reset`](super::Engine::reset) holds the reset.
    pub reset_clocks: u64,
    /// Measure where the time goes, on one clock of 64: see [`Counters`](super::Counters).
    pub sample_time: bool,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            clock_period_ps: 3333,
            second_clock: None,
            memory: MemoryTiming::default(),
            link: None,
            stalls: Stalls::default(),
            injector: Arc::default(),
            checkers: true,
            watchdog: 1_000_000,
            register_timeout: 10_000,
            reset_clocks: 16,
            sample_time: false,
        }
    }
}

/// How a kernel becomes a compute unit.
#[derive(Debug, Clone, Default)]
pub struct UnitOptions {
    /// Name of the compute unit; its kernel's name unless told.
    pub name: Option<String>,
    /// Banks by master port (`m_axi_gmem0`), as positions in the memory; a port that is not listed reaches
    /// all of them.
    pub banks: BTreeMap<String, Vec<usize>>,
}
