//! What kernel.md says the kernel must reach, read off its own counters at every width.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, ensure};
use cosim::engine::{MemoryTiming, RunEnd};
use cosim::{Bank, Cache, DeviceMemory, Engine, EngineConfig, ModelBuild, ModelLibrary};
use host_runtime::tcp::registers as reg;

use crate::report::{Bound, Report};

const ACTIVE: u32 = reg::COUNTERS + 8 * 13;
const COUNT: u64 = 1_000_000;

/// A model of the kernel.
pub(crate) fn model(width: u32, waves: bool) -> Result<ModelLibrary> {
    let build = ModelBuild::new("tcp_validator")
        .file_list(Path::new(env!("CARGO_MANIFEST_DIR")).join("../hdl/tcp_validator.f"))
        .parameter("DATA_WIDTH", width)
        .trace(waves)
        .savable(waves)
        .build(&Cache::user()?)?;
    Ok(ModelLibrary::open(build.path)?)
}

fn active_clocks(library: &ModelLibrary, latency: u64, count: u64) -> Result<u64> {
    let bank = Bank {
        name: "memory".to_owned(),
        base: 0,
        size: 1 << 30,
    };
    let config = EngineConfig {
        memory: MemoryTiming {
            read_latency: latency,
            ..MemoryTiming::default()
        },
        ..EngineConfig::default()
    };
    let mut engine = Engine::new(config, Arc::new(DeviceMemory::new(&[bank])?));
    engine.add(library, "tcp_validator", Default::default())?;
    engine.reset()?;
    let registers = [
        (reg::DESCRIPTORS, 0),
        (reg::VERDICTS, 1 << 29),
        (reg::COUNT, count),
        (reg::GLOBAL_INTERRUPT_ENABLE, 1),
    ];
    for (offset, value) in registers
        .into_iter()
        .chain([(reg::INTERRUPT_ENABLE, 1), (reg::CONTROL, 1)])
    {
        engine.write_register(0, offset.into(), value)?;
    }
    let end = engine.run_until(100_000_000, |engine| engine.interrupt(0))?;
    ensure!(end == RunEnd::Reached, "the run did not end");
    Ok(engine.read_register(0, ACTIVE.into())?)
}

/// Sustained rate, and what a longer latency costs.
pub(crate) fn measure(report: &mut Report) -> Result<()> {
    for width in [128, 256, 512] {
        let library = model(width, true)?;
        let beats = (COUNT * 24).div_ceil(u64::from(width / 8));
        for latency in [64, 256] {
            let clocks = active_clocks(&library, latency, COUNT)?;
            report.exact(
                format!(
                    "kernel, {width} bits, {latency} clocks of latency: beats per active clock"
                ),
                beats as f64 / clocks as f64,
                Bound::AtLeast(0.99),
                format!("{clocks} clocks for {COUNT} descriptors"),
            );
        }
    }
    Ok(())
}
