//! Running the tests: several at a time, seed after seed, for a number of seeds or for a time.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::process::{self, End};
use crate::{Plan, RegressError, Test};

/// How much is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Each random test with so many seeds, from the first one on; the others once.
    Seeds {
        /// How many.
        count: u64,
        /// The first.
        first: u64,
    },
    /// Round after round, each with another seed from the first one on, until the time is over; what runs then ends by itself.
    Time {
        /// How long new tests are started.
        span: Duration,
        /// The first seed.
        first: u64,
    },
}

/// How a test ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Its command succeeded.
    Passed,
    /// Its command failed, as told.
    Failed(String),
    /// It did not end in its time, and was ended.
    TimedOut,
}

/// What became of one test with one seed.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// Name of the test.
    pub name: String,
    /// `None` if the test takes none.
    pub seed: Option<u64>,
    /// The command that repeats it alone.
    pub command: String,
    /// How it ended.
    pub verdict: Verdict,
    /// How long it took.
    pub seconds: f64,
    /// Where what it said is, and waves if it can record them; kept if it failed.
    pub folder: Option<PathBuf>,
}

impl Outcome {
    /// Whether it is all right.
    pub fn passed(&self) -> bool {
        self.verdict == Verdict::Passed
    }
}

/// What became of all of them.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// When it began, in seconds since 1970.
    pub time: u64,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// By the time at which they ended.
    pub outcomes: Vec<Outcome>,
    /// Whether it was stopped before its end.
    pub stopped: bool,
}

impl Report {
    /// Those that failed.
    pub fn failures(&self) -> impl Iterator<Item = &Outcome> {
        self.outcomes.iter().filter(|outcome| !outcome.passed())
    }
}

/// A regression to run.
#[derive(Debug)]
pub struct Regression<'a> {
    /// What to run.
    pub plan: &'a Plan,
    /// How much of it.
    pub extent: Extent,
    /// Tests at a time, at least one.
    pub jobs: usize,
    /// Where the commands run.
    pub root: &'a Path,
    /// Where failures are kept, each in a folder of its own.
    pub failures: &'a Path,
}

impl Regression<'_> {
    /// Runs it. `progress` is told each outcome, on the thread that had it; when `stop` is true nothing new is started and what
    /// runs is ended.
    ///
    /// # Errors
    ///
    /// A folder or a file for what the tests say cannot be made, or no shell be started.
    pub fn run(
        &self,
        progress: &(dyn Fn(&Outcome) + Sync),
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<Report, RegressError> {
        let begin = Instant::now();
        let time = SystemTime::now().duration_since(UNIX_EPOCH);
        let time = time.map_or(0, |since| since.as_secs());
        let next = AtomicUsize::new(0);
        let outcomes = Mutex::new(Vec::new());
        let worker = || -> Result<(), RegressError> {
            while let Some((number, test, seed)) = self.turn(&next, begin)
                && !stop()
            {
                let folder = self.failures.join(format!("{time}-{number}"));
                if let Some(outcome) = self.attempt(test, seed, &folder, stop)? {
                    progress(&outcome);
                    outcomes
                        .lock()
                        .expect("no thread panics with it")
                        .push(outcome);
                }
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..self.jobs.max(1)).map(|_| scope.spawn(worker)).collect();
            threads
                .into_iter()
                .try_for_each(|thread| thread.join().expect("a worker does not panic"))
        })?;
        Ok(Report {
            time,
            seconds: begin.elapsed().as_secs_f64(),
            outcomes: outcomes.into_inner().expect("no thread panics with it"),
            stopped: stop(),
        })
    }

    /// The next test and its seed, numbered; nothing when all is done.
    fn turn(&self, next: &AtomicUsize, begin: Instant) -> Option<(usize, &Test, u64)> {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let round = (number / self.plan.tests.len().max(1)) as u64;
            let test = self.plan.tests.get(number % self.plan.tests.len().max(1))?;
            let first = match self.extent {
                Extent::Seeds { count, .. } if round >= count => return None,
                Extent::Time { span, .. } if begin.elapsed() >= span => return None,
                Extent::Seeds { first, .. } | Extent::Time { first, .. } => first,
            };
            if round == 0 || test.is_random() {
                return Some((number, test, first.wrapping_add(round)));
            }
            // Nothing is left that another round would change.
            if !self.plan.tests.iter().any(Test::is_random) {
                return None;
            }
        }
    }

    /// `None` if it was stopped.
    fn attempt(
        &self,
        test: &Test,
        seed: u64,
        folder: &Path,
        stop: &dyn Fn() -> bool,
    ) -> Result<Option<Outcome>, RegressError> {
        std::fs::create_dir_all(folder).map_err(RegressError::file(folder))?;
        let command = test.command_for(seed);
        let start = Instant::now();
        let end = self.bounded(&command, &folder.join("log"), test.limit, stop)?;
        let seconds = start.elapsed().as_secs_f64();
        let verdict = match end {
            End::Succeeded => Verdict::Passed,
            End::Failed(how) => Verdict::Failed(how),
            End::TimedOut => Verdict::TimedOut,
            End::Stopped => {
                std::fs::remove_dir_all(folder).map_err(RegressError::file(folder))?;
                return Ok(None);
            }
        };
        let passed = verdict == Verdict::Passed;
        if passed {
            std::fs::remove_dir_all(folder).map_err(RegressError::file(folder))?;
        } else if let Some(waves) = test.waves_for(seed, folder) {
            // What it fails with is known: only its waves are wanted.
            self.bounded(&waves, &folder.join("waves-log"), test.limit, stop)?;
        }
        Ok(Some(Outcome {
            name: test.name.clone(),
            seed: test.is_random().then_some(seed),
            command,
            verdict,
            seconds,
            folder: (!passed).then(|| folder.to_owned()),
        }))
    }

    fn bounded(
        &self,
        command: &str,
        log: &Path,
        limit: Duration,
        stop: &dyn Fn() -> bool,
    ) -> Result<End, RegressError> {
        let file = File::create(log).map_err(RegressError::file(log))?;
        process::run(command, self.root, file, limit, stop).map_err(RegressError::file("bash"))
    }
}
