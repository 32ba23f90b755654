//! `xbutil validate`: tests that show whether a device works: its memory, and a kernel's answers.

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use clap::{Args, ValueEnum};
use host_runtime::collection::sample;
use host_runtime::tcp::{Descriptor, Profile};
use host_runtime::{Card, Direction, Image, KERNEL, SharedImage, Validator};
use indicatif::BinaryBytes;
use serde_json::{Value, json};

use super::Globals;
use super::device::{Device, DeviceArg, shell};
use crate::output_file;
use crate::stdout::Stdout;

const AFTER_HELP: &str = "\
A device without the kernel tcp_validator is loaded with the default xclbin for the test, and gets its own back.

Examples:
  xbutil validate -d 0
  xbutil validate -d 0 -r dma
  xbutil validate -d 0 -f json -o validate.json";

/// Bytes that the memory test moves to each bank and back.
const BLOCK: usize = 16 << 20;

/// Arguments of `validate`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct ValidateArgs {
    #[command(flatten)]
    device: DeviceArg,
    /// Tests to run
    #[arg(short, long, value_enum, num_args = 1.., default_value = "all", value_name = "TEST")]
    run: Vec<Test>,
    /// Format of the output file
    #[arg(short, long, value_parser = ["JSON", "JSON-2020.2"], ignore_case = true, requires = "output")]
    format: Option<String>,
    /// File for the results as JSON; an existing one is replaced with --force only
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Test {
    /// All tests
    All,
    /// All tests
    Quick,
    /// Judge the sample descriptors with the kernel tcp_validator, and compare with the golden model
    Verify,
    /// Write each memory bank, read it back, and compare
    Dma,
}

impl Test {
    fn name(self) -> &'static str {
        match self {
            Self::Dma => "dma",
            _ => "verify",
        }
    }

    fn description(self) -> &'static str {
        match self {
            Self::Dma => "Run a test that moves data between host and card memory",
            _ => "Run the 'tcp_validator' kernel test",
        }
    }

    fn run(self, device: Device, card: &Card) -> Result<Vec<String>> {
        match self {
            Self::Dma => dma(card),
            _ => verify(device, card),
        }
    }
}

/// Runs `validate`.
pub(super) fn run(globals: &Globals, args: &ValidateArgs) -> Result<()> {
    if let Some(path) = args.output.as_ref().filter(|path| path.exists()) {
        ensure!(
            globals.force,
            "the output file {} exists: remove it, or replace it with --force",
            path.display()
        );
    }
    let device = args.device.find()?;
    let card = device.open("xbutil validate")?;
    let result = run_tests(args, device, &card);
    let closed = card.close();
    let (results, failed) = result?;
    closed.context("the card's state could not be stored")?;
    if let Some(path) = &args.output {
        let report = json!({
            "schema_version": { "schema": "JSON" },
            "logical_devices": [results],
        });
        let mut bytes = serde_json::to_vec_pretty(&report)?;
        bytes.push(b'\n');
        output_file::write(path, &bytes).context("the results were not written")?;
    }
    match failed {
        0 => Ok(()),
        count => bail!("validation failed: {count} of the tests did not pass"),
    }
}

fn run_tests(args: &ValidateArgs, device: Device, card: &Card) -> Result<(Value, usize)> {
    let tests: Vec<Test> = [Test::Verify, Test::Dma]
        .into_iter()
        .filter(|test| {
            let all = [Test::All, Test::Quick];
            args.run
                .iter()
                .any(|asked| asked == test || all.contains(asked))
        })
        .collect();
    let address = device.address();
    let platform = shell(card.image().as_deref()).to_owned();
    let mut out = Stdout::new();
    writeln!(out, "Validate Device           : [{address}]")?;
    writeln!(out, "    Platform              : {platform}")?;
    let rule = "-".repeat(79);
    writeln!(out, "{rule}")?;
    let mut results = Vec::new();
    let mut failed = 0;
    for (index, test) in tests.into_iter().enumerate() {
        let title = format!("Test {} [{address}]", index + 1);
        writeln!(out, "{title:<26}: {}", test.name())?;
        out.flush()?;
        let (status, details) = match test.run(device, card) {
            Ok(details) => ("passed", details),
            Err(error) => {
                failed += 1;
                ("failed", vec![format!("{error:#}")])
            }
        };
        for detail in &details {
            writeln!(out, "    Details               : {detail}")?;
        }
        writeln!(
            out,
            "    Test Status           : [{}]\n{rule}",
            status.to_uppercase()
        )?;
        results.push(json!({
            "name": test.name(),
            "description": test.description(),
            "status": status,
            "log": details.iter().map(|detail| json!({ "Details": detail })).collect::<Vec<_>>(),
        }));
    }
    let ending = if failed == 0 {
        "Validation completed"
    } else {
        "Validation failed"
    };
    writeln!(out, "{ending}")?;
    out.finish()?;
    let results = json!({ "device_id": address, "platform": platform, "tests": results });
    Ok((results, failed))
}

/// Every bank that has memory gets a pattern, and gives it back.
fn dma(card: &Card) -> Result<Vec<String>> {
    if card.image().is_none() {
        card.program_empty(&Image::default_image()?)?;
    }
    let image = card.image().context("the device holds no xclbin")?;
    let mut details = Vec::new();
    for (index, bank) in image.banks().iter().enumerate() {
        if bank.size == 0 {
            continue;
        }
        let len = BLOCK.min(usize::try_from(bank.size).unwrap_or(BLOCK));
        let mut buffer = card.allocate(index, len)?;
        let pattern = |at: usize| ((at >> 12) ^ at ^ index) as u8;
        for (at, byte) in buffer.map_mut().iter_mut().enumerate() {
            *byte = pattern(at);
        }
        let begin = Instant::now();
        buffer.sync(Direction::ToDevice)?;
        let to_device = begin.elapsed();
        buffer.map_mut().fill(0);
        let begin = Instant::now();
        buffer.sync(Direction::FromDevice)?;
        let from_device = begin.elapsed();
        if let Some(at) = (0..len).find(|&at| buffer.map()[at] != pattern(at)) {
            bail!(
                "bank {}: byte {at} of {len} is {:#04x} instead of {:#04x}",
                bank.name,
                buffer.map()[at],
                pattern(at)
            );
        }
        let rate = |time: std::time::Duration| {
            let bytes = len as f64 / time.as_secs_f64().max(f64::MIN_POSITIVE);
            format!("{:.1} MB/s", bytes / 1e6)
        };
        details.push(format!(
            "{}: {} there and back; host -> card {}, card -> host {}",
            bank.name,
            BinaryBytes(len as u64),
            rate(to_device),
            rate(from_device)
        ));
    }
    ensure!(
        !details.is_empty(),
        "the loaded xclbin has no memory bank to test"
    );
    Ok(details)
}

/// The kernel's answers to the sample are the golden model's.
fn verify(device: Device, card: &Card) -> Result<Vec<String>> {
    let own = card.image();
    let borrowed = own
        .as_ref()
        .filter(|image| image.kernels().iter().all(|kernel| kernel.name != KERNEL));
    if borrowed.is_some() {
        SharedImage::new(device.card, None)?.load(card, &Image::default_image()?)?;
    }
    let judged = judge(card);
    if let Some(own) = borrowed {
        card.program(own)
            .map_err(|error| anyhow!("the device could not get its xclbin back: {error}"))?;
    }
    judged
}

fn judge(card: &Card) -> Result<Vec<String>> {
    let profile = Profile::Wide;
    let descriptors: Vec<Descriptor> = sample::entries(profile)
        .into_iter()
        .map(|(_, descriptor)| descriptor)
        .collect();
    let report = Validator::new(card)?
        .profile(profile)
        .check(true)
        .validate(&descriptors)?;
    Ok(vec![format!(
        "{} descriptors judged as by the golden model, {} valid",
        descriptors.len(),
        report.summary.tally.verdicts.valid
    )])
}
