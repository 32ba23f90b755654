//! Every instruction set of this CPU against the golden model: at every length around its blocks, at every alignment,
//! with every share of malformed descriptors. How many random descriptors are judged, and from which seed, is settable:
//!
//! ```text
//! JUDGE_DESCRIPTORS=100000000 cargo test --release -p host-runtime judge::tests -- --nocapture
//! ```

use std::num::NonZeroUsize;

use super::*;
use crate::tcp::random::{self, RandomDescriptors};
use crate::tcp::{Checksum, Layout, golden};

/// Random descriptors for each instruction set, unless the environment says how many.
const DESCRIPTORS: u64 = 2_000_000;

/// A number from the environment.
fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{variable}={text:?} is no number"))
    })
}

fn instruction_sets() -> Vec<InstructionSet> {
    InstructionSet::available().collect()
}

fn with(judge: &Judge, set: InstructionSet, threads: usize) -> Judge {
    let settings = JudgeSettings {
        instruction_set: Some(set),
        threads: NonZeroUsize::new(threads),
    };
    judge.clone().with(&settings).expect("the CPU has it")
}

/// Bytes that answers must not be written to.
const GUARD: Detail = Detail([0xA5; 4]);

/// Judges with one instruction set, and compares all it answers with the golden model.
fn agrees(
    judge: &Judge,
    descriptors: &[Descriptor],
    expected: &[Detail],
    told: &dyn std::fmt::Display,
) {
    let count = descriptors.len();
    let mut details = vec![GUARD; count + 2];
    let tally = judge.details(descriptors, &mut details[1..=count]);
    for (index, (got, expected)) in details[1..].iter().zip(expected).enumerate() {
        assert_eq!(
            got, expected,
            "{told}: descriptor {index} of {count}, {}",
            descriptors[index]
        );
    }
    assert_eq!([details[0], details[count + 1]], [GUARD; 2], "{told}");
    assert_eq!(tally, Tally::from_details(expected), "{told}: details");

    let mut verdicts = vec![Verdict(0xA5); count + 2];
    let tally = judge.verdicts(descriptors, &mut verdicts[1..=count]);
    assert!(
        verdicts[1..]
            .iter()
            .zip(expected)
            .all(|(got, expected)| *got == expected.verdict()),
        "{told}: verdict bytes are not those of the detail words"
    );
    assert_eq!(
        [verdicts[0], verdicts[count + 1]],
        [Verdict(0xA5); 2],
        "{told}"
    );
    assert_eq!(tally, Tally::from_details(expected), "{told}: verdicts");
}

/// All checksums and layouts.
fn all_options() -> impl Iterator<Item = Options> {
    Checksum::ALL.into_iter().flat_map(|checksum| {
        Layout::ALL.into_iter().map(move |layout| Options {
            checksum,
            layout,
            ..Options::default()
        })
    })
}

fn golden_details(descriptors: &[Descriptor], options: Options, policy: &Policy) -> Vec<Detail> {
    let mut expected = vec![Detail::default(); descriptors.len()];
    golden::evaluate_details(descriptors, options, policy, &mut expected);
    expected
}

#[test]
fn random_batches_are_judged_as_by_the_golden_model() {
    let total = number("JUDGE_DESCRIPTORS", DESCRIPTORS);
    let first = number("JUDGE_SEED", 1);
    let sets = instruction_sets();
    let mut judged = 0;
    let mut seed = first;
    while judged < total {
        let (options, policy) = (random::options(seed), random::policy(seed));
        let share = [0.5, 0.0, 0.05, 1.0][(seed % 4) as usize];
        // Batches of one to some thousands, so of every remainder.
        let count = (seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 51) as usize + 1;
        let descriptors: Vec<_> = RandomDescriptors::new(seed, options, &policy)
            .malformed_share(share)
            .take(count)
            .collect();
        let expected = golden_details(&descriptors, options, &policy);
        let judge = Judge::new(options, &policy);
        for &set in &sets {
            let told = format!(
                "{set}, {options:?}, {policy:?}; again: JUDGE_SEED={seed} JUDGE_DESCRIPTORS=1 \
                 cargo test -p host-runtime judge::tests::random"
            );
            agrees(&with(&judge, set, 1), &descriptors, &expected, &told);
        }
        judged += count as u64;
        seed += 1;
    }
    for set in InstructionSet::ALL {
        if let Err(error) = set.check() {
            eprintln!("SKIPPED: {error}");
        }
    }
    let names: Vec<_> = sets.iter().map(|set| set.name()).collect();
    eprintln!(
        "{judged} random descriptors, seeds {first} to {}, judged alike by {}",
        seed - 1,
        names.join(", ")
    );
}

#[test]
fn every_length_and_alignment_is_judged_alike() {
    for options in all_options() {
        let policy = random::policy(7);
        let descriptors: Vec<_> = RandomDescriptors::new(7, options, &policy)
            .take(300)
            .collect();
        let expected = golden_details(&descriptors, options, &policy);
        let judge = Judge::new(options, &policy);
        for set in instruction_sets() {
            let judge = with(&judge, set, 1);
            for count in 0..=200 {
                let told = format!("{set}, {options:?}, the first {count}");
                agrees(&judge, &descriptors[..count], &expected[..count], &told);
            }
            for offset in 1..64 {
                let mut bytes = vec![0_u8; 24 * descriptors.len() + 2 * 64];
                let start = bytes.as_ptr().align_offset(64) + offset;
                let moved = &mut bytes[start..][..24 * descriptors.len()];
                moved.copy_from_slice(bytemuck::cast_slice(&descriptors));
                let told = format!("{set}, {options:?}, {offset} bytes past a cache line");
                agrees(&judge, bytemuck::cast_slice(moved), &expected, &told);
            }
        }
    }
}

/// A fault in any one bit of a well-formed descriptor, and the risk level of every value.
#[test]
fn every_bit_counts() {
    for options in all_options() {
        let policy = Policy::default();
        let sound = RandomDescriptors::new(3, options, &policy)
            .malformed_share(0.0)
            .take(1)
            .next()
            .expect("it is endless");
        let mut descriptors = Vec::new();
        for bit in 0..192 {
            let mut changed = sound;
            changed.0[bit / 8] ^= 1 << (bit % 8);
            descriptors.push(changed);
            changed.write_checksum(options.checksum);
            descriptors.push(changed);
        }
        for flags in 0..=255 {
            let mut changed = sound;
            changed.0[13] = flags;
            changed.write_checksum(options.checksum);
            descriptors.push(changed);
        }
        let expected = golden_details(&descriptors, options, &policy);
        for set in instruction_sets() {
            let judge = with(&Judge::new(options, &policy), set, 1);
            agrees(
                &judge,
                &descriptors,
                &expected,
                &format!("{set}, {options:?}"),
            );
        }
    }
}

/// Every way that a field of several bytes can be at, below and above its maximum.
#[test]
fn maxima_are_compared_over_all_their_bytes() {
    const EDGES: [u8; 5] = [0, 1, 0x7f, 0x80, 0xff];
    for options in all_options() {
        let mut policy = Policy::default();
        policy.limits.max_exec_ms = match options.layout {
            Layout::Compact => 0x8001,
            Layout::Wide => 0x8001_7f80,
        };
        policy.limits.max_memory_mb = 0x7fff;
        policy.limits.max_output_kb = 0x0180;
        let mut descriptors = Vec::new();
        for first in [14, 16, 18, 20] {
            for edge in 0..EDGES.len().pow(4) {
                let mut descriptor = Descriptor([0; 24]);
                descriptor.0[..6].copy_from_slice(&rules::HEADER);
                descriptor.0[13] = 1;
                let mut edge = edge;
                for byte in &mut descriptor.0[first..22.min(first + 4)] {
                    *byte = EDGES[edge % EDGES.len()];
                    edge /= EDGES.len();
                }
                descriptor.write_checksum(options.checksum);
                descriptors.push(descriptor);
            }
        }
        let expected = golden_details(&descriptors, options, &policy);
        for set in instruction_sets() {
            let judge = with(&Judge::new(options, &policy), set, 1);
            agrees(
                &judge,
                &descriptors,
                &expected,
                &format!("{set}, {options:?}"),
            );
        }
    }
}

#[test]
fn several_threads_judge_as_one_does() {
    let (options, policy) = (random::options(5), random::policy(5));
    let descriptors: Vec<_> = RandomDescriptors::new(5, options, &policy)
        .take(5000)
        .collect();
    let expected = golden_details(&descriptors, options, &policy);
    let judge = Judge::new(options, &policy);
    for set in instruction_sets() {
        for threads in 1..=5 {
            for count in [0, 1, 63, 64, 65, 127, 128, 129, 300, 4999, 5000] {
                let told = format!("{set}, {threads} threads, {count} descriptors");
                let judge = with(&judge, set, threads);
                agrees(&judge, &descriptors[..count], &expected[..count], &told);
            }
        }
    }
}

#[test]
fn the_choice_is_of_what_the_cpu_has() {
    let judge = Judge::new(Options::default(), &Policy::default());
    assert_eq!(judge.instruction_set(1), InstructionSet::Portable);
    for count in [1, 64, 1 << 24] {
        assert!(judge.instruction_set(count).check().is_ok());
    }
    let portable = with(&judge, InstructionSet::Portable, 2);
    assert_eq!(portable.instruction_set(1 << 24), InstructionSet::Portable);
    assert_eq!(portable.threads(1 << 24), 2);
}
