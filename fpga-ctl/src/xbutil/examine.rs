//! `xbutil examine`: reports on the machine and on a device, as text and as XRT's JSON.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use clap::{Args, ValueEnum};
use host_runtime::Image;
use serde_json::{Value, json};

use super::Globals;
use super::device::{Device, DeviceArg, shell};
use super::host::{self, table};
use crate::output_file;
use crate::stdout::Stdout;

const AFTER_HELP: &str = "\
Without a report: \"host\"; with a device and without a report: \"host\" and what there is about the device.

Examples:
  xbutil examine
  xbutil examine -r list
  xbutil examine -d 0 -r dynamic-regions memory
  xbutil examine -d 0 -r all -f json -o card.json";

/// Arguments of `examine`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct ExamineArgs {
    #[command(flatten)]
    device: DeviceArg,
    /// Reports to give
    #[arg(short, long, value_enum, num_args = 1.., value_name = "REPORT")]
    report: Vec<Report>,
    /// Format of the output file
    #[arg(short, long, value_enum, ignore_case = true, requires = "output")]
    format: Option<Format>,
    /// File for the report as JSON; an existing one is replaced with --force only
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// A report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Report {
    /// All that there are about the machine and the device
    All,
    /// A line for each device: its index and its PCIe address
    List,
    /// The machine, this tool and the devices
    Host,
    /// The platform of the loaded image
    Platform,
    /// The loaded image's compute units
    DynamicRegions,
    /// The loaded image's memory banks
    Memory,
    /// Not there: a simulated card has no link
    #[value(hide = true)]
    PcieInfo,
    /// Not there: a simulated card has no sensors
    #[value(hide = true)]
    Electrical,
    /// Not there, as above
    #[value(hide = true)]
    Thermal,
    /// Not there, as above
    #[value(hide = true)]
    Mechanical,
    /// Not there, as above
    #[value(hide = true)]
    Firewall,
}

impl Report {
    const OF_DEVICE: [Self; 3] = [Self::Platform, Self::DynamicRegions, Self::Memory];

    /// The name on the command line.
    fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// A version of XRT's JSON. The one there is has had these names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    #[value(name = "JSON")]
    Json,
    #[value(name = "JSON-2020.2")]
    Json20202,
}

/// Runs `examine`.
pub(super) fn run(globals: &Globals, args: &ExamineArgs) -> Result<()> {
    let reports = reports(args)?;
    let device = reports
        .iter()
        .any(|report| Report::OF_DEVICE.contains(report))
        .then(|| args.device.find())
        .transpose()?;
    let image = device.map(Device::image).transpose()?.flatten();

    if let Some(path) = &args.output {
        ensure!(
            globals.force || !path.exists(),
            "the output file {} exists: remove it, or replace it with --force",
            path.display()
        );
        write_json(path, &reports, device, image.as_deref())?;
    }

    let mut out = Stdout::new();
    for (index, report) in reports.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        if let Some(device) = device.filter(|_| Report::OF_DEVICE.contains(report)) {
            let line = format!(
                "{} [{}] : {}",
                device.index,
                device.address(),
                shell(image.as_deref())
            );
            let rule = "-".repeat(line.len());
            writeln!(out, "{rule}\n{line}\n{rule}")?;
        }
        write_text(&mut out, *report, image.as_deref())?;
    }
    if let Some(path) = &args.output {
        writeln!(
            out,
            "\nSuccessfully wrote the JSON file: {}",
            path.display()
        )?;
    }
    out.finish()
}

/// The reports asked for, of those that there are.
fn reports(args: &ExamineArgs) -> Result<Vec<Report>> {
    let with_device = args.device.device.is_some();
    let everything = || {
        let mut reports = vec![Report::Host];
        if with_device {
            reports.extend(Report::OF_DEVICE);
        }
        reports
    };
    if args.report.is_empty() {
        return Ok(everything());
    }
    if args.report.contains(&Report::All) {
        ensure!(
            args.report.len() == 1,
            "the report \"all\" stands for all others: name it alone"
        );
        return Ok(everything());
    }
    for report in &args.report {
        if matches!(
            report,
            Report::PcieInfo
                | Report::Electrical
                | Report::Thermal
                | Report::Mechanical
                | Report::Firewall
        ) {
            bail!(
                "there is no report \"{}\" on a simulated card, which has no such sensors",
                report.name()
            );
        }
    }
    Ok(args.report.clone())
}

fn write_text(out: &mut Stdout, report: Report, image: Option<&Image>) -> Result<()> {
    match report {
        Report::List => host::write_list(out)?,
        Report::Host => host::write(out, &host::report()?)?,
        Report::Platform => {
            writeln!(out, "Platform")?;
            host::line(out, "XSA Name", shell(image))?;
            if let Some(image) = image {
                host::line(out, "Kernel Clock", &format!("{} MHz", image.clock_mhz()))?;
            }
        }
        Report::DynamicRegions => write_units(out, image)?,
        Report::Memory => write_banks(out, image)?,
        // Resolved, or refused.
        Report::All
        | Report::PcieInfo
        | Report::Electrical
        | Report::Thermal
        | Report::Mechanical
        | Report::Firewall => {}
    }
    Ok(())
}

fn write_units(out: &mut Stdout, image: Option<&Image>) -> Result<()> {
    writeln!(out, "Xclbin UUID")?;
    let Some(image) = image else {
        writeln!(
            out,
            "  none: the device holds no xclbin (xbutil program -d DEVICE -u FILE loads one)"
        )?;
        return Ok(());
    };
    writeln!(out, "  {}\n\nCompute Units", image.uuid())?;
    let units = image.units().iter().enumerate();
    let rows: Vec<_> = units
        .map(|(index, unit)| {
            [
                index.to_string(),
                unit.name.clone(),
                format!("{:#x}", unit.base),
            ]
        })
        .collect();
    Ok(table(out, ["Index", "Name", "Base Address"], &rows)?)
}

fn write_banks(out: &mut Stdout, image: Option<&Image>) -> Result<()> {
    writeln!(out, "Memory Topology")?;
    let banks = image.iter().flat_map(|image| image.banks()).enumerate();
    let rows: Vec<_> = banks
        .map(|(index, bank)| {
            [
                index.to_string(),
                bank.name.clone(),
                bank.kind.clone(),
                indicatif::BinaryBytes(bank.size).to_string(),
                format!("{:#x}", bank.base),
            ]
        })
        .collect();
    let titles = ["Index", "Tag", "Type", "Size", "Base Address"];
    Ok(table(out, titles, &rows)?)
}

/// XRT's JSON: all values are text.
fn write_json(
    path: &Path,
    reports: &[Report],
    device: Option<Device>,
    image: Option<&Image>,
) -> Result<()> {
    let mut root = json!({
        "schema_version": {
            "schema": "JSON",
            "creation_date": humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string(),
        },
    });
    if reports
        .iter()
        .any(|report| matches!(report, Report::Host | Report::List))
    {
        root["system"] = json!({ "host": host::report()? });
    }
    if let Some(device) = device {
        let mut about = json!({
            "interface_type": "pcie",
            "device_id": device.address(),
        });
        for report in reports {
            match report {
                Report::Platform => about["platforms"] = platforms(image),
                Report::DynamicRegions => about["dynamic_regions"] = regions(image),
                Report::Memory => {
                    about["mem_topology"] =
                        json!({ "board": { "memory": { "memories": memories(image) } } });
                }
                _ => {}
            }
        }
        root["devices"] = json!([about]);
    }
    let mut bytes = serde_json::to_vec_pretty(&root)?;
    bytes.push(b'\n');
    output_file::write(path, &bytes).context("the report was not written")
}

fn platforms(image: Option<&Image>) -> Value {
    json!([{
        "static_region": { "vbnv": shell(image) },
        "clocks": image.map(|image| json!([{
            "id": "DATA_CLK",
            "freq_mhz": image.clock_mhz().to_string(),
        }])).unwrap_or_else(|| json!([])),
    }])
}

fn regions(image: Option<&Image>) -> Value {
    let Some(image) = image else {
        return json!([]);
    };
    let units: Vec<_> = image
        .units()
        .iter()
        .enumerate()
        .map(|(index, unit)| {
            json!({
                "id": index.to_string(),
                "name": unit.name,
                "base_address": format!("{:#x}", unit.base),
                "type": "PL",
            })
        })
        .collect();
    json!([{ "xclbin_uuid": image.uuid().to_string(), "compute_units": units }])
}

fn memories(image: Option<&Image>) -> Vec<Value> {
    let banks = image.iter().flat_map(|image| image.banks());
    banks
        .map(|bank| {
            json!({
                "type": bank.kind,
                "tag": bank.name,
                "enabled": (bank.size > 0).to_string(),
                "base_address": format!("{:#x}", bank.base),
                "range_bytes": format!("{:#x}", bank.size),
            })
        })
        .collect()
}
