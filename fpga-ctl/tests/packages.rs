//! `fpga-ctl build` from what Vivado and Vitis package kernels with: the same kernel, described in four ways.

mod common;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Bench, Ended};
use host_runtime::bitstreams::Xclbin;

/// The example's sources, and the name of its folder.
fn rtl() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/rtl-vadd");
    folder.canonicalize().unwrap()
}

fn build(bench: &Bench, arguments: &[&str]) -> Ended {
    let mut command = bench.command();
    command.arg("build").args(arguments);
    command.args(["-o", "kernel.xclbin"]);
    command.output().unwrap().into()
}

#[track_caller]
fn refused(bench: &Bench, arguments: &[&str]) -> Ended {
    let ended = build(bench, arguments);
    assert_ne!(ended.code, Some(0), "{}", ended.text());
    ended
}

/// What a host reads of the built kernel's arguments: name, port, register, size.
fn arguments(bench: &Bench) -> Vec<(String, String, u64, u64)> {
    let image = Xclbin::read(bench.path("kernel.xclbin")).unwrap();
    let metadata = image.embedded_metadata().unwrap().unwrap();
    let kernel = &metadata.kernel("vadd").unwrap().description;
    let row =
        |a: &host_runtime::bitstreams::Argument| (a.name.clone(), a.port.clone(), a.offset, a.size);
    kernel.arguments.iter().map(row).collect()
}

fn expected() -> Vec<(String, String, u64, u64)> {
    [
        ("a", "m_axi_gmem0", 0x10, 8),
        ("b", "m_axi_gmem1", 0x1c, 8),
        ("c", "m_axi_gmem2", 0x28, 8),
        ("count", "s_axi_control", 0x34, 4),
    ]
    .map(|(name, port, offset, size)| (name.to_owned(), port.to_owned(), offset, size))
    .to_vec()
}

/// A packaging script for the example.
fn script() -> String {
    let mut text = format!("add_files [glob {}/rtl/*.sv]\n", rtl().display());
    for (name, port, offset, size) in expected() {
        text += &format!(
            "set r [ipx::add_register {name} block]\nset_property address_offset {offset:#x} $r\n\
             set_property size {} $r\n",
            size * 8
        );
        if port.starts_with('m') {
            text += &format!(
                "set_property value {port} [ipx::add_register_parameter ASSOCIATED_BUSIF $r]\n"
            );
        }
    }
    text + "package_xo -kernel_name vadd -xo_path vadd.xo -ip_directory packaged\n"
}

/// The `component.xml` of the example, its sources in `folder`.
fn component(folder: &str) -> String {
    let registers: String = expected()
        .into_iter()
        .map(|(name, port, offset, size)| {
            let master = if port.starts_with('m') {
                format!(
                    "<s:parameters><s:parameter><s:name>ASSOCIATED_BUSIF</s:name><s:value>{port}</s:value>\
                     </s:parameter></s:parameters>"
                )
            } else {
                String::new()
            };
            format!(
                "<s:register><s:name>{name}</s:name><s:addressOffset>{offset:#x}</s:addressOffset>\
                 <s:size>{}</s:size>{master}</s:register>",
                size * 8
            )
        })
        .collect();
    let files: String = ["bursts", "control", "reader", "vadd", "writer"]
        .map(|name| {
            format!(
                "<s:file><s:name>{folder}/{name}.sv</s:name><s:fileType>x</s:fileType></s:file>"
            )
        })
        .concat();
    format!(
        "<s:component xmlns:s=\"s\"><s:name>vadd</s:name><s:memoryMaps><s:memoryMap><s:addressBlock>{registers}\
         </s:addressBlock></s:memoryMap></s:memoryMaps><s:fileSets><s:fileSet><s:name>synthesis</s:name>{files}\
         </s:fileSet></s:fileSets></s:component>"
    )
}

#[test]
fn a_packaging_script_its_folder_and_a_component_make_the_same_kernel() {
    let bench = Bench::new();
    fs::create_dir_all(bench.path("kernel/scripts")).unwrap();
    fs::write(bench.path("kernel/scripts/package_kernel.tcl"), script()).unwrap();
    build(&bench, &["kernel/scripts/package_kernel.tcl"]).expect(0);
    assert_eq!(arguments(&bench), expected());
    fs::remove_file(bench.path("kernel.xclbin")).unwrap();
    build(&bench, &["kernel"]).expect(0);
    assert_eq!(arguments(&bench), expected());

    fs::remove_file(bench.path("kernel.xclbin")).unwrap();
    let sources = rtl().join("rtl");
    fs::write(
        bench.path("component.xml"),
        component(&sources.display().to_string()),
    )
    .unwrap();
    build(&bench, &["component.xml"]).expect(0);
    assert_eq!(arguments(&bench), expected());
}

#[test]
fn an_xo_is_unpacked_and_built() {
    let bench = Bench::new();
    let made = bench.path("ip_repo/vadd");
    fs::create_dir_all(made.join("src")).unwrap();
    for source in fs::read_dir(rtl().join("rtl")).unwrap() {
        let source = source.unwrap().path();
        fs::copy(&source, made.join("src").join(source.file_name().unwrap())).unwrap();
    }
    fs::write(made.join("component.xml"), component("src")).unwrap();
    fs::create_dir_all(bench.path("vadd")).unwrap();
    fs::copy(rtl().join("kernel.xml"), bench.path("vadd/kernel.xml")).unwrap();
    let zipped = Command::new("python3")
        .args(["-m", "zipfile", "-c", "vadd.xo", "vadd/", "ip_repo/"])
        .current_dir(bench.path(""))
        .status();
    assert!(zipped.unwrap().success());
    build(&bench, &["vadd.xo"]).expect(0);
    assert_eq!(arguments(&bench), expected());

    let mut broken = fs::File::create(bench.path("broken.xo")).unwrap();
    broken.write_all(b"PK not a zip").unwrap();
    refused(&bench, &["broken.xo"]).tells(&["broken.xo"]);
}

#[test]
fn the_top_and_the_order_of_files_are_found_out() {
    let bench = Bench::new();
    let files = [
        (
            "a_top.sv",
            "module chosen import z_pkg::*; (input wire ap_clk, output logic [WIDTH-1:0] q);\n\
             `include \"step.svh\"\nsub s (.clk(ap_clk)); always_ff @(posedge ap_clk) q <= q + `STEP; endmodule",
        ),
        ("sub.v", "module sub (input wire clk); endmodule"),
        (
            "z_pkg.sv",
            "package z_pkg; localparam int WIDTH = 8; endpackage",
        ),
    ];
    fs::create_dir_all(bench.path("rtl")).unwrap();
    for (name, text) in files {
        fs::write(bench.path("rtl").join(name), text).unwrap();
    }
    fs::write(bench.path("rtl/step.svh"), "`define STEP 8'd3\n").unwrap();
    let sources = ["rtl/a_top.sv", "rtl/sub.v", "rtl/z_pkg.sv"];
    let built = build(&bench, &sources).expect(0);
    assert!(built.text().contains("chosen:chosen_1"), "{}", built.text());

    fs::write(
        bench.path("rtl/sub.v"),
        "module other (input wire ap_clk); endmodule",
    )
    .unwrap();
    refused(&bench, &sources).tells(&["chosen", "other", "--top"]);
}

#[test]
fn files_that_verilator_cannot_read_are_named_where_their_module_is_missing() {
    let bench = Bench::new();
    let top = "module top (input wire ap_clk); part p (.clk(ap_clk)); endmodule";
    fs::write(bench.path("top.v"), top).unwrap();
    for (name, said) in [
        ("part.vhd", "is VHDL, which Verilator cannot read"),
        ("part.xci", "is IP that Vivado generates sources for"),
    ] {
        fs::write(bench.path(name), "").unwrap();
        refused(&bench, &["top.v", name]).tells(&["top.v:1", name, said]);
    }
    let script = "add_files top.v\ncreate_ip -name c_addsub -module_name part\npackage_xo -kernel_name top\n";
    fs::write(bench.path("pack.tcl"), script).unwrap();
    refused(&bench, &["pack.tcl"]).tells(&["Vivado generates `part` from its IP c_addsub"]);
    // A model of it is all that is missing.
    fs::write(
        bench.path("model.v"),
        "module part (input wire clk); endmodule",
    )
    .unwrap();
    build(&bench, &["pack.tcl", "model.v"]).expect(0);
    refused(&bench, &["kernel.cpp"]).tells(&["C++", ".xo"]);
}

#[test]
fn verilog_whose_names_are_keywords_of_systemverilog_is_read_as_verilog() {
    let bench = Bench::new();
    let text = "module old (input ap_clk, input [7:0] bit, output reg [7:0] do);\n\
                always @(posedge ap_clk) do <= bit;\nendmodule\n";
    bench.write("old.v", text);
    build(&bench, &["old.v"]).expect(0);
    // An error is told as it is found first.
    bench.write("old.v", text.replace("endmodule", ""));
    refused(&bench, &["old.v"]).tells(&["old.v:1"]);
}

#[test]
fn a_script_without_registers_is_answered_with_a_description_to_fill_in() {
    let bench = Bench::new();
    let script = format!(
        "add_files [glob {}/rtl/*.sv]\npackage_xo -kernel_name vadd\n",
        rtl().display()
    );
    bench.write("pack.tcl", script);
    refused(&bench, &["pack.tcl"]).tells(&["not described", "[[args]]", "m_axi_gmem2"]);
}
