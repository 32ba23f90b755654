//! docs/hardware.md, registers.md and queue.md name the same registers, counters and codes as the Verilog.

use std::collections::BTreeMap;
use std::fs;

use crate::hardware::root;

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// Rows of a page's tables whose first cell begins with `0x`: offset and name.
fn registers(page: &str) -> Vec<(u64, String)> {
    let rows = page.lines().filter(|line| line.starts_with("| 0x"));
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        // Ranges are looked at by their own tests.
        let offsets: Vec<_> = cells[1].split(", ").map(hex).collect();
        let offsets: Option<Vec<_>> = offsets.into_iter().collect();
        offsets
            .unwrap_or_default()
            .into_iter()
            .map(|offset| (offset, cells[2].to_owned()))
            .collect::<Vec<_>>()
    };
    rows.flat_map(row).collect()
}

fn hex(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

/// What stands between two lines of a page.
fn part<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
    let page = &page[page
        .find(from)
        .unwrap_or_else(|| panic!("the page has {from}"))..];
    &page[..page.find(to).unwrap_or(page.len())]
}

/// Offsets that a register file decodes: its `localparam logic [11:0] NAME = 12'h...;`.
fn decoded(module: &str) -> Vec<u64> {
    let text = read(&format!("hdl/rtl/{module}.sv"));
    let offset = |line: &str| {
        let value = line.trim().strip_prefix("localparam logic [11:0] ")?;
        hex(&format!(
            "0x{}",
            value.split_once("12'h")?.1.trim_end_matches(';')
        ))
    };
    let mut offsets: Vec<_> = text.lines().filter_map(offset).collect();
    offsets.sort_unstable();
    offsets
}

/// Members of an enumeration, by their value.
fn members(package: &str, name: &str) -> BTreeMap<u32, String> {
    let text = read(&format!("hdl/rtl/{package}.sv"));
    let end = text
        .find(&format!("}} {name};"))
        .expect("the package has it");
    let begin = text[..end].rfind("typedef enum").unwrap();
    let member = |line: &str| {
        let (name, value) = line.trim().trim_end_matches(',').split_once('=')?;
        let value = value.split_once("'d")?.1;
        Some((value.trim().parse().unwrap(), name.trim().to_owned()))
    };
    text[begin..end].lines().filter_map(member).collect()
}

/// Rows `| N | `NAME` | ...` of a part of the page.
fn codes(part: &str) -> BTreeMap<u32, String> {
    let rows = part.lines().filter_map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        Some((
            cells.get(1)?.parse().ok()?,
            cells.get(2)?.trim_matches('`').to_owned(),
        ))
    });
    rows.collect()
}

/// The names of the table `n | counts | ...`, each in its place.
fn counters(table: &str) -> BTreeMap<u64, String> {
    let mut named = BTreeMap::new();
    for line in table.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let Some(first) = cells.get(1) else { continue };
        match first.split_once("..") {
            None => {
                if let Ok(number) = first.parse() {
                    named.insert(number, cells[2].to_owned());
                }
            }
            Some((from, _)) => {
                let from: u64 = from.parse().unwrap();
                named.extend((from..).zip(cells[2].split(", ").map(str::to_owned)));
            }
        }
    }
    named
}

#[test]
fn the_pages_list_the_registers_that_the_kernels_decode() {
    for (page, from, to, module) in [
        (
            "docs/registers.md",
            "| offset |",
            "## Control",
            "control_regs",
        ),
        (
            "docs/queue.md",
            "## Registers",
            "| offset in a pair",
            "queue_regs",
        ),
    ] {
        let page = read(page);
        let mut listed: Vec<_> = registers(part(&page, from, to))
            .into_iter()
            .map(|row| row.0)
            .collect();
        listed.sort_unstable();
        assert_eq!(listed, decoded(module), "{module}");
    }
}

#[test]
fn the_page_on_the_hardware_names_the_counters_as_the_register_maps_do() {
    let page = read("docs/hardware.md");
    let page = part(&page, "## Counters", "## What they reach");
    let named = registers(page);
    for (map, from, base, stride) in [
        ("docs/registers.md", "## Counters", 0x100, 8),
        ("docs/queue.md", "## Counters", 0x180, 4),
    ] {
        let map = read(map);
        let wanted = counters(part(&map, from, "\n## "));
        assert!(wanted.len() >= 8);
        for (number, name) in wanted {
            let offset = base + stride * number;
            let row = named.iter().find(|row| row.0 == offset);
            assert_eq!(row, Some(&(offset, name)), "counter {number}");
        }
    }
    assert_eq!(named.len(), 16 + 8, "and no others");
}

#[test]
fn the_page_on_the_hardware_names_the_codes_as_the_packages_do() {
    let page = read("docs/hardware.md");
    for (from, to, package, name) in [
        ("| status |", "A run ends", "tcp_pkg", "status_e"),
        ("stops the one pair", "A malformed", "queue_pkg", "stop_e"),
        ("A malformed", "## Counters", "tcp_pkg", "cause_e"),
    ] {
        assert_eq!(
            codes(part(&page, from, to)),
            members(package, name),
            "{name}"
        );
    }
}
