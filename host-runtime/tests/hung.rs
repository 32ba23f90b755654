//! Compute units that hang, beside others that do not: the watchdog ends their runs, and a reset helps.

mod common;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use common::Bench;
use host_runtime::bitstreams::link::{Config, KernelSource, Linker};
use host_runtime::cosim::{Cache, EngineConfig, EngineError};
use host_runtime::{Card, CardId, Error, Image, OpenOptions, Run, RunState, SimOptions};

const PATIENCE: Duration = Duration::from_secs(60);

/// An image with two compute units of `kernels/hang.sv`, `hang_1` and `hang_2`.
fn image(bench: &Bench) -> Arc<Image> {
    let kernels = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kernels");
    let source = KernelSource {
        description: Some(kernels.join("hang.toml")),
        ..KernelSource::default()
    };
    let config = bench.folder.path().join("two.cfg");
    std::fs::write(&config, "[connectivity]\nnk=hang:2\n").unwrap();
    let linker = Linker {
        kernels: vec![source],
        config: Config::read(&config).unwrap(),
        trust_folder: Some(bench.trust_folder()),
        ..Linker::default()
    };
    let cache = Cache::at(Path::new(env!("CARGO_TARGET_TMPDIR")).join("models"));
    Image::new(linker.link(&cache).unwrap().image).unwrap()
}

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
    card.program(&image(bench)).unwrap();
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
