//! Judging submissions as the kernel does: each by its own options, and by the policy in force when its batch begins.
//! Descriptors with the same options go through the [`Judge`] together.

use std::sync::Arc;

use super::policies::{Policies, Slot};
use crate::judge::{Judge, JudgeSettings};
use crate::queue::{Completion, Refusal, Submission};
use crate::tcp::{Descriptor, Detail, Options, PolicySlot, Verdict};

/// Most submissions that are judged together.
pub(super) const BATCH: usize = 256;

/// Fewer submissions than this are judged one by one if their options differ: sorting them costs more.
const SORTED_FROM: usize = 48;

/// Fewer submissions than this are judged one by one.
const TOGETHER_FROM: usize = 8;

/// Values of the options byte.
const WORDS: usize = 256;

/// Judges submissions for one thread. It does not allocate once it is made.
pub(super) struct Judging {
    policies: Arc<Policies>,
    /// The last change of a policy that `slots` and `judges` know of.
    seen: u64,
    slots: [Slot; PolicySlot::COUNT],
    /// By options byte, made when first asked for.
    judges: Box<[Option<Judge>]>,
    settings: JudgeSettings,
    scratch: Box<Scratch>,
}

struct Scratch {
    descriptors: [Descriptor; BATCH],
    details: [Detail; BATCH],
    order: [u16; BATCH],
}

impl std::fmt::Debug for Judging {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Judging").finish_non_exhaustive()
    }
}

/// The options byte of a submission; `None` if its options are refused.
#[inline(always)]
fn options_byte(submission: &Submission) -> Option<u8> {
    let word = submission.options_word();
    (Submission::accepts(word)).then_some(word as u8)
}

impl Judging {
    pub(super) fn new(policies: Arc<Policies>, settings: JudgeSettings) -> Self {
        let (seen, slots) = policies.since(u64::MAX).expect("never that many changes");
        Self {
            policies,
            seen,
            slots,
            judges: vec![None; WORDS].into(),
            settings: JudgeSettings {
                // A batch is small, and starting threads allocates.
                threads: Some(std::num::NonZeroUsize::MIN),
                ..settings
            },
            scratch: Box::new(Scratch {
                descriptors: [Descriptor([0; Descriptor::SIZE]); BATCH],
                details: [Detail::default(); BATCH],
                order: [0; BATCH],
            }),
        }
    }

    /// Answers a batch, each submission in its place.
    #[inline]
    pub(super) fn judge(&mut self, submissions: &[Submission], completions: &mut [Completion]) {
        debug_assert!(submissions.len() <= BATCH && submissions.len() == completions.len());
        if let Some((seen, slots)) = self.policies.since(self.seen) {
            self.follow(seen, slots);
        }
        let together = submissions.len() >= TOGETHER_FROM
            && submissions
                .iter()
                .all(|other| other.options_word() == submissions[0].options_word());
        if together && let Some(byte) = options_byte(&submissions[0]) {
            self.judge_alike(byte, submissions, completions);
        } else if submissions.len() >= SORTED_FROM {
            self.judge_sorted(submissions, completions);
        } else {
            for (submission, completion) in submissions.iter().zip(completions) {
                *completion = self.judge_one(submission);
            }
        }
    }

    #[inline]
    fn judge_one(&mut self, submission: &Submission) -> Completion {
        let Some(byte) = options_byte(submission) else {
            return self.refuse(submission);
        };
        let mut detail = Detail::default();
        let descriptor = std::slice::from_ref(submission.descriptor());
        let (judge, version) = self.judge_of(byte);
        judge.details(descriptor, std::slice::from_mut(&mut detail));
        Completion::of_detail(submission.tag(), detail, version)
    }

    /// Judges submissions with the same options.
    fn judge_alike(
        &mut self,
        byte: u8,
        submissions: &[Submission],
        completions: &mut [Completion],
    ) {
        self.judge_of(byte);
        let version = self.slots[usize::from(byte >> 4)].version;
        let judge = self.judges[usize::from(byte)]
            .as_ref()
            .expect("it was just made");
        let scratch = &mut *self.scratch;
        let descriptors = &mut scratch.descriptors[..submissions.len()];
        let details = &mut scratch.details[..submissions.len()];
        for (descriptor, submission) in descriptors.iter_mut().zip(submissions) {
            *descriptor = *submission.descriptor();
        }
        judge.details(descriptors, details);
        for ((completion, submission), detail) in
            completions.iter_mut().zip(submissions).zip(details.iter())
        {
            *completion = Completion::of_detail(submission.tag(), *detail, version);
        }
    }

    /// Judges by options, one group of equal ones after the other.
    fn judge_sorted(&mut self, submissions: &[Submission], completions: &mut [Completion]) {
        // Counting sort: where each group ends once all before it and itself are placed.
        let mut ends = [0u16; WORDS + 1];
        for (submission, completion) in submissions.iter().zip(completions.iter_mut()) {
            match options_byte(submission) {
                Some(byte) => ends[usize::from(byte) + 1] += 1,
                None => *completion = self.refuse(submission),
            }
        }
        for word in 1..ends.len() {
            ends[word] += ends[word - 1];
        }
        for (submission, index) in submissions.iter().zip(0..) {
            if let Some(byte) = options_byte(submission) {
                let end = &mut ends[usize::from(byte)];
                self.scratch.order[usize::from(*end)] = index;
                *end += 1;
            }
        }
        let mut begin = 0;
        for byte in 0..=u8::MAX {
            let end = usize::from(ends[usize::from(byte)]);
            if end > begin {
                self.judge_group(byte, begin, end, submissions, completions);
            }
            begin = end;
        }
    }

    /// Judges those that `order[begin..end]` names, all with the same options.
    fn judge_group(
        &mut self,
        byte: u8,
        begin: usize,
        end: usize,
        submissions: &[Submission],
        completions: &mut [Completion],
    ) {
        self.judge_of(byte);
        let version = self.slots[usize::from(byte >> 4)].version;
        let judge = self.judges[usize::from(byte)]
            .as_ref()
            .expect("it was just made");
        let scratch = &mut *self.scratch;
        let order = &scratch.order[begin..end];
        let descriptors = &mut scratch.descriptors[..order.len()];
        let details = &mut scratch.details[..order.len()];
        for (descriptor, &index) in descriptors.iter_mut().zip(order) {
            *descriptor = *submissions[usize::from(index)].descriptor();
        }
        judge.details(descriptors, details);
        for (detail, &index) in details.iter().zip(order) {
            let index = usize::from(index);
            completions[index] = Completion::of_detail(submissions[index].tag(), *detail, version);
        }
    }

    #[inline]
    fn judge_of(&mut self, byte: u8) -> (&Judge, u8) {
        let slot = &self.slots[usize::from(byte >> 4)];
        let settings = &self.settings;
        let judge = self.judges[usize::from(byte)].get_or_insert_with(|| {
            let options = Options::try_from(u32::from(byte)).expect("the byte was looked at");
            Judge::new(options, &slot.policy)
                .with(settings)
                .expect("opening the card checked the settings")
        });
        (judge, slot.version)
    }

    #[cold]
    fn refuse(&self, submission: &Submission) -> Completion {
        let slot = submission.options_word() as u8 >> 4;
        Completion::new(
            submission.tag(),
            Verdict::MALFORMED,
            Some(Refusal::BadOptions),
            self.slots[usize::from(slot)].version,
        )
    }

    /// Takes over policies that were set.
    #[cold]
    fn follow(&mut self, seen: u64, slots: [Slot; PolicySlot::COUNT]) {
        let per_slot = WORDS / PolicySlot::COUNT;
        for (slot, judges) in slots.iter().zip(self.judges.chunks_mut(per_slot)) {
            if slot.change > self.seen {
                judges.fill(None);
            }
        }
        self.seen = seen;
        self.slots = slots;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tcp::random::{self, RandomDescriptors};
    use crate::tcp::{Policy, golden};
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    /// Submissions of which about one in `change` has other options than the one before.
    fn submissions(random: &mut Xoshiro256PlusPlus, count: usize, change: u32) -> Vec<Submission> {
        let policy = Policy::default();
        let mut word: u32 = random.random_range(0..256);
        (0..count)
            .map(|_| {
                if random.random_ratio(1, change) {
                    word = match random.random_range(0..10) {
                        0 => 1 << random.random_range(8..32),
                        _ => random.random_range(0..256),
                    };
                }
                let options = Options::try_from(word).unwrap_or_default();
                let mut source =
                    RandomDescriptors::new(random.random(), options, &policy).malformed_share(0.3);
                let descriptor = source.next().unwrap();
                Submission::with_options_word(descriptor, random.random(), word)
            })
            .collect()
    }

    #[test]
    fn batches_of_any_size_and_mixture_are_answered_as_the_golden_model_says() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(20_261_122);
        let policies = Arc::new(Policies::new());
        let mut judging = Judging::new(Arc::clone(&policies), JudgeSettings::default());
        let mut slots = [(Policy::reset_default(), 0u8); PolicySlot::COUNT];
        for round in 0..400 {
            if round % 5 == 0 {
                let slot = random.random_range(0..16);
                let policy = random::policy(random.random());
                let version = policies.set(PolicySlot::new(slot).unwrap(), &policy);
                slots[slot as usize] = (policy, version);
            }
            let count = random.random_range(0..=BATCH);
            let change = [1, 2, 50, 100_000][round % 4];
            let submissions = submissions(&mut random, count, change);
            let mut completions = vec![Completion::default(); count];
            judging.judge(&submissions, &mut completions);
            for (submission, completion) in submissions.iter().zip(&completions) {
                let (policy, version) = slots[submission.options_word() as usize >> 4 & 15];
                let expected = match submission.options() {
                    Some(options) => Completion::of_detail(
                        submission.tag(),
                        golden::evaluate(submission.descriptor(), options, &policy),
                        version,
                    ),
                    None => Completion::new(
                        submission.tag(),
                        Verdict::MALFORMED,
                        Some(Refusal::BadOptions),
                        version,
                    ),
                };
                assert_eq!(*completion, expected, "{submission:?}");
            }
        }
    }
}
