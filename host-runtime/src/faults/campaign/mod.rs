//! A campaign: a card suffers thousands of faults, one after the other, at every stage of its use. Each must end in right
//! answers or in an error, and the card must work again afterwards; every answer is compared with the golden model, no wait
//! lasts, and nothing is left behind. What does not hold ends the campaign, with the command that replays the case.

mod cases;
mod report;
mod resources;
mod target;

use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use cosim::EngineError;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use thiserror::Error;

pub use cases::{Stage, Suffering};
pub use report::{CampaignReport, Row, Spread};
pub use resources::Resources;

use crate::{BusError, Error, PcieError, Reliability};
use cases::Case;
use report::{Ledger, Outcome};
use target::{TIMEOUT, Target, Work};

/// Longest that a case may take. A climb to the last rung and two validations take under a second; machines are busy.
const CASE_TIMEOUT: Duration = Duration::from_secs(90);

/// Longest that threads of clients that have left take to end.
const SETTLING: Duration = Duration::from_secs(20);

/// Memory by which a process may grow over a campaign: the allocator's own slack. A leak of a page a fault would be 40 MiB
/// over ten thousand.
const SLACK_KIB: u64 = 32 << 10;

/// Every so many cases the served card suffers, else the one in the process: a fault on a served card takes a hundred times as
/// long, most of it spent on threads that wait for each other.
const SERVED_EVERY: u64 = 5;

/// Cases between looks at what is left behind.
const LOOK_EVERY: u64 = 500;

/// A campaign to be run.
#[derive(Debug, Clone)]
pub struct Campaign {
    /// Faults that must strike.
    pub faults: u64,
    /// Of all that is random.
    pub seed: u64,
    /// Only the case of this number.
    pub only: Option<u64>,
    /// Folder for the cards' state, which the campaign has to itself.
    pub state_folder: PathBuf,
}

/// Why a campaign failed.
#[derive(Debug, Error)]
pub enum CampaignError {
    /// A card answered wrong.
    #[error("case {case} ({fault} at {stage}): a wrong answer {when}; replay: {replay}")]
    WrongAnswer {
        /// The case's number.
        case: u64,
        /// What was suffered.
        fault: String,
        /// When.
        stage: &'static str,
        /// While the fault was in force, or afterwards.
        when: &'static str,
        /// The command.
        replay: String,
    },
    /// A card does not work after its recovery.
    #[error(
        "case {case} ({fault} at {stage}): the card does not work afterwards: {source}; replay: {replay}"
    )]
    NotWorking {
        /// The case's number.
        case: u64,
        /// What was suffered.
        fault: String,
        /// When.
        stage: &'static str,
        /// Why not.
        source: Box<Error>,
        /// The command.
        replay: String,
    },
    /// A case did not end.
    #[error("case {case} did not end within {waited:?}; replay: {replay}")]
    Hang {
        /// The case's number.
        case: u64,
        /// How long.
        waited: Duration,
        /// The command.
        replay: String,
    },
    /// Something was left behind.
    #[error("after {struck} faults something is left behind: {what}; the seed is {seed}")]
    Leak {
        /// Faults that had struck.
        struck: u64,
        /// What.
        what: String,
        /// The seed.
        seed: u64,
    },
    /// The cards could not be set up.
    #[error("the campaign could not begin: {0}")]
    SetUp(#[source] Box<Error>),
}

/// What the campaign's thread tells.
enum Told {
    Begun(u64),
    Struck(u64),
    Ended(Box<Result<CampaignReport, CampaignError>>),
}

impl Campaign {
    /// Runs it. `progress` is called with the number of faults that have struck.
    ///
    /// # Errors
    /// [`CampaignError`], at the first case that does not hold.
    pub fn run(&self, mut progress: impl FnMut(u64)) -> Result<CampaignReport, CampaignError> {
        let (told, from_thread) = mpsc::channel();
        let campaign = self.clone();
        let thread = std::thread::Builder::new()
            .name("campaign".to_owned())
            .spawn(move || {
                let ended = campaign.run_here(&told);
                let _ = told.send(Told::Ended(Box::new(ended)));
            });
        let thread = thread.map_err(|source| {
            CampaignError::SetUp(Box::new(Error::Input(format!("no thread: {source}"))))
        })?;
        let mut case = 0;
        loop {
            match from_thread.recv_timeout(CASE_TIMEOUT) {
                Ok(Told::Begun(index)) => case = index,
                Ok(Told::Struck(struck)) => progress(struck),
                Ok(Told::Ended(ended)) => {
                    let _ = thread.join();
                    return *ended;
                }
                // The thread is left to itself: what hangs cannot be joined.
                Err(RecvTimeoutError::Timeout) => {
                    return Err(CampaignError::Hang {
                        case,
                        waited: CASE_TIMEOUT,
                        replay: self.replay(case),
                    });
                }
                Err(RecvTimeoutError::Disconnected) => match thread.join() {
                    Err(panic) => std::panic::resume_unwind(panic),
                    Ok(()) => unreachable!("a thread that ended without a panic has said how"),
                },
            }
        }
    }

    /// The command that runs one case alone.
    fn replay(&self, case: u64) -> String {
        format!("fpga-ctl sim campaign --seed {} --only {case}", self.seed)
    }

    fn run_here(&self, told: &mpsc::Sender<Told>) -> Result<CampaignReport, CampaignError> {
        let begin = Instant::now();
        let set_up = |error| CampaignError::SetUp(Box::new(error));
        let mut targets = Vec::new();
        for suffering in Suffering::ALL {
            targets.push(Target::new(suffering, &self.state_folder).map_err(set_up)?);
        }
        let mut ledger = Ledger::default();
        let (mut struck, mut missed, mut answers) = (0, 0, 0);
        let mut baseline = None;
        // After every case was had once, nothing is new to the process any more.
        let warm = SERVED_EVERY * cases::distinct();
        // A fault whose event does not come is tried again in other cases.
        let most = (4 * self.faults).max(2 * warm);
        let numbers = match self.only {
            Some(case) => case..case + 1,
            None => 0..most,
        };
        for number in numbers {
            if struck >= self.faults && self.only.is_none() {
                break;
            }
            let _ = told.send(Told::Begun(number));
            // Each kind of card goes through all cases in their order.
            let (target, turn) = match number % SERVED_EVERY == SERVED_EVERY - 1 {
                true => (1, number / SERVED_EVERY),
                false => (0, number - number / SERVED_EVERY),
            };
            let target = &mut targets[target];
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(
                self.seed.wrapping_mul(0x9E37_79B9).wrapping_add(number),
            );
            let case = cases::case(turn, target.suffering, &mut rng, |stage| {
                target.counts(stage)
            });
            let Some(case) = case.map(|case| Case {
                index: number,
                ..case
            }) else {
                continue;
            };
            let work = [Work::random(rng.random()), Work::random(rng.random())];
            answers += work.iter().map(Work::len).sum::<u64>();
            match self.suffer(target, &case, &work)? {
                Some(outcome) => {
                    struck += 1;
                    ledger.add(&case, outcome);
                    let _ = told.send(Told::Struck(struck));
                }
                None => missed += 1,
            }
            if number + 1 == warm {
                baseline = Some(Resources::now());
            }
            if number % LOOK_EVERY == LOOK_EVERY - 1 {
                self.look(&mut targets, baseline, struck)?;
            }
        }
        self.look(&mut targets, baseline, struck)?;
        let now = Resources::now();
        Ok(CampaignReport {
            seed: self.seed,
            struck,
            missed,
            answers,
            seconds: begin.elapsed().as_secs_f64(),
            resources: [baseline.unwrap_or(now), now],
            rows: ledger.rows(),
        })
    }

    /// Whether something was left behind.
    fn look(
        &self,
        targets: &mut [Target],
        baseline: Option<Resources>,
        struck: u64,
    ) -> Result<(), CampaignError> {
        let leak = |what| CampaignError::Leak {
            struck,
            what,
            seed: self.seed,
        };
        for target in targets {
            let left = target.nothing_left();
            match left.map_err(|error| CampaignError::SetUp(Box::new(error)))? {
                None => {}
                Some(what) => return Err(leak(what)),
            }
        }
        let Some(before) = baseline else {
            return Ok(());
        };
        // The threads of a client that has left end when they get to it.
        let begin = Instant::now();
        loop {
            let now = Resources::now();
            let grown = now.files > before.files
                || now.threads > before.threads
                || now.resident_kib > before.resident_kib + SLACK_KIB;
            if !grown {
                return Ok(());
            }
            if begin.elapsed() >= SETTLING {
                return Err(leak(format!("{before:?} has become {now:?}")));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Has a card suffer a case. `None`: the fault's event did not come.
    fn suffer(
        &self,
        target: &mut Target,
        case: &Case,
        work: &[Work; 2],
    ) -> Result<Option<Outcome>, CampaignError> {
        let fault = case.plan.faults[0].to_string();
        let wrong = |when| CampaignError::WrongAnswer {
            case: case.index,
            fault: fault.clone(),
            stage: case.stage.name(),
            when,
            replay: self.replay(case.index),
        };
        let clocks = |target: &mut Target| {
            let time = target.card().ok()?.simulated_time()?;
            Some(time.clocks)
        };
        let found = |target: &mut Target| target.card().ok()?.reliability();
        let (before, found_before) = (clocks(target), found(target));
        let begin = Instant::now();
        target.faults.arm(case.plan.clone());
        let used = target.use_card(case.stage, &work[0], TIMEOUT);
        let noticed = begin.elapsed();
        let struck = target.faults.tally()[0].struck > 0;
        target.faults.disarm();
        let (detected, recovered) = match used {
            Ok(true) => {
                let grown = grown(found_before, found(target));
                // What came with the last access shows at the next.
                match target.use_card(Stage::Idle, &work[1], TIMEOUT) {
                    Ok(true) => (unnoticed(case, grown), "-"),
                    Ok(false) => return Err(wrong("at the next use")),
                    Err(error) => (kind(&error), recover(target, false)),
                }
            }
            Ok(false) => return Err(wrong("while the fault was in force")),
            Err(error) => {
                let lost = grown(found_before, found(target)).uncorrected > 0;
                (kind(&error), recover(target, lost))
            }
        };
        let mended = begin.elapsed() - noticed;
        match target.works(&work[1]) {
            Ok(true) => {}
            Ok(false) => return Err(wrong("after the recovery")),
            Err(source) => {
                return Err(CampaignError::NotWorking {
                    case: case.index,
                    fault,
                    stage: case.stage.name(),
                    source: Box::new(source),
                    replay: self.replay(case.index),
                });
            }
        }
        let clocks = before
            .zip(clocks(target))
            .and_then(|(before, now)| now.checked_sub(before));
        Ok(struck.then_some(Outcome {
            detected,
            recovered,
            noticed,
            mended,
            clocks,
        }))
    }
}

/// Brings a card back, rung by rung until it does a small job right, and says which rung did. `memory_lost`: a word of its memory
/// has an error that stays until all of the word is written, and no lower rung than programming writes it.
fn recover(target: &mut Target, memory_lost: bool) -> &'static str {
    type Climb = fn(&mut Target) -> crate::Result<()>;
    const RUNGS: [(&str, Climb); 4] = [
        // The validator has aborted its run.
        ("abort, tried again", |_| Ok(())),
        ("soft-reset", |target| target.card()?.reset()),
        ("reprogram", Target::program),
        ("device-lost, opened again", Target::open_again),
    ];
    let proof = Work::random(1);
    let helps = |(_, climb): &&(&str, Climb)| {
        climb(target).is_ok()
            && target
                .use_card(Stage::Idle, &proof, TIMEOUT)
                .unwrap_or(false)
    };
    let first = if memory_lost { 2 } else { 0 };
    let mut rungs = RUNGS.iter().skip(first);
    rungs.find(helps).map_or("nothing", |(name, _)| name)
}

/// By how much the counts of what was mended have grown.
fn grown(before: Option<Reliability>, now: Option<Reliability>) -> Reliability {
    let (before, now) = (before.unwrap_or_default(), now.unwrap_or_default());
    Reliability {
        corrected: now.corrected.saturating_sub(before.corrected),
        uncorrected: now.uncorrected.saturating_sub(before.uncorrected),
        replays: now.replays.saturating_sub(before.replays),
    }
}

/// How a fault was mended that nobody noticed.
fn unnoticed(case: &Case, counted: Reliability) -> &'static str {
    use super::FaultKind as Kind;
    match case.plan.faults[0].kind {
        _ if counted.corrected > 0 => "ECC: corrected, counted",
        _ if counted.replays > 0 => "link CRC: sent again, counted",
        Kind::InterruptLost | Kind::InterruptLate(_) => "the driver looks by itself",
        Kind::Slow(_) => "waited for",
        _ => "no effect",
    }
}

/// The kind of an error, in few words.
fn kind(error: &Error) -> &'static str {
    match error {
        Error::RunFailed { .. } => "kernel's status register",
        Error::RunTimeout { .. } => "timeout of the run",
        Error::Inconsistent { .. } => "counters against answers",
        Error::Simulation { source, .. } => match source {
            EngineError::Watchdog { .. } => "watchdog",
            EngineError::Register { .. } => "register's error response",
            EngineError::RegisterTimeout { .. } => "register without an answer",
            _ => "simulation stopped",
        },
        Error::Stale { .. } => "generation changed",
        Error::CardUnusable { .. } | Error::DeviceLost { .. } => "card does not answer",
        Error::WrongState { .. } => "register access failed",
        Error::CardStopped { .. } => "simulation stopped",
        Error::Bus { source, .. } => match source {
            BusError::Register { .. } => "register's error response",
            BusError::Transfer { .. } => "DMA status",
            BusError::Short { .. } => "count of bytes moved",
            BusError::Uncorrectable { .. } => "ECC",
            _ => "bus error",
        },
        Error::Pcie { source, .. } => match source {
            PcieError::Dma { .. } => "DMA status",
            PcieError::Short { .. } => "count of bytes moved",
            PcieError::RegisterRefused { .. } => "count of refused accesses",
            PcieError::Unit(_) => "register access failed",
            PcieError::Stopped => "simulation stopped",
            PcieError::Removed => "card does not answer",
            PcieError::Refused(_) => "card's refusal",
            PcieError::TimedOut { .. } => "timeout of the driver",
            PcieError::Served(_) => "connection closed",
            _ => "PCIe error",
        },
        _ => "other error",
    }
}
