//! The report on the machine: its system, this tool, and the devices.

use std::fs;
use std::io::{self, Write};

use anyhow::Result;
use serde_json::{Value, json};

use super::device::{Device, shell};

/// What is known of the machine, as XRT's JSON has it: all values are text.
pub(super) fn report() -> Result<Value> {
    let system = rustix::system::uname();
    let text = |value: &std::ffi::CStr| value.to_string_lossy().into_owned();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(json!({
        "os": {
            "sysname": text(system.sysname()),
            "release": text(system.release()),
            "version": text(system.version()),
            "machine": text(system.machine()),
            "distribution": field("/etc/os-release", "PRETTY_NAME=").unwrap_or_else(|| "N/A".to_owned()),
            "cores": cores.to_string(),
            "memory_bytes": format!("{:#x}", memory_bytes()),
        },
        "xrt": {
            "version": env!("CARGO_PKG_VERSION"),
            "branch": "N/A",
            "hash": "N/A",
            "build_date": "N/A",
            "drivers": [],
        },
        "devices": devices()?,
    }))
}

fn devices() -> Result<Vec<Value>> {
    let describe = |device: Device| {
        // A card that cannot be looked at now is shown as not ready, as XRT does.
        let image = device.image();
        let vbnv = shell(image.as_ref().ok().and_then(|image| image.as_deref()));
        json!({
            "bdf": device.address(),
            "device_class": "Alveo",
            "vbnv": vbnv,
            "id": "N/A",
            "instance": format!("user(inst={})", device.index),
            "is_ready": image.is_ok().to_string(),
        })
    };
    Ok(Device::all()?.into_iter().map(describe).collect())
}

/// The report for a person.
pub(super) fn write(out: &mut impl Write, report: &Value) -> io::Result<()> {
    writeln!(out, "System Configuration")?;
    let os = &report["os"];
    for (title, key) in [
        ("OS Name", "sysname"),
        ("Release", "release"),
        ("Version", "version"),
        ("Machine", "machine"),
        ("CPU Cores", "cores"),
    ] {
        line(out, title, text(&os[key]))?;
    }
    line(out, "Memory", &format!("{} MB", memory_bytes() >> 20))?;
    line(out, "Distribution", text(&os["distribution"]))?;
    writeln!(out, "\nXRT")?;
    line(
        out,
        "Version",
        &format!("fpga-ctl {}", text(&report["xrt"]["version"])),
    )?;
    writeln!(out, "\nDevices present")?;
    let devices = report["devices"].as_array().map_or(&[][..], Vec::as_slice);
    if devices.is_empty() {
        writeln!(out, "  0 devices found")?;
    }
    let row = |device: &Value| {
        let ready = if device["is_ready"] == "true" {
            "Yes"
        } else {
            "No"
        };
        [
            format!("[{}]", text(&device["bdf"])),
            text(&device["vbnv"]).to_owned(),
            text(&device["instance"]).to_owned(),
            ready.to_owned(),
        ]
    };
    let rows: Vec<_> = devices.iter().map(row).collect();
    table(out, ["BDF", "Shell", "Device ID", "Device Ready"], &rows)
}

/// `-r list`: a line for each device, made to be read by programs.
pub(super) fn write_list(out: &mut impl Write) -> Result<()> {
    for device in Device::all()? {
        writeln!(out, "Device {} PCIe {}", device.index, device.address())?;
    }
    Ok(())
}

/// A table in XRT's form.
pub(super) fn table<const N: usize>(
    out: &mut impl Write,
    titles: [&str; N],
    rows: &[[String; N]],
) -> io::Result<()> {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].len());
        cells.max().unwrap_or(0).max(titles[column].len())
    };
    let mut row = |cells: [&str; N], fill: char| {
        for (column, cell) in cells.iter().enumerate() {
            write!(out, "|{cell}")?;
            let padding = width(column) + 2 - cell.len();
            write!(out, "{}", fill.to_string().repeat(padding))?;
        }
        writeln!(out, "|")
    };
    row(titles, ' ')?;
    row([""; N], '-')?;
    for cells in rows {
        row(cells.each_ref().map(String::as_str), ' ')?;
    }
    Ok(())
}

pub(super) fn line(out: &mut impl Write, title: &str, value: &str) -> io::Result<()> {
    writeln!(out, "  {title:<20} : {value}")
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("N/A")
}

fn memory_bytes() -> u64 {
    field("/proc/meminfo", "MemTotal:")
        .and_then(|total| total.split_whitespace().next()?.parse::<u64>().ok())
        .map_or(0, |kib| kib * 1024)
}

/// What follows `name` at the beginning of a line of a file, without quotes.
fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(value.trim().trim_matches('"').to_owned())
}
