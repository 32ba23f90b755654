//! `fpga-ctl xrt-env` and `fpga-ctl run`: programs written against XRT use our cards, in a shell or for one program.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context as _, Result};
use clap::Args;
use host_runtime::{ALLOW_UNTRUSTED_VARIABLE, STATE_FOLDER_VARIABLE, XRT_CARDS_VARIABLE, XrtShim};

use crate::context::Context;
use crate::stderr;
use crate::stdout::Stdout;

const ENVIRONMENT_HELP: &str = "\
Examples:
  eval \"$(fpga-ctl xrt-env)\"
  eval \"$(fpga-ctl xrt-env --card software:0)\"
  fpga-ctl xrt-env > xrt.sh";

const RUN_HELP: &str = "\
Examples:
  fpga-ctl run -- ./host -x vadd.xclbin
  fpga-ctl run --card sim:1 -- ./host vadd.xclbin
  fpga-ctl run -- python3 host.py vadd.xclbin
  FPGA_SIM_CARDS=2 fpga-ctl run -- ./two_cards vadd.xclbin";

/// Arguments of `xrt-env`.
#[derive(Debug, Args)]
#[command(after_help = ENVIRONMENT_HELP)]
pub(crate) struct EnvironmentArgs {}

/// Arguments of `run`.
#[derive(Debug, Args)]
#[command(after_help = RUN_HELP)]
pub(crate) struct RunArgs {
    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "PROGRAM")]
    program: Vec<OsString>,
}

/// Runs `xrt-env`.
pub(crate) fn print_environment(context: &Context, _args: &EnvironmentArgs) -> Result<()> {
    let mut out = Stdout::new();
    for (name, value) in variables(context)? {
        write!(out, "export {name}=")?;
        out.write_all(&quoted(&value))?;
        writeln!(out)?;
    }
    out.finish()
}

/// Runs `run`: this process becomes the program.
pub(crate) fn run(context: &Context, args: &RunArgs) -> Result<()> {
    let (program, arguments) = args.program.split_first().context("no program was named")?;
    let error = Command::new(program)
        .args(arguments)
        .envs(variables(context)?)
        .exec();
    Err(error).with_context(|| format!("{} cannot be run", program.display()))
}

fn variables(context: &Context) -> Result<Vec<(&'static str, OsString)>> {
    let shim = XrtShim::find()?;
    if !shim.has_library() {
        stderr::line(format_args!(
            "note: only Python programs find the cards: the library for others was not built (scripts/build-xrt-shim)"
        ));
    }
    let mut variables = shim.variables();
    variables.extend(path_to_xbutil().map(|path| ("PATH", path)));
    let globals = &context.globals;
    variables.extend(
        globals
            .card
            .map(|card| (XRT_CARDS_VARIABLE, card.to_string().into())),
    );
    if globals.allow_untrusted {
        variables.push((ALLOW_UNTRUSTED_VARIABLE, "1".into()));
    }
    let folder = globals.state_dir.as_ref();
    variables.extend(folder.map(|folder| {
        // The program may run elsewhere.
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.clone());
        (STATE_FOLDER_VARIABLE, folder.into_os_string())
    }));
    Ok(variables)
}

/// The search path for programs with the folder of `xbutil` first; `None` if that is not beside this program.
fn path_to_xbutil() -> Option<OsString> {
    let program = std::env::current_exe().ok()?;
    let folder = program.parent()?;
    folder.join("xbutil").exists().then_some(())?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let others = std::env::split_paths(&path).filter(|other| other != folder);
    std::env::join_paths(std::iter::once(folder.to_owned()).chain(others)).ok()
}

/// As a shell reads it back, whatever it holds.
fn quoted(value: &OsStr) -> Vec<u8> {
    let mut text = vec![b'\''];
    for &byte in value.as_bytes() {
        if byte == b'\'' {
            text.extend(b"'\\''");
        } else {
            text.push(byte);
        }
    }
    text.push(b'\'');
    text
}
