//! Where descriptors and answers may lie in the software device's memory.

use super::*;
use crate::tcp::random::RandomDescriptors;
use crate::tcp::{Verdict, golden};

const BANK: u64 = 1 << 16;

fn device() -> SoftwareDevice {
    let bank = |index: u64| {
        let info = BankInfo {
            name: format!("HOST[{index}]"),
            kind: "DRAM".to_owned(),
            base: index * BANK,
            size: BANK,
        };
        (info, MmapMut::map_anon(BANK as usize).unwrap())
    };
    SoftwareDevice {
        registers: Registers::default(),
        banks: vec![bank(0), bank(1)],
        settings: JudgeSettings::default(),
    }
}

#[test]
fn answers_go_anywhere_beside_or_over_the_descriptors() {
    let (options, policy) = (Options::default(), Policy::default());
    let descriptors: Vec<_> = RandomDescriptors::new(1, options, &policy)
        .take(500)
        .collect();
    let mut expected = vec![Verdict::default(); descriptors.len()];
    golden::evaluate_verdicts(&descriptors, options, &policy, &mut expected);
    for (from, to) in [
        (0, BANK),
        (BANK, 0),
        (0, 12032),
        (12032, 0),
        (0, 64),
        (64, 0),
    ] {
        let mut device = device();
        let bytes: &[u8] = bytemuck::cast_slice(&descriptors);
        device
            .find(from, bytes.len())
            .unwrap()
            .copy_from_slice(bytes);
        device.registers.descriptors = from;
        device.registers.verdicts = to;
        device.registers.count = descriptors.len() as u32;
        device.run();
        assert_eq!(device.registers.status, 0);
        let answers = device.find(to, expected.len()).unwrap();
        assert_eq!(
            answers,
            bytemuck::cast_slice::<_, u8>(&expected),
            "{from} to {to}"
        );
    }
}

#[test]
fn memory_that_is_not_there_fails_the_run_and_counts_nothing() {
    for (from, to, status) in [(2 * BANK, 0, 3), (0, 2 * BANK, 4)] {
        let mut device = device();
        device.registers.descriptors = from;
        device.registers.verdicts = to;
        device.registers.count = 1;
        device.run();
        assert_eq!(device.registers.status, status);
        assert_eq!(device.registers.fail_address, 2 * BANK);
        assert_eq!(device.registers.counters, Registers::default().counters);
    }
}
