//! The queues of the software device: rings in this process's memory, served by a thread of the card or by whoever polls.
//! Each opening of the card has pairs and policy slots of its own, as after a reset.

mod judging;
mod policies;
mod rings;
mod server;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::thread::Thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::backend::pair::{Pair, PairFault, Route};
use crate::cancel::CancelToken;
use crate::card_id::CardId;
use crate::judge::JudgeSettings;
use crate::queue::{Completion, QueueOptions, Serving, Submission};
use crate::tcp::{Policy, PolicySlot};
use crate::{Error, Result};
use judging::{BATCH, Judging};
use policies::Policies;
use rings::Rings;
use server::Desk;

/// Pairs, as the kernel has.
const PAIRS: usize = 16;

/// Looks in vain before whoever waits for an answer sleeps.
const WAIT_SPINS: u32 = 1 << 10;

/// How often who sleeps looks whether the wait was cancelled.
const CANCEL_POLL: Duration = Duration::from_millis(10);

/// All queues of one opening of the card, from one reset to the next.
#[derive(Debug)]
pub(super) struct Queues {
    card: CardId,
    settings: JudgeSettings,
    policies: Arc<Policies>,
    desk: Arc<Desk>,
    /// Who uses each pair.
    users: Mutex<[Option<String>; PAIRS]>,
}

impl Queues {
    pub(super) fn new(card: CardId, settings: JudgeSettings) -> Arc<Self> {
        Arc::new(Self {
            card,
            settings,
            policies: Arc::new(Policies::new()),
            desk: Arc::default(),
            users: Mutex::default(),
        })
    }

    /// Takes a free pair.
    pub(super) fn open(self: &Arc<Self>, options: &QueueOptions) -> Result<Box<dyn Pair>> {
        if self.desk.is_closed() {
            return Err(Error::WrongState {
                card: self.card,
                reason: "it was closed; open it again".to_owned(),
            });
        }
        let seat = Seat::take(self, options)?;
        let judging = || Judging::new(Arc::clone(&self.policies), self.settings);
        if options.serving == Serving::Caller {
            return Ok(Box::new(CallerPair {
                seat,
                judging: judging(),
                pending: vec![bytemuck::Zeroable::zeroed(); options.entries].into(),
                oldest: 0,
                next: 0,
            }));
        }
        let rings = Arc::new(Rings::new(options.entries));
        let name = format!("{} queues", self.card);
        let joined = self.desk.join(&name, Arc::clone(&rings), judging);
        let server = joined.map_err(|source| Error::CardUnusable {
            card: self.card,
            reason: format!("no thread could be started for its queues: {source}"),
            advice: "end other programs, raise the limit on processes, or open the queue with Serving::Caller".to_owned(),
        })?;
        Ok(Box::new(ThreadPair {
            seat,
            rings,
            server,
            submitted: 0,
            taken: 0,
        }))
    }

    /// Ends all queues: their pairs are stale from now on.
    pub(super) fn retire(&self) {
        self.desk.close();
    }
}

/// A pair that is taken, until it is dropped.
#[derive(Debug)]
struct Seat {
    queues: Arc<Queues>,
    index: usize,
}

impl Seat {
    fn take(queues: &Arc<Queues>, options: &QueueOptions) -> Result<Self> {
        let mut users = queues.users.lock();
        let index = crate::queue::take_place(&mut *users, options, queues.card)?;
        Ok(Self {
            queues: Arc::clone(queues),
            index,
        })
    }

    fn check(&self) -> Result<(), PairFault> {
        if self.queues.desk.is_closed() {
            return Err(PairFault::Stale);
        }
        Ok(())
    }

    fn set_policy(&self, slot: PolicySlot, policy: &Policy) -> Result<u8, PairFault> {
        self.check()?;
        Ok(self.queues.policies.set(slot, policy))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.queues.users.lock()[self.index] = None;
    }
}

/// A pair that the card's thread serves.
#[derive(Debug)]
struct ThreadPair {
    seat: Seat,
    rings: Arc<Rings>,
    server: Thread,
    /// Running indices of the next submission and of the next completion.
    submitted: usize,
    taken: usize,
}

impl Pair for ThreadPair {
    fn index(&self) -> usize {
        self.seat.index
    }

    #[inline]
    fn submit(&mut self, submissions: &[Submission], _outstanding: usize) -> (usize, Route) {
        self.rings.submit(self.submitted, submissions);
        self.submitted = self.submitted.wrapping_add(submissions.len());
        self.seat.queues.desk.wake(&self.server);
        (submissions.len(), Route::Ring)
    }

    #[inline]
    fn take(&mut self, completions: &mut [Completion]) -> usize {
        let mut count = 0;
        for place in completions {
            let Some(completion) = self.rings.completed(self.taken) else {
                break;
            };
            *place = completion;
            self.taken = self.taken.wrapping_add(1);
            count += 1;
        }
        count
    }

    #[inline]
    fn progress(&mut self, _outstanding: usize) -> Result<(), PairFault> {
        self.seat.check()
    }

    fn wait(
        &mut self,
        _outstanding: usize,
        deadline: Instant,
        cancel: &CancelToken,
    ) -> Result<(), PairFault> {
        let is_there = || self.rings.completed(self.taken).is_some();
        for _ in 0..WAIT_SPINS {
            if is_there() {
                return Ok(());
            }
            std::hint::spin_loop();
        }
        loop {
            self.seat.check()?;
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || cancel.is_cancelled() {
                return Ok(());
            }
            self.rings.announce_sleep();
            if !is_there() {
                std::thread::park_timeout(left.min(CANCEL_POLL));
            }
            self.rings.end_sleep();
            if is_there() {
                return Ok(());
            }
        }
    }

    fn set_policy(&mut self, slot: PolicySlot, policy: &Policy) -> Result<u8, PairFault> {
        self.seat.set_policy(slot, policy)
    }
}

impl Drop for ThreadPair {
    fn drop(&mut self) {
        self.seat.queues.desk.leave(&self.rings);
    }
}

/// A pair that its owner serves: what is submitted is judged when it is asked for.
#[derive(Debug)]
struct CallerPair {
    seat: Seat,
    judging: Judging,
    pending: Box<[Submission]>,
    /// Running indices of the oldest pending submission, and of the next.
    oldest: usize,
    next: usize,
}

impl CallerPair {
    /// Where the entries from `index` on lie, up to the end of the memory, at most so many.
    fn piece(&self, index: usize, most: usize) -> std::ops::Range<usize> {
        let begin = index & (self.pending.len() - 1);
        begin..self.pending.len().min(begin + most)
    }
}

impl Pair for CallerPair {
    fn index(&self) -> usize {
        self.seat.index
    }

    #[inline]
    fn submit(&mut self, submissions: &[Submission], _outstanding: usize) -> (usize, Route) {
        let (first, second) = submissions.split_at(self.piece(self.next, submissions.len()).len());
        for part in [first, second] {
            let piece = self.piece(self.next, part.len());
            self.pending[piece].copy_from_slice(part);
            self.next = self.next.wrapping_add(part.len());
        }
        (submissions.len(), Route::Ring)
    }

    #[inline]
    fn take(&mut self, completions: &mut [Completion]) -> usize {
        if self.seat.queues.desk.is_closed() {
            return 0;
        }
        let mut count = 0;
        loop {
            let left = self.next.wrapping_sub(self.oldest);
            let most = left.min(completions.len() - count).min(BATCH);
            if most == 0 {
                return count;
            }
            let piece = self.piece(self.oldest, most);
            let completions = &mut completions[count..][..piece.len()];
            count += piece.len();
            self.oldest = self.oldest.wrapping_add(piece.len());
            self.judging.judge(&self.pending[piece], completions);
        }
    }

    #[inline]
    fn progress(&mut self, _outstanding: usize) -> Result<(), PairFault> {
        self.seat.check()
    }

    fn wait(
        &mut self,
        _outstanding: usize,
        _deadline: Instant,
        _cancel: &CancelToken,
    ) -> Result<(), PairFault> {
        // What is outstanding has been judged when it was asked for.
        self.seat.check()
    }

    fn set_policy(&mut self, slot: PolicySlot, policy: &Policy) -> Result<u8, PairFault> {
        self.seat.set_policy(slot, policy)
    }
}
