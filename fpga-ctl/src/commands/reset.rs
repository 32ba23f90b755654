//! `fpga-ctl reset`: climbs the ladder out of trouble until the card works, whatever became of it.

use std::io::Write;

use anyhow::{Context as _, Result};
use clap::Args;
use host_runtime::{Access, Card, CardInfo, Recovered, Rung};
use serde::Serialize;

use crate::cli::JsonFlag;
use crate::context::Context;
use crate::stdout::Stdout;

const AFTER_HELP: &str = "\
The rungs are abort (end the runs of each compute unit and reset it), soft-reset (reset all kernels), reprogram (load the
image again; the card's memory and stored state are new) and device-lost (give the card up). The first that helps ends it:
the card must pass a self-test. Counters go back to 0, policy slots to their reset values; the image stays. A card that is
lost, damaged or in the midst of a recovery is reset as well. It must not be in use, unless --force says so.

Examples:
  fpga-ctl reset
  fpga-ctl reset --card sim:0 --rung reprogram
  fpga-ctl reset --card pcie:lab --force --json";

/// Arguments of `reset`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ResetArgs {
    /// Rung to begin with; those above follow if it does not help
    #[arg(long, value_name = "RUNG", default_value_t = Rung::SoftReset)]
    rung: Rung,
    /// Discard the card's stored state, as --rung reprogram does; keep the image if it can be read
    #[arg(long, conflicts_with = "rung")]
    state: bool,
    /// Reset the card also while others use it: their runs end with an error
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    pub(crate) json: JsonFlag,
}

/// What is told of a reset.
#[derive(Debug, Serialize)]
struct Reset {
    #[serde(flatten)]
    info: CardInfo,
    recovered: Recovered,
}

/// Runs `reset`.
pub(crate) fn run(context: &Context, args: &ResetArgs) -> Result<()> {
    let id = context.card();
    let access = match args.force {
        true => Access::Shared,
        false => Access::Exclusive,
    };
    let options = context.options("reset", access);
    let first = match args.state {
        true => Rung::Reprogram,
        false => args.rung,
    };
    let (card, recovered) = Card::mend(id, &options, first)?;
    let info = card.info();
    card.close()
        .context("the card's state could not be stored")?;
    let mut out = Stdout::new();
    if args.json.json {
        out.json(&Reset { info, recovered })?;
    } else {
        let image = match &info.image {
            Some(image) => format!("image {}", image.uuid),
            None => "no image".to_owned(),
        };
        let generation = info.generation;
        writeln!(
            out,
            "{id}: {} helped, self-test passed; {image}, generation {generation}",
            recovered.rung
        )?;
    }
    out.finish()
}
