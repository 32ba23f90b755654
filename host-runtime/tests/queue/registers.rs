//! The register map: what reads, what is refused, and that policies swap whole.

use host_runtime::tcp::{Policy, random};

use crate::random::Traffic;
use crate::rig::{
    PAIR, PAIR_COMPLETIONS, PAIR_SIZES, PAIR_SUBMISSIONS, POLICY, POLICY_VERSION, Rig, Stop, config,
};

#[test]
fn identity_version_width_and_pairs_read_as_documented() {
    let mut rig = Rig::new(config(1, 0.1));
    let found = [0x0F0, 0x0F4, 0x0F8, 0x0FC].map(|offset| rig.read(offset));
    assert_eq!(found, [u32::from_le_bytes(*b"TCPQ"), 1, 512, 16]);
    assert_eq!(rig.read(0x000), 0, "unlisted");
    assert_eq!(rig.read(0xC00), 0, "unlisted");
}

#[test]
fn a_pair_with_bad_sizes_or_addresses_stays_disabled_and_says_why() {
    let mut rig = Rig::new(config(2, 0.1));
    let mut attempt = |sizes, submissions, completions| {
        rig.write_pair(4, PAIR_SIZES, sizes);
        rig.write_pair(4, PAIR_SUBMISSIONS, submissions);
        rig.write_pair(4, PAIR_COMPLETIONS, completions);
        rig.write_pair(4, 0, 1);
        let control = rig.read_pair(4, 0);
        assert_eq!(
            control & 1,
            u32::from(control >> 4 == 0),
            "enabled without a cause"
        );
        rig.write_pair(4, 0, 0);
        control >> 4
    };
    assert_eq!(attempt(0x300, 0x1000, 0x2000), Stop::BadSize as u32);
    assert_eq!(attempt(0x201, 0x1000, 0x2000), Stop::BadSize as u32);
    assert_eq!(attempt(0x301, 0x1800, 0x2000), Stop::BadBase as u32);
    assert_eq!(attempt(0x301, 0x1000, 0x2040), Stop::BadBase as u32);
    assert_eq!(attempt(0x301, 0x1000, 0x2000), Stop::None as u32);
    assert_eq!(attempt(0xF0F, 0x1000, 0x2000), Stop::None as u32);
}

#[test]
fn the_configuration_of_an_enabled_pair_cannot_be_written() {
    let mut rig = Rig::new(config(3, 0.0));
    let pair = rig.enable(9, 4, 5);
    let base = PAIR + 0x40 * 9;
    for offset in [0x00, 0x04, 0x08, 0x0C, 0x10, 0x14] {
        assert!(rig.refuses(base + offset, 1), "{offset:#x}");
    }
    assert_eq!(rig.read(base + PAIR_SIZES), 0x504);
    assert_eq!(
        rig.read(base + PAIR_COMPLETIONS),
        pair.completion_base as u32
    );
    rig.write_pair(9, 0, 0);
    assert!(!rig.refuses(base + PAIR_SIZES, 0x605));
    assert_eq!(rig.read(base + PAIR_SIZES), 0x605);
}

#[test]
fn a_shadow_policy_decides_only_after_its_swap_and_then_whole() {
    let mut rig = Rig::new(config(4, 0.2));
    let mut pair = rig.enable(0, 8, 8);
    let mut traffic = Traffic::new(4);
    for round in 0..6 {
        for slot in 0..16 {
            let base = POLICY + 32 * slot;
            let shadow: Vec<u32> = (0..8).map(|word| rig.read(base + 4 * word)).collect();
            if round < 2 {
                assert_eq!(
                    shadow,
                    Policy::reset_default().to_words(),
                    "both sides at first"
                );
            }
            rig.set_policy(slot as u8, random::policy(u64::from(16 * round + slot)));
            assert_eq!(rig.read(POLICY_VERSION + 4 * slot), round + 1);
        }
        // Written over while it is not in force: decides nothing.
        let shadow = rig.read(POLICY);
        rig.write(POLICY, !shadow);
        for _ in 0..128 {
            pair.submit(&rig.memory, traffic.next());
        }
        rig.ring_tail(&pair);
        rig.finish(&mut pair);
        rig.write(POLICY, shadow);
    }
}
