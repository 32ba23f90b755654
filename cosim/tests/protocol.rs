//! Every rule of the protocol checkers fires on a kernel that breaks exactly it, naming port, channel and
//! clock, and stays silent on legal traffic.

mod common;

use common::{MISBEHAVE, UPPER, copy, engine, pattern, start};
use cosim::engine::{Channel, Rule, Stalls, UnitOptions};
use cosim::{Engine, EngineConfig, EngineError};

/// Ready signals low half of the time, so that valids have to wait.
fn stalling(checkers: bool) -> EngineConfig {
    EngineConfig {
        stalls: Stalls::all(0.5),
        checkers,
        ..EngineConfig::default()
    }
}

/// (code of misbehave.svh, rule, channel, port)
const BREACHES: &[(u64, Rule, Channel, &str)] = &[
    (1, Rule::ValidDropped, Channel::Ar, "copy.m_axi_gmem0"),
    (2, Rule::PayloadChanged, Channel::Ar, "copy.m_axi_gmem0"),
    (3, Rule::ValidDropped, Channel::Aw, "copy.m_axi_gmem1"),
    (4, Rule::PayloadChanged, Channel::Aw, "copy.m_axi_gmem1"),
    (5, Rule::ValidDropped, Channel::W, "copy.m_axi_gmem1"),
    (6, Rule::PayloadChanged, Channel::W, "copy.m_axi_gmem1"),
    (7, Rule::BurstSize, Channel::Ar, "copy.m_axi_gmem0"),
    (8, Rule::BurstType, Channel::Ar, "copy.m_axi_gmem0"),
    (9, Rule::WrapLength, Channel::Ar, "copy.m_axi_gmem0"),
    (10, Rule::WrapAlignment, Channel::Ar, "copy.m_axi_gmem0"),
    (11, Rule::FixedLength, Channel::Ar, "copy.m_axi_gmem0"),
    (12, Rule::Boundary, Channel::Ar, "copy.m_axi_gmem0"),
    (13, Rule::LastEarly, Channel::W, "copy.m_axi_gmem1"),
    (14, Rule::LastMissing, Channel::W, "copy.m_axi_gmem1"),
    (15, Rule::Strobe, Channel::W, "copy.m_axi_gmem1"),
    (16, Rule::OutsideBank, Channel::Ar, "copy.m_axi_gmem0"),
    (17, Rule::OutsideBank, Channel::Aw, "copy.m_axi_gmem1"),
    (
        19,
        Rule::ResponseWithoutRequest,
        Channel::R,
        "copy.s_axi_control",
    ),
    (
        20,
        Rule::ResponseWithoutRequest,
        Channel::B,
        "copy.s_axi_control",
    ),
    (21, Rule::ValidDropped, Channel::R, "copy.s_axi_control"),
    (22, Rule::PayloadChanged, Channel::R, "copy.s_axi_control"),
    (23, Rule::ValidDropped, Channel::B, "copy.s_axi_control"),
    (
        24,
        Rule::ExclusiveResponse,
        Channel::B,
        "copy.s_axi_control",
    ),
    (32, Rule::PayloadChanged, Channel::B, "copy.s_axi_control"),
    (
        33,
        Rule::ExclusiveResponse,
        Channel::R,
        "copy.s_axi_control",
    ),
];

/// A copy with register reads in between, until something is wrong.
fn provoke(engine: &mut Engine, misbehave: u64) -> Result<(), EngineError> {
    engine.write_register(0, MISBEHAVE, misbehave)?;
    start(engine, 0, UPPER, 1024)?;
    for _ in 0..50 {
        engine.read_register(0, common::BEATS)?;
        engine.write_register(0, common::BEATS, 1024)?;
    }
    engine
        .run_until(10_000, |engine| engine.interrupt(0))
        .map(|_| ())
}

#[test]
fn each_breach_is_reported_with_rule_port_and_channel() {
    for &(code, rule, channel, port) in BREACHES {
        let mut engine = engine(stalling(true));
        let clocks = engine.counters().clocks;
        match provoke(&mut engine, code) {
            Err(EngineError::Protocol(seen)) => {
                assert_eq!(
                    (seen.rule, seen.channel, seen.port.as_str()),
                    (rule, channel, port),
                    "code {code}: {seen}"
                );
                assert!(
                    seen.clock > clocks && seen.clock <= engine.counters().clocks,
                    "{seen}"
                );
            }
            other => panic!("code {code}, {rule}: {other:?}"),
        }
        let again = engine.step().expect_err("halted");
        assert!(matches!(again, EngineError::Halted(_)), "{again}");
    }
}

#[test]
fn a_valid_in_reset_is_reported() {
    let mut engine = engine(EngineConfig::default());
    engine
        .write_register(0, MISBEHAVE, 18)
        .expect("the register takes it");
    match engine.reset() {
        Err(EngineError::Protocol(seen)) => {
            assert_eq!(
                (seen.rule, seen.channel),
                (Rule::ValidInReset, Channel::W),
                "{seen}"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn checkers_switched_off_report_nothing() {
    for &(code, rule, ..) in BREACHES {
        let mut engine = engine(stalling(false));
        // What else the breach does to the kernel is no matter here.
        if let Err(EngineError::Protocol(seen)) = provoke(&mut engine, code) {
            panic!("{rule}: {seen}");
        }
    }
}

#[test]
fn a_reset_takes_a_violation_back() {
    let mut engine = engine(stalling(true));
    provoke(&mut engine, 16).expect_err("it reads outside");
    engine.reset().expect("it resets");
    engine
        .write_register(0, MISBEHAVE, 0)
        .expect("the register takes it");
    copy(&mut engine, 0, UPPER, 64).expect("a good copy");
}

#[test]
fn a_port_reaches_only_the_banks_it_is_connected_to() {
    let mut engine = Engine::new(EngineConfig::default(), common::memory());
    let options = UnitOptions {
        name: Some("copy_1".to_owned()),
        banks: [
            ("m_axi_gmem0".to_owned(), vec![0]),
            ("m_axi_gmem1".to_owned(), vec![1]),
        ]
        .into(),
    };
    engine
        .add(&common::copy_library(), "copy", options)
        .expect("it fits");
    engine.reset().expect("it resets");
    copy(&mut engine, 0, UPPER, 8).expect("within the banks");
    let text = copy(&mut engine, UPPER, 0, 8)
        .expect_err("the wrong way")
        .to_string();
    for part in [
        "copy_1.m_axi_gmem0",
        "channel AR",
        "0x40000000",
        "connected to lower",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn options_that_name_what_is_not_there_are_refused() {
    let library = common::copy_library();
    for (port, bank, part) in [
        ("m_axi_gmem2", 0, "m_axi_gmem0, m_axi_gmem1"),
        ("m_axi_gmem1", 2, "lower, upper"),
    ] {
        let mut engine = Engine::new(EngineConfig::default(), common::memory());
        let options = UnitOptions {
            name: None,
            banks: [(port.to_owned(), vec![bank])].into(),
        };
        let text = engine
            .add(&library, "copy", options)
            .expect_err("refused")
            .to_string();
        assert!(text.contains(part), "{text}");
    }
}

/// A wrapping read of 16 beats that starts in the middle arrives rotated; a fixed one repeats its word.
#[test]
fn wrapping_and_fixed_bursts_read_the_words_of_the_specification() {
    for (code, word) in [
        (101, (|beat| (beat + 8) % 16) as fn(usize) -> usize),
        (102, |_| 8),
    ] {
        let mut engine = engine(stalling(true));
        let data = pattern(64 * 32, code);
        engine.memory().write(0, &data).expect("in the lower bank");
        engine
            .write_register(0, MISBEHAVE, code)
            .expect("the register takes it");
        copy(&mut engine, 64 * 8, UPPER, 16).expect("legal");
        let mut seen = vec![0; 64 * 16];
        engine
            .memory()
            .read(UPPER, &mut seen)
            .expect("in the upper bank");
        for (beat, line) in seen.chunks(64).enumerate() {
            let at = word(beat) * 64;
            assert!(*line == data[at..at + 64], "code {code}, beat {beat}");
        }
    }
}

/// A narrow write puts each beat's lanes at its own address and touches nothing else.
#[test]
fn narrow_bursts_write_their_lanes_only() {
    let mut engine = engine(stalling(true));
    let data = pattern(64 * 16, 3);
    engine.memory().write(0, &data).expect("in the lower bank");
    engine
        .memory()
        .write(UPPER, &[0x55; 1024])
        .expect("in the upper bank");
    engine
        .write_register(0, MISBEHAVE, 100)
        .expect("the register takes it");
    copy(&mut engine, 0, UPPER, 16).expect("legal");
    let mut seen = vec![0; 1024];
    engine
        .memory()
        .read(UPPER, &mut seen)
        .expect("in the upper bank");
    for beat in 0..16 {
        let lane = beat % 8 * 8;
        let expected = &data[beat * 64 + lane..][..8];
        assert_eq!(&seen[beat * 8..][..8], expected, "beat {beat}");
    }
    assert!(seen[128..].iter().all(|byte| *byte == 0x55));
}
