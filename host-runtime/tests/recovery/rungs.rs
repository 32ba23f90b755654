//! Each rung, and who notices it.

use std::time::Duration;

use host_runtime::{Card, CardId, Error, Recoveries, Recovery, Run, RunState, Rung};

use crate::common::{Bench, CARDS};
use crate::with_kernels::{FOR_EVER, Hospital, PATIENCE, start, works};

/// A run that hangs is given this long.
const SHORT: Duration = Duration::from_millis(50);

/// Has a run hang on a unit that so many resets leave as it is; the error of its wait.
fn hang(card: &Card, wedged: u64, up_to: Rung) -> (Run, Error) {
    let mut run = start(card, "hang:hang_1", FOR_EVER, wedged);
    let error = run.wait_or_recover(SHORT, up_to).unwrap_err();
    (run, error)
}

fn recovered_by(error: &Error) -> Rung {
    match error {
        Error::Recovered { rung, cause, .. } => {
            assert!(matches!(**cause, Error::RunTimeout { .. }), "{error}");
            *rung
        }
        other => panic!("{other}"),
    }
}

fn every_rung(hospital: &Hospital) {
    let card = hospital.open(Recovery::default());
    // A reset for each of the first two rungs; a third is not survived.
    for (wedged, rung) in [
        (0, Rung::Abort),
        (1, Rung::SoftReset),
        (100, Rung::Reprogram),
    ] {
        let (mut run, error) = hang(&card, wedged, Rung::Reprogram);
        assert_eq!(recovered_by(&error), rung);
        assert_eq!(run.state(), RunState::Aborted);
        works(&card);
    }
    let expected = Recoveries {
        troubles: 3,
        aborts: 3,
        soft_resets: 2,
        reprograms: 1,
        losses: 0,
        self_tests_passed: 3,
        self_tests_failed: 3,
        recovered_by_abort: 1,
        recovered_by_soft_reset: 1,
        recovered_by_reprogram: 1,
    };
    assert_eq!(card.recoveries(), expected);
}

#[test]
fn every_rung_of_a_simulated_card_helps_against_what_it_is_for() {
    every_rung(&Hospital::simulated());
}

#[test]
fn every_rung_of_a_served_card_helps_against_what_it_is_for() {
    every_rung(&Hospital::served("rungs"));
}

fn the_other_unit_works_on(hospital: &Hospital) {
    let card = hospital.open(Recovery::default());
    let generation = card.generation();
    let mut long = start(&card, "hang:hang_2", 2_000_000, 0);
    let (_run, error) = hang(&card, 0, Rung::Reprogram);
    assert_eq!(recovered_by(&error), Rung::Abort);
    long.wait(PATIENCE).unwrap();
    assert_eq!(card.generation(), generation);
}

#[test]
fn an_abort_leaves_the_other_unit_of_a_simulated_card_alone() {
    the_other_unit_works_on(&Hospital::simulated());
}

#[test]
fn an_abort_leaves_the_other_unit_of_a_served_card_alone() {
    the_other_unit_works_on(&Hospital::served("two-units"));
}

#[test]
fn a_simulation_that_stopped_is_reset_and_the_other_units_run_tells_of_it() {
    let hospital = Hospital::simulated().with_watchdog(20_000);
    let card = hospital.open(Recovery::default());
    let mut other = start(&card, "hang:hang_2", FOR_EVER, 0);
    let mut hung = start(&card, "hang:hang_1", FOR_EVER, 0);
    let error = hung.wait_or_recover(PATIENCE, Rung::Reprogram).unwrap_err();
    let Error::Recovered { rung, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(rung, Rung::SoftReset);
    let error = other.wait(PATIENCE).unwrap_err();
    let told = matches!(error, Error::CardStopped { .. } | Error::Simulation { .. });
    assert!(told, "{error}");
    works(&card);
}

#[test]
fn a_rung_that_was_not_allowed_is_named_and_taken_by_who_may() {
    for hospital in [Hospital::simulated(), Hospital::served("not-allowed")] {
        let card = hospital.open(Recovery::default());
        let (_run, error) = hang(&card, 1, Rung::Abort);
        assert!(error.to_string().contains("--rung soft-reset"), "{error}");
        drop(_run);
        let refused = Card::open_with(hospital.id(), &hospital.options(Recovery::NONE));
        let error = refused.unwrap_err();
        assert!(matches!(error, Error::NotRecovered { .. }), "{error}");
        // Opening it with leave to recover it does so.
        works(&hospital.open(Recovery::default()));
        assert_eq!(card.recoveries().recovered_by_soft_reset, 1);
    }
}

#[test]
fn a_healthy_card_passes_its_self_test_and_keeps_its_counters() {
    let bench = Bench::new();
    for id in CARDS {
        let card = bench.open(id);
        if matches!(id, CardId::Simulated(_)) {
            card.program(&host_runtime::Image::default_image().unwrap())
                .unwrap();
        }
        card.self_test().unwrap();
        assert_eq!(card.recoveries().self_tests_failed, 0);
    }
}

#[test]
fn policies_outlive_every_rung() {
    use host_runtime::tcp::{Policy, PolicySlot, Profile};
    let bench = Bench::new();
    let slot = PolicySlot::new(5).unwrap();
    let policy = Policy::for_profile(Profile::Wide);
    for id in CARDS {
        let card = bench.open(id);
        if matches!(id, CardId::Simulated(_)) {
            card.program(&host_runtime::Image::default_image().unwrap())
                .unwrap();
        }
        let kernel = |card: &Card| card.kernel("tcp_validator").unwrap();
        kernel(&card).set_policy(slot, &policy).unwrap();
        for rung in [Rung::Abort, Rung::SoftReset, Rung::Reprogram] {
            let recovered = card.climb(rung, rung, "a test").unwrap();
            assert!(recovered.rung == rung && recovered.policies_kept);
            assert_eq!(kernel(&card).policy(slot).unwrap(), policy);
            let (tally, _) = kernel(&card).counters().unwrap();
            assert_eq!(tally.verdicts.descriptors, 0);
        }
        // Also for who gives up what was done with the card.
        card.abandon().unwrap();
        assert_eq!(kernel(&bench.open(id)).policy(slot).unwrap(), policy);
    }
}

#[test]
fn a_run_that_anothers_reset_ended_is_no_completed_one() {
    let hospital = Hospital::served("others-reset");
    let (card, other) = (
        hospital.open(Recovery::default()),
        hospital.open(Recovery::default()),
    );
    let mut run = start(&card, "hang:hang_1", FOR_EVER, 0);
    assert_eq!(run.state(), RunState::Running);
    other.reset().unwrap();
    let error = run.wait(PATIENCE).unwrap_err();
    assert!(matches!(error, Error::Stale { .. }), "{error}");
    works(&card);
}

#[test]
fn a_unit_that_another_program_runs_on_is_not_reset_under_it() {
    let hospital = Hospital::served("busy");
    let (card, other) = (
        hospital.open(Recovery::default()),
        hospital.open(Recovery::default()),
    );
    let mut long = start(&other, "hang:hang_1", 10_000_000, 0);
    assert_eq!(long.state(), RunState::Running);
    let (mut mine, error) = hang(&card, 0, Rung::Reprogram);
    assert!(matches!(error, Error::UnitBusy { .. }), "{error}");
    assert_eq!(mine.state(), RunState::Aborted);
    long.wait(PATIENCE).unwrap();
    assert_eq!(card.recoveries().self_tests_failed, 0);
}
