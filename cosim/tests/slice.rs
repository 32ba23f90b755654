//! One kernel from its source to a result in memory.

mod common;

use common::{UPPER, copy, engine, engine_of, memory, pattern};
use cosim::engine::UnitOptions;
use cosim::{Engine, EngineConfig, ModelLibrary};

#[test]
fn a_kernel_is_built_loaded_and_copies_memory() {
    let mut engine = engine(EngineConfig::default());
    let data = pattern(64 * 1000, 1);
    engine
        .memory()
        .write(0x1000, &data)
        .expect("in the lower bank");
    copy(&mut engine, 0x1000, UPPER + 0x40, 1000).expect("the copy runs");
    let mut seen = vec![0; data.len()];
    engine
        .memory()
        .read(UPPER + 0x40, &mut seen)
        .expect("in the upper bank");
    assert!(seen == data, "the copy differs");
    assert_eq!(
        engine.read_register(0, common::BEATS).expect("readable"),
        1000
    );
}

#[test]
fn every_data_width_copies() {
    for width in [32, 64, 128, 256, 1024] {
        let library = ModelLibrary::open(common::built(width).path).expect("it loads");
        let mut engine = engine_of(&library, EngineConfig::default());
        engine.reset().expect("it resets");
        let data = pattern(width as usize / 8 * 333, u64::from(width));
        engine.memory().write(0, &data).expect("in the lower bank");
        copy(&mut engine, 0, UPPER, 333).expect("the copy runs");
        let mut seen = vec![0; data.len()];
        engine
            .memory()
            .read(UPPER, &mut seen)
            .expect("in the upper bank");
        assert!(seen == data, "the copy differs at {width} bits");
    }
}

#[test]
fn a_model_loads_from_bytes_and_outlives_its_library_handle() {
    let bytes = std::fs::read(common::built(512).path).expect("built");
    let library = ModelLibrary::from_bytes(&bytes).expect("it loads");
    assert_eq!(library.kernels(), ["copy"]);
    let mut engine = Engine::new(EngineConfig::default(), memory());
    engine
        .add(&library, "copy", UnitOptions::default())
        .expect("it fits");
    drop(library);
    engine.reset().expect("it resets");
    copy(&mut engine, 0, UPPER, 10).expect("the copy runs");
}
