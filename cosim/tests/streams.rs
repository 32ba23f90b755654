//! Several kernels in one object, streams between compute units, and a second clock.

mod common;

use common::{cache, memory, rtl};
use cosim::engine::{ClockRatio, EngineError, Rule, Stalls, StreamEnd, UnitOptions};
use cosim::interface::Direction;
use cosim::{Engine, EngineConfig, ModelBuild, ModelLibrary};

fn build(top: &str) -> ModelBuild {
    ModelBuild::new(top).source(rtl("streams.sv"))
}

/// All kernels of `streams.sv`, the sender twice: as `bad` it misbehaves.
fn library(misbehave: u32) -> ModelLibrary {
    let builds = [
        build("sender"),
        build("sender")
            .name("bad")
            .parameter("MISBEHAVE", misbehave),
        build("receiver"),
        build("two_clocks"),
    ];
    let built = cosim::link(&builds, &cache()).expect("they build");
    ModelLibrary::open(built.path).expect("it loads")
}

fn add(engine: &mut Engine, library: &ModelLibrary, kernel: &str) -> usize {
    let unit = engine.add(library, kernel, UnitOptions::default());
    unit.expect("the kernel fits")
}

fn end(unit: usize, port: &str) -> StreamEnd {
    let port = port.to_owned();
    StreamEnd { unit, port }
}

/// `kernel` (unit 0 or 1) sends to a receiver (the other one) through `depth` beats; reset.
fn joined(
    kernel: &str,
    misbehave: u32,
    receiver_first: bool,
    depth: usize,
) -> Result<Engine, EngineError> {
    joined_with(
        EngineConfig::default(),
        kernel,
        misbehave,
        receiver_first,
        depth,
    )
}

fn joined_with(
    config: EngineConfig,
    kernel: &str,
    misbehave: u32,
    receiver_first: bool,
    depth: usize,
) -> Result<Engine, EngineError> {
    let library = library(misbehave);
    let mut engine = Engine::new(config, memory());
    let kernels = if receiver_first {
        ["receiver", kernel]
    } else {
        [kernel, "receiver"]
    };
    for name in kernels {
        add(&mut engine, &library, name);
    }
    let (from, to) = (usize::from(receiver_first), usize::from(!receiver_first));
    engine.connect_streams(&end(from, "out"), &end(to, "in"), depth)?;
    engine.reset()?;
    Ok(engine)
}

fn value(engine: &Engine, unit: usize, port: &str) -> u64 {
    let port = engine.port(unit, port, Direction::Output);
    engine.value(port.expect("a port"))
}

#[test]
fn an_object_holds_several_kernels_each_with_its_own_parameters() {
    let library = library(1);
    assert_eq!(
        library.kernels(),
        ["sender", "bad", "receiver", "two_clocks"]
    );
    let twice = [build("sender"), build("receiver").name("sender")];
    let error = cosim::link(&twice, &cache()).expect_err("one name twice");
    assert!(error.to_string().contains("`sender`"), "{error}");
}

#[test]
fn beats_arrive_whole_and_in_order_whatever_the_order_of_the_units() {
    let mut counts = Vec::new();
    for receiver_first in [false, true] {
        let mut engine = joined("sender", 0, receiver_first, 4).expect("they fit");
        engine.run(1000).expect("it runs");
        let unit = usize::from(!receiver_first);
        let [beats, packets, wrong] =
            ["beats", "packets", "wrong"].map(|port| value(&engine, unit, port));
        assert_eq!(wrong, 0);
        assert_eq!(packets, beats / 4);
        counts.push(beats);
    }
    assert!(counts[0] > 300 && counts[0] == counts[1], "{counts:?}");
}

#[test]
fn stalls_slow_a_stream_down_by_their_seed_and_lose_nothing() {
    let beats = |seed, t| {
        let stalls = Stalls {
            t,
            ..Stalls::default()
        };
        let config = EngineConfig {
            seed,
            stalls,
            ..EngineConfig::default()
        };
        let mut engine = joined_with(config, "sender", 0, false, 4).expect("they fit");
        engine.run(1000).expect("it runs");
        assert_eq!(value(&engine, 1, "wrong"), 0);
        value(&engine, 1, "beats")
    };
    let free = beats(1, 0.0);
    let stalled = beats(1, 0.9);
    assert!(stalled > 20 && stalled < free / 2, "{stalled} of {free}");
    assert_eq!(beats(1, 0.9), stalled);
    assert_ne!(beats(2, 0.9), stalled);
}

#[test]
fn a_stream_holds_as_many_beats_as_it_is_deep_and_they_are_saved() {
    let mut sizes = Vec::new();
    for depth in [2, 9] {
        let mut engine = joined("sender", 0, false, depth).expect("they fit");
        let stop = engine.port(1, "stop", Direction::Input).expect("a port");
        engine.drive(stop, 1);
        engine.run(200).expect("it runs");
        let full = engine.save().expect("quiet");
        let drain = |engine: &mut Engine| {
            engine.drive(stop, 0);
            engine.run(1000).expect("it runs");
            assert_eq!(value(engine, 1, "wrong"), 0);
            value(engine, 1, "beats")
        };
        let beats = drain(&mut engine);
        engine.restore(&full).expect("its own state");
        assert_eq!(drain(&mut engine), beats);
        sizes.push(full.len());
    }
    let beat = size_of::<cosim::frame::AxiStream>();
    // The header may differ by a digit or two.
    assert_eq!((sizes[1] - sizes[0]) / beat, 7, "{sizes:?}");
}

#[test]
fn a_sender_that_breaks_the_protocol_is_named() {
    for (misbehave, rule) in [
        (1, Rule::ValidDropped),
        (2, Rule::PayloadChanged),
        (3, Rule::ValidInReset),
    ] {
        let run = joined("bad", misbehave, false, 2).and_then(|mut engine| engine.run(200));
        match run {
            Err(EngineError::Protocol(violation)) => {
                assert_eq!((violation.rule, violation.port.as_str()), (rule, "bad.out"));
            }
            other => panic!("{misbehave}: {other:?}"),
        }
    }
}

#[test]
fn streams_that_cannot_be_connected_are_named() {
    let library = library(1);
    let mut engine = Engine::new(EngineConfig::default(), memory());
    add(&mut engine, &library, "sender");
    add(&mut engine, &library, "receiver");
    let text = engine.reset().expect_err("open").to_string();
    assert!(text.contains("`out` is connected to nothing"), "{text}");
    let connect = |engine: &mut Engine, from: &str, to: &str| {
        let connected = engine.connect_streams(&end(0, from), &end(1, to), 2);
        connected.map_err(|error| error.to_string())
    };
    let text = connect(&mut engine, "in", "in").expect_err("no such port");
    assert!(
        text.contains("no sending stream port `in`") && text.contains("out"),
        "{text}"
    );
    connect(&mut engine, "out", "in").expect("they fit");
    let text = connect(&mut engine, "out", "in").expect_err("twice");
    assert!(text.contains("connected twice"), "{text}");

    let builds = [build("sender").parameter("WIDTH", 64), build("receiver")];
    let built = cosim::link(&builds, &cache()).expect("they build");
    let library = ModelLibrary::open(built.path).expect("it loads");
    let mut engine = Engine::new(EngineConfig::default(), memory());
    add(&mut engine, &library, "sender");
    add(&mut engine, &library, "receiver");
    let text = connect(&mut engine, "out", "in").expect_err("widths");
    assert!(
        text.contains("32 data bits") && text.contains("has 64"),
        "{text}"
    );
}

#[test]
fn the_second_clock_runs_at_its_own_frequency() {
    let library = library(1);
    for (second, first) in [(500, 300), (100, 300), (300, 300)] {
        let config = EngineConfig {
            second_clock: Some(ClockRatio { second, first }),
            ..EngineConfig::default()
        };
        let mut engine = Engine::new(config, memory());
        let unit = add(&mut engine, &library, "two_clocks");
        engine.reset().expect("it resets");
        engine.run(3000).expect("it runs");
        let [a, b, seen] = ["first", "second", "seen"].map(|port| value(&engine, unit, port));
        // The reset's end reaches each clock at an edge of its own.
        assert_eq!(a, 2999);
        let expected = 3000 * u64::from(second) / u64::from(first);
        assert!(b.abs_diff(expected) <= 2, "{second}/{first}: {b}");
        assert!(b - seen <= 2, "{b} {seen}");
    }
    let mut engine = Engine::new(EngineConfig::default(), memory());
    let error = engine
        .add(&library, "two_clocks", UnitOptions::default())
        .expect_err("no second clock");
    assert!(error.to_string().contains("ap_clk_2"), "{error}");
}

#[test]
fn waves_show_both_clocks() {
    let library = library(1);
    let config = EngineConfig {
        second_clock: Some(ClockRatio {
            second: 500,
            first: 300,
        }),
        ..EngineConfig::default()
    };
    let mut engine = Engine::new(config, memory());
    let unit = add(&mut engine, &library, "two_clocks");
    let dir = tempfile::tempdir().expect("writable");
    let path = dir.path().join("both.fst");
    engine.record_waves(unit, &path, 0, 100).expect("idle");
    engine.reset().expect("it resets");
    engine.run(100).expect("it runs");
    assert!(std::fs::metadata(&path).expect("written").len() > 0);
}
