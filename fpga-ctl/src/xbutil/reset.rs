//! `xbutil reset`: back to the state after programming, asking first as XRT does.

use std::io::{BufRead as _, IsTerminal as _, Write};

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};

use super::Globals;
use super::device::DeviceArg;
use crate::stdout::Stdout;

const AFTER_HELP: &str = "\
Registers and counters go back to their reset values; the xclbin stays. Where nobody can be asked (standard input is \
no terminal) nothing is asked. For a device whose stored state is damaged there is \"fpga-ctl reset\".

Examples:
  xbutil reset -d 0
  xbutil reset -d 0 --force";

/// Arguments of `reset`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct ResetArgs {
    #[command(flatten)]
    device: DeviceArg,
    /// Kind of reset
    #[arg(
        short,
        long,
        value_enum,
        default_value = "user",
        num_args = 0..=1,
        default_missing_value = "user",
        value_name = "TYPE"
    )]
    r#type: ResetType,
}

/// A kind of reset. On a simulated card they are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ResetType {
    /// Hot reset
    User,
    /// The same, by its other name
    Hot,
}

/// Runs `reset`.
pub(super) fn run(globals: &Globals, args: &ResetArgs) -> Result<()> {
    let device = args.device.find()?;
    let address = device.address();
    let mut out = Stdout::new();
    writeln!(out, "Performing 'HOT Reset' on '{address}'")?;
    if !globals.force && std::io::stdin().is_terminal() {
        write!(out, "Are you sure you wish to proceed? [Y/n]: ")?;
        out.flush()?;
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        if !matches!(
            answer.trim().to_ascii_lowercase().as_str(),
            "" | "y" | "yes"
        ) {
            bail!("not reset: the answer was no");
        }
    }
    let card = device.open("xbutil reset")?;
    let reset = card
        .image()
        .map_or(Ok(()), |_| card.reset())
        .with_context(|| format!("reset failed on device {address}"));
    let closed = card.close();
    reset?;
    closed.context("the card's state could not be stored")?;
    writeln!(out, "Successfully reset Device[{address}]")?;
    out.finish()
}
