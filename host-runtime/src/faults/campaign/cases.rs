//! What a campaign makes a card suffer: which faults at which stage of a run, and where among their events.

use std::collections::HashMap;

use rand::Rng;
use serde::Serialize;

use crate::faults::{Event, Fault, FaultPlan};

/// A stage of a card's use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// An image is loaded.
    Programming,
    /// Descriptors are copied to the card.
    Upload,
    /// Registers are written, and the run is started.
    Start,
    /// The kernel works.
    MidRun,
    /// The run ends: the last answers are written, the interrupt comes, counters are read.
    Completion,
    /// Answers are copied from the card.
    Download,
    /// Nothing goes on.
    Idle,
    /// A queue is opened: the card is told of its rings.
    QueueOpening,
    /// A program rings for what it has submitted and taken.
    QueueRinging,
    /// The kernel fetches what was submitted, judges it, and writes answers.
    QueueAnswering,
}

impl Stage {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Programming => "programming",
            Self::Upload => "upload",
            Self::Start => "start",
            Self::MidRun => "mid-run",
            Self::Completion => "completion",
            Self::Download => "download",
            Self::Idle => "idle",
            Self::QueueOpening => "queue-opening",
            Self::QueueRinging => "queue-ringing",
            Self::QueueAnswering => "queue-answering",
        }
    }

    /// What the card is used for.
    pub(super) fn usage(self) -> Usage {
        match self {
            Self::QueueOpening | Self::QueueRinging | Self::QueueAnswering => Usage::Queue,
            _ => Usage::Runs,
        }
    }
}

/// Which kind of card suffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Suffering {
    /// A simulated card in the process.
    InProcess,
    /// A card that the process serves, through the driver and vfio-user.
    Served,
}

impl Suffering {
    /// Both.
    pub const ALL: [Self; 2] = [Self::InProcess, Self::Served];
}

/// What a card is used for, and so which image it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Usage {
    /// Runs of `tcp_validator`.
    Runs,
    /// A queue of `tcp_queue`.
    Queue,
}

impl Usage {
    pub(super) const ALL: [Self; 2] = [Self::Runs, Self::Queue];
}

/// Which of an event's occurrences are of the stage.
#[derive(Debug, Clone, Copy)]
enum Window {
    Any,
    First(u64),
    LastThird,
}

use Stage::{
    Completion, Download, Idle, MidRun, Programming, QueueAnswering, QueueOpening, QueueRinging,
    Start, Upload,
};
use Window::{Any, First, LastThird};

/// Registers that are read and written before a run starts: fewer than a validation's first.
const BEFORE_START: Window = First(40);

#[rustfmt::skip]
const CASES: &[(Stage, Window, &str)] = &[
    (Programming, First(1), "link-loss:on=now"),
    (Programming, First(1), "removal:on=now"),
    (Programming, First(1), "reset:on=now"),
    (Programming, First(2), "register-error:on=register-write"),
    (Programming, First(2), "slow:on=register-write,clocks=500"),
    (Programming, Any, "dma-error:on=to-card"),
    (Programming, Any, "dma-error:on=to-card,response=decerr"),
    (Programming, Any, "dma-short:on=to-card"),
    (Programming, Any, "dma-hang:on=to-card"),
    (Programming, Any, "dma-flip:on=to-card"),
    (Programming, Any, "dma-flip:on=to-card,replay=fails"),
    (Programming, Any, "link-loss:on=to-card"),
    (Programming, Any, "removal:on=to-card"),
    (Upload, First(1), "dma-error:on=to-card"),
    (Upload, First(1), "dma-error:on=to-card,response=decerr"),
    (Upload, First(1), "dma-short:on=to-card"),
    (Upload, First(1), "dma-hang:on=to-card"),
    (Upload, First(1), "dma-flip:on=to-card"),
    (Upload, First(1), "dma-flip:on=to-card,replay=fails"),
    (Upload, First(1), "link-loss:on=to-card"),
    (Upload, First(1), "removal:on=to-card"),
    (Upload, First(1), "reset:on=to-card"),
    (Start, BEFORE_START, "register-error:on=register"),
    (Start, BEFORE_START, "register-error:on=register,response=decerr"),
    (Start, First(8), "register-error:on=register-write"),
    (Start, First(8), "hang:on=register-write"),
    (Start, BEFORE_START, "slow:on=register,clocks=500"),
    (Start, BEFORE_START, "link-loss:on=register"),
    (Start, BEFORE_START, "removal:on=register"),
    (Start, First(8), "reset:on=register-write"),
    (MidRun, Any, "axi-error:on=read"),
    (MidRun, Any, "axi-error:on=burst,response=decerr"),
    (MidRun, Any, "axi-flip:on=read"),
    (MidRun, Any, "axi-flip:on=write"),
    (MidRun, Any, "hang:on=read"),
    (MidRun, Any, "slow:on=burst,clocks=2000"),
    (MidRun, Any, "memory-flip:on=read"),
    (MidRun, Any, "memory-flip:on=read,bits=2"),
    (MidRun, Any, "reset:on=burst"),
    (MidRun, Any, "link-loss:on=burst"),
    (MidRun, Any, "removal:on=burst"),
    (Completion, First(1), "done-withheld"),
    (Completion, First(1), "interrupt-lost"),
    (Completion, First(1), "interrupt-late:clocks=3000"),
    (Completion, Any, "hang:on=write"),
    (Completion, Any, "axi-error:on=write"),
    (Completion, LastThird, "register-error:on=register-read"),
    (Completion, LastThird, "hang:on=register-read"),
    (Completion, First(1), "link-loss:on=interrupt"),
    (Completion, First(1), "removal:on=interrupt"),
    (Completion, First(1), "reset:on=interrupt"),
    (Download, First(1), "dma-error:on=from-card"),
    (Download, First(1), "dma-error:on=from-card,response=decerr"),
    (Download, First(1), "dma-short:on=from-card"),
    (Download, First(1), "dma-hang:on=from-card"),
    (Download, First(1), "dma-flip:on=from-card"),
    (Download, First(1), "dma-flip:on=from-card,replay=fails"),
    (Download, First(1), "memory-flip:on=from-card"),
    (Download, First(1), "memory-flip:on=from-card,bits=2"),
    (Download, First(1), "link-loss:on=from-card"),
    (Download, First(1), "removal:on=from-card"),
    (Download, First(1), "reset:on=from-card"),
    (Idle, First(1), "link-loss:on=now"),
    (Idle, First(1), "removal:on=now"),
    (Idle, First(1), "reset:on=now"),
    (QueueOpening, Any, "register-error:on=register"),
    (QueueOpening, Any, "register-error:on=register-write,response=decerr"),
    (QueueOpening, Any, "hang:on=register"),
    (QueueOpening, Any, "slow:on=register,clocks=500"),
    (QueueOpening, Any, "link-loss:on=register"),
    (QueueOpening, Any, "removal:on=register"),
    (QueueOpening, Any, "reset:on=register-write"),
    (QueueRinging, Any, "doorbell-lost"),
    (QueueRinging, Any, "link-loss:on=doorbell"),
    (QueueRinging, Any, "removal:on=doorbell"),
    (QueueRinging, Any, "reset:on=doorbell"),
    (QueueRinging, LastThird, "register-error:on=register-write"),
    (QueueRinging, LastThird, "hang:on=register-write"),
    (QueueAnswering, Any, "axi-error:on=read"),
    (QueueAnswering, Any, "axi-error:on=read,response=decerr"),
    (QueueAnswering, Any, "axi-error:on=write"),
    (QueueAnswering, Any, "axi-flip:on=read"),
    (QueueAnswering, Any, "axi-flip:on=write"),
    (QueueAnswering, Any, "hang:on=read"),
    (QueueAnswering, Any, "hang:on=write"),
    (QueueAnswering, Any, "slow:on=burst,clocks=2000"),
    (QueueAnswering, Any, "memory-flip:on=read"),
    (QueueAnswering, Any, "memory-flip:on=read,bits=2"),
    (QueueAnswering, Any, "interrupt-lost"),
    (QueueAnswering, Any, "interrupt-late:clocks=3000"),
    (QueueAnswering, Any, "reset:on=burst"),
    (QueueAnswering, Any, "link-loss:on=burst"),
    (QueueAnswering, Any, "removal:on=burst"),
];

/// How often each event happens in healthy work.
pub(super) type EventCounts = HashMap<Event, u64>;

/// One fault to suffer.
#[derive(Debug, Clone)]
pub(super) struct Case {
    /// Its number in the campaign.
    pub(super) index: u64,
    pub(super) suffering: Suffering,
    pub(super) stage: Stage,
    /// The fault without its place among the events.
    pub(super) text: &'static str,
    pub(super) plan: FaultPlan,
}

/// How many cases there are before they repeat with other seeds, for each kind of card.
pub(super) fn distinct() -> u64 {
    CASES.len() as u64
}

/// What the card of a number's case is used for.
pub(super) fn usage(index: u64) -> Usage {
    CASES[(index % distinct()) as usize].0.usage()
}

/// The case of a number; `None` if its event does not happen there on such a card (a simulated card in the process is not
/// programmed by DMA).
pub(super) fn case(
    index: u64,
    suffering: Suffering,
    rng: &mut impl Rng,
    counts: impl Fn(Stage) -> EventCounts,
) -> Option<Case> {
    let (stage, window, text) = CASES[(index % distinct()) as usize];
    let fault: Fault = text.parse().expect("a fault of the table");
    let happens = match fault.event {
        Event::Now => 1,
        event => counts(stage).get(&event).copied().unwrap_or(0),
    };
    if happens == 0 {
        return None;
    }
    let drawn = rng.random_range(0..happens);
    let at = match window {
        Any => 1 + drawn,
        First(most) => 1 + drawn % most,
        LastThird => happens - drawn % happens.div_ceil(3),
    };
    Some(Case {
        index,
        suffering,
        stage,
        text,
        plan: FaultPlan::of(rng.random(), fault.at(at)),
    })
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;
    use crate::faults::FaultKind;

    #[test]
    fn every_kind_of_fault_and_every_stage_is_among_the_cases() {
        let faults: Vec<Fault> = CASES.iter().map(|case| case.2.parse().unwrap()).collect();
        for kind in FaultKind::ALL {
            let name = kind.name();
            assert!(
                faults.iter().any(|fault| fault.kind.name() == name),
                "{name}"
            );
        }
        for stage in [
            Programming,
            Upload,
            Start,
            MidRun,
            Completion,
            Download,
            Idle,
            QueueOpening,
            QueueRinging,
            QueueAnswering,
        ] {
            assert!(CASES.iter().any(|case| case.0 == stage), "{}", stage.name());
        }
    }

    #[test]
    fn cases_strike_events_that_happen() {
        let rng = &mut Xoshiro256PlusPlus::seed_from_u64(1);
        for index in 0..10 * distinct() {
            let counts = |_| Event::ALL.into_iter().map(|event| (event, 7)).collect();
            let case = case(index, Suffering::Served, rng, counts).expect("all events happen");
            let trigger = case.plan.faults[0].trigger;
            assert!((1..=7).contains(&trigger.from), "{case:?}");
        }
        assert!(case(5, Suffering::InProcess, rng, |_| EventCounts::new()).is_none());
    }
}
