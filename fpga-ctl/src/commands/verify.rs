//! `fpga-ctl verify`: whether images are whole, who signed them, and whether that is somebody whom one trusts.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Args;
use console::style;
use host_runtime::bitstreams::trust::Provenance;
use host_runtime::bitstreams::{DigestStatus, SignatureStatus, Xclbin};
use serde::Serialize;

use super::program::shipped;
use crate::cli::JsonFlag;
use crate::stdout::Stdout;

const AFTER_HELP: &str = "\
Exit status: 0 every image is whole and trusted, 1 one is not, 2 an error.

Examples:
  fpga-ctl verify kernel.xclbin
  fpga-ctl verify *.xclbin --json | jq -r '.images[] | select(.trusted | not) | .path'";

/// Arguments of `verify`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct VerifyArgs {
    /// Images, .xclbin; "default" and "queue" are those that this program carries
    #[arg(required = true, value_name = "FILE|default|queue")]
    images: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) json: JsonFlag,
}

/// Who vouches for an image.
#[derive(Debug, Serialize)]
pub(crate) struct Vouching {
    /// Whether its code may run here.
    pub(crate) trusted: bool,
    pub(crate) provenance: &'static str,
    /// Fingerprint of the key that signed it.
    pub(crate) signer: Option<String>,
    /// That key's name in the trust store.
    pub(crate) key: Option<String>,
    #[serde(skip)]
    pub(crate) text: String,
}

impl Vouching {
    /// For an image whose signer cannot be looked up.
    pub(crate) fn undetermined(error: &anyhow::Error) -> Self {
        Self {
            trusted: false,
            provenance: "undetermined",
            signer: None,
            key: None,
            text: error.to_string(),
        }
    }

    /// Looks up who signed an image.
    pub(crate) fn of(image: &Xclbin) -> Result<Self> {
        let provenance = Provenance::of(image, None)?;
        let signer = match image.signature() {
            SignatureStatus::Valid(key) => Some(key.fingerprint().to_string()),
            _ => None,
        };
        Ok(Self {
            trusted: provenance.is_trusted(),
            text: provenance.to_string(),
            signer,
            provenance: match provenance {
                Provenance::Shipped => "shipped",
                Provenance::Signed { .. } => "signed",
                Provenance::Unsigned => "unsigned",
                Provenance::UnknownSigner { .. } => "unknown_signer",
                Provenance::BrokenSignature => "broken_signature",
            },
            key: match provenance {
                Provenance::Signed { name, .. } => Some(name),
                _ => None,
            },
        })
    }
}

/// What was found of one image.
#[derive(Debug, Serialize)]
pub(crate) struct ImageReport {
    path: String,
    uuid: String,
    /// `valid`, `absent` or `mismatch`.
    digest: &'static str,
    #[serde(flatten)]
    vouching: Vouching,
}

impl ImageReport {
    pub(crate) fn new(path: &Path, image: &Xclbin) -> Result<Self> {
        let digest = match image.digest() {
            DigestStatus::Valid => "valid",
            DigestStatus::Absent => "absent",
            DigestStatus::Mismatch { .. } => "mismatch",
        };
        let mut vouching = Vouching::of(image)?;
        if digest == "mismatch" {
            vouching.trusted = false;
            "it is corrupt: its content is not what was written".clone_into(&mut vouching.text);
        }
        Ok(Self {
            path: path.display().to_string(),
            uuid: image.uuid().to_string(),
            digest,
            vouching,
        })
    }
}

#[derive(Debug, Serialize)]
struct Report {
    /// Whether all are.
    trusted: bool,
    images: Vec<ImageReport>,
}

/// Reads an image, damaged or not; `default` and `queue` are those that this program carries.
pub(crate) fn read(path: &Path) -> Result<Xclbin> {
    if let Some(image) = shipped(path)? {
        return Ok(image.xclbin().clone());
    }
    Ok(Xclbin::read_unverified(path)?)
}

/// Runs `verify`.
pub(crate) fn run(args: &VerifyArgs) -> Result<ExitCode> {
    let images = args.images.iter().map(|path| {
        let report = ImageReport::new(path, &read(path)?);
        report.with_context(|| format!("cannot find out who signed {}", path.display()))
    });
    let images = images.collect::<Result<Vec<_>>>()?;
    let report = Report {
        trusted: images.iter().all(|image| image.vouching.trusted),
        images,
    };
    let mut out = Stdout::new();
    if args.json.json {
        out.json(&report)?;
    } else {
        for image in &report.images {
            let mark = if image.vouching.trusted {
                style("trusted").green()
            } else {
                style("NOT TRUSTED").red().bold()
            };
            writeln!(out, "{}: {mark}, {}", image.path, image.vouching.text)?;
        }
    }
    out.finish()?;
    Ok(ExitCode::from(u8::from(!report.trusted)))
}
