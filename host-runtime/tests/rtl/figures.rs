//! What kernel.md says it must reach, read off the kernel's own counters and the engine's clocks.
//!
//! Each figure is printed as a row of the table that scripts/figures makes.

use cosim::frame::AxiMaster;
use host_runtime::cosim;
use host_runtime::tcp::registers as reg;

use crate::rig::{BANK_1, Job, Rig, WIDTHS, latency};

const ACTIVE: usize = 13;

/// Prints a figure as a table's row: what was reached, and what was asked for.
fn figure(width: u32, what: &str, reached: &str, asked: &str) {
    println!("figure | `tcp_validator` | {width} | {what} | {reached} | {asked} |");
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
    for width in WIDTHS {
        let beats = 1_000_000 * 24 * 8 / u64::from(width);
        for options in [0, 8] {
            let clocks = active_clocks(width, 64, 1_000_000, options);
            let share = beats as f64 / clocks as f64;
            let output = if options == 0 { "bytes" } else { "details" };
            let what = format!(
                "share of a beat a clock, 1,000,000 descriptors, {output}, 64 clocks of latency"
            );
            figure(width, &what, &format!("{:.2} %", 100.0 * share), "99 %");
            assert!(share >= 0.99, "{width} bits: {share}");
        }
    }
}

#[test]
fn the_rate_holds_behind_256_clocks_of_latency() {
    for width in WIDTHS {
        let short = active_clocks(width, 64, 200_000, 0);
        let long = active_clocks(width, 256, 200_000, 0);
        // Only the first answer comes later.
        let lost = long as i64 - short as i64 - (256 - 64);
        figure(
            width,
            "clocks that a run of 200,000 takes more behind 256 clocks than behind 64, the latency apart",
            &lost.to_string(),
            "8",
        );
        assert!(
            long - short <= 200,
            "{width} bits: {short} and {long} clocks"
        );
    }
}

/// With one descriptor the active clocks are the memory's latencies, the pipeline, and the bus handshakes.
#[test]
fn one_descriptor_passes_the_pipeline_in_24_clocks() {
    for width in WIDTHS {
        let mut rig = Rig::new(width, latency(64));
        rig.set_arguments(Job {
            descriptors: 0x1_0000,
            verdicts: BANK_1,
            count: 1,
            options: 0,
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
        // The write beat comes after the last read beat: one beat is read for one descriptor, two at 128 bits.
        let mut read = first(&|axi| axi.input.rvalid & axi.out.rready != 0, "m_axi_gmem0");
        if width == 128 {
            read = first(&|axi| axi.input.rvalid & axi.out.rready != 0, "m_axi_gmem0");
        }
        let written = first(&|axi| axi.out.wvalid != 0, "m_axi_gmem1");
        let clocks = (written - read).to_string();
        figure(
            width,
            "clocks from read beat to write beat, one descriptor",
            &clocks,
            "24",
        );
        assert!(
            written > read && written - read <= 24,
            "{width} bits: {read} to {written}"
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
            "clocks between runs, beside register accesses",
            &format!("{:.2}", between.abs()),
            "0, below 1",
        );
        assert!(
            between.abs() < 1.0,
            "{width} bits: {between} clocks a run more than one alone"
        );
    }
}
