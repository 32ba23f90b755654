//! `fpga-ctl build`: the examples build and compute, and what is wrong with a kernel is told by name.

mod common;

use std::path::{Path, PathBuf};
use std::time::Duration;

use common::{Bench, Ended};
use host_runtime::bitstreams::Xclbin;
use host_runtime::{Buffer, Card, CardId, Direction, Image, OpenOptions, Run, TrustOptions};

const PATIENCE: Duration = Duration::from_secs(60);

fn example(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../examples")
        .join(path)
}

fn build(bench: &Bench, files: &[PathBuf], options: &[&str]) -> Ended {
    let mut command = bench.command();
    command.arg("build").args(files).args(options);
    command.args(["-o", "kernel.xclbin"]);
    command.output().unwrap().into()
}

/// A card programmed with what was built.
fn card(bench: &Bench) -> Card {
    let options = OpenOptions {
        purpose: "a test".to_owned(),
        state_folder: Some(bench.state_folder()),
        trust: TrustOptions {
            folder: Some(bench.trust_folder()),
            ..TrustOptions::default()
        },
        ..OpenOptions::default()
    };
    let card = Card::open_with(CardId::Simulated(0), &options).unwrap();
    let image = Xclbin::read(bench.path("kernel.xclbin")).unwrap();
    card.program(&Image::new(image).unwrap()).unwrap();
    card
}

/// A buffer of words, on the card too.
fn words(card: &Card, bank: usize, words: &[u32]) -> Buffer {
    let mut buffer = card.allocate(bank, words.len().max(1) * 4).unwrap();
    for (bytes, word) in buffer.map_mut().chunks_mut(4).zip(words) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    buffer.sync(Direction::ToDevice).unwrap();
    buffer
}

fn read(buffer: &mut Buffer) -> Vec<u32> {
    buffer.sync(Direction::FromDevice).unwrap();
    let word = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().unwrap());
    buffer.map().chunks_exact(4).map(word).collect()
}

/// Adds on a compute unit of the vadd image: the run, and its arrays.
fn start_vadd(card: &Card, unit: &str, count: u32) -> (Run, Buffer, Buffer, Buffer) {
    let kernel = card.kernel(unit).unwrap();
    let numbers: Vec<u32> = (0..count + 16)
        .map(|i| i.wrapping_mul(0x0765_4321))
        .collect();
    let squares: Vec<u32> = numbers.iter().map(|n| n.wrapping_mul(*n)).collect();
    let a = words(card, kernel.bank_of(0).unwrap(), &numbers);
    let b = words(card, kernel.bank_of(1).unwrap(), &squares);
    let c = words(card, kernel.bank_of(2).unwrap(), &vec![7; numbers.len()]);
    let mut run = kernel.run();
    for (id, buffer) in [&a, &b, &c].into_iter().enumerate() {
        run.set_buffer(id, buffer).unwrap();
    }
    run.set_scalar(3, count.into()).unwrap();
    run.start().unwrap();
    (run, a, b, c)
}

fn finish_vadd((mut run, a, b, mut c): (Run, Buffer, Buffer, Buffer), count: usize) {
    run.wait(PATIENCE).unwrap();
    let (mut a, mut b) = (a, b);
    let (a, b, c) = (read(&mut a), read(&mut b), read(&mut c));
    for i in 0..c.len() {
        let expected = if i < count {
            a[i].wrapping_add(b[i])
        } else {
            7
        };
        assert_eq!(c[i], expected, "word {i} of {count}");
    }
}

#[test]
fn vector_addition_computes_at_every_length() {
    let bench = Bench::new();
    let sources = [example("rtl-vadd/kernel.xml"), example("rtl-vadd/vadd.f")];
    let built = build(&bench, &sources, &[]).expect(0);
    assert!(built.text().contains("vadd:vadd_1"), "{}", built.text());
    let card = card(&bench);
    for count in [1, 15, 16, 17, 1000, 1024, 5000, 0] {
        finish_vadd(start_vadd(&card, "vadd", count), count as usize);
    }
}

#[test]
fn four_compute_units_work_at_once_in_the_banks_they_were_given() {
    let bench = Bench::new();
    let sources = [example("rtl-vadd/kernel.xml"), example("rtl-vadd/vadd.f")];
    let config = example("rtl-vadd/four-units.cfg");
    build(&bench, &sources, &["--config", config.to_str().unwrap()]).expect(0);
    let card = card(&bench);
    let kernel = card.kernel("vadd:vadd_4").unwrap();
    assert_eq!(
        (kernel.bank_of(0).unwrap(), kernel.bank_of(2).unwrap()),
        (1, 1)
    );
    let runs: Vec<_> = (1..=4)
        .map(|unit| start_vadd(&card, &format!("vadd:vadd_{unit}"), 500 * unit))
        .collect();
    for (run, count) in runs.into_iter().zip([500, 1000, 1500, 2000]) {
        finish_vadd(run, count);
    }
}

#[test]
fn two_kernels_compute_through_their_stream() {
    let bench = Bench::new();
    let sources =
        ["produce.toml", "consume.toml"].map(|file| example(&format!("two-kernels-stream/{file}")));
    let config = example("two-kernels-stream/link.cfg");
    build(&bench, &sources, &["--config", config.to_str().unwrap()]).expect(0);
    let card = card(&bench);
    let (produce, consume) = (
        card.kernel("produce").unwrap(),
        card.kernel("consume").unwrap(),
    );
    let numbers: Vec<u32> = (0..300).map(|i| i * i).collect();
    let source = words(&card, produce.bank_of(0).unwrap(), &numbers);
    let mut target = words(&card, consume.bank_of(0).unwrap(), &vec![0; numbers.len()]);
    let (mut producing, mut consuming) = (produce.run(), consume.run());
    producing.set_buffer(0, &source).unwrap();
    consuming.set_buffer(0, &target).unwrap();
    for run in [&mut producing, &mut consuming] {
        run.set_scalar(1, numbers.len() as u64).unwrap();
        run.start().unwrap();
    }
    producing.wait(PATIENCE).unwrap();
    consuming.wait(PATIENCE).unwrap();
    let expected: Vec<u32> = numbers.iter().map(|n| n + 1).collect();
    assert_eq!(read(&mut target), expected);
}

/// The vadd example with one thing in its description changed.
fn changed(bench: &Bench, from: &str, to: &str) -> Ended {
    let xml = std::fs::read_to_string(example("rtl-vadd/kernel.xml")).unwrap();
    assert!(xml.contains(from), "{from}");
    let description = bench.write("kernel.xml", xml.replacen(from, to, 1));
    build(bench, &[description, example("rtl-vadd/vadd.f")], &[]).expect(2)
}

#[test]
fn a_description_that_contradicts_the_rtl_is_told_by_name() {
    let bench = Bench::new();
    for (from, to, words) in [
        (
            r#"name="m_axi_gmem1" mode="master" range="0xFFFFFFFFFFFFFFFF" dataWidth="512""#,
            r#"name="m_axi_gmem1" mode="master" range="0xFFFFFFFFFFFFFFFF" dataWidth="256""#,
            ["`m_axi_gmem1` has 256 data bits", "512 in the RTL"],
        ),
        (
            r#"id="1" port="m_axi_gmem1""#,
            r#"id="1" port="m_axi_gmem7""#,
            ["argument b", "m_axi_gmem7"],
        ),
        (
            r#"<port name="m_axi_gmem2" mode="master""#,
            r#"<port name="m_axi_gmem9" mode="master""#,
            ["argument c", "m_axi_gmem2"],
        ),
        (
            r#"offset="0x34""#,
            r#"offset="0x40""#,
            ["argument `count` has no register", "0x40"],
        ),
        (
            r#"id="0" port="m_axi_gmem0" size="0x8" offset="0x10""#,
            r#"id="0" port="m_axi_gmem0" size="0x8" offset="0x8""#,
            ["argument `a` has no register", "control registers"],
        ),
        (
            r#"kernel name="vadd""#,
            r#"kernel name="wadd""#,
            ["Verilator", "wadd"],
        ),
        ("</kernel>", "</colonel>", ["kernel.xml", "colonel"]),
    ] {
        changed(&bench, from, to).tells(&words);
    }
    assert_eq!(bench.names(), ["kernel.xml"], "an image of a bad kernel");
}

#[test]
fn bad_sources_and_configurations_are_told_with_file_and_line() {
    let bench = Bench::new();
    let description = bench.write("k.toml", "name = \"k\"\n");
    let broken = bench.write(
        "k.sv",
        "module k (input logic ap_clk);\n  assign x = ;\nendmodule\n",
    );
    build(&bench, &[description.clone(), broken], &[])
        .expect(2)
        .tells(&["k.sv:2:"]);
    build(&bench, &[description, PathBuf::from("missing.sv")], &[])
        .expect(2)
        .tells(&["missing.sv"]);
    let typo = bench.write("t.toml", "name = \"k\"\nsauces = []\n");
    build(&bench, &[typo], &[])
        .expect(2)
        .tells(&["t.toml", "sauces", "line 2"]);

    let sources =
        ["produce.toml", "consume.toml"].map(|file| example(&format!("two-kernels-stream/{file}")));
    for (line, words) in [
        ("", ["produce_1.out", "connected to nothing"]),
        ("nk=produced:1", ["a.cfg:2", "no kernel `produced`"]),
        ("sp=produce_1.sauce:DDR[0]", ["a.cfg:2", "`sauce`"]),
        (
            "sp=produce_1.source:DDR[9]",
            ["a.cfg:2", "DDR[9] does not exist"],
        ),
        (
            "stream_connect=produce_1.in:consume_1.in",
            ["a.cfg:2", "no stream port `in` that sends"],
        ),
        (
            "stream_connect=produce_2.out:consume_1.in",
            ["a.cfg:2", "no compute unit `produce_2`"],
        ),
    ] {
        let config = bench.write("a.cfg", format!("[connectivity]\n{line}\n"));
        build(&bench, &sources, &["--config", config.to_str().unwrap()])
            .expect(2)
            .tells(&words);
    }
}

#[test]
fn parameters_and_clocks_come_from_the_command_line() {
    let bench = Bench::new();
    let sources = [example("rtl-vadd/kernel.xml"), example("rtl-vadd/vadd.f")];
    build(&bench, &sources, &["-G", "DATA_WIDTH=256"])
        .expect(2)
        .tells(&["256 in the RTL"]);
    build(&bench, &sources, &["--clock", "250", "--banks", "DDR[0:3]"]).expect(0);
    let image = Xclbin::read(bench.path("kernel.xclbin")).unwrap();
    assert_eq!(
        image.clock_frequencies().unwrap().unwrap().clocks[0].mhz,
        250
    );
    assert_eq!(image.mem_topology().unwrap().unwrap().banks.len(), 4);
}

/// The adder of `rtl/adder.sv` as a kernel of that control protocol.
fn adder(bench: &Bench, control: &str, chain: u32) -> Card {
    let rtl = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rtl/adder.sv");
    let description = format!(
        "name = \"adder\"\ncontrol = \"{control}\"\n[[args]]\nname = \"left\"\n[[args]]\nname = \"right\"\n"
    );
    let description = bench.write("adder.toml", description);
    let chain = format!("CHAIN={chain}");
    build(bench, &[description, rtl], &["-G", &chain]).expect(0);
    card(bench)
}

#[test]
fn a_chained_kernel_is_continued_after_each_run() {
    let bench = Bench::new();
    let card = adder(&bench, "ap_ctrl_chain", 1);
    let kernel = card.kernel("adder").unwrap();
    // Without ap_continue the second run would never end.
    for (left, right) in [(3, 4), (50, 60), (7, 0)] {
        let mut run = kernel.run();
        run.set_scalar(0, left).unwrap();
        run.set_scalar(1, right).unwrap();
        run.start().unwrap();
        run.wait(PATIENCE).unwrap();
        assert_eq!(u64::from(kernel.read_register(0x20).unwrap()), left + right);
    }
}

#[test]
fn a_kernel_without_control_runs_from_the_reset_on_and_cannot_be_started() {
    let bench = Bench::new();
    let card = adder(&bench, "user_managed", 0);
    let kernel = card.kernel("adder").unwrap();
    kernel.write_register(0x10, 40).unwrap();
    kernel.write_register(0x18, 2).unwrap();
    assert_eq!(kernel.read_register(0x20).unwrap(), 42);
    let error = kernel.run().start().unwrap_err().to_string();
    assert!(error.contains("adder cannot be started"), "{error}");
}
