//! Rounds: in each, everything is measured once, in turn, so that what else the machine does falls on all alike.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::results::{Figure, Group, Missing, Side, Unit};

/// Something that is measured, and gives one figure or several.
pub(crate) struct Contender {
    figures: Vec<Figure>,
    measure: Measure,
}

/// Measures for about so long, and gives the figures in their order.
type Measure = Box<dyn FnMut(Duration) -> Result<Vec<f64>>>;

/// Contenders for a group, as they are found.
pub(crate) struct Field {
    group: Group,
    contenders: Vec<Contender>,
    pub(crate) missing: Vec<Missing>,
}

impl Contender {
    /// What gives one figure.
    pub(crate) fn one(
        side: Side,
        id: &str,
        name: impl Into<String>,
        mut measure: impl FnMut(Duration) -> Result<f64> + 'static,
    ) -> Self {
        Self::several(side, &[(id, &name.into())], move |slice| {
            Ok(vec![measure(slice)?])
        })
    }

    /// What gives several figures at once.
    pub(crate) fn several(
        side: Side,
        figures: &[(&str, &str)],
        measure: impl FnMut(Duration) -> Result<Vec<f64>> + 'static,
    ) -> Self {
        Self {
            figures: figures
                .iter()
                .map(|(id, name)| Figure {
                    id: (*id).to_owned(),
                    name: (*name).to_owned(),
                    side,
                    rounds: Vec::new(),
                })
                .collect(),
            measure: Box::new(measure),
        }
    }
}

impl Field {
    pub(crate) fn new(id: &str, title: &str, note: &str, unit: Unit, reference: &str) -> Self {
        Self {
            group: Group {
                id: id.to_owned(),
                title: title.to_owned(),
                note: note.to_owned(),
                unit,
                reference: reference.to_owned(),
                figures: Vec::new(),
            },
            contenders: Vec::new(),
            missing: Vec::new(),
        }
    }

    /// Takes one in, or notes why it cannot be.
    pub(crate) fn add(&mut self, what: &str, contender: Result<Contender>) {
        match contender {
            Ok(contender) => self.contenders.push(contender),
            Err(error) => {
                let (what, why) = (what.to_owned(), format!("{error:#}"));
                eprintln!("missing: {what}: {why}");
                self.missing.push(Missing { what, why });
            }
        }
    }

    /// One round.
    pub(crate) fn round(&mut self, round: u32, slice: Duration) -> Result<()> {
        let count = self.contenders.len();
        for turn in 0..count {
            // Each round begins with another one: none is always the first after a pause.
            let Contender { figures, measure } =
                &mut self.contenders[(turn + round as usize) % count];
            let name = &figures[0].name;
            let measured =
                measure(slice).with_context(|| format!("{}: {name}", self.group.title))?;
            for (figure, value) in figures.iter_mut().zip(measured) {
                figure.rounds.push(value);
            }
        }
        Ok(())
    }

    /// The figures of all rounds.
    pub(crate) fn finish(mut self) -> (Group, Vec<Missing>) {
        for contender in self.contenders {
            self.group.figures.extend(contender.figures);
        }
        (self.group, self.missing)
    }
}

/// Nanoseconds of the shortest of many runs within the time, at least one.
pub(crate) fn shortest(slice: Duration, mut work: impl FnMut()) -> f64 {
    let end = Instant::now() + slice;
    let mut best = Duration::MAX;
    loop {
        let begin = Instant::now();
        work();
        best = best.min(begin.elapsed());
        if Instant::now() >= end {
            return best.as_nanos() as f64;
        }
    }
}

/// The times that half and 99 % of these do not exceed, in nanoseconds.
pub(crate) fn percentiles(mut times: Vec<Duration>) -> Vec<f64> {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_nanos() as f64;
    vec![at(0.5), at(0.99)]
}
