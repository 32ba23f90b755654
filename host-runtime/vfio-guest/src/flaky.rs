//! A card that suffers what `scripts/test-vfio` has its server inject: the driver finds it out by the kernel's VFIO, brings the
//! card back, and says so when there is no card any more.
//!
//! The faults strike in this order: a kernel that hangs, in the first run; then, some transfers later, the link.

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
        "flaky: a card whose link goes down is lost, and the next opening finds it well",
        link,
    ),
];

/// Runs after which the link must have gone down: each transfers a few times.
const MOST_RUNS: usize = 60;

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
    let expected = judge("software:0")?;
    let name = name(card);
    let validate = ["validate", SAMPLE, "--profile", "wide", "--card", &name];
    let said = (0..MOST_RUNS).find_map(|_| {
        let output = fpga_ctl(&validate, None).output();
        let output = output.context("fpga-ctl could not be started");
        match output {
            Ok(output) if output.status.success() => None,
            Ok(output) => Some(Ok(String::from_utf8_lossy(&output.stderr).into_owned())),
            Err(error) => Some(Err(error)),
        }
    });
    match said {
        Some(said) => {
            let said = said?;
            ensure!(said.contains("does not answer any more"), "it says {said}");
        }
        None => bail!("the link did not go down in {MOST_RUNS} runs"),
    }
    // The kernel resets a function when it is closed, and that trains the link anew.
    ensure!(
        judge(&name)? == expected,
        "the card and the software device do not agree"
    );
    Ok(())
}
