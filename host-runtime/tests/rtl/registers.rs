//! The register map as kernel.md and docs/registers.md give it.

use host_runtime::cosim::EngineError;
use host_runtime::tcp::random::{self, RandomDescriptors};
use host_runtime::tcp::registers as reg;
use host_runtime::tcp::{Descriptor, Options, Policy, PolicySlot};

use crate::rig::{BANK_1, Job, Rig, WIDTHS, config, latency, plain};

#[test]
fn identity_version_and_width_tell_the_kernel() {
    for width in WIDTHS {
        let mut rig = Rig::new(width, config(1, 0.2));
        assert_eq!(rig.read(reg::IDENTITY), reg::IDENTITY_VALUE);
        assert_eq!(
            rig.read(reg::INTERFACE_VERSION),
            reg::INTERFACE_VERSION_VALUE
        );
        assert_eq!(rig.read(reg::DATA_WIDTH), width);
    }
}

#[test]
fn unlisted_registers_read_zero_and_ignore_writes_and_listed_ones_hold_their_bits() {
    let mut rig = Rig::new(512, config(1, 0.0));
    let listed = |offset: u32| {
        matches!(
            offset,
            0x000..=0x00C | 0x010 | 0x014 | 0x01C | 0x020 | 0x028 | 0x030
                | 0x040 | 0x048 | 0x04C | 0x0F0 | 0x0F4 | 0x0F8
                | 0x100..=0x17F | 0x400..=0x5FF
        )
    };
    let mut counted = 0;
    for offset in (0..0x1000).step_by(4).filter(|&offset| !listed(offset)) {
        rig.write(offset, 0xFFFF_FFFF);
        assert_eq!(rig.read(offset), 0, "{offset:#x}");
        counted += 1;
    }
    assert_eq!(counted, 1024 - 4 - 6 - 6 - 32 - 128);
    for offset in [0x010, 0x014, 0x01C, 0x020, 0x028, 0x030] {
        rig.write(offset, 0xDEAD_BEEF ^ offset);
    }
    for offset in [0x010, 0x014, 0x01C, 0x020, 0x028, 0x030] {
        assert_eq!(rig.read(offset), 0xDEAD_BEEF ^ offset, "{offset:#x}");
    }
    for offset in [0x040, 0x0F0, 0x0F4, 0x100, 0x17C] {
        let value = rig.read(offset);
        rig.write(offset, !value);
        assert_eq!(rig.read(offset), value, "{offset:#x} is read-only");
    }
}

#[test]
fn policy_slots_have_their_reset_values_keep_what_is_written_and_lose_it_in_a_reset() {
    let mut rig = Rig::new(256, config(2, 0.1));
    let words = |rig: &mut Rig| -> Vec<u32> {
        (0x400..0x600)
            .step_by(4)
            .map(|offset| rig.read(offset))
            .collect()
    };
    let reset: Vec<u32> =
        std::iter::repeat_n(Policy::reset_default().to_words(), PolicySlot::COUNT)
            .flatten()
            .collect();
    assert_eq!(words(&mut rig), reset);
    // One word alone: its neighbours keep their reset values.
    rig.write(0x400 + 5 * 32 + 8, 0x1234_5678);
    let mut expected = reset.clone();
    expected[5 * 8 + 2] = 0x1234_5678;
    assert_eq!(words(&mut rig), expected);
    for (index, word) in expected.iter_mut().enumerate() {
        *word = (index as u32).wrapping_mul(0x9E37_79B9);
        rig.write(0x400 + 4 * index as u32, *word);
    }
    assert_eq!(words(&mut rig), expected);
    rig.engine.reset().unwrap();
    assert_eq!(words(&mut rig), reset);
}

#[test]
fn a_policy_write_while_a_run_goes_on_is_refused_and_changes_nothing() {
    let mut rig = Rig::new(512, latency(500));
    let job = Job {
        descriptors: 0x1000,
        verdicts: BANK_1,
        count: 100,
        options: 0,
    };
    rig.set_arguments(job);
    rig.start();
    let error = rig.engine.write_register(0, 0x400, 0).unwrap_err();
    assert!(
        matches!(
            error,
            EngineError::Register {
                response: "SLVERR",
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(
        rig.read(reg::CONTROL) & 0b101,
        0b001,
        "still running, not idle"
    );
    assert_eq!(rig.finish(), 0);
    assert_eq!(rig.read(0x400), 0x390);
    rig.write(0x400, 0x155);
    assert_eq!(rig.read(0x400), 0x155);
}

#[test]
fn arguments_written_during_a_run_are_those_of_the_next() {
    let options = plain();
    let policy = Policy::reset_default();
    let descriptors: Vec<Descriptor> = RandomDescriptors::new(5, options, &policy)
        .take(300)
        .collect();
    for width in WIDTHS {
        let mut rig = Rig::new(width, latency(200));
        rig.memory
            .write(0x10_0000, bytemuck::cast_slice(&descriptors))
            .unwrap();
        let first = Job {
            descriptors: 0x10_0000,
            verdicts: BANK_1 + 0x10_0000,
            count: 300,
            options: 0,
        };
        rig.set_arguments(first);
        rig.start();
        rig.set_arguments(Job {
            descriptors: 0x10_0000,
            verdicts: BANK_1 + 0x20_0000,
            count: 7,
            options: 8,
        });
        assert_eq!(rig.finish(), 0);
        assert_eq!(rig.counters()[0], 300);
        assert!(
            rig.bytes(BANK_1 + 0x20_0000, 28)
                .iter()
                .all(|&byte| byte == 0),
            "nothing of the next run yet"
        );
        rig.start();
        assert_eq!(rig.finish(), 0);
        assert_eq!(rig.counters()[0], 307);
    }
}

#[test]
fn auto_restart_runs_again_until_it_is_switched_off() {
    let mut rig = Rig::new(512, config(1, 0.0));
    rig.set_arguments(Job {
        descriptors: 0x1000,
        verdicts: BANK_1,
        count: 16,
        options: 0,
    });
    rig.write(reg::CONTROL, 0x81);
    rig.engine.run(5_000).unwrap();
    rig.write(reg::CONTROL, 0);
    rig.engine.run(2_000).unwrap();
    let count = rig.counters()[0];
    assert!(count >= 32 && count.is_multiple_of(16), "{count}");
    rig.engine.run(2_000).unwrap();
    assert_eq!(rig.counters()[0], count, "it stopped");
}

#[test]
fn interrupts_are_gated_by_both_enables_and_toggled_by_writes() {
    let mut rig = Rig::new(512, config(1, 0.0));
    rig.set_arguments(Job {
        descriptors: 0x1000,
        verdicts: BANK_1,
        count: 1,
        options: 0,
    });
    for (global, enable, pending, line) in [
        (1, 0, 0, false),
        (0, 3, 3, false),
        (1, 1, 1, true),
        (1, 2, 2, true),
    ] {
        rig.write(reg::GLOBAL_INTERRUPT_ENABLE, global);
        rig.write(reg::INTERRUPT_ENABLE, enable);
        rig.write(reg::CONTROL, 1);
        rig.engine.run(500).unwrap();
        let what = format!("global {global}, enable {enable}");
        assert_eq!(rig.read(reg::INTERRUPT_STATUS), pending, "{what}");
        assert_eq!(rig.engine.interrupt(0), line, "{what}");
        rig.write(reg::INTERRUPT_STATUS, pending);
        assert_eq!(rig.read(reg::INTERRUPT_STATUS), 0, "{what}");
        assert!(!rig.engine.interrupt(0), "{what}");
    }
}

/// Two kernels on one card keep 32 policies apart and do not disturb each other while they run together.
#[test]
fn two_kernels_have_policies_of_their_own() {
    for width in WIDTHS {
        let mut rig = Rig::with_units(width, config(9, 0.2), 2);
        let policies: Vec<Policy> = (0..2 * PolicySlot::COUNT as u64)
            .map(random::policy)
            .collect();
        for unit in 0..2 {
            rig.unit = unit;
            for slot in PolicySlot::all() {
                rig.set_policy(slot, policies[unit * PolicySlot::COUNT + slot.index()]);
            }
        }
        for slot in PolicySlot::all() {
            let options = Options {
                slot,
                ..random::options(slot.index() as u64)
            };
            let options = Options { slot, ..options };
            for unit in 0..2 {
                rig.unit = unit;
                rig.policies[slot.index()] = policies[unit * PolicySlot::COUNT + slot.index()];
                let policy = rig.policies[slot.index()];
                let descriptors: Vec<_> = RandomDescriptors::new(unit as u64, options, &policy)
                    .malformed_share(0.1)
                    .take(150)
                    .collect();
                // The other kernel works on something else meanwhile.
                rig.unit = 1 - unit;
                rig.set_arguments(Job {
                    descriptors: 0x40_0000,
                    verdicts: BANK_1 + 0x40_0000,
                    count: 400,
                    options: 0,
                });
                rig.write(reg::INTERRUPT_ENABLE, 0);
                rig.write(reg::CONTROL, 1);
                rig.unit = unit;
                rig.check(&descriptors, options, 0x10_0000, BANK_1 + 0x10_0000);
                let busy = 1 - unit;
                rig.engine.run(5_000).unwrap();
                assert_ne!(
                    rig.engine.read_register(busy, 0).unwrap() & 0b10,
                    0,
                    "the other one is done too"
                );
            }
        }
    }
}
