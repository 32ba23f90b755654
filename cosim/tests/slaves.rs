//! AXI4 slave ports of a kernel: bursts arrive whole and in order, responses come back, and broken rules are told.

mod common;

use std::sync::{Arc, OnceLock};

use common::{cache, rtl};
use cosim::engine::{BurstResult, BurstWrite, Channel, Rule, Stalls, UnitOptions};
use cosim::interface::Direction;
use cosim::{Bank, DeviceMemory, Engine, EngineConfig, EngineError, ModelBuild, ModelLibrary};

const PORT: &str = "s_axi_in";

fn engine(stall: f64) -> Engine {
    static LIBRARY: OnceLock<ModelLibrary> = OnceLock::new();
    let library = LIBRARY.get_or_init(|| {
        let model = ModelBuild::new("sink")
            .source(rtl("sink.sv"))
            .build(&cache())
            .expect("it builds");
        ModelLibrary::open(model.path).expect("just built")
    });
    let bank = Bank {
        name: "HOST".to_owned(),
        base: 0,
        size: 4096,
    };
    let memory = Arc::new(DeviceMemory::new(&[bank]).expect("a bank"));
    let config = EngineConfig {
        stalls: Stalls::all(stall),
        ..EngineConfig::default()
    };
    let mut engine = Engine::new(config, memory);
    engine
        .add(library, "sink", UnitOptions::default())
        .expect("the sink");
    engine.reset().expect("a reset");
    engine
}

fn burst(address: u64, bytes: std::ops::Range<u8>, strobes: &[u128]) -> BurstWrite {
    BurstWrite {
        address,
        data: bytes.collect(),
        strobes: strobes.to_vec(),
    }
}

fn value(engine: &Engine, port: &str) -> u64 {
    engine.value(
        engine
            .port(0, port, Direction::Output)
            .expect("a port of the sink"),
    )
}

fn responses(engine: &mut Engine, count: usize) -> Result<Vec<BurstResult>, EngineError> {
    let mut results = Vec::new();
    for _ in 0..5_000 {
        engine.step()?;
        results.extend(engine.burst_result(0, PORT)?);
        if results.len() == count {
            break;
        }
    }
    Ok(results)
}

#[test]
fn bursts_arrive_whole_and_in_order_and_are_answered() {
    for stall in [0.0, 0.5] {
        let mut engine = engine(stall);
        for write in [
            burst(0x100, 0..64, &[]),
            burst(0x208, 0..8, &[0x0F]),
            burst(0x300, 8..16, &[]),
        ] {
            engine.submit_burst(0, PORT, &write).expect("a good burst");
        }
        let results = responses(&mut engine, 3).expect("no violation");
        let codes: Vec<u8> = results.iter().map(|result| result.response).collect();
        assert_eq!(codes, [0, 2, 0]);
        assert!(results.is_sorted_by_key(|result| result.clock));
        let sum: u64 = (0..64).sum::<u64>() + (0..4).sum::<u64>() + (8..16).sum::<u64>();
        assert_eq!(value(&engine, "sum"), sum);
        assert_eq!(value(&engine, "beats"), 10);
        assert_eq!(value(&engine, "address"), 0x300);
    }
}

#[test]
fn bursts_that_axi_forbids_and_ports_that_are_not_there_are_refused() {
    let mut engine = engine(0.0);
    for (bad, what) in [
        (burst(4, 0..8, &[]), "an odd address"),
        (burst(0, 0..7, &[]), "a part of a beat"),
        (burst(0, 0..0, &[]), "no beat"),
        (burst(0xFF8, 0..16, &[]), "over 4 KiB"),
        (burst(0, 0..8, &[1, 1]), "more strobes than beats"),
    ] {
        let error = engine
            .submit_burst(0, PORT, &bad)
            .expect_err(what)
            .to_string();
        assert!(error.contains("whole beats of 8 bytes"), "{error}");
    }
    let error = engine
        .submit_burst(0, "s_axi_out", &burst(0, 0..8, &[]))
        .expect_err("no such port")
        .to_string();
    assert!(error.contains(PORT), "{error}");
}

#[test]
fn each_rule_of_the_response_channel_is_checked() {
    for (misbehave, rule) in [
        (1, Rule::ResponseWithoutRequest),
        (2, Rule::ValidDropped),
        (3, Rule::PayloadChanged),
    ] {
        let mut engine = engine(0.5);
        let port = engine
            .port(0, "misbehave", Direction::Input)
            .expect("a port of the sink");
        engine.drive(port, misbehave);
        for _ in 0..50 {
            let write = burst(0, 0..16, &[]);
            engine.submit_burst(0, PORT, &write).expect("a good burst");
        }
        match responses(&mut engine, 50) {
            Err(EngineError::Protocol(violation)) => {
                assert_eq!((violation.rule, violation.channel), (rule, Channel::B));
                assert_eq!(violation.port, "sink.s_axi_in");
            }
            other => panic!("{rule:?} was not seen: {other:?}"),
        }
    }
}
