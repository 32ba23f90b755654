//! What ends a run: protocol violations, stopped kernels, the watchdog, refused registers.

use std::fmt;

use crate::memory::MemoryError;
use crate::model::ModelError;

/// A channel of an AXI port; `T` is all of an AXI4-Stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the AXI names")]
pub enum Channel {
    Ar,
    R,
    Aw,
    W,
    B,
    T,
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ar => "AR",
            Self::R => "R",
            Self::Aw => "AW",
            Self::W => "W",
            Self::B => "B",
            Self::T => "T",
        })
    }
}

/// A rule of the AXI protocol (IHI 0022) that kernels are held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// A3.2.1 (streams: IHI 0051, 2.2.1): once asserted, VALID remains until READY.
    ValidDropped,
    /// A3.2.1: the payload is stable while VALID waits for READY.
    PayloadChanged,
    /// A3.1.2 (streams: IHI 0051, 2.7.2): VALID is low in reset.
    ValidInReset,
    /// A3.4.1, table A3-3: burst type 3 is reserved.
    BurstType,
    /// A3.4.1: a beat is no wider than the data bus.
    BurstSize,
    /// A3.4.1: a wrapping burst has 2, 4, 8 or 16 beats.
    WrapLength,
    /// A3.4.1: a wrapping burst starts at a multiple of its beat's size.
    WrapAlignment,
    /// A3.4.1: a fixed burst has at most 16 beats.
    FixedLength,
    /// A3.4.1: no burst crosses a 4 KiB boundary.
    Boundary,
    /// A3.4.1: WLAST is low on all but the last beat.
    LastEarly,
    /// A3.4.1: WLAST is high on the last beat.
    LastMissing,
    /// A3.4.3: write strobes are only high for byte lanes of the beat.
    Strobe,
    /// The burst leaves the banks that the port is connected to.
    OutsideBank,
    /// A3.3.1: no response before its request.
    ResponseWithoutRequest,
    /// B1.1.1: EXOKAY is no response of AXI4-Lite.
    ExclusiveResponse,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ValidDropped => "VALID fell before READY",
            Self::PayloadChanged => "the payload changed while VALID waited for READY",
            Self::ValidInReset => "VALID is high in reset",
            Self::BurstType => "the burst type is reserved",
            Self::BurstSize => "the beats are wider than the data bus",
            Self::WrapLength => "a wrapping burst has 2, 4, 8 or 16 beats",
            Self::WrapAlignment => "a wrapping burst starts at a multiple of its beat's size",
            Self::FixedLength => "a fixed burst has at most 16 beats",
            Self::Boundary => "the burst crosses a 4 KiB boundary",
            Self::LastEarly => "WLAST is high before the last beat",
            Self::LastMissing => "WLAST is low on the last beat",
            Self::Strobe => "a write strobe is high outside the beat's byte lanes",
            Self::OutsideBank => "the access leaves the banks that the port is connected to",
            Self::ResponseWithoutRequest => "a response without a request",
            Self::ExclusiveResponse => "EXOKAY is no response of AXI4-Lite",
        })
    }
}

/// A broken rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which rule.
    pub rule: Rule,
    /// Compute unit and port, as `copy_1.m_axi_gmem0`.
    pub port: String,
    /// Which channel.
    pub channel: Channel,
    /// The clock, counted from the engine's start, at whose rising edge it was seen.
    pub clock: u64,
    /// The values that broke it.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rule,
            port,
            channel,
            clock,
            detail,
        } = self;
        write!(
            f,
            "AXI protocol violation on {port}, channel {channel}, at clock {clock}: {rule}"
        )?;
        if detail.is_empty() {
            Ok(())
        } else {
            write!(f, " ({detail})")
        }
    }
}

/// Why the engine stopped, or could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// A kernel broke the AXI protocol; `Engine::reset` is needed before it can go on.
    #[error("{0}")]
    Protocol(Violation),
    /// Nothing moved for too long while a kernel was running.
    #[error(
        "no progress for {limit} clocks, at clock {clock}; what each channel waits for:\n{report}"
    )]
    Watchdog {
        /// The clock at which it was given up.
        clock: u64,
        /// Clocks without a handshake.
        limit: u64,
        /// One line a channel.
        report: String,
    },
    /// A kernel stopped or its model failed.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The memory was asked for addresses it does not have.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// A register access was answered with an error.
    #[error("{access} of register {address:#x} of {port} was answered {response}")]
    Register {
        /// `read` or `write`.
        access: &'static str,
        /// Byte offset.
        address: u64,
        /// Compute unit and port.
        port: String,
        /// `SLVERR` or `DECERR`.
        response: &'static str,
    },
    /// A register access was not answered.
    #[error(
        "{access} of register {address:#x} of {port} was not answered within {clocks} clocks; the kernel's register port hangs"
    )]
    RegisterTimeout {
        /// `read` or `write`.
        access: &'static str,
        /// Byte offset.
        address: u64,
        /// Compute unit and port.
        port: String,
        /// How long it was waited for.
        clocks: u64,
    },
    /// A name that the compute unit does not have.
    #[error("compute unit `{unit}` has no {kind} `{name}`; it has: {available}")]
    NoSuch {
        /// The compute unit.
        unit: String,
        /// `AXI4 master`, `bank`, `port`...
        kind: &'static str,
        /// The name asked for.
        name: String,
        /// The names there are.
        available: String,
    },
    /// A position that names no compute unit.
    #[error("there is no compute unit {0}")]
    NoSuchUnit(usize),
    /// A second clock that cannot be scheduled beside the first.
    #[error(
        "ap_clk_2 cannot run at {second}/{first} of ap_clk; give it a frequency above 0 and at most {most} times ap_clk's"
    )]
    Clock {
        /// Frequency of `ap_clk_2`.
        second: u32,
        /// Frequency of `ap_clk`, in the same unit.
        first: u32,
        /// Highest multiple.
        most: u64,
    },
    /// The kernel has something that the engine does not drive.
    #[error("compute unit `{unit}`: {what}")]
    Unsupported {
        /// The compute unit.
        unit: String,
        /// What it is.
        what: String,
    },
    /// Save was asked for in the middle of transfers.
    #[error("the state can only be saved while the buses are quiet; {port} is not")]
    NotQuiet {
        /// Compute unit and port.
        port: String,
    },
    /// A saved state that does not belong to this engine.
    #[error("the saved state cannot be restored: {reason}")]
    State {
        /// Why not.
        reason: String,
    },
    /// An earlier error has stopped the engine.
    #[error("the engine stopped earlier ({0}); reset it first")]
    Halted(String),
}

impl From<Violation> for EngineError {
    fn from(violation: Violation) -> Self {
        Self::Protocol(violation)
    }
}
