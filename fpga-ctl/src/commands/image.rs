//! `fpga-ctl image`: look at images, check them, and get the default one as a file.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, Subcommand};
use host_runtime::Image;
use host_runtime::bitstreams::{Bitstream, DigestStatus, Summary, Xclbin};
use serde::Serialize;

use super::program::{read_image, shipped};
use crate::cli::JsonFlag;
use crate::output_file;
use crate::stdout::Stdout;

const SHOW_HELP: &str = "\
Any xclbin can be shown, also a vendor's or a damaged one: what could not be read is listed under \"problem\".

Examples:
  fpga-ctl image show default
  fpga-ctl image show kernel.xclbin --json";

const VERIFY_HELP: &str = "\
Examples:
  fpga-ctl image verify kernel.xclbin && fpga-ctl program kernel.xclbin";

const EXPORT_HELP: &str = "\
Examples:
  fpga-ctl image export tcp_validator.xclbin";

/// The commands about images.
#[derive(Debug, Subcommand)]
pub(crate) enum ImageCommand {
    /// Show all that an image says of itself
    #[command(after_help = SHOW_HELP)]
    Show(ShowArgs),
    /// Check that an image is whole and that a card can be programmed with it
    #[command(after_help = VERIFY_HELP)]
    Verify(VerifyArgs),
    /// Write the image that this program carries into a file
    #[command(after_help = EXPORT_HELP)]
    Export(ExportArgs),
}

impl ImageCommand {
    pub(crate) fn reports_json(&self) -> bool {
        match self {
            Self::Show(args) => args.json.json,
            Self::Verify(args) => args.json.json,
            Self::Export(_) => false,
        }
    }
}

/// Arguments of `image show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Image, an .xclbin; "default" and "queue" are those that this program carries
    #[arg(value_name = "FILE|default|queue")]
    image: PathBuf,
    #[command(flatten)]
    json: JsonFlag,
}

/// Arguments of `image verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Image, an .xclbin; "default" and "queue" are those that this program carries
    #[arg(value_name = "FILE|default|queue")]
    image: PathBuf,
    #[command(flatten)]
    json: JsonFlag,
}

/// Arguments of `image export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// File to write
    #[arg(value_name = "FILE")]
    output: PathBuf,
}

/// What `image verify` found.
#[derive(Debug, Serialize)]
struct Verified {
    uuid: String,
    platform: String,
    kernels: Vec<String>,
    /// `model` or `fpga`.
    bitstream: &'static str,
    /// Whether a digest vouches for every byte.
    digest: bool,
}

/// Runs an `image` command.
pub(crate) fn run(command: &ImageCommand) -> Result<()> {
    match command {
        ImageCommand::Show(args) => show(args),
        ImageCommand::Verify(args) => verify(args),
        ImageCommand::Export(args) => export(args),
    }
}

fn show(args: &ShowArgs) -> Result<()> {
    let summary = summary(&args.image)?;
    let mut out = Stdout::new();
    if args.json.json {
        out.json(&summary)?;
    } else {
        write!(out, "{summary}")?;
    }
    out.finish()
}

fn summary(path: &Path) -> Result<Summary> {
    if let Some(image) = shipped(path)? {
        return Ok(image.xclbin().summary());
    }
    Ok(Xclbin::read_unverified(path)?.summary())
}

fn verify(args: &VerifyArgs) -> Result<()> {
    let image = read_image(&args.image)?;
    let xclbin = image.xclbin();
    let verified = Verified {
        uuid: image.uuid().to_string(),
        platform: image.platform().to_owned(),
        kernels: image
            .kernels()
            .iter()
            .map(|kernel| kernel.name.clone())
            .collect(),
        bitstream: match xclbin.bitstream() {
            Some(Bitstream::Model(_)) => "model",
            Some(Bitstream::Fpga(_)) | None => "fpga",
        },
        digest: xclbin.digest() == DigestStatus::Valid,
    };
    let mut out = Stdout::new();
    if args.json.json {
        out.json(&verified)?;
    } else {
        let digest = if verified.digest {
            "its digest is right"
        } else {
            "it has no digest, so damage inside a section would not show"
        };
        let cards = match verified.bitstream {
            "model" => "simulated cards",
            _ => "FPGA cards",
        };
        writeln!(
            out,
            "{}: good for {cards} ({}), kernels {}; {digest}",
            args.image.display(),
            verified.platform,
            image.kernel_names(),
        )?;
    }
    out.finish()
}

fn export(args: &ExportArgs) -> Result<()> {
    let image = Image::default_image()?;
    output_file::write(&args.output, image.xclbin().as_bytes())
}
