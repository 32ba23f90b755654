//! A card as C has opened it: any number of threads judge on it at once.
//!
//! The software device judges in the calling thread and touches no file, unless one of the card's own policy slots is to
//! decide: those are the card's, for all processes. So it serves where a daemon has no home and nothing else works.

use std::time::Duration;

use host_runtime::judge::{Judge, JudgeSettings};
use host_runtime::tcp::{Descriptor, Detail, Output, Tally, Verdict, golden};
use host_runtime::{Answers, Card, CardId, Error, KERNEL, Kernel, PolicyChoice, Validator};
use parking_lot::Mutex;

use crate::failure::Result;
use crate::handles::{Closing, Handles};
use crate::request::Request;

/// The cards that C has open.
pub(crate) static CARDS: Handles<Device> = Handles::new("card", "tcp_hardware_open", 1);

/// Details that the software device has judged before they are handed on: enough to be worth its threads.
const DETAILS_AT_ONCE: usize = 1 << 20;

/// Longest wait for a piece of a batch, unless the options say another one.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(300);

/// An opened card.
#[derive(Debug)]
pub(crate) struct Device {
    id: CardId,
    /// How the software device judges; `None` for other cards.
    judging: Option<JudgeSettings>,
    /// The software device opens it when it is first needed.
    card: Mutex<Option<Card>>,
    /// Validators that no thread is using.
    validators: Mutex<Vec<Validator>>,
}

/// Where the answers to a batch go.
pub(crate) enum Wanted<'a> {
    /// A byte each.
    Verdicts(&'a mut [Verdict]),
    /// Detail words, handed over in order with the index of the first.
    Details(&'a mut dyn FnMut(usize, &[Detail])),
}

impl Closing for Device {}

impl Device {
    /// Opens a card by its name.
    pub(crate) fn open(name: &str) -> Result<Self> {
        let id: CardId = name.parse()?;
        let is_software = matches!(id, CardId::Software(_));
        let judging = is_software.then(|| settings(id)).transpose()?;
        let card = if is_software {
            None
        } else {
            Some(Card::open(id)?)
        };
        Ok(Self {
            id,
            judging,
            card: Mutex::new(card),
            validators: Mutex::default(),
        })
    }

    /// The card itself.
    pub(crate) fn card(&self) -> Result<Card> {
        let mut card = self.card.lock();
        if let Some(card) = &*card {
            return Ok(card.clone());
        }
        Ok(card.insert(Card::open(self.id)?).clone())
    }

    /// The kernel that judges. A card that holds no image gets the default one.
    pub(crate) fn kernel(&self) -> Result<Kernel> {
        let card = self.card()?;
        if card.image().is_none() {
            Validator::new(&card)?;
        }
        Ok(card.kernel(KERNEL)?)
    }

    /// Judges one descriptor.
    pub(crate) fn judge(&self, descriptor: Descriptor, request: &Request) -> Result<Detail> {
        if let (Some(_), PolicyChoice::Given(policy)) = (self.judging, request.policy) {
            return Ok(golden::evaluate(&descriptor, request.options(), &policy));
        }
        let mut detail = Detail::default();
        self.validate(
            &[descriptor],
            request,
            Wanted::Details(&mut |_, details| detail = details[0]),
        )?;
        Ok(detail)
    }

    /// Judges a batch; as many answers as descriptors.
    pub(crate) fn judge_batch(
        &self,
        descriptors: &[Descriptor],
        request: &Request,
        wanted: Wanted<'_>,
    ) -> Result<Tally> {
        let (Some(settings), PolicyChoice::Given(policy)) = (&self.judging, request.policy) else {
            return self.validate(descriptors, request, wanted);
        };
        let judge = Judge::new(request.options(), &policy)
            .with(settings)
            .expect("the settings were checked when the card was opened");
        Ok(match wanted {
            Wanted::Verdicts(verdicts) => judge.verdicts(descriptors, verdicts),
            Wanted::Details(sink) => {
                let mut details = vec![Detail::default(); descriptors.len().min(DETAILS_AT_ONCE)];
                let mut tally = Tally::default();
                let chunks = descriptors.chunks(DETAILS_AT_ONCE);
                for (first, chunk) in (0..).step_by(DETAILS_AT_ONCE).zip(chunks) {
                    let details = &mut details[..chunk.len()];
                    tally += judge.details(chunk, details);
                    sink(first, details);
                }
                tally
            }
        })
    }

    /// Judges on the card.
    fn validate(
        &self,
        descriptors: &[Descriptor],
        request: &Request,
        mut wanted: Wanted<'_>,
    ) -> Result<Tally> {
        // One that was kept may be of an image that somebody has replaced since.
        if let Some(kept) = self.take_validator() {
            match self.validate_with(kept, descriptors, request, &mut wanted) {
                Err(Error::Stale { .. }) => self.validators.lock().clear(),
                done => return Ok(done?),
            }
        }
        let new = Validator::new(&self.card()?)?;
        Ok(self.validate_with(new, descriptors, request, &mut wanted)?)
    }

    fn take_validator(&self) -> Option<Validator> {
        self.validators.lock().pop()
    }

    fn validate_with(
        &self,
        validator: Validator,
        descriptors: &[Descriptor],
        request: &Request,
        wanted: &mut Wanted<'_>,
    ) -> Result<Tally, Error> {
        let mut validator = validator
            .profile(request.profile)
            .checksum(request.checksum)
            .policy(request.policy)
            .timeout(request.timeout.unwrap_or(DEFAULT_TIMEOUT))
            .output(match wanted {
                Wanted::Verdicts(_) => Output::Verdicts,
                Wanted::Details(_) => Output::Details,
            });
        let mut first = 0;
        let summary = validator.validate_chunks([descriptors], |_, answers| {
            match (&mut *wanted, answers) {
                (Wanted::Verdicts(all), Answers::Verdicts(piece)) => {
                    all[first..][..piece.len()].copy_from_slice(piece);
                }
                (Wanted::Details(sink), Answers::Details(piece)) => sink(first, piece),
                _ => unreachable!("the validator answers as it was told to"),
            }
            first += answers.len();
            Ok(())
        })?;
        self.validators.lock().push(validator);
        Ok(summary.tally)
    }
}

/// How the environment says that the CPU is to judge.
pub(crate) fn settings(id: CardId) -> Result<JudgeSettings, Error> {
    JudgeSettings::from_environment().map_err(|error| Error::CardUnusable {
        card: id,
        reason: error.to_string(),
        advice: "unset the variable to have the best chosen".to_owned(),
    })
}
