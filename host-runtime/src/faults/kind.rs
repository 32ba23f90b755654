//! What a card can suffer, and where.

use super::ErrorResponse;

/// What a fault waits for, and counts from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// A kernel's read burst from memory.
    Read,
    /// A kernel's write burst to memory.
    Write,
    /// Either.
    Burst,
    /// The host reads a kernel's register.
    RegisterRead,
    /// The host writes a kernel's register.
    RegisterWrite,
    /// Either.
    Register,
    /// A kernel raises its interrupt.
    Interrupt,
    /// A piece of DMA from the host to the card's memory.
    ToCard,
    /// A piece of DMA from the card's memory to the host.
    FromCard,
    /// Either.
    Transfer,
    /// The host rings for a queue pair, or pushes to it.
    Doorbell,
    /// The moment in which the plan is armed.
    Now,
}

impl Event {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Read,
        Self::Write,
        Self::Burst,
        Self::RegisterRead,
        Self::RegisterWrite,
        Self::Register,
        Self::Interrupt,
        Self::ToCard,
        Self::FromCard,
        Self::Transfer,
        Self::Doorbell,
        Self::Now,
    ];

    /// Its name after `on=`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Burst => "burst",
            Self::RegisterRead => "register-read",
            Self::RegisterWrite => "register-write",
            Self::Register => "register",
            Self::Interrupt => "interrupt",
            Self::ToCard => "to-card",
            Self::FromCard => "from-card",
            Self::Transfer => "transfer",
            Self::Doorbell => "doorbell",
            Self::Now => "now",
        }
    }

    /// Whether it comes by a port of a kernel, which a fault can name.
    pub(super) fn has_port(self) -> bool {
        !matches!(
            self,
            Self::ToCard | Self::FromCard | Self::Transfer | Self::Doorbell | Self::Now
        )
    }
}

/// What happens to the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The memory answers a kernel's burst with an error.
    AxiError(ErrorResponse),
    /// A bit flips between kernel and memory. The bus has parity: the beat is refused where it arrives.
    AxiFlip,
    /// A burst or register access is never answered: the kernel never finishes, or does not answer.
    Hang,
    /// A burst or register access is answered so many clocks later.
    Slow(u64),
    /// Bits of a word flip in memory before it is read: one is corrected, two are an error.
    MemoryFlip(u32),
    /// An access of a kernel's register is answered with an error.
    RegisterError(ErrorResponse),
    /// A kernel finishes and never says so: its interrupt is not seen, and its control register reads as if it worked on.
    DoneWithheld,
    /// An interrupt is not seen.
    InterruptLost,
    /// An interrupt is seen so many clocks later.
    InterruptLate(u64),
    /// The DMA engine ends a transfer with an error of the card's memory.
    DmaError(ErrorResponse),
    /// The DMA engine moves half of a piece and says that it moved all.
    DmaShort,
    /// The DMA engine does not end a transfer, nor take another, until it is reset.
    DmaHang,
    /// What is rung or pushed does not come to the kernel.
    DoorbellLost,
    /// Bits flip on the link during DMA: its CRC finds them, and the packet is sent again, or, if that does not help, the
    /// transfer ends with a parity error.
    DmaFlip {
        /// Whether sending it again helps.
        replayed: bool,
    },
    /// The link goes down: reads give all ones, writes are lost. A served card's function reset brings it up again.
    LinkLoss,
    /// The card is pulled out: the link is down, and the connections of a served card end.
    Removal,
    /// The kernels are reset while nobody expects it.
    Reset,
}

/// All kinds as they are without settings, in the order in which they are listed.
const ALL: [FaultKind; 17] = [
    FaultKind::AxiError(ErrorResponse::Slverr),
    FaultKind::AxiFlip,
    FaultKind::Hang,
    FaultKind::Slow(10_000),
    FaultKind::MemoryFlip(1),
    FaultKind::RegisterError(ErrorResponse::Slverr),
    FaultKind::DoneWithheld,
    FaultKind::InterruptLost,
    FaultKind::InterruptLate(10_000),
    FaultKind::DmaError(ErrorResponse::Slverr),
    FaultKind::DmaShort,
    FaultKind::DmaHang,
    FaultKind::DmaFlip { replayed: true },
    FaultKind::DoorbellLost,
    FaultKind::LinkLoss,
    FaultKind::Removal,
    FaultKind::Reset,
];

impl FaultKind {
    /// One of each kind, with its usual settings.
    pub const ALL: &'static [Self] = &ALL;

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::AxiError(_) => "axi-error",
            Self::AxiFlip => "axi-flip",
            Self::Hang => "hang",
            Self::Slow(_) => "slow",
            Self::MemoryFlip(_) => "memory-flip",
            Self::RegisterError(_) => "register-error",
            Self::DoneWithheld => "done-withheld",
            Self::InterruptLost => "interrupt-lost",
            Self::InterruptLate(_) => "interrupt-late",
            Self::DmaError(_) => "dma-error",
            Self::DmaShort => "dma-short",
            Self::DmaHang => "dma-hang",
            Self::DmaFlip { .. } => "dma-flip",
            Self::DoorbellLost => "doorbell-lost",
            Self::LinkLoss => "link-loss",
            Self::Removal => "removal",
            Self::Reset => "reset",
        }
    }

    /// The events that it can strike, the usual one first.
    pub fn events(self) -> &'static [Event] {
        use Event::{
            Burst, Doorbell, FromCard, Interrupt, Now, Read, Register, RegisterRead, RegisterWrite,
            ToCard, Transfer, Write,
        };
        match self {
            Self::AxiError(_) | Self::AxiFlip => &[Burst, Read, Write],
            Self::Hang | Self::Slow(_) => {
                &[Burst, Read, Write, Register, RegisterRead, RegisterWrite]
            }
            Self::MemoryFlip(_) => &[Read, FromCard],
            Self::RegisterError(_) => &[Register, RegisterRead, RegisterWrite],
            Self::DoneWithheld | Self::InterruptLost | Self::InterruptLate(_) => &[Interrupt],
            Self::DoorbellLost => &[Doorbell],
            Self::DmaError(_) | Self::DmaShort | Self::DmaHang | Self::DmaFlip { .. } => {
                &[Transfer, ToCard, FromCard]
            }
            Self::LinkLoss | Self::Removal | Self::Reset => &[
                Now,
                Burst,
                Read,
                Write,
                Register,
                RegisterRead,
                RegisterWrite,
                Interrupt,
                Transfer,
                ToCard,
                FromCard,
                Doorbell,
            ],
        }
    }

    /// What it does, in a line.
    pub fn summary(self) -> &'static str {
        match self {
            Self::AxiError(_) => "the memory answers a kernel's burst with an error",
            Self::AxiFlip => "a bit flips between kernel and memory; the bus has parity",
            Self::Hang => "a burst or register access is never answered",
            Self::Slow(_) => "a burst or register access is answered later",
            Self::MemoryFlip(_) => "bits flip in memory, which has ECC",
            Self::RegisterError(_) => "a register access is answered with an error",
            Self::DoneWithheld => "a kernel finishes, and never says so",
            Self::InterruptLost => "an interrupt is not seen",
            Self::InterruptLate(_) => "an interrupt is seen later",
            Self::DmaError(_) => "the DMA engine ends a transfer with an error",
            Self::DmaShort => "the DMA engine moves half and says that it moved all",
            Self::DmaHang => "the DMA engine never ends a transfer, until it is reset",
            Self::DoorbellLost => "what is rung for a queue does not come to the kernel",
            Self::DmaFlip { .. } => "bits flip on the link during DMA; it has a CRC",
            Self::LinkLoss => "the link goes down: reads give all ones",
            Self::Removal => "the card is pulled out",
            Self::Reset => "the kernels are reset while nobody expects it",
        }
    }
}
