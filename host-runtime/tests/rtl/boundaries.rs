//! Counts and addresses around everything that is cut: groups of three beats, beats, bursts, pages.

use host_runtime::tcp::random::RandomDescriptors;
use host_runtime::tcp::{Descriptor, Options, Policy};

use crate::rig::{BANK_1, Rig, WIDTHS, config, detailed, plain, seed};

fn descriptors(seed: u64, options: Options) -> Vec<Descriptor> {
    RandomDescriptors::new(seed, options, &Policy::reset_default())
        .malformed_share(0.2)
        .take(9_000)
        .collect()
}

/// Runs that much under each kind of output, with and without stalls.
fn check_counts(counts: impl Iterator<Item = usize> + Clone, places: &[(u64, u64)]) {
    let seed = seed(7);
    for width in WIDTHS {
        for (options, stall) in [(plain(), 0.0), (detailed(), 0.3)] {
            let descriptors = descriptors(seed, options);
            let mut rig = Rig::new(width, config(seed, stall));
            for count in counts.clone() {
                for &(from, to) in places {
                    rig.check(
                        &descriptors[..count],
                        options,
                        0x10_0000 + from,
                        BANK_1 + 0x10_0000 + to,
                    );
                }
            }
        }
    }
}

#[test]
fn every_count_up_to_200_is_answered_in_full_and_nothing_else_is_written() {
    check_counts(0..=200, &[(0, 0)]);
}

#[test]
fn counts_around_each_burst_and_page_boundary() {
    // 4 KiB hold 170.67 descriptors, 4096 verdict bytes or 1024 detail words; 8 descriptors are whole beats.
    let edges = [170, 171, 341, 342, 512, 1024, 1365, 2048, 4096, 8192];
    check_counts(
        edges
            .into_iter()
            .flat_map(|edge: usize| edge - 2..=edge + 2),
        &[(0, 0)],
    );
}

#[test]
fn arrays_that_begin_anywhere_in_a_page() {
    // The last places leave one beat of the page for the first burst.
    let places: Vec<(u64, u64)> = [0, 64, 128, 1984, 2048, 3968, 4032]
        .iter()
        .flat_map(|&from| [(from, 4032 - from), (from, from)])
        .collect();
    check_counts([1, 2, 3, 24, 64, 65, 200, 513].into_iter(), &places);
}

#[test]
fn input_and_output_side_by_side_in_one_bank() {
    let options = plain();
    let descriptors = descriptors(seed(3), options);
    for width in WIDTHS {
        let mut rig = Rig::new(width, config(3, 0.2));
        rig.check(&descriptors[..1000], options, 0x10_0000, 0x20_0000);
    }
}

#[test]
fn addresses_above_four_gigabytes_reach_the_bus_whole() {
    let options = detailed();
    let descriptors = descriptors(seed(4), options);
    for width in WIDTHS {
        let mut rig = Rig::new(width, config(4, 0.0));
        rig.check(
            &descriptors[..500],
            options,
            BANK_1 + 0x30_0000,
            BANK_1 + 0x10_0000,
        );
    }
}
