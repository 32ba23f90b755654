//! Injected faults: what strikes a bus is seen by the kernel or by the host, once, where it was asked for.

mod common;

use std::sync::Arc;

use common::{BEATS, ERRORS, UPPER, copy, engine, pattern, start};
use cosim::engine::{Effect, ErrorResponse, Injection, Injector, RunEnd, Site, Trigger};
use cosim::{Engine, EngineConfig, EngineError, MemoryError};

const LINES: u64 = 256;

fn fault(site: Site, trigger: Trigger, effect: Effect) -> Injection {
    Injection {
        site,
        port: None,
        range: None,
        trigger,
        effect,
    }
}

/// An engine with a pattern in the lower bank and a handle to its faults.
fn rig() -> (Engine, Arc<Injector>, Vec<u8>) {
    let injector = Arc::<Injector>::default();
    let engine = engine(EngineConfig {
        injector: Arc::clone(&injector),
        watchdog: 5_000,
        register_timeout: 500,
        ..EngineConfig::default()
    });
    let data = pattern(64 * LINES as usize, 5);
    engine.memory().write(0, &data).expect("in the lower bank");
    (engine, injector, data)
}

/// Lines of the copy that differ from their source.
fn wrong_lines(engine: &Engine, data: &[u8]) -> usize {
    let mut seen = vec![0; data.len()];
    engine.memory().read(UPPER, &mut seen).expect("readable");
    let lines = seen.chunks(64).zip(data.chunks(64));
    lines.filter(|(seen, data)| seen != data).count()
}

fn errors(engine: &mut Engine) -> (u64, u64) {
    let word = engine.read_register(0, ERRORS).expect("readable");
    (word & 0xff, word >> 8 & 0xff)
}

#[test]
fn one_beat_of_the_struck_burst_is_an_error_and_no_other() {
    for effect in [Effect::Respond(ErrorResponse::Decerr), Effect::Flip] {
        let (mut engine, injector, data) = rig();
        injector.arm(1, vec![fault(Site::Read, Trigger::nth(3), effect)]);
        copy(&mut engine, 0, UPPER, LINES).expect("the copy runs");
        assert_eq!(errors(&mut engine), (1, 0), "{effect:?}");

        injector.arm(1, vec![fault(Site::Write, Trigger::nth(2), effect)]);
        engine
            .memory()
            .write(UPPER, &vec![0; data.len()])
            .expect("in the upper bank");
        copy(&mut engine, 0, UPPER, LINES).expect("the copy runs");
        assert_eq!(errors(&mut engine), (0, 1), "{effect:?}");
        assert_eq!(wrong_lines(&engine, &data), 1, "{effect:?}");

        injector.arm(1, Vec::new());
        copy(&mut engine, 0, UPPER, LINES).expect("the copy runs");
        assert_eq!(errors(&mut engine), (0, 0));
        assert_eq!(wrong_lines(&engine, &data), 0);
    }
}

#[test]
fn a_flipped_bit_in_memory_is_corrected_and_counted() {
    let (mut engine, injector, data) = rig();
    let upset = fault(Site::Read, Trigger::nth(2), Effect::Upset(1));
    injector.arm(9, vec![upset]);
    copy(&mut engine, 0, UPPER, LINES).expect("the copy runs");
    assert_eq!(errors(&mut engine), (0, 0));
    assert_eq!(wrong_lines(&engine, &data), 0);
    let found = engine.memory().ecc_counters();
    assert_eq!((found.corrected, found.uncorrected), (1, 0));
}

#[test]
fn two_flipped_bits_of_a_word_are_an_error_until_it_is_written_anew() {
    let (mut engine, injector, data) = rig();
    let upset = fault(Site::Read, Trigger::nth(2), Effect::Upset(2));
    injector.arm(9, vec![upset]);
    copy(&mut engine, 0, UPPER, LINES).expect("the copy runs");
    assert_eq!(errors(&mut engine), (1, 0));
    assert_eq!(engine.memory().ecc_counters().uncorrected, 1);
    let mut bytes = vec![0; data.len()];
    let error = engine
        .memory()
        .read(0, &mut bytes)
        .expect_err("still there");
    assert!(
        matches!(error, MemoryError::Uncorrectable { .. }),
        "{error}"
    );

    // A kernel that overwrites the word heals it as the host does.
    copy(&mut engine, UPPER + (1 << 20), 0, LINES).expect("the copy runs");
    engine.memory().read(0, &mut bytes).expect("as new");
}

#[test]
fn a_burst_without_an_answer_ends_in_the_watchdog_and_a_reset_helps() {
    for site in [Site::Read, Site::Write] {
        let (mut engine, injector, data) = rig();
        injector.arm(1, vec![fault(site, Trigger::nth(2), Effect::Hang)]);
        let error = copy(&mut engine, 0, UPPER, LINES).expect_err("it hangs");
        assert!(matches!(error, EngineError::Watchdog { .. }), "{error}");
        engine.reset().expect("it resets");
        copy(&mut engine, 0, UPPER, LINES).expect("the copy runs");
        assert_eq!(wrong_lines(&engine, &data), 0);
    }
}

#[test]
fn late_bursts_take_their_time_and_change_nothing_else() {
    let clocks = |injections| {
        let (mut engine, injector, data) = rig();
        injector.arm(1, injections);
        copy(&mut engine, 0, UPPER, LINES).expect("the copy runs");
        assert_eq!(wrong_lines(&engine, &data), 0);
        engine.counters().clocks
    };
    let late = fault(Site::Read, Trigger::nth(1), Effect::Delay(1000));
    let (usual, late) = (clocks(Vec::new()), clocks(vec![late]));
    assert!((990..1010).contains(&(late - usual)), "{usual} {late}");
}

#[test]
fn a_struck_register_access_is_refused_without_reaching_the_kernel() {
    let (mut engine, injector, _) = rig();
    engine.write_register(0, BEATS, 5).expect("written");
    let refusal = Effect::Respond(ErrorResponse::Slverr);
    injector.arm(
        1,
        vec![fault(Site::RegisterWrite, Trigger::nth(1), refusal)],
    );
    let error = engine.write_register(0, BEATS, 6).expect_err("refused");
    assert!(
        matches!(
            error,
            EngineError::Register {
                response: "SLVERR",
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(engine.read_register(0, BEATS).expect("readable"), 5);

    injector.arm(
        1,
        vec![fault(Site::Register, Trigger::nth(1), Effect::Hang)],
    );
    let error = engine.read_register(0, BEATS).expect_err("no answer");
    assert!(
        matches!(error, EngineError::RegisterTimeout { .. }),
        "{error}"
    );
    engine.reset().expect("it resets");
    engine.read_register(0, BEATS).expect("it answers");
}

#[test]
fn interrupts_are_lost_or_late_and_the_next_one_is_not() {
    let (mut engine, injector, _) = rig();
    injector.arm(
        1,
        vec![fault(Site::Interrupt, Trigger::nth(1), Effect::Lose)],
    );
    start(&mut engine, 0, UPPER, 16).expect("it starts");
    let end = engine.run_until(4_000, |engine| engine.interrupt(0));
    assert_eq!(end.expect("it runs"), RunEnd::ClocksUsed);
    copy(&mut engine, 0, UPPER, 16).expect("the next is seen");

    let clocks = |engine: &mut Engine| {
        let before = engine.counters().clocks;
        copy(engine, 0, UPPER, 16).expect("the copy runs");
        engine.counters().clocks - before
    };
    let usual = clocks(&mut engine);
    injector.arm(
        1,
        vec![fault(Site::Interrupt, Trigger::nth(1), Effect::Delay(300))],
    );
    assert!((299..302).contains(&(clocks(&mut engine) - usual)));
    assert_eq!(clocks(&mut engine), usual);
}

#[test]
fn an_injection_that_only_tells_changes_nothing() {
    let (mut engine, injector, data) = rig();
    injector.arm(1, vec![fault(Site::Burst, Trigger::nth(4), Effect::Tell)]);
    copy(&mut engine, 0, UPPER, LINES).expect("the copy runs");
    assert_eq!(wrong_lines(&engine, &data), 0);
    assert_eq!(injector.take_told(), [0]);
    assert!(injector.take_told().is_empty());
    assert_eq!(injector.tally()[0].struck, 1);
}
