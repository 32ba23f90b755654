//! What became of each test over the runs: a file with a line of JSON for each run, that only grows.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{RegressError, Report};

/// One run of a regression, as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// When it began, in seconds since 1970.
    pub time: u64,
    /// What was tested: a commit, as the caller names it.
    pub subject: String,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// By name.
    pub tests: BTreeMap<String, Tally>,
}

/// How often a test ran in a run, and how it went.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// How often it ran.
    pub runs: u64,
    /// How often it failed.
    pub failed: u64,
    /// All its runs together, in seconds.
    pub seconds: f64,
}

/// All runs, oldest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History {
    /// The runs.
    pub runs: Vec<Run>,
}

impl Run {
    /// What is kept of a report.
    pub fn of(report: &Report, subject: &str) -> Self {
        let mut tests: BTreeMap<String, Tally> = BTreeMap::new();
        for outcome in &report.outcomes {
            let tally = tests.entry(outcome.name.clone()).or_default();
            tally.runs += 1;
            tally.failed += u64::from(!outcome.passed());
            tally.seconds += outcome.seconds;
        }
        Self {
            time: report.time,
            subject: subject.to_owned(),
            seconds: report.seconds,
            tests,
        }
    }
}

impl History {
    /// Reads the file; without one it is empty. A last line that a kill cut off is left out.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is no such file.
    pub fn read(path: &Path) -> Result<Self, RegressError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => return Err(RegressError::file(path)(error)),
        };
        let mut runs = Vec::new();
        for (index, line) in text.split_inclusive('\n').enumerate() {
            let Some(line) = line.strip_suffix('\n') else {
                break;
            };
            let run = serde_json::from_str(line).map_err(|source| RegressError::History {
                path: path.to_owned(),
                line: index + 1,
                source,
            })?;
            runs.push(run);
        }
        Ok(Self { runs })
    }

    /// Adds a run, to the file too.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn add(&mut self, path: &Path, run: Run) -> Result<(), RegressError> {
        let line = serde_json::to_string(&run).expect("a run is plain data") + "\n";
        // Behind what a kill cut off a new line begins.
        let torn =
            std::fs::read(path).is_ok_and(|bytes| bytes.last().is_some_and(|last| *last != b'\n'));
        if torn {
            let whole: String = self
                .runs
                .iter()
                .map(|run| serde_json::to_string(run).expect("a run is plain data") + "\n")
                .collect();
            let aside = path.with_extension("new");
            std::fs::write(&aside, whole).map_err(RegressError::file(&aside))?;
            std::fs::rename(&aside, path).map_err(RegressError::file(path))?;
        }
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(RegressError::file(path))?;
        file.write_all(line.as_bytes())
            .map_err(RegressError::file(path))?;
        self.runs.push(run);
        Ok(())
    }
}
