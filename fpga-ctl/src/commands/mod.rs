//! The commands, a module each.

pub(crate) mod build;
pub(crate) mod campaign;
pub(crate) mod completions;
pub(crate) mod decode;
pub(crate) mod doctor;
pub(crate) mod encode;
pub(crate) mod image;
pub(crate) mod info;
pub(crate) mod key;
pub(crate) mod lease;
pub(crate) mod list;
pub(crate) mod man;
pub(crate) mod policy;
pub(crate) mod program;
pub(crate) mod regress;
pub(crate) mod reset;
pub(crate) mod sample;
pub(crate) mod sign;
pub(crate) mod sim;
pub(crate) mod validate;
pub(crate) mod verify;
pub(crate) mod xrt;

use std::process::ExitCode;

use anyhow::Result;

use crate::cli::{Cli, Command};
use crate::context::Context;

/// Runs a command.
pub(crate) fn run(cli: Cli) -> Result<ExitCode> {
    let context = Context {
        globals: cli.globals,
    };
    match cli.command {
        Command::Validate(args) => return validate::run(&context, &args),
        Command::Verify(args) => return verify::run(&args),
        Command::Doctor(args) => return doctor::run(&context, &args),
        Command::Lease(args) => return lease::run(&context, &args),
        Command::Regress(args) => return regress::run(&context, &args),
        Command::List(args) => list::run(&context, &args)?,
        Command::Info(args) => info::run(&context, &args)?,
        Command::Build(args) => build::run(&args)?,
        Command::Program(args) => program::run(&context, &args)?,
        Command::Reset(args) => reset::run(&context, &args)?,
        Command::Encode(args) => encode::run(&args)?,
        Command::Decode(args) => decode::run(&args)?,
        Command::Policy(command) => policy::run(&context, &command)?,
        Command::Image(command) => image::run(&command)?,
        Command::Key(command) => key::run(&command)?,
        Command::Sign(args) => sign::run(&args)?,
        Command::Sample(args) => sample::run(&args)?,
        Command::Sim(command) => sim::run(&context, &command)?,
        Command::XrtEnv(args) => xrt::print_environment(&context, &args)?,
        Command::Run(args) => xrt::run(&context, &args)?,
        Command::Completions(args) => completions::run(&args)?,
        Command::Man(args) => man::run(&args)?,
    }
    Ok(ExitCode::SUCCESS)
}
