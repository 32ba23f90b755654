//! The card's own RTL, simulated: by this project's runtime and by cocotb, both on Verilator.

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, ensure};
use host_runtime::tcp::{Checksum, Output, Policy};
use host_runtime::{Card, CardId, OpenOptions, Validator};
use peers::workload;

use crate::cache::contender;
use crate::measure::{Contender, Field};
use crate::process::Job;
use crate::results::{Side, Unit};
use crate::tools::Tools;

/// Descriptors of a run by cocotb, and by the runtime: both long enough that starting it does not count.
const BY_COCOTB: usize = 1000;
const BY_RUNTIME: usize = 100_000;

pub(crate) fn field(tools: &Tools, state: &Path) -> Field {
    let mut field = Field::new(
        "card",
        "The simulated card",
        "The same RTL at 512 bits, simulated by Verilator; a run from its start to its interrupt.",
        Unit::NanosecondsEach,
        "runtime",
    );
    let (options, policy) = (workload::options(Checksum::Crc32), Policy::reset_default());
    let descriptors = workload::descriptors(BY_COCOTB, options, &policy);
    let job = Job {
        descriptors: &descriptors,
        options,
        policy: &policy,
    };
    let what = "cocotb";
    field.add(what, contender("cocotb", what, tools.cocotb(job)));
    field.add("simulated card", runtime(state));
    field
}

fn runtime(state: &Path) -> Result<Contender> {
    let open = OpenOptions {
        purpose: "a benchmark".to_owned(),
        state_folder: Some(state.to_owned()),
        ..OpenOptions::default()
    };
    let card = Card::open_with(CardId::Simulated(0), &open)?;
    let (options, policy) = (workload::options(Checksum::Crc32), Policy::reset_default());
    let descriptors = workload::descriptors(BY_RUNTIME, options, &policy);
    let expected = workload::expected(&descriptors, options, &policy);
    let mut validator = Validator::new(&card)?;
    let report = validator.validate(&descriptors)?;
    ensure!(
        report.verdicts(Output::Verdicts).eq(expected),
        "its verdicts are not those of the golden model"
    );
    Ok(Contender::one(
        Side::Ours,
        "runtime",
        "this runtime",
        move |_| {
            let begin = Instant::now();
            validator.validate(&descriptors)?;
            Ok(begin.elapsed().as_nanos() as f64 / BY_RUNTIME as f64)
        },
    ))
}
