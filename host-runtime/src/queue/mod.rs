//! Queues: decisions asked for and answered through rings in memory, without a run for each batch. The formats are those
//! of the kernel `tcp_queue` (docs/queue.md), on every kind of card.
//!
//! ```
//! use host_runtime::queue::{Completion, QueueOptions, Submission};
//! use host_runtime::tcp::{Decision, Descriptor, Options};
//! use host_runtime::{CancelToken, Card, CardId};
//! use std::time::Duration;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let open = host_runtime::OpenOptions {
//! #     state_folder: Some(folder.path().to_owned()),
//! #     ..Default::default()
//! # };
//! # let card = Card::open_with(CardId::Software(0), &open)?;
//! # if false {
//! let card = Card::open(CardId::Software(0))?;
//! # }
//! let mut queue = card.open_queue(&QueueOptions::default())?;
//! let git: Descriptor = "544350020002ba9f11ec0000024407d000c80d920003f202".parse()?;
//! queue.submit(Submission::new(git, 7, Options::default()))?;
//!
//! let mut completions = [Completion::default(); 16];
//! let count = queue.wait(&mut completions, Duration::from_secs(1), &CancelToken::new())?;
//! assert_eq!(count, 1);
//! assert_eq!(completions[0].tag(), 7);
//! assert_eq!(completions[0].decision(), Decision::Caution);
//! # Ok(())
//! # }
//! ```

pub(crate) mod driver;
mod entry;
mod options;
mod outstanding;
#[cfg_attr(
    not(feature = "cosim"),
    expect(dead_code, reason = "some only simulated cards use")
)]
pub(crate) mod registers;
pub(crate) mod rings;
mod stop;
mod users;

pub use entry::{Completion, Refusal, Submission};
pub use options::{QueueOptions, QueuePath, Serving};
pub use stop::StopCause;

use std::time::{Duration, Instant};

use thiserror::Error as ThisError;

use crate::backend::pair::{Pair, PairFault};
use crate::cancel::CancelToken;
use crate::card::Card;
use crate::card_id::CardId;
use crate::tcp::{Policy, PolicySlot};
use crate::{Error, Result};
use outstanding::{Answer, Outstanding};
pub(crate) use users::take_place;

/// Name of the kernel that serves queues.
pub const KERNEL: &str = "tcp_queue";

/// All places are taken, or the queue has ended: then [`Queue::poll`] says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ThisError)]
#[error(
    "the queue is full: {outstanding} submissions are outstanding; poll for completions, then submit again"
)]
pub struct QueueFull {
    /// How many places are taken.
    pub outstanding: usize,
}

/// One pair of rings of a card. It has one owner; threads open a queue each, up to as many as the card has pairs.
///
/// After an error the queue has ended: it takes nothing and answers nothing any more, and what is outstanding is the
/// caller's to answer, by REJECT. Dropping a queue gives its pair back; what is outstanding then is answered to nobody.
#[derive(Debug)]
pub struct Queue {
    card: Card,
    pair: Box<dyn Pair>,
    outstanding: Outstanding,
    capacity: usize,
    ended: Option<End>,
}

/// Why a queue has ended.
#[derive(Debug)]
enum End {
    Stopped(StopCause),
    Stale,
    /// It was answered a tag that was not due.
    Answer(u32),
    /// The error's text; the error itself was given to whoever met it.
    Failed(String),
}

impl Card {
    /// Opens a queue on a free pair of the card. A simulated card that holds no image is programmed with the one that has
    /// `tcp_queue`.
    ///
    /// # Errors
    /// [`Error::QueueSize`]; [`Error::KernelMissing`] if the card's image has no `tcp_queue`; [`Error::NoFreePair`];
    /// [`Error::QueueUnsupported`] for cards that have no queues, and for pushes where the card takes none; and
    /// [`Error::TurnTimeout`] if another process does not let go of the card in time.
    pub fn open_queue(&self, options: &QueueOptions) -> Result<Queue> {
        options.check()?;
        Ok(Queue {
            card: self.clone(),
            pair: self.core().backend().open_pair(self.core(), options)?,
            outstanding: Outstanding::new(options.entries),
            capacity: options.entries,
            ended: None,
        })
    }
}

impl Queue {
    /// The card.
    pub fn card(&self) -> CardId {
        self.card.id()
    }

    /// Which of the card's pairs it is.
    pub fn pair(&self) -> usize {
        self.pair.index()
    }

    /// How many submissions can be outstanding.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many submissions take a place: not answered yet, or cancelled and not yet done with by the card.
    pub fn outstanding(&self) -> usize {
        self.outstanding.len()
    }

    /// The tags of what is not answered and not cancelled, in the order of submission by each way to the card.
    pub fn unanswered(&self) -> impl Iterator<Item = u32> + '_ {
        self.outstanding.unanswered()
    }

    /// Submits one.
    ///
    /// # Errors
    /// [`QueueFull`].
    #[inline]
    pub fn submit(&mut self, submission: Submission) -> Result<(), QueueFull> {
        match self.submit_many(std::slice::from_ref(&submission)) {
            0 => Err(QueueFull {
                outstanding: self.outstanding(),
            }),
            _ => Ok(()),
        }
    }

    /// Submits the first of these, as many as there is room for, and says how many.
    pub fn submit_many(&mut self, submissions: &[Submission]) -> usize {
        if self.ended.is_some() {
            return 0;
        }
        let mut submitted = 0;
        loop {
            let outstanding = self.outstanding.len();
            let room = self.capacity - outstanding;
            let left = &submissions[submitted..];
            let left = &left[..left.len().min(room)];
            if left.is_empty() {
                return submitted;
            }
            let (count, route) = self.pair.submit(left, outstanding);
            self.outstanding.add(route, &left[..count]);
            submitted += count;
            if count == 0 {
                return submitted;
            }
        }
    }

    /// Takes completions that are there, at most as many as the slice is long, and says how many. Never waits; on the
    /// software device it neither allocates nor calls the system. A simulated card is clocked a little when there are none.
    ///
    /// # Errors
    /// [`Error::QueueStopped`], [`Error::QueueStale`], [`Error::QueueAnswer`], or what the card says; see [`Queue`].
    #[inline]
    pub fn poll(&mut self, completions: &mut [Completion]) -> Result<usize> {
        self.check_open()?;
        if completions.is_empty() {
            return Ok(0);
        }
        match self.take(completions)? {
            0 => {}
            count => return Ok(count),
        }
        let progress = self.pair.progress(self.outstanding.len());
        self.settle(progress, completions)
    }

    /// Takes completions as [`poll`](Self::poll) does, and waits for the first. Answers 0 if nothing is outstanding, when
    /// the time is up, or when it is cancelled.
    ///
    /// # Errors
    /// As [`poll`](Self::poll).
    pub fn wait(
        &mut self,
        completions: &mut [Completion],
        timeout: Duration,
        cancel: &CancelToken,
    ) -> Result<usize> {
        let mut count = self.poll(completions)?;
        if count > 0 || completions.is_empty() || timeout.is_zero() {
            return Ok(count);
        }
        let begin = Instant::now();
        // A time that no clock can show is one that nobody will see.
        let deadline = begin
            .checked_add(timeout)
            .unwrap_or_else(|| begin + Duration::from_secs(u32::MAX.into()));
        while self.outstanding.len() > 0 {
            let waited = self.pair.wait(self.outstanding.len(), deadline, cancel);
            count = self.settle(waited, completions)?;
            if count > 0 || cancel.is_cancelled() || Instant::now() >= deadline {
                break;
            }
        }
        Ok(count)
    }

    /// Cancels the oldest outstanding submission with that tag: its completion will not be delivered. Says whether there
    /// was one. The card judges it all the same, and it takes its place until then.
    pub fn cancel(&mut self, tag: u32) -> bool {
        self.outstanding.cancel(tag)
    }

    /// Gives the pair back, and says whether it came to rest; dropping the queue only tries. What is outstanding is answered to
    /// nobody.
    ///
    /// # Errors
    /// [`Error::CardStopped`] if the card still works on it: then the pair is lost until the card is reset.
    pub fn close(mut self) -> Result<()> {
        let released = self.pair.release();
        if let Err(error) = &released {
            self.card.core().give_up(error);
        }
        released
    }

    /// Puts a policy into a slot of the card, at once for all its queues, and says by which version completions tell that
    /// it has decided. What is submitted from now on is decided by it; what is outstanding, by it or by the one before.
    ///
    /// # Errors
    /// As [`poll`](Self::poll).
    pub fn set_policy(&mut self, slot: PolicySlot, policy: &Policy) -> Result<u8> {
        self.check_open()?;
        self.pair
            .set_policy(slot, policy)
            .map_err(|fault| self.end(fault))
    }

    /// Takes what is there, but for what was cancelled.
    #[inline]
    fn take(&mut self, completions: &mut [Completion]) -> Result<usize> {
        loop {
            let count = self.pair.take(completions);
            let mut kept = 0;
            for index in 0..count {
                let completion = completions[index];
                match self.outstanding.answer(&completion) {
                    Answer::Due => {
                        completions[kept] = completion;
                        kept += 1;
                    }
                    Answer::Cancelled => {}
                    Answer::Unexpected => {
                        self.ended = Some(End::Answer(completion.tag()));
                        // Those before it were due: they are handed out first.
                        return match kept {
                            0 => self.check_open().map(|()| 0),
                            kept => Ok(kept),
                        };
                    }
                }
            }
            if kept > 0 || count == 0 {
                return Ok(kept);
            }
        }
    }

    /// Takes what came; the fault is told when there is nothing more to be taken.
    fn settle(
        &mut self,
        progress: Result<(), PairFault>,
        completions: &mut [Completion],
    ) -> Result<usize> {
        match (self.take(completions)?, progress) {
            (0, Err(fault)) => Err(self.end(fault)),
            (count, _) => Ok(count),
        }
    }

    #[inline]
    fn check_open(&self) -> Result<()> {
        match &self.ended {
            None => Ok(()),
            Some(end) => Err(self.end_error(end)),
        }
    }

    #[cold]
    fn end(&mut self, fault: PairFault) -> Error {
        let (end, error) = match fault {
            PairFault::Stopped(cause) => (End::Stopped(cause), None),
            PairFault::Stale => (End::Stale, None),
            PairFault::Card(error) => {
                // Queues work past the guard: a card that is gone is gone for all of the opening.
                self.card.core().give_up(&error);
                (End::Failed(error.to_string()), Some(error))
            }
        };
        let error = error.unwrap_or_else(|| self.end_error(&end));
        self.ended = Some(end);
        error
    }

    #[cold]
    fn end_error(&self, end: &End) -> Error {
        let card = self.card.id();
        let outstanding = self.outstanding.due();
        match end {
            End::Stopped(cause) => Error::QueueStopped {
                card,
                pair: self.pair.index(),
                cause: *cause,
                outstanding,
            },
            End::Stale => Error::QueueStale { card, outstanding },
            End::Answer(tag) => Error::QueueAnswer {
                card,
                pair: self.pair.index(),
                tag: *tag,
                outstanding,
            },
            End::Failed(reason) => Error::WrongState {
                card,
                reason: format!(
                    "the queue has ended: {reason}; reject the {outstanding} submissions that are not answered, and open it again"
                ),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::OpenOptions;
    use crate::backend::pair::Route;
    use crate::tcp::{Descriptor, Options, Verdict};

    /// A pair that answers what it is told to.
    #[derive(Debug)]
    struct Scripted(VecDeque<u32>);

    impl Pair for Scripted {
        fn index(&self) -> usize {
            3
        }

        fn submit(&mut self, submissions: &[Submission], _outstanding: usize) -> (usize, Route) {
            (submissions.len(), Route::Ring)
        }

        fn take(&mut self, completions: &mut [Completion]) -> usize {
            let tags = self.0.drain(..completions.len().min(self.0.len()));
            let answers = tags.map(|tag| Completion::new(tag, Verdict::MALFORMED, None, 0));
            answers
                .zip(completions)
                .map(|(from, to)| *to = from)
                .count()
        }

        fn progress(&mut self, _outstanding: usize) -> Result<(), PairFault> {
            Ok(())
        }

        fn wait(
            &mut self,
            _outstanding: usize,
            _deadline: Instant,
            _cancel: &CancelToken,
        ) -> Result<(), PairFault> {
            Ok(())
        }

        fn set_policy(&mut self, _slot: PolicySlot, _policy: &Policy) -> Result<u8, PairFault> {
            Ok(0)
        }
    }

    #[test]
    fn answers_before_one_that_was_not_due_are_handed_out_and_the_rest_is_told_as_missing() {
        let folder = tempfile::tempdir().unwrap();
        let options = OpenOptions {
            state_folder: Some(folder.path().to_owned()),
            ..OpenOptions::default()
        };
        let mut queue = Queue {
            card: Card::open_with(CardId::Software(0), &options).unwrap(),
            pair: Box::new(Scripted(VecDeque::from([0, 1, 3]))),
            outstanding: Outstanding::new(4),
            capacity: 4,
            ended: None,
        };
        let submission = |tag| Submission::new(Descriptor([0; 24]), tag, Options::default());
        assert_eq!(queue.submit_many(&[0, 1, 2, 3].map(submission)), 4);
        let mut completions = [Completion::default(); 4];
        assert_eq!(queue.poll(&mut completions).unwrap(), 2);
        assert_eq!([completions[0].tag(), completions[1].tag()], [0, 1]);
        let error = queue.poll(&mut completions).unwrap_err();
        let told = matches!(
            error,
            Error::QueueAnswer {
                tag: 3,
                outstanding: 2,
                ..
            }
        );
        assert!(told, "{error}");
        assert_eq!(queue.unanswered().collect::<Vec<_>>(), [2, 3]);
    }
}
