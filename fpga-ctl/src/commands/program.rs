//! `fpga-ctl program`: load an image into a card.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::Args;
use host_runtime::bitstreams::Xclbin;
use host_runtime::{Access, Image};

use crate::cli::JsonFlag;
use crate::context::Context;
use crate::faults::{self, FaultArgs};
use crate::stdout::Stdout;

/// How the images that this program carries are named on the command line.
pub(crate) const DEFAULT_IMAGE: &str = "default";
const QUEUE_IMAGE: &str = "queue";

const AFTER_HELP: &str = "\
The card must not be in use. An error leaves the image that was there.

Examples:
  fpga-ctl program default
  fpga-ctl program --card sim:1 queue
  fpga-ctl program --card sim:1 kernel.xclbin";

/// Arguments of `program`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ProgramArgs {
    /// Image, an .xclbin; "default" (tcp_validator) and "queue" (tcp_queue) are those that this program carries
    #[arg(value_name = "FILE|default|queue")]
    image: PathBuf,
    #[command(flatten)]
    pub(crate) json: JsonFlag,
    #[command(flatten)]
    faults: FaultArgs,
}

/// The image of that name that this program carries.
pub(crate) fn shipped(path: &Path) -> Result<Option<Arc<Image>>> {
    Ok(match path.to_str() {
        Some(DEFAULT_IMAGE) => Some(Image::default_image()?),
        Some(QUEUE_IMAGE) => Some(Image::queue_image()?),
        _ => None,
    })
}

/// Reads an image and checks that a card can be programmed with it.
pub(crate) fn read_image(path: &Path) -> Result<Arc<Image>> {
    if let Some(image) = shipped(path)? {
        return Ok(image);
    }
    let xclbin = Xclbin::read(path)?;
    Image::new(xclbin).with_context(|| format!("cannot use {}", path.display()))
}

/// Runs `program`.
pub(crate) fn run(context: &Context, args: &ProgramArgs) -> Result<()> {
    let image = read_image(&args.image)?;
    let card = context.card();
    let mut options = context.options("program", Access::Exclusive);
    options.simulation.faults = args.faults.injector(card)?;
    let info = context.with_card(card, &options, |card| {
        card.program(&image)
            .with_context(|| format!("cannot program {}", args.image.display()))?;
        Ok(card.info())
    });
    faults::tell(&options.simulation.faults);
    let info = info?;
    let mut out = Stdout::new();
    if args.json.json {
        out.json(&info)?;
    } else {
        writeln!(
            out,
            "{}: programmed with {} ({}), generation {}",
            info.card,
            image.uuid(),
            image.kernel_names(),
            info.generation
        )?;
    }
    out.finish()
}
