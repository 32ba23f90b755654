//! One case: a card suffers a fault, the fault is found out, the card is brought back by the product's own ladder, and works.

use std::time::Instant;

use super::cases::{Case, Stage};
use super::error::CampaignError;
use super::found::{grown, kind, unnoticed};
use super::report::Outcome;
use super::target::{TIMEOUT, Target};
use super::work::{Done, Work};
use crate::faults::LinkState;
use crate::recovery::cause;
use crate::{Card, Error, PcieError, Recoveries, Reliability, Rung};

/// What brought a card back whose opening had lost it.
const OPENED_AGAIN: &str = "device-lost, opened again";

/// What is said of a card that refused something and stayed as it was: what comes next shows it.
const AS_IT_WAS: &str = "as it was";

/// What helped where a card had stopped a queue, or was programmed under it.
const QUEUE_AGAIN: &str = "queue opened again";

/// How a fault is found out that no error tells of.
const SILENCE: &str = "no answer in time";

/// A case that a card goes through.
pub(super) struct Trial<'a> {
    target: &'a mut Target,
    case: &'a Case,
    work: &'a [Work; 2],
    /// The command that runs it alone.
    replay: &'a str,
}

impl<'a> Trial<'a> {
    pub(super) fn new(
        target: &'a mut Target,
        case: &'a Case,
        work: &'a [Work; 2],
        replay: &'a str,
    ) -> Self {
        Self {
            target,
            case,
            work,
            replay,
        }
    }

    /// Has the card suffer it. `None`: the fault's event did not come.
    pub(super) fn suffer(mut self) -> Result<Option<Outcome>, CampaignError> {
        let stage = self.case.stage;
        let (before, found_before) = (self.clocks(), self.found());
        let begin = Instant::now();
        self.target.faults.arm(self.case.plan.clone());
        let used = self.target.use_card(stage, &self.work[0], TIMEOUT);
        let noticed = begin.elapsed();
        let struck = self.target.faults.tally()[0].struck > 0;
        self.target.faults.disarm();
        let (detected, recovered) = match used {
            Ok(Done::Right) => {
                let grown = grown(found_before, self.found());
                // What came with the last access shows at the next.
                match self.target.use_card(Stage::Idle, &self.work[1], TIMEOUT) {
                    Ok(Done::Right) => (unnoticed(self.case, grown), "-"),
                    Ok(Done::Wrong) => return Err(self.wrong("at the next use")),
                    Ok(Done::Silent) => (SILENCE, self.come_back(None)?),
                    Err(error) => (kind(&error), self.come_back(Some(error))?),
                }
            }
            Ok(Done::Wrong) => return Err(self.wrong("while the fault was in force")),
            Ok(Done::Silent) => (SILENCE, self.come_back(None)?),
            Err(error) => (kind(&error), self.come_back(Some(error))?),
        };
        let mended = begin.elapsed() - noticed;
        match self.target.works(&self.work[1]) {
            Ok(Done::Right) => {}
            Ok(Done::Wrong) => return Err(self.wrong("after the recovery")),
            Ok(Done::Silent) => return Err(self.not_working(silence(self.target))),
            Err(error) => return Err(self.not_working(error)),
        }
        let clocks = before
            .zip(self.clocks())
            .and_then(|(before, now)| now.checked_sub(before));
        Ok(struck.then_some(Outcome {
            detected,
            recovered,
            noticed,
            mended,
            clocks,
        }))
    }

    /// Brings the card back as a program does that learned of the error, or of answers that do not come: by the ladder, from
    /// the rung that is for it, and, if this opening has lost the card, by opening it anew. Says what helped.
    fn come_back(&mut self, error: Option<Error>) -> Result<&'static str, CampaignError> {
        let first = match &error {
            None => Rung::Abort,
            Some(error) if changes_nothing(error) => return Ok(AS_IT_WAS),
            Some(error) if ends_a_queue(error) => {
                // The use opens another queue; where that meets the same again, the card is in trouble.
                let used = self.target.use_card(Stage::Idle, &self.work[1], TIMEOUT);
                if matches!(used, Ok(Done::Right)) {
                    return Ok(QUEUE_AGAIN);
                }
                Rung::Abort
            }
            Some(error) => match Card::trouble(error) {
                Some(first) => first,
                None => return Err(self.not_on_the_ladder(error)),
            },
        };
        let why = error.as_ref().map_or_else(|| SILENCE.to_owned(), cause);
        let card = self
            .target
            .card()
            .map_err(|error| self.not_working(error))?;
        let before = card.recoveries();
        match card.climb(first, Rung::Reprogram, &why) {
            Ok(recovered) => {
                let (rung, now) = (recovered.rung, card.recoveries());
                let counted = (
                    now.troubles - before.troubles,
                    by(&now, rung) - by(&before, rung),
                    now.self_tests_passed - before.self_tests_passed,
                );
                if counted != (1, 1, 1) {
                    return Err(self.miscounted(format!(
                        "{counted:?} troubles, recoveries by {rung} and self-tests passed, and there was one of each"
                    )));
                }
                Ok(rung.name())
            }
            // No rung but that is for a link that is down; on any other card one of them has to help.
            Err(Error::DeviceLost { .. }) if self.target.faults.link() != LinkState::Up => {
                drop(card);
                let opened = self.target.open_again();
                opened.map_err(|error| self.not_working(error))?;
                Ok(OPENED_AGAIN)
            }
            Err(error) => Err(self.not_working(error)),
        }
    }

    fn clocks(&mut self) -> Option<u64> {
        let time = self.target.card().ok()?.simulated_time()?;
        Some(time.clocks)
    }

    fn found(&mut self) -> Option<Reliability> {
        self.target.card().ok()?.reliability()
    }

    fn fault(&self) -> String {
        self.case.plan.faults[0].to_string()
    }

    fn wrong(&self, when: &'static str) -> CampaignError {
        CampaignError::WrongAnswer {
            case: self.case.index,
            fault: self.fault(),
            stage: self.case.stage.name(),
            when,
            replay: self.replay.to_owned(),
        }
    }

    fn not_working(&self, source: Error) -> CampaignError {
        CampaignError::NotWorking {
            case: self.case.index,
            fault: self.fault(),
            stage: self.case.stage.name(),
            source: Box::new(source),
            replay: self.replay.to_owned(),
        }
    }

    fn not_on_the_ladder(&self, error: &Error) -> CampaignError {
        CampaignError::NotOnTheLadder {
            case: self.case.index,
            fault: self.fault(),
            stage: self.case.stage.name(),
            error: error.to_string(),
            replay: self.replay.to_owned(),
        }
    }

    fn miscounted(&self, what: String) -> CampaignError {
        CampaignError::Miscounted {
            case: self.case.index,
            fault: self.fault(),
            stage: self.case.stage.name(),
            what,
            replay: self.replay.to_owned(),
        }
    }
}

/// Whether a queue has ended, and the card is in no trouble.
fn ends_a_queue(error: &Error) -> bool {
    matches!(error, Error::QueueStopped { .. } | Error::QueueStale { .. })
}

/// The error of a queue that does not answer on a card that ought to work.
fn silence(target: &Target) -> Error {
    let card = target.id();
    let reason = SILENCE.to_owned();
    Error::WrongState { card, reason }
}

/// Whether an error says that a card did not do what it was told, and that all is as before: an image was refused.
fn changes_nothing(error: &Error) -> bool {
    let refused = |source: &PcieError| matches!(source, PcieError::Refused(_));
    matches!(error, Error::Pcie { source, .. } if refused(source))
}

/// Climbs that a rung ended.
fn by(recoveries: &Recoveries, rung: Rung) -> u64 {
    match rung {
        Rung::Abort => recoveries.recovered_by_abort,
        Rung::SoftReset => recoveries.recovered_by_soft_reset,
        Rung::Reprogram => recoveries.recovered_by_reprogram,
        Rung::DeviceLost => recoveries.losses,
    }
}
