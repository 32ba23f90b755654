//! The simulated card: Verilated kernels clocked by whoever waits for them.
//!
//! There is no simulation thread in the way of a short run: a thread that waits drives the engine itself. Only
//! when the program turns to something else while runs are pending (it copies buffers) a helper thread drives,
//! so that copying and running overlap.

mod board;
mod device;
mod dma;
mod pair;
mod queues;
mod served;
mod unit;
mod worker;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::backend::pair::Pair;
use crate::backend::residency::{Device as _, Residency, Seat};
use crate::backend::{
    Backend, BusError, EndedRun, Patience, Reliability, RunId, RunRequest, SimulatedTime, Waited,
};
use crate::card::{CardCore, OpenOptions};
use crate::card_id::CardId;
use crate::faults::{FaultInjector, LinkState};
use crate::image::Image;
use crate::memory::MappedMemory;
use crate::queue::QueueOptions;
use crate::store::CardStore;
use crate::{Error, Result};
pub use board::MemoryBanks;
use device::{SimConfig, SimDevice};
use pair::SimPair;
pub(crate) use served::ServedSim;
use worker::{Board, Worker};

/// Clocks driven between looks at the time, at new runs and at who else waits: a few milliseconds.
const SLICE: u64 = 8192;

/// How long a thread sleeps at most while another one drives the engine.
const DRIVER_POLL: Duration = Duration::from_millis(1);

/// How often the driver looks whether another process waits for the card.
const WANTED_POLL: Duration = Duration::from_millis(2);

/// Waves to record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waves {
    /// File to write, FST. Compute units after the first add their number to its name.
    pub path: PathBuf,
    /// First clock to record, counted from the opening of the card.
    pub from: u64,
    /// First clock not to record.
    pub to: u64,
}

/// What only a simulated card can do.
#[derive(Debug, Clone, Default)]
pub struct SimOptions {
    /// Seed, memory timing, link, stalls, checkers and watchdog. The clock's period comes from the image, and which banks
    /// are the host's memory: those named `HOST[..]`.
    pub engine: cosim::EngineConfig,
    /// Waves to record.
    pub waves: Option<Waves>,
    /// MHz of the kernels; `None`: what the image says. A simulated clock has no timing to meet.
    pub clock_mhz: Option<u16>,
    /// What the card suffers. Keep a clone, to arm it at any time.
    pub faults: FaultInjector,
}

/// A simulated card behind the backend line.
#[derive(Debug)]
pub(crate) struct SimBackend {
    shared: Arc<Shared>,
    worker: Worker,
    next_run: AtomicU64,
}

/// What drivers share.
#[derive(Debug)]
pub(crate) struct Shared {
    residency: Arc<Residency<SimDevice>>,
    config: SimConfig,
    board: Board,
    watch: WantedWatch,
}

/// Whether a file can be written, found out before a simulation depends on it.
fn check_writable(path: &Path) -> std::io::Result<()> {
    let new = !path.exists();
    std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)?;
    if new {
        std::fs::remove_file(path)
    } else {
        Ok(())
    }
}

impl SimBackend {
    pub(crate) fn open(id: CardId, store: CardStore, options: &OpenOptions) -> Result<Self> {
        if let Some(waves) = &options.simulation.waves {
            check_writable(&waves.path).map_err(|source| Error::Waves {
                path: waves.path.clone(),
                source,
            })?;
        }
        let config = SimConfig {
            options: options.simulation.clone(),
            trust: options.trust.clone(),
            banks: None,
            memory: Arc::new(Mutex::new(None)),
            clocks: Arc::default(),
            clocking: Arc::default(),
        };
        let shared = Arc::new(Shared {
            residency: Residency::open(id, store, config.clone())?,
            config,
            board: Board::new(id),
            watch: WantedWatch::new(),
        });
        let worker = Worker::spawn(id, &shared)?;
        Ok(Self {
            shared,
            worker,
            next_run: AtomicU64::new(0),
        })
    }

    fn faults(&self) -> &FaultInjector {
        &self.shared.config.options.faults
    }

    /// Whether the card is there to be worked on.
    fn check_link(&self) -> Result<()> {
        self.shared.check_link()
    }

    fn memory(&self) -> Result<Arc<cosim::DeviceMemory>> {
        self.check_link()?;
        // Without the device there is no memory yet; making it needs the turn.
        if self.shared.config.memory.lock().is_none() {
            self.shared.residency.sit()?.device()?;
        }
        self.shared
            .config
            .memory
            .lock()
            .clone()
            .ok_or(Error::NotProgrammed {
                card: self.shared.residency.id(),
            })
    }

    /// The device with nothing on the register bus in the way of a blocking access.
    fn with_device<T>(&self, use_it: impl FnOnce(&mut SimDevice) -> Result<T>) -> Result<T> {
        self.check_link()?;
        let mut seat = self.shared.residency.sit()?;
        let result = use_it(seat.device()?);
        let time = seat.device()?.clocks();
        self.shared.config.clocks.store(time, Ordering::Relaxed);
        result
    }
}

impl Shared {
    /// Whether the card is there. One whose link went down is lost for this opening, as a card on the bus is: it comes back
    /// as another.
    pub(super) fn check_link(&self) -> Result<()> {
        let reason = match self.config.options.faults.link() {
            LinkState::Up => return Ok(()),
            LinkState::Lost => "its link is down",
            LinkState::Removed => "it was removed",
        };
        Err(Error::DeviceLost {
            card: self.residency.id(),
            reason: reason.to_owned(),
            advice: "open it anew once it is there again".to_owned(),
        })
    }

    /// Drives the engine for a slice of clocks: starts what was submitted, completes what ended.
    pub(super) fn drive(&self, seat: &mut Seat<'_, SimDevice>) -> Result<()> {
        let generation = seat.generation();
        let now = Instant::now();
        let wanted = self.watch.is_due(now) && seat.is_wanted();
        let device = seat.device()?;
        for (run, request) in self.board.take_submitted(generation) {
            device.enqueue(run, request);
        }
        // Runs already begun are completed before the card is handed on; no new one begins. With queues open it stays.
        let wanted = wanted && !device.is_tied();
        let ended = device.work(SLICE, !wanted, now);
        self.config.clocks.store(device.clocks(), Ordering::Relaxed);
        self.board.post(ended);
        if wanted && !device.is_working() {
            self.board.give_back(device.withdraw(), generation);
            seat.hand_on()?;
        }
        Ok(())
    }
}

impl Shared {
    /// Drives the engine for up to so many clocks, until `ready` says so; whether it did.
    pub(super) fn drive_until(
        &self,
        seat: &mut Seat<'_, SimDevice>,
        clocks: u64,
        ready: &dyn Fn() -> bool,
    ) -> Result<bool> {
        let generation = seat.generation();
        let device = seat.device()?;
        for (run, request) in self.board.take_submitted(generation) {
            device.enqueue(run, request);
        }
        let mut ended = Vec::new();
        let reached = device.work_until(clocks, ready, Instant::now(), &mut ended);
        self.board.post(ended);
        reached
    }
}

/// Limits how often drivers ask the system whether others wait, over all the runs they drive.
#[derive(Debug)]
struct WantedWatch {
    begin: Instant,
    /// Nanoseconds from `begin` to the last time the system was asked.
    asked: AtomicU64,
}

impl WantedWatch {
    fn new() -> Self {
        Self {
            begin: Instant::now(),
            asked: AtomicU64::new(0),
        }
    }

    fn is_due(&self, now: Instant) -> bool {
        let now = now.saturating_duration_since(self.begin).as_nanos() as u64;
        let due =
            now.saturating_sub(self.asked.load(Ordering::Relaxed)) >= WANTED_POLL.as_nanos() as u64;
        if due {
            self.asked.store(now, Ordering::Relaxed);
        }
        due
    }
}

impl Backend for SimBackend {
    fn image(&self) -> Option<Arc<Image>> {
        self.shared.residency.image()
    }

    fn generation(&self) -> u64 {
        self.shared.residency.generation()
    }

    fn program(&self, image: Arc<Image>) -> Result<()> {
        self.check_link()?;
        let mut seat = self.shared.residency.sit_to_program()?;
        if self.shared.board.is_busy() {
            return Err(Error::WrongState {
                card: self.shared.residency.id(),
                reason: "a run is going on; wait for it or abort it before programming".to_owned(),
            });
        }
        seat.program(image)
    }

    fn program_empty(&self, image: Arc<Image>) -> Result<()> {
        self.check_link()?;
        self.shared.residency.sit()?.program_empty(image)
    }

    fn reset(&self) -> Result<()> {
        self.check_link()?;
        let mut seat = self.shared.residency.sit()?;
        if let Ok(device) = seat.device() {
            let ended = device.abort_all();
            self.shared.board.post(ended);
        }
        seat.reset()
    }

    fn reset_unit(&self, unit: usize) -> Result<()> {
        self.check_link()?;
        let mut seat = self.shared.residency.sit()?;
        let generation = seat.generation();
        let device = seat.device()?;
        for (run, request) in self.shared.board.take_submitted(generation) {
            device.enqueue(run, request);
        }
        let ended = device.abort_unit(unit)?;
        self.shared.board.post(ended);
        Ok(())
    }

    fn renew(&self) -> Result<()> {
        self.check_link()?;
        let mut seat = self.shared.residency.sit_to_renew()?;
        if let Some(device) = seat.present() {
            let ended = device.abort_all();
            self.shared.board.post(ended);
        }
        seat.renew()
    }

    fn lives_here(&self) -> bool {
        true
    }

    fn commit(&self) -> Result<()> {
        self.shared.residency.sit()?.store()
    }

    fn write_memory(&self, address: u64, bytes: &[u8]) -> Result<()> {
        self.worker.kick();
        let memory = self.memory()?;
        let written = dma::to_card(self.faults(), &memory, address, bytes);
        // The link may have gone down with it.
        self.check_link()?;
        written.map_err(|source| self.bus(source))
    }

    fn read_memory(&self, address: u64, bytes: &mut [u8]) -> Result<()> {
        self.worker.kick();
        let memory = self.memory()?;
        let read = dma::from_card(self.faults(), &memory, address, bytes);
        self.check_link()?;
        read.map_err(|source| self.bus(source))
    }

    fn copy_memory(&self, from: u64, to: u64, len: usize) -> Result<()> {
        self.worker.kick();
        dma::within(&*self.memory()?, from, to, len).map_err(|source| self.bus(source))
    }

    fn map_memory(&self, address: u64, len: usize) -> Result<Option<MappedMemory>> {
        let memory = self.memory()?;
        let start = memory
            .host_pointer(address, len)
            .map_err(|error| self.bus(dma::memory_error(&error, address, len)))?;
        Ok(Some(MappedMemory::new(start, len, memory)))
    }

    fn read_register(&self, unit: usize, offset: u32) -> Result<u32> {
        self.with_device(|device| device.read_register(unit, offset))
    }

    fn write_register(&self, unit: usize, offset: u32, value: u32) -> Result<()> {
        self.with_device(|device| device.write_register(unit, offset, value))
    }

    fn submit(&self, request: RunRequest) -> Result<RunId> {
        self.check_link()?;
        let run = RunId(self.next_run.fetch_add(1, Ordering::Relaxed));
        self.shared.board.submit(run, request, self.generation());
        Ok(run)
    }

    fn wait(&self, run: RunId, patience: &Patience) -> Result<Waited> {
        match self.wait_any(&|| vec![run], patience)?.pop() {
            Some((_, result)) => result.map(Waited::Done),
            None => Ok(Waited::Pending(
                "in simulation, --waves shows what it waits for".to_owned(),
            )),
        }
    }

    fn wait_any(
        &self,
        runs: &dyn Fn() -> Vec<RunId>,
        patience: &Patience,
    ) -> Result<Vec<EndedRun>> {
        let begin = Instant::now();
        let mut first = true;
        loop {
            let runs = runs();
            let ended = self.shared.board.take_all(&runs);
            if !ended.is_empty() || runs.is_empty() {
                return Ok(ended);
            }
            // The time is not asked for again when a run ends in the first slice.
            let left = if std::mem::take(&mut first) {
                patience.timeout
            } else {
                patience.timeout.saturating_sub(begin.elapsed())
            };
            if left.is_zero() || patience.cancel.is_cancelled() {
                return Ok(Vec::new());
            }
            let rest = Patience {
                timeout: left,
                cancel: patience.cancel.clone(),
            };
            self.check_link()?;
            match self.shared.residency.try_sit(&rest) {
                Ok(Some(mut seat)) => {
                    self.shared.drive(&mut seat)?;
                    seat.bump();
                }
                Ok(None) => self.shared.board.sleep(DRIVER_POLL.min(left)),
                // The card's turn did not come in time: the run has not begun.
                Err(Error::Cancelled { .. }) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn abort(&self, run: RunId) -> Result<()> {
        self.check_link()?;
        if self.shared.board.withdraw(run) {
            return Ok(());
        }
        let mut seat = self.shared.residency.sit()?;
        let device = seat.device()?;
        let ended = device.abort(run)?;
        self.shared.board.post(ended);
        // The outcome is the caller's who aborted: nobody asks for it.
        self.shared.board.take(run);
        Ok(())
    }

    fn open_pair(&self, core: &Arc<CardCore>, options: &QueueOptions) -> Result<Box<dyn Pair>> {
        self.check_link()?;
        Ok(Box::new(SimPair::open(&self.shared, core, options)?))
    }

    fn reliability(&self) -> Option<Reliability> {
        let memory = self.shared.config.memory.lock().clone();
        let found = memory.map_or_else(Default::default, |memory| memory.ecc_counters());
        Some(Reliability {
            corrected: found.corrected,
            uncorrected: found.uncorrected,
            replays: self.faults().replays(),
        })
    }

    fn simulated_time(&self) -> Option<SimulatedTime> {
        let clocks = self.shared.config.clocks.load(Ordering::Relaxed);
        let period_ps = self
            .image()
            .map_or(0, |image| self.shared.config.options.period_ps(&image));
        let clocking = Duration::from_nanos(self.shared.config.clocking.load(Ordering::Relaxed));
        Some(SimulatedTime {
            clocks,
            period_ps,
            clocking,
        })
    }

    fn close(&self, keep: bool) -> Result<()> {
        self.worker.stop();
        self.shared.residency.close(keep)
    }
}

impl SimBackend {
    fn bus(&self, source: BusError) -> Error {
        Error::Bus {
            card: self.shared.residency.id(),
            source,
        }
    }
}

impl Drop for SimBackend {
    fn drop(&mut self) {
        self.worker.stop();
        self.shared.residency.close_on_drop();
    }
}
