//! What was submitted and not answered yet. Rings and pushes are each answered in their order (docs/queue.md, Order), so
//! the next answer's tag is known: one that was lost or given twice shows at once, and a cancelled one is found by its place.

use super::{Completion, Submission};
use crate::backend::pair::Route;

/// The submissions of a queue that are not answered.
#[derive(Debug)]
pub(super) struct Outstanding {
    ring: Line,
    push: Line,
    cancelled: usize,
}

/// Those that went one way, in their order.
#[derive(Debug)]
struct Line {
    entries: Box<[Entry]>,
    /// Running indices of the oldest, and of the next to come.
    oldest: usize,
    next: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    tag: u32,
    cancelled: bool,
}

/// What an answer is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The one that was due.
    Due,
    /// One whose submission was cancelled.
    Cancelled,
    /// One that nobody waits for.
    Unexpected,
}

impl Line {
    fn new(capacity: usize) -> Self {
        Self {
            entries: vec![Entry::default(); capacity].into(),
            oldest: 0,
            next: 0,
        }
    }

    fn len(&self) -> usize {
        self.next.wrapping_sub(self.oldest)
    }

    fn place(&self, index: usize) -> usize {
        index & (self.entries.len() - 1)
    }

    fn places(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.len()).map(|offset| self.place(self.oldest.wrapping_add(offset)))
    }
}

impl Outstanding {
    /// `capacity` is a power of two: the most there will be.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            ring: Line::new(capacity),
            push: Line::new(capacity),
            cancelled: 0,
        }
    }

    /// All of them, also those that were cancelled and still take a place.
    pub(super) fn len(&self) -> usize {
        self.ring.len() + self.push.len()
    }

    /// Those that an answer is still due to.
    pub(super) fn unanswered(&self) -> impl Iterator<Item = u32> + '_ {
        let tags = |line: &'_ Line| {
            line.places()
                .map(|place| line.entries[place])
                .filter(|entry| !entry.cancelled)
                .map(|entry| entry.tag)
                .collect::<Vec<_>>()
        };
        tags(&self.ring).into_iter().chain(tags(&self.push))
    }

    fn line(&mut self, route: Route) -> &mut Line {
        match route {
            Route::Ring => &mut self.ring,
            Route::Push => &mut self.push,
        }
    }

    /// Notes what was submitted; there is room for it.
    pub(super) fn add(&mut self, route: Route, submissions: &[Submission]) {
        let line = self.line(route);
        let begin = line.place(line.next);
        let (before, after) = line.entries.split_at_mut(begin);
        for (entry, submission) in after.iter_mut().chain(before).zip(submissions) {
            *entry = Entry {
                tag: submission.tag(),
                cancelled: false,
            };
        }
        line.next = line.next.wrapping_add(submissions.len());
    }

    /// Notes an answer.
    #[inline]
    pub(super) fn answer(&mut self, completion: &Completion) -> Answer {
        let line = if completion.came_by_push() {
            &mut self.push
        } else {
            &mut self.ring
        };
        let place = line.place(line.oldest);
        if line.len() == 0 || line.entries[place].tag != completion.tag() {
            return Answer::Unexpected;
        }
        line.oldest = line.oldest.wrapping_add(1);
        if line.entries[place].cancelled {
            self.cancelled -= 1;
            return Answer::Cancelled;
        }
        Answer::Due
    }

    /// Cancels the oldest submission with that tag; whether there is one.
    pub(super) fn cancel(&mut self, tag: u32) -> bool {
        for line in [&mut self.ring, &mut self.push] {
            let found = line
                .places()
                .find(|&place| line.entries[place].tag == tag && !line.entries[place].cancelled);
            if let Some(place) = found {
                line.entries[place].cancelled = true;
                self.cancelled += 1;
                return true;
            }
        }
        false
    }

    /// How many answers are still due.
    pub(super) fn due(&self) -> usize {
        self.len() - self.cancelled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tcp::{Descriptor, Options, Verdict};

    fn submissions(tags: &[u32]) -> Vec<Submission> {
        let of = |&tag| Submission::new(Descriptor([0; 24]), tag, Options::default());
        tags.iter().map(of).collect()
    }

    fn answer(tag: u32) -> Completion {
        Completion::new(tag, Verdict::MALFORMED, None, 0)
    }

    #[test]
    fn answers_come_in_the_order_of_their_way_or_are_unexpected() {
        let mut outstanding = Outstanding::new(4);
        for _ in 0..5 {
            outstanding.add(Route::Ring, &submissions(&[1, 2, 2]));
            assert_eq!(outstanding.answer(&answer(2)), Answer::Unexpected);
            assert_eq!(outstanding.answer(&answer(1)), Answer::Due);
            assert_eq!(outstanding.answer(&answer(1)), Answer::Unexpected);
            assert_eq!(outstanding.answer(&answer(2)), Answer::Due);
            assert_eq!(outstanding.answer(&answer(2)), Answer::Due);
            assert_eq!(outstanding.answer(&answer(2)), Answer::Unexpected);
        }
        outstanding.add(Route::Push, &submissions(&[3]));
        assert_eq!(outstanding.answer(&answer(3)), Answer::Unexpected);
        assert_eq!(outstanding.len(), 1);
    }

    #[test]
    fn a_cancelled_submission_is_answered_to_nobody_and_its_tag_can_be_used_again() {
        let mut outstanding = Outstanding::new(4);
        outstanding.add(Route::Ring, &submissions(&[7, 8]));
        outstanding.add(Route::Push, &submissions(&[9]));
        assert!(outstanding.cancel(7) && !outstanding.cancel(7));
        assert!(outstanding.cancel(9) && !outstanding.cancel(1));
        outstanding.add(Route::Ring, &submissions(&[7]));
        assert_eq!((outstanding.len(), outstanding.due()), (4, 2));
        assert_eq!(outstanding.unanswered().collect::<Vec<_>>(), [8, 7]);
        assert_eq!(outstanding.answer(&answer(7)), Answer::Cancelled);
        assert_eq!(outstanding.answer(&answer(8)), Answer::Due);
        assert_eq!(outstanding.answer(&answer(7)), Answer::Due);
        assert!(!outstanding.cancel(7));
        assert_eq!(outstanding.due(), 0);
    }
}
