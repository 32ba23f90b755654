//! `fpga-ctl lease`: a card for the duration of a command, and who has leased what.

mod child;
pub(crate) mod quantity;
mod release;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use host_runtime::{CardId, Error, Image, ImageNeed, LeaseInfo, Requirements};
use serde::Serialize;

use self::child::Signals;
use crate::cli::JsonFlag;
use crate::commands::program::shipped;
use crate::context::Context;
use crate::stderr;
use crate::stdout::Stdout;
use crate::table::Table;

/// How long programs that the command left behind may still have the card open before that is told.
const LEFT_BEHIND: Duration = Duration::from_secs(5);

const AFTER_HELP: &str = "\
The command finds the card's name in FPGA_CARD (and FPGA_XRT_CARDS); fpga-ctl and all that uses the runtime take it from
there. When the command ends, however it ends, the card is cleared: image, memory and state are gone. The exit status is the
command's own, 128 and the signal's number if one ended it, 2 if there was no card.

Examples:
  fpga-ctl lease -- fpga-ctl validate tools.tcpdb
  fpga-ctl lease --memory 16GiB --image tcp_validator --wait 5m -- ./soak-test
  fpga-ctl lease --card sim:0 --shared --for 'nightly run' -- make check
  fpga-ctl lease list
  fpga-ctl lease release --card sim:0";

/// Arguments of `lease`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP, args_conflicts_with_subcommands = true)]
pub(crate) struct LeaseArgs {
    #[command(subcommand)]
    other: Option<Other>,
    /// Memory that the card must have: bytes, or with KiB, MiB, GiB, TiB
    #[arg(long, value_name = "SIZE", value_parser = quantity::bytes, default_value = "0")]
    memory: u64,
    /// Logic that the card must have, in look-up tables: a number, or with k or M
    #[arg(long, value_name = "LUTS", value_parser = quantity::number, default_value = "0")]
    logic: u64,
    /// DSP slices that the card must have
    #[arg(long, value_name = "SLICES", value_parser = quantity::number, default_value = "0")]
    dsp: u64,
    /// Image that the card is to hold: its UUID, the name of a kernel in it, "default" or "queue"; of the images that this
    /// program carries, the one that is wanted is loaded
    #[arg(long, value_name = "UUID|KERNEL")]
    image: Option<String>,
    /// Share the card with others who lease it shared, or have no lease [default: alone]
    #[arg(long)]
    shared: bool,
    /// Wait so long for a card to become free, behind those who came before: 90s, 5m
    #[arg(long, value_name = "DURATION", value_parser = quantity::duration, default_value = "0s")]
    wait: Duration,
    /// What for, shown to others in `fpga-ctl list` [default: the command]
    #[arg(long = "for", value_name = "PURPOSE")]
    purpose: Option<String>,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

#[derive(Debug, Subcommand)]
enum Other {
    /// List the leases of this machine
    List(ListArgs),
    /// Ask the processes that have leased a card to end, and clear it
    Release(release::ReleaseArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    #[command(flatten)]
    json: JsonFlag,
}

impl LeaseArgs {
    pub(crate) fn reports_json(&self) -> bool {
        matches!(&self.other, Some(Other::List(args)) if args.json.json)
    }
}

/// Runs `lease`.
pub(crate) fn run(context: &Context, args: &LeaseArgs) -> Result<ExitCode> {
    match &args.other {
        Some(Other::List(args)) => list(context, args)?,
        Some(Other::Release(args)) => release::run(context, args)?,
        None => return run_command(context, args),
    }
    Ok(ExitCode::SUCCESS)
}

fn run_command(context: &Context, args: &LeaseArgs) -> Result<ExitCode> {
    let (program, arguments) = args.command.split_first().context("no command was named")?;
    let signals = Signals::watch()?;
    let purpose = args
        .purpose
        .clone()
        .unwrap_or_else(|| command_line(&args.command));
    let requirements = Requirements {
        card: context.globals.card,
        memory: args.memory,
        luts: args.logic,
        dsps: args.dsp,
        image: args.image.as_deref().map(image_need).transpose()?,
        shared: args.shared,
        purpose,
        wait: args.wait,
        cancel: signals.token(),
        trust: context.trust(),
    };
    let lease = context.inventory().allocate(&requirements)?;
    let card = lease.card();
    if !context.globals.quiet {
        stderr::line(format_args!("{card} is leased, {}", lease.info().access));
    }
    let mut command = std::process::Command::new(program);
    command.args(arguments).envs(lease.environment());
    let status = match signals.token().is_cancelled() {
        true => Err(Error::Cancelled { card }.into()),
        false => child::run(&mut command, &signals)
            .with_context(|| format!("{} cannot be run", program.display())),
    };
    let released = lease.release(LEFT_BEHIND);
    let status = status?;
    match released {
        // The command's own failure says more.
        Err(error) if !status.success() => stderr::warn(&error.to_string()),
        released => released?,
    }
    Ok(child::exit_code(status))
}

fn image_need(text: &str) -> Result<ImageNeed> {
    if let Some(image) = shipped(text.as_ref())? {
        return Ok(ImageNeed::Uuid(Image::uuid(&image)));
    }
    if text.is_empty() || text.contains('/') || text.ends_with(".xclbin") {
        bail!(
            "--image {text:?} is neither a UUID nor the name of a kernel; to have an image of yours loaded, let the command do it: \
             `fpga-ctl lease -- sh -c 'fpga-ctl program {text} && ...'`"
        );
    }
    Ok(match text.parse() {
        Ok(uuid) => ImageNeed::Uuid(uuid),
        Err(_) => ImageNeed::Kernel(text.to_owned()),
    })
}

fn command_line(command: &[OsString]) -> String {
    let words: Vec<_> = command.iter().map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

/// A lease, for `lease list`.
#[derive(Debug, Serialize)]
struct Leased<'a> {
    card: CardId,
    #[serde(flatten)]
    lease: &'a LeaseInfo,
}

fn list(context: &Context, args: &ListArgs) -> Result<()> {
    #[derive(Serialize)]
    struct Report<'a> {
        leases: Vec<Leased<'a>>,
    }
    let inventory = context.inventory();
    let leases = inventory.cards.iter().flat_map(|entry| {
        let leases = entry.leases.iter();
        leases.map(|lease| Leased {
            card: entry.card,
            lease,
        })
    });
    let leases: Vec<_> = leases.collect();
    let mut out = Stdout::new();
    if args.json.json {
        out.json(&Report { leases })?;
    } else if leases.is_empty() {
        writeln!(out, "no card is leased")?;
    } else {
        let mut table = Table::new()
            .text("CARD")
            .text("HOW")
            .text("SINCE")
            .text("USER")
            .text("PROCESS")
            .flexible("FOR");
        for Leased { card, lease } in leases {
            table.row(vec![
                console::style(card).bold().to_string(),
                lease.access.to_string(),
                since(lease.since),
                lease.user.clone(),
                format!("{} ({})", lease.program, lease.pid),
                lease.purpose.clone(),
            ]);
        }
        table.write(&mut out)?;
    }
    out.finish()
}

/// How long ago a time is, in seconds since 1970; the two largest units of it.
pub(crate) fn since(time: u64) -> String {
    let then = SystemTime::UNIX_EPOCH + Duration::from_secs(time);
    let elapsed = SystemTime::now().duration_since(then).unwrap_or_default();
    let text = humantime::format_duration(Duration::from_secs(elapsed.as_secs())).to_string();
    let units: Vec<&str> = text.split(' ').take(2).collect();
    format!("{} ago", units.join(" "))
}
