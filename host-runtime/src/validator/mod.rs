//! Judges descriptors on a card: any number of them, in order, with the counts.
//!
//! The work is cut into pieces of at most [`PIECE`] descriptors that alternate between two sets of buffers, so
//! that copying one piece and running the other overlap.

mod card_policy;
mod piece;
mod retry;

use std::time::{Duration, Instant};

use crate::cancel::CancelToken;
use crate::card::Card;
use crate::kernel::Kernel;
use crate::recovery::{Recovered, Recovery};
use crate::tcp::registers as reg;
use crate::tcp::{
    Descriptor, Detail, Options, Output, Policy, PolicySlot, Profile, Tally, Verdict, golden,
};
use crate::{Error, Result};
use piece::Piece;

pub use card_policy::Cycles;

/// Name of the kernel that judges.
pub const KERNEL: &str = "tcp_validator";

/// Descriptors of one run: 3 MiB, long enough that the register accesses around a run are under 1 % of it, short
/// enough to be interrupted quickly in simulation.
pub(crate) const PIECE: usize = 1 << 17;

/// The slot that holds a policy which is on no slot of the card, for the length of a run.
const SCRATCH_SLOT: u32 = 15;

/// Longest wait for one piece.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(300);

/// Which policy decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PolicyChoice {
    /// What the profile implies: slot 0 of the card for `compact`, [`Policy::for_profile`] for `wide`.
    #[default]
    OfProfile,
    /// What a slot of the card holds.
    Slot(PolicySlot),
    /// This one. Slot 15 holds it while a run goes on, and then again what it held before.
    Given(Policy),
}

/// How far a validation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Descriptors judged so far.
    pub done: u64,
}

/// Answers to some descriptors, in their order.
#[derive(Debug, Clone, Copy)]
pub enum Answers<'a> {
    /// A byte each.
    Verdicts(&'a [Verdict]),
    /// A word each.
    Details(&'a [Detail]),
}

impl<'a> Answers<'a> {
    /// How many answers there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Verdicts(verdicts) => verdicts.len(),
            Self::Details(details) => details.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The answers as the card wrote them.
    pub fn as_bytes(&self) -> &'a [u8] {
        match self {
            Self::Verdicts(verdicts) => bytemuck::cast_slice(verdicts),
            Self::Details(details) => bytemuck::cast_slice(details),
        }
    }
}

/// The account of a validation.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Counts by decision, cause and rule.
    pub tally: Tally,
    /// Time from the first copy to the last answer.
    pub elapsed: Duration,
    /// Simulated clocks that passed; `None` where time is real.
    pub clocks: Option<u64>,
    /// How the card was brought back meanwhile: its runs in trouble were done again.
    pub recoveries: Vec<Recovered>,
}

/// A validation's account and all its answers.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The account.
    pub summary: Summary,
    /// Verdict bytes or detail words, as the card wrote them.
    pub answers: Vec<u8>,
}

impl Report {
    /// The verdict of each descriptor.
    pub fn verdicts(&self, output: Output) -> impl Iterator<Item = Verdict> {
        self.answers
            .iter()
            .step_by(output.bytes_per_descriptor())
            .copied()
            .map(Verdict)
    }
}

/// Judges descriptors on one card.
pub struct Validator {
    card: Card,
    kernel: Kernel,
    options: Options,
    choice: PolicyChoice,
    profile: Profile,
    check: bool,
    timeout: Duration,
    cancel: CancelToken,
    progress: Option<Box<dyn FnMut(Progress) + Send>>,
    recovery: Recovery,
    pieces: Vec<Piece>,
}

impl std::fmt::Debug for Validator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Validator")
            .field("card", &self.card.id())
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl Validator {
    /// A validator on a card. A card that holds no image is programmed with the default one.
    ///
    /// # Errors
    /// [`Error::KernelMissing`] if the card holds another image, [`Error::WrongState`] if what is called
    /// `tcp_validator` there is not it, or why the card could not be programmed.
    pub fn new(card: &Card) -> Result<Self> {
        #[cfg(feature = "cosim")]
        if card.image().is_none() {
            tracing::info!(card = %card.id(), "programming the default image");
            card.program_empty(&crate::Image::default_image()?)?;
        }
        Self::on(card, card.kernel(KERNEL)?)
    }

    /// A validator on compute units of that kernel.
    pub(crate) fn on(card: &Card, kernel: Kernel) -> Result<Self> {
        let identity = (
            kernel.read_register(reg::IDENTITY)?,
            kernel.read_register(reg::INTERFACE_VERSION)?,
        );
        if identity != (reg::IDENTITY_VALUE, reg::INTERFACE_VERSION_VALUE) {
            return Err(Error::WrongState {
                card: card.id(),
                reason: format!(
                    "its {KERNEL} says it is {:#010x} version {}, this program knows {:#010x} version {}; \
                     program the default image: `fpga-ctl program --card {} default`",
                    identity.0,
                    identity.1,
                    reg::IDENTITY_VALUE,
                    reg::INTERFACE_VERSION_VALUE,
                    card.id(),
                ),
            });
        }
        Ok(Self {
            card: card.clone(),
            kernel,
            options: Options::default(),
            choice: PolicyChoice::default(),
            profile: Profile::default(),
            check: false,
            timeout: DEFAULT_TIMEOUT,
            cancel: CancelToken::new(),
            progress: None,
            recovery: card.core().recovery(),
            pieces: Vec::new(),
        })
    }

    /// Checksum and layout of a profile. The default is `compact`.
    #[must_use]
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self.options.checksum = profile.checksum();
        self.options.layout = profile.layout();
        self
    }

    /// Another checksum than the profile's.
    #[must_use]
    pub fn checksum(mut self, checksum: crate::tcp::Checksum) -> Self {
        self.options.checksum = checksum;
        self
    }

    /// The policy that decides.
    #[must_use]
    pub fn policy(mut self, choice: PolicyChoice) -> Self {
        self.choice = choice;
        self
    }

    /// Verdict bytes (the default) or detail words.
    #[must_use]
    pub fn output(mut self, output: Output) -> Self {
        self.options.output = output;
        self
    }

    /// Compares every answer with the golden model, and stops at the first difference.
    #[must_use]
    pub fn check(mut self, check: bool) -> Self {
        self.check = check;
        self
    }

    /// Longest wait for a run of one piece. The default is five minutes.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Ends a validation early, between two pieces.
    #[must_use]
    pub fn cancel(mut self, cancel: CancelToken) -> Self {
        self.cancel = cancel;
        self
    }

    /// How far the card is brought back when a run gets into trouble; the default is what the card was opened with. The
    /// descriptors of that run are then judged once more: to judge has no other effect, so that is safe.
    #[must_use]
    pub fn recovery(mut self, recovery: Recovery) -> Self {
        self.recovery = recovery;
        self
    }

    /// Called after each piece.
    #[must_use]
    pub fn on_progress(mut self, progress: impl FnMut(Progress) + Send + 'static) -> Self {
        self.progress = Some(Box::new(progress));
        self
    }

    /// Where the policy that decides comes from: never [`PolicyChoice::OfProfile`], but what that stands for.
    pub fn policy_choice(&self) -> PolicyChoice {
        self.resolved()
    }

    /// The policy that decides, as the card holds it now.
    ///
    /// # Errors
    /// What the card says.
    pub fn current_policy(&self) -> Result<Policy> {
        match self.resolved() {
            PolicyChoice::Given(policy) => Ok(policy),
            PolicyChoice::Slot(slot) => self.kernel.policy(slot),
            PolicyChoice::OfProfile => unreachable!("resolved"),
        }
    }

    /// Judges descriptors in memory, or in a mapped file.
    ///
    /// # Errors
    /// What the card says, [`Error::Cancelled`], [`Error::Mismatch`] with [`Validator::check`].
    pub fn validate(&mut self, descriptors: &[Descriptor]) -> Result<Report> {
        let mut answers =
            Vec::with_capacity(descriptors.len() * self.options.output.bytes_per_descriptor());
        let summary = self.validate_chunks([descriptors], |_, piece| {
            answers.extend_from_slice(piece.as_bytes());
            Ok(())
        })?;
        Ok(Report { summary, answers })
    }

    /// Judges descriptors that come in chunks of any size, and gives the answers out piece by piece, in order.
    ///
    /// # Errors
    /// As [`Validator::validate`], and what `sink` returns.
    pub fn validate_chunks<C: AsRef<[Descriptor]>>(
        &mut self,
        chunks: impl IntoIterator<Item = C>,
        mut sink: impl FnMut(&[Descriptor], Answers<'_>) -> Result<()>,
    ) -> Result<Summary> {
        let begin = Instant::now();
        let clocks = |card: &Card| card.simulated_time().map(|time| time.clocks);
        let first_clock = clocks(&self.card);
        let mut account = Account {
            policy: self.current_policy()?,
            tally: Tally::default(),
            done: 0,
            recoveries: Vec::new(),
        };
        let resolved = self.resolved();
        let slot = match resolved {
            PolicyChoice::Slot(slot) => slot,
            _ => PolicySlot::new(SCRATCH_SLOT).expect("a slot of the card"),
        };
        let options = Options {
            slot,
            ..self.options
        };

        let job = Job {
            options,
            choice: resolved,
        };
        let result = self.stream(job, chunks, &mut account, &mut sink);
        if result.is_err() {
            // Runs under way write to buffers that are about to go.
            for piece in &mut self.pieces {
                piece.settle(self.timeout);
            }
        }
        result?;
        Ok(Summary {
            tally: account.tally,
            recoveries: account.recoveries,
            elapsed: begin.elapsed(),
            clocks: clocks(&self.card)
                .zip(first_clock)
                .map(|(now, first)| now - first),
        })
    }

    fn resolved(&self) -> PolicyChoice {
        match (self.choice, self.profile) {
            (PolicyChoice::OfProfile, Profile::Compact) => {
                PolicyChoice::Slot(PolicySlot::new(0).expect("a slot of the card"))
            }
            (PolicyChoice::OfProfile, profile) => PolicyChoice::Given(Policy::for_profile(profile)),
            (choice, _) => choice,
        }
    }

    fn stream<C: AsRef<[Descriptor]>>(
        &mut self,
        job: Job,
        chunks: impl IntoIterator<Item = C>,
        account: &mut Account,
        sink: &mut impl FnMut(&[Descriptor], Answers<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut next = 0;
        for chunk in chunks {
            for descriptors in chunk.as_ref().chunks(PIECE) {
                self.complete(next, job, account, sink)?;
                if self.cancel.is_cancelled() {
                    return Err(Error::Cancelled {
                        card: self.card.id(),
                    });
                }
                self.start_or_recover(next, descriptors, job, account)?;
                next = 1 - next;
            }
        }
        self.complete(next, job, account, sink)?;
        self.complete(1 - next, job, account, sink)
    }

    /// Starts a run on piece `index`, which has room for the descriptors or is made anew.
    fn start(&mut self, index: usize, descriptors: &[Descriptor], job: Job) -> Result<()> {
        let count = descriptors.len();
        while self.pieces.len() <= index {
            let piece = Piece::new(&self.card, &self.kernel, count, job.options)?;
            self.pieces.push(piece);
        }
        if !self.pieces[index].fits(count, job.options) {
            self.pieces[index] = Piece::new(&self.card, &self.kernel, count, job.options)?;
        }
        self.pieces[index].start(descriptors, job.options, job.given().as_ref())
    }

    /// Waits for a piece that was started, and hands its answers out.
    fn complete(
        &mut self,
        index: usize,
        job: Job,
        account: &mut Account,
        sink: &mut impl FnMut(&[Descriptor], Answers<'_>) -> Result<()>,
    ) -> Result<()> {
        if !self.pieces.get(index).is_some_and(Piece::is_running) {
            return Ok(());
        }
        let tally = self.finish_or_recover(index, job, account)?;
        let options = job.options;
        let card = self.card.id();
        let (descriptors, answers) = self.pieces[index].answers(options.output);
        if self.check {
            compare(
                card,
                account.done,
                descriptors,
                answers,
                options,
                &account.policy,
            )?;
        }
        account.done += descriptors.len() as u64;
        account.tally += tally;
        sink(descriptors, answers)?;
        if let Some(progress) = &mut self.progress {
            progress(Progress { done: account.done });
        }
        Ok(())
    }

    /// Waits for the run of a piece; its account, if that agrees with the answers.
    fn finish(&mut self, index: usize, job: Job) -> Result<Tally> {
        let card = self.card.id();
        let piece = &mut self.pieces[index];
        let tally = piece.finish(card, self.timeout, &self.cancel)?;
        let (_, answers) = piece.answers(job.options.output);
        let consistent = match answers {
            Answers::Verdicts(verdicts) => tally.matches_verdicts(verdicts),
            Answers::Details(details) => tally == Tally::from_details(details),
        };
        if consistent {
            piece.end();
            Ok(tally)
        } else {
            Err(Error::Inconsistent { card })
        }
    }
}

/// What all runs of a validation have in common.
#[derive(Debug, Clone, Copy)]
struct Job {
    options: Options,
    choice: PolicyChoice,
}

impl Job {
    /// The policy that is put into the slot for the length of each run.
    fn given(&self) -> Option<Policy> {
        match self.choice {
            PolicyChoice::Given(policy) => Some(policy),
            _ => None,
        }
    }
}

struct Account {
    policy: Policy,
    tally: Tally,
    done: u64,
    recoveries: Vec<Recovered>,
}

/// Stops at the first answer that the golden model does not give.
fn compare(
    card: crate::CardId,
    first: u64,
    descriptors: &[Descriptor],
    answers: Answers<'_>,
    options: Options,
    policy: &Policy,
) -> Result<()> {
    for (index, descriptor) in descriptors.iter().enumerate() {
        let expected = golden::evaluate(descriptor, options, policy);
        let got = match answers {
            Answers::Verdicts(verdicts) if verdicts[index] != expected.verdict() => {
                format!("verdict {:#04x}", verdicts[index].0)
            }
            Answers::Details(details) if details[index] != expected => {
                format!("detail word {:#010x}", details[index].to_word())
            }
            _ => continue,
        };
        return Err(Error::Mismatch {
            card,
            index: first + index as u64,
            descriptor: Box::new(*descriptor),
            got,
            expected,
        });
    }
    Ok(())
}
