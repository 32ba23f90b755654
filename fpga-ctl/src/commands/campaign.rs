//! `fpga-ctl sim campaign`: thousands of faults on simulated cards, and a table of what became of them.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Args, value_parser};
use host_runtime::faults::campaign::{Campaign, CampaignReport, Row, Suffering};
use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::JsonFlag;
use crate::context::Context;
use crate::stdout::Stdout;
use crate::table::Table;

const AFTER_HELP: &str = "\
A card in this process and a served card suffer faults of every kind at every stage of a run, one after the other. Each must \
end in right answers or in an error, and the card must work again; every answer is compared with the golden model. A wrong \
answer, a hang or something left behind ends the campaign with exit status 2 and the command that replays the case. The cards \
are new ones, in a folder that is removed afterwards: no other card is touched.

Examples:
  fpga-ctl sim campaign --faults 500
  fpga-ctl sim campaign --faults 10000 --seed 7 --json > campaign.json
  fpga-ctl sim campaign --seed 7 --only 1234";

/// Arguments of `sim campaign`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct CampaignArgs {
    /// Faults that must strike
    #[arg(long, value_name = "COUNT", value_parser = value_parser!(u64).range(1..=10_000_000), default_value_t = 1000)]
    faults: u64,
    /// Seed of everything that is random in the campaign
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
    /// Only the case of this number, on new cards
    #[arg(long, value_name = "CASE")]
    only: Option<u64>,
    #[command(flatten)]
    pub(crate) json: JsonFlag,
}

/// Runs `sim campaign`.
pub(crate) fn run(context: &Context, args: &CampaignArgs) -> Result<()> {
    let folder = tempfile::tempdir().context("no folder for the cards' state")?;
    let campaign = Campaign {
        faults: args.faults,
        seed: args.seed,
        only: args.only,
        state_folder: folder.path().to_owned(),
    };
    let bar = ProgressBar::new(args.faults);
    if context.globals.quiet || args.only.is_some() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    bar.set_style(ProgressStyle::with_template(
        "{bar:40} {pos}/{len} faults, {eta} left",
    )?);
    let report = campaign.run(|struck| bar.set_position(struck));
    bar.finish_and_clear();
    let report = report?;
    let mut out = Stdout::new();
    if args.json.json {
        out.json(&report)?;
    } else {
        write(&mut out, &report)?;
    }
    out.finish()
}

fn write(out: &mut Stdout, report: &CampaignReport) -> Result<()> {
    let mut table = Table::new()
        .text("card")
        .text("stage")
        .text("fault")
        .number("struck")
        .text("found out by")
        .text("brought back by")
        .number("found in ms")
        .number("back in ms")
        .number("clocks");
    for row in &report.rows {
        table.row(cells(row));
    }
    table.write(out)?;
    let [before, now] = report.resources;
    writeln!(
        out,
        "\n{} faults struck, {} had no event to strike; {} answers, none wrong; {:.0} s; seed {}",
        HumanCount(report.struck),
        HumanCount(report.missed),
        HumanCount(report.answers),
        report.seconds,
        report.seed
    )?;
    writeln!(
        out,
        "files {} -> {}, threads {} -> {}, resident memory {} -> {} KiB: before and after all but the first cases of each kind",
        before.files, now.files, before.threads, now.threads, before.resident_kib, now.resident_kib,
    )?;
    Ok(())
}

fn cells(row: &Row) -> Vec<String> {
    let spread = |us: host_runtime::faults::campaign::Spread| {
        let ms = |us: u64| Duration::from_micros(us).as_secs_f64() * 1e3;
        format!("{:.1} / {:.0}", ms(us.median), ms(us.max))
    };
    vec![
        match row.card {
            Suffering::InProcess => "sim:0".to_owned(),
            Suffering::Served => "pcie".to_owned(),
        },
        row.stage.name().to_owned(),
        row.fault.to_owned(),
        row.struck.to_string(),
        counts(&row.detected),
        counts(&row.recovered),
        spread(row.noticed_us),
        spread(row.mended_us),
        row.clocks
            .map_or_else(|| "-".to_owned(), |clocks| HumanCount(clocks).to_string()),
    ]
}

/// The most frequent first, with their counts where there are several.
fn counts(counts: &BTreeMap<&'static str, u64>) -> String {
    let mut sorted: Vec<_> = counts.iter().collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    match &sorted[..] {
        [(name, _)] => (*name).to_string(),
        several => {
            let parts = several
                .iter()
                .map(|(name, count)| format!("{name} {count}"));
            parts.collect::<Vec<_>>().join("; ")
        }
    }
}
