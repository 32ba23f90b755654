//! The identity block: the first two pages of the user BAR, by which a driver knows the card, its shell and its image, and
//! shares the card with its other users. The first page only tells, and a driver may map it; the second takes commands.
//!
//! Offsets are in bytes from the beginning of the user BAR, all registers have 32 bits.

/// Bytes of the whole block.
pub const BYTES: u32 = 0x2000;
/// Bytes of the page that can be mapped.
pub const PAGE: u32 = 0x1000;

/// `TCPC`, little-endian.
pub const MAGIC: u32 = 0x4350_4354;
/// Version of this block's layout.
pub const VERSION: u32 = 1;

/// [`MAGIC`].
pub const REG_MAGIC: u32 = 0x00;
/// [`VERSION`].
pub const REG_VERSION: u32 = 0x04;
/// Bits of [`status`].
pub const REG_STATUS: u32 = 0x08;
/// Counts programmings and resets: what a user knew of the card before is stale.
pub const REG_GENERATION: u32 = 0x0C;
/// Sixteen bytes: the UUID of the loaded image, in its written order.
pub const REG_IMAGE: u32 = 0x10;
/// Clock of the kernels in MHz.
pub const REG_CLOCK_MHZ: u32 = 0x20;
/// Number of compute units.
pub const REG_UNITS: u32 = 0x24;
/// Number of the client that reads; never 0.
pub const REG_CLIENT: u32 = 0x28;
/// Bytes of the loaded image's container, which the DMA engine reads at [`IMAGE_ADDRESS`].
pub const REG_IMAGE_BYTES: u32 = 0x2C;
/// Single-bit errors of the card's memory that were corrected.
pub const REG_CORRECTED: u32 = 0x30;
/// Double-bit errors of the card's memory.
pub const REG_UNCORRECTED: u32 = 0x34;

/// Packets of the link that came damaged and were sent again.
pub const REG_REPLAYS: u32 = 0x44;
/// Bytes that DMA has moved from this client's memory to the card's, and back, both modulo 2^32: what a driver compares with
/// what it asked for.
pub const REG_BYTES_TO_CARD: u32 = 0x48;
/// See [`REG_BYTES_TO_CARD`].
pub const REG_BYTES_FROM_CARD: u32 = 0x4C;
/// Accesses of kernels' registers by this client that were answered with an error. Writes are posted: this is how a driver
/// learns that one was refused.
pub const REG_REFUSED: u32 = 0x50;
/// Number of queue pairs, of all units together.
pub const REG_PAIRS: u32 = 0x38;
/// Not 0: the card does not look at doorbells. Who has rung, and reads this then, writes to [`REG_RING`].
pub const REG_ASLEEP: u32 = 0x3C;
/// Accesses of kernels to this client's memory that failed: it had not mapped it.
pub const REG_HOST_FAULTS: u32 = 0x40;
/// The card's size, 0 for what is not known: low and high word of the bytes of its own memory,
pub const REG_SIZE_MEMORY: u32 = 0x60;
/// logic in look-up tables,
pub const REG_SIZE_LUTS: u32 = 0x68;
/// DSP slices.
pub const REG_SIZE_DSPS: u32 = 0x6C;
/// One register for each pair: [`PAIR_STOPPED`] and the cause, once the card has stopped it while it was this client's.
pub const REG_PAIR_STATE: u32 = 0x100;
/// See [`REG_PAIR_STATE`].
pub const PAIR_STOPPED: u32 = 1 << 31;

/// Bits of [`REG_STATUS`].
pub mod status {
    /// An image is loaded.
    pub const PROGRAMMED: u32 = 1 << 0;
    /// The card does not work until it is reset.
    pub const BROKEN: u32 = 1 << 1;
    /// Every unit with queue pairs takes pushes.
    pub const PUSHES: u32 = 1 << 2;
}

/// DMA accesses of this client that the host refused.
pub const REG_DMA_FAULTS: u32 = 0x1000;
/// Writing 1 resets the card's kernels. Reads as [`REG_PROGRAM`].
pub const REG_RESET: u32 = 0x1004;
/// Writing the size of an image that lies at [`IMAGE_ADDRESS`] programs the card with it; 0 takes the loaded image out, and
/// all that the card's memory holds. Reads [`command::DONE`] when that
/// is done, [`command::BUSY`] while it goes on, [`command::FAILED`] if it could not be done.
pub const REG_PROGRAM: u32 = 0x1008;
/// Bytes of the text at [`TEXT_ADDRESS`] that says why the last command failed.
pub const REG_TEXT_BYTES: u32 = 0x100C;
/// Writing the number of a compute unit resets that unit.
pub const REG_RESET_UNIT: u32 = 0x1010;

/// The card's memory is given out here, so that clients do not take each other's. Writing the high word of the size gives
/// this client memory in a bank, which [`REG_MEMORY_ADDRESS`] tells; what a client was given is taken back when it leaves.
/// First the bank's index,
pub const REG_MEMORY_BANK: u32 = 0x1014;
/// then low and high word of the bytes.
pub const REG_MEMORY_BYTES: u32 = 0x1018;
/// Low and high word of the address that was given; all ones if there was no room.
pub const REG_MEMORY_ADDRESS: u32 = 0x1020;
/// Writing low and high word of an address that was given takes the memory back.
pub const REG_MEMORY_RELEASE: u32 = 0x1028;

/// Low and high word of an address in this client's memory, to be written before memory is asked for in a bank that is the
/// host's: there leads what is given.
pub const REG_MEMORY_HOST: u32 = 0x1030;
/// Low and high word of an address in this client's memory: doorbell words that have been taken over are written back
/// there, that of pair *p* at 8 *p*. 0: none are.
pub const REG_WRITE_BACK: u32 = 0x1038;
/// Writing has all doorbells of this client taken over before the write is answered, and wakes the card.
pub const REG_RING: u32 = 0x1040;

/// What the command registers read.
pub mod command {
    /// Nothing goes on, and the last command succeeded.
    pub const DONE: u32 = 0;
    /// A command goes on.
    pub const BUSY: u32 = 1;
    /// The last command failed.
    pub const FAILED: u32 = 2;
}

/// One register for each compute unit: who holds it. Reading 0 takes it for the reader; reading another number tells whose
/// it is. Writing one's own number gives it back. A client that leaves gives back all it holds.
pub const REG_HOLDER: u32 = 0x1100;
/// Units that can be held.
pub const HOLDERS: u32 = 128;
/// The last of them is no unit: who programs the card holds it.
pub const PROGRAMMING: u32 = HOLDERS - 1;

/// One register for each queue pair, which is held like a unit: see [`REG_HOLDER`]. A pair that is taken has a doorbell word
/// of 0; one that is given back is stopped, and all it had accepted is done, before the write is answered.
pub const REG_PAIR: u32 = 0x1400;

/// Where the card's DMA engine reaches the image: above all memory banks. Written by who holds [`PROGRAMMING`]; to others
/// there is nothing.
pub const IMAGE_ADDRESS: u64 = 1 << 48;
/// Where the card's DMA engine reads why a command failed, in UTF-8.
pub const TEXT_ADDRESS: u64 = 1 << 49;
