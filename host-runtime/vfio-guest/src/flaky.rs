//! A card that suffers what `scripts/test-vfio` has its server inject: the driver finds it out by the kernel's VFIO, brings the
//! card back, and says so when there is no card any more.
//!
//! The faults strike in this order: a kernel that hangs, in the first run; then, some transfers later, the link.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use anyhow::{Context as _, Result, bail, ensure};

use crate::Test;
use crate::card::TestCard;
use crate::programs::{SAMPLE, fpga_ctl, judge, run};

pub(crate) const TESTS: &[Test<TestCard>] = &[
    (
        "flaky: the command that the error says gives the function to vfio-pci",
        TestCard::binding,
    ),
    (
        "flaky: a run that hangs is ended and done again, with right answers",
        hang,
    ),
    (
        "flaky: a card whose link goes down is lost, and the driver says so",
        link,
    ),
];

/// Runs after which the link must have gone down: each transfers a few times.
const MOST_RUNS: usize = 60;

/// What the driver logs as soon as it knows.
const LOST: &str = "does not answer any more";

fn name(card: &TestCard) -> String {
    format!("pcie:{}", card.address())
}

fn hang(card: &TestCard) -> Result<()> {
    run(&["sample", "--profile", "wide", "--output", SAMPLE])?;
    let expected = judge("software:0")?;
    let name = name(card);
    let verdicts = "/tmp/recovered.bin";
    let validate = ["validate", SAMPLE, "--profile", "wide", "--detail"];
    let how = ["--output", verdicts, "--timeout", "2", "--card", &name];
    let output = run(&[&validate[..], &how].concat())?;
    ensure!(
        std::fs::read(verdicts)? == expected,
        "the card and the software device do not agree"
    );
    let info = run(&["info", "--json", "--card", &name])?;
    let info = String::from_utf8_lossy(&info.stdout).into_owned();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        info.contains("\"troubles\": 1") || info.contains("\"troubles\":1"),
        "no trouble is counted: {info}; it said {said}"
    );
    Ok(())
}

fn link(card: &TestCard) -> Result<()> {
    let name = name(card);
    let validate = ["validate", SAMPLE, "--profile", "wide", "--card", &name];
    for _ in 0..MOST_RUNS {
        let mut child = fpga_ctl(&validate, None)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("fpga-ctl could not be started")?;
        let said = BufReader::new(child.stderr.take().context("it has a standard error")?);
        let mut lines = Vec::new();
        for line in said.lines() {
            lines.push(line?);
            if lines.iter().any(|line| line.contains(LOST)) {
                // It ends later: closing a function resets it, and Linux waits a minute for one that does not answer.
                return Ok(());
            }
        }
        ensure!(child.wait()?.success(), "it says {lines:?}");
    }
    bail!("the link did not go down in {MOST_RUNS} runs")
}
