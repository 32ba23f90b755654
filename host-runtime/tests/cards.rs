//! What holds for every card: memory that must be synced, banks, handles that go stale, state that outlives its
//! user, and users that exclude each other.

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{Bench, CARDS};
use host_runtime::collection::sample;
use host_runtime::tcp::registers as reg;
use host_runtime::tcp::{Descriptor, Options, Policy, PolicySlot, Profile, golden};
use host_runtime::{
    Access, Card, CardId, CardState, Direction, Error, Image, Inventory, OpenOptions, PolicyChoice,
    RunState, SimOptions, Validator, Waves, cosim,
};

const WAIT: Duration = Duration::from_secs(60);

fn descriptors() -> Vec<Descriptor> {
    sample::entries(Profile::Compact)
        .into_iter()
        .map(|(_, descriptor)| descriptor)
        .collect()
}

/// A card that holds the default image.
fn programmed(bench: &Bench, id: CardId) -> Card {
    let card = bench.open(id);
    if card.image().is_none() {
        card.program(&Image::default_image().unwrap()).unwrap();
    }
    card
}

#[test]
fn a_forgotten_sync_shows_stale_data_on_either_side() {
    for id in CARDS {
        let bench = Bench::new();
        let card = programmed(&bench, id);
        let kernel = card.kernel("tcp_validator").unwrap();
        let all = descriptors();
        let bytes: &[u8] = bytemuck::cast_slice(&all);
        let mut input = card
            .allocate(kernel.bank_of(0).unwrap(), bytes.len())
            .unwrap();
        let mut output = card
            .allocate(kernel.bank_of(1).unwrap(), all.len())
            .unwrap();
        let mut run = kernel.run();
        run.set_buffer(0, &input).unwrap();
        run.set_buffer(1, &output).unwrap();
        run.set_scalar(2, all.len() as u64).unwrap();
        run.set_scalar(3, 0).unwrap();

        // The descriptors stay on the host: the card sees what its memory held, zeros, all malformed.
        input.map_mut().copy_from_slice(bytes);
        output.map_mut().fill(0xEE);
        run.start().unwrap();
        run.wait(WAIT).unwrap();
        assert!(
            output.map().iter().all(|&byte| byte == 0xEE),
            "{id}: the answers stay on the card"
        );
        output.sync(Direction::FromDevice).unwrap();
        assert!(
            output.map().iter().all(|&byte| byte == 0),
            "{id}: the card saw none of the descriptors"
        );

        // A part of them goes over: that part is judged.
        let part = 40;
        input
            .sync_range(Direction::ToDevice, ..part * Descriptor::SIZE)
            .unwrap();
        run.start().unwrap();
        run.wait(WAIT).unwrap();
        output.sync_range(Direction::FromDevice, ..part).unwrap();
        let expected: Vec<u8> = all
            .iter()
            .map(|d| {
                golden::evaluate(d, Options::default(), &Policy::reset_default())
                    .verdict()
                    .0
            })
            .collect();
        assert_eq!(output.map()[..part], expected[..part], "{id}");
        assert!(output.map()[part..].iter().all(|&byte| byte == 0), "{id}");
    }
}

#[test]
fn bytes_outside_a_buffer_and_buffers_in_the_wrong_bank_are_refused_by_name() {
    for id in CARDS {
        let bench = Bench::new();
        let card = programmed(&bench, id);
        let kernel = card.kernel("tcp_validator").unwrap();
        let mut buffer = card.allocate(1, 100).unwrap();
        let error = buffer.sync_range(Direction::ToDevice, 50..101).unwrap_err();
        assert!(
            matches!(
                error,
                Error::BufferRange {
                    start: 50,
                    end: 101,
                    len: 100
                }
            ),
            "{id}: {error}"
        );

        let mut run = kernel.run();
        let error = run.set_buffer(0, &buffer).unwrap_err().to_string();
        assert!(
            error.contains("descriptors") && error.contains("[0]") && error.contains("[1]"),
            "{id}: {error}"
        );
        assert!(
            matches!(run.set_buffer(2, &buffer), Err(Error::Argument { .. })),
            "{id}"
        );
        assert!(
            matches!(run.set_buffer(9, &buffer), Err(Error::Argument { .. })),
            "{id}"
        );
        assert!(
            matches!(run.set_scalar(1, 0), Err(Error::Argument { .. })),
            "{id}"
        );
        let error = run.set_scalar(2, 1 << 32).unwrap_err().to_string();
        assert!(
            error.contains("count") && error.contains("does not fit"),
            "{id}: {error}"
        );
        assert!(
            matches!(card.allocate(2, 1), Err(Error::BankMissing { .. })),
            "{id}"
        );
        let error = card.allocate(0, (16usize << 30) + 1).unwrap_err();
        assert!(
            matches!(error, Error::OutOfMemory { .. } | Error::HostMemory { .. }),
            "{id}: {error}"
        );
        assert!(
            matches!(card.kernel("vadd"), Err(Error::KernelMissing { .. })),
            "{id}"
        );
        let error = kernel.read_register(0x1000).unwrap_err();
        assert!(matches!(error, Error::Argument { .. }), "{id}: {error}");
    }
}

#[test]
fn a_full_bank_is_an_error_and_a_dropped_buffer_makes_room() {
    let bench = Bench::new();
    let card = programmed(&bench, CardId::Simulated(0));
    let half = card.allocate(0, 10 << 30).unwrap();
    let error = card.allocate(0, 10 << 30).unwrap_err();
    assert!(
        matches!(error, Error::OutOfMemory { largest_free, .. } if largest_free == 6 << 30),
        "{error}"
    );
    drop(half);
    card.allocate(0, 10 << 30).unwrap();
}

#[test]
fn programming_or_resetting_makes_older_handles_stale() {
    for id in CARDS {
        let bench = Bench::new();
        let card = programmed(&bench, id);
        for renew in [Card::reset, |card: &Card| {
            card.program(&card.image().unwrap())
        }] {
            let kernel = card.kernel("tcp_validator").unwrap();
            let mut buffer = card.allocate(0, 64).unwrap();
            let mut run = kernel.run();
            let before = card.info().generation;
            renew(&card).unwrap();
            assert_eq!(card.info().generation, before + 1, "{id}");
            assert!(
                matches!(buffer.sync(Direction::ToDevice), Err(Error::Stale { .. })),
                "{id}"
            );
            assert!(
                matches!(kernel.read_register(0), Err(Error::Stale { .. })),
                "{id}"
            );
            assert!(matches!(run.start(), Err(Error::Stale { .. })), "{id}");
        }
    }
}

#[test]
fn policies_and_counters_outlive_the_process_and_a_reset_clears_them() {
    for id in CARDS {
        let bench = Bench::new();
        let slot = PolicySlot::new(7).unwrap();
        let strict = Policy {
            deny_mask: 1 << 16,
            ..Policy::reset_default()
        };
        {
            let card = programmed(&bench, id);
            card.kernel("tcp_validator")
                .unwrap()
                .set_policy(slot, &strict)
                .unwrap();
            Validator::new(&card)
                .unwrap()
                .validate(&descriptors())
                .unwrap();
            card.close().unwrap();
        }
        let generation = {
            let card = bench.open(id);
            let kernel = card.kernel("tcp_validator").unwrap();
            assert_eq!(kernel.policy(slot).unwrap(), strict, "{id}");
            assert_eq!(
                kernel.counters().unwrap().0.verdicts.descriptors,
                descriptors().len() as u64,
                "{id}"
            );
            // What an abandoned use of the card does is not kept.
            Validator::new(&card)
                .unwrap()
                .validate(&descriptors())
                .unwrap();
            let generation = card.info().generation;
            card.abandon().unwrap();
            generation
        };
        let card = bench.open(id);
        let kernel = card.kernel("tcp_validator").unwrap();
        assert_eq!(
            kernel.counters().unwrap().0.verdicts.descriptors,
            descriptors().len() as u64,
            "{id}"
        );
        card.reset().unwrap();
        assert_eq!(card.info().generation, generation + 1, "{id}");
        let kernel = card.kernel("tcp_validator").unwrap();
        assert_eq!(kernel.counters().unwrap().0.verdicts.descriptors, 0, "{id}");
        assert_eq!(
            kernel.policy(slot).unwrap(),
            Policy::reset_default(),
            "{id}"
        );
    }
}

#[test]
fn a_given_policy_leaves_the_slots_of_the_card_as_they_were() {
    for id in CARDS {
        let bench = Bench::new();
        let card = programmed(&bench, id);
        let kernel = card.kernel("tcp_validator").unwrap();
        let policies = || {
            PolicySlot::all()
                .map(|slot| kernel.policy(slot).unwrap())
                .collect::<Vec<_>>()
        };
        let last = Policy {
            approval_mask: 1 << 20,
            ..Policy::reset_default()
        };
        kernel
            .set_policy(PolicySlot::new(15).unwrap(), &last)
            .unwrap();
        let before = policies();
        let all_denied = Policy {
            deny_mask: 0x1F,
            ..Policy::reset_default()
        };
        let report = Validator::new(&card)
            .unwrap()
            .policy(PolicyChoice::Given(all_denied))
            .check(true)
            .validate(&descriptors())
            .unwrap();
        let counts = report.summary.tally.verdicts;
        assert_eq!(counts.decisions[3], counts.valid, "{id}: all are rejected");
        assert_eq!(policies(), before, "{id}");
        let slot = PolicyChoice::Slot(PolicySlot::new(15).unwrap());
        Validator::new(&card)
            .unwrap()
            .policy(slot)
            .check(true)
            .validate(&descriptors())
            .unwrap();
    }
}

#[test]
fn an_exclusive_holder_is_named_to_others_and_in_the_inventory() {
    for id in CARDS {
        let bench = Bench::new();
        let exclusive = OpenOptions {
            access: Access::Exclusive,
            ..bench.options()
        };
        let held = Card::open_with(id, &exclusive).unwrap();
        let error = Card::open_with(id, &bench.options()).unwrap_err();
        assert!(
            matches!(&error, Error::CardBusy { holders, .. } if holders.contains("a test")),
            "{id}: {error}"
        );
        let inventory = Inventory::scan_in(
            Some(bench.folder.path()),
            std::path::Path::new("/nonexistent"),
        );
        let entry = inventory
            .cards
            .iter()
            .find(|entry| entry.card == id)
            .unwrap();
        assert_eq!(
            (entry.state, entry.holders.len()),
            (CardState::Held, 1),
            "{id}"
        );
        drop(held);
        bench.open(id);
    }
}

#[test]
fn two_openings_take_turns_and_both_get_their_own_answers() {
    for id in CARDS {
        let bench = Bench::new();
        drop(programmed(&bench, id));
        let all = descriptors();
        std::thread::scope(|scope| {
            for policy in [
                Policy::reset_default(),
                Policy {
                    deny_mask: 0x1F,
                    ..Policy::reset_default()
                },
            ] {
                let (bench, all) = (&bench, &all);
                scope.spawn(move || {
                    let card = bench.open(id);
                    for _ in 0..20 {
                        Validator::new(&card)
                            .unwrap()
                            .policy(PolicyChoice::Given(policy))
                            .check(true)
                            .validate(all)
                            .unwrap();
                    }
                });
            }
        });
        let card = bench.open(id);
        let counted = card.kernel("tcp_validator").unwrap().counters().unwrap().0;
        assert_eq!(
            counted.verdicts.descriptors,
            40 * all.len() as u64,
            "{id}: both counted on the same card"
        );
    }
}

#[test]
fn threads_that_share_a_card_get_their_own_answers() {
    for id in CARDS {
        let bench = Bench::new();
        let card = programmed(&bench, id);
        let all = descriptors();
        std::thread::scope(|scope| {
            for thread in 0..4u32 {
                let (card, all) = (&card, &all);
                scope.spawn(move || {
                    let policy = Policy {
                        deny_mask: 1 << thread,
                        ..Policy::reset_default()
                    };
                    let mut validator = Validator::new(card)
                        .unwrap()
                        .policy(PolicyChoice::Given(policy))
                        .check(true);
                    for _ in 0..10 {
                        validator.validate(all).unwrap();
                    }
                });
            }
        });
    }
}

#[test]
fn a_run_that_outlasts_its_wait_goes_on_and_can_be_aborted() {
    let bench = Bench::new();
    let card = programmed(&bench, CardId::Simulated(0));
    let kernel = card.kernel("tcp_validator").unwrap();
    let input = card.allocate(0, 240_000_000).unwrap();
    let output = card.allocate(1, 10_000_000).unwrap();
    let mut run = kernel.run();
    run.set_buffer(0, &input).unwrap();
    run.set_buffer(1, &output).unwrap();
    run.set_scalar(2, 10_000_000).unwrap();
    run.set_scalar(3, 0).unwrap();
    assert_eq!(run.state(), RunState::New);
    run.start().unwrap();
    assert!(matches!(run.start(), Err(Error::WrongState { .. })));
    let error = run.wait(Duration::from_millis(1)).unwrap_err();
    assert!(matches!(error, Error::RunTimeout { .. }), "{error}");
    assert_eq!(run.state(), RunState::Running);
    let error = card.program(&card.image().unwrap()).unwrap_err();
    assert!(matches!(error, Error::WrongState { .. }), "{error}");
    run.abort().unwrap();
    assert_eq!(run.state(), RunState::Aborted);
    Validator::new(&card)
        .unwrap()
        .check(true)
        .validate(&descriptors())
        .unwrap();
    drop(kernel);
}

#[test]
fn what_a_kernel_refuses_is_an_error_with_its_status() {
    for id in CARDS {
        let bench = Bench::new();
        let card = programmed(&bench, id);
        let kernel = card.kernel("tcp_validator").unwrap();
        let buffer = (
            card.allocate(0, 4096).unwrap(),
            card.allocate(1, 4096).unwrap(),
        );
        let mut run = kernel.run();
        run.set_buffer(0, &buffer.0).unwrap();
        run.set_buffer(1, &buffer.1).unwrap();
        run.set_scalar(2, 1).unwrap();
        run.set_scalar(3, 3).unwrap();
        run.start().unwrap();
        run.wait(WAIT).unwrap();
        assert_eq!(kernel.read_register(reg::STATUS).unwrap(), 1, "{id}");
    }
}

#[test]
fn a_simulated_card_refuses_bits_for_an_fpga_and_keeps_what_it_holds() {
    let bench = Bench::new();
    let software = bench.open(CardId::Software(0)).image().unwrap();
    let card = programmed(&bench, CardId::Simulated(0));
    let before = card.info();
    let error = card.program(&software).unwrap_err().to_string();
    assert!(
        error.contains(software.platform()),
        "names the platform: {error}"
    );
    assert_eq!(card.info().generation, before.generation);
    Validator::new(&card)
        .unwrap()
        .check(true)
        .validate(&descriptors())
        .unwrap();
    let image: Arc<Image> = card.image().unwrap();
    assert_eq!(image.uuid(), before.image.unwrap().uuid);
}

/// A seed means the same run on a card that was never used and on one that was, so a failure can be replayed.
#[test]
fn the_same_seed_takes_the_same_clocks_whatever_the_card_did_before() {
    let bench = Bench::new();
    let options = OpenOptions {
        simulation: SimOptions {
            engine: cosim::EngineConfig {
                seed: 42,
                stalls: cosim::engine::Stalls::all(0.3),
                ..Default::default()
            },
            ..SimOptions::default()
        },
        ..bench.options()
    };
    drop(programmed(&bench, CardId::Simulated(0)));
    let clocks: Vec<_> = (0..4)
        .map(|_| {
            let card = Card::open_with(CardId::Simulated(0), &options).unwrap();
            let summary = Validator::new(&card)
                .unwrap()
                .validate(&descriptors())
                .unwrap()
                .summary;
            summary.clocks.unwrap()
        })
        .collect();
    assert!(clocks.iter().all(|&count| count == clocks[0]), "{clocks:?}");
}

#[test]
fn waves_that_cannot_be_written_are_refused_before_anything_runs() {
    let bench = Bench::new();
    let path = bench.folder.path().join("no such folder/run.fst");
    let options = OpenOptions {
        simulation: SimOptions {
            waves: Some(Waves {
                path: path.clone(),
                from: 0,
                to: u64::MAX,
            }),
            ..SimOptions::default()
        },
        ..bench.options()
    };
    let error = Card::open_with(CardId::Simulated(0), &options).unwrap_err();
    assert!(
        matches!(&error, Error::Waves { path: named, .. } if *named == path),
        "{error}"
    );
}
