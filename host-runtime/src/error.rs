//! What can go wrong between a program and a card. Every error says what failed, on which card, and what to do next.

use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::backend::BusError;
use crate::card_id::CardId;
use crate::recovery::Rung;
use crate::store::LEASE_VARIABLE;
use crate::tcp::{Descriptor, Detail};
use crate::trust::ALLOW_UNTRUSTED_VARIABLE;

/// A result of the runtime.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of the runtime.
#[derive(Debug, Error)]
pub enum Error {
    /// The name is no card's name.
    #[error(
        "{text:?} is not the name of a card; a card is named sim:N, software:N, xrt:N, pcie:NAME or pcie:ADDRESS (`fpga-ctl list` shows those there are)"
    )]
    CardName {
        /// What was given.
        text: String,
    },
    /// The number of cards to show to XRT's programs makes no sense.
    #[error("{variable}={value:?} is no number of cards: 1 to {most}")]
    CardCount {
        /// The environment variable.
        variable: &'static str,
        /// What it says.
        value: String,
        /// The most there may be.
        most: u16,
    },
    /// XRT's programs see no such device.
    #[error(
        "there is no device {name}; name one by its index, PCIe address or card: {available} (FPGA_SIM_CARDS says how many there are)"
    )]
    NoDevice {
        /// What was given.
        name: String,
        /// Those there are.
        available: String,
    },
    /// The card cannot be used by this program.
    #[error("{card}: {reason}; {advice}")]
    CardUnusable {
        /// The card.
        card: CardId,
        /// Why not.
        reason: String,
        /// What mends it.
        advice: String,
    },
    /// Somebody else holds the card in a way that excludes this use.
    #[error("{card} is held by {holders}; wait for them to end, or use another card")]
    CardBusy {
        /// The card.
        card: CardId,
        /// Who holds it, as far as is known.
        holders: String,
    },
    /// Others have a lease on the card that excludes this use.
    #[error(
        "{card} is leased by {leases}; wait for the end of that lease, or take one yourself: `fpga-ctl lease` finds a free card"
    )]
    CardLeased {
        /// The card.
        card: CardId,
        /// Who has the leases.
        leases: String,
    },
    /// The lease that this process acts under has ended.
    #[error(
        "{card}: the lease that {LEASE_VARIABLE} names has ended, and the card was cleared; start the program under a new lease, or without {LEASE_VARIABLE}"
    )]
    LeaseEnded {
        /// The card.
        card: CardId,
    },
    /// What a lease left in the card could not be cleared away.
    #[error("{card}: a lease on it ended, and what it left cannot be cleared away yet: {source}")]
    NotCleared {
        /// The card.
        card: CardId,
        /// Why not.
        source: Box<Error>,
    },
    /// No card is what was asked for.
    #[error("no card meets the requirements ({wanted}): {reasons}")]
    NoSuchCard {
        /// What was asked for.
        wanted: String,
        /// For each card why not.
        reasons: String,
    },
    /// No card that is what was asked for became free in time.
    #[error(
        "no card is free ({wanted}, waited {waited:?}): {reasons}; wait longer (`--wait`), or ask for less"
    )]
    NoFreeCard {
        /// What was asked for.
        wanted: String,
        /// How long it was waited.
        waited: Duration,
        /// For each card that would do who has it.
        reasons: String,
    },
    /// A compute unit is in use, and one of the uses excludes the other.
    #[error(
        "{card}: compute unit {unit} is in use by {users}, and one of the uses is exclusive; use another one, or wait for that to end"
    )]
    UnitBusy {
        /// The card.
        card: CardId,
        /// The compute unit, by its index in the image.
        unit: String,
        /// Who uses the card, as far as is known.
        users: String,
    },
    /// This program uses the image that it wants to replace.
    #[error(
        "{card}: this program uses the image {image}; let go of its kernels before another image is loaded"
    )]
    ImageInUse {
        /// The card.
        card: CardId,
        /// The image in use.
        image: uuid::Uuid,
    },
    /// A program asked for another image than the loaded one.
    #[error("{card}: the xclbin {image} is not loaded, but {loaded}; load it first")]
    ImageNotLoaded {
        /// The card.
        card: CardId,
        /// The image asked for.
        image: uuid::Uuid,
        /// The loaded image's UUID, or `none`.
        loaded: String,
    },
    /// Another process is using the card and does not let go.
    #[error(
        "{card}: waited {waited:?} for a turn on the card, which {holders} is using; try again, or use another card"
    )]
    TurnTimeout {
        /// The card.
        card: CardId,
        /// How long.
        waited: Duration,
        /// Who holds the card.
        holders: String,
    },
    /// An image could not be read, or must not be programmed.
    #[error("the image cannot be used: {0}")]
    Image(#[from] bitstreams::Error),
    /// The image's code must not run: nobody whom the user trusts signed it.
    #[error(
        "{card}: the image {image} is not trusted: {provenance}. Its code would run as you: look at it with \
         `fpga-ctl verify`; {advice}; or allow it this once: --allow-untrusted ({ALLOW_UNTRUSTED_VARIABLE}=1 for programs \
         that use XRT)"
    )]
    Untrusted {
        /// The card.
        card: CardId,
        /// Identity of the image.
        image: uuid::Uuid,
        /// Where it comes from, as far as that can be proven.
        provenance: bitstreams::trust::Provenance,
        /// What to do.
        advice: &'static str,
    },
    /// Whether an image is trusted could not be found out.
    #[error(transparent)]
    Trust(#[from] bitstreams::trust::TrustError),
    /// The installed XRT refused something.
    #[error(
        "{card}: XRT did not {action}: {source}; its own message (standard error, or where xrt.ini says) tells more"
    )]
    Xrt {
        /// The card.
        card: CardId,
        /// What was asked of it.
        action: String,
        /// Its error number.
        source: std::io::Error,
    },
    /// The way to a PCIe card failed.
    #[error("{card} could not {action}: {source}")]
    Pcie {
        /// The card.
        card: CardId,
        /// What it was to do.
        action: &'static str,
        /// What failed.
        source: crate::backend::pcie::PcieError,
    },
    /// The card does not work any more: all rungs of the ladder were tried, or the way to it is gone.
    #[error("{card} is lost: {reason}; {advice}")]
    DeviceLost {
        /// The card.
        card: CardId,
        /// What happened.
        reason: String,
        /// What mends it.
        advice: String,
    },
    /// Work failed, and the card was brought back.
    #[error(
        "{card}: {}; the card recovered by {rung}, passed its self-test and works again: start the work anew",
        crate::recovery::cause(.cause)
    )]
    Recovered {
        /// The card.
        card: CardId,
        /// The rung that helped.
        rung: Rung,
        /// What the work failed with.
        cause: Box<Error>,
    },
    /// The card is in trouble, and no rung that was allowed helped.
    #[error(
        "{card}: {cause}; the card did not recover ({last}), and {left} is left: `fpga-ctl reset --card {card} --rung {left}`"
    )]
    NotRecovered {
        /// The card.
        card: CardId,
        /// What began it.
        cause: String,
        /// What the last rung ended with.
        last: String,
        /// The rung to go on with.
        left: Rung,
    },
    /// The card does not do what it must.
    #[error(
        "{card}: the self-test failed: {what}; `fpga-ctl reset --card {card}` tries to mend it"
    )]
    SelfTest {
        /// The card.
        card: CardId,
        /// What it did.
        what: String,
    },
    /// The card stopped with an error that somebody else was told.
    #[error("{card}: {reason}; `fpga-ctl reset --card {card}` makes the card usable again")]
    CardStopped {
        /// The card.
        card: CardId,
        /// What is known.
        reason: String,
    },
    /// The image is for real hardware, or for a card of another kind.
    #[error("{card}: the image is for the platform {platform}: {reason}; {advice}")]
    ImageForAnotherCard {
        /// The card.
        card: CardId,
        /// The platform the image names.
        platform: String,
        /// Why it does not fit.
        reason: String,
        /// What to do.
        advice: String,
    },
    /// The card holds no image.
    #[error("{card} is not programmed; program it first: `fpga-ctl program --card {card} default`")]
    NotProgrammed {
        /// The card.
        card: CardId,
    },
    /// The image has no such kernel, or no such compute unit.
    #[error(
        "{card}: the loaded image has no kernel {kernel:?}, only {available}; program an image that has it (`fpga-ctl program --card {card} default` for tcp_validator, `queue` for tcp_queue)"
    )]
    KernelMissing {
        /// The card.
        card: CardId,
        /// The name asked for.
        kernel: String,
        /// The kernels that are there.
        available: String,
    },
    /// The card has no such memory bank.
    #[error("{card} has no memory bank {bank:?}; it has {available}")]
    BankMissing {
        /// The card.
        card: CardId,
        /// The name or index asked for.
        bank: String,
        /// The banks that are there.
        available: String,
    },
    /// A bank is full.
    #[error(
        "{card}: bank {bank} has no room for {asked} bytes (largest free piece: {largest_free}); free buffers, or use another bank"
    )]
    OutOfMemory {
        /// The card.
        card: CardId,
        /// The bank's name.
        bank: String,
        /// Bytes asked for.
        asked: u64,
        /// Bytes of the largest free piece; 0 if the card does not tell.
        largest_free: u64,
    },
    /// The host has no memory for a buffer.
    #[error("the host has no memory for a buffer of {asked} bytes: {source}; use smaller buffers")]
    HostMemory {
        /// Bytes asked for.
        asked: usize,
        /// What the system said.
        source: std::io::Error,
    },
    /// A buffer lies in a bank that the kernel's argument is not connected to.
    #[error(
        "{card}: argument {argument} of {unit} is connected to {connected}, and the buffer is in {bank}; allocate it there (`Kernel::bank_of`)"
    )]
    BankNotConnected {
        /// The card.
        card: CardId,
        /// The compute unit.
        unit: String,
        /// The argument's name.
        argument: String,
        /// The banks it reaches.
        connected: String,
        /// The bank the buffer is in.
        bank: String,
    },
    /// An argument does not exist or has another type.
    #[error("{kernel}: argument {argument} {reason}")]
    Argument {
        /// The kernel.
        kernel: String,
        /// The argument, by index or name.
        argument: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A handle outlived the image or the reset it belonged to.
    #[error(
        "{card}: the {what} belongs to an image that was replaced or reset since; make it again"
    )]
    Stale {
        /// The card.
        card: CardId,
        /// `buffer` or `kernel`.
        what: &'static str,
    },
    /// Bytes outside a buffer were addressed.
    #[error("bytes {start}..{end} are outside the buffer of {len} bytes")]
    BufferRange {
        /// First byte asked for.
        start: usize,
        /// End asked for, exclusive.
        end: usize,
        /// The buffer's length.
        len: usize,
    },
    /// A run did not end in time.
    #[error(
        "{card}: the run of {unit} did not end within {waited:?}; it still runs: wait longer, or abort it{hint}"
    )]
    RunTimeout {
        /// The card.
        card: CardId,
        /// The compute unit.
        unit: String,
        /// How long.
        waited: Duration,
        /// What the card says it is doing, if it can tell.
        hint: String,
    },
    /// A run was aborted.
    #[error(
        "{card}: the run of {unit} was aborted; the compute unit was reset and can be used again"
    )]
    Aborted {
        /// The card.
        card: CardId,
        /// The compute unit.
        unit: String,
    },
    /// A run ended with an error that the kernel reports.
    #[error("{card}: {unit} ended the run with status {status} ({meaning}){}", address_text(.address))]
    RunFailed {
        /// The card.
        card: CardId,
        /// The compute unit.
        unit: String,
        /// Status register.
        status: u32,
        /// What it means.
        meaning: &'static str,
        /// First address that failed, for bus errors.
        address: Option<u64>,
    },
    /// The card was not in the state the call needs.
    #[error("{card}: {reason}")]
    WrongState {
        /// The card.
        card: CardId,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A register or memory access failed.
    #[error("{card}: {source}")]
    Bus {
        /// The card.
        card: CardId,
        /// What failed.
        source: BusError,
    },
    /// The simulation ended with an error: a protocol violation, a hang, a failed assertion.
    #[cfg(feature = "cosim")]
    #[error(
        "{card}: the simulation stopped: {source}; `fpga-ctl reset --card {card}` makes the card usable again"
    )]
    Simulation {
        /// The card.
        card: CardId,
        /// What the simulator said.
        source: cosim::EngineError,
    },
    /// Waves cannot be recorded.
    #[error("waves cannot be written to {}: {source}; name another file", .path.display())]
    Waves {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// What the card is to suffer makes no sense for its kernels.
    #[cfg(feature = "cosim")]
    #[error("{card}: {source}")]
    Fault {
        /// The card.
        card: CardId,
        /// What is wrong with it.
        source: crate::faults::FaultError,
    },
    /// The model in an image could not be loaded.
    #[cfg(feature = "cosim")]
    #[error("{card}: the image's model cannot be loaded: {source}")]
    Model {
        /// The card.
        card: CardId,
        /// Why not.
        source: cosim::ModelError,
    },
    /// The state folder could not be read or written.
    #[error("{card}: cannot {action} {}: {source}; {advice}", .path.display())]
    StateFolder {
        /// The card.
        card: CardId,
        /// What was tried.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
        /// What to do.
        advice: &'static str,
    },
    /// The card's stored state is damaged.
    #[error("{card}: its stored state is damaged: {}: {reason}; `fpga-ctl reset --card {card}` discards it and starts afresh", .path.display())]
    StateDamaged {
        /// The card.
        card: CardId,
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The two devices of a checked validation disagree.
    #[error("{card} and the golden model disagree on descriptor {index} ({descriptor}): {got}, expected {:#010x}", .expected.to_word())]
    Mismatch {
        /// The card that was checked.
        card: CardId,
        /// Index of the first descriptor they disagree on.
        index: u64,
        /// That descriptor.
        descriptor: Box<Descriptor>,
        /// What the card answered.
        got: String,
        /// What descriptor.md says.
        expected: Detail,
    },
    /// The card's counters and the verdicts it wrote do not fit together.
    #[error(
        "{card}: the counters of the run do not agree with the verdicts it wrote; the card is faulty: `fpga-ctl reset --card {card}`, and report it"
    )]
    Inconsistent {
        /// The card.
        card: CardId,
    },
    /// A queue of a size that there is not.
    #[error("a queue of {entries} entries cannot be opened; give a power of two from 2 to {most}")]
    QueueSize {
        /// Entries asked for.
        entries: usize,
        /// The most there may be.
        most: usize,
    },
    /// All pairs of rings of a card are in use.
    #[error(
        "{card}: all {pairs} queue pairs are in use, by {users}; drop one of those queues, share them, or use another card"
    )]
    NoFreePair {
        /// The card.
        card: CardId,
        /// How many it has.
        pairs: usize,
        /// Who uses them.
        users: String,
    },
    /// The card has no queues, or not such ones.
    #[error("{card}: queues are not supported here: {reason}; {advice}")]
    QueueUnsupported {
        /// The card.
        card: CardId,
        /// Why not.
        reason: String,
        /// What to do.
        advice: String,
    },
    /// The card stopped a queue's pair.
    #[error(
        "{card}: the card stopped queue pair {pair}: {cause}; reject the {outstanding} submissions that are not answered, and open the queue again"
    )]
    QueueStopped {
        /// The card.
        card: CardId,
        /// The pair.
        pair: usize,
        /// Why.
        cause: crate::queue::StopCause,
        /// Submissions that are not answered.
        outstanding: usize,
    },
    /// The card was reset or programmed under a queue, or closed.
    #[error(
        "{card}: the queue belongs to an image that was replaced, reset or closed since; reject the {outstanding} submissions that are not answered, and open the queue again"
    )]
    QueueStale {
        /// The card.
        card: CardId,
        /// Submissions that are not answered.
        outstanding: usize,
    },
    /// A card answered what it was not asked, or out of order.
    #[error(
        "{card}: queue pair {pair} answered tag {tag:#x}, which was not due; the card is faulty: reject the {outstanding} submissions that are not answered, `fpga-ctl reset --card {card}`, and report it"
    )]
    QueueAnswer {
        /// The card.
        card: CardId,
        /// The pair.
        pair: usize,
        /// The tag that it gave.
        tag: u32,
        /// Submissions that are not answered.
        outstanding: usize,
    },
    /// The caller asked for the end of the work.
    #[error("{card}: interrupted; nothing more was done")]
    Cancelled {
        /// The card.
        card: CardId,
    },
    /// Reading the caller's input failed.
    #[error("{0}")]
    Input(String),
}

fn address_text(address: &Option<u64>) -> String {
    address.map_or_else(String::new, |address| format!(" at address {address:#x}"))
}
