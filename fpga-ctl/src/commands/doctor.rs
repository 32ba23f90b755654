//! `fpga-ctl doctor`: what is missing on this machine, and the command that mends it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::Result;
use clap::Args;
use console::style;
use cosim::Cache;
use host_runtime::CardId;
use host_runtime::bitstreams::trust::{TRUST_FOLDER_VARIABLE, TrustError, TrustStore};
use serde::Serialize;

use crate::cli::JsonFlag;
use crate::context::Context;
use crate::stdout::Stdout;

const AFTER_HELP: &str = "\
Exit status: 0 nothing essential is missing, 1 something is.

Examples:
  fpga-ctl doctor
  fpga-ctl doctor --json | jq -r '.checks[] | select(.status != \"ok\") | .fix'";

/// Oldest Verilator that kernels are built with.
const VERILATOR_MINIMUM: (u32, u32) = (5, 6);

/// Room that a card's state, a built model and its build need.
const NEEDED_BYTES: u64 = 256 << 20;

/// Where XRT installs itself.
const XRT_LIBRARY: &str = "/opt/xilinx/xrt/lib/libxrt_core.so";

/// Arguments of `doctor`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) json: JsonFlag,
}

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Ok,
    /// Something that is needed is not there, or does not work.
    Problem,
    /// Not there, and not needed.
    Absent,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    status: Status,
    /// What it is needed for.
    purpose: &'static str,
    /// What was found.
    found: String,
    /// The command that mends it, or what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

/// The report.
#[derive(Debug, Serialize)]
struct Diagnosis {
    ok: bool,
    checks: Vec<Check>,
}

/// Runs `doctor`.
pub(crate) fn run(context: &Context, args: &DoctorArgs) -> Result<ExitCode> {
    let state_dir = context.globals.state_dir.as_deref();
    let checks = vec![
        state_folder(state_dir),
        simulated_card(context),
        verilator(),
        compiler(),
        zlib(),
        cache_folder(),
        trust_store(),
        xrt(),
        real_cards(context),
    ];
    let diagnosis = Diagnosis {
        ok: checks.iter().all(|check| check.status != Status::Problem),
        checks,
    };
    let mut out = Stdout::new();
    if args.json.json {
        out.json(&diagnosis)?;
    } else {
        write(&mut out, &diagnosis)?;
    }
    out.finish()?;
    Ok(ExitCode::from(u8::from(!diagnosis.ok)))
}

fn write(out: &mut Stdout, diagnosis: &Diagnosis) -> Result<()> {
    for check in &diagnosis.checks {
        let mark = match check.status {
            Status::Ok => style("ok     ").green(),
            Status::Problem => style("PROBLEM").red().bold(),
            Status::Absent => style("absent ").dim(),
        };
        writeln!(out, "{mark}  {:<14}  {}", check.name, check.found)?;
        if let Some(fix) = &check.fix {
            writeln!(out, "{:25}needed to {}", "", check.purpose)?;
            writeln!(out, "{:25}to mend it: {}", "", style(fix).bold())?;
        }
    }
    let verdict = if diagnosis.ok {
        "nothing essential is missing"
    } else {
        "something essential is missing or does not work; the commands above mend it"
    };
    writeln!(out, "\n{verdict}")?;
    Ok(())
}

impl Check {
    fn new(
        name: &'static str,
        purpose: &'static str,
        result: Result<String, (String, String)>,
    ) -> Self {
        let (status, found, fix) = match result {
            Ok(found) => (Status::Ok, found, None),
            Err((found, fix)) => (Status::Problem, found, Some(fix)),
        };
        Self {
            name,
            status,
            purpose,
            found,
            fix,
        }
    }

    fn optional(name: &'static str, purpose: &'static str, found: Result<String, String>) -> Self {
        let (status, found) = match found {
            Ok(found) => (Status::Ok, found),
            Err(found) => (Status::Absent, found),
        };
        Self {
            name,
            status,
            purpose,
            found,
            fix: None,
        }
    }
}

/// The command that installs a package of Debian and its relatives.
fn install(package: &str) -> String {
    let sudo = if rustix::process::geteuid().is_root() {
        ""
    } else {
        "sudo "
    };
    format!("{sudo}apt-get install {package}")
}

/// The first line that a program prints.
fn first_line(program: &str, argument: &str) -> Option<String> {
    let output = Command::new(program)
        .arg(argument)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().next()?.to_owned();
    output.status.success().then_some(line)
}

fn verilator() -> Check {
    let result = match first_line("verilator", "--version") {
        None => Err(("not found".to_owned(), install("verilator"))),
        Some(line) if version(&line).is_some_and(|version| version >= VERILATOR_MINIMUM) => {
            Ok(line)
        }
        Some(line) => Err((
            format!("{line}: too old, 5.006 is the oldest that works"),
            "install Verilator 5.006 or newer, https://verilator.org/guide/latest/install.html"
                .to_owned(),
        )),
    };
    Check::new("verilator", "build kernels for the simulated card", result)
}

/// `Verilator 5.006 2023-01-22 rev …`
fn version(line: &str) -> Option<(u32, u32)> {
    let (major, minor) = line.split_whitespace().nth(1)?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn compiler() -> Check {
    let result =
        first_line("g++", "--version").ok_or_else(|| ("not found".to_owned(), install("g++")));
    Check::new("g++", "build kernels for the simulated card", result)
}

fn zlib() -> Check {
    let compiled = Command::new("g++")
        .args(["-x", "c++", "-E", "-include", "zlib.h", "/dev/null"])
        .stdin(Stdio::null())
        .output()
        .is_ok_and(|output| output.status.success());
    let result = if compiled {
        Ok("zlib.h can be included".to_owned())
    } else {
        Err((
            "zlib.h cannot be included".to_owned(),
            install("zlib1g-dev"),
        ))
    };
    Check::new("zlib headers", "build kernels that record waves", result)
}

fn state_folder(chosen: Option<&Path>) -> Check {
    let purpose = "keep the simulated cards' state";
    let result = match host_runtime::state_folder(chosen) {
        Ok(folder) => writable(folder, "FPGA_STATE_DIR"),
        Err(error) => Err((error.to_string(), "export FPGA_STATE_DIR=FOLDER".to_owned())),
    };
    Check::new("state folder", purpose, result)
}

fn cache_folder() -> Check {
    let result = match Cache::user() {
        Ok(cache) => writable(cache.root().to_owned(), "FPGA_CACHE_DIR"),
        Err(error) => Err((error.to_string(), "export FPGA_CACHE_DIR=FOLDER".to_owned())),
    };
    Check::new("cache folder", "keep kernels that were built", result)
}

fn trust_store() -> Check {
    let keys = TrustStore::open(None).and_then(|store| Ok((store.keys()?.len(), store)));
    let result = match keys {
        Ok((count, store)) => Ok(format!("{}, {count} keys", store.folder().display())),
        Err(error) => {
            let fix = match &error {
                TrustError::Permissions { path, fix, .. } => {
                    format!("chmod {fix} {}", path.display())
                }
                TrustError::BadFile { name, .. } => format!("fpga-ctl key remove {name}"),
                _ => format!("export {TRUST_FOLDER_VARIABLE}=FOLDER"),
            };
            Err((error.to_string(), fix))
        }
    };
    Check::new("trust store", "tell whose images may run", result)
}

/// Whether files can be made in a folder, or in the nearest one above it that exists, and how much room there is.
fn writable(folder: PathBuf, variable: &str) -> Result<String, (String, String)> {
    let shown = folder.display();
    let another =
        format!("export {variable}=FOLDER, with a folder that can be written and has room");
    let existing = folder
        .ancestors()
        .find(|ancestor| ancestor.exists())
        .unwrap_or(Path::new("."));
    tempfile::tempfile_in(existing).map_err(|error| {
        (
            format!("{shown} cannot be written: {error}"),
            another.clone(),
        )
    })?;
    let free = rustix::fs::statvfs(existing)
        .map(|disk| disk.f_bavail * disk.f_frsize)
        .map_err(|error| (format!("{shown}: {error}"), another.clone()))?;
    let room = indicatif::HumanBytes(free);
    if free < NEEDED_BYTES {
        return Err((format!("{shown} has only {room} of room"), another));
    }
    Ok(format!("{shown}, {room} free"))
}

/// Whether the simulated card could be opened, as far as looking tells.
fn simulated_card(context: &Context) -> Check {
    let id = match context.globals.card {
        Some(id) => id,
        None => CardId::Simulated(0),
    };
    let entry = context
        .inventory()
        .unusable
        .into_iter()
        .find(|card| card.name == id.to_string());
    let result = match entry {
        Some(card) => Err((card.reason, card.advice)),
        None => Ok(format!("{id} can be used")),
    };
    Check::new("simulated card", "run kernels without an FPGA", result)
}

fn xrt() -> Check {
    let found = if Path::new(XRT_LIBRARY).exists() {
        Ok(XRT_LIBRARY.to_owned())
    } else {
        Err("not installed; only AMD cards need it".to_owned())
    };
    Check::optional("XRT", "use AMD cards through their own runtime", found)
}

fn real_cards(context: &Context) -> Check {
    let cards: Vec<String> = context
        .inventory()
        .unusable
        .into_iter()
        .filter(|card| card.name.parse::<CardId>().is_err())
        .map(|card| format!("{} {}: {}", card.name, card.description, card.reason))
        .collect();
    let found = if cards.is_empty() {
        Err("none on the PCI bus; the simulated one is used".to_owned())
    } else {
        Ok(cards.join("; "))
    };
    Check::optional("FPGA cards", "run kernels on hardware", found)
}
