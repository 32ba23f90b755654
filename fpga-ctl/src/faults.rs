//! Options by which a simulated card suffers faults, and what is told of them.

use anyhow::{Result, bail};
use clap::Args;
use host_runtime::CardId;
use host_runtime::faults::{Fault, FaultInjector, FaultKind, FaultPlan};

use crate::stderr;

/// Faults to inject.
#[derive(Debug, Args)]
#[command(next_help_heading = "Faults")]
pub(crate) struct FaultArgs {
    /// Have the card suffer a fault, as `axi-error:on=read,at=3` (--help and docs/faults.md list them); may be given
    /// several times
    #[arg(long = "fault", value_name = "KIND[:KEY=VALUE,...]", long_help = long_help())]
    faults: Vec<Fault>,
    /// Seed of what faults leave to chance: which events, beats and bits
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    fault_seed: u64,
}

fn long_help() -> String {
    let mut text = String::from(
        "Have the card suffer a fault; may be given several times.\n\nEvery fault takes on=EVENT (what it waits for and \
         counts), at=N (the first event that it strikes, from 1), times=N|all, chance=P, port=NAME and range=A..B (addresses, \
         or byte offsets of registers). Without them it strikes the first event once. The kinds, with their events:\n\n",
    );
    for kind in FaultKind::ALL {
        let events: Vec<_> = kind.events().iter().map(|event| event.name()).collect();
        let events = match events.len() {
            0..=6 => events.join("|"),
            _ => format!("{}, or any other event", events[0]),
        };
        text += &format!(
            "  {:<15} {}\n{:18}on={events}\n",
            kind.name(),
            kind.summary(),
            ""
        );
    }
    text += "\nSettings of their own: response=slverr|decerr (axi-error, register-error, dma-error), clocks=N (slow, \
             interrupt-late), bits=1|2 (memory-flip), replay=helps|fails (dma-flip).";
    text
}

impl FaultArgs {
    /// The switch of the card's faults. Only simulated cards have one.
    pub(crate) fn injector(&self, card: CardId) -> Result<FaultInjector> {
        if self.faults.is_empty() {
            return Ok(FaultInjector::default());
        }
        match card {
            CardId::Simulated(_) => {}
            CardId::Served(name) => bail!(
                "{card} suffers its faults where it is served: give --fault to `fpga-ctl sim serve {name}`"
            ),
            _ => {
                bail!("{card} cannot be made to suffer faults; use a simulated card: --card sim:0")
            }
        }
        Ok(FaultInjector::new(FaultPlan {
            seed: self.fault_seed,
            faults: self.faults.clone(),
        }))
    }
}

/// Tells what each fault did: also of one that never struck, which is likely a mistake.
pub(crate) fn tell(injector: &FaultInjector) {
    for tally in injector.tally() {
        let (fault, struck, seen) = (&tally.fault, tally.struck, tally.seen);
        stderr::line(format_args!(
            "fault {fault} struck {struck} of {seen} events"
        ));
    }
}
