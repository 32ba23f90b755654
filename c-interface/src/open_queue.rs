//! A queue as C has opened it. The runtime's has one owner at a time; here a lock says who. A wait gives the lock away in
//! between, so that one thread can submit while another one waits.

use std::mem::offset_of;
use std::time::{Duration, Instant};

use host_runtime::queue::{Completion, Queue, QueueFull, QueueOptions, Submission};
use host_runtime::tcp::{Policy, PolicySlot};
use host_runtime::{CancelToken, Card, Error};
use parking_lot::{Mutex, MutexGuard};

use crate::failure::{Failure, Result};
use crate::handles::{Closing, Handles};
use crate::hardware::queue::{tcp_completion_t, tcp_submission_t};

/// The queues that C has open.
pub(crate) static QUEUES: Handles<OpenQueue> = Handles::new("queue", "tcp_queue_open", 2);

/// Longest that a wait keeps other threads from the queue.
const SLICE: Duration = Duration::from_millis(1);

/// Completions that are turned from the queue's form into C's at once, on the stack.
const AT_ONCE: usize = 32;

// A submission is what lies in a ring, byte for byte.
const _: () = {
    assert!(cfg!(target_endian = "little"), "rings are little-endian");
    assert!(size_of::<tcp_submission_t>() == Submission::SIZE);
    assert!(offset_of!(tcp_submission_t, tag) == 24 && offset_of!(tcp_submission_t, options) == 28);
};

/// An opened queue.
#[derive(Debug)]
pub(crate) struct OpenQueue {
    capacity: usize,
    /// Ends waits when the queue is closed.
    closing: CancelToken,
    queue: Mutex<Queue>,
}

impl Closing for OpenQueue {
    fn closing(&self) {
        self.closing.cancel();
    }
}

impl OpenQueue {
    /// Opens a queue of a card.
    pub(crate) fn open(card: &Card, options: &QueueOptions) -> Result<Self> {
        let queue = card.open_queue(options)?;
        Ok(Self {
            capacity: queue.capacity(),
            closing: CancelToken::new(),
            queue: Mutex::new(queue),
        })
    }

    /// How many submissions can be outstanding.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many submissions are.
    pub(crate) fn outstanding(&self) -> usize {
        self.queue.lock().outstanding()
    }

    /// Submits the first of these, and says how many.
    pub(crate) fn submit(&self, given: &[tcp_submission_t]) -> usize {
        self.queue.lock().submit_many(bytemuck::cast_slice(given))
    }

    /// Why a submission found no place: the queue is full, or it has ended.
    pub(crate) fn full(&self) -> Failure {
        let mut queue = self.queue.lock();
        // One that has ended says so when it is asked for answers; asked for none, it gives none away.
        match queue.poll(&mut []) {
            Err(error) => Failure::QueueEnded(error),
            Ok(_) => Failure::QueueFull(QueueFull {
                outstanding: queue.outstanding(),
            }),
        }
    }

    /// Takes completions that are there.
    pub(crate) fn poll(&self, given: &mut [tcp_completion_t]) -> Result<usize> {
        take(&mut self.queue.lock(), given, Queue::poll)
    }

    /// Takes completions, and waits for the first.
    pub(crate) fn wait(&self, given: &mut [tcp_completion_t], timeout_ms: u32) -> Result<usize> {
        let deadline = Instant::now() + Duration::from_millis(timeout_ms.into());
        loop {
            let mut queue = self.queue.lock();
            let left = deadline.saturating_duration_since(Instant::now());
            let count = take(&mut queue, given, |queue, completions| {
                queue.wait(completions, left.min(SLICE), &self.closing)
            })?;
            if self.closing.is_cancelled() && count == 0 {
                return Err(QUEUES.unknown());
            }
            if count > 0 || left.is_zero() || given.is_empty() || queue.outstanding() == 0 {
                return Ok(count);
            }
            MutexGuard::unlock_fair(queue);
        }
    }

    /// Cancels the oldest submission with that tag, and says whether there was one.
    pub(crate) fn cancel(&self, tag: u32) -> bool {
        self.queue.lock().cancel(tag)
    }

    /// The tags of what is not answered, as many as there is room for; says how many there are.
    pub(crate) fn unanswered(&self, tags: &mut [u32]) -> usize {
        let queue = self.queue.lock();
        for (place, tag) in tags.iter_mut().zip(queue.unanswered()) {
            *place = tag;
        }
        queue.unanswered().count()
    }

    /// Puts a policy into a slot, and says which version it is.
    pub(crate) fn set_policy(&self, slot: PolicySlot, policy: &Policy) -> Result<u8> {
        let mut queue = self.queue.lock();
        queue.set_policy(slot, policy).map_err(Failure::QueueEnded)
    }
}

/// Takes completions, the first ones as `first` says and those after it without waiting.
fn take(
    queue: &mut Queue,
    given: &mut [tcp_completion_t],
    first: impl FnOnce(&mut Queue, &mut [Completion]) -> Result<usize, Error>,
) -> Result<usize> {
    let mut completions = [Completion::default(); AT_ONCE];
    let most = given.len().min(AT_ONCE);
    let mut count = first(queue, &mut completions[..most]).map_err(Failure::QueueEnded)?;
    let mut taken = 0;
    loop {
        for (place, completion) in given[taken..].iter_mut().zip(&completions[..count]) {
            *place = completion.into();
        }
        taken += count;
        let most = (given.len() - taken).min(AT_ONCE);
        if count < AT_ONCE || most == 0 {
            return Ok(taken);
        }
        // A queue that has ended says so again when nothing is left to be taken.
        count = queue.poll(&mut completions[..most]).unwrap_or(0);
    }
}

#[cfg(test)]
mod tests {
    use bytemuck::Zeroable;
    use host_runtime::{CardId, OpenOptions};

    use super::*;
    use crate::hardware::evaluate::tcp_descriptor_t;

    fn submission(tag: u32) -> tcp_submission_t {
        tcp_submission_t {
            descriptor: tcp_descriptor_t::zeroed(),
            tag,
            options: 0,
        }
    }

    /// A queue of a software device of its own, served by whoever polls.
    fn bench() -> (tempfile::TempDir, Card, OpenQueue) {
        let folder = tempfile::tempdir().unwrap();
        let open = OpenOptions {
            state_folder: Some(folder.path().to_owned()),
            ..OpenOptions::default()
        };
        let card = Card::open_with(CardId::Software(0), &open).unwrap();
        let options = QueueOptions {
            serving: host_runtime::queue::Serving::Caller,
            ..QueueOptions::default()
        };
        let queue = OpenQueue::open(&card, &options).unwrap();
        (folder, card, queue)
    }

    #[test]
    fn a_wait_for_a_queue_that_is_being_closed_ends_as_if_it_were() {
        let (_folder, _card, queue) = bench();
        let mut completions = [tcp_completion_t::zeroed(); 4];
        assert_eq!(queue.wait(&mut completions, 0).unwrap(), 0);
        queue.closing();
        let closed = queue.wait(&mut completions, u32::MAX).unwrap_err();
        assert!(matches!(closed, Failure::Handle { .. }), "{closed}");
    }

    #[test]
    fn a_queue_that_has_ended_takes_nothing_and_tells_what_is_to_be_rejected() {
        let (_folder, card, queue) = bench();
        assert_eq!(queue.submit(&[submission(5), submission(6)]), 2);
        card.reset().unwrap();

        let mut completions = [tcp_completion_t::zeroed(); 4];
        for _ in 0..2 {
            let ended = queue.poll(&mut completions).unwrap_err();
            assert!(matches!(ended, Failure::QueueEnded(_)), "{ended}");
            assert!(
                ended.to_string().contains("reject the 2 submissions"),
                "{ended}"
            );
        }
        let ended = queue.wait(&mut completions, 1000).unwrap_err();
        assert!(matches!(ended, Failure::QueueEnded(_)), "{ended}");
        assert_eq!(queue.submit(&[submission(7)]), 0);
        assert!(matches!(queue.full(), Failure::QueueEnded(_)));
        let mut tags = [0; 4];
        assert_eq!(queue.unanswered(&mut tags), 2);
        assert_eq!(tags, [5, 6, 0, 0]);
    }
}
