//! The host's side of a pair: its rings, what it has submitted, and what it may be answered.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU32, Ordering};

use host_runtime::cosim::DeviceMemory;
use host_runtime::tcp::{Descriptor, Options, Policy, golden};

pub(crate) const SUBMISSION_BYTES: usize = 32;
pub(crate) const COMPLETION_BYTES: usize = 8;
/// Cause of a submission whose options are refused.
const BAD_OPTIONS: u8 = 6;
/// What memory around a ring holds, so that a stray write shows.
const BACKGROUND: u8 = 0xA5;
const MARGIN: usize = 4096;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Submission {
    pub(crate) descriptor: Descriptor,
    pub(crate) tag: u32,
    pub(crate) options: u32,
}

impl Submission {
    /// With a tag that no other has.
    pub(crate) fn new(descriptor: Descriptor, options: u32) -> Self {
        static TAG: AtomicU32 = AtomicU32::new(1);
        Self {
            descriptor,
            tag: TAG
                .fetch_add(1, Ordering::Relaxed)
                .wrapping_mul(0x9E37_79B1),
            options,
        }
    }

    /// What pads a push.
    pub(crate) fn none() -> Self {
        Self {
            descriptor: Descriptor([0xEE; Descriptor::SIZE]),
            tag: u32::MAX,
            options: 1 << 31,
        }
    }

    pub(crate) fn bytes(&self) -> [u8; SUBMISSION_BYTES] {
        let mut bytes = [0; SUBMISSION_BYTES];
        bytes[..24].copy_from_slice(&self.descriptor.0);
        bytes[24..28].copy_from_slice(&self.tag.to_le_bytes());
        bytes[28..].copy_from_slice(&self.options.to_le_bytes());
        bytes
    }

    /// Verdict and cause, by the golden model.
    fn expected(&self, version: u8, policies: &HashMap<(u8, u8), Policy>) -> [u8; 2] {
        match Options::try_from(self.options) {
            Ok(options) if self.options & 8 == 0 => {
                let slot = options.slot.index() as u8;
                let policy = policies
                    .get(&(slot, version))
                    .unwrap_or_else(|| panic!("slot {slot} has no version {version}"));
                let detail = golden::evaluate(&self.descriptor, options, policy);
                [detail.0[0], detail.0[1]]
            }
            _ => [0, BAD_OPTIONS],
        }
    }
}

pub(crate) struct Pair {
    pub(crate) index: usize,
    pub(crate) submission_base: u64,
    pub(crate) completion_base: u64,
    submissions_log: u32,
    pub(crate) completions_log: u32,
    pub(crate) submission_tail: u16,
    /// Entries of the submission ring whose completions have been seen.
    submission_done: u16,
    pub(crate) completion_head: u16,
    /// The completion head that the kernel knows of.
    pub(crate) returned: u16,
    /// Expected, in order.
    ring: VecDeque<Submission>,
    pushed: VecDeque<Submission>,
}

impl Pair {
    pub(crate) fn new(
        memory: &DeviceMemory,
        index: usize,
        submissions_log: u32,
        completions_log: u32,
    ) -> Self {
        let submission_base = 0x100_0000 + 0x40_0000 * index as u64;
        let completion_base = submission_base + 0x20_0000;
        let bytes = COMPLETION_BYTES << completions_log;
        memory
            .write(
                completion_base - MARGIN as u64,
                &vec![BACKGROUND; bytes + 2 * MARGIN],
            )
            .unwrap();
        memory.write(completion_base, &vec![0; bytes]).unwrap();
        Self {
            index,
            submission_base,
            completion_base,
            submissions_log,
            completions_log,
            submission_tail: 0,
            submission_done: 0,
            completion_head: 0,
            returned: 0,
            ring: VecDeque::new(),
            pushed: VecDeque::new(),
        }
    }

    /// Completions that are still to come.
    pub(crate) fn outstanding(&self) -> usize {
        self.ring.len() + self.pushed.len()
    }

    /// Entries free in the submission ring.
    pub(crate) fn space(&self) -> usize {
        (1 << self.submissions_log)
            - usize::from(self.submission_tail.wrapping_sub(self.submission_done))
    }

    /// Pushes that surely have a place in the completion ring: what the ring has submitted may take its own first.
    pub(crate) fn push_space(&self) -> usize {
        let held = usize::from(self.completion_head.wrapping_sub(self.returned));
        (1usize << self.completions_log).saturating_sub(self.outstanding() + held)
    }

    /// Puts a submission into the ring; the doorbell is the caller's.
    pub(crate) fn submit(&mut self, memory: &DeviceMemory, submission: Submission) {
        assert!(self.space() > 0, "the test keeps to the ring");
        let entry = u64::from(self.submission_tail) & ((1 << self.submissions_log) - 1);
        let address = self.submission_base + entry * SUBMISSION_BYTES as u64;
        memory.write(address, &submission.bytes()).unwrap();
        self.submission_tail = self.submission_tail.wrapping_add(1);
        self.ring.push_back(submission);
    }

    pub(crate) fn expect_pushed(&mut self, submissions: &[Submission]) {
        self.pushed.extend(submissions);
    }

    /// Forgets what a push that was refused would have been answered.
    pub(crate) fn refused(&mut self, count: usize) {
        self.pushed.truncate(self.pushed.len() - count);
    }

    /// Whether the entry at the head is a completion of this pass.
    pub(crate) fn is_ready(&self, memory: &DeviceMemory) -> Option<[u8; COMPLETION_BYTES]> {
        let entry = u64::from(self.completion_head) & ((1 << self.completions_log) - 1);
        let mut bytes = [0; COMPLETION_BYTES];
        let address = self.completion_base + entry * COMPLETION_BYTES as u64;
        memory.read(address, &mut bytes).unwrap();
        let phase = u16::from(bytes[6] & 1);
        (phase != self.completion_head >> self.completions_log & 1).then_some(bytes)
    }

    /// Takes a completion if there is one, and checks all of it.
    pub(crate) fn take(
        &mut self,
        memory: &DeviceMemory,
        policies: &HashMap<(u8, u8), Policy>,
    ) -> bool {
        let Some(bytes) = self.is_ready(memory) else {
            return false;
        };
        let came_by_push = bytes[6] & 2 != 0;
        let queue = if came_by_push {
            &mut self.pushed
        } else {
            self.submission_done = self.submission_done.wrapping_add(1);
            &mut self.ring
        };
        let what = format!(
            "pair {}, completion {}: {bytes:02x?}",
            self.index, self.completion_head
        );
        let Some(submission) = queue.pop_front() else {
            panic!("{what}: nothing was submitted that way");
        };
        assert_eq!(
            bytes[..4],
            submission.tag.to_le_bytes(),
            "{what}: the tag of {submission:x?}"
        );
        assert_eq!(bytes[6] & !3, 0, "{what}: flags");
        assert_eq!(
            bytes[4..6],
            submission.expected(bytes[7], policies),
            "{what}: {} with options {:#x}",
            submission.descriptor,
            submission.options
        );
        self.completion_head = self.completion_head.wrapping_add(1);
        true
    }

    /// Exactly `count` completions lie in the ring from the head on, without taking them.
    pub(crate) fn assert_written(&self, memory: &DeviceMemory, count: u16) {
        let mut look = Self {
            ring: VecDeque::new(),
            pushed: VecDeque::new(),
            ..*self
        };
        let mut found = 0;
        while look.is_ready(memory).is_some() {
            look.completion_head = look.completion_head.wrapping_add(1);
            found += 1;
        }
        assert_eq!(found, count, "completions of pair {}", self.index);
    }

    /// Nothing past the last completion, nothing beside the ring.
    pub(crate) fn assert_untouched_around(&self, memory: &DeviceMemory) {
        assert_eq!(
            self.is_ready(memory),
            None,
            "pair {}: a completion too many",
            self.index
        );
        let bytes = (COMPLETION_BYTES as u64) << self.completions_log;
        for address in [
            self.completion_base - MARGIN as u64,
            self.completion_base + bytes,
        ] {
            let mut around = vec![0; MARGIN];
            memory.read(address, &mut around).unwrap();
            assert!(
                around.iter().all(|&byte| byte == BACKGROUND),
                "pair {}: bytes beside the ring",
                self.index
            );
        }
    }
}
