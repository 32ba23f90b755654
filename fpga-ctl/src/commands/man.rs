//! `fpga-ctl man`: the manual, made from the same definitions as `--help`.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, CommandFactory};
use clap_mangen::Man;

use crate::cli::Cli;
use crate::output_file;
use crate::stdout::Stdout;

const AFTER_HELP: &str = "\
Examples:
  fpga-ctl man | man -l -
  fpga-ctl man --dir ~/.local/share/man/man1";

/// Arguments of `man`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ManArgs {
    /// Write a page for each command into this folder, which is made if need be
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

/// Runs `man`.
pub(crate) fn run(args: &ManArgs) -> Result<()> {
    let mut command = Cli::command();
    command.build();
    let Some(dir) = &args.dir else {
        let mut out = Stdout::new();
        out.write_all(&render(command)?)?;
        return out.finish();
    };
    std::fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let mut pages = vec![command];
    while let Some(page) = pages.pop() {
        pages.extend(
            page.get_subcommands()
                .filter(|page| !page.is_hide_set())
                .cloned(),
        );
        let name = page
            .get_display_name()
            .unwrap_or(page.get_name())
            .to_owned();
        output_file::write(&dir.join(format!("{name}.1")), &render(page)?)?;
    }
    Ok(())
}

fn render(command: clap::Command) -> Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    Ok(page)
}
