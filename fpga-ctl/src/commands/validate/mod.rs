//! `fpga-ctl validate`: files in, verdicts out.

mod input;
mod listing;
mod report;
mod rows;
mod sinks;
mod text;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::{Args, ValueEnum, value_parser};
use host_runtime::tcp::{Checksum, Decision, Output, PolicyFile, PolicySlot, Profile, Tally};
use host_runtime::{Access, CancelToken, Card, PolicyChoice, Recovery, Validator};

use crate::choices;
use crate::cli::JsonFlag;
use crate::context::{Context, abandon};
use crate::faults;
use crate::interrupt::{self, interruptible};
use crate::output_file::OutputFile;
use crate::simulation::SimulationArgs;
use crate::stdout::Stdout;
pub(crate) use input::Input;
use report::Report;
use sinks::Sinks;

const AFTER_HELP: &str = "\
A file holds packed 24-byte descriptors, a TCPDB database, lines of 48 hex digits with an optional name, or \
JSON in which each string of 48 hex digits is a descriptor; which one is told by its content.

Exit status: 0 done, 1 --fail-on found what it looks for, 2 an error (then there is no output file, and the \
card's stored state is as before).

Examples:
  fpga-ctl validate sample.tcpdb --profile wide
  fpga-ctl validate tools.json --fail-on approval --json
  producer | fpga-ctl validate - --output verdicts.bin
  fpga-ctl validate sample.tcpdb --profile wide --waves run.fst --stalls 30 --seed 7
  fpga-ctl validate sample.tcpdb --profile wide --fault axi-error:on=read,at=3";

/// Descriptors listed unless told otherwise.
const DEFAULT_LIMIT: usize = 20;

/// Arguments of `validate`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ValidateArgs {
    /// Files of descriptors; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How descriptors are laid out and checked
    #[arg(long, value_parser = choices::profile(), default_value = "compact")]
    profile: Profile,
    /// Another checksum than the profile's
    #[arg(long, value_parser = choices::checksum())]
    checksum: Option<Checksum>,
    /// Policy that decides: a TOML file, or a slot of the card, 0 to 15 [default: the profile's]
    #[arg(long, value_name = "FILE.toml|SLOT")]
    policy: Option<String>,
    /// Write the verdicts into this file, a byte for each descriptor
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Ask for detail words: --output gets four bytes for each descriptor, little-endian
    #[arg(long)]
    detail: bool,
    /// What to print
    #[arg(long, value_enum, default_value = "table", conflicts_with = "json")]
    format: ReportFormat,
    #[command(flatten)]
    json: JsonFlag,
    /// Exit with 1 if any descriptor is at least this bad; malformed is worst
    #[arg(long, value_enum, value_name = "SEVERITY")]
    fail_on: Option<FailOn>,
    /// Compare every verdict with the golden model, and stop at the first difference
    #[arg(long)]
    check: bool,
    /// How far a card in trouble is brought back, and what was under way done again: none, abort, soft-reset or reprogram
    #[arg(long, value_name = "RUNG|none", default_value_t)]
    recover: Recovery,
    /// List at most this many descriptors, the worst first
    #[arg(long, value_name = "COUNT", default_value_t = DEFAULT_LIMIT)]
    limit: usize,
    /// List every descriptor, in the order of the files
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    /// Seconds to wait at most for 131072 descriptors
    #[arg(long, value_name = "SECONDS", value_parser = value_parser!(u64).range(1..=86_400), default_value_t = 300)]
    timeout: u64,
    #[command(flatten)]
    simulation: SimulationArgs,
}

/// What to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For people: the worst descriptors, the counts, the speed.
    Table,
    /// For programs: one object, docs/json.md.
    Json,
    /// A line for each descriptor.
    Csv,
}

/// What `--fail-on` looks for. Malformed is the worst: nothing is known of such a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum FailOn {
    /// CAUTION, REQUIRE_APPROVAL, REJECT, or malformed.
    Caution,
    /// REQUIRE_APPROVAL, REJECT, or malformed.
    Approval,
    /// REJECT, or malformed.
    Reject,
    /// Malformed only.
    Malformed,
}

impl FailOn {
    fn is_found(self, tally: &Tally) -> bool {
        let mildest = match self {
            Self::Caution => Some(Decision::Caution),
            Self::Approval => Some(Decision::RequireApproval),
            Self::Reject => Some(Decision::Reject),
            Self::Malformed => None,
        };
        let decided = mildest.is_some_and(|mildest| {
            let bad = Decision::ALL.into_iter().filter(|&d| d >= mildest);
            bad.map(|decision| tally.verdicts.decided(decision))
                .any(|count| count > 0)
        });
        decided || tally.verdicts.valid < tally.verdicts.descriptors
    }
}

impl ValidateArgs {
    pub(crate) fn format(&self) -> ReportFormat {
        if self.json.json {
            ReportFormat::Json
        } else {
            self.format
        }
    }

    /// What the card is asked for. Only detail words tell why a listed descriptor is malformed.
    fn answers(&self) -> Output {
        let lists = self.all || self.limit > 0 || self.format() == ReportFormat::Csv;
        if self.detail || lists {
            Output::Details
        } else {
            Output::Verdicts
        }
    }
}

/// The policy as it was asked for.
#[derive(Debug)]
enum PolicySource {
    Profile,
    Slot(PolicySlot),
    File(PathBuf, PolicyFile),
}

impl PolicySource {
    fn read(args: &ValidateArgs) -> Result<Self> {
        let Some(text) = &args.policy else {
            return Ok(Self::Profile);
        };
        if let Ok(slot) = text.parse() {
            return Ok(Self::Slot(PolicySlot::new(slot)?));
        }
        let path = PathBuf::from(text);
        ensure!(
            text != "-" || !args.files.contains(&path),
            "standard input (-) can be read once only"
        );
        let file = super::policy::read_file(&path, args.profile)?;
        ensure!(
            file.profile == args.profile,
            "{text} is a policy for the {0} profile, and the descriptors are to be read as {1}; add --profile \
             {0}, or change the file",
            file.profile,
            args.profile,
        );
        Ok(Self::File(path, file))
    }

    fn choice(&self) -> PolicyChoice {
        match self {
            Self::Profile => PolicyChoice::OfProfile,
            Self::Slot(slot) => PolicyChoice::Slot(*slot),
            Self::File(_, file) => PolicyChoice::Given(file.policy),
        }
    }
}

/// Runs `validate`.
pub(crate) fn run(context: &Context, args: &ValidateArgs) -> Result<ExitCode> {
    // All that can be refused is refused before the card is touched.
    let policy = PolicySource::read(args)?;
    let cancel = interrupt::watch()?;
    tracing::info!(files = ?args.files, "reading descriptors");
    let files = args.files.clone();
    let inputs = interruptible(&cancel, move || input::read_all(&files))?;
    let id = context.card();
    let mut options = context.options("validate", Access::Shared);
    options.simulation = args.simulation.options(id)?;
    options.recovery = args.recover;

    let job = Job {
        context,
        args,
        inputs: &inputs,
        policy: &policy,
        cancel,
    };
    let card = Card::open_with(id, &options)?;
    let done = job.run(&card);
    faults::tell(&options.simulation.faults);
    let (report, output) = match done {
        Ok(done) => done,
        Err(error) => return Err(abandon(card, error)),
    };
    card.close()
        .context("the verdicts are right, but the card's state could not be stored")?;
    if let Some(output) = output {
        output.commit()?;
    }
    if let Some(waves) = args
        .simulation
        .waves
        .as_deref()
        .filter(|path| !path.exists())
    {
        tracing::warn!(
            "there are no waves in {}: the run has no clock from --waves-from to --waves-to",
            waves.display()
        );
    }
    job.print(&report)?;
    let failed = args
        .fail_on
        .is_some_and(|fail_on| fail_on.is_found(&report.tally));
    Ok(ExitCode::from(u8::from(failed)))
}

/// One call of `validate`, with all its inputs read.
struct Job<'a> {
    context: &'a Context,
    args: &'a ValidateArgs,
    inputs: &'a [Input],
    policy: &'a PolicySource,
    cancel: CancelToken,
}

impl<'a> Job<'a> {
    fn run(&self, card: &Card) -> Result<(Report<'a>, Option<OutputFile>)> {
        let args = self.args;
        let mut validator = Validator::new(card)?
            .profile(args.profile)
            .policy(self.policy.choice())
            .output(args.answers())
            .check(args.check)
            .timeout(Duration::from_secs(args.timeout))
            .cancel(self.cancel.clone());
        if let Some(checksum) = args.checksum {
            validator = validator.checksum(checksum);
        }
        let mut report = Report::new(card, args, self.policy, &validator)?;
        let mut sinks = Sinks::new(args, self.context.globals.quiet, self.inputs)?;
        for (index, input) in self.inputs.iter().enumerate() {
            sinks.begin_file(index, input);
            let chunks = [input.collection.descriptors()];
            let mut refused = None;
            let result = validator.validate_chunks(chunks, |_, answers| {
                sinks.take(answers).map_err(|error| {
                    let told = host_runtime::Error::Input(error.to_string());
                    refused = Some(error);
                    told
                })
            });
            // The sinks' own error says more than what passed through the library.
            let summary = match (result, refused) {
                (_, Some(error)) => return Err(error),
                (result, None) => result.map_err(|error| self.explain(error, input))?,
            };
            report.add(&summary);
        }
        let (listing, output) = sinks.finish()?;
        report.listing = listing;
        report.failed = args.fail_on.map(|fail_on| fail_on.is_found(&report.tally));
        Ok((report, output))
    }

    /// Adds which file it was, where that is not clear.
    fn explain(&self, error: host_runtime::Error, input: &Input) -> anyhow::Error {
        let about_a_descriptor = matches!(error, host_runtime::Error::Mismatch { .. });
        let error = anyhow::Error::from(error);
        if about_a_descriptor && self.inputs.len() > 1 {
            error.context(format!("in {}", input.label))
        } else {
            error
        }
    }

    fn print(&self, report: &Report<'_>) -> Result<()> {
        let mut out = Stdout::new();
        match self.args.format() {
            ReportFormat::Table => text::write(&mut out, report, self.inputs)?,
            ReportFormat::Json => out.json(&report.to_json(self.inputs))?,
            // The rows were written as they came.
            ReportFormat::Csv => {}
        }
        out.finish()
    }
}
