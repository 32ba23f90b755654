//! `fpga-ctl`: cards, images and validation from the command line.
//!
//! Thin on purpose: what a daemon would want too lives in `host-runtime`. Here are arguments, files, and how
//! results look.

mod bus;
mod choices;
mod cli;
mod commands;
mod context;
mod failure;
mod faults;
mod interrupt;
mod output_file;
mod simulation;
mod stderr;
mod stdout;
mod table;
mod xbutil;

use std::process::ExitCode;

use clap::Parser;

use cli::Cli;

fn main() -> ExitCode {
    if xbutil::is_called(std::env::args_os().next().as_ref()) {
        return xbutil::main();
    }
    let cli = Cli::parse();
    let trouble = matches!(&cli.command, cli::Command::Sim(command) if command.means_trouble());
    cli.globals.set_up(trouble);
    let json = cli.command.reports_json();
    match commands::run(cli) {
        Ok(code) => code,
        Err(error) => failure::report(&error, json),
    }
}
