//! Random traffic over all pairs, by ring and push at once, with policies swapped under it.

use host_runtime::tcp::random::{self, RandomDescriptors};
use host_runtime::tcp::{Descriptor, Options, Policy};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::host::{Pair, Submission};
use crate::rig::{EVENTS, PAIRS, PUSH_PORT, Rig, config, seed};

/// Runs of the random test, each with its own rings, stalls and latencies.
const RUNS: usize = 12;
/// What the host does in a run.
const ACTIONS: usize = 400;

/// Random submissions; now and then with options that are refused.
pub(crate) struct Traffic {
    random: Xoshiro256PlusPlus,
    descriptors: Vec<(u32, RandomDescriptors)>,
}

impl Traffic {
    pub(crate) fn new(seed: u64) -> Self {
        let policy = Policy::reset_default();
        let descriptors = (0..256u32)
            .filter(|word| word & 8 == 0)
            .filter_map(|word| Some((word, Options::try_from(word).ok()?)))
            .map(|(word, options)| {
                let seed = seed ^ u64::from(word);
                (
                    word,
                    RandomDescriptors::new(seed, options, &policy).malformed_share(0.3),
                )
            })
            .collect();
        Self {
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
            descriptors,
        }
    }

    pub(crate) fn next(&mut self) -> Submission {
        let turn = self.random.random_range(0..self.descriptors.len());
        let (options, source) = &mut self.descriptors[turn];
        let descriptor: Descriptor = source.next().expect("endless");
        let options = match self.random.random_range(0..40) {
            0 => 3 | *options,
            1 => 8 | *options,
            2 => 1 << self.random.random_range(8..31) | *options,
            _ => *options,
        };
        Submission::new(descriptor, options)
    }
}

#[test]
fn random_traffic_over_all_pairs_is_answered_once_and_as_the_golden_model_says() {
    let seed = seed(20_261_122);
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    for run in 0..RUNS {
        let stall = if run % 3 == 0 {
            0.0
        } else {
            random.random_range(0.01..0.5)
        };
        random_run(random.random(), stall);
    }
}

/// The hosts of the other pairs only use rings, and submit more than their completion rings hold.
fn pushes(pair: usize) -> bool {
    !pair.is_multiple_of(3)
}

fn random_run(seed: u64, stall: f64) {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut rig = Rig::new(config(seed, stall));
    let mut traffic = Traffic::new(seed);
    let mut pairs: Vec<Pair> = (0..PAIRS)
        .map(|index| rig.enable(index, random.random_range(1..8), random.random_range(3..8)))
        .collect();
    let mut submitted = [0u32; 2];
    // Some pairs' hosts are away most of the time.
    let lazy = random.random_range(0..PAIRS);
    for _ in 0..ACTIONS {
        let index = random.random_range(0..PAIRS);
        let pair = &mut pairs[index];
        match random.random_range(0..10) {
            0..4 => {
                // A host that pushes keeps to the completion ring with all it submits.
                let most = if pushes(index) {
                    pair.space().min(pair.push_space())
                } else {
                    pair.space()
                };
                let count = random.random_range(0..=most);
                for _ in 0..count {
                    pair.submit(&rig.memory, traffic.next());
                }
                submitted[0] += count as u32;
                rig.ring_tail(pair);
            }
            4..7 if !pushes(index) => {}
            4..7 => {
                for _ in 0..random.random_range(1..5) {
                    let count = random.random_range(0..=2).min(pair.push_space());
                    let submissions: Vec<_> = (0..count).map(|_| traffic.next()).collect();
                    let offset = 64 * random.random_range(0..64);
                    rig.push(pair, &submissions, offset);
                    submitted[1] += count as u32;
                }
            }
            7..9 if index == lazy => {}
            7..9 => {
                if rig.poll(pair) > 0 && random.random_bool(0.7) {
                    rig.ring_head(pair);
                }
            }
            _ => {
                let slot = random.random_range(0..16);
                rig.set_policy(slot, random::policy(random.random()));
            }
        }
        let clocks = random.random_range(0..40);
        rig.engine.run(clocks).unwrap();
    }
    for pair in &mut pairs {
        rig.finish(pair);
    }
    for pair in &pairs {
        assert_eq!(rig.drained(pair.index), 0, "pair {} stopped", pair.index);
        pair.assert_untouched_around(&rig.memory);
    }
    while let Some(result) = rig.engine.burst_result(0, PUSH_PORT).unwrap() {
        assert_eq!(result.response, 0, "a push was refused");
    }
    assert_eq!([rig.counter(0), rig.counter(1)], submitted);
    assert_eq!(rig.counter(2), 0, "pushes refused");
    let total = submitted[0] + submitted[1];
    assert_eq!(rig.counter(4), total, "answered");
    assert_eq!(
        rig.read(EVENTS) + rig.counter(3),
        total,
        "checked, or refused for their options"
    );
}
