//! How fast the engine clocks the default kernel, beside a plain C++ loop over the same model and traffic: rounds of
//! both in turn, so that the machine's load falls on both alike.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use cosim::engine::{RunEnd, UnitOptions};
use cosim::{Bank, DeviceMemory, Engine, EngineConfig, ModelLibrary};
use host_runtime::tcp::registers as reg;
use rustix::time::{ClockId, clock_gettime};

use crate::kernel;
use crate::report::{Bound, Report};

const TOP: &str = "tcp_validator";
const MEMORY: usize = 64 << 20;
const SEED: u64 = 7;
const LIMIT: u64 = 100_000_000;

/// The registers that start a run over two million descriptors, in this order.
const REGISTERS: [(u32, u64); 9] = [
    (reg::GLOBAL_INTERRUPT_ENABLE, 1),
    (reg::INTERRUPT_ENABLE, 1),
    (reg::DESCRIPTORS, 0),
    (reg::DESCRIPTORS + 4, 0),
    (reg::VERDICTS, 0x300_0000),
    (reg::VERDICTS + 4, 0),
    (reg::COUNT, 2_000_000),
    (reg::OPTIONS, 0),
    (reg::CONTROL, 1),
];

/// The plain loop, built as its author would: Verilator's own makefile, optimized, for the same instructions.
fn plain_loop(dir: &Path) -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new("verilator");
    command
        .args([
            "--cc",
            "--exe",
            "--build",
            "-O3",
            "-Wno-fatal",
            "-Wno-lint",
            "-Wno-style",
            "--no-timing",
        ])
        .args([
            "--x-assign",
            "fast",
            "--assert",
            "-MAKEFLAGS",
            "OPT_FAST=-O3",
            "-MAKEFLAGS",
            "OPT_GLOBAL=-O2",
        ])
        .args([
            "--top-module",
            TOP,
            "--prefix",
            "Vtop",
            "-o",
            "plain_loop",
            "-GDATA_WIDTH=512",
            "--Mdir",
        ])
        .arg(dir);
    let flags = if cfg!(target_arch = "x86_64") {
        "-std=gnu++17 -O3 -mpopcnt"
    } else {
        "-std=gnu++17 -O3"
    };
    command.args(["-CFLAGS", flags]);
    command
        .arg("-F")
        .arg(std::path::absolute(here.join("../hdl/tcp_validator.f"))?);
    let output = command
        .arg(here.join("cpp/plain_loop.cpp"))
        .output()
        .context("verilator")?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(dir.join("plain_loop"))
}

/// Time that this thread has spent on a processor: what others do on the machine counts less than by the wall
/// clock.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        time.tv_nsec.unsigned_abs() as u32,
    )
}

struct Round {
    clocks: u64,
    time: Duration,
    sum: u64,
}

impl Round {
    fn rate(&self) -> f64 {
        self.clocks as f64 / self.time.as_secs_f64()
    }
}

fn plain(program: &Path) -> Result<Round> {
    let latency = EngineConfig::default().memory.read_latency;
    let mut command = Command::new(program);
    command.args([latency, MEMORY as u64, SEED, 1].map(|number| number.to_string()));
    command.args(
        REGISTERS
            .iter()
            .map(|(offset, value)| format!("{offset}={value}")),
    );
    let text = String::from_utf8(command.output()?.stdout)?;
    let mut words = text.split_whitespace();
    let mut word = || words.next().context("the plain loop failed");
    Ok(Round {
        clocks: word()?.parse()?,
        time: Duration::from_nanos(word()?.parse()?),
        sum: u64::from_str_radix(word()?, 16)?,
    })
}

fn engine(library: &ModelLibrary, checkers: bool) -> Result<Round> {
    let bank = Bank {
        name: "memory".to_owned(),
        base: 0,
        size: MEMORY as u64,
    };
    let memory = Arc::new(DeviceMemory::new(&[bank])?);
    let mut bytes = vec![0; MEMORY];
    let mut state = SEED | 1;
    for byte in &mut bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        *byte = (state >> 32) as u8;
    }
    memory.write(0, &bytes)?;
    let mut engine = Engine::new(
        EngineConfig {
            checkers,
            ..EngineConfig::default()
        },
        memory,
    );
    engine.add(library, TOP, UnitOptions::default())?;
    engine.reset()?;
    for (offset, value) in REGISTERS {
        engine.write_register(0, offset.into(), value)?;
    }
    engine.set_running(true);
    let begin = engine.counters().clocks;
    let start = processor_time();
    let end = engine.run_until(LIMIT, |engine| engine.interrupt(0))?;
    let time = processor_time() - start;
    ensure!(end == RunEnd::Reached, "the run did not end");
    engine.memory().read(0, &mut bytes)?;
    let fold = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    Ok(Round {
        clocks: engine.counters().clocks - begin,
        time,
        sum: bytes.iter().fold(0xcbf2_9ce4_8422_2325, fold),
    })
}

pub(crate) fn measure(report: &mut Report, rounds: u32) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let program = plain_loop(dir.path())?;
    // As it is shipped: waves and saving compiled in.
    let library = kernel::model(512, true)?;
    let mut ratios = [Vec::new(), Vec::new()];
    let mut best = [0.0f64; 3];
    for round in 0..rounds {
        // In turns, and in changing order: neither side always finds the caches warm.
        let plain_first = round % 2 == 0;
        let before = plain_first.then(|| plain(&program)).transpose()?;
        let on = engine(&library, true)?;
        let off = engine(&library, false)?;
        let plain = before.map_or_else(|| plain(&program), Ok)?;
        ensure!(
            on.sum == plain.sum && off.sum == plain.sum,
            "all leave the same memory"
        );
        ratios[0].push(on.rate() / plain.rate());
        ratios[1].push(off.rate() / plain.rate());
        for (best, round) in best.iter_mut().zip([&plain, &on, &off]) {
            *best = best.max(round.rate() / 1e6);
        }
    }
    let [on, off] = ratios;
    let note = |mhz: f64| format!("{mhz:.2} MHz at best; plain C++ {:.2} MHz", best[0]);
    report.median(
        "co-simulation clock over plain C++, checkers on",
        on,
        Bound::AtLeast(0.90),
        note(best[1]),
    );
    report.median(
        "co-simulation clock over plain C++, checkers off",
        off,
        Bound::AtLeast(0.95),
        note(best[2]),
    );
    Ok(())
}
