//! The host's side of a pair of rings in memory that a card reads and writes, as docs/queue.md lays them out. Nothing here
//! knows how doorbells reach the card.
//!
//! The completion ring has twice the entries of the submission ring: what the card has not been told to be taken back yet
//! never keeps it from completing what is outstanding.

use std::sync::atomic::{AtomicU64, Ordering, fence};

use super::{Completion, Submission};
use crate::memory::MappedMemory;

/// Rings begin at multiples of this.
const PAGE: usize = 4096;

/// The phase bit of a completion.
const PHASE: u64 = 1 << 48;

/// The smallest completion ring, as a logarithm.
const LEAST_COMPLETIONS: u32 = 3;

/// Rings in a card's sight.
#[derive(Debug)]
pub(crate) struct CardRings {
    memory: MappedMemory,
    shape: Shape,
    /// Running indices: the next submission, the next completion, and the completion head that the card was last told.
    tail: u16,
    head: u16,
    told: u16,
}

/// How large rings are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    submissions_log: u32,
    completions_log: u32,
}

impl Shape {
    /// Rings for a queue of so many entries, a power of two.
    pub(crate) fn new(entries: usize) -> Self {
        let submissions_log = entries.ilog2();
        Self {
            submissions_log,
            completions_log: (submissions_log + 1).max(LEAST_COMPLETIONS),
        }
    }

    /// Bytes of both rings.
    pub(crate) fn bytes(self) -> usize {
        self.completions_offset() + (Completion::SIZE << self.completions_log)
    }

    /// Where the completion ring begins; the submission ring begins at 0.
    pub(crate) fn completions_offset(self) -> usize {
        (Submission::SIZE << self.submissions_log).next_multiple_of(PAGE)
    }

    /// What the sizes register of the pair says.
    pub(crate) fn register(self) -> u32 {
        self.submissions_log | self.completions_log << 8
    }
}

impl CardRings {
    /// Empty rings in `memory`, which begins at a page and has [`Shape::bytes`]. No card reads or writes them yet.
    pub(crate) fn new(memory: MappedMemory, shape: Shape) -> Self {
        assert!(memory.len() >= shape.bytes(), "the rings fit");
        // SAFETY: the memory has that many bytes, and no card uses them yet.
        unsafe { memory.as_ptr().write_bytes(0, shape.bytes()) };
        Self {
            memory,
            shape,
            tail: 0,
            head: 0,
            told: 0,
        }
    }

    /// Puts submissions into the ring, which has room for them, and answers the tail to ring the doorbell with.
    pub(crate) fn submit(&mut self, submissions: &[Submission]) -> u16 {
        let mask = (1 << self.shape.submissions_log) - 1;
        for submission in submissions {
            let entry = usize::from(self.tail) & mask;
            // SAFETY: the entry is inside the ring, and its last submission was answered: the card does not read it.
            unsafe {
                self.memory
                    .as_ptr()
                    .cast::<Submission>()
                    .add(entry)
                    .write(submission.without_push_bit());
            }
            self.tail = self.tail.wrapping_add(1);
        }
        // The card reads them after the doorbell.
        fence(Ordering::Release);
        self.tail
    }

    /// Whether the next completion is there.
    #[inline]
    pub(crate) fn is_ready(&self) -> bool {
        self.peek().is_some()
    }

    #[inline]
    fn peek(&self) -> Option<u64> {
        let log = self.shape.completions_log;
        let entry = usize::from(self.head) & ((1 << log) - 1);
        let offset = self.shape.completions_offset() + entry * Completion::SIZE;
        // SAFETY: an aligned word inside the ring, which lives as long as `memory`; the card writes it as a whole.
        let word = unsafe {
            let place = self.memory.as_ptr().add(offset).cast::<u64>();
            AtomicU64::from_ptr(place).load(Ordering::Acquire)
        };
        let word = u64::from_le(word);
        let due = if self.head >> log & 1 == 0 { PHASE } else { 0 };
        (word & PHASE == due).then_some(word & !PHASE)
    }

    /// Copies out completions that are there.
    pub(crate) fn take(&mut self, completions: &mut [Completion]) -> usize {
        let mut count = 0;
        for place in completions {
            let Some(word) = self.peek() else {
                break;
            };
            *place = bytemuck::cast(word.to_le());
            self.head = self.head.wrapping_add(1);
            count += 1;
        }
        count
    }

    /// The completion head, if it is time to tell the card: after every half of a queue's entries.
    pub(crate) fn head_to_tell(&mut self) -> Option<u16> {
        let half = 1 << self.shape.submissions_log >> 1;
        if self.head.wrapping_sub(self.told) < half {
            return None;
        }
        self.told = self.head;
        Some(self.head)
    }

    /// The completion head, which the card is told now.
    pub(crate) fn tell_head(&mut self) -> u16 {
        self.told = self.head;
        self.head
    }

    /// How many submissions may be pushed while so many are outstanding, if the card hears of the completion head before
    /// them.
    pub(crate) fn places_left(&self, outstanding: usize) -> usize {
        self.push_room(outstanding, self.head)
    }

    /// How many submissions may be pushed while so many are outstanding and the card has heard of the completion head
    /// `heard`: all of them keep a place in the completion ring.
    pub(crate) fn push_room(&self, outstanding: usize, heard: u16) -> usize {
        let held = usize::from(self.head.wrapping_sub(heard));
        (1usize << self.shape.completions_log).saturating_sub(outstanding + held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tcp::{Descriptor, Verdict};
    use std::ptr::NonNull;
    use std::sync::Arc;

    /// Rings in memory that the test plays the card in.
    fn rings(entries: usize) -> (CardRings, Shape, *mut u8) {
        #[repr(align(4096))]
        #[derive(Clone)]
        struct Page(#[expect(dead_code)] [u8; PAGE]);
        let shape = Shape::new(entries);
        let pages = vec![Page([0xEE; PAGE]); shape.bytes().div_ceil(PAGE)];
        let owner = Arc::new(pages);
        let start = owner.as_ptr().cast_mut().cast::<u8>();
        let memory = MappedMemory::new(NonNull::new(start).unwrap(), shape.bytes(), owner);
        (CardRings::new(memory, shape), shape, start)
    }

    #[test]
    fn completions_are_taken_by_their_phase_over_many_passes() {
        let (mut rings, shape, start) = rings(4);
        assert_eq!(shape.register(), 2 | 3 << 8);
        let completions = start.wrapping_add(shape.completions_offset()).cast::<u64>();
        let mut out = [Completion::default(); 3];
        for index in 0..0x2_0010u32 {
            assert_eq!(rings.take(&mut out), 0, "{index}");
            let word: u64 = bytemuck::cast(Completion::new(index, Verdict(0x13), None, 2));
            let phase = if index >> 3 & 1 == 0 { PHASE } else { 0 };
            // SAFETY: an entry of the ring, which `rings` keeps.
            unsafe { completions.add(index as usize & 7).write(word | phase) };
            assert_eq!(rings.take(&mut out), 1);
            assert_eq!((out[0].tag(), out[0].policy_version()), (index, 2));
            let told = rings.head_to_tell();
            assert_eq!(told, (index % 2 == 1).then_some((index + 1) as u16));
        }
    }

    #[test]
    fn submissions_lie_in_their_entries_and_never_look_like_padding() {
        let (mut rings, shape, start) = rings(8);
        for index in 0..20u32 {
            let submission = Submission::with_options_word(Descriptor([9; 24]), index, 1 << 31);
            assert_eq!(rings.submit(&[submission]), index as u16 + 1);
            let entry = start.wrapping_add(32 * (index as usize % 8));
            // SAFETY: an entry of the ring.
            let seen = unsafe { entry.cast::<Submission>().read() };
            assert_eq!(seen.tag(), index);
            assert_eq!(seen.options_word() >> 31, 0);
            assert_eq!(seen.options(), None);
        }
        assert!(shape.completions_offset().is_multiple_of(PAGE));
    }

    #[test]
    fn pushes_keep_to_what_the_card_has_heard() {
        let (mut rings, shape, start) = rings(4);
        assert_eq!(rings.push_room(0, 0), 8);
        assert_eq!(rings.push_room(3, 0), 5);
        let completions = start.wrapping_add(shape.completions_offset()).cast::<u64>();
        for entry in 0..5 {
            // SAFETY: an entry of the ring.
            unsafe { completions.add(entry).write(PHASE) };
        }
        assert_eq!(rings.take(&mut [Completion::default(); 8]), 5);
        assert_eq!(rings.push_room(2, 0), 1);
        assert_eq!(rings.push_room(2, 5), 6);
        assert_eq!(rings.push_room(4, 0), 0);
    }
}
