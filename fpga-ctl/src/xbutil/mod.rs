//! `xbutil`: this program under the name of XRT's own tool, for scripts and programs that call that one. The options and
//! exit statuses are XRT's; what cannot be had of a simulated card is refused by name.

mod device;
mod examine;
mod host;
mod program;
mod reset;
mod validate;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::stderr;
use crate::stdout::is_reader_gone;

/// XRT's own exit status for every error, wrong usage too.
const FAILURE: u8 = 1;

const AFTER_HELP: &str = "\
DEVICE is an index as \"examine -r list\" shows it, a PCIe address, or the name of a card (sim:0).
FPGA_SIM_CARDS says how many simulated cards there are.
Exit status: 0 all is well, 1 an error.

Examples:
  xbutil examine -r list
  xbutil program -d 0 -u kernel.xclbin
  xbutil validate -d 9000:00:00.0";

/// XRT's card utility, for the cards of fpga-ctl.
#[derive(Debug, Parser)]
#[command(name = "xbutil", version, after_help = AFTER_HELP, disable_help_subcommand = true)]
struct Xbutil {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
struct Globals {
    /// Say more
    #[arg(long, global = true)]
    verbose: bool,
    /// No colors and no progress (this program's default)
    #[arg(long, global = true)]
    batch: bool,
    /// Do not ask, and overwrite files
    #[arg(long, global = true)]
    force: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Report on the system and its devices
    Examine(examine::ExamineArgs),
    /// Load an xclbin into a device
    Program(program::ProgramArgs),
    /// Reset a device
    Reset(reset::ResetArgs),
    /// Check that a device works
    Validate(validate::ValidateArgs),
}

/// Whether a program's first argument calls for this tool.
pub(crate) fn is_called(program: Option<&OsString>) -> bool {
    program.and_then(|program| Path::new(program).file_stem()) == Some("xbutil".as_ref())
}

/// Runs the tool with this process' arguments.
pub(crate) fn main() -> ExitCode {
    let xbutil = match Xbutil::try_parse() {
        Ok(xbutil) => xbutil,
        Err(error) => {
            // Failing to tell is no error.
            let _ = error.print();
            return if error.use_stderr() {
                ExitCode::from(FAILURE)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    let globals = &xbutil.globals;
    let result = match &xbutil.command {
        Command::Examine(args) => examine::run(globals, args),
        Command::Program(args) => program::run(globals, args),
        Command::Reset(args) => reset::run(globals, args),
        Command::Validate(args) => validate::run(globals, args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_reader_gone(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // In XRT's form, which scripts look for.
            stderr::line(format_args!("ERROR: {error:#}"));
            ExitCode::from(FAILURE)
        }
    }
}
