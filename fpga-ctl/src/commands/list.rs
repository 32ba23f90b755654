//! `fpga-ctl list`: the cards of this machine.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use console::style;
use host_runtime::{CardState, Inventory, PciDetails};

use crate::bus;
use crate::cli::JsonFlag;
use crate::commands::lease::since;
use crate::context::Context;
use crate::stdout::Stdout;
use crate::table::Table;

const AFTER_HELP: &str = "\
Examples:
  fpga-ctl list
  fpga-ctl list --json | jq -r '.cards[].card'";

/// Arguments of `list`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) json: JsonFlag,
}

/// Runs `list`.
pub(crate) fn run(context: &Context, args: &ListArgs) -> Result<()> {
    let inventory = context.inventory();
    let mut out = Stdout::new();
    if args.json.json {
        out.json(&inventory)?;
    } else {
        write(&mut out, &inventory)?;
    }
    out.finish()
}

fn write(out: &mut Stdout, inventory: &Inventory) -> Result<()> {
    let mut table = Table::new()
        .text("CARD")
        .text("STATE")
        .flexible("KERNELS")
        .flexible("DESCRIPTION")
        .text("HELD BY");
    for entry in &inventory.cards {
        let state = match entry.state {
            CardState::Empty => style("empty").dim(),
            CardState::Ready => style("ready").green(),
            CardState::Held => style("held").yellow(),
        };
        let leases = entry.leases.iter().map(|lease| {
            format!(
                "{} lease of {}: {} ({}), {}",
                lease.access,
                lease.user,
                lease.program,
                lease.pid,
                since(lease.since)
            )
        });
        let holders = entry
            .holders
            .iter()
            .map(|holder| format!("{} ({})", holder.program, holder.pid));
        let holders: Vec<String> = leases.chain(holders).collect();
        table.row(vec![
            style(entry.card).bold().to_string(),
            state.to_string(),
            or_dash(entry.kernels.join(", ")),
            entry.description.clone(),
            or_dash(holders.join(", ")),
        ]);
    }
    table.write(out)?;
    for entry in &inventory.cards {
        if let Some(details) = &entry.pci {
            writeln!(
                out,
                "\n{}: {}",
                style(entry.card).bold(),
                bus::line(details)
            )?;
            write_notes(out, details)?;
        }
    }
    for card in &inventory.unusable {
        writeln!(
            out,
            "\n{} {}: {}",
            style("unusable").red(),
            style(&card.name).bold(),
            card.description
        )?;
        if let Some(details) = &card.pci {
            writeln!(out, "  {}", bus::line(details))?;
            write_notes(out, details)?;
        }
        writeln!(out, "  {}\n  to mend it: {}", card.reason, card.advice)?;
    }
    Ok(())
}

fn write_notes(out: &mut Stdout, details: &PciDetails) -> Result<()> {
    for note in &details.notes {
        writeln!(out, "  note: {note}")?;
    }
    Ok(())
}

fn or_dash(text: String) -> String {
    if text.is_empty() {
        "-".to_owned()
    } else {
        text
    }
}
