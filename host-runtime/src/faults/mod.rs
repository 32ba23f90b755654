//! Faults of simulated cards, as a feature: what a card can suffer, when, and how it is asked for. A plan is seeded and can be
//! replayed: whether an event is struck is a function of the plan, the seed and the event's number.
//!
//! Each fault is injected where it happens: on the buses in `cosim`, in the memory's error correction, on the way of DMA, on
//! the link of a served card. [`FaultInjector`] is the one switch that these places share.

pub mod campaign;
mod error;
mod injector;
mod kind;
mod ports;
mod spec;

pub use error::FaultError;
pub use injector::{FaultInjector, FaultTally, LinkState};
pub(crate) use injector::{Transfer, TransferStrike};
pub use kind::{Event, FaultKind};

pub use cosim::engine::{ErrorResponse, Trigger};

use std::ops::Range;

/// One fault of a plan. Its text is what `--fault` takes: `axi-error:on=read,at=3,response=slverr`.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// What happens.
    pub kind: FaultKind,
    /// What it waits for, and counts.
    pub event: Event,
    /// The port of a compute unit, as `m_axi_gmem0` or `tcp_validator_1.m_axi_gmem0`; `None`: any.
    pub port: Option<String>,
    /// Addresses of memory, or byte offsets of registers, of which the event must touch one; `None`: any.
    pub range: Option<Range<u64>>,
    /// Which of these events are struck.
    pub trigger: Trigger,
}

impl Fault {
    /// A fault that strikes the first of the events that its kind waits for.
    pub fn new(kind: FaultKind) -> Self {
        Self {
            kind,
            event: kind.events()[0],
            port: None,
            range: None,
            trigger: Trigger::nth(1),
        }
    }

    /// With other events than those it usually waits for.
    ///
    /// # Errors
    /// [`FaultError::Event`] for events that cannot suffer this.
    pub fn on(self, event: Event) -> Result<Self, FaultError> {
        let events = self.kind.events();
        if !events.contains(&event) {
            return Err(FaultError::Event {
                kind: self.kind.name(),
                event: event.name().to_owned(),
                available: names(events.iter().map(|event| event.name())),
            });
        }
        Ok(Self { event, ..self })
    }

    /// Striking the event of that number, from 1, and no other.
    #[must_use]
    pub fn at(self, number: u64) -> Self {
        Self {
            trigger: Trigger::nth(number),
            ..self
        }
    }
}

/// What a simulated card suffers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FaultPlan {
    /// Of all that is left to chance: which events, which beats, which bits.
    pub seed: u64,
    /// The faults.
    pub faults: Vec<Fault>,
}

impl FaultPlan {
    /// A plan of one fault.
    pub fn of(seed: u64, fault: Fault) -> Self {
        Self {
            seed,
            faults: vec![fault],
        }
    }
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}
