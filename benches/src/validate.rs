//! Validation on the simulated card as a user has it: where the time of a large one goes, and how long a small one
//! takes from nothing to its first verdict.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use host_runtime::tcp::random::RandomDescriptors;
use host_runtime::tcp::{Descriptor, Options, Policy, Profile};
use host_runtime::{Card, CardId, OpenOptions, Validator, collection};

use crate::report::{Bound, Report};

/// Seconds from start to end of a small validation by the command line.
const START_UP: f64 = 0.3;

/// Descriptors that are drawn; the large validation repeats them.
const DRAWN: usize = 1 << 20;

pub(crate) fn measure(report: &mut Report, rounds: u32, count: usize) -> Result<()> {
    let state = tempfile::tempdir()?;
    let options = OpenOptions {
        purpose: "a benchmark".to_owned(),
        state_folder: Some(state.path().to_owned()),
        ..OpenOptions::default()
    };
    large(report, &options, count)?;
    start_up(report, rounds)
}

fn large(report: &mut Report, options: &OpenOptions, count: usize) -> Result<()> {
    let descriptors: Vec<Descriptor> =
        RandomDescriptors::new(1, Options::default(), &Policy::reset_default())
            .malformed_share(0.05)
            .take(DRAWN)
            .collect();
    let chunks =
        (0..count.div_ceil(DRAWN)).map(|chunk| &descriptors[..DRAWN.min(count - chunk * DRAWN)]);

    let card = Card::open_with(CardId::Simulated(0), options)?;
    let mut validator = Validator::new(&card)?;
    validator.validate(&descriptors[..1000])?;
    let time = |card: &Card| card.simulated_time().context("the card is simulated");
    let before = time(&card)?;
    let mut answered = 0;
    let summary = validator.validate_chunks(chunks, |piece, _| {
        answered += piece.len();
        Ok(())
    })?;
    let after = time(&card)?;
    ensure!(answered == count, "{answered} of {count} were answered");
    let clocking = (after.clocking - before.clocking).as_secs_f64();
    let elapsed = summary.elapsed.as_secs_f64();
    report.exact(
        format!("validate, {count} descriptors on simulated RTL: share of the time spent clocking"),
        clocking / elapsed,
        Bound::AtLeast(0.90),
        format!(
            "{:.2} M descriptors/s, {:.2} MHz simulated",
            count as f64 / elapsed / 1e6,
            (after.clocks - before.clocks) as f64 / elapsed / 1e6
        ),
    );
    Ok(())
}

/// The command line, from process start to process end, on a card that was never used and on one that was.
fn start_up(report: &mut Report, rounds: u32) -> Result<()> {
    let program = command_line()?;
    let folder = tempfile::tempdir()?;
    let sample = folder.path().join("sample.tcpdb");
    collection::tcpdb::write(
        &collection::sample::entries(Profile::Compact),
        0,
        &mut std::fs::File::create(&sample)?,
    )?;
    for (what, fresh) in [("a card never used", true), ("a card in use", false)] {
        let mut seconds = Vec::new();
        for round in 0..rounds + 1 {
            let state = folder.path().join(if fresh {
                format!("state-{round}")
            } else {
                "state".to_owned()
            });
            let begin = Instant::now();
            let status = Command::new(&program)
                .args(["validate", "--card", "sim:0"])
                .arg(&sample)
                .env("FPGA_STATE_DIR", &state)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()?;
            ensure!(status.success(), "fpga-ctl validate ended with {status}");
            // The first one warms the file cache.
            if round > 0 {
                seconds.push(begin.elapsed().as_secs_f64());
            }
        }
        report.median(
            format!("fpga-ctl validate, {what}: seconds from start to end"),
            seconds,
            Bound::AtMost(START_UP),
            "the whole sample database",
        );
    }
    Ok(())
}

/// fpga-ctl, built beside this program.
fn command_line() -> Result<PathBuf> {
    let program = std::env::current_exe()?.with_file_name("fpga-ctl");
    if !program.exists() {
        bail!(
            "{} is not there: `cargo build --release -p fpga-ctl` first",
            program.display()
        );
    }
    Ok(program)
}
