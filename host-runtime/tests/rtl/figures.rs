//! What kernel.md says it must reach, read off the kernel's own counters and the engine's clocks.
//!
//! scripts/figures makes a table of them.

use cosim::frame::AxiMaster;
use host_runtime::cosim;
use host_runtime::tcp::registers as reg;

use crate::figure;
use crate::rig::{BANK_1, Job, Rig, WIDTHS, latency};

const ACTIVE: usize = 13;
/// Longest burst, in bytes, and the boundary that none crosses.
const PAGE: u64 = 4096;

/// The options of each output, and its name.
const OUTPUTS: [(u32, &str); 2] = [(0, "verdict bytes"), (8, "detail words")];

fn figure(width: u32, what: &str, reached: &str, asked: &str, holds: bool) {
    figure::figure("tcp_validator", width, what, reached, asked, holds);
}

fn active_clocks(width: u32, memory_latency: u64, count: u32, options: u32) -> u64 {
    let mut rig = Rig::new(width, latency(memory_latency));
    let status = rig.run(Job {
        descriptors: 0x1_0000,
        verdicts: BANK_1,
        count,
        options,
    });
    assert_eq!(status, 0);
    rig.counters()[ACTIVE]
}

#[test]
fn a_million_descriptors_take_a_beat_a_clock_behind_64_clocks_of_latency() {
    const COUNT: u32 = 1_000_000;
    for width in WIDTHS {
        let beats = u64::from(COUNT) * 24 * 8 / u64::from(width);
        for (options, output) in OUTPUTS {
            let clocks = active_clocks(width, 64, COUNT, options) as f64;
            let share = beats as f64 / clocks;
            figure(
                width,
                &format!(
                    "share of a beat a clock, 1,000,000 descriptors, {output}, 64 clocks of latency"
                ),
                &format!(
                    "{:.2} %, {:.3} descriptors a clock",
                    100.0 * share,
                    f64::from(COUNT) / clocks
                ),
                "99 %",
                share >= 0.99,
            );
        }
    }
}

#[test]
fn the_rate_holds_behind_256_clocks_of_latency() {
    const COUNT: u32 = 200_000;
    for width in WIDTHS {
        for (options, output) in OUTPUTS {
            let short = active_clocks(width, 64, COUNT, options);
            let long = active_clocks(width, 256, COUNT, options);
            // Only the first answer comes later.
            let lost = long as i64 - short as i64 - (256 - 64);
            figure(
                width,
                &format!(
                    "clocks that a run of 200,000, {output}, takes more behind 256 clocks than behind 64, the latency apart"
                ),
                &lost.to_string(),
                "0, at most 8",
                lost <= 8,
            );
        }
    }
}

/// With one descriptor the active clocks are the memory's latencies, the pipeline, and the bus handshakes.
#[test]
fn one_descriptor_passes_the_pipeline_in_24_clocks() {
    for width in WIDTHS {
        for (options, output) in OUTPUTS {
            let mut rig = Rig::new(width, latency(64));
            rig.set_arguments(Job {
                descriptors: 0x1_0000,
                verdicts: BANK_1,
                count: 1,
                options,
            });
            rig.write(reg::CONTROL, 1);
            let mut first = |moves: &dyn Fn(&AxiMaster) -> bool, port: &str| {
                (0..5_000)
                    .find(|_| {
                        let seen = moves(&rig.engine.master_signals(0, port).unwrap());
                        rig.engine.step().unwrap();
                        seen
                    })
                    .map(|_| rig.engine.counters().clocks)
                    .unwrap_or_else(|| panic!("{width} bits: nothing on {port}"))
            };
            let read = |axi: &AxiMaster| axi.input.rvalid & axi.out.rready != 0;
            // The write beat comes after the last read beat: one beat is read for one descriptor, two at 128 bits.
            let mut last = first(&read, "m_axi_gmem0");
            if width == 128 {
                last = first(&read, "m_axi_gmem0");
            }
            let written = first(&|axi| axi.out.wvalid != 0, "m_axi_gmem1");
            let clocks = written.checked_sub(last).expect("read before written");
            figure(
                width,
                &format!("clocks from read beat to write beat, one descriptor, {output}"),
                &clocks.to_string(),
                "at most 24",
                (1..=24).contains(&clocks),
            );
        }
    }
}

#[test]
fn bursts_are_up_to_4_kib_and_cross_no_boundary() {
    for width in WIDTHS {
        let bytes = u64::from(width) / 8;
        let mut rig = Rig::new(width, latency(64));
        // Many pages, neither of the arrays at the start of one.
        rig.set_arguments(Job {
            descriptors: 0x1_0FC0,
            verdicts: BANK_1 + 0x40,
            count: 4_000,
            options: 8,
        });
        rig.write(reg::CONTROL, 1);
        let (mut reads, mut writes) = (Vec::new(), Vec::new());
        for _ in 0..100_000 {
            let read = rig.engine.master_signals(0, "m_axi_gmem0").unwrap();
            if read.out.arvalid & read.input.arready != 0 {
                reads.push((read.out.araddr, (u64::from(read.out.arlen) + 1) * bytes));
            }
            let write = rig.engine.master_signals(0, "m_axi_gmem1").unwrap();
            if write.out.awvalid & write.input.awready != 0 {
                writes.push((write.out.awaddr, (u64::from(write.out.awlen) + 1) * bytes));
            }
            rig.engine.step().unwrap();
            // The last verdict's address is asked for: all bursts are known.
            if writes.iter().map(|(_, length)| length).sum::<u64>() >= 4 * 4_000 {
                break;
            }
        }
        let longest = |bursts: &[(u64, u64)]| bursts.iter().map(|(_, length)| *length).max();
        let (longest_read, longest_write) = (longest(&reads), longest(&writes));
        for (what, longest) in [("read", longest_read), ("write", longest_write)] {
            let longest = longest.expect("there are bursts");
            figure(
                width,
                &format!("bytes of the longest {what} burst"),
                &longest.to_string(),
                "up to 4096",
                longest <= PAGE && longest > PAGE / 2,
            );
        }
        let all = reads.len() + writes.len();
        let crossing = reads
            .iter()
            .chain(&writes)
            .filter(|(address, length)| address / PAGE != (address + length - 1) / PAGE)
            .count();
        figure(
            width,
            "bursts that cross a boundary of 4 KiB",
            &format!("{crossing} of {all}"),
            "0",
            crossing == 0,
        );
    }
}

#[test]
fn runs_follow_each_other_with_nothing_but_register_accesses_between() {
    for width in WIDTHS {
        let mut rig = Rig::new(width, latency(64));
        let job = Job {
            descriptors: 0x1_0000,
            verdicts: BANK_1,
            count: 64,
            options: 0,
        };
        rig.run(job);
        let once = rig.counters()[ACTIVE];
        // Started again and again by auto_restart, without a host: no clock is lost between two runs.
        rig.write(reg::CONTROL, 0x81);
        rig.engine.run(20 * once).unwrap();
        rig.write(reg::CONTROL, 0);
        rig.engine.run(2 * once).unwrap();
        let counters = rig.counters();
        let runs = counters[0] / 64;
        assert!(runs >= 20, "{width} bits: {runs} runs");
        let between = counters[ACTIVE] as f64 / runs as f64 - once as f64;
        figure(
            width,
            "clocks between two runs, beside register accesses",
            &format!("{:.2}", between.abs()),
            "0, below 1",
            between.abs() < 1.0,
        );
    }
}
