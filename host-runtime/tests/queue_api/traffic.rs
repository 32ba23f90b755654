//! Random submissions, and what the golden model answers to them.

use host_runtime::queue::{Completion, Refusal, Submission};
use host_runtime::tcp::random::{self, RandomDescriptors};
use host_runtime::tcp::{Options, Policy, PolicySlot, Verdict, golden};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// The seed of a random test: given, or its own.
pub(crate) fn seed(own: u64) -> u64 {
    let seed = match std::env::var("FPGA_TEST_SEED") {
        Ok(text) => text.parse().expect("FPGA_TEST_SEED is a number"),
        Err(_) => own,
    };
    println!("seed {seed}; replay with FPGA_TEST_SEED={seed}");
    seed
}

/// Endless random submissions with tags of their own; a share of them with options that are refused.
pub(crate) struct Traffic {
    pub(crate) random: Xoshiro256PlusPlus,
    sources: Vec<RandomDescriptors>,
    tag: u32,
}

impl Traffic {
    pub(crate) fn new(seed: u64) -> Self {
        let policy = Policy::reset_default();
        Self {
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
            sources: (0..8u32)
                .map(|word| {
                    let options = Options::try_from(word).unwrap_or_default();
                    RandomDescriptors::new(seed ^ u64::from(word), options, &policy)
                        .malformed_share(0.3)
                })
                .collect(),
            tag: seed as u32,
        }
    }

    pub(crate) fn next(&mut self) -> Submission {
        let word = self.random.random_range(0..256u32) & !8;
        let descriptor = self.sources[word as usize & 7].next().expect("endless");
        let word = match self.random.random_range(0..20) {
            0 => word | 8,
            1 => word | 1 << self.random.random_range(8..32),
            _ => word,
        };
        self.tag = self.tag.wrapping_add(0x9E37_79B1);
        Submission::with_options_word(descriptor, self.tag, word)
    }

    pub(crate) fn many(&mut self, count: usize) -> Vec<Submission> {
        (0..count).map(|_| self.next()).collect()
    }

    pub(crate) fn policy(&mut self) -> Policy {
        random::policy(self.random.random())
    }
}

/// All policies that were ever in force, by slot; the version is the place modulo 256.
#[derive(Clone)]
pub(crate) struct History([Vec<Policy>; PolicySlot::COUNT]);

impl History {
    pub(crate) fn new() -> Self {
        Self(std::array::from_fn(|_| vec![Policy::reset_default()]))
    }

    /// Notes a policy; answers its version.
    pub(crate) fn set(&mut self, slot: PolicySlot, policy: Policy) -> u8 {
        let slot = &mut self.0[slot.index()];
        slot.push(policy);
        (slot.len() - 1) as u8
    }

    /// How many policies a slot has had.
    pub(crate) fn len(&self, slot: PolicySlot) -> usize {
        self.0[slot.index()].len()
    }

    /// Checks tag, verdict and cause of an answer that the version it names has given.
    pub(crate) fn check(&self, submission: &Submission, completion: &Completion) {
        assert_eq!(completion.tag(), submission.tag(), "{submission:?}");
        let Some(options) = submission.options() else {
            assert_eq!(completion.refusal(), Some(Refusal::BadOptions));
            assert_eq!(completion.verdict(), Verdict::MALFORMED);
            return;
        };
        let version = usize::from(completion.policy_version());
        let policy = &self.0[options.slot.index()][version];
        let expected = golden::evaluate(submission.descriptor(), options, policy);
        assert_eq!(completion.verdict(), expected.verdict(), "{submission:?}");
        assert_eq!(
            completion.refusal(),
            expected.cause().map(Refusal::Malformed),
            "{submission:?}"
        );
    }
}
