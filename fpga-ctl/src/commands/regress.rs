//! `fpga-ctl regress`: a list of tests by seeds, in parallel, with reports for machines and for people.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use clap::{Args, value_parser};
use regress::history::Run;
use regress::{Extent, History, Outcome, Plan, Regression, Report, Verdict, junit, page};
use serde::Serialize;

use crate::cli::JsonFlag;
use crate::context::Context;
use crate::interrupt;
use crate::output_file;
use crate::stderr;
use crate::stdout::Stdout;

const AFTER_HELP: &str = "\
The list is a TOML file: a name and a command for each test, with {seed} in it if the test is a random one. The commands run in \
the current folder. A test that fails tells the one command that repeats it; what it said, and its waves if it can record them, \
are kept. Into the folder of --output go junit.xml for CI servers, index.html for people, with what became of each test over the \
runs, and history.jsonl, which that is drawn from. Exit status 1 if a test failed.

Examples:
  fpga-ctl regress
  fpga-ctl regress --seeds 10 --only queue/
  fpga-ctl regress --for 8h
  fpga-ctl regress --json | jq -r '.outcomes[] | select(.verdict != \"passed\") | .command'";

/// Arguments of `regress`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct RegressArgs {
    /// The list of tests
    #[arg(value_name = "FILE", default_value = "hdl/regress.toml")]
    plan: PathBuf,
    /// Only the tests whose names contain this; may be given several times
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,
    /// Seeds for each random test
    #[arg(long, value_name = "COUNT", value_parser = value_parser!(u64).range(1..=1_000_000), default_value_t = 1)]
    seeds: u64,
    /// The first seed [default: 1; with --for, one that no run before had]
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
    /// Go on with new seeds for so long, say 90m or 8h
    #[arg(long = "for", value_name = "DURATION", value_parser = humantime::parse_duration, conflicts_with = "seeds")]
    span: Option<Duration>,
    /// Tests at a time [default: the processors of this machine]
    #[arg(long, value_name = "COUNT", value_parser = value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Where reports, the history and failures go
    #[arg(long, value_name = "FOLDER", default_value = "target/regress")]
    output: PathBuf,
    /// List the tests, with the command of each
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    pub(crate) json: JsonFlag,
}

/// The tests, with the commands that the first seed makes.
#[derive(Serialize)]
struct Listing<'a> {
    tests: Vec<Listed<'a>>,
}

#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    command: String,
    random: bool,
    limit_s: u64,
}

/// A report, and where more of it is.
#[derive(Serialize)]
struct Reported<'a> {
    subject: &'a str,
    failed: usize,
    folder: &'a Path,
    #[serde(flatten)]
    report: &'a Report,
}

/// Runs `regress`.
pub(crate) fn run(context: &Context, args: &RegressArgs) -> Result<ExitCode> {
    let plan = Plan::read(&args.plan)?.choose(&args.only)?;
    let extent = extent(args);
    if args.list {
        list(&plan, extent, args.json.json)?;
        return Ok(ExitCode::SUCCESS);
    }
    std::fs::create_dir_all(&args.output)
        .with_context(|| format!("{} cannot be made", args.output.display()))?;
    let output = args.output.canonicalize()?;
    let history_path = output.join("history.jsonl");
    let mut history = History::read(&history_path)?;

    let cancelled = interrupt::watch()?;
    let jobs = match args.jobs {
        Some(jobs) => jobs.into(),
        None => std::thread::available_parallelism().map_or(1, usize::from),
    };
    let regression = Regression {
        plan: &plan,
        extent,
        jobs,
        root: Path::new("."),
        failures: &output.join("failures"),
    };
    let quiet = context.globals.quiet;
    let report = regression.run(&|outcome| tell(outcome, quiet), &|| {
        cancelled.is_cancelled()
    })?;

    let subject = subject();
    history.add(&history_path, Run::of(&report, &subject))?;
    let reports = [
        ("junit.xml", junit::write(&report)),
        ("index.html", page::write(&report, &history).into_bytes()),
    ];
    for (name, content) in reports {
        let path = output.join(name);
        output_file::write(&path, &content)?;
    }
    let failed = report.failures().count();
    stderr::line(format_args!(
        "{} runs, {failed} failed, in {:.0} s{}; {}",
        report.outcomes.len(),
        report.seconds,
        if report.stopped { ", stopped" } else { "" },
        output.join("index.html").display(),
    ));
    if args.json.json {
        let mut out = Stdout::new();
        out.json(&Reported {
            subject: &subject,
            failed,
            folder: &output,
            report: &report,
        })?;
        out.finish()?;
    }
    Ok(ExitCode::from(u8::from(failed > 0)))
}

fn list(plan: &Plan, extent: Extent, json: bool) -> Result<()> {
    let (Extent::Seeds { first, .. } | Extent::Time { first, .. }) = extent;
    let tests = plan.tests.iter().map(|test| Listed {
        name: &test.name,
        command: test.command_for(first),
        random: test.is_random(),
        limit_s: test.limit.as_secs(),
    });
    let listing = Listing {
        tests: tests.collect(),
    };
    let mut out = Stdout::new();
    if json {
        out.json(&listing)?;
    } else {
        for test in &listing.tests {
            writeln!(out, "{}: {}", test.name, test.command)?;
        }
    }
    out.finish()
}

fn extent(args: &RegressArgs) -> Extent {
    match args.span {
        None => Extent::Seeds {
            count: args.seeds,
            first: args.seed.unwrap_or(1),
        },
        Some(span) => Extent::Time {
            span,
            first: args.seed.unwrap_or_else(|| {
                // Rounds take seconds, so the seeds of a later run begin behind those of this one.
                let since = SystemTime::now().duration_since(UNIX_EPOCH);
                since.map_or(1, |since| since.as_secs())
            }),
        },
    }
}

/// Tells what became of one test, on standard error.
fn tell(outcome: &Outcome, quiet: bool) {
    let seed = outcome
        .seed
        .map_or(String::new(), |seed| format!(", seed {seed}"));
    let what = format!("{}{seed}", outcome.name);
    let how = match &outcome.verdict {
        Verdict::Passed if quiet => return,
        Verdict::Passed => {
            stderr::line(format_args!("ok: {what}, {:.1} s", outcome.seconds));
            return;
        }
        Verdict::Failed(how) => how.clone(),
        Verdict::TimedOut => format!("did not end within {:.0} s", outcome.seconds),
    };
    stderr::line(format_args!(
        "FAILED: {what}: {how}\n  again: {}",
        outcome.command
    ));
    if let Some(folder) = &outcome.folder {
        stderr::line(format_args!("  kept: {}", folder.display()));
    }
}

/// What is tested: the commit, and whether anything is changed; nothing outside of a repository.
fn subject() -> String {
    let described = Command::new("git")
        .args(["describe", "--always", "--dirty"])
        .output();
    match described {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
        _ => "outside of a repository".to_owned(),
    }
}
