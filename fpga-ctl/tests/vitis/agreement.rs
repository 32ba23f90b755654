//! What the packaging script and the kernels' XML say is what the RTL has, and what the specification of the kernels
//! asks for. That each comparison can fail is shown by breaking a copy.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use host_runtime::bitstreams::{Argument, PortMode};
use host_runtime::cosim::interface::Interfaces;
use host_runtime::cosim::{Cache, ModelBuild};
use host_runtime::tcp::registers;

use crate::script::{self, Told};

/// What is packaged: kernel and data bits.
const PACKAGED: [(&str, u32); 4] = [
    ("tcp_validator", 128),
    ("tcp_validator", 256),
    ("tcp_validator", 512),
    ("tcp_queue", 512),
];

/// Arguments: name, port, register, bytes.
type Row = (&'static str, &'static str, u64, u64);

/// The table "Arguments" of the kernel's specification, with the registers that the runtime uses.
const VALIDATOR: [Row; 4] = [
    (
        "descriptors",
        "m_axi_gmem0",
        registers::DESCRIPTORS as u64,
        8,
    ),
    ("verdicts", "m_axi_gmem1", registers::VERDICTS as u64, 8),
    ("count", "s_axi_control", registers::COUNT as u64, 4),
    ("options", "s_axi_control", registers::OPTIONS as u64, 4),
];
/// Ring addresses of pair 0, docs/queue.md: without arguments, v++ connects no master.
const QUEUE: [Row; 2] = [
    ("submissions", "m_axi_gmem0", 0x808, 8),
    ("completions", "m_axi_gmem1", 0x810, 8),
];

fn hdl() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hdl");
    folder.canonicalize().unwrap()
}

fn rtl(hdl: &Path, kernel: &str, width: u32) -> Result<Interfaces, String> {
    let mut build = ModelBuild::new(kernel).file_list(hdl.join(kernel).with_extension("f"));
    if kernel == "tcp_validator" {
        build = build.parameter("DATA_WIDTH", width);
    }
    let cache = Cache::at(Path::new(env!("CARGO_TARGET_TMPDIR")).join("models"));
    build.inspect(&cache).map_err(|error| error.to_string())
}

/// Everything in which the packaging of a kernel is not what it should be.
fn problems(hdl: &Path, kernel: &str, width: u32) -> Vec<String> {
    let found = (script::run(hdl, kernel, width), rtl(hdl, kernel, width));
    let (told, rtl) = match found {
        (Ok(told), Ok(rtl)) => (told, rtl),
        (Err(problem), _) | (_, Err(problem)) => return vec![problem],
    };
    let mut problems = Vec::new();
    sources(hdl, kernel, &told, &mut problems);
    width_is_fixed(kernel, width, &told, &mut problems);
    buses(&told, &rtl, &mut problems);
    arguments(kernel, &told, &mut problems);
    control(kernel, &told, &mut problems);
    problems
}

fn same<T: PartialEq + std::fmt::Debug>(
    what: &str,
    is: &T,
    should: &T,
    problems: &mut Vec<String>,
) {
    if is != should {
        problems.push(format!("{what}: {is:?}, but it should be {should:?}"));
    }
}

/// The packaged files are those of the kernel's list, and no other.
fn sources(hdl: &Path, kernel: &str, told: &Told, problems: &mut Vec<String>) {
    let list = fs::read_to_string(hdl.join(kernel).with_extension("f")).unwrap();
    let listed: Vec<PathBuf> = list.lines().map(|line| hdl.join(line)).collect();
    let added = told.calls("add_files").into_iter().flatten();
    // A Tcl list of paths without spaces.
    let added = added.filter(|word| !word.starts_with('-'));
    let added: Vec<PathBuf> = added
        .flat_map(|word| word.split(' '))
        .map(PathBuf::from)
        .collect();
    same("packaged files", &added, &listed, problems);
    let top = told.property("top", "").map(str::to_owned);
    same("the top module", &top.as_deref(), &Some(kernel), problems);
}

/// A packaged kernel has its width, and nothing to set.
fn width_is_fixed(kernel: &str, width: u32, told: &Told, problems: &mut Vec<String>) {
    let value = (kernel == "tcp_validator").then(|| width.to_string());
    let said = |object| told.property("value", object).map(str::to_owned);
    same("DATA_WIDTH", &said("DATA_WIDTH"), &value, problems);
    same(
        "the module's DATA_WIDTH",
        &said("hdl DATA_WIDTH"),
        &value,
        problems,
    );
    let removed = told.calls("ipx::remove_user_parameter").len();
    same(
        "parameters removed",
        &removed,
        &usize::from(value.is_some()),
        problems,
    );
}

/// Each port of the RTL is in the description, with its width, or taken care of.
fn buses(told: &Told, rtl: &Interfaces, problems: &mut Vec<String>) {
    let ports = told.kernel_xml.ports.iter();
    let described: BTreeSet<_> = ports
        .map(|port| {
            (
                port.name.as_str(),
                port.mode == PortMode::Master,
                port.data_width,
            )
        })
        .collect();
    let masters = rtl
        .masters
        .iter()
        .map(|port| (port.name.as_str(), true, port.data_width));
    let lites = rtl
        .lites
        .iter()
        .map(|port| (port.name.as_str(), false, port.data_width));
    same(
        "ports of kernel.xml",
        &described,
        &masters.chain(lites).collect(),
        problems,
    );
    for master in &rtl.masters {
        let whole =
            master.reads && master.writes && master.address_width == 64 && master.id_width > 0;
        same(
            &format!("`{}` is a whole 64-bit AXI4 master", master.name),
            &whole,
            &true,
            problems,
        );
    }
    for slave in &rtl.lites {
        let port = told.kernel_xml.port(&slave.name);
        let range = port.and_then(|port| port.range);
        same(
            "register window",
            &range,
            &Some(1 << slave.address_width),
            problems,
        );
        let block = told.property("range", "reg0").map(str::to_owned);
        same(
            "address block",
            &block,
            &range.map(|bytes| bytes.to_string()),
            problems,
        );
    }

    let clocked: BTreeSet<_> = told
        .option("ipx::associate_bus_interfaces", "-busif")
        .into_iter()
        .collect();
    let buses = described.iter().map(|port| port.0).collect();
    same("buses with a clock", &clocked, &buses, problems);
    let clocks: BTreeSet<_> = told
        .option("ipx::associate_bus_interfaces", "-clock")
        .into_iter()
        .collect();
    same(
        "clocks",
        &clocks,
        &rtl.clocks.iter().map(String::as_str).collect(),
        problems,
    );
    let resets = told.option("ipx::associate_bus_interfaces", "-reset");
    let inferred: BTreeSet<_> = told
        .calls("ipx::infer_bus_interface")
        .iter()
        .map(|call| call[0].as_str())
        .collect();
    let singles = rtl.ports.iter().map(|port| port.name.as_str());
    let singles = singles.chain(clocks.iter().copied()).collect();
    same("single signals", &inferred, &singles, problems);
    same("resets", &resets, &vec!["ap_rst_n"], problems);

    // What Vitis cannot connect is no bus, and rests at 0.
    let removed: Vec<_> = told
        .calls("ipx::remove_bus_interface")
        .iter()
        .map(|call| call[0].clone())
        .collect();
    let slaves: Vec<_> = rtl.slaves.iter().map(|port| port.name.clone()).collect();
    same("buses taken away", &removed, &slaves, problems);
    for slave in slaves {
        let driven = told.property("driver_value", &format!("{slave}_*"));
        same(
            &format!("inputs of `{slave}`"),
            &driven,
            &Some("0"),
            problems,
        );
    }
}

/// The IP's registers and the description have the arguments that the specification lists.
fn arguments(kernel: &str, told: &Told, problems: &mut Vec<String>) {
    let should: &[Row] = if kernel == "tcp_queue" {
        &QUEUE
    } else {
        &VALIDATOR
    };
    let row = |a: &Argument| {
        (
            a.name.clone(),
            a.port.clone(),
            a.offset,
            a.size,
            a.host_size,
        )
    };
    let described: Vec<_> = told.kernel_xml.arguments.iter().map(row).collect();
    let wanted = |a: &Row| (a.0.to_owned(), a.1.to_owned(), a.2, a.3, a.3);
    let wanted: Vec<_> = should.iter().map(wanted).collect();
    same("arguments of kernel.xml", &described, &wanted, problems);
    for (name, port, offset, size) in should {
        let said = |property: &str| told.property(property, name).and_then(number);
        same(
            &format!("register `{name}`"),
            &(said("address_offset"), said("size")),
            &(Some(*offset), Some(8 * size)),
            problems,
        );
        let master = told.property("value", &format!("{name} master"));
        let wanted = port.starts_with("m_").then_some(*port);
        same(&format!("master of `{name}`"), &master, &wanted, problems);
    }
}

fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// Name and control protocol, which three places say, and the registers that go with it.
fn control(kernel: &str, told: &Told, problems: &mut Vec<String>) {
    let protocol = if kernel == "tcp_queue" {
        "user_managed"
    } else {
        "ap_ctrl_hs"
    };
    let text = &told.kernel_xml_text;
    let written = text.contains(&format!("hwControlProtocol=\"{protocol}\""));
    same(
        &format!("kernel.xml says {protocol}"),
        &written,
        &true,
        problems,
    );
    same("interrupt", &told.kernel_xml.interrupt, &true, problems);
    same(
        "-ctrl_protocol",
        &told.option("package_xo", "-ctrl_protocol"),
        &vec![protocol],
        problems,
    );
    let checked = told.property("vitis_drc", "").map(str::to_owned);
    same(
        "vitis_drc",
        &checked,
        &Some(format!("ctrl_protocol {protocol}")),
        problems,
    );

    // A kernel that its user drives must have no register of this name.
    let wanted: &[_] = match protocol {
        "ap_ctrl_hs" => &[
            ("CTRL", registers::CONTROL),
            ("GIER", registers::GLOBAL_INTERRUPT_ENABLE),
            ("IP_IER", registers::INTERRUPT_ENABLE),
            ("IP_ISR", registers::INTERRUPT_STATUS),
        ],
        _ => &[],
    };
    let added = told
        .calls("ipx::add_register")
        .into_iter()
        .map(|call| call[1].as_str());
    let added: Vec<_> = added
        .filter(|name| told.kernel_xml.arguments.iter().all(|a| a.name != *name))
        .collect();
    same(
        "control registers",
        &added,
        &wanted.iter().map(|row| row.0).collect(),
        problems,
    );
    for (name, offset) in wanted {
        let said = told.property("address_offset", name).and_then(number);
        same(
            &format!("register `{name}`"),
            &said,
            &Some(u64::from(*offset)),
            problems,
        );
    }

    let named = told.option("package_xo", "-kernel_name");
    same("-kernel_name", &named, &vec![kernel], problems);
    let project = |option| told.option("ipx::package_project", option);
    let vlnv = [
        project("-vendor").concat(),
        project("-library").concat(),
        told.property("name", "").unwrap_or_default().to_owned(),
        told.property("version", "").unwrap_or_default().to_owned(),
    ];
    same("vlnv", &vlnv.join(":"), &told.kernel_xml.vlnv, problems);
    same(
        "name in kernel.xml",
        &told.kernel_xml.name.as_str(),
        &kernel,
        problems,
    );
}

#[test]
fn each_kernel_is_packaged_at_each_width_as_its_rtl_is() {
    for (kernel, width) in PACKAGED {
        let problems = problems(&hdl(), kernel, width);
        assert!(
            problems.is_empty(),
            "{kernel}, {width} bits:\n{}",
            problems.join("\n")
        );
    }
}

#[test]
fn every_source_belongs_to_a_kernel() {
    let lists = ["tcp_validator.f", "tcp_queue.f"];
    let lists = lists
        .map(|list| fs::read_to_string(hdl().join(list)).unwrap())
        .concat();
    let listed: BTreeSet<_> = lists.lines().map(|line| hdl().join(line)).collect();
    let there = fs::read_dir(hdl().join("rtl")).unwrap();
    let there = there.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(listed, there);
}

/// A copy of the kernels, to be broken.
fn copy() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for place in ["", "rtl", "vitis"] {
        let (from, to) = (hdl().join(place), folder.path().join(place));
        fs::create_dir_all(&to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
            }
        }
    }
    folder
}

/// Breaks: the kernel that is looked at, the file, what is put in place of what, and what is said of it.
const BREAKS: [(&str, &str, &str, &str, &str); 20] = [
    (
        "tcp_validator",
        "vitis/gen_xo.tcl",
        "lappend sources $hdl/[string trim $line]",
        "set sources $hdl/[string trim $line]",
        "packaged files",
    ),
    (
        "tcp_validator",
        "vitis/gen_xo.tcl",
        "set_property top $kernel",
        "set_property top tcp_pkg",
        "the top module",
    ),
    (
        "tcp_validator",
        "vitis/gen_xo.tcl",
        "[ipx::get_hdl_parameters DATA_WIDTH -of_objects $core]",
        "other",
        "the module's DATA_WIDTH",
    ),
    (
        "tcp_validator",
        "vitis/gen_xo.tcl",
        "dataWidth=\\\"$width\\\"",
        "dataWidth=\\\"64\\\"",
        "ports of kernel.xml",
    ),
    (
        "tcp_validator",
        "vitis/gen_xo.tcl",
        "[split [attribute $root vlnv] :]",
        "[split [attribute $root vlnv] :",
        "the script fails",
    ),
    (
        "tcp_validator",
        "vitis/gen_xo.tcl",
        "infer interrupt ",
        "# ",
        "single signals",
    ),
    (
        "tcp_validator",
        "vitis/gen_xo.tcl",
        "-busif [attribute $port name]",
        "-busif m_axi_gmem0",
        "buses with a clock",
    ),
    (
        "tcp_validator",
        "vitis/gen_xo.tcl",
        "-reset ap_rst_n",
        "",
        "resets",
    ),
    (
        "tcp_validator",
        "vitis/gen_xo.tcl",
        "== 1 ? $port",
        "== 7 ? $port",
        "master of `descriptors`",
    ),
    (
        "tcp_validator",
        "vitis/gen_xo.tcl",
        "register IP_ISR 0x00C",
        "register IP_ISR 0x00D",
        "register `IP_ISR`",
    ),
    (
        "tcp_validator",
        "vitis/gen_xo.tcl",
        "-ctrl_protocol $protocol",
        "-ctrl_protocol ap_ctrl_chain",
        "-ctrl_protocol",
    ),
    (
        "tcp_validator",
        "kernel.xml",
        "offset=\"0x028\"",
        "offset=\"0x02C\"",
        "arguments of kernel.xml",
    ),
    (
        "tcp_validator",
        "kernel.xml",
        "size=\"0x4\" offset=\"0x030\"",
        "size=\"0x2\" offset=\"0x030\"",
        "register `options`",
    ),
    (
        "tcp_validator",
        "kernel.xml",
        "range=\"0x1000\"",
        "range=\"0x2000\"",
        "register window",
    ),
    (
        "tcp_validator",
        "kernel.xml",
        "ap_ctrl_hs",
        "ap_ctrl_chain",
        "vitis_drc",
    ),
    (
        "tcp_validator",
        "rtl/tcp_validator.sv",
        "m_axi_gmem1",
        "m_axi_gmem2",
        "ports of kernel.xml",
    ),
    (
        "tcp_validator",
        "rtl/tcp_validator.sv",
        "input  logic ap_rst_n,",
        "input  logic ap_rst_n, input logic spare,",
        "single signals",
    ),
    (
        "tcp_queue",
        "vitis/gen_xo.tcl",
        "ipx::remove_bus_interface s_axi_push $core",
        "",
        "buses taken away",
    ),
    (
        "tcp_queue",
        "kernel_queue.xml",
        "user_managed",
        "ap_ctrl_hs",
        "control registers",
    ),
    (
        "tcp_queue",
        "rtl/queue_pkg.sv",
        "DATA_WIDTH = 512",
        "DATA_WIDTH = 256",
        "ports of kernel.xml",
    ),
];

#[test]
fn what_is_broken_is_found_and_named() {
    for (kernel, file, old, new, said) in BREAKS {
        let folder = copy();
        let path = folder.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        let broken = text.replace(old, new);
        assert_ne!(broken, text, "{file} has no {old}");
        fs::write(&path, broken).unwrap();
        let problems = problems(folder.path(), kernel, 512);
        assert!(
            problems.iter().any(|problem| problem.contains(said)),
            "{file}, {old} to {new}: no word of {said} in {problems:?}"
        );
    }
}
