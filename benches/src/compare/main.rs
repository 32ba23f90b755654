//! Measures the project beside what people use today and beside what the machine can do, in one run on this machine; writes
//! a table, a page with plots, and every figure of every round.

mod cache;
mod card;
mod chart;
mod latency;
mod machine;
mod measure;
mod memory;
mod page;
mod process;
mod readme;
mod results;
mod table;
mod targets;
mod tools;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use clap::Parser;
use host_runtime::tcp::{Checksum, Policy};
use peers::workload;

use machine::Machine;
use measure::Field;
use results::Results;
use tools::Tools;

/// Where the peers are built, wherever the results go.
const PEERS: &str = "target/compare/peers";

/// Compare the project with what people use today, in one run on this machine
///
/// In each round everything is measured in turn: the software device with every instruction set of this CPU, in cache
/// and from memory; a queue polled for one decision; the simulated card; and beside them Python with struct and zlib,
/// numpy, C++ with zlib, Rust loops with the crates crc and crc32fast, cocotb on the same RTL, the read bandwidth of a
/// core, a cache line's way between two cores, and eventfd. All of them must give the verdicts of the golden model. What
/// is not installed is told as missing; scripts/compare installs it first.
#[derive(Parser)]
#[command(name = "compare")]
struct Arguments {
    /// A look in half a minute: fewer and shorter rounds
    #[arg(long)]
    quick: bool,
    /// Rounds; 15, or 3 if quick
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: Option<u32>,
    /// Folder for the results: NAME.json, NAME.md and NAME.html
    #[arg(long, default_value = "target/compare")]
    out: PathBuf,
    /// NAME of the results; this machine's CPU if not given
    #[arg(long)]
    name: Option<String>,
    /// Python that has numpy and cocotb
    #[arg(long, default_value = "python3")]
    python: PathBuf,
    /// Print what README quotes of that run, and measure nothing
    #[arg(long, value_name = "RUN.json")]
    readme: Option<PathBuf>,
    /// Make table and page of that run again, and measure nothing
    #[arg(long, value_name = "RUN.json", conflicts_with = "readme")]
    render: Option<PathBuf>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Some(file) = &arguments.readme {
        println!("{}", readme::quotation(file)?);
        return Ok(());
    }
    if let Some(file) = &arguments.render {
        let text = std::fs::read_to_string(file).with_context(|| format!("{}", file.display()))?;
        return write(&serde_json::from_str(&text)?, file);
    }
    let results = measure(&arguments)?;
    std::fs::create_dir_all(&arguments.out)?;
    let name = arguments.name.unwrap_or_else(|| results.machine.slug());
    write(&results, &arguments.out.join(format!("{name}.json")))?;
    println!("{}", table::markdown(&results));
    Ok(())
}

fn measure(arguments: &Arguments) -> Result<Results> {
    let (rounds, slice) = match arguments.quick {
        true => (3, Duration::from_millis(20)),
        false => (15, Duration::from_millis(100)),
    };
    let rounds = arguments.rounds.unwrap_or(rounds);
    eprintln!("preparing the peers; the RTL for cocotb takes a minute the first time");
    let tools = Tools::prepare(Path::new(PEERS), arguments.python.clone())?;
    let mut machine = Machine::here(Some(tools.python()));
    let state = tempfile::tempdir()?;
    let mut fields = fields(&tools, state.path(), arguments.quick)?;
    for round in 0..rounds {
        eprintln!("round {} of {rounds}", round + 1);
        for field in &mut fields {
            field.round(round, slice)?;
        }
    }
    machine.end();
    let (groups, missing): (Vec<_>, Vec<_>) = fields.into_iter().map(Field::finish).unzip();
    Ok(Results {
        taken: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        rounds,
        quick: arguments.quick,
        machine,
        targets: targets::of(&groups),
        groups,
        missing: missing.concat(),
    })
}

fn fields(tools: &Tools, state: &Path, quick: bool) -> Result<Vec<Field>> {
    let default = Policy::reset_default();
    let asking = (
        "asking",
        "CRC-32, in cache, every rule asked",
        "A policy with deny and approval flags and all maxima.",
    );
    let modbus = (
        "modbus",
        "CRC-16/MODBUS, in cache",
        "As above, with the other CRC.",
    );
    let sum = (
        "sum",
        "Sum, in cache",
        "As above, with the sum of the bytes.",
    );
    Ok(vec![
        cache::crc32(tools)?,
        cache::variant(tools, asking, Checksum::Crc32, &workload::demanding()),
        cache::variant(tools, modbus, Checksum::Modbus, &default),
        cache::variant(tools, sum, Checksum::Sum, &default),
        memory::field(memory::count(quick))?,
        latency::field(state),
        card::field(tools, state),
    ])
}

/// Writes figures, table and page beside each other.
fn write(results: &Results, file: &Path) -> Result<()> {
    std::fs::write(file, serde_json::to_string_pretty(results)? + "\n")?;
    std::fs::write(file.with_extension("md"), table::markdown(results))?;
    let page = file.with_extension("html");
    std::fs::write(&page, page::html(results))?;
    eprintln!(
        "written: {}, with the table (.md) and all figures (.json) beside it",
        page.display()
    );
    Ok(())
}
