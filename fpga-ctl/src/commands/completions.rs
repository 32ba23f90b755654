//! `fpga-ctl completions`: the script with which a shell completes this program's arguments.

use std::io::Write;

use anyhow::Result;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::Cli;
use crate::stdout::Stdout;

const AFTER_HELP: &str = "\
Examples:
  fpga-ctl completions bash > ~/.local/share/bash-completion/completions/fpga-ctl
  fpga-ctl completions zsh > \"${fpath[1]}/_fpga-ctl\"
  fpga-ctl completions fish > ~/.config/fish/completions/fpga-ctl.fish";

/// Arguments of `completions`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// Runs `completions`.
pub(crate) fn run(args: &CompletionsArgs) -> Result<()> {
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    // The generator panics where it cannot write; memory it can.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    let mut out = Stdout::new();
    out.write_all(&script)?;
    out.finish()
}
