//! `fpga-ctl decode`: descriptors explained field by field.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use clap::Args;
use console::style;
use host_runtime::tcp::{Checksum, Decoded, Descriptor, Profile};
use serde::Serialize;
use serde::ser::{SerializeSeq, Serializer};

use super::validate::Input;
use crate::choices;
use crate::cli::JsonFlag;
use crate::stdout::Stdout;
use crate::table::printable;

const AFTER_HELP: &str = "\
Examples:
  fpga-ctl decode 544350020002ba9f11ec0000024407d000c80d920003f202
  fpga-ctl decode sample.tcpdb --profile wide --json | jq '.[] | select(.cause)'";

/// Arguments of `decode`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct DecodeArgs {
    /// Descriptors as 48 hex digits, or files of descriptors; - is standard input
    #[arg(required = true, value_name = "HEX|FILE")]
    sources: Vec<String>,
    /// How descriptors are laid out and checked
    #[arg(long, value_parser = choices::profile(), default_value = "compact")]
    profile: Profile,
    /// Another checksum than the profile's
    #[arg(long, value_parser = choices::checksum())]
    checksum: Option<Checksum>,
    #[command(flatten)]
    pub(crate) json: JsonFlag,
}

/// A descriptor as the JSON report has it.
#[derive(Debug, Serialize)]
struct NamedDecoded<'a> {
    name: Option<&'a str>,
    #[serde(flatten)]
    decoded: Decoded,
}

/// Descriptors of one argument.
enum Source {
    One(Descriptor),
    Many(Input),
}

impl Source {
    fn read(text: &str) -> Result<Self> {
        let digits = text.len() > 1 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if digits && !Path::new(text).exists() {
            let descriptor = text
                .parse()
                .with_context(|| format!("{text:?} is no descriptor"))?;
            return Ok(Self::One(descriptor));
        }
        Ok(Self::Many(Input::read(Path::new(text))?))
    }

    fn descriptors(&self) -> impl Iterator<Item = (Option<&str>, &Descriptor)> {
        let (one, many) = match self {
            Self::One(descriptor) => (Some((None, descriptor)), None),
            Self::Many(input) => (None, Some(&input.collection)),
        };
        let many = many.into_iter().flat_map(|collection| {
            let descriptors = collection.descriptors().iter().enumerate();
            descriptors.map(|(index, descriptor)| (collection.name(index), descriptor))
        });
        one.into_iter().chain(many)
    }
}

/// Runs `decode`.
pub(crate) fn run(args: &DecodeArgs) -> Result<()> {
    let checksum = args.checksum.unwrap_or(args.profile.checksum());
    let sources: Vec<Source> = args
        .sources
        .iter()
        .map(|text| Source::read(text))
        .collect::<Result<_>>()?;
    let all = sources
        .iter()
        .flat_map(Source::descriptors)
        .map(|(name, descriptor)| NamedDecoded {
            name,
            decoded: Decoded::with_checksum(descriptor, args.profile, checksum),
        });
    let mut out = Stdout::new();
    if args.json.json {
        // One by one: there may be millions.
        let mut serializer = serde_json::Serializer::pretty(&mut out);
        let mut list = serializer
            .serialize_seq(None)
            .map_err(std::io::Error::from)?;
        for decoded in all {
            list.serialize_element(&decoded)
                .map_err(std::io::Error::from)?;
        }
        list.end().map_err(std::io::Error::from)?;
        writeln!(out)?;
    } else {
        for (index, decoded) in all.enumerate() {
            if index > 0 {
                writeln!(out)?;
            }
            write(&mut out, &decoded)?;
        }
    }
    out.finish()
}

fn write(out: &mut Stdout, named: &NamedDecoded<'_>) -> Result<()> {
    let decoded = &named.decoded;
    let mut line = |name: &str, value: String| writeln!(out, "{name:<13} {value}");
    if let Some(name) = named.name {
        line("name", style(printable(name)).bold().to_string())?;
    }
    line("descriptor", decoded.bytes.clone())?;
    let verdict = match decoded.cause {
        Some(cause) => style(format!("malformed, {cause}")).red(),
        None => style("well-formed".to_owned()).green(),
    };
    line(
        "is",
        format!(
            "{verdict} (by the reserved flags of the {} profile)",
            decoded.profile
        ),
    )?;
    line("magic", decoded.magic.clone())?;
    line("version", decoded.version.to_string())?;
    line("command hash", decoded.command_hash.clone())?;
    let levels: Vec<_> = decoded.risk_bits.iter().map(|level| level.name()).collect();
    line(
        "risk",
        match &levels[..] {
            [one] => (*one).to_owned(),
            [] => "none: exactly one must be set".to_owned(),
            several => format!("{}: exactly one must be set", several.join(", ")),
        },
    )?;
    line("capabilities", or_none(&decoded.capabilities))?;
    line("flags", decoded.flags.clone())?;
    if !decoded.reserved_bits.is_empty() {
        line("reserved bits", or_none(&decoded.reserved_bits))?;
    }
    if !decoded.vendor_bits.is_empty() {
        line("vendor bits", or_none(&decoded.vendor_bits))?;
    }
    line("execution", format!("{} ms", decoded.exec_ms))?;
    line("memory", format!("{} MB", decoded.memory_mb))?;
    line("output", format!("{} KB", decoded.output_kb))?;
    if let Some(length) = decoded.name_len {
        line("name length", length.to_string())?;
    }
    let checksum = &decoded.checksum;
    line(
        "checksum",
        if checksum.ok {
            format!("{} ({}), right", checksum.stored, checksum.algorithm)
        } else {
            format!(
                "{} ({}), wrong: should be {}",
                checksum.stored, checksum.algorithm, checksum.expected
            )
        },
    )?;
    Ok(())
}

fn or_none(items: &[impl ToString]) -> String {
    if items.is_empty() {
        return "none".to_owned();
    }
    items
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
