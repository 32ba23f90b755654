//! The identity block: a page of registers at the beginning of the user BAR, by which a driver knows the card, its shell
//! and its image, and shares its compute units with the card's other users.

/// Offset in the user BAR.
pub const OFFSET: u32 = 0;
/// Bytes of the block.
pub const BYTES: u32 = 0x1000;

/// `TCPC`, little-endian.
pub const MAGIC: u32 = 0x4350_4354;
/// Version of this block's layout.
pub const VERSION: u32 = 1;

/// [`MAGIC`]. All offsets are in bytes from the block's beginning, all registers have 32 bits.
pub const REG_MAGIC: u32 = 0x00;
/// [`VERSION`].
pub const REG_VERSION: u32 = 0x04;
/// Bit 0: an image is loaded. Bit 1: the card is broken until it is reset. Bit 2: it was removed.
pub const REG_STATUS: u32 = 0x08;
/// Counts programmings and resets: what a user knew of the card before is stale.
pub const REG_GENERATION: u32 = 0x0C;
/// Sixteen bytes: the UUID of the loaded image, in its written order.
pub const REG_IMAGE: u32 = 0x10;
/// Clock of the kernels in MHz.
pub const REG_CLOCK_MHZ: u32 = 0x20;
/// Number of compute units.
pub const REG_UNITS: u32 = 0x24;
/// Number of the client that reads.
pub const REG_CLIENT: u32 = 0x28;
/// DMA accesses of this client that the host refused.
pub const REG_DMA_FAULTS: u32 = 0x2C;
/// Write: bit 0 resets the kernels, bit 1 clears what is broken.
pub const REG_RESET: u32 = 0x30;
/// Single-bit errors of the card's memory that were corrected.
pub const REG_CORRECTED: u32 = 0x34;
/// Double-bit errors of the card's memory.
pub const REG_UNCORRECTED: u32 = 0x38;
/// The size of the loaded image's container in bytes; it can be read through the DMA engine from [`IMAGE_ADDRESS`].
pub const REG_IMAGE_BYTES: u32 = 0x3C;
/// Write the size of an image that lies at [`IMAGE_ADDRESS`]: the card is programmed with it. Reads 0 when that is done,
/// 1 while it goes on, and an error number otherwise.
pub const REG_PROGRAM: u32 = 0x40;

/// One register for each compute unit: who holds it. Reading 0 takes it for the reader; reading another number tells whose
/// it is. Writing one's own number gives it back. A client that leaves gives back all it holds.
pub const REG_HOLDER: u32 = 0x100;
/// Units that can be held.
pub const HOLDERS: u32 = 128;

/// Where the card's DMA engine reaches the image: above all memory banks.
pub const IMAGE_ADDRESS: u64 = 1 << 48;
