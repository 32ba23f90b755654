//! Figures beside what they have to reach.

use std::fmt;

use anyhow::{Result, bail};

/// One claim and what was measured.
struct Line {
    what: String,
    measured: f64,
    spread: Option<(f64, f64)>,
    bound: Bound,
    note: String,
}

/// What a figure has to reach.
#[derive(Clone, Copy)]
pub(crate) enum Bound {
    /// At least this.
    AtLeast(f64),
    /// At most this.
    AtMost(f64),
}

impl Bound {
    fn holds(self, measured: f64) -> bool {
        match self {
            Self::AtLeast(least) => measured >= least,
            Self::AtMost(most) => measured <= most,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(least) => write!(f, ">= {least}"),
            Self::AtMost(most) => write!(f, "<= {most}"),
        }
    }
}

/// All figures of a run.
#[derive(Default)]
pub(crate) struct Report(Vec<Line>);

impl Report {
    /// Adds a figure that was measured once and does not vary, such as a count of clocks.
    pub(crate) fn exact(
        &mut self,
        what: impl Into<String>,
        measured: f64,
        bound: Bound,
        note: impl Into<String>,
    ) {
        self.0.push(Line {
            what: what.into(),
            measured,
            spread: None,
            bound,
            note: note.into(),
        });
    }

    /// Adds the median of several rounds, with their spread.
    pub(crate) fn median(
        &mut self,
        what: impl Into<String>,
        mut rounds: Vec<f64>,
        bound: Bound,
        note: impl Into<String>,
    ) {
        rounds.sort_by(f64::total_cmp);
        let (Some(&least), Some(&most)) = (rounds.first(), rounds.last()) else {
            return;
        };
        let measured = rounds[rounds.len() / 2];
        self.0.push(Line {
            what: what.into(),
            measured,
            spread: Some((least, most)),
            bound,
            note: note.into(),
        });
    }

    /// An error that names what was not reached.
    pub(crate) fn verdict(&self) -> Result<()> {
        let missed: Vec<&str> = self
            .0
            .iter()
            .filter(|line| !line.bound.holds(line.measured))
            .map(|line| line.what.as_str())
            .collect();
        if !missed.is_empty() {
            bail!("not reached: {}", missed.join("; "));
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| what | measured | spread | to reach | |")?;
        writeln!(f, "|---|---|---|---|---|")?;
        for Line {
            what,
            measured,
            spread,
            bound,
            note,
        } in &self.0
        {
            let spread = spread.map_or_else(String::new, |(least, most)| {
                format!("{least:.3} to {most:.3}")
            });
            let missed = if bound.holds(*measured) {
                ""
            } else {
                " **missed**"
            };
            writeln!(
                f,
                "| {what} | {measured:.4}{missed} | {spread} | {bound} | {note} |"
            )?;
        }
        Ok(())
    }
}
