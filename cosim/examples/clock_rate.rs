//! How fast the engine clocks a kernel, beside a plain C++ loop over the same model and traffic: rounds of
//! both in turn, so that the machine's load falls on both alike.
//!
//! ```text
//! cargo run --release -p cosim --example clock_rate -- TOP FILE_LIST [-I DIR] [OFFSET=VALUE...]
//! ```
//!
//! The kernel reads through `m_axi_gmem0`, writes through `m_axi_gmem1`, and raises `interrupt` at the end of
//! a run that the register writes start.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use cosim::engine::{RunEnd, UnitOptions};
use cosim::{Bank, Cache, DeviceMemory, Engine, EngineConfig, ModelBuild, ModelLibrary};
use rustix::time::{ClockId, clock_gettime};

type Failure = Box<dyn std::error::Error>;

const MEMORY: usize = 64 << 20;
const SEED: u64 = 7;
const ROUNDS: usize = 7;

struct Job {
    top: String,
    sources: PathBuf,
    include: Option<PathBuf>,
    registers: Vec<(u64, u64)>,
}

fn number(text: &str) -> Result<u64, Failure> {
    Ok(match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16)?,
        None => text.parse()?,
    })
}

fn job() -> Result<Job, Failure> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: clock_rate TOP FILE_LIST|SOURCE [-I DIR] [OFFSET=VALUE...]";
    let mut job = Job {
        top: arguments.next().ok_or(usage)?,
        sources: arguments.next().ok_or(usage)?.into(),
        include: None,
        registers: Vec::new(),
    };
    while let Some(argument) = arguments.next() {
        if argument == "-I" {
            job.include = Some(arguments.next().ok_or(usage)?.into());
        } else {
            let (offset, value) = argument.split_once('=').ok_or(usage)?;
            job.registers.push((number(offset)?, number(value)?));
        }
    }
    Ok(job)
}

/// The model as the engine uses it.
fn model(job: &Job, trace: bool) -> Result<ModelLibrary, Failure> {
    let mut build = ModelBuild::new(&job.top).trace(trace).savable(trace);
    build = if job
        .sources
        .extension()
        .is_some_and(|extension| extension == "f")
    {
        build.file_list(&job.sources)
    } else {
        build.source(&job.sources)
    };
    if let Some(include) = &job.include {
        build = build.include_dir(include);
    }
    Ok(ModelLibrary::open(build.build(&Cache::user()?)?.path)?)
}

/// The plain loop, built as its author would: Verilator's own makefile, optimized.
fn plain_loop(job: &Job, dir: &Path) -> Result<PathBuf, Failure> {
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
        .args(["-CFLAGS", "-std=gnu++17 -O3"])
        .args([
            "--top-module",
            &job.top,
            "--prefix",
            "Vtop",
            "-o",
            "plain_loop",
            "--Mdir",
        ])
        .arg(dir);
    if let Some(include) = &job.include {
        command.arg(format!("-I{}", include.display()));
    }
    if job
        .sources
        .extension()
        .is_some_and(|extension| extension == "f")
    {
        command.arg("-F");
    }
    let sources = std::path::absolute(&job.sources)?;
    let main = Path::new(env!("CARGO_MANIFEST_DIR")).join("cpp/plain_loop.cpp");
    let output = command.arg(sources).arg(main).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(dir.join("plain_loop"))
}

/// Time that this thread has spent on a processor: what others do on the machine counts less than by the wall
/// clock.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
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

fn plain(job: &Job, program: &Path) -> Result<Round, Failure> {
    let latency = EngineConfig::default().memory.read_latency;
    let mut command = Command::new(program);
    command.args([latency, MEMORY as u64, SEED, 1].map(|number| number.to_string()));
    command.args(
        job.registers
            .iter()
            .map(|(offset, value)| format!("{offset}={value}")),
    );
    let output = command.output()?;
    let text = String::from_utf8(output.stdout)?;
    let mut words = text.split_whitespace();
    let mut word = || words.next().ok_or("the plain loop failed");
    Ok(Round {
        clocks: word()?.parse()?,
        time: Duration::from_nanos(word()?.parse()?),
        sum: u64::from_str_radix(word()?, 16)?,
    })
}

fn engine(job: &Job, library: &ModelLibrary, checkers: bool) -> Result<Round, Failure> {
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
    let config = EngineConfig {
        checkers,
        ..EngineConfig::default()
    };
    let mut engine = Engine::new(config, memory);
    engine.add(library, &job.top, UnitOptions::default())?;
    engine.reset()?;
    for (offset, value) in &job.registers {
        engine.write_register(0, *offset, *value)?;
    }
    engine.set_running(true);
    let begin = engine.counters().clocks;
    let start = processor_time();
    let end = engine.run_until(u64::MAX, |engine| engine.interrupt(0))?;
    let time = processor_time() - start;
    assert_eq!(end, RunEnd::Reached);
    engine.memory().read(0, &mut bytes)?;
    let fold = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    Ok(Round {
        clocks: engine.counters().clocks - begin,
        time,
        sum: bytes.iter().fold(0xcbf2_9ce4_8422_2325, fold),
    })
}

fn main() -> Result<(), Failure> {
    let job = job()?;
    let dir = tempfile::tempdir()?;
    let program = plain_loop(&job, dir.path())?;
    let (full, bare) = (model(&job, true)?, model(&job, false)?);
    let names = [
        "plain C++ loop",
        "engine, checkers on",
        "engine, checkers off",
        "engine, checkers on, model without waves and save",
    ];
    let mut rates = [const { Vec::new() }; 4];
    let mut sums = Vec::new();
    for _ in 0..ROUNDS {
        let rounds = [
            plain(&job, &program)?,
            engine(&job, &full, true)?,
            engine(&job, &full, false)?,
            engine(&job, &bare, true)?,
        ];
        for (rates, round) in rates.iter_mut().zip(&rounds) {
            rates.push(round.rate());
            sums.push(round.sum);
        }
    }
    assert!(
        sums.iter().all(|sum| *sum == sums[0]),
        "all leave the same memory"
    );
    let ratios = |index: usize| -> Vec<f64> {
        let mut ratios: Vec<f64> = rates[index]
            .iter()
            .zip(&rates[0])
            .map(|(rate, plain)| rate / plain)
            .collect();
        ratios.sort_by(f64::total_cmp);
        ratios
    };
    for (index, name) in names.iter().enumerate() {
        let best = rates[index].iter().copied().fold(0.0, f64::max);
        let ratios = ratios(index);
        println!(
            "{name}: {:.2} MHz at best, {:.3} of plain (median; {:.3} to {:.3})",
            best / 1e6,
            ratios[ROUNDS / 2],
            ratios[0],
            ratios[ROUNDS - 1]
        );
    }
    Ok(())
}
