//! What a launch costs beside its simulated clocks: through the runtime, and through XRT and the shim; what moving data
//! costs beside memcpy; and what several compute units cost beside one.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bitstreams::link::{Config, KernelSource, Linker};
use cosim::Cache;
use host_runtime::bitstreams::{Bitstream, ComputeUnit, ImageBuilder};
use host_runtime::tcp::random::RandomDescriptors;
use host_runtime::tcp::{Descriptor, Options, Policy};
use host_runtime::{
    Card, CardId, Direction, Image, KERNEL, OpenOptions, SimulatedTime, TrustOptions, XrtShim,
};

use crate::report::{Bound, Report};

/// Launches that are timed together.
const LAUNCHES: u32 = 10_000;

/// Microseconds of a launch through the runtime, beyond its clocks.
const DIRECT: f64 = 2.0;

/// Bytes of the large transfer.
const TRANSFER: usize = 256 << 20;

/// Descriptors that each compute unit judges.
const JUDGED: usize = 200_000;

const PATIENCE: Duration = Duration::from_secs(300);

/// Measures all of it. Needs XRT for a part, which is left out with a word without it.
pub(crate) fn measure(report: &mut Report, rounds: u32) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let options = OpenOptions {
        purpose: "a benchmark".to_owned(),
        state_folder: Some(folder.path().join("state")),
        trust: TrustOptions {
            folder: Some(folder.path().join("trust")),
            ..TrustOptions::default()
        },
        ..OpenOptions::default()
    };
    let xclbin = folder.path().join("empty.xclbin");
    build_empty(&xclbin, &folder.path().join("trust"))?;
    let card = Card::open_with(CardId::Simulated(0), &options)?;
    card.program(&Image::new(host_runtime::bitstreams::Xclbin::read(
        &xclbin,
    )?)?)?;
    let clocking = direct(report, &card, rounds)?;
    transfer(report, &card, rounds)?;
    card.close()?;
    through_xrt(report, folder.path(), &xclbin, clocking, rounds)?;
    units(report, &options, rounds)
}

fn build_empty(xclbin: &Path, trust: &Path) -> Result<()> {
    let linker = Linker {
        kernels: vec![KernelSource {
            description: Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("rtl/empty.toml")),
            ..KernelSource::default()
        }],
        config: Config::default(),
        waves: false,
        trust_folder: Some(trust.to_owned()),
        ..Linker::default()
    };
    let linked = linker.link(&Cache::user()?)?;
    Ok(std::fs::write(xclbin, linked.image.as_bytes())?)
}

fn time(card: &Card) -> Result<SimulatedTime> {
    card.simulated_time().context("the card is simulated")
}

/// Launches through the runtime; the nanoseconds of clocking that one takes.
fn direct(report: &mut Report, card: &Card, rounds: u32) -> Result<f64> {
    let kernel = card.kernel("empty")?;
    let mut run = kernel.run();
    let mut launch = || -> Result<()> {
        run.start()?;
        Ok(run.wait(PATIENCE)?)
    };
    for _ in 0..100 {
        launch()?;
    }
    let mut beyond = Vec::new();
    let mut clocking = Vec::new();
    let mut clocks = 0;
    for _ in 0..rounds {
        let (begin, before) = (Instant::now(), time(card)?);
        for _ in 0..LAUNCHES {
            launch()?;
        }
        let (elapsed, after) = (begin.elapsed(), time(card)?);
        let clocked = after.clocking - before.clocking;
        clocks = (after.clocks - before.clocks) / u64::from(LAUNCHES);
        beyond.push((elapsed - clocked).as_secs_f64() * 1e6 / f64::from(LAUNCHES));
        clocking.push(clocked.as_secs_f64() * 1e9 / f64::from(LAUNCHES));
    }
    clocking.sort_by(f64::total_cmp);
    let clocking = clocking[clocking.len() / 2];
    report.median(
        "launch of an empty kernel through the runtime: microseconds beyond its clocks",
        beyond,
        Bound::AtMost(DIRECT),
        format!("{clocks} clocks take {:.2} us more", clocking / 1e3),
    );
    Ok(clocking)
}

/// Launches through XRT, in a program of its own.
fn through_xrt(
    report: &mut Report,
    folder: &Path,
    xclbin: &Path,
    clocking: f64,
    rounds: u32,
) -> Result<()> {
    let shim = match XrtShim::find() {
        Ok(shim) if shim.has_library() => shim,
        Ok(_) => {
            println!(
                "left out, launches through XRT: the shim was not built (scripts/build-xrt-shim)"
            );
            return Ok(());
        }
        Err(error) => {
            println!("left out, launches through XRT: {error}");
            return Ok(());
        }
    };
    let program = folder.join("launch");
    let compiled = Command::new("g++")
        .args(["-std=c++17", "-O2", "-pthread", "-I"])
        .arg(shim.folder().join("include"))
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("cpp/launch.cpp"))
        .arg("-o")
        .arg(&program)
        .arg("-L")
        .arg(shim.folder().join("lib"))
        .arg("-lxrt_coreutil")
        .status()?;
    ensure!(compiled.success(), "cpp/launch.cpp does not compile");
    let (mut ratios, mut launches, mut trips) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let output = Command::new(&program)
            .arg(xclbin)
            .arg(LAUNCHES.to_string())
            .envs(shim.variables())
            .env("FPGA_STATE_DIR", folder.join("xrt-state"))
            .env("FPGA_TRUST_DIR", folder.join("trust"))
            .current_dir(folder)
            .output()?;
        let text = String::from_utf8(output.stdout)?;
        ensure!(
            output.status.success(),
            "cpp/launch.cpp failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let mut figures = text.split_whitespace().map(str::parse::<f64>);
        let mut next = || figures.next().context("cpp/launch.cpp printed too little");
        let (launch, trip) = (next()??, next()??);
        ratios.push((launch - clocking) / trip);
        launches.push(launch);
        trips.push(trip);
    }
    let middle = |values: &mut Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2] / 1e3
    };
    report.median(
        "launch of an empty kernel through XRT: futex round trips beyond its clocks",
        ratios,
        Bound::AtMost(1.0),
        format!(
            "{:.2} us with its clocks; a round trip takes {:.2} us",
            middle(&mut launches),
            middle(&mut trips)
        ),
    );
    Ok(())
}

/// A large sync in each direction beside memcpy.
fn transfer(report: &mut Report, card: &Card, rounds: u32) -> Result<()> {
    let mut buffer = card.allocate(0, TRANSFER)?;
    let mut other = vec![1_u8; TRANSFER];
    buffer.map_mut().fill(2);
    buffer.sync(Direction::ToDevice)?;
    for (direction, name) in [
        (Direction::ToDevice, "to the card"),
        (Direction::FromDevice, "from the card"),
    ] {
        let mut ratios = Vec::new();
        let mut rate = 0.0;
        for _ in 0..rounds {
            let begin = Instant::now();
            other.copy_from_slice(buffer.map());
            std::hint::black_box(&other);
            let copied = begin.elapsed().as_secs_f64();
            let begin = Instant::now();
            buffer.sync(direction)?;
            let synced = begin.elapsed().as_secs_f64();
            ratios.push(copied / synced);
            rate = TRANSFER as f64 / synced / 1e9;
        }
        report.median(
            format!("sync of 256 MiB {name}, beside memcpy"),
            ratios,
            Bound::AtLeast(0.8),
            format!("{rate:.1} GB/s"),
        );
    }
    Ok(())
}

/// The wall time of a simulated clock with four compute units at work, beside one.
fn units(report: &mut Report, options: &OpenOptions, rounds: u32) -> Result<()> {
    let mut ratios = Vec::new();
    let mut rate = 0.0;
    for _ in 0..rounds {
        let one = clock_of(options, 1)?;
        let four = clock_of(options, 4)?;
        ratios.push(four / one);
        rate = 1e-6 / four;
    }
    report.median(
        "wall time of a clock with four compute units at work, beside one",
        ratios,
        Bound::AtMost(4.0),
        format!("four units: {rate:.2} MHz"),
    );
    Ok(())
}

/// Seconds of a clock while so many units, which are all the card has, judge descriptors.
fn clock_of(options: &OpenOptions, units: u64) -> Result<f64> {
    let state = tempfile::tempdir()?;
    let options = OpenOptions {
        state_folder: Some(state.path().to_owned()),
        ..options.clone()
    };
    let card = Card::open_with(CardId::Simulated(0), &options)?;
    card.program(&validators(units, &options)?)?;
    let descriptors: Vec<Descriptor> =
        RandomDescriptors::new(3, Options::default(), &Policy::reset_default())
            .take(JUDGED)
            .collect();
    let mut input = card.allocate(0, JUDGED * size_of::<Descriptor>())?;
    for (bytes, descriptor) in input.map_mut().chunks_exact_mut(24).zip(&descriptors) {
        bytes.copy_from_slice(&descriptor.0);
    }
    input.sync(Direction::ToDevice)?;
    let mut runs = Vec::new();
    let mut outputs = Vec::new();
    for unit in 1..=units {
        let kernel = card.kernel(&format!("{KERNEL}:{KERNEL}_{unit}"))?;
        let output = card.allocate(1, JUDGED)?;
        let mut run = kernel.run();
        run.set_buffer(0, &input)?;
        run.set_buffer(1, &output)?;
        run.set_scalar(2, JUDGED as u64)?;
        outputs.push(output);
        runs.push(run);
    }
    let (begin, before) = (Instant::now(), time(&card)?);
    for run in &mut runs {
        run.start()?;
    }
    for run in &mut runs {
        run.wait(PATIENCE)?;
    }
    let (elapsed, after) = (begin.elapsed(), time(&card)?);
    drop(runs);
    card.abandon()?;
    Ok(elapsed.as_secs_f64() / (after.clocks - before.clocks) as f64)
}

/// An image with so many of the default image's compute units, signed by the benchmark's own key.
fn validators(units: u64, options: &OpenOptions) -> Result<std::sync::Arc<Image>> {
    use host_runtime::bitstreams::trust::{LOCAL_KEY, TrustStore};

    let default = Image::default_image()?;
    let Some(Bitstream::Model(model)) = default.xclbin().bitstream() else {
        anyhow::bail!("the default image holds no model");
    };
    let banks = default.xclbin().mem_topology()?.unwrap_or_default().banks;
    let mut builder = ImageBuilder::new(default.platform(), model.to_vec());
    for bank in banks {
        builder = builder.bank(bank);
    }
    let unit = |index: u64| ComputeUnit {
        name: format!("{KERNEL}_{}", index + 1),
        base_address: 0x180_0000 + index * 0x1_0000,
        connections: vec![(0, 0), (1, 1)],
    };
    let kernel = default.kernels()[0].clone();
    let image = builder
        .kernel(kernel, (0..units).map(unit).collect())
        .build()?;
    let key = TrustStore::open(options.trust.folder.as_deref())?.secret(LOCAL_KEY)?;
    Ok(Image::new(image.signed(&key)?)?)
}
