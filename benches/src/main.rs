//! Measures what the project claims about speed, on the machine it runs on. Every figure is a ratio between things
//! measured in the same run; absolute figures are printed beside it, for the curious.
//!
//! ```text
//! cargo run --release -p benches             everything
//! cargo run --release -p benches -- kernel   one part of it
//! ```

mod clock_rate;
mod engine;
mod kernel;
mod launch;
mod pcie;
mod queue;
mod report;
mod software;
mod validate;

use anyhow::Result;
use clap::{Parser, ValueEnum};

use report::Report;

/// Measure what the project claims about speed, as ratios in one run
#[derive(Parser)]
struct Arguments {
    /// What to measure; everything if nothing is named
    #[arg(value_enum)]
    parts: Vec<Part>,
    /// Rounds of each comparison; the median ratio and the spread are reported
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Descriptors of the large validation
    #[arg(long, default_value_t = 10_000_000)]
    descriptors: usize,
    /// What a process that this program has started does
    #[arg(long, hide = true)]
    role: Option<pcie::Role>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The co-simulation's clock beside a plain C++ loop over the same model
    Clock,
    /// What the kernel reaches, by its own counters
    Kernel,
    /// A large validation and the start-up of a small one
    Validate,
    /// Launches, directly and through XRT; large transfers; several compute units
    Launch,
    /// Queues beside a cache-line ping-pong and the bare judge; the kernel's clocks, also over PCIe
    Queue,
    /// A served card: transfers, doorbells, processes that share it
    Pcie,
    /// The software device beside a loop over the descriptors, and beside reading memory
    Software,
    /// The decision engine over a million agents, beside the same loop without it
    Engine,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Some(role) = arguments.role {
        return pcie::play(role);
    }
    let parts = if arguments.parts.is_empty() {
        Part::value_variants().to_vec()
    } else {
        arguments.parts.clone()
    };
    let mut report = Report::default();
    for part in parts {
        match part {
            Part::Clock => clock_rate::measure(&mut report, arguments.rounds)?,
            Part::Launch => launch::measure(&mut report, arguments.rounds)?,
            Part::Queue => queue::measure(&mut report, arguments.rounds)?,
            Part::Pcie => pcie::measure(&mut report, arguments.rounds)?,
            Part::Software => software::measure(&mut report, arguments.rounds)?,
            Part::Engine => engine::measure(&mut report, arguments.rounds)?,
            Part::Kernel => kernel::measure(&mut report)?,
            Part::Validate => {
                validate::measure(&mut report, arguments.rounds, arguments.descriptors)?
            }
        }
    }
    println!("{report}");
    report.verdict()
}
