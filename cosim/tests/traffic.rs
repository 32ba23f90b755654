//! The memory's timing, stalls and injected errors, and the watchdog.

mod common;

use common::{MISBEHAVE, UPPER, copy, engine, finish, pattern, replay, seeds, start};
use cosim::engine::{
    Access, ErrorResponse, Fault, MemoryTiming, RegisterAccess, RunEnd, Stalls, UnitOptions,
};
use cosim::{Engine, EngineConfig, EngineError};

fn clocks_of_copy(config: EngineConfig, beats: u64) -> u64 {
    let mut engine = engine(config);
    copy(&mut engine, 0, UPPER, beats).expect("the copy runs");
    engine.read_register(0, common::CLOCKS).expect("readable")
}

#[test]
fn copies_are_intact_under_random_stalls() {
    for seed in seeds(20) {
        let probability = (seed % 9) as f64 / 10.0;
        let mut engine = engine(EngineConfig {
            seed,
            stalls: Stalls::all(probability),
            memory: MemoryTiming {
                read_latency: 1 + seed % 70,
                write_latency: 1 + seed % 13,
                outstanding: 1 + seed as usize % 8,
                bytes_per_clock: (seed % 2 == 0).then_some(48),
            },
            ..EngineConfig::default()
        });
        let replay = replay("--test traffic copies_are_intact", seed);
        let beats = 1 + seed * 37 % 500;
        let (source, destination) = (seed % 100 * 64, UPPER + seed % 67 * 64);
        let data = pattern(64 * beats as usize, seed);
        engine
            .memory()
            .write(source, &data)
            .expect("in the lower bank");
        if let Err(error) = copy(&mut engine, source, destination, beats) {
            panic!("{error}\n{replay}");
        }
        let mut seen = vec![0; data.len() + 64];
        engine
            .memory()
            .read(destination, &mut seen)
            .expect("in the upper bank");
        assert!(seen[..data.len()] == data, "the copy differs; {replay}");
        assert!(
            seen[data.len()..].iter().all(|byte| *byte == 0),
            "written past its end; {replay}"
        );
    }
}

#[test]
fn the_same_seed_takes_the_same_clocks_and_another_does_not() {
    let run = |seed| {
        clocks_of_copy(
            EngineConfig {
                seed,
                stalls: Stalls::all(0.3),
                ..EngineConfig::default()
            },
            500,
        )
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5), run(6));
}

#[test]
fn without_stalls_the_memory_moves_a_beat_a_clock() {
    let clocks = clocks_of_copy(EngineConfig::default(), 2000);
    assert!((2000 + 64..2000 + 64 + 60).contains(&clocks), "{clocks}");
}

#[test]
fn latency_and_outstanding_bursts_bound_the_rate() {
    // One burst of 16 beats at a time behind 100 clocks.
    let memory = MemoryTiming {
        read_latency: 100,
        outstanding: 1,
        ..MemoryTiming::default()
    };
    let config = EngineConfig {
        memory,
        ..EngineConfig::default()
    };
    let clocks = clocks_of_copy(config, 160);
    assert!((10 * 115..10 * 125).contains(&clocks), "{clocks}");
}

#[test]
fn bandwidth_is_shared_by_the_ports_of_a_bank() {
    let run = |destination| {
        let mut engine = engine(EngineConfig {
            memory: MemoryTiming {
                bytes_per_clock: Some(64),
                ..MemoryTiming::default()
            },
            ..EngineConfig::default()
        });
        copy(&mut engine, 0, destination, 1000).expect("the copy runs");
        engine.read_register(0, common::CLOCKS).expect("readable")
    };
    let (apart, together) = (run(UPPER), run(1 << 20));
    assert!((1000..1150).contains(&apart), "{apart}");
    assert!((2000..2200).contains(&together), "{together}");
}

#[test]
fn injected_errors_answer_their_range_only() {
    let mut engine = engine(EngineConfig::default());
    engine
        .memory()
        .write(UPPER, &[0x55; 64 * 32])
        .expect("in the upper bank");
    let data = pattern(64 * 32, 9);
    engine.memory().write(0, &data).expect("in the lower bank");
    engine.set_faults(vec![Fault {
        range: UPPER + 64 * 20..UPPER + 64 * 21,
        access: Access::Write,
        response: ErrorResponse::Slverr,
    }]);
    copy(&mut engine, 0, UPPER, 32).expect("the copy runs");
    let mut seen = vec![0; data.len()];
    engine
        .memory()
        .read(UPPER, &mut seen)
        .expect("in the upper bank");
    for beat in 0..32 {
        let (line, source) = (&seen[beat * 64..][..64], &data[beat * 64..][..64]);
        assert_eq!(line == source, beat != 20, "beat {beat}");
    }
    assert_eq!(seen[64 * 20..64 * 21], [0x55; 64]);
    assert_eq!(
        engine.read_register(0, common::ERRORS).expect("readable"),
        1 << 8,
        "one write response"
    );

    engine.set_faults(vec![Fault {
        range: 64 * 3..64 * 5,
        access: Access::Read,
        response: ErrorResponse::Decerr,
    }]);
    copy(&mut engine, 0, UPPER, 32).expect("the copy runs");
    assert_eq!(
        engine.read_register(0, common::ERRORS).expect("readable"),
        2,
        "two read beats"
    );
}

#[test]
fn an_error_response_of_a_register_is_an_error() {
    let mut engine = engine(EngineConfig::default());
    let error = engine
        .write_register(0, common::REFUSED, 1)
        .expect_err("refused");
    let text = error.to_string();
    assert!(
        text.contains("write of register 0x44 of copy.s_axi_control was answered SLVERR"),
        "{text}"
    );
    engine
        .read_register(0, common::REFUSED)
        .expect_err("refused");
    engine
        .read_register(0, common::BEATS)
        .expect("the port goes on");
}

#[test]
fn register_accesses_can_be_queued_while_the_kernel_runs() {
    let mut engine = engine(EngineConfig::default());
    start(&mut engine, 0, UPPER, 500).expect("it starts");
    for address in [common::BEATS, common::SOURCE] {
        engine
            .submit_register(0, RegisterAccess::Read { address })
            .expect("it has a register port");
    }
    finish(&mut engine).expect("the copy runs");
    let results: Vec<_> =
        std::iter::from_fn(|| engine.register_result(0).expect("unit 0")).collect();
    assert_eq!(
        results.iter().map(|result| result.data).collect::<Vec<_>>(),
        [500, 0]
    );
}

#[test]
fn the_watchdog_tells_what_each_channel_waits_for() {
    // The kernel asks for no data: its write data is what is missed.
    for (code, waits) in [
        (
            25,
            "copy.m_axi_gmem1.W: VALID 0 READY 1, waits for VALID; 16 beats due",
        ),
        (26, "copy.m_axi_gmem0.R: VALID 0 READY 1"),
    ] {
        let mut engine = engine(EngineConfig {
            watchdog: 500,
            ..EngineConfig::default()
        });
        engine
            .write_register(0, MISBEHAVE, code)
            .expect("the register takes it");
        start(&mut engine, 0, UPPER, 64).expect("it starts");
        let begun = engine.counters().clocks;
        match engine.run_until(100_000, |engine| engine.interrupt(0)) {
            Err(EngineError::Watchdog {
                clock,
                limit,
                report,
            }) => {
                assert_eq!(limit, 500);
                assert!(clock > begun + 400 && clock < begun + 1000, "{clock}");
                assert!(report.contains(waits), "{report}");
                assert!(report.contains("copy.s_axi_control: idle"), "{report}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn polling_a_register_does_not_calm_the_watchdog() {
    let mut engine = engine(EngineConfig {
        watchdog: 500,
        ..EngineConfig::default()
    });
    engine
        .write_register(0, MISBEHAVE, 26)
        .expect("the register takes it");
    start(&mut engine, 0, UPPER, 8).expect("it starts");
    let end = (0..1000).find_map(|_| {
        engine
            .read_register(0, common::CONTROL)
            .err()
            .or_else(|| engine.run_until(10, |_| false).err())
    });
    assert!(matches!(end, Some(EngineError::Watchdog { .. })), "{end:?}");
}

#[test]
fn an_idle_engine_may_be_stepped_for_ever() {
    let mut engine = engine(EngineConfig {
        watchdog: 10,
        ..EngineConfig::default()
    });
    assert_eq!(
        engine.run_until(1000, |_| false).expect("idle"),
        RunEnd::ClocksUsed
    );
}

#[test]
fn compute_units_work_at_once_on_one_memory() {
    let library = common::copy_library();
    let mut engine = Engine::new(EngineConfig::default(), common::memory());
    for name in ["copy_1", "copy_2"] {
        let options = UnitOptions {
            name: Some(name.to_owned()),
            ..UnitOptions::default()
        };
        engine.add(&library, "copy", options).expect("it fits");
    }
    engine.reset().expect("they reset");
    let data = pattern(64 * 400, 4);
    engine.memory().write(0, &data).expect("in the lower bank");
    let clocks = engine.counters().clocks;
    for unit in 0..2 {
        engine
            .write_register(unit, common::DESTINATION, UPPER + unit as u64 * 0x10_0000)
            .expect("writable");
        engine
            .write_register(unit, common::BEATS, 400)
            .expect("writable");
        engine
            .write_register(unit, common::CONTROL, 1)
            .expect("writable");
    }
    let mut done = [false; 2];
    let end = engine.run_until(10_000, |engine| {
        for (unit, done) in done.iter_mut().enumerate() {
            *done |= engine.interrupt(unit);
        }
        done.iter().all(|done| *done)
    });
    assert_eq!(end.expect("they run"), RunEnd::Reached);
    assert!(
        engine.counters().clocks - clocks < 600,
        "they run at the same time"
    );
    for unit in 0..2 {
        let mut seen = vec![0; data.len()];
        engine
            .memory()
            .read(UPPER + unit * 0x10_0000, &mut seen)
            .expect("in the upper bank");
        assert!(seen == data, "unit {unit}");
    }
}
