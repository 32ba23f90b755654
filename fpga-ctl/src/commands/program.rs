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
use crate::stdout::Stdout;

/// How the image that this program carries is named on the command line.
pub(crate) const DEFAULT_IMAGE: &str = "default";

const AFTER_HELP: &str = "\
The card must not be in use. An error leaves the image that was there.

Examples:
  fpga-ctl program default
  fpga-ctl program --card sim:1 kernel.xclbin";

/// Arguments of `program`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ProgramArgs {
    /// Image, an .xclbin; "default" is the one that this program carries
    #[arg(value_name = "FILE|default")]
    image: PathBuf,
    #[command(flatten)]
    pub(crate) json: JsonFlag,
}

/// Reads an image and checks that a card can be programmed with it.
pub(crate) fn read_image(path: &Path) -> Result<Arc<Image>> {
    if path == Path::new(DEFAULT_IMAGE) {
        return Ok(Image::default_image()?);
    }
    let xclbin = Xclbin::read(path)?;
    Image::new(xclbin).with_context(|| format!("cannot use {}", path.display()))
}

/// Runs `program`.
pub(crate) fn run(context: &Context, args: &ProgramArgs) -> Result<()> {
    let image = read_image(&args.image)?;
    let card = context.card();
    let options = context.options("program", Access::Exclusive);
    let info = context.with_card(card, &options, |card| {
        card.program(&image)
            .with_context(|| format!("cannot program {}", args.image.display()))?;
        Ok(card.info())
    })?;
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
