//! The backend line: one small trait between the runtime and whatever stands for a card. All checking that does
//! not need the device (names, ranges, connectivity) happens above it, so backends stay thin; their errors are
//! only what a caller cannot foresee.

pub(crate) mod pair;
pub(crate) mod pcie;
pub(crate) mod polled_unit;
#[cfg_attr(
    not(feature = "cosim"),
    expect(dead_code, reason = "only simulated cards hand turns on")
)]
pub(crate) mod residency;
pub(crate) mod software;
pub(crate) mod xrt;

#[cfg(feature = "cosim")]
pub(crate) mod sim;

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::Result;
use crate::cancel::CancelToken;
use crate::card::CardCore;
use crate::image::Image;
use crate::memory::MappedMemory;
use crate::queue::QueueOptions;
use pair::Pair;

/// An access to a card's registers or memory that failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BusError {
    /// The device answered a register access with an error.
    #[error("{unit} answered the {access} register {offset:#05x} with {response}")]
    Register {
        /// The compute unit.
        unit: String,
        /// `read of` or `write to`.
        access: &'static str,
        /// Byte offset of the register.
        offset: u32,
        /// The bus's response, for instance `SLVERR`.
        response: String,
    },
    /// The memory does not exist.
    #[error("{len} bytes at address {address:#x} are in no memory bank of the card")]
    Memory {
        /// First byte.
        address: u64,
        /// Bytes.
        len: usize,
    },
    /// Two bits of a word have flipped in the card's memory.
    #[error(
        "the card's memory has an error of two bits at address {address:#x}, which it cannot correct; write those bytes anew"
    )]
    Uncorrectable {
        /// The word.
        address: u64,
    },
    /// A transfer ended with an error.
    #[error("the transfer of {len} bytes {direction} the card, at {address:#x}, failed ({reason})")]
    Transfer {
        /// `to` or `from`.
        direction: &'static str,
        /// The card's address.
        address: u64,
        /// Bytes.
        len: usize,
        /// Why.
        reason: &'static str,
    },
    /// Fewer bytes moved than were asked for, and the card did not say so.
    #[error(
        "only {moved} of {asked} bytes moved {direction} the card, at {address:#x}; transfer them again"
    )]
    Short {
        /// `to` or `from`.
        direction: &'static str,
        /// The card's address.
        address: u64,
        /// Bytes that moved.
        moved: usize,
        /// Bytes asked for.
        asked: usize,
    },
}

/// What a card's memory and link found, and mostly mended, by themselves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Reliability {
    /// Single-bit errors of the memory that were corrected.
    pub corrected: u64,
    /// Double-bit errors of the memory, each an error of whoever read it.
    pub uncorrected: u64,
    /// Packets of the link that were damaged and sent again.
    pub replays: u64,
}

/// A run to start: registers to write, then `ap_start`.
#[derive(Debug, Clone, Default)]
pub(crate) struct RunRequest {
    /// Index of the compute unit.
    pub unit: usize,
    /// Byte offsets and values, written in this order before the start.
    pub registers: Vec<(u32, u32)>,
    /// Byte offsets read before the start and again after the end, with nothing else of this card's users
    /// in between, so that a difference of counters is this run's own.
    pub snapshot: &'static [u32],
    /// Byte offsets of registers that `registers` changes only for this run: they are written back after it.
    pub preserve: Vec<u32>,
}

/// What a finished run left.
#[derive(Debug, Clone, Default)]
pub(crate) struct RunOutcome {
    /// Values of the snapshot registers before the start.
    pub before: Vec<u32>,
    /// Values of the snapshot registers after the end.
    pub after: Vec<u32>,
}

/// A run that ended, and how.
pub(crate) type EndedRun = (RunId, Result<RunOutcome>);

/// Names a submitted run within its backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct RunId(pub(crate) u64);

/// How long to wait: until a time has passed or somebody cancels.
#[derive(Debug, Clone)]
pub(crate) struct Patience {
    /// Longest wait.
    pub timeout: Duration,
    /// Ends it early.
    pub cancel: CancelToken,
}

/// What a wait found.
#[derive(Debug)]
pub(crate) enum Waited {
    /// The run ended.
    Done(RunOutcome),
    /// Time is up or the wait was cancelled; the run goes on. The text tells what the device is doing, if it can.
    Pending(String),
}

/// Simulated time of a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SimulatedTime {
    /// Clocks since the card was opened.
    pub clocks: u64,
    /// Picoseconds of one clock.
    pub period_ps: u64,
    /// Time that the host spent clocking: evaluating the models and exchanging their buses.
    pub clocking: Duration,
}

/// A card as the runtime sees it.
///
/// Between the runtime and each backend stands [`Guard`](crate::recovery::Guard): a method that is added here is added there.
///
/// Methods may be called from many threads at once. `unit` is an index into the image's compute units and
/// addresses are within the image's banks: the runtime checks both before it calls.
pub(crate) trait Backend: Send + Sync + std::fmt::Debug {
    /// The loaded image.
    fn image(&self) -> Option<Arc<Image>>;

    /// The loaded image, or why it cannot be read.
    fn try_image(&self) -> Result<Option<Arc<Image>>> {
        Ok(self.image())
    }

    /// Counts programmings and resets: a handle made under another generation is stale.
    fn generation(&self) -> u64;

    /// Replaces the image. On failure the one before stays.
    fn program(&self, image: Arc<Image>) -> Result<()>;

    /// Loads an image unless there is one: whoever came first, of this process or another, stays.
    fn program_empty(&self, image: Arc<Image>) -> Result<()>;

    /// Resets the kernels of the loaded image. This program's runs end.
    fn reset(&self) -> Result<()>;

    /// Resets one compute unit; this program's runs on it end, and the other units work on.
    fn reset_unit(&self, unit: usize) -> Result<()>;

    /// Loads the loaded image again, whatever goes on: all state and all memory of the card are new.
    fn renew(&self) -> Result<()>;

    /// Whether what stands for the card is in this process, made after its options: what is wrong with it may be theirs.
    fn lives_here(&self) -> bool {
        false
    }

    /// Stores what outlives the process as it is now, where the process keeps it.
    fn commit(&self) -> Result<()> {
        Ok(())
    }

    /// Memory of `len` bytes in a bank: its address, if the card gives out its memory itself. `None` where the runtime
    /// does, from what the image says of the banks.
    fn allocate(&self, _bank: usize, _len: u64) -> Result<Option<u64>> {
        Ok(None)
    }

    /// Takes back what [`Backend::allocate`] gave out.
    fn release(&self, _address: u64) {}

    /// Memory of at least so many bytes, zeroed, for the host's side of a buffer, if the card's DMA engine reaches some
    /// better than any: transfers of what lies in it need no copy.
    fn host_side(&self, _len: usize) -> Option<MappedMemory> {
        None
    }

    /// Copies bytes into the card's memory.
    fn write_memory(&self, address: u64, bytes: &[u8]) -> Result<()>;

    /// Copies bytes out of the card's memory.
    fn read_memory(&self, address: u64, bytes: &mut [u8]) -> Result<()>;

    /// Copies bytes within the card's memory.
    fn copy_memory(&self, from: u64, to: u64, len: usize) -> Result<()>;

    /// Where the host sees bytes of the card's memory; `None` where it cannot see them.
    fn map_memory(&self, address: u64, len: usize) -> Result<Option<MappedMemory>>;

    /// Reads a register of a compute unit.
    fn read_register(&self, unit: usize, offset: u32) -> Result<u32>;

    /// Writes a register of a compute unit.
    fn write_register(&self, unit: usize, offset: u32, value: u32) -> Result<()>;

    /// Queues a run behind those of the same compute unit. It makes progress from now on, at the latest when
    /// somebody waits.
    fn submit(&self, request: RunRequest) -> Result<RunId>;

    /// Waits for a run. A `Done` is given once.
    fn wait(&self, run: RunId, patience: &Patience) -> Result<Waited>;

    /// Waits until one of these runs has ended, and tells of all that have; none when time is up, the wait was
    /// cancelled, or there is no run any more. `runs` is asked again and again: others may submit meanwhile. The end of
    /// a run is told once.
    fn wait_any(&self, runs: &dyn Fn() -> Vec<RunId>, patience: &Patience)
    -> Result<Vec<EndedRun>>;

    /// Ends a run. If it was begun, its compute unit is reset, and runs queued behind it end too.
    fn abort(&self, run: RunId) -> Result<()>;

    /// What memory and link found; `None` where the card does not tell.
    fn reliability(&self) -> Option<Reliability> {
        None
    }

    /// Simulated time, if there is such a thing.
    fn simulated_time(&self) -> Option<SimulatedTime>;

    /// Takes a free pair of the card's queues. `core` is this backend's own.
    fn open_pair(&self, core: &Arc<CardCore>, options: &QueueOptions) -> Result<Box<dyn Pair>>;

    /// Stores what outlives the process. `keep` false: leave what was stored when this use of the card began.
    fn close(&self, keep: bool) -> Result<()>;
}
