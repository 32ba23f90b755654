//! `fpga-ctl sign`: vouch for an image with a key.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use host_runtime::bitstreams::trust::{LOCAL_KEY, TrustStore};

use super::program::shipped;
use super::verify::{self, ImageReport};
use crate::cli::JsonFlag;
use crate::output_file;
use crate::stdout::Stdout;

const AFTER_HELP: &str = "\
An image runs with the rights of whoever trusts the key: sign what you built or know. A signature that the image has \
is replaced; nothing else of it changes.

Examples:
  fpga-ctl sign kernel.xclbin --key release
  fpga-ctl sign kernel.xclbin --key release --output signed.xclbin";

/// Arguments of `sign`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct SignArgs {
    /// Image, an .xclbin; "default" and "queue" are those that this program carries
    #[arg(value_name = "FILE|default|queue")]
    image: PathBuf,
    /// Key to sign with; "local" is that of what is built here
    #[arg(long, value_name = "NAME", default_value = LOCAL_KEY)]
    key: String,
    /// File to write [default: the image itself]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) json: JsonFlag,
}

/// Runs `sign`.
pub(crate) fn run(args: &SignArgs) -> Result<()> {
    let image = verify::read(&args.image)?;
    let output = match &args.output {
        Some(output) => output,
        None if shipped(&args.image)?.is_some() => {
            bail!(
                "the image {} is a part of this program: name a file with --output",
                args.image.display()
            )
        }
        None => &args.image,
    };
    let store = TrustStore::open(None)?;
    let key = store.secret(&args.key)?;
    let signed = image
        .signed(&key)
        .with_context(|| format!("cannot sign {}", args.image.display()))?;
    output_file::write(output, signed.as_bytes())?;

    let mut out = Stdout::new();
    if args.json.json {
        out.json(&ImageReport::new(output, &signed)?)?;
    } else {
        let fingerprint = key.public().fingerprint();
        let output = output.display();
        writeln!(out, "{output}: signed with {} ({fingerprint})", args.key)?;
    }
    out.finish()
}
