//! Kernels that stop, waves, saved states, several models in one process.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{MISBEHAVE, UPPER, copy, engine, engine_of, finish, pattern, start};
use cosim::engine::Stalls;
use cosim::{EngineConfig, EngineError, ModelLibrary};

#[test]
fn a_kernel_that_ends_the_simulation_is_an_error_with_its_message() {
    for (code, parts) in [
        (27, ["misbehave.svh:", "the copy kernel gave up"]),
        (28, ["misbehave.svh:", "$finish"]),
        (29, ["misbehave.svh:", "$stop"]),
        (30, ["misbehave.svh:", "there are 64 beats"]),
    ] {
        let mut engine = engine(EngineConfig::default());
        engine
            .write_register(0, MISBEHAVE, code)
            .expect("the register takes it");
        let text = copy(&mut engine, 0, UPPER, 64)
            .expect_err("it stops")
            .to_string();
        for part in parts {
            assert!(text.contains(part), "code {code}: {text}");
        }
        engine
            .reset()
            .expect_err("a stopped kernel cannot be reset");
    }
}

#[test]
fn a_kernel_that_prints_goes_on() {
    let mut engine = engine(EngineConfig::default());
    engine
        .write_register(0, MISBEHAVE, 31)
        .expect("the register takes it");
    copy(&mut engine, 0, UPPER, 64).expect("the copy runs");
}

fn wave_path(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_file(&path);
    path
}

/// First and last time of an FST file, from its header block: type 0, length, start and end time
/// (8 bytes each, most significant first), the endianness check value, ... (gtkwave's fstapi.c).
fn fst_times(path: &Path) -> (u64, u64) {
    let bytes = std::fs::read(path).expect("the waves were written");
    let word = |at: usize| u64::from_be_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
    assert_eq!(bytes[0], 0, "an FST file starts with its header block");
    assert_eq!(word(1), 329, "the header block's length");
    let check = f64::from_le_bytes(bytes[25..33].try_into().expect("8 bytes"));
    assert!(
        (check - std::f64::consts::E).abs() < 1e-12,
        "the check value is e"
    );
    (word(9), word(17))
}

#[test]
fn waves_of_a_window_hold_that_window() {
    let path = wave_path("window.fst");
    let mut engine = engine(EngineConfig {
        clock_period_ps: 4000,
        ..EngineConfig::default()
    });
    let from = engine.counters().clocks + 100;
    engine
        .record_waves(0, &path, from, from + 50)
        .expect("unit 0");
    copy(&mut engine, 0, UPPER, 500).expect("the copy runs");
    let (first, last) = fst_times(&path);
    assert_eq!((first, last), (from * 4000, (from + 49) * 4000 + 2000));
    match Command::new("fst2vcd").arg(&path).output() {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(
                output.status.success() && text.contains("m_axi_gmem0_araddr"),
                "{text:.300}"
            );
        }
        Err(error) => eprintln!(
            "skipped: reading the waves back needs fst2vcd (apt-get install gtkwave): {error}"
        ),
    }
}

#[test]
fn waves_are_complete_after_an_error_and_after_a_drop() {
    let path = wave_path("error.fst");
    let mut failing = engine(EngineConfig::default());
    failing
        .write_register(0, MISBEHAVE, 16)
        .expect("the register takes it");
    failing.record_waves(0, &path, 0, u64::MAX).expect("unit 0");
    copy(&mut failing, 0, UPPER, 64).expect_err("it reads outside");
    let (first, last) = fst_times(&path);
    assert!(first > 0 && last > first);

    let path = wave_path("drop.fst");
    let mut dropped = engine(EngineConfig::default());
    dropped.record_waves(0, &path, 0, u64::MAX).expect("unit 0");
    dropped.run(20).expect("idle");
    drop(dropped);
    fst_times(&path);
}

#[test]
fn waves_that_cannot_be_written_are_an_error() {
    let mut engine = engine(EngineConfig::default());
    engine
        .record_waves(0, Path::new("/nonexistent/waves.fst"), 0, u64::MAX)
        .expect("unit 0");
    let text = engine.step().expect_err("no such folder").to_string();
    assert!(text.contains("/nonexistent/waves.fst"), "{text}");
}

#[test]
fn a_restored_run_equals_an_uninterrupted_one() {
    let config = || EngineConfig {
        stalls: Stalls::all(0.3),
        ..EngineConfig::default()
    };
    let data = pattern(64 * 300, 2);
    // What a second copy does depends on what the first one left in the kernel.
    let second = |engine: &mut cosim::Engine| {
        engine.memory().write(0, &data).expect("in the lower bank");
        start(engine, 64, UPPER + 4096 - 64, 200).expect("it starts");
        finish(engine).expect("the copy runs");
        let clocks = engine.read_register(0, common::CLOCKS).expect("readable");
        let mut bytes = vec![0; 64 * 200];
        engine
            .memory()
            .read(UPPER + 4096 - 64, &mut bytes)
            .expect("in the upper bank");
        (clocks, engine.counters().clocks, bytes)
    };
    let mut whole = engine(config());
    copy(&mut whole, 0, UPPER, 77).expect("the copy runs");
    let saved = whole.save().expect("quiet");
    let expected = second(&mut whole);

    let mut resumed = engine_of(&common::copy_library(), config());
    resumed.restore(&saved).expect("the same model");
    assert!(second(&mut resumed) == expected);
}

#[test]
fn a_state_is_saved_only_while_the_buses_are_quiet() {
    let mut engine = engine(EngineConfig::default());
    start(&mut engine, 0, UPPER, 500).expect("it starts");
    engine.run(50).expect("it runs");
    let error = engine.save().expect_err("in the middle");
    assert!(
        matches!(&error, EngineError::NotQuiet { port } if port == "copy.m_axi_gmem0"),
        "{error}"
    );
    finish(&mut engine).expect("the copy goes on");
}

#[test]
fn a_state_of_another_model_or_a_damaged_one_is_refused() {
    let mut engine = engine(EngineConfig::default());
    let saved = engine.save().expect("quiet");
    let narrow = ModelLibrary::open(common::built(32).path).expect("it loads");
    let mut other = engine_of(&narrow, EngineConfig::default());
    let text = other
        .restore(&saved)
        .expect_err("another model")
        .to_string();
    assert!(text.contains("another model"), "{text}");
    for length in [0, 7, 12, 30, saved.len() / 2, saved.len() - 1] {
        engine.restore(&saved[..length]).expect_err("cut short");
    }
    engine
        .restore(&[&saved[..], b"x"].concat())
        .expect_err("too long");
    engine.restore(&saved).expect("still usable");
    copy(&mut engine, 0, UPPER, 10).expect("the copy runs");
}

#[test]
fn models_of_one_process_do_not_disturb_each_other() {
    // The same runs, alone and side by side in threads, one of them in a kernel that prints and stops.
    let run = |width: u32, seed: u64| {
        let library = ModelLibrary::open(common::built(width).path).expect("it loads");
        let mut engine = engine_of(
            &library,
            EngineConfig {
                seed,
                stalls: Stalls::all(0.2),
                ..EngineConfig::default()
            },
        );
        engine.reset().expect("it resets");
        if seed == 3 {
            engine
                .write_register(0, MISBEHAVE, 27)
                .expect("the register takes it");
            return Err(copy(&mut engine, 0, UPPER, 64)
                .expect_err("it stops")
                .to_string());
        }
        copy(&mut engine, 0, UPPER, 2000).expect("the copy runs");
        Ok(engine.read_register(0, common::CLOCKS).expect("readable"))
    };
    let runs = [(512, 1), (512, 2), (512, 3), (32, 1)];
    let alone = runs.map(|(width, seed)| run(width, seed));
    let together = std::thread::scope(|scope| {
        runs.map(|(width, seed)| scope.spawn(move || run(width, seed)))
            .map(|thread| thread.join().expect("no panic"))
    });
    assert_eq!(alone, together);
}

#[test]
fn a_file_that_is_no_model_is_refused() {
    for bytes in [&b"no shared object"[..], b""] {
        let text = ModelLibrary::from_bytes(bytes)
            .expect_err("no model")
            .to_string();
        assert!(text.contains("from memory"), "{text}");
    }
    let text = ModelLibrary::open("/nonexistent.so")
        .expect_err("no file")
        .to_string();
    assert!(text.contains("/nonexistent.so"), "{text}");
    // A shared object, but not of ours.
    let text = ModelLibrary::open("/lib64/ld-linux-x86-64.so.2")
        .map(|_| ())
        .map_err(|error| error.to_string());
    assert!(text.is_err(), "{text:?}");
}

#[test]
fn models_can_be_loaded_and_dropped_many_times() {
    let bytes: Vec<_> = [512, 32]
        .map(|width| std::fs::read(common::built(width).path).expect("built"))
        .into();
    let open_files = || std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    let mut most = 0;
    for round in 0..50 {
        let library = ModelLibrary::from_bytes(&bytes[round % 2]).expect("it loads");
        let mut engine = engine_of(&library, EngineConfig::default());
        engine.reset().expect("it resets");
        // The right one of the two was loaded: an object that stayed mapped would answer for its path.
        let width = engine.interfaces(0).expect("unit 0").masters[0].data_width;
        assert_eq!(width, [512, 32][round % 2]);
        most = most.max(open_files());
    }
    assert!(most < 60, "{most} open files");
}
