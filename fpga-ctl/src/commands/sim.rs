//! `fpga-ctl sim`: simulated cards as devices of their own.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use clap::{Args, Subcommand};
use host_runtime::{
    CardId, CardResources, MemoryBanks, ServeOptions, ServedCard, ServedName, ShellKind,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

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

/// What memory is given out in.
const PAGE: u64 = 4096;

/// How often Ctrl-C is looked for.
const POLL: Duration = Duration::from_millis(100);

const AFTER_HELP: &str = "\
The card is served until Ctrl-C. Every process of this machine that uses the same state folder sees it in `fpga-ctl list`
and opens it as pcie:NAME; several at once share it. Other vfio-user clients attach to its socket.

Examples:
  fpga-ctl sim serve lab &
  fpga-ctl validate --card pcie:lab tools.tcpdb
  fpga-ctl sim serve lab --image kernel.xclbin --waves run.fst
  fpga-ctl sim serve --name small --banks 2x256MiB --clock 100
  fpga-ctl sim serve wide --shell xdma:h2c=4,c2h=4
  fpga-ctl sim serve flaky --fault dma-error:on=from-card,chance=0.01 --fault-seed 7";

/// Simulated cards as devices of their own.
#[derive(Debug, Subcommand)]
pub(crate) enum SimCommand {
    /// Serve a simulated card as a PCIe device that many processes share
    Serve(Box<ServeArgs>),
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
    /// The same, by an option
    #[arg(long = "name", value_name = "NAME", conflicts_with = "name")]
    named: Option<ServedName>,
    /// Image to load first, an .xclbin; "default" is the one that this program carries, "none" leaves the card empty
    #[arg(long, value_name = "FILE|default|none", default_value = DEFAULT_IMAGE)]
    image: PathBuf,
    /// Memory banks of the card, and how large each is [default: as many as the image has, of its sizes]. An image with more
    /// is refused, of one with larger ones only so much is there
    #[arg(long, value_name = "N[xSIZE]", value_parser = banks)]
    banks: Option<MemoryBanks>,
    /// Shell in front of the card, with its DMA channels each way: xdma, or xdma:h2c=1..4,c2h=1..4
    #[arg(long, value_name = "SHELL", default_value_t)]
    shell: ShellKind,
    /// Memory that the card says it has, for leases: bytes, or with KiB, MiB, GiB, TiB [default: what --banks make, or 32GiB]
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

/// Each client takes dozens of file descriptors: the usual limit is made for fewer of them than a server may have.
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let most = Rlimit {
        current: limit.maximum,
        ..limit
    };
    // Where that is not allowed, clients for whom there are none are turned away.
    let _ = setrlimit(Resource::Nofile, most);
}

/// Bytes of a bank where none are given: what the shipped images have.
const BANK_BYTES: u64 = 16 << 30;
/// Most banks: what Alveo cards with HBM have, and some more.
const MOST_BANKS: u32 = 64;

/// A number of banks and the size of each, as `2` or `4x256MiB`.
fn banks(text: &str) -> Result<MemoryBanks, String> {
    let (count, size) = match text.split_once('x') {
        Some((count, size)) => (count, Some(size)),
        None => (text, None),
    };
    let count = count.parse().ok();
    let count = count.filter(|count| (1..=MOST_BANKS).contains(count));
    let count = count
        .ok_or_else(|| format!("write a number of banks, 1 to {MOST_BANKS}: 2, or 4x256MiB"))?;
    let bytes = size.map_or(Ok(BANK_BYTES), quantity::bytes)?;
    if bytes < PAGE || !bytes.is_multiple_of(PAGE) {
        return Err(format!("a bank is a multiple of {PAGE} bytes"));
    }
    Ok(MemoryBanks { count, bytes })
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
        banks: args.banks,
        shell: args.shell,
        resources: Some(CardResources {
            memory: args
                .memory
                .or(args.banks.map(|banks| banks.total()))
                .or(CardResources::SIMULATED.memory),
            luts: args.logic.or(CardResources::SIMULATED.luts),
            dsps: args.dsp.or(CardResources::SIMULATED.dsps),
        }),
    };
    raise_file_limit();
    let served = ServedCard::start(args.named.unwrap_or(args.name), &options)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn banks_are_a_number_and_a_size() {
        let parsed = |text| banks(text).map(|banks| (banks.count, banks.bytes));
        assert_eq!(parsed("2"), Ok((2, 16 << 30)));
        assert_eq!(parsed("4x256MiB"), Ok((4, 256 << 20)));
        assert_eq!(parsed("1x4096"), Ok((1, 4096)));
        for wrong in [
            "", "0", "65", "x", "2x", "2x0", "2x4097", "2x1", "-1", "2X1GiB", "2x1GB",
        ] {
            parsed(wrong).unwrap_err();
        }
    }
}
