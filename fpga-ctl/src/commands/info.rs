//! `fpga-ctl info`: what one card holds, what it counted, who uses it.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Result;
use clap::Args;
use console::style;
use host_runtime::tcp::{Cause, Decision, Tally};
use host_runtime::{
    CardInfo, Cycles, Error, Holder, KERNEL, LeaseInfo, PciDetails, Recoveries, Reliability,
};
use indicatif::{HumanBytes, HumanCount};
use serde::Serialize;

use super::lease::since;
use super::verify::Vouching;
use crate::bus;
use crate::cli::JsonFlag;
use crate::context::Context;
use crate::stdout::Stdout;
use crate::table::Table;

const AFTER_HELP: &str = "\
Examples:
  fpga-ctl info
  fpga-ctl info --card software:0 --json";

/// Arguments of `info`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct InfoArgs {
    #[command(flatten)]
    pub(crate) json: JsonFlag,
}

/// What is told about a card.
#[derive(Debug, Serialize)]
struct Information {
    #[serde(flatten)]
    info: CardInfo,
    holders: Vec<Holder>,
    leases: Vec<LeaseInfo>,
    /// Of a card on the PCI bus.
    #[serde(skip_serializing_if = "Option::is_none")]
    pci: Option<PciDetails>,
    /// What memory and link found, if the card tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    reliability: Option<Reliability>,
    /// Of the image, if the card holds one.
    #[serde(skip_serializing_if = "Option::is_none")]
    trust: Option<Vouching>,
    /// Of the `tcp_validator`, if the card holds one.
    #[serde(skip_serializing_if = "Option::is_none")]
    counters: Option<Counters>,
}

/// The kernel's counters since its reset.
#[derive(Debug, Serialize)]
struct Counters {
    descriptors: u64,
    valid: u64,
    decisions: BTreeMap<Decision, u64>,
    malformed: BTreeMap<Cause, u64>,
    over_maximum: u64,
    flag_hit: u64,
    cycles: Cycles,
}

impl Counters {
    fn new(tally: &Tally, cycles: Cycles) -> Self {
        Self {
            descriptors: tally.verdicts.descriptors,
            valid: tally.verdicts.valid,
            decisions: Decision::ALL
                .into_iter()
                .map(|decision| (decision, tally.verdicts.decided(decision)))
                .collect(),
            malformed: Cause::ALL
                .into_iter()
                .map(|cause| (cause, tally.caused_by(cause)))
                .collect(),
            over_maximum: tally.verdicts.over_maximum,
            flag_hit: tally.verdicts.flag_hit,
            cycles,
        }
    }
}

/// Runs `info`.
pub(crate) fn run(context: &Context, args: &InfoArgs) -> Result<()> {
    let card = context.card();
    // Before this process holds it too.
    let mut entries = context.inventory().cards.into_iter();
    let (holders, leases, pci) = entries
        .find(|entry| entry.card == card)
        .map(|entry| (entry.holders, entry.leases, entry.pci))
        .unwrap_or_default();
    let mut reliability = None;
    let (info, trust, counters) = context.look_at_card(card, "info", |card| {
        let info = card.info();
        reliability = card.reliability();
        let image = card.image();
        let trust = image.map(|image| {
            Vouching::of(image.xclbin()).unwrap_or_else(|error| Vouching::undetermined(&error))
        });
        let validator = info
            .image
            .is_some()
            .then(|| card.kernel(KERNEL))
            .transpose();
        let counters = match validator {
            Ok(Some(kernel)) => match kernel.counters() {
                Ok((tally, cycles)) => Some(Counters::new(&tally, cycles)),
                // Then nothing of it runs, and `trust` says why.
                Err(Error::Untrusted { .. } | Error::Trust(_)) => None,
                Err(error) => return Err(error.into()),
            },
            // An image of other kernels has no such counters.
            Ok(None) | Err(_) => None,
        };
        Ok((info, trust, counters))
    })?;
    let information = Information {
        info,
        holders,
        leases,
        pci,
        reliability,
        trust,
        counters,
    };
    let mut out = Stdout::new();
    if args.json.json {
        out.json(&information)?;
    } else {
        write(&mut out, &information)?;
    }
    out.finish()
}

fn write(out: &mut Stdout, information: &Information) -> Result<()> {
    let CardInfo {
        card,
        description,
        generation,
        image,
        recoveries,
    } = &information.info;
    writeln!(out, "card        {}, {description}", style(card).bold())?;
    writeln!(out, "generation  {generation}")?;
    if let Some(details) = &information.pci {
        writeln!(out, "bus         {}", bus::line(details))?;
        for note in &details.notes {
            writeln!(out, "note        {note}")?;
        }
    }
    for lease in &information.leases {
        writeln!(
            out,
            "leased by   {} (process {} of {}), {}, {}, for {}",
            lease.program,
            lease.pid,
            lease.user,
            lease.access,
            since(lease.since),
            lease.purpose
        )?;
    }
    for holder in &information.holders {
        let purpose = if holder.purpose.is_empty() {
            String::new()
        } else {
            format!(" for {}", holder.purpose)
        };
        writeln!(
            out,
            "held by     {} (process {}){purpose}",
            holder.program, holder.pid
        )?;
    }
    if *recoveries != Recoveries::default() {
        write_recoveries(out, recoveries)?;
    }
    let Some(image) = image else {
        writeln!(
            out,
            "image       none; `fpga-ctl program --card {card} default` loads the default one"
        )?;
        return Ok(());
    };
    writeln!(out, "image       {}", image.uuid)?;
    if let Some(trust) = &information.trust {
        let warning = if trust.trusted { "" } else { "NOT TRUSTED, " };
        writeln!(
            out,
            "trust       {}{}",
            style(warning).red().bold(),
            trust.text
        )?;
    }
    writeln!(out, "platform    {}", image.platform)?;
    writeln!(out, "clock       {} MHz", image.clock_mhz)?;
    for unit in &image.units {
        writeln!(out, "unit        {unit}")?;
    }
    for bank in &image.banks {
        writeln!(
            out,
            "bank        {} {}, {} at {:#x}",
            bank.name,
            bank.kind,
            HumanBytes(bank.size),
            bank.base
        )?;
    }
    if let Some(found) = &information.reliability {
        writeln!(
            out,
            "errors      memory: {} corrected, {} not; link: {} packets sent again",
            HumanCount(found.corrected),
            HumanCount(found.uncorrected),
            HumanCount(found.replays)
        )?;
    }
    if let Some(counters) = &information.counters {
        writeln!(out)?;
        write_counters(out, counters)?;
    }
    Ok(())
}

/// What the ladder did: the rungs tried, and those that helped.
fn write_recoveries(out: &mut Stdout, recoveries: &Recoveries) -> Result<()> {
    let Recoveries {
        troubles,
        aborts,
        soft_resets,
        reprograms,
        losses,
        self_tests_passed,
        self_tests_failed,
        recovered_by_abort,
        recovered_by_soft_reset,
        recovered_by_reprogram,
    } = recoveries;
    writeln!(
        out,
        "recoveries  {troubles}: helped by abort {recovered_by_abort} of {aborts}, soft-reset \
         {recovered_by_soft_reset} of {soft_resets}, reprogram {recovered_by_reprogram} of {reprograms}; lost {losses} times"
    )?;
    writeln!(
        out,
        "self-tests  {self_tests_passed} passed, {self_tests_failed} failed"
    )?;
    Ok(())
}

fn write_counters(out: &mut Stdout, counters: &Counters) -> Result<()> {
    let mut table = Table::new().text("COUNTER SINCE RESET").number("VALUE");
    let mut row = |name: String, value: u64| {
        table.row(vec![name, HumanCount(value).to_string()]);
    };
    row("descriptors".to_owned(), counters.descriptors);
    row("valid".to_owned(), counters.valid);
    for (decision, &count) in &counters.decisions {
        row(decision.to_string(), count);
    }
    for (cause, &count) in &counters.malformed {
        row(cause.to_string(), count);
    }
    row("over a maximum".to_owned(), counters.over_maximum);
    row("flag hit".to_owned(), counters.flag_hit);
    row("active clocks".to_owned(), counters.cycles.active);
    row(
        "clocks waiting to read".to_owned(),
        counters.cycles.read_wait,
    );
    row(
        "clocks waiting to write".to_owned(),
        counters.cycles.write_wait,
    );
    table.write(out)?;
    Ok(())
}
