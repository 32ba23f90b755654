//! docs/hardware.md's figure and table of `tcp_validator`: the clocks that each module takes of one descriptor's way.

use crate::hardware::{Sheet, Step, Wave, instances, keep, keep_part, root};
use crate::rig::{BANK_1, Job, Rig, WIDTHS, latency};
use host_runtime::tcp::registers as reg;

/// Modules in the way of the data: instance, what it is for, the signals that show its input and its output, and what
/// it does in each clock.
struct Way(
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
    &'static [&'static str],
);

const READ_BEAT: &[&str] = &[
    "m_axi_gmem0_rvalid",
    "m_axi_gmem0_rready",
    "m_axi_gmem0_rlast",
];
const WAY: [Way; 5] = [
    Way(
        "i_read",
        "bursts of a page",
        READ_BEAT,
        &["beat_valid", "m_axi_gmem0_rlast"],
        &["asks ahead; passes beats on as they come"],
    ),
    Way(
        "i_gearbox",
        "beats to descriptors",
        &["beat_valid", "m_axi_gmem0_rlast"],
        &["cut_valid", "cut_last"],
        &["cuts up to 3 of 24 bytes, by phase"],
    ),
    Way(
        "i_check",
        "3, 2 or 1 lanes",
        &["cut_valid", "cut_last"],
        &["checked_valid", "checked_last"],
        &[
            "magic, version, risk, masks; CRC as XORs",
            "maxima compared; checksum chosen",
            "checksum compared; most severe decision",
            "first cause that fails; verdict byte",
        ],
    ),
    Way(
        "i_packer",
        "results to beats",
        &["checked_valid", "checked_last"],
        &["packed_valid", "packed_last"],
        &[
            "three words make a group",
            "groups fill a beat, with strobes",
        ],
    ),
    Way(
        "i_write",
        "whole bursts",
        &["packed_valid", "packed_last"],
        &["m_axi_gmem1_wvalid"],
        &[
            "into the FIFO of two pages",
            "out of its memory",
            "a whole burst: address, first beat",
        ],
    ),
];

/// What is beside the way, and what is told of it.
const BESIDE: [(&str, &[&str]); 5] = [
    ("i_slave", &["one access in 4 clocks"]),
    (
        "i_regs",
        &["0x000 to 0x0F8: start, arguments,", "status, interrupt"],
    ),
    (
        "i_run",
        &[
            "IDLE, CHECK, RUN, DONE: one run;",
            "launches and clears the movers",
        ],
    ),
    (
        "i_policies",
        &["16 slots at 0x400; a run's copy to all lanes"],
    ),
    ("i_counters", &["16 x 64 bits at 0x100: what the lanes say"]),
];

/// Clocks of each module, of a run of one descriptor.
fn measure(width: u32) -> (Vec<usize>, Wave) {
    let mut rig = Rig::new(width, latency(64));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.fst");
    rig.set_arguments(Job {
        descriptors: 0x1_0000,
        verdicts: BANK_1,
        count: 1,
        options: 0,
    });
    rig.engine.record_waves(0, &path, 0, u64::MAX).unwrap();
    rig.write(reg::CONTROL, 1);
    rig.engine.run(400).unwrap();
    drop(rig);
    let names: Vec<&str> = WAY
        .iter()
        .flat_map(|way| way.2.iter().chain(way.3).copied())
        .collect();
    let wave = Wave::read(&path, &names);
    let begin = wave.first(READ_BEAT, 0);
    let clocks = WAY.iter().map(|way| {
        let enters = wave.first(way.2, begin);
        wave.first(way.3, enters) - enters
    });
    (clocks.collect(), wave)
}

#[test]
fn the_page_on_the_hardware_shows_the_pipeline_as_it_is() {
    let root = root();
    let modules = instances(&root, "tcp_validator");
    let measured: Vec<_> = WIDTHS.iter().map(|width| measure(*width)).collect();
    let shown = WAY
        .iter()
        .map(|way| way.0)
        .chain(BESIDE.iter().map(|beside| beside.0));
    let shown: std::collections::BTreeSet<_> = shown.map(str::to_owned).collect();
    assert_eq!(
        shown,
        modules.keys().cloned().collect(),
        "the figure shows every module of the top"
    );
    assert_eq!(
        shown, measured[0].1.instances,
        "the Verilog was read rightly"
    );

    let mut table = String::from(
        "| module | 128 bits | 256 bits | 512 bits | what it does |\n|---|---|---|---|---|\n",
    );
    for (index, way) in WAY.iter().enumerate() {
        let clocks: Vec<_> = measured
            .iter()
            .map(|(clocks, _)| clocks[index].to_string())
            .collect();
        table += &format!(
            "| `{}` | {} | {} |\n",
            modules[way.0],
            clocks.join(" | "),
            way.1
        );
    }
    let sums: Vec<_> = measured
        .iter()
        .map(|(clocks, _)| clocks.iter().sum::<usize>().to_string())
        .collect();
    table += &format!("| together | {} | |\n", sums.join(" | "));
    keep_part("validator stages", &table);

    let steps = WAY.iter().zip(&measured[2].0).map(|(way, clocks)| Step {
        module: modules[way.0].clone(),
        purpose: way.1,
        clocks: *clocks,
        says: way.4,
    });
    keep(
        "hardware-validator.svg",
        &draw(&steps.collect::<Vec<_>>(), |instance| {
            modules[instance].clone()
        }),
    );
}

fn draw(steps: &[Step], module: impl Fn(&str) -> String) -> String {
    let mut sheet = Sheet::new(960);
    let (left, middle) = (44, 44 + 34 + 95);
    let beside_boxes = left + 34 + 190 + 14;
    sheet.text(
        "h",
        left,
        24,
        "The clocks from a read beat to its write beat: one descriptor, 512 bits",
    );
    let top = sheet.card(
        "",
        left + 34,
        40,
        190,
        "m_axi_gmem0",
        &["memory: descriptors"],
    );
    sheet.arrow(&format!("M{middle} {top}V{}", top + 20));
    let (bottom, _, middles) = sheet.pipeline(left, top + 22, 0, steps);
    sheet.arrow(&format!("M{middle} {}V{}", bottom - 6, bottom + 14));
    sheet.card(
        "",
        left + 34,
        bottom + 16,
        190,
        "m_axi_gmem1",
        &["memory: verdicts"],
    );
    // Back-pressure, along the left edge.
    let writes = Sheet::between_clocks(middles[middles.len() - 1], steps[steps.len() - 1].clocks);
    sheet.dashed(&format!("M77 {writes}H22V{}H76", middles[0]));
    sheet.text(
        "b",
        beside_boxes,
        bottom + 32,
        "back-pressure: room_o falls 4 beats before the",
    );
    sheet.text(
        "b",
        beside_boxes,
        bottom + 48,
        "FIFO is full, then RREADY falls; nothing else waits",
    );

    // Beside it: from the host's registers to the run, and what the lanes are given and tell.
    let (x, width) = (650, 276);
    let mut y = sheet.card(
        "",
        x,
        40,
        width,
        "s_axi_control",
        &["the host's AXI4-Lite accesses"],
    );
    let mut registers = 0;
    for (index, (instance, lines)) in (0..).zip(BESIDE) {
        let top = y + 20;
        y = sheet.card("ours", x, top, width, &module(instance), lines);
        match index {
            // On from the one above; all others hang on the registers.
            0..=2 => sheet.arrow(&format!("M{} {}V{}", x + width / 2, top - 20, top - 1)),
            _ => sheet.arrow(&format!(
                "M{0} {registers}H{1}V{2}H{3}",
                x + width,
                x + width + 18,
                (top + y) / 2,
                x + width + 1
            )),
        }
        if instance == "i_regs" {
            registers = (top + y) / 2;
        }
    }
    sheet.finish()
}
