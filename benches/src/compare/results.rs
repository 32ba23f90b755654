//! What a comparison found, as it is kept: every figure of every round, so that ratios are between what was measured side
//! by side.

use serde::{Deserialize, Serialize};

use crate::machine::Machine;

/// A whole run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Results {
    /// When it was made, UTC.
    pub(crate) taken: String,
    pub(crate) rounds: u32,
    /// Short measurements: good for a look, not for a claim.
    pub(crate) quick: bool,
    pub(crate) machine: Machine,
    pub(crate) groups: Vec<Group>,
    pub(crate) targets: Vec<Target>,
    /// What could not be measured, and why.
    pub(crate) missing: Vec<Missing>,
}

/// Figures that are compared with each other.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) note: String,
    pub(crate) unit: Unit,
    /// The figure that the others are told as multiples of.
    pub(crate) reference: String,
    pub(crate) figures: Vec<Figure>,
}

/// What a figure counts, and so which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Unit {
    /// Nanoseconds for each descriptor: less is better.
    #[serde(rename = "ns each")]
    NanosecondsEach,
    /// Nanoseconds: less is better.
    #[serde(rename = "ns")]
    Nanoseconds,
    /// Gigabytes of descriptors a second: more is better.
    #[serde(rename = "GB/s")]
    GigabytesPerSecond,
}

impl Unit {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::NanosecondsEach => "ns for each descriptor",
            Self::Nanoseconds => "ns",
            Self::GigabytesPerSecond => "GB/s",
        }
    }
}

/// One thing measured, once in each round.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Figure {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) side: Side,
    pub(crate) rounds: Vec<f64>,
}

/// Whose figure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Side {
    /// This project's.
    Ours,
    /// What people use today.
    Peer,
    /// What the machine can do at most.
    Limit,
}

/// A ratio that was asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Target {
    pub(crate) name: String,
    /// What the ratio is of.
    pub(crate) what: String,
    pub(crate) to_reach: Bound,
    pub(crate) measured: Spread,
    pub(crate) reached: bool,
}

/// What a ratio has to be.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

impl Bound {
    pub(crate) fn holds(self, measured: f64) -> bool {
        match self {
            Self::AtLeast(least) => measured >= least,
            Self::AtMost(most) => measured <= most,
        }
    }

    pub(crate) fn text(self) -> String {
        match self {
            Self::AtLeast(least) => format!("at least {least}"),
            Self::AtMost(most) => format!("at most {most}"),
        }
    }
}

/// Something that could not be measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Missing {
    pub(crate) what: String,
    pub(crate) why: String,
}

/// The median over the rounds, and the extremes.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    /// `None` without rounds.
    pub(crate) fn of(rounds: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut rounds: Vec<_> = rounds.into_iter().collect();
        rounds.sort_by(f64::total_cmp);
        Some(Self {
            median: *rounds.get(rounds.len() / 2)?,
            least: *rounds.first()?,
            most: *rounds.last()?,
        })
    }

    pub(crate) fn range(self) -> String {
        format!("{} to {}", digits(self.least), digits(self.most))
    }
}

impl Group {
    pub(crate) fn figure(&self, id: &str) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.id == id)
    }

    /// How many times the denominator the numerator is, round by round.
    pub(crate) fn ratio(&self, numerator: &str, denominator: &str) -> Option<Spread> {
        let (numerator, denominator) = (self.figure(numerator)?, self.figure(denominator)?);
        let pairs = numerator.rounds.iter().zip(&denominator.rounds);
        Spread::of(pairs.map(|(numerator, denominator)| numerator / denominator))
    }

    /// How many times better than a figure the reference is.
    pub(crate) fn times(&self, figure: &Figure) -> Option<Spread> {
        match self.unit {
            Unit::GigabytesPerSecond => self.ratio(&self.reference, &figure.id),
            Unit::Nanoseconds | Unit::NanosecondsEach => self.ratio(&figure.id, &self.reference),
        }
    }

    /// The name of the figure that the others are compared with.
    pub(crate) fn reference_name(&self) -> &str {
        self.figure(&self.reference)
            .map_or("what is missing", |figure| &figure.name)
    }
}

impl Figure {
    pub(crate) fn spread(&self) -> Spread {
        Spread::of(self.rounds.iter().copied()).unwrap_or(Spread {
            median: f64::NAN,
            least: f64::NAN,
            most: f64::NAN,
        })
    }
}

/// A number with three significant digits.
pub(crate) fn digits(value: f64) -> String {
    if value >= 99.95 {
        let text = format!("{value:.0}");
        let mut grouped = String::new();
        for (index, digit) in text.chars().enumerate() {
            if index > 0 && (text.len() - index).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        return grouped;
    }
    let decimals = if value >= 9.995 { 1 } else { 2 };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_of_the_same_rounds() {
        let figure = |id: &str, rounds: [f64; 3]| Figure {
            id: id.to_owned(),
            name: String::new(),
            side: Side::Peer,
            rounds: rounds.to_vec(),
        };
        let group = Group {
            id: String::new(),
            title: String::new(),
            note: String::new(),
            unit: Unit::Nanoseconds,
            reference: "a".to_owned(),
            // The second round was slow for both.
            figures: vec![figure("a", [1.0, 10.0, 2.0]), figure("b", [3.0, 20.0, 8.0])],
        };
        let ratio = group.ratio("b", "a").expect("both are there");
        assert_eq!((ratio.least, ratio.median, ratio.most), (2.0, 3.0, 4.0));
        assert!(group.ratio("b", "c").is_none());
    }

    #[test]
    fn numbers_have_three_digits_and_large_ones_are_grouped() {
        let texts = [0.4567, 9.996, 12.34, 123.4, 1_234_567.0].map(digits);
        assert_eq!(texts, ["0.46", "10.0", "12.3", "123", "1,234,567"]);
    }
}
