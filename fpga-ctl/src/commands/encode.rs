//! `fpga-ctl encode`: a descriptor from its fields.

use std::io::Write;

use anyhow::Result;
use clap::{Args, ValueEnum};
use host_runtime::tcp::{Checksum, DescriptorBuilder, Profile, RiskLevel};

use crate::choices;
use crate::stdout::Stdout;

const AFTER_HELP: &str = "\
Capabilities of the compact profile: REQUIRES_ROOT, DESTRUCTIVE, NETWORK_ACCESS, FILE_MODIFICATION, \
SYSTEM_MODIFICATION, PRIVILEGE_ESCALATION; of the wide one: FILE_MODIFICATION, NETWORK_ACCESS, REQUIRES_ROOT, \
DESTRUCTIVE, SYSTEM_MODIFICATION, PROCESS_CONTROL.

Examples:
  fpga-ctl encode git --risk medium --capability file-modification --exec-ms 2000 --memory-mb 200
  fpga-ctl encode rm --risk high --profile wide --format json | fpga-ctl validate - --profile wide";

/// Arguments of `encode`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct EncodeArgs {
    /// Name of the command
    name: String,
    /// How dangerous it is
    #[arg(long, value_parser = choices::risk())]
    risk: RiskLevel,
    /// What it can do; may be given several times
    #[arg(long = "capability", value_name = "NAME")]
    capabilities: Vec<String>,
    /// Execution time in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0)]
    exec_ms: u64,
    /// Memory in megabytes
    #[arg(long, value_name = "MB", default_value_t = 0)]
    memory_mb: u64,
    /// Output in kilobytes
    #[arg(long, value_name = "KB", default_value_t = 0)]
    output_kb: u64,
    /// Vendor bits, 16 to 31 of the security flags
    #[arg(long, value_name = "0xFLAGS", value_parser = hex_word, default_value = "0x0")]
    vendor_flags: u32,
    /// How the descriptor is laid out and checked
    #[arg(long, value_parser = choices::profile(), default_value = "compact")]
    profile: Profile,
    /// Another checksum than the profile's
    #[arg(long, value_parser = choices::checksum())]
    checksum: Option<Checksum>,
    /// What to print
    #[arg(long, value_enum, default_value = "hex")]
    format: EncodeFormat,
}

/// How the descriptor is printed.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum EncodeFormat {
    /// 48 hex digits.
    Hex,
    /// 24 bytes.
    Raw,
    /// An object: the name and the hex digits.
    Json,
}

fn hex_word(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    u32::from_str_radix(digits, 16)
        .map_err(|error| format!("{error}; write hex digits, as 0x10000"))
}

/// Runs `encode`.
pub(crate) fn run(args: &EncodeArgs) -> Result<()> {
    let mut builder = DescriptorBuilder::new(args.profile, &args.name, args.risk)
        .exec_ms(args.exec_ms)
        .memory_mb(args.memory_mb)
        .output_kb(args.output_kb)
        .vendor_flags(args.vendor_flags)
        .checksum(args.checksum.unwrap_or(args.profile.checksum()));
    for capability in &args.capabilities {
        builder = builder.capability(&capability.to_uppercase().replace('-', "_"))?;
    }
    let descriptor = builder.build()?;
    let mut out = Stdout::new();
    match args.format {
        EncodeFormat::Hex => writeln!(out, "{descriptor}")?,
        EncodeFormat::Raw => out.write_all(descriptor.as_bytes())?,
        EncodeFormat::Json => {
            let name = args.name.clone();
            let object = serde_json::Map::from_iter([(name, descriptor.to_string().into())]);
            out.json(&object)?;
        }
    }
    out.finish()
}
