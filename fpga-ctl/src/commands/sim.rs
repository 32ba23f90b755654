//! `fpga-ctl sim`: simulated cards as devices of their own.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use clap::{Args, Subcommand};
use host_runtime::{CardId, CardResources, ServeOptions, ServedCard, ServedName};

use crate::commands::campaign::{self, CampaignArgs};
use crate::commands::lease::quantity;
use crate::commands::program::{DEFAULT_IMAGE, read_image};
use crate::context::Context;
use crate::faults;
use crate::interrupt;
use crate::simulation::SimulationArgs;
use crate::stdout::Stdout;

/// The name that leaves the card without an image.
const NO_IMAGE: &str = "none";

/// How often Ctrl-C is looked for.
const POLL: Duration = Duration::from_millis(100);

const AFTER_HELP: &str = "\
The card is served until Ctrl-C. Every process of this machine that uses the same state folder sees it in `fpga-ctl list`
and opens it as pcie:NAME; several at once share it. Other vfio-user clients attach to its socket.

Examples:
  fpga-ctl sim serve lab &
  fpga-ctl validate --card pcie:lab tools.tcpdb
  fpga-ctl sim serve lab --image kernel.xclbin --waves run.fst
  fpga-ctl sim serve flaky --fault dma-error:on=from-card,chance=0.01 --fault-seed 7";

/// Simulated cards as devices of their own.
#[derive(Debug, Subcommand)]
pub(crate) enum SimCommand {
    /// Serve a simulated card as a PCIe device that many processes share
    Serve(ServeArgs),
    /// Have simulated cards suffer thousands of faults, and tell what became of each kind
    Campaign(CampaignArgs),
}

impl SimCommand {
    /// Whether standard output is JSON.
    pub(crate) fn reports_json(&self) -> bool {
        matches!(self, Self::Campaign(args) if args.json.json)
    }

    /// Whether what it does to cards would fill the log.
    pub(crate) fn means_trouble(&self) -> bool {
        matches!(self, Self::Campaign(_))
    }
}

/// Arguments of `sim serve`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ServeArgs {
    /// Name of the card: programs open it as pcie:NAME
    #[arg(default_value = "card0")]
    name: ServedName,
    /// Image to load first, an .xclbin; "default" is the one that this program carries, "none" leaves the card empty
    #[arg(long, value_name = "FILE|default|none", default_value = DEFAULT_IMAGE)]
    image: PathBuf,
    /// Memory that the card says it has, for leases: bytes, or with KiB, MiB, GiB, TiB [default: 32GiB]
    #[arg(long, value_name = "SIZE", value_parser = quantity::bytes)]
    memory: Option<u64>,
    /// Logic that the card says it has, in look-up tables [default: an Alveo U250's]
    #[arg(long, value_name = "LUTS", value_parser = quantity::word)]
    logic: Option<u64>,
    /// DSP slices that the card says it has [default: an Alveo U250's]
    #[arg(long, value_name = "SLICES", value_parser = quantity::word)]
    dsp: Option<u64>,
    #[command(flatten)]
    simulation: SimulationArgs,
}

/// Runs `sim`.
pub(crate) fn run(context: &Context, command: &SimCommand) -> Result<()> {
    match command {
        SimCommand::Serve(args) => serve(context, args),
        SimCommand::Campaign(args) => campaign::run(context, args),
    }
}

fn serve(context: &Context, args: &ServeArgs) -> Result<()> {
    let stop = interrupt::watch()?;
    let image = match args.image == Path::new(NO_IMAGE) {
        true => None,
        false => Some(read_image(&args.image)?),
    };
    let options = ServeOptions {
        image,
        state_folder: context.globals.state_dir.clone(),
        trust: context.trust(),
        simulation: args.simulation.options(CardId::Simulated(0))?,
        resources: Some(CardResources {
            memory: args.memory.or(CardResources::SIMULATED.memory),
            luts: args.logic.or(CardResources::SIMULATED.luts),
            dsps: args.dsp.or(CardResources::SIMULATED.dsps),
        }),
    };
    let served = ServedCard::start(args.name, &options)?;
    let mut out = Stdout::new();
    let (id, socket) = (served.id(), served.socket().display());
    writeln!(out, "{id} is served at {socket}; Ctrl-C ends it")?;
    out.finish()?;
    while !stop.is_cancelled() {
        std::thread::sleep(POLL);
    }
    faults::tell(&options.simulation.faults);
    Ok(())
}
