//! What is behind the shell: kernels, memory, an image. The simulated card implements it; tests have a plain one.

use std::sync::Arc;

use thiserror::Error;
use xdma::{AxiError, HostFault};

use crate::bypass;
use crate::link::{Disturbance, DmaPiece, LinkState};

/// What the identity block tells of a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CardStatus {
    /// Counts the changes of what follows: of two, the later one holds.
    pub sequence: u64,
    /// The loaded image's UUID; none without an image.
    pub image: Option<[u8; 16]>,
    /// Bytes of the loaded image's container.
    pub image_bytes: u32,
    /// Counts programmings and resets.
    pub generation: u32,
    /// The card does not work until it is reset.
    pub broken: bool,
    /// Clock of the kernels in MHz.
    pub clock_mhz: u32,
    /// Number of compute units.
    pub units: u32,
    /// Number of queue pairs, of all units together.
    pub pairs: u32,
    /// Every unit with pairs takes pushes.
    pub takes_pushes: bool,
    /// Single-bit errors of the card's memory that were corrected.
    pub corrected: u32,
    /// Double-bit errors of the card's memory.
    pub uncorrected: u32,
    /// Packets of the link that were damaged and sent again.
    pub replays: u32,
    /// How large it is.
    pub size: CardSize,
}

/// The size of a card; 0 for what is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CardSize {
    /// Bytes of its own memory.
    pub memory: u64,
    /// Logic, in look-up tables.
    pub luts: u32,
    /// DSP slices.
    pub dsps: u32,
}

/// Why a card could not be programmed or reset.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct CardError(pub String);

/// What a client tells a queue pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doorbell {
    /// Submission tail.
    Tail(u16),
    /// Completion head.
    Head(u16),
    /// A push: two submissions.
    Push([u8; bypass::PUSH_BYTES as usize]),
    /// It wants one interrupt, once there is a completion that is not below this head.
    Interrupt(u16),
}

/// The memory of a client, as far as it lets the card reach it.
pub trait HostMemory: Send + Sync {
    /// Reads it.
    ///
    /// # Errors
    /// If the client did not map it, or only for messages, which the card cannot wait for.
    fn read(&self, address: u64, bytes: &mut [u8]) -> Result<(), HostFault>;

    /// Writes it.
    ///
    /// # Errors
    /// As [`HostMemory::read`].
    fn write(&self, address: u64, bytes: &[u8]) -> Result<(), HostFault>;
}

/// A card behind the shell. Any thread may call; accesses may take as long as the card's clock needs.
pub trait Card: Send + Sync {
    /// How it is now.
    fn status(&self) -> CardStatus;

    /// Reads a register by its address on the card's AXI4-Lite interconnect.
    ///
    /// # Errors
    /// The response, if it is an error.
    fn read_register(&self, address: u64) -> Result<u32, AxiError>;

    /// Writes a register.
    ///
    /// # Errors
    /// As [`Card::read_register`].
    fn write_register(&self, address: u64, value: u32) -> Result<(), AxiError>;

    /// Has `access` read or write bytes of the card's memory in place.
    ///
    /// # Errors
    /// The response, if it is an error; `access` is not called then.
    fn memory(
        &self,
        address: u64,
        len: usize,
        access: &mut dyn FnMut(&mut [u8]),
    ) -> Result<(), AxiError>;

    /// Has the memory's error correction look at bytes that are about to be read or written in place.
    ///
    /// # Errors
    /// The response, if they cannot be: two bits of a word have flipped.
    fn check_memory(&self, _piece: &DmaPiece) -> Result<(), AxiError> {
        Ok(())
    }

    /// What befalls a piece of DMA that is about to be moved; nothing, unless the card suffers faults.
    fn disturb(&self, _piece: &DmaPiece) -> Option<Disturbance> {
        None
    }

    /// A function was reset: a link that is down is trained anew.
    fn train_link(&self) {}

    /// The loaded image's container, all bytes.
    fn image(&self) -> Option<Arc<[u8]>>;

    /// Loads an image.
    ///
    /// # Errors
    /// Why it cannot be loaded; the one before stays.
    fn program(&self, image: Vec<u8>) -> Result<(), CardError>;

    /// Takes the loaded image out, and with it all that the card's memory holds.
    ///
    /// # Errors
    /// Why that cannot be done.
    fn unload(&self) -> Result<(), CardError>;

    /// Resets the kernels and what is broken.
    ///
    /// # Errors
    /// Why the card cannot be reset.
    fn reset(&self) -> Result<(), CardError>;

    /// Resets one compute unit; the others work on.
    ///
    /// # Errors
    /// Why it cannot be reset.
    fn reset_unit(&self, unit: u32) -> Result<(), CardError>;

    /// Gives a client memory in a bank: its address, if there is room. In a bank that is the host's memory it leads to
    /// `host` in the memory of that client; elsewhere that means nothing.
    fn allocate(&self, client: u32, bank: u32, bytes: u64, host: u64) -> Option<u64>;

    /// Takes memory back that a client was given.
    fn release(&self, client: u32, address: u64);

    /// Takes all memory back that a client was given: it left.
    fn release_all(&self, client: u32);

    /// A client took a compute unit: it will have it work.
    fn taken(&self, unit: u32);

    /// A client gave a compute unit back. `left`: by leaving, so that nobody waits for what it does.
    fn given_back(&self, unit: u32, left: bool);

    /// A client took a queue pair.
    fn pair_taken(&self, pair: u32);

    /// A client gave a queue pair back, or left it: it is stopped. Whether it has come to rest, so that it can be another's.
    fn pair_given_back(&self, pair: u32) -> bool;

    /// A client rang. Never waits; in the order of the calls.
    fn ring(&self, pair: u32, doorbell: Doorbell);

    /// There may be something to do for a card that sleeps.
    fn wake(&self);

    /// Whom to tell of what happens from now on.
    fn connect(&self, events: Arc<dyn CardEvents>);
}

/// What a card tells its shell. It may hold locks of its own while it does: nothing of the card is called meanwhile.
pub trait CardEvents: Send + Sync {
    /// [`Card::status`] changed to this.
    fn status_changed(&self, status: &CardStatus);

    /// A compute unit's interrupt rose or fell.
    fn interrupt(&self, unit: u32, level: bool);

    /// The link went down or came up, or the card was removed.
    fn link_changed(&self, link: LinkState);

    /// The memory of a client; `None` if it has left.
    fn host_memory(&self, client: u32) -> Option<Arc<dyn HostMemory>>;

    /// Looks at the doorbells, which calls [`Card::ring`] for what changed. Whether anything did.
    fn poll_doorbells(&self) -> bool;

    /// Whether any pair is held, so that looking at doorbells makes sense.
    fn has_pairs(&self) -> bool;

    /// The card stops looking at doorbells, or begins to again: who rings meanwhile has to wake it.
    fn set_asleep(&self, asleep: bool);

    /// A pair interrupts.
    fn pair_interrupt(&self, pair: u32);

    /// A pair was stopped by the card, for this cause (docs/queue.md).
    fn pair_stopped(&self, pair: u32, cause: u8);
}
