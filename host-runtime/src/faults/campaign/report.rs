//! What a campaign found: a row for each fault at each stage on each kind of card.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::cases::{Case, Stage, Suffering};
use super::resources::Resources;

/// What became of one fault.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    /// How it was found out: an error's kind, or what went unnoticed since it was mended.
    pub(super) detected: &'static str,
    /// What brought the card back.
    pub(super) recovered: &'static str,
    /// From the arming of the fault to the error, or to the right answers.
    pub(super) noticed: Duration,
    /// From the error to a card that works; zero without an error.
    pub(super) mended: Duration,
    /// Simulated clocks from the arming of the fault to a card that works; `None` where the card does not tell.
    pub(super) clocks: Option<u64>,
}

/// How long something took, over all cases of a row, in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Spread {
    /// Half took at most this.
    pub median: u64,
    /// The longest.
    pub max: u64,
}

impl Spread {
    fn of(values: &mut [u64]) -> Self {
        values.sort_unstable();
        Self {
            median: values.get(values.len() / 2).copied().unwrap_or(0),
            max: values.last().copied().unwrap_or(0),
        }
    }
}

/// One fault at one stage on one kind of card.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// The kind of card.
    pub card: Suffering,
    /// The stage.
    pub stage: Stage,
    /// The fault, without its place among the events.
    pub fault: &'static str,
    /// How often it struck.
    pub struck: u64,
    /// How it was found out, and how often so.
    pub detected: BTreeMap<&'static str, u64>,
    /// What brought the card back, and how often so.
    pub recovered: BTreeMap<&'static str, u64>,
    /// Microseconds from the arming of the fault to the error, or to the right answers.
    pub noticed_us: Spread,
    /// Microseconds from the error to a card that works.
    pub mended_us: Spread,
    /// Simulated clocks from the arming of the fault to a card that works, median; `None` on served cards.
    pub clocks: Option<u64>,
}

/// What a campaign found. There is none of one that found a wrong answer, a hang or a leak: that is an error.
#[derive(Debug, Clone, Serialize)]
pub struct CampaignReport {
    /// Of all that is random.
    pub seed: u64,
    /// Faults that struck.
    pub struck: u64,
    /// Faults whose event did not come.
    pub missed: u64,
    /// Answers that were compared with the golden model.
    pub answers: u64,
    /// Seconds that it took.
    pub seconds: f64,
    /// What the process held after every case had been had once, and at the end.
    pub resources: [Resources; 2],
    /// By card, stage and fault.
    pub rows: Vec<Row>,
}

/// Outcomes as they come.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    rows: BTreeMap<(Suffering, Stage, &'static str), Vec<Outcome>>,
}

impl Ledger {
    pub(super) fn add(&mut self, case: &Case, outcome: Outcome) {
        let key = (case.suffering, case.stage, case.text);
        self.rows.entry(key).or_default().push(outcome);
    }

    pub(super) fn rows(self) -> Vec<Row> {
        self.rows
            .into_iter()
            .map(|((card, stage, fault), outcomes)| {
                let micros = |of: fn(&Outcome) -> Duration| {
                    let values = outcomes
                        .iter()
                        .map(|outcome| of(outcome).as_micros() as u64);
                    Spread::of(&mut values.collect::<Vec<_>>())
                };
                let mut clocks: Vec<u64> = outcomes.iter().filter_map(|one| one.clocks).collect();
                let mut detected = BTreeMap::new();
                let mut recovered = BTreeMap::new();
                for outcome in &outcomes {
                    *detected.entry(outcome.detected).or_default() += 1;
                    *recovered.entry(outcome.recovered).or_default() += 1;
                }
                Row {
                    card,
                    stage,
                    fault,
                    struck: outcomes.len() as u64,
                    detected,
                    recovered,
                    noticed_us: micros(|outcome| outcome.noticed),
                    mended_us: micros(|outcome| outcome.mended),
                    clocks: (!clocks.is_empty()).then(|| Spread::of(&mut clocks).median),
                }
            })
            .collect()
    }
}
