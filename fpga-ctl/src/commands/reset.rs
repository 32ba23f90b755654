//! `fpga-ctl reset`: back to the state after programming, also for a card whose stored state is damaged.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use host_runtime::{Access, Card, Error};

use crate::cli::JsonFlag;
use crate::context::{Context, abandon};
use crate::stdout::Stdout;

const AFTER_HELP: &str = "\
Registers, policy slots and counters go back to their reset values; the image stays. The card must not be in \
use.

Examples:
  fpga-ctl reset
  fpga-ctl reset --card sim:0 --state";

/// Arguments of `reset`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ResetArgs {
    /// Discard the card's stored state, as is done anyway if it is damaged; keep the image if it can be read
    #[arg(long)]
    state: bool,
    #[command(flatten)]
    pub(crate) json: JsonFlag,
}

/// Runs `reset`.
pub(crate) fn run(context: &Context, args: &ResetArgs) -> Result<()> {
    let id = context.card();
    let options = context.options("reset", Access::Exclusive);
    let opened = if args.state {
        None
    } else {
        match Card::open_with(id, &options) {
            Err(error @ Error::StateDamaged { .. }) => {
                tracing::warn!("{error}");
                None
            }
            opened => Some(opened?),
        }
    };
    let (card, what) = match opened {
        Some(card) => {
            if card.image().is_some()
                && let Err(error) = card.reset()
            {
                return Err(abandon(card, error.into()));
            }
            (card, "reset")
        }
        None => (Card::recover(id, &options)?, "stored state discarded"),
    };
    let info = card.info();
    card.close()?;
    let mut out = Stdout::new();
    if args.json.json {
        out.json(&info)?;
    } else {
        let image = match &info.image {
            Some(image) => format!("image {}", image.uuid),
            None => "no image".to_owned(),
        };
        writeln!(out, "{id}: {what}; {image}, generation {}", info.generation)?;
    }
    out.finish()
}
