//! What the integration tests share: the built copy kernel, an engine around it, a run of it.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use cosim::engine::{RunEnd, UnitOptions};
use cosim::{
    Bank, BuiltModel, Cache, DeviceMemory, Engine, EngineConfig, EngineError, ModelBuild,
    ModelLibrary,
};

/// Registers of the copy kernel (tests/rtl/copy.sv).
pub(crate) const CONTROL: u64 = 0x00;
pub(crate) const SOURCE: u64 = 0x10;
pub(crate) const DESTINATION: u64 = 0x1c;
pub(crate) const BEATS: u64 = 0x28;
pub(crate) const CLOCKS: u64 = 0x30;
pub(crate) const ERRORS: u64 = 0x38;
pub(crate) const MISBEHAVE: u64 = 0x40;
pub(crate) const REFUSED: u64 = 0x44;

/// Second bank of the test memory.
pub(crate) const UPPER: u64 = 1 << 30;

pub(crate) fn rtl(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/rtl")
        .join(file)
}

/// The cache that all tests of this crate share.
pub(crate) fn cache() -> Cache {
    Cache::at(Path::new(env!("CARGO_TARGET_TMPDIR")).join("models"))
}

pub(crate) fn copy_build(data_width: u32) -> ModelBuild {
    ModelBuild::new("copy")
        .source(rtl("copy.sv"))
        .include_dir(rtl(""))
        .parameter("DATA_WIDTH", data_width)
}

pub(crate) fn built(data_width: u32) -> BuiltModel {
    copy_build(data_width)
        .build(&cache())
        .expect("the copy kernel builds")
}

/// The 512-bit copy kernel, built and loaded once a process.
pub(crate) fn copy_library() -> ModelLibrary {
    static LIBRARY: OnceLock<ModelLibrary> = OnceLock::new();
    LIBRARY
        .get_or_init(|| ModelLibrary::open(built(512).path).expect("the copy kernel loads"))
        .clone()
}

pub(crate) fn memory() -> Arc<DeviceMemory> {
    let bank = |name: &str, base| Bank {
        name: name.to_owned(),
        base,
        size: UPPER,
    };
    Arc::new(DeviceMemory::new(&[bank("lower", 0), bank("upper", UPPER)]).expect("two banks"))
}

/// An engine with one copy kernel, not reset.
pub(crate) fn engine_of(library: &ModelLibrary, config: EngineConfig) -> Engine {
    let mut engine = Engine::new(config, memory());
    engine
        .add(library, "copy", UnitOptions::default())
        .expect("the copy kernel fits the engine");
    engine
}

/// An engine with one 512-bit copy kernel, reset.
pub(crate) fn engine(config: EngineConfig) -> Engine {
    let mut engine = engine_of(&copy_library(), config);
    engine.reset().expect("the copy kernel resets");
    engine
}

/// `size` bytes that differ from each other's neighbours.
pub(crate) fn pattern(size: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    (0..size)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect()
}

/// Starts a copy on unit 0.
pub(crate) fn start(
    engine: &mut Engine,
    source: u64,
    destination: u64,
    beats: u64,
) -> Result<(), EngineError> {
    for (register, value) in [(SOURCE, source), (DESTINATION, destination)] {
        engine.write_register(0, register, value & 0xffff_ffff)?;
        engine.write_register(0, register + 4, value >> 32)?;
    }
    engine.write_register(0, BEATS, beats)?;
    engine.set_running(true);
    engine.write_register(0, CONTROL, 1)
}

/// Waits for the copy to end.
pub(crate) fn finish(engine: &mut Engine) -> Result<(), EngineError> {
    let end = engine.run_until(1_000_000, |engine| engine.interrupt(0))?;
    assert_eq!(end, RunEnd::Reached, "the copy takes too long");
    engine.set_running(false);
    Ok(())
}

/// Copies on unit 0 from start to end.
pub(crate) fn copy(
    engine: &mut Engine,
    source: u64,
    destination: u64,
    beats: u64,
) -> Result<(), EngineError> {
    start(engine, source, destination, beats)?;
    finish(engine)
}

/// The seeds of a random test: those of `COSIM_SEED`, or `count` fixed ones.
pub(crate) fn seeds(count: u64) -> Vec<u64> {
    match std::env::var("COSIM_SEED") {
        Ok(seed) => vec![seed.parse().expect("COSIM_SEED is a number")],
        Err(_) => (1..=count).collect(),
    }
}

/// What to say when a random test fails.
pub(crate) fn replay(test: &str, seed: u64) -> String {
    format!("seed {seed}; replay with: COSIM_SEED={seed} cargo test -p cosim {test}")
}
