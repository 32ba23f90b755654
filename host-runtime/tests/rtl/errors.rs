//! Error responses at any beat, bad arguments, and that the next run is not touched by them.

use cosim::engine::{Access, ErrorResponse, Fault};
use host_runtime::cosim;
use host_runtime::tcp::random::RandomDescriptors;
use host_runtime::tcp::registers as reg;
use host_runtime::tcp::{Descriptor, Detail, Options, Policy, golden};

use crate::rig::{BANK_1, Job, Rig, WIDTHS, config, detailed, plain, seed};

const FROM: u64 = 0x10_0000 + 3 * 64;
const TO: u64 = BANK_1 + 0x10_0000 + 5 * 64;
const COUNT: usize = 2_000;

fn job(options: Options) -> Job {
    Job {
        descriptors: FROM,
        verdicts: TO,
        count: COUNT as u32,
        options: options.into(),
    }
}

fn fail_address(rig: &mut Rig) -> u64 {
    let low = rig.read(reg::FAIL_ADDRESS);
    let high = rig.read(reg::FAIL_ADDRESS + 4);
    (u64::from(high) << 32) | u64::from(low)
}

/// No byte that was not computed is written as a non-zero value; what was written is right.
fn assert_no_invented_verdict(rig: &Rig, options: Options, descriptors: &[Descriptor], what: &str) {
    let size = options.output.bytes_per_descriptor();
    let mut expected = vec![Detail::default(); descriptors.len()];
    golden::evaluate_details(
        descriptors,
        options,
        &Policy::reset_default(),
        &mut expected,
    );
    let written = rig.bytes(TO, COUNT * size);
    for (index, (got, expected)) in written.chunks(size).zip(&expected).enumerate() {
        assert!(
            got.iter().all(|&byte| byte == 0) || got == &expected.0[..size],
            "{what}: verdict {index} is {got:02x?}, neither untouched nor {expected:x?}"
        );
    }
}

fn check_fault(
    width: u32,
    options: Options,
    access: Access,
    offset: u64,
    response: ErrorResponse,
    stall: f64,
) {
    let seed = seed(11);
    let descriptors: Vec<_> = RandomDescriptors::new(seed, options, &Policy::reset_default())
        .malformed_share(0.1)
        .take(COUNT)
        .collect();
    let beat = u64::from(width / 8);
    let mut rig = Rig::new(width, config(seed, stall));
    rig.memory
        .write(FROM, bytemuck::cast_slice(&descriptors))
        .unwrap();
    let base = if access == Access::Read { FROM } else { TO };
    let at = base + offset;
    rig.engine.set_faults(vec![Fault {
        range: at..at + beat,
        access,
        response,
    }]);
    let what = format!("{width} bits, {access:?} {response:?} at byte {offset}, stall {stall}");

    let status = rig.run(job(options));
    assert_eq!(status, if access == Access::Read { 3 } else { 4 }, "{what}");
    let failed = fail_address(&mut rig);
    if access == Access::Read {
        assert_eq!(failed, at, "{what}: the beat that failed");
    } else {
        // Writes are answered by burst: the address is the burst's.
        assert!(
            failed <= at && at < (failed | 4095) + 1,
            "{what}: {failed:#x} is not the burst with {at:#x}"
        );
    }
    assert_no_invented_verdict(&rig, options, &descriptors, &what);

    // No reset in between.
    rig.engine.set_faults(Vec::new());
    rig.check(&descriptors, options, FROM, TO);
    assert_eq!(
        fail_address(&mut rig),
        0,
        "{what}: forgotten by the run after"
    );
}

#[test]
fn a_read_error_at_the_first_a_middle_and_the_last_beat_ends_the_run_and_not_the_next() {
    for width in WIDTHS {
        let beat = u64::from(width / 8);
        let last = (COUNT * Descriptor::SIZE) as u64 / beat - 1;
        for index in [0, 1, 2, 3, last / 2, last / 2 + 1, last - 1, last] {
            check_fault(
                width,
                plain(),
                Access::Read,
                index * beat,
                ErrorResponse::Slverr,
                0.0,
            );
            check_fault(
                width,
                detailed(),
                Access::Read,
                index * beat,
                ErrorResponse::Decerr,
                0.3,
            );
        }
    }
}

#[test]
fn a_write_error_at_the_first_a_middle_and_the_last_burst_ends_the_run_and_not_the_next() {
    for width in WIDTHS {
        let beat = u64::from(width / 8);
        let last = (COUNT * 4) as u64 / beat - 1;
        for index in [0, last / 2, last] {
            check_fault(
                width,
                detailed(),
                Access::Write,
                index * beat,
                ErrorResponse::Slverr,
                0.0,
            );
            check_fault(
                width,
                detailed(),
                Access::Write,
                index * beat,
                ErrorResponse::Decerr,
                0.3,
            );
        }
        check_fault(width, plain(), Access::Write, 0, ErrorResponse::Slverr, 0.0);
    }
}

#[test]
fn when_reads_and_writes_fail_one_of_them_is_reported_and_the_kernel_goes_on() {
    for width in WIDTHS {
        let options = detailed();
        let mut rig = Rig::new(width, config(5, 0.2));
        let range = |base: u64| base..base + 0x10_0000;
        rig.engine.set_faults(vec![
            Fault {
                range: range(FROM + 24_000),
                access: Access::Read,
                response: ErrorResponse::Slverr,
            },
            Fault {
                range: range(TO),
                access: Access::Write,
                response: ErrorResponse::Slverr,
            },
        ]);
        let status = rig.run(job(options));
        assert!(status == 3 || status == 4, "{width} bits: status {status}");
        rig.engine.set_faults(Vec::new());
        assert_eq!(rig.run(job(options)), 0);
    }
}

#[test]
fn bad_arguments_end_the_run_at_once_without_an_access() {
    for width in WIDTHS {
        let good = job(plain());
        // Any access to these addresses would be outside the banks: the engine's checkers stop it.
        let outside = BANK_1 / 2;
        let nowhere = Job {
            descriptors: outside,
            verdicts: outside,
            ..good
        };
        for (bad, status) in [
            (
                Job {
                    options: 3,
                    ..nowhere
                },
                1,
            ),
            (
                Job {
                    options: 1 << 8,
                    ..nowhere
                },
                1,
            ),
            (
                Job {
                    options: 1 << 31,
                    ..nowhere
                },
                1,
            ),
            (
                Job {
                    descriptors: outside + 32,
                    ..nowhere
                },
                2,
            ),
            (
                Job {
                    verdicts: outside + 16,
                    ..nowhere
                },
                2,
            ),
            (
                Job {
                    descriptors: outside + 1,
                    options: 7,
                    ..nowhere
                },
                1,
            ),
            (
                Job {
                    count: 0,
                    ..nowhere
                },
                0,
            ),
        ] {
            let mut rig = Rig::new(width, config(1, 0.1));
            assert_eq!(rig.run(bad), status, "{width} bits: {bad:x?}");
            assert_eq!(rig.counters()[0], 0, "{width} bits: {bad:x?}");
            assert_eq!(rig.run(good), 0, "{width} bits: the run after {bad:x?}");
        }
    }
}
