//! `xbutil program`: load an xclbin into a device that others may have open, but whose image nobody uses.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use host_runtime::SharedImage;

use super::Globals;
use super::device::DeviceArg;
use crate::commands::program::read_image;
use crate::stdout::Stdout;

const AFTER_HELP: &str = "\
A device that holds this very xclbin keeps it. An error leaves the one that was there.

Examples:
  xbutil program -d 0 -u kernel.xclbin
  xbutil program -d 9000:00:00.0 --user kernel.xclbin";

/// Arguments of `program`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct ProgramArgs {
    #[command(flatten)]
    device: DeviceArg,
    /// The xclbin
    #[arg(short, long, value_name = "FILE")]
    user: PathBuf,
}

/// Runs `program`.
pub(super) fn run(globals: &Globals, args: &ProgramArgs) -> Result<()> {
    let device = args.device.find()?;
    let address = device.address();
    let image = read_image(&args.user)?;
    let card = device.open("xbutil program")?;
    let loaded = SharedImage::new(device.card, None)
        .and_then(|mut shared| shared.load(&card, &image))
        .with_context(|| format!("could not program device {address}"));
    let closed = card.close();
    loaded?;
    closed.context("the card's state could not be stored")?;
    let mut out = Stdout::new();
    writeln!(out, "INFO: xbutil program succeeded on {address}")?;
    if globals.verbose {
        writeln!(out, "  {} ({})", image.uuid(), image.kernel_names())?;
    }
    out.finish()
}
