//! Everything there is to say about an image, as data: to print (`Display`) or to pass on as JSON
//! (`Serialize`). Made from any image; what cannot be read stands among the problems.

use std::fmt;

use serde::Serialize;

use crate::clock_freq::Clock;
use crate::connectivity::Connection;
use crate::digest::{DigestStatus, hex};
use crate::embedded_metadata::KernelEntry;
use crate::error::Result;
use crate::ip_layout::Ip;
use crate::mem_topology::Bank;
use crate::signature::SignatureStatus;
use crate::xclbin::{Bitstream, Xclbin};

/// Description of an image. Sizes and offsets are bytes unless a name says otherwise.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Identity of the image.
    pub uuid: String,
    /// Identity of the shell it links to; all zero if it has none.
    pub interface_uuid: String,
    /// Platform it is for.
    pub platform_vbnv: String,
    /// `XCLBIN_MODE` without its prefix.
    pub mode: String,
    /// Version of the tool that wrote the file.
    pub version: String,
    /// Seconds since 1970; 0 if the build is reproducible.
    pub timestamp: u64,
    /// Length of the file.
    pub length: u64,
    /// `valid`, `absent`, or `mismatch: should be …, is …`.
    pub digest: String,
    /// `valid`, `absent`, `invalid` or `damaged`.
    pub signature: &'static str,
    /// Fingerprint of the key that the signature names, if there is one.
    pub signer: Option<String>,
    /// Length of a vendor's signature, if there is one.
    pub signature_length: Option<u32>,
    /// `model` (for simulated cards), `fpga`, or `none`.
    pub bitstream: &'static str,
    /// Tool and version that made it, as far as it says.
    pub generated_by: Option<String>,
    /// All sections in order.
    pub sections: Vec<SectionSummary>,
    /// Kernels, arguments and instances.
    pub kernels: Vec<KernelEntry>,
    /// Compute units and other blocks.
    pub ips: Vec<Ip>,
    /// Memories.
    pub banks: Vec<Bank>,
    /// Which argument reaches which memory.
    pub connections: Vec<Connection>,
    /// Clocks.
    pub clocks: Vec<Clock>,
    /// What could not be read, and why.
    pub problems: Vec<String>,
}

/// One section.
#[derive(Clone, Debug, Serialize)]
pub struct SectionSummary {
    /// Kind, as `xclbinutil` prints it.
    pub kind: String,
    /// Name, often empty.
    pub name: String,
    /// Offset in the file.
    pub offset: u64,
    /// Size.
    pub size: u64,
}

impl Summary {
    pub(crate) fn of(image: &Xclbin) -> Self {
        let mut problems = Vec::new();
        let header = image.header();
        let metadata = note(image.embedded_metadata(), &mut problems);
        let build = note(image.build_metadata(), &mut problems);
        Summary {
            uuid: header.uuid.to_string(),
            interface_uuid: header.interface_uuid.to_string(),
            platform_vbnv: header.platform_vbnv.clone(),
            mode: header.mode.to_string(),
            version: header.version.to_string(),
            timestamp: header.timestamp,
            length: image.as_bytes().len() as u64,
            digest: match image.digest() {
                DigestStatus::Absent => "absent".to_owned(),
                DigestStatus::Valid => "valid".to_owned(),
                DigestStatus::Mismatch { stored, computed } => {
                    format!(
                        "mismatch: should be {}, is {}",
                        hex(&stored),
                        hex(&computed)
                    )
                }
            },
            signature: match image.signature() {
                SignatureStatus::Absent => "absent",
                SignatureStatus::Valid(_) => "valid",
                SignatureStatus::Invalid(_) => "invalid",
                SignatureStatus::Damaged => "damaged",
            },
            signer: match image.signature() {
                SignatureStatus::Absent | SignatureStatus::Damaged => None,
                SignatureStatus::Valid(key) | SignatureStatus::Invalid(key) => {
                    Some(key.fingerprint().to_string())
                }
            },
            signature_length: image.signature_length(),
            bitstream: match image.bitstream() {
                Some(Bitstream::Model(_)) => "model",
                Some(Bitstream::Fpga(_)) => "fpga",
                None => "none",
            },
            generated_by: build.and_then(|build| {
                let tool = build.tool()?;
                Some(
                    [Some(tool), build.version(), build.time()]
                        .into_iter()
                        .flatten()
                        .collect::<Vec<_>>()
                        .join(" "),
                )
            }),
            sections: image
                .sections()
                .map(|section| SectionSummary {
                    kind: section.kind.to_string(),
                    name: section.name.to_owned(),
                    offset: section.offset,
                    size: section.data.len() as u64,
                })
                .collect(),
            kernels: metadata
                .map(|metadata| metadata.kernels)
                .unwrap_or_default(),
            ips: note(image.ip_layout(), &mut problems)
                .map(|layout| layout.ips)
                .unwrap_or_default(),
            banks: note(image.mem_topology(), &mut problems)
                .map(|memories| memories.banks)
                .unwrap_or_default(),
            connections: note(image.connectivity(), &mut problems)
                .map(|rows| rows.connections)
                .unwrap_or_default(),
            clocks: note(image.clock_frequencies(), &mut problems)
                .map(|clocks| clocks.clocks)
                .unwrap_or_default(),
            problems,
        }
    }
}

fn note<T>(result: Result<Option<T>>, problems: &mut Vec<String>) -> Option<T> {
    result.unwrap_or_else(|error| {
        problems.push(error.to_string());
        None
    })
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |f: &mut fmt::Formatter<'_>, name: &str, value: &dyn fmt::Display| {
            writeln!(f, "{name:<12} {value}")
        };
        row(f, "uuid", &self.uuid)?;
        row(f, "platform", &self.platform_vbnv)?;
        row(f, "mode", &self.mode)?;
        row(f, "bitstream", &self.bitstream)?;
        row(f, "digest", &self.digest)?;
        match &self.signer {
            Some(signer) => {
                let signature = format_args!("{}, by the key {signer}", self.signature);
                row(f, "signature", &signature)?;
            }
            None => row(f, "signature", &self.signature)?,
        }
        row(f, "length", &format_args!("{} bytes", self.length))?;
        row(f, "timestamp", &self.timestamp)?;
        row(f, "version", &self.version)?;
        if let Some(length) = self.signature_length {
            row(
                f,
                "vendor's",
                &format_args!("signature of {length} bytes, not checked here"),
            )?;
        }
        if let Some(tool) = &self.generated_by {
            row(f, "made by", tool)?;
        }
        for section in &self.sections {
            row(
                f,
                "section",
                &format_args!(
                    "{:<20} {:>#12x} {:>12} bytes {}",
                    section.kind, section.offset, section.size, section.name
                ),
            )?;
        }
        for kernel in &self.kernels {
            let description = &kernel.description;
            row(
                f,
                "kernel",
                &format_args!("{} ({})", description.name, description.control),
            )?;
            for argument in &description.arguments {
                let id = argument.id.map_or("-".to_owned(), |id| id.to_string());
                row(
                    f,
                    "  argument",
                    &format_args!(
                        "{id:>2} {} {} at {:#x}, port {}",
                        argument.type_name, argument.name, argument.offset, argument.port
                    ),
                )?;
            }
        }
        for ip in &self.ips {
            row(
                f,
                "ip",
                &format_args!("{} {} at {:#x}", ip.kind, ip.name, ip.base_address),
            )?;
        }
        for (index, bank) in self.banks.iter().enumerate() {
            let used = if bank.used { "" } else { ", unused" };
            row(
                f,
                "bank",
                &format_args!(
                    "{index} {} {} {} KiB at {:#x}{used}",
                    bank.tag, bank.kind, bank.size_kib, bank.base_address
                ),
            )?;
        }
        for connection in &self.connections {
            row(
                f,
                "connection",
                &format_args!(
                    "ip {} argument {} to bank {}",
                    connection.ip_layout_index, connection.arg_index, connection.mem_data_index
                ),
            )?;
        }
        for clock in &self.clocks {
            row(
                f,
                "clock",
                &format_args!("{} {} MHz {}", clock.name, clock.mhz, clock.kind),
            )?;
        }
        for problem in &self.problems {
            row(f, "problem", problem)?;
        }
        Ok(())
    }
}
