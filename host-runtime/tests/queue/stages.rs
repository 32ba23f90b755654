//! docs/hardware.md's figure and table of `tcp_queue`: the clocks that each module takes of a submission's way.

use std::collections::BTreeSet;

use cosim::EngineConfig;
use cosim::engine::RegisterAccess;
use host_runtime::cosim;

use crate::hardware::{Sheet, Step, Wave, instances, keep, keep_part, root};
use crate::random::Traffic;
use crate::rig::{DOORBELL_TAIL, Rig};

/// Modules in the way of a submission: instance, what it is for, the signals that show its input and its output, and
/// what it does in each clock.
struct Way(
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
    &'static [&'static str],
);

/// From the doorbell to the read of the ring.
const DOORBELL: [Way; 3] = [
    Way(
        "i_slave",
        "AXI4-Lite",
        &["s_axi_control_awvalid"],
        &["doorbell"],
        &["its access; queue_regs decodes it"],
    ),
    Way(
        "i_pairs",
        "the new tail is judged",
        &["doorbell"],
        &["work"],
        &[
            "which pair, which index",
            "the pair's indices are read",
            "how far apart they are",
            "is the new tail possible?",
            "this pair has work",
        ],
    ),
    Way(
        "i_fetch",
        "one burst is planned",
        &["work"],
        &["m_axi_gmem0_arvalid"],
        &[
            "which pairs have work, by fours",
            "PICK: the next of them",
            "LOAD: its indices",
            "PLAN: available, used, block left",
            "ROOM: of the completion ring",
            "CLAMP: the least of them",
            "CLAIM: places; asks for the burst",
        ],
    ),
];

/// From a push to the check.
const PUSH: [Way; 1] = [Way(
    "i_push",
    "AXI4, writes only",
    &["s_axi_push_awvalid"],
    &["push"],
    &[
        "its address goes into a FIFO",
        "out of it; its pair is looked up",
        "taken, if there is room",
    ],
)];

/// From a beat of either to the completion's write.
const ANSWER: [Way; 2] = [
    Way(
        "i_check",
        "two lanes",
        &["m_axi_gmem0_rvalid", "m_axi_gmem0_rready"],
        &["checked_valid"],
        &[
            "rings and pushes by turns",
            "which side of a policy is in force",
            "options judged; each lane's policy",
            "magic, version, risk, masks; CRC as XORs",
            "maxima compared; checksum chosen",
            "checksum compared; most severe decision",
            "first cause that fails; verdict byte",
        ],
    ),
    Way(
        "i_writer",
        "lines of 64 bytes",
        &["checked_valid"],
        &["m_axi_gmem1_wvalid"],
        &[
            "into the FIFO of answers",
            "out of its memory",
            "with its pair's tail, size and base",
            "its place in the ring, and phase",
            "gathered into a line",
            "nothing joins: the line is written",
        ],
    ),
];

const ANSWERED: &[&str] = &["m_axi_gmem1_wvalid"];

/// What is beside the way, and what is told of it.
const BESIDE: [(&str, &[&str]); 6] = [
    ("i_regs", &["register map; doorbells at 0x700"]),
    (
        "i_pairs",
        &[
            "all state of the 16 pairs: indices,",
            "room, what is under way, why stopped",
        ],
    ),
    ("i_policies", &["16 slots of two sides; one in force"]),
    ("i_interrupts", &["a bit for each pair; moderation"]),
    ("i_events", &["16 x 64 bits at 0x100"]),
    ("i_counters", &["8 x 32 bits at 0x180"]),
];

fn names() -> Vec<&'static str> {
    let ways = DOORBELL.iter().chain(&PUSH).chain(&ANSWER);
    ways.flat_map(|way| way.2.iter().chain(way.3).copied())
        .collect()
}

/// Records what `act` does to an idle card, and answers the edge at which the last part of it began, which `act` says as
/// the engine's clock.
fn record(act: impl FnOnce(&mut Rig) -> u64) -> (Wave, usize) {
    let mut rig = Rig::new(EngineConfig::default());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.fst");
    let start = rig.engine.counters().clocks;
    rig.engine.record_waves(0, &path, 0, u64::MAX).unwrap();
    let begin = act(&mut rig) - start;
    rig.engine.run(200).unwrap();
    drop(rig);
    (Wave::read(&path, &names()), begin as usize)
}

fn clocks(wave: &Wave, ways: &[Way], begin: usize) -> Vec<usize> {
    let mut at = begin;
    let one = |way: &Way| {
        let enters = wave.first(way.2, at);
        at = wave.first(way.3, enters);
        at - enters
    };
    ways.iter().map(one).collect()
}

fn steps(ways: &[Way], clocks: &[usize], module: &impl Fn(&str) -> String) -> Vec<Step> {
    let step = |(way, clocks): (&Way, &usize)| Step {
        module: module(way.0),
        purpose: way.1,
        clocks: *clocks,
        says: way.4,
    };
    ways.iter().zip(clocks).map(step).collect()
}

#[test]
fn the_page_on_the_hardware_shows_the_pipeline_as_it_is() {
    let root = root();
    let modules = instances(&root, "tcp_queue");
    let module = |instance: &str| modules[instance].clone();

    // By ring: one submission of pair 5.
    let (ring, begin) = record(|rig| {
        let mut pair = rig.enable(5, 4, 4);
        pair.submit(&rig.memory, Traffic::new(1).next());
        rig.engine.run(20).unwrap();
        let begin = rig.engine.counters().clocks;
        let access = RegisterAccess::Write {
            address: (DOORBELL_TAIL + 8 * 5).into(),
            data: pair.submission_tail.into(),
        };
        rig.engine.submit_register(0, access).unwrap();
        begin
    });
    // By push, with plenty of room.
    let (push, pushed) = record(|rig| {
        let mut pair = rig.enable(3, 1, 9);
        rig.engine.run(20).unwrap();
        let begin = rig.engine.counters().clocks;
        let submission = Traffic::new(2).next();
        rig.push(&mut pair, &[submission], 0);
        begin
    });

    let shown = DOORBELL.iter().chain(&PUSH).chain(&ANSWER).map(|way| way.0);
    let shown = shown.chain(BESIDE.iter().map(|beside| beside.0));
    let shown: BTreeSet<_> = shown.map(str::to_owned).collect();
    assert_eq!(
        shown,
        modules.keys().cloned().collect(),
        "the figure shows every module of the top"
    );
    assert_eq!(shown, ring.instances, "the Verilog was read rightly");

    let asked = clocks(&ring, &DOORBELL, begin);
    let answered = clocks(&ring, &ANSWER, begin);
    let taken = clocks(&push, &PUSH, pushed);
    let push_beat = push.first(&["push"], pushed);
    let whole_push = push.first(ANSWERED, pushed) - push.first(PUSH[0].2, pushed);
    let after_push = push.first(ANSWERED, pushed) - push_beat;
    assert_eq!(
        after_push,
        answered.iter().sum::<usize>(),
        "both ways are the same from the check on"
    );

    let mut table = String::from("| path | module | clocks | what it does |\n|---|---|---|---|\n");
    let mut rows = |path: &str, ways: &[Way], clocks: &[usize]| {
        for (way, clocks) in ways.iter().zip(clocks) {
            table += &format!("| {path} | `{}` | {clocks} | {} |\n", module(way.0), way.1);
        }
    };
    rows("ring, before the read", &DOORBELL, &asked);
    rows("push", &PUSH, &taken);
    rows("both", &ANSWER, &answered);
    let whole_ring = asked.iter().chain(&answered).sum::<usize>();
    table += &format!("| ring, the memory apart | together | {whole_ring} | |\n");
    table += &format!("| push | together | {whole_push} | |\n");
    keep_part("queue stages", &table);

    let draw = draw(
        [
            &steps(&DOORBELL, &asked, &module),
            &steps(&PUSH, &taken, &module),
            &steps(&ANSWER, &answered, &module),
        ],
        module,
    );
    keep("hardware-queue.svg", &draw);
}

fn draw([asked, taken, answered]: [&[Step]; 3], module: impl Fn(&str) -> String) -> String {
    let mut sheet = Sheet::new(1010);
    let (left, right) = (30, 540);
    let (box_left, box_right) = (left + 34, right + 34);
    let (middle, middle_right) = (box_left + 95, box_right + 95);
    let beside_boxes = box_left + 190 + 14;

    // Both ways in.
    sheet.text("h", left, 24, "By ring: a doorbell is rung");
    let top = sheet.card(
        "",
        box_left,
        38,
        190,
        "s_axi_control",
        &["the host's doorbell"],
    );
    sheet.arrow(&format!("M{middle} {top}V{}", top + 20));
    let (asked_end, clock, _) = sheet.pipeline(left, top + 22, 0, asked);
    sheet.arrow(&format!("M{middle} {}V{}", asked_end - 6, asked_end + 14));
    let memory = sheet.card(
        "",
        box_left,
        asked_end + 16,
        190,
        "m_axi_gmem0",
        &["host memory: submissions"],
    );

    sheet.text(
        "h",
        right,
        24,
        "By push: two submissions in the write itself",
    );
    let top = sheet.card("", box_right, 38, 190, "s_axi_push", &["the host's write"]);
    sheet.arrow(&format!("M{middle_right} {top}V{}", top + 20));
    let (taken_end, pushed, _) = sheet.pipeline(right, top + 22, 0, taken);

    // What they share.
    let y = memory + 26;
    sheet.arrow(&format!("M{middle} {memory}V{}", y - 2));
    let between = right - 14;
    sheet.arrow(&format!(
        "M{middle_right} {}V{}H{between}V{}H{}",
        taken_end - 6,
        taken_end + 12,
        memory + 11,
        middle + 8
    ));
    let (end, last, middles) = sheet.pipeline(left, y, clock, answered);
    let first = format!(
        "after a push these are clocks {} to {}",
        pushed + 1,
        pushed + last - clock
    );
    sheet.text("r", beside_boxes, memory + 4, &first);
    sheet.arrow(&format!("M{middle} {}V{}", end - 6, end + 14));
    sheet.card(
        "",
        box_left,
        end + 16,
        190,
        "m_axi_gmem1",
        &["host memory: completions"],
    );
    let (check, writer) = (
        Sheet::between_clocks(middles[0], answered[0].clocks),
        Sheet::between_clocks(middles[1], answered[1].clocks),
    );
    sheet.dashed(&format!(
        "M{0} {writer}H{1}V{check}H{0}",
        box_left - 2,
        left - 16
    ));
    sheet.text(
        "b",
        beside_boxes,
        end + 32,
        "back-pressure: room_o falls while the FIFO of answers",
    );
    sheet.text(
        "b",
        beside_boxes,
        end + 48,
        "still has place for all that is inside",
    );

    // Beside it.
    let mut beside = taken_end + 30;
    for (instance, lines) in BESIDE {
        beside = sheet.card("ours", box_right, beside, 300, &module(instance), lines) + 14;
    }
    sheet.finish()
}
