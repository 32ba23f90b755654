//! The register space of the DMA BAR (PG195, "PCIe to DMA Address Map"): 32-bit registers at byte offsets. A target is a
//! page of 4 KiB, a channel 256 bytes of it.

/// Bytes of the DMA BAR.
pub const BAR_BYTES: u64 = 0x1_0000;
/// Bytes between targets.
pub const TARGET: u32 = 0x1000;
/// Bytes between the channels of a target.
pub const CHANNEL: u32 = 0x100;
/// Most channels of one direction.
pub const MAX_CHANNELS: usize = 4;

/// Targets, by their offset in the BAR ("PCIe to DMA Address Format").
pub mod target {
    /// H2C channels: from the host to the card.
    pub const H2C: u32 = 0x0000;
    /// C2H channels: from the card to the host.
    pub const C2H: u32 = 0x1000;
    /// Interrupt block.
    pub const IRQ: u32 = 0x2000;
    /// Configuration block.
    pub const CONFIG: u32 = 0x3000;
    /// Where the H2C channels find their DMA descriptors.
    pub const H2C_SGDMA: u32 = 0x4000;
    /// Where the C2H channels find their DMA descriptors.
    pub const C2H_SGDMA: u32 = 0x5000;
    /// What the channels share of that.
    pub const SGDMA_COMMON: u32 = 0x6000;
    /// MSI-X vector table; its pending bits begin at 0xFE0.
    pub const MSIX: u32 = 0x8000;
}

/// Pending bits of MSI-X, from the start of the BAR ("MSI-X Vector Table and PBA (0x8)").
pub const MSIX_PENDING: u32 = 0x8FE0;
/// Vectors of the MSI-X table.
pub const MSIX_VECTORS: u32 = 32;

/// Bits 31:20 of every target's identifier, at its offset 0; bits 19:16 are the target's number, 11:8 the channel's.
pub const IDENTIFIER: u32 = 0x1FC0_0000;
/// Bits 7:0 of an identifier: the version of the subsystem that is modelled.
pub const IDENTIFIER_VERSION: u32 = 0x06;

/// Registers of a channel ("H2C Channel Registers (0x0)", "C2H Channel Registers (0x1)").
pub mod channel {
    /// Identifier.
    pub const IDENTIFIER: u32 = 0x00;
    /// Control, see [`super::control`].
    pub const CONTROL: u32 = 0x04;
    /// Control: bits written as 1 are set.
    pub const CONTROL_SET: u32 = 0x08;
    /// Control: bits written as 1 are cleared.
    pub const CONTROL_CLEAR: u32 = 0x0C;
    /// Status, see [`super::status`]; bits written as 1 are cleared.
    pub const STATUS: u32 = 0x40;
    /// Status: reading clears it.
    pub const STATUS_READ_CLEAR: u32 = 0x44;
    /// DMA descriptors that were completed since Run was set.
    pub const COMPLETED: u32 = 0x48;
    /// Alignment that addresses and lengths need, and address bits.
    pub const ALIGNMENTS: u32 = 0x4C;
    /// Address of the poll-mode write-back, low word.
    pub const WRITE_BACK_LOW: u32 = 0x88;
    /// Address of the poll-mode write-back, high word.
    pub const WRITE_BACK_HIGH: u32 = 0x8C;
    /// Status bits that interrupt.
    pub const INTERRUPT_ENABLE: u32 = 0x90;
    /// [`INTERRUPT_ENABLE`]: bits written as 1 are set.
    pub const INTERRUPT_ENABLE_SET: u32 = 0x94;
    /// [`INTERRUPT_ENABLE`]: bits written as 1 are cleared.
    pub const INTERRUPT_ENABLE_CLEAR: u32 = 0x98;
}

/// Bits of a channel's control register ("H2C Channel Control (0x04)"). The bits between [`control::DESCRIPTOR_STOPPED`]
/// and [`control::DESCRIPTOR_ERRORS`] enable the logging of the status bits at the same places.
pub mod control {
    /// The engine runs.
    pub const RUN: u32 = 1 << 0;
    /// Log [`super::status::DESCRIPTOR_STOPPED`].
    pub const DESCRIPTOR_STOPPED: u32 = 1 << 1;
    /// Log [`super::status::DESCRIPTOR_COMPLETED`].
    pub const DESCRIPTOR_COMPLETED: u32 = 1 << 2;
    /// Log [`super::status::ALIGN_MISMATCH`].
    pub const ALIGN_MISMATCH: u32 = 1 << 3;
    /// Log [`super::status::MAGIC_STOPPED`].
    pub const MAGIC_STOPPED: u32 = 1 << 4;
    /// Log [`super::status::INVALID_LENGTH`].
    pub const INVALID_LENGTH: u32 = 1 << 5;
    /// Log [`super::status::IDLE_STOPPED`].
    pub const IDLE_STOPPED: u32 = 1 << 6;
    /// Log read errors, and stop.
    pub const READ_ERRORS: u32 = 0x1F << 9;
    /// Log write errors, and stop.
    pub const WRITE_ERRORS: u32 = 0x1F << 14;
    /// Log errors at fetching DMA descriptors, and stop.
    pub const DESCRIPTOR_ERRORS: u32 = 0x1F << 19;
    /// The card's address stays the same.
    pub const NON_INCREMENTING: u32 = 1 << 25;
    /// Write the count of completed DMA descriptors to the host after those with the completed bit.
    pub const POLL_WRITE_BACK: u32 = 1 << 26;
    /// All that log.
    pub const LOG_ALL: u32 = DESCRIPTOR_STOPPED
        | DESCRIPTOR_COMPLETED
        | ALIGN_MISMATCH
        | MAGIC_STOPPED
        | INVALID_LENGTH
        | IDLE_STOPPED
        | READ_ERRORS
        | WRITE_ERRORS
        | DESCRIPTOR_ERRORS;
}

/// Bits of a channel's status register ("H2C Channel Status (0x40)", "C2H Channel Status (0x40)").
pub mod status {
    /// The engine works.
    pub const BUSY: u32 = 1 << 0;
    /// A DMA descriptor with the stop bit was completed.
    pub const DESCRIPTOR_STOPPED: u32 = 1 << 1;
    /// A DMA descriptor with the completed bit was completed.
    pub const DESCRIPTOR_COMPLETED: u32 = 1 << 2;
    /// Source and destination are not aligned to each other.
    pub const ALIGN_MISMATCH: u32 = 1 << 3;
    /// A DMA descriptor without the magic number.
    pub const MAGIC_STOPPED: u32 = 1 << 4;
    /// A length that a stream cannot take.
    pub const INVALID_LENGTH: u32 = 1 << 5;
    /// The engine is idle after Run was cleared.
    pub const IDLE_STOPPED: u32 = 1 << 6;
    /// H2C: the host did not give the data (unsupported request).
    pub const H2C_READ_UNSUPPORTED: u32 = 1 << 9;
    /// H2C: the host's data came damaged (parity error).
    pub const H2C_READ_PARITY: u32 = 1 << 11;
    /// H2C: the card has nothing at the address.
    pub const H2C_WRITE_DECODE: u32 = 1 << 14;
    /// H2C: the card refused the write.
    pub const H2C_WRITE_SLAVE: u32 = 1 << 15;
    /// C2H: the card has nothing at the address.
    pub const C2H_READ_DECODE: u32 = 1 << 9;
    /// C2H: the card refused the read.
    pub const C2H_READ_SLAVE: u32 = 1 << 10;
    /// The host did not give a DMA descriptor (unsupported request).
    pub const DESCRIPTOR_UNSUPPORTED: u32 = 1 << 19;
    /// All that mean that something went wrong.
    pub const ERRORS: u32 = ALIGN_MISMATCH
        | MAGIC_STOPPED
        | INVALID_LENGTH
        | super::control::READ_ERRORS
        | super::control::WRITE_ERRORS
        | super::control::DESCRIPTOR_ERRORS;
    /// All but [`BUSY`].
    pub const LOGGED: u32 = ERRORS | DESCRIPTOR_STOPPED | DESCRIPTOR_COMPLETED | IDLE_STOPPED;
}

/// The word of the poll-mode write-back ("Poll Mode").
pub mod write_back {
    /// Something went wrong.
    pub const ERROR: u32 = 1 << 31;
    /// Completed DMA descriptors.
    pub const COUNT: u32 = 0x00FF_FFFF;
}

/// Registers of the targets [`target::H2C_SGDMA`] and [`target::C2H_SGDMA`] ("H2C SGDMA Registers (0x4)").
pub mod sgdma {
    /// Identifier.
    pub const IDENTIFIER: u32 = 0x00;
    /// Address of the first DMA descriptor, low word.
    pub const FIRST_LOW: u32 = 0x80;
    /// Address of the first DMA descriptor, high word.
    pub const FIRST_HIGH: u32 = 0x84;
    /// How many more DMA descriptors lie right behind the first.
    pub const FIRST_ADJACENT: u32 = 0x88;
    /// Credits of a channel, if they are used.
    pub const CREDITS: u32 = 0x8C;
}

/// Registers of the target [`target::SGDMA_COMMON`] ("SGDMA Common Registers (0x6)").
pub mod sgdma_common {
    /// Identifier.
    pub const IDENTIFIER: u32 = 0x00;
    /// Channels that fetch no DMA descriptors: bits 3:0 H2C, 19:16 C2H.
    pub const HALT: u32 = 0x10;
    /// [`HALT`]: bits written as 1 are set.
    pub const HALT_SET: u32 = 0x14;
    /// [`HALT`]: bits written as 1 are cleared.
    pub const HALT_CLEAR: u32 = 0x18;
}

/// Registers of the interrupt block ("IRQ Block Registers (0x2)").
pub mod irq {
    /// Identifier.
    pub const IDENTIFIER: u32 = 0x00;
    /// User interrupts that are let through.
    pub const USER_ENABLE: u32 = 0x04;
    /// [`USER_ENABLE`]: bits written as 1 are set.
    pub const USER_ENABLE_SET: u32 = 0x08;
    /// [`USER_ENABLE`]: bits written as 1 are cleared.
    pub const USER_ENABLE_CLEAR: u32 = 0x0C;
    /// Channel interrupts that are let through: the H2C channels first, then the C2H channels.
    pub const CHANNEL_ENABLE: u32 = 0x10;
    /// [`CHANNEL_ENABLE`]: bits written as 1 are set.
    pub const CHANNEL_ENABLE_SET: u32 = 0x14;
    /// [`CHANNEL_ENABLE`]: bits written as 1 are cleared.
    pub const CHANNEL_ENABLE_CLEAR: u32 = 0x18;
    /// User interrupts that are raised.
    pub const USER_REQUEST: u32 = 0x40;
    /// Channel interrupts that are raised.
    pub const CHANNEL_REQUEST: u32 = 0x44;
    /// User interrupts that are raised and let through.
    pub const USER_PENDING: u32 = 0x48;
    /// Channel interrupts that are raised and let through.
    pub const CHANNEL_PENDING: u32 = 0x4C;
    /// Vector numbers of the user interrupts, four in a register of eight bits each.
    pub const USER_VECTOR: u32 = 0x80;
    /// Vector numbers of the channel interrupts, likewise.
    pub const CHANNEL_VECTOR: u32 = 0xA0;
    /// User interrupts that there can be.
    pub const USERS: usize = 16;
}

/// Registers of the configuration block ("Config Block Registers (0x3)").
pub mod config {
    /// Identifier.
    pub const IDENTIFIER: u32 = 0x00;
    /// Bus, device and function as the host numbered them.
    pub const BUS_DEVICE_FUNCTION: u32 = 0x04;
    /// Largest payload of a packet, coded as in PCIe's device control register.
    pub const MAX_PAYLOAD: u32 = 0x08;
    /// Largest read request, likewise.
    pub const MAX_READ_REQUEST: u32 = 0x0C;
    /// System identifier.
    pub const SYSTEM_ID: u32 = 0x10;
    /// Whether MSI (bit 0) and MSI-X (bit 1) are enabled.
    pub const MSI_ENABLE: u32 = 0x14;
    /// Width of the data path: 0 to 3 for 64, 128, 256 and 512 bits.
    pub const DATA_WIDTH: u32 = 0x18;
}
