//! A campaign: a card suffers thousands of faults, one after the other, at every stage of its use. Each must end in right
//! answers or in an error, and the card must work again afterwards; every answer is compared with the golden model, no wait
//! lasts, and nothing is left behind. What does not hold ends the campaign, with the command that replays the case.

mod cases;
mod error;
mod found;
mod report;
mod resources;
mod target;
mod tenancy;
mod trial;
mod work;

use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

pub use cases::{Stage, Suffering};
pub use error::CampaignError;
pub use report::{CampaignReport, Row, Spread};
pub use resources::Resources;

use crate::Error;
use cases::{Case, Usage};
use report::Ledger;
use target::Target;
use tenancy::Tenancy;
use trial::Trial;
use work::Work;

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
            for usage in Usage::ALL {
                let target = Target::new(suffering, usage, &self.state_folder);
                targets.push(target.map_err(set_up)?);
            }
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
            let (suffering, turn) = match number % SERVED_EVERY == SERVED_EVERY - 1 {
                true => (Suffering::Served, number / SERVED_EVERY),
                false => (Suffering::InProcess, number - number / SERVED_EVERY),
            };
            let usage = cases::usage(turn);
            let target = &mut targets[Usage::ALL.len() * suffering as usize + usage as usize];
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
            let replay = self.replay(number);
            let leak = |struck, what| CampaignError::Leak {
                struck,
                what: format!("case {number}: {what}"),
                seed: self.seed,
            };
            if let Some(wrong) = target.move_in(Tenancy::of(turn)).map_err(set_up)? {
                return Err(leak(struck, wrong));
            }
            match Trial::new(target, &case, &work, &replay).suffer()? {
                Some(outcome) => {
                    struck += 1;
                    ledger.add(&case, outcome);
                    let _ = told.send(Told::Struck(struck));
                }
                None => missed += 1,
            }
            if let Some(left) = target.leases_left() {
                return Err(leak(struck, left));
            }
            if number + 1 == warm {
                // As it is looked at later: what a look itself begins is part of it.
                self.look(&mut targets, None, struck)?;
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

    /// Ends all leases, and opens and uses all cards anew: files and threads depend on leases, and on what a card was used for.
    fn move_out(&self, targets: &mut [Target], struck: u64) -> Result<(), CampaignError> {
        for target in targets {
            let moved = target.move_out();
            if let Some(what) = moved.map_err(|error| CampaignError::SetUp(Box::new(error)))? {
                let seed = self.seed;
                return Err(CampaignError::Leak { struck, what, seed });
            }
        }
        Ok(())
    }

    /// Whether something was left behind.
    fn look(
        &self,
        targets: &mut [Target],
        baseline: Option<Resources>,
        struck: u64,
    ) -> Result<(), CampaignError> {
        self.move_out(targets, struck)?;
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
}
