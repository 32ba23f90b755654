//! `fpga-ctl sample`: descriptors to try things with, the project's own or random ones.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use host_runtime::collection::sample;
use host_runtime::tcp::random::RandomDescriptors;
use host_runtime::tcp::{Descriptor, Options, Policy, Profile};

use crate::choices;
use crate::output_file::OutputFile;
use crate::stdout::Stdout;

const AFTER_HELP: &str = "\
Without --random: a TCPDB database of some three hundred well-known commands, and malformed descriptors of \
every cause. With it: packed descriptors, half of them malformed, the same for the same seed.

Examples:
  fpga-ctl sample --profile wide --output sample.tcpdb
  fpga-ctl sample --random 10000000 --seed 7 --output many.bin
  fpga-ctl sample --output - | fpga-ctl validate -";

/// Descriptors made at a time.
const CHUNK: u64 = 4096;

/// Arguments of `sample`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct SampleArgs {
    /// How descriptors are laid out and checked
    #[arg(long, value_parser = choices::profile(), default_value = "compact")]
    profile: Profile,
    /// File to write; - is standard output
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// Make this many random descriptors instead
    #[arg(long, value_name = "COUNT")]
    random: Option<u64>,
    /// Seed of the random descriptors
    #[arg(long, default_value_t = 1, requires = "random")]
    seed: u64,
    /// Share of malformed ones among the random descriptors
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100), default_value_t = 50, requires = "random")]
    malformed: u8,
}

/// Runs `sample`.
pub(crate) fn run(args: &SampleArgs) -> Result<()> {
    if args.output == Path::new("-") {
        let mut out = Stdout::new();
        generate(args, |bytes| Ok(out.write_all(bytes)?))?;
        return out.finish();
    }
    let mut file = OutputFile::create(&args.output)?;
    generate(args, |bytes| file.write(bytes))?;
    file.commit()
}

fn generate(args: &SampleArgs, mut write: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let Some(count) = args.random else {
        return write(&sample::database(args.profile));
    };
    let options = Options::for_profile(args.profile);
    let policy = Policy::for_profile(args.profile);
    let mut random = RandomDescriptors::new(args.seed, options, &policy)
        .malformed_share(f64::from(args.malformed) / 100.0);
    let mut chunk = vec![Descriptor([0; Descriptor::SIZE]); CHUNK as usize];
    let mut left = count;
    while left > 0 {
        let now = &mut chunk[..left.min(CHUNK) as usize];
        random.fill(now);
        write(bytemuck::cast_slice(now))?;
        left -= now.len() as u64;
    }
    Ok(())
}
