//! Why a card stopped a pair of rings.

use std::fmt;

/// Why a card stopped a pair, as docs/queue.md lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StopCause {
    /// Somebody wrote to its control register.
    Host,
    /// A ring of a size that there is not.
    BadSize,
    /// A ring that does not begin at a page.
    BadBase,
    /// A doorbell past the submission ring, or behind the one before.
    BadTail,
    /// A doorbell past the completions, or behind the one before.
    BadHead,
    /// The host's memory answered a read with an error.
    ReadError,
    /// The host's memory answered a write with an error.
    WriteError,
    /// A push found no place in the completion ring.
    PushOverrun,
    /// A push came in pieces.
    PushTorn,
    /// A code that docs/queue.md does not have.
    Unknown(u8),
}

impl StopCause {
    const KNOWN: [(Self, &'static str); 9] = [
        (Self::Host, "its control register was written"),
        (
            Self::BadSize,
            "BAD_SIZE, a ring of a size that there is not",
        ),
        (
            Self::BadBase,
            "BAD_BASE, a ring that does not begin at a page",
        ),
        (
            Self::BadTail,
            "BAD_TAIL, a doorbell outside the submission ring",
        ),
        (
            Self::BadHead,
            "BAD_HEAD, a doorbell outside the completion ring",
        ),
        (
            Self::ReadError,
            "READ_ERROR, the host's memory refused a read",
        ),
        (
            Self::WriteError,
            "WRITE_ERROR, the host's memory refused a write",
        ),
        (
            Self::PushOverrun,
            "PUSH_OVERRUN, a push found no place for its completion",
        ),
        (Self::PushTorn, "PUSH_TORN, a push came in pieces"),
    ];

    /// The cause of a code in a pair's control register.
    pub(crate) fn from_code(code: u8) -> Self {
        Self::KNOWN
            .get(usize::from(code))
            .map_or(Self::Unknown(code), |&(cause, _)| cause)
    }
}

impl fmt::Display for StopCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Unknown(code) = self {
            return write!(f, "unknown cause {code}");
        }
        let known = Self::KNOWN.iter().find(|(cause, _)| cause == self);
        f.write_str(known.map_or("", |&(_, text)| text))
    }
}
