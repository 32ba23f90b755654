//! Compute units that hang, beside others that do not: the watchdog ends their runs, and a reset helps.

mod common;

use std::time::Duration;

use common::Bench;
use host_runtime::cosim::{EngineConfig, EngineError};
use host_runtime::{Card, CardId, Error, OpenOptions, Run, RunState, SimOptions};

const PATIENCE: Duration = Duration::from_secs(60);

fn card(bench: &Bench) -> Card {
    let options = OpenOptions {
        simulation: SimOptions {
            engine: EngineConfig {
                watchdog: 20_000,
                ..EngineConfig::default()
            },
            ..SimOptions::default()
        },
        ..bench.options()
    };
    let card = Card::open_with(CardId::Simulated(0), &options).unwrap();
    card.program(&bench.hang_image()).unwrap();
    card
}

/// A run of so many clocks, or without an end.
fn start(card: &Card, unit: &str, clocks: u64) -> Run {
    let mut run = card.kernel(unit).unwrap().run();
    run.set_scalar(0, clocks).unwrap();
    run.start().unwrap();
    run
}

#[test]
fn the_end_of_other_runs_does_not_save_a_hung_one_from_the_watchdog() {
    let bench = Bench::new();
    let card = card(&bench);
    let mut hung = start(&card, "hang:hang_1", 0);
    let mut short = start(&card, "hang:hang_2", 50);
    short.wait(PATIENCE).unwrap();
    let error = hung.wait(PATIENCE).unwrap_err();
    assert!(
        matches!(
            &error,
            Error::Simulation {
                source: EngineError::Watchdog { .. },
                ..
            }
        ),
        "{error}"
    );
    card.reset().unwrap();
    start(&card, "hang:hang_1", 50).wait(PATIENCE).unwrap();
}

#[test]
fn a_hung_run_is_aborted_and_its_unit_works_on() {
    let bench = Bench::new();
    let card = card(&bench);
    let mut hung = start(&card, "hang:hang_1", 0);
    // In the time that it has before the watchdog comes, a run of the other unit ends.
    start(&card, "hang:hang_2", 50).wait(PATIENCE).unwrap();
    assert_eq!(hung.state(), RunState::Running);
    hung.abort().unwrap();
    assert_eq!(hung.state(), RunState::Aborted);
    start(&card, "hang:hang_1", 50).wait(PATIENCE).unwrap();
}
