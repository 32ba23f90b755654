//! What is asked of the engine, and what it answers.

use std::fmt;
use std::time::Duration;

use crate::tcp::{Cause, Decision, Descriptor, Verdict};

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[repr(transparent)]
pub struct AgentId(pub u64);

/// An agent's open session, as opening it gave it: asking by it needs no search for the agent. It leads nowhere once the
/// session is closed, also when the agent opens another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct SessionHandle {
    place: u32,
    opening: u32,
}

impl SessionHandle {
    pub(super) const fn new(place: u32, opening: u32) -> Self {
        Self { place, opening }
    }

    pub(super) const fn place(self) -> u32 {
        self.place
    }

    pub(super) const fn opening(self) -> u32 {
        self.opening
    }

    /// The handle as a number, to keep where there is room for no more.
    pub const fn to_bits(self) -> u64 {
        (self.opening as u64) << 32 | self.place as u64
    }

    /// The handle of a number. One that no handle gave leads nowhere, unless it was guessed.
    pub const fn from_bits(bits: u64) -> Self {
        Self::new(bits as u32, (bits >> 32) as u32)
    }
}

/// Agents that share a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[repr(transparent)]
pub struct NamespaceId(pub u32);

/// Which policy decided: policies that were put in force are counted from 1 over all namespaces of an engine. 0 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[repr(transparent)]
pub struct Version(pub u64);

impl Version {
    /// No policy decided.
    pub const NONE: Self = Self(0);
}

/// A point in time: nanoseconds since whatever the caller counts from. The engine has no clock of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[repr(transparent)]
pub struct Time(pub u64);

impl Time {
    /// Later than all others.
    pub const NEVER: Self = Self(u64::MAX);

    /// So much later, [`Time::NEVER`] at the latest.
    #[must_use]
    pub const fn after(self, duration: Duration) -> Self {
        let nanoseconds = duration.as_nanos();
        if nanoseconds > u64::MAX as u128 {
            return Self::NEVER;
        }
        Self(self.0.saturating_add(nanoseconds as u64))
    }

    /// How long ago `earlier` was; none if it is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// May this tool run?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Request {
    /// Who asks.
    pub agent: AgentId,
    /// Returned in the answer, whatever it is.
    pub ticket: u64,
    /// When it was asked; the answer's latency counts from here.
    pub asked: Time,
    /// An answer at this time or later is REJECT.
    pub deadline: Time,
    /// The tool.
    pub descriptor: Descriptor,
}

/// May this tool run? Asked by the handle of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionRequest<'a> {
    /// Who asks.
    pub session: SessionHandle,
    /// Returned in the answer, whatever it is.
    pub ticket: u64,
    /// When it was asked; the answer's latency counts from here.
    pub asked: Time,
    /// An answer at this time or later is REJECT.
    pub deadline: Time,
    /// The tool.
    pub descriptor: &'a Descriptor,
}

/// What became of a request. Every request gets exactly one; it is [`Decision::Reject`] unless a policy says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Answer {
    /// Who asked.
    pub agent: AgentId,
    /// The request's.
    pub ticket: u64,
    /// The policy that decided; [`Version::NONE`] if none did.
    pub version: Version,
    /// From request to answer, in nanoseconds.
    pub latency: u64,
    /// The agent's namespace; 0 where the session was not looked up, or there is none.
    pub namespace: NamespaceId,
    /// Whether the tool may run.
    pub decision: Decision,
    /// Why.
    pub reason: Reason,
    /// What the lane judged; [`Verdict::MALFORMED`] unless the reason is [`Reason::Judged`].
    pub verdict: Verdict,
    /// Code of the [`Cause`] if the reason is [`Reason::Malformed`], else 0.
    pub cause_code: u8,
    /// The tool.
    pub descriptor: Descriptor,
}

impl Answer {
    /// Why the descriptor is malformed, if the reason is [`Reason::Malformed`].
    pub fn cause(&self) -> Option<Cause> {
        Cause::from_code(self.cause_code)
    }

    /// Makes it REJECT, decided by no policy.
    pub(super) const fn refuse(&mut self, reason: Reason) {
        self.version = Version::NONE;
        self.decision = Decision::Reject;
        self.reason = reason;
        self.verdict = Verdict::MALFORMED;
        self.cause_code = 0;
    }

    /// REJECT, decided by no policy.
    pub(super) const fn refused(
        request: &Request,
        now: Time,
        namespace: NamespaceId,
        reason: Reason,
    ) -> Self {
        Self {
            agent: request.agent,
            ticket: request.ticket,
            version: Version::NONE,
            latency: now.0.saturating_sub(request.asked.0),
            namespace,
            decision: Decision::Reject,
            reason,
            verdict: Verdict::MALFORMED,
            cause_code: 0,
            descriptor: request.descriptor,
        }
    }
}

/// Why an answer is what it is. Under all but [`Reason::Judged`] it is REJECT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Reason {
    /// The policy decided.
    Judged = 0,
    /// The descriptor is malformed; the answer's cause says how.
    Malformed = 1,
    /// The agent has no session.
    UnknownAgent = 2,
    /// The agent's session was closed before the answer.
    SessionClosed = 3,
    /// The deadline passed before the answer.
    DeadlinePassed = 4,
    /// As much is under way as may be.
    Overload = 5,
    /// No lane that lives has a place for the policy.
    NoLane = 6,
    /// The engine stops, or has stopped.
    Stopping = 7,
}

impl Reason {
    /// All of them, in the order of their codes.
    pub const ALL: [Self; 8] = [
        Self::Judged,
        Self::Malformed,
        Self::UnknownAgent,
        Self::SessionClosed,
        Self::DeadlinePassed,
        Self::Overload,
        Self::NoLane,
        Self::Stopping,
    ];

    /// The code, 0..=7.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The name, in the style of the specification's.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Judged => "JUDGED",
            Self::Malformed => "MALFORMED",
            Self::UnknownAgent => "UNKNOWN_AGENT",
            Self::SessionClosed => "SESSION_CLOSED",
            Self::DeadlinePassed => "DEADLINE_PASSED",
            Self::Overload => "OVERLOAD",
            Self::NoLane => "NO_LANE",
            Self::Stopping => "STOPPING",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_cache_line() {
        assert_eq!(size_of::<Answer>(), 64);
    }

    #[test]
    fn reasons_are_listed_by_code() {
        for (code, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(reason.code()), code);
        }
    }

    #[test]
    fn time_saturates() {
        let late = Time(u64::MAX - 5);
        assert_eq!(late.after(Duration::from_nanos(5)), Time::NEVER);
        assert_eq!(late.after(Duration::MAX), Time::NEVER);
        assert_eq!(Time(3).since(Time(7)), Duration::ZERO);
        assert_eq!(Time(7).since(Time(3)), Duration::from_nanos(4));
    }
}
