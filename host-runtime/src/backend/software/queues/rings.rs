//! A pair of rings between two threads of this process, one producer and one consumer each. An entry tells by its phase
//! bit that it is there, so a submission is one cache line on its way, and so is a completion: nobody asks for indices.
//! Of several entries the first is written last: who waits for it leaves the lines of the others alone until all are there.
//! The queue keeps what is outstanding within the rings, so neither ring is ever over-full.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::thread::Thread;

use parking_lot::Mutex;

use crate::queue::{Completion, Submission};

/// Keeps what different threads write on different cache lines; two, because they are fetched in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Padded<T>(pub(super) T);

/// A submission as four words; bit 63 of the last, which no submission has set, is the phase.
#[derive(Debug, Default)]
#[repr(align(32))]
struct SubmissionSlot([AtomicU64; 4]);

/// Most entries that are held back until all of them are there.
const TOGETHER: usize = 64;

const SUBMISSION_PHASE: u64 = 1 << 63;
/// Bit 0 of the flags, as in docs/queue.md.
const COMPLETION_PHASE: u64 = 1 << 48;

/// Rings of submissions and of completions, of the same number of entries.
#[derive(Debug)]
pub(super) struct Rings {
    submissions: Box<[SubmissionSlot]>,
    completions: Box<[AtomicU64]>,
    log: u32,
    /// Somebody sleeps until completions come.
    waiting: Padded<AtomicBool>,
    waiter: Mutex<Option<Thread>>,
}

impl Rings {
    /// `entries` is a power of two.
    pub(super) fn new(entries: usize) -> Self {
        Self {
            submissions: (0..entries).map(|_| SubmissionSlot::default()).collect(),
            completions: (0..entries).map(|_| AtomicU64::new(0)).collect(),
            log: entries.ilog2(),
            waiting: Padded::default(),
            waiter: Mutex::default(),
        }
    }

    fn place(&self, index: usize) -> usize {
        index & (self.submissions.len() - 1)
    }

    /// The phase of a running index: set in the first pass.
    fn phase(&self, index: usize, bit: u64) -> u64 {
        if index >> self.log & 1 == 0 { bit } else { 0 }
    }

    /// The producer of submissions puts some into their places.
    #[inline]
    pub(super) fn submit(&self, index: usize, submissions: &[Submission]) {
        let mut begin = index;
        for together in submissions.chunks(TOGETHER) {
            for (offset, submission) in together.iter().enumerate().skip(1) {
                self.submit_one(begin.wrapping_add(offset), submission);
            }
            self.submit_one(begin, &together[0]);
            begin = begin.wrapping_add(together.len());
        }
    }

    #[inline]
    fn submit_one(&self, index: usize, submission: &Submission) {
        let [a, b, c, last]: [u64; 4] = bytemuck::cast(submission.without_push_bit());
        let slot = &self.submissions[self.place(index)].0;
        slot[0].store(a, Ordering::Relaxed);
        slot[1].store(b, Ordering::Relaxed);
        slot[2].store(c, Ordering::Relaxed);
        let last = last | self.phase(index, SUBMISSION_PHASE);
        slot[3].store(last, Ordering::Release);
    }

    /// The consumer of submissions takes one if it is there.
    #[inline]
    pub(super) fn submitted(&self, index: usize) -> Option<Submission> {
        let slot = &self.submissions[self.place(index)].0;
        let last = slot[3].load(Ordering::Acquire);
        if last & SUBMISSION_PHASE != self.phase(index, SUBMISSION_PHASE) {
            return None;
        }
        let words = [
            slot[0].load(Ordering::Relaxed),
            slot[1].load(Ordering::Relaxed),
            slot[2].load(Ordering::Relaxed),
            last & !SUBMISSION_PHASE,
        ];
        Some(bytemuck::cast(words))
    }

    /// The producer of completions puts some into their places.
    #[inline]
    pub(super) fn complete(&self, index: usize, completions: &[Completion]) {
        let mut begin = index;
        for together in completions.chunks(TOGETHER) {
            for (offset, completion) in together.iter().enumerate().skip(1) {
                self.complete_one(begin.wrapping_add(offset), completion);
            }
            self.complete_one(begin, &together[0]);
            begin = begin.wrapping_add(together.len());
        }
    }

    #[inline]
    fn complete_one(&self, index: usize, completion: &Completion) {
        let word: u64 = bytemuck::cast(*completion);
        let word = u64::from_le(word) | self.phase(index, COMPLETION_PHASE);
        self.completions[self.place(index)].store(word, Ordering::Release);
    }

    /// The consumer of completions takes one if it is there.
    #[inline]
    pub(super) fn completed(&self, index: usize) -> Option<Completion> {
        let word = self.completions[self.place(index)].load(Ordering::Acquire);
        if word & COMPLETION_PHASE != self.phase(index, COMPLETION_PHASE) {
            return None;
        }
        Some(bytemuck::cast((word & !COMPLETION_PHASE).to_le()))
    }

    /// The consumer of completions announces that it is about to sleep, before it looks a last time.
    pub(super) fn announce_sleep(&self) {
        *self.waiter.lock() = Some(std::thread::current());
        self.waiting.0.store(true, Ordering::Relaxed);
        // Whoever completes after this look sees the announcement; whoever did before is seen.
        fence(Ordering::SeqCst);
    }

    pub(super) fn end_sleep(&self) {
        self.waiting.0.store(false, Ordering::Relaxed);
    }

    /// The producer of completions wakes the consumer if it sleeps.
    #[inline]
    pub(super) fn wake(&self) {
        fence(Ordering::SeqCst);
        if self.waiting.0.load(Ordering::Relaxed) {
            self.wake_waiter();
        }
    }

    #[cold]
    fn wake_waiter(&self) {
        self.waiting.0.store(false, Ordering::Relaxed);
        if let Some(thread) = &*self.waiter.lock() {
            thread.unpark();
        }
    }
}
