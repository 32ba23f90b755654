//! `fpga-ctl key`: the keys whose images may run here, and one's own to sign with.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use host_runtime::bitstreams::trust::{StoredKey, TrustStore};
use host_runtime::bitstreams::{PublicKey, SecretKey};
use serde::Serialize;

use crate::cli::JsonFlag;
use crate::output_file;
use crate::stdout::Stdout;
use crate::table::Table;

/// Longest text that is taken for a key; nothing else is read into memory.
const LONGEST_KEY_FILE: u64 = 4096;

const NEW_HELP: &str = "\
The secret half stays in the trust folder (FPGA_TRUST_DIR, else the XDG configuration home); give away the public one.

Examples:
  fpga-ctl key new release
  fpga-ctl sign kernel.xclbin --key release
  fpga-ctl key export release --output release.pub";

const LIST_HELP: &str = "\
The key \"local\" signs what is built here; it is made by itself.

Examples:
  fpga-ctl key list
  fpga-ctl key list --json | jq -r '.keys[].fingerprint'";

const TRUST_HELP: &str = "\
Images that the key's holder signs run with all your rights from now on: compare the fingerprint with them first.

Examples:
  fpga-ctl key trust release.pub
  fpga-ctl key trust 'ed25519 11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=' --name vendor";

const REMOVE_HELP: &str = "\
Images that the key signed are refused from now on, those too that cards hold already.

Examples:
  fpga-ctl key remove vendor
  fpga-ctl key remove release --with-secret";

const EXPORT_HELP: &str = "\
Examples:
  fpga-ctl key export release
  fpga-ctl key export local --output my-machine.pub";

/// The commands about keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key to sign images with, and trust it
    #[command(after_help = NEW_HELP)]
    New(NewArgs),
    /// List the trusted keys
    #[command(after_help = LIST_HELP)]
    List(ListArgs),
    /// Trust a key: images that it signed may run here
    #[command(after_help = TRUST_HELP)]
    Trust(TrustArgs),
    /// Trust a key no more
    #[command(after_help = REMOVE_HELP)]
    Remove(RemoveArgs),
    /// Write the public half of a key, for others to trust
    #[command(after_help = EXPORT_HELP)]
    Export(ExportArgs),
}

impl KeyCommand {
    pub(crate) fn reports_json(&self) -> bool {
        match self {
            Self::New(args) => args.json.json,
            Self::List(args) => args.json.json,
            Self::Trust(args) => args.json.json,
            Self::Remove(_) | Self::Export(_) => false,
        }
    }
}

/// Arguments of `key new`.
#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// What to call it
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    json: JsonFlag,
}

/// Arguments of `key list`.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    json: JsonFlag,
}

/// Arguments of `key trust`.
#[derive(Debug, Args)]
pub(crate) struct TrustArgs {
    /// File with a public key, or the key itself: "ed25519 ..."
    #[arg(value_name = "FILE|KEY")]
    key: String,
    /// What to call it [default: the file's name without .pub]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    json: JsonFlag,
}

/// Arguments of `key remove`.
#[derive(Debug, Args)]
pub(crate) struct RemoveArgs {
    /// The key
    #[arg(value_name = "NAME")]
    name: String,
    /// Remove its secret half too, which cannot be made again
    #[arg(long)]
    with_secret: bool,
}

/// Arguments of `key export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The key
    #[arg(value_name = "NAME")]
    name: String,
    /// File to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// A key as the reports have it.
#[derive(Debug, Serialize)]
struct KeyReport {
    name: String,
    fingerprint: String,
    /// The line that others trust.
    public: String,
    comment: String,
    /// Whether images can be signed with it here.
    secret: bool,
}

#[derive(Debug, Serialize)]
struct KeysReport {
    keys: Vec<KeyReport>,
}

impl From<StoredKey> for KeyReport {
    fn from(key: StoredKey) -> Self {
        Self {
            fingerprint: key.fingerprint().to_string(),
            public: key.public.to_string(),
            name: key.name,
            comment: key.comment,
            secret: key.has_secret,
        }
    }
}

/// Runs a `key` command.
pub(crate) fn run(command: &KeyCommand) -> Result<()> {
    let store = TrustStore::open(None)?;
    match command {
        KeyCommand::New(args) => {
            let key = store.create(&args.name)?;
            tell(key, "made; its images are trusted here", &args.json)
        }
        KeyCommand::List(args) => list(&store, args),
        KeyCommand::Trust(args) => trust(&store, args),
        KeyCommand::Remove(args) => {
            store.remove(&args.name, args.with_secret)?;
            let mut out = Stdout::new();
            writeln!(out, "{}: removed; its images are refused", args.name)?;
            out.finish()
        }
        KeyCommand::Export(args) => export(&store, args),
    }
}

fn tell(key: StoredKey, what: &str, json: &JsonFlag) -> Result<()> {
    let report = KeyReport::from(key);
    let mut out = Stdout::new();
    if json.json {
        out.json(&report)?;
    } else {
        writeln!(out, "{}: {what} ({})", report.name, report.fingerprint)?;
    }
    out.finish()
}

fn list(store: &TrustStore, args: &ListArgs) -> Result<()> {
    let keys = store.keys()?.into_iter().map(KeyReport::from).collect();
    let report = KeysReport { keys };
    let mut out = Stdout::new();
    if args.json.json {
        out.json(&report)?;
        return out.finish();
    }
    if report.keys.is_empty() {
        writeln!(
            out,
            "no keys in {}; `fpga-ctl build` makes the one that signs what is built here",
            store.folder().display()
        )?;
        return out.finish();
    }
    let mut table = Table::new()
        .text("NAME")
        .text("FINGERPRINT")
        .text("SIGNS HERE")
        .flexible("COMMENT");
    for key in report.keys {
        let signs = if key.secret { "yes" } else { "no" };
        table.row(vec![
            key.name,
            key.fingerprint,
            signs.to_owned(),
            key.comment,
        ]);
    }
    table.write(&mut out)?;
    out.finish()
}

fn trust(store: &TrustStore, args: &TrustArgs) -> Result<()> {
    let path = Path::new(&args.key);
    let is_file = path.exists();
    let text = if is_file {
        read(path)?
    } else {
        args.key.clone()
    };
    let key: PublicKey = text.parse().with_context(|| {
        if is_file {
            format!("{} holds no public key", path.display())
        } else {
            format!(
                "\"{}\" is neither a file nor a key",
                args.key.escape_debug()
            )
        }
    })?;
    let named = args.name.clone().or_else(|| {
        let stem = path.file_stem().filter(|_| is_file);
        stem.map(|stem| stem.to_string_lossy().into_owned())
    });
    let Some(name) = named else {
        bail!("the key has no name yet: give it one with --name");
    };
    let comment: Vec<_> = text.split_whitespace().skip(2).collect();
    let stored = store.trust(&name, &key, &comment.join(" "))?;
    tell(
        stored,
        "trusted: images that it signed may run here",
        &args.json,
    )
}

/// The text of a key's file; a secret one is not repeated in any message.
fn read(path: &Path) -> Result<String> {
    let cannot = || format!("cannot read {}", path.display());
    let metadata = std::fs::metadata(path).with_context(cannot)?;
    if !metadata.is_file() || metadata.len() > LONGEST_KEY_FILE {
        bail!("{} is no file with a key", path.display());
    }
    let text = std::fs::read_to_string(path).with_context(cannot)?;
    if SecretKey::from_secret_text(&text).is_ok() {
        bail!(
            "{} holds a secret key, which is for nobody but its owner; trust the public one beside it (.pub)",
            path.display()
        );
    }
    Ok(text)
}

fn export(store: &TrustStore, args: &ExportArgs) -> Result<()> {
    let line = store.find(&args.name)?.to_line() + "\n";
    match &args.output {
        Some(path) => output_file::write(path, line.as_bytes()),
        None => {
            let mut out = Stdout::new();
            out.write_all(line.as_bytes())?;
            out.finish()
        }
    }
}
