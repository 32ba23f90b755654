//! What the queue must reach, in clocks, with what the memory takes subtracted.
//!
//! scripts/figures makes a table of them.

use cosim::EngineConfig;
use cosim::engine::MemoryTiming;
use cosim::frame::AxiMaster;
use host_runtime::cosim;

use crate::figure;
use crate::random::Traffic;
use crate::rig::{PUSH_PORT, READ_PORT, Rig, WRITE_PORT};

/// Longest wait for an event, in clocks.
const LIMIT: usize = 2_000;
/// A log of the largest ring, and its entries.
const LARGEST: u32 = 15;
const MANY: u64 = 1 << LARGEST;

fn figure(what: &str, reached: &str, asked: &str, holds: bool) {
    figure::figure("tcp_queue", 512, what, reached, asked, holds);
}

fn latency(clocks: u64) -> EngineConfig {
    EngineConfig {
        memory: MemoryTiming {
            read_latency: clocks,
            ..MemoryTiming::default()
        },
        ..EngineConfig::default()
    }
}

/// Steps until `moves` is true of the port's signals; returns the clock of that edge.
fn clock_of(rig: &mut Rig, port: &str, moves: impl Fn(&AxiMaster) -> bool) -> u64 {
    for _ in 0..LIMIT {
        let clock = rig.engine.counters().clocks;
        let seen = moves(&rig.engine.master_signals(0, port).unwrap());
        if seen {
            return clock;
        }
        rig.engine.step().unwrap();
    }
    panic!("nothing on {port}");
}

#[test]
fn a_doorbell_is_answered_within_64_clocks_beside_the_memory() {
    let mut rig = Rig::new(latency(64));
    let mut pair = rig.enable(5, 4, 4);
    let mut traffic = Traffic::new(1);
    let mut worst = 0;
    for _ in 0..40 {
        pair.submit(&rig.memory, traffic.next());
        let start = rig.engine.counters().clocks;
        let access = cosim::engine::RegisterAccess::Write {
            address: 0x700 + 8 * 5,
            data: pair.submission_tail.into(),
        };
        rig.engine.submit_register(0, access).unwrap();
        let asked = clock_of(&mut rig, READ_PORT, |axi| axi.out.arvalid != 0);
        let read = clock_of(&mut rig, READ_PORT, |axi| axi.input.rvalid != 0);
        let written = clock_of(&mut rig, WRITE_PORT, |axi| {
            axi.out.wvalid & axi.input.wready != 0
        });
        let inside = (asked - start) + (written - read);
        worst = worst.max(inside);
        rig.finish(&mut pair);
        while rig.engine.register_result(0).unwrap().is_some() {}
    }
    let what = "clocks from doorbell to completion by ring, the memory apart, at most";
    figure(what, &worst.to_string(), "at most 64", worst <= 64);
}

#[test]
fn a_push_is_answered_within_28_clocks() {
    // A ring that never has plenty of room, so that each push is judged first; and a large one.
    for (completions, room) in [(4, "little room"), (9, "plenty of room")] {
        let mut rig = Rig::new(latency(64));
        let mut pair = rig.enable(3, 1, completions);
        let mut traffic = Traffic::new(2);
        let mut worst = 0;
        for _ in 0..40 {
            let submissions = [traffic.next(), traffic.next()];
            let start = rig.engine.counters().clocks;
            rig.push(&mut pair, &submissions, 0);
            let written = clock_of(&mut rig, WRITE_PORT, |axi| {
                axi.out.wvalid & axi.input.wready != 0
            });
            worst = worst.max(written - start);
            rig.finish(&mut pair);
            assert_eq!(rig.push_result(), 0);
        }
        figure(
            &format!("clocks from push to completion, at most, with {room}"),
            &worst.to_string(),
            "at most 28",
            worst <= 28,
        );
    }
}

#[test]
fn a_full_ring_is_answered_at_two_submissions_a_clock() {
    for memory in [64, 256] {
        let mut rig = Rig::new(latency(memory));
        let mut pair = rig.enable(0, LARGEST, LARGEST);
        let mut traffic = Traffic::new(3);
        let mut slowest = f64::INFINITY;
        // Three rounds, so that the 16-bit indices wrap.
        for _ in 0..3 {
            for _ in 0..MANY {
                pair.submit(&rig.memory, traffic.next());
            }
            let start = rig.engine.counters().clocks;
            rig.ring_tail(&pair);
            let before = rig.counter(4);
            let clocks = 16 * (MANY / 2);
            let mut end = 0;
            for _ in 0..clocks {
                rig.engine.step().unwrap();
                let last = rig.read(0x81C) as u16;
                if last == pair.submission_tail {
                    end = rig.engine.counters().clocks;
                    break;
                }
                rig.engine.run(50).unwrap();
            }
            assert_ne!(end, 0, "{before} answered before, not all now");
            let rate = MANY as f64 / (end - start - memory) as f64;
            slowest = slowest.min(rate);
            rig.finish(&mut pair);
        }
        let what = format!("submissions a clock by one ring, {memory} clocks of latency");
        figure(
            &what,
            &format!("{slowest:.3}"),
            "2, at least 1.96",
            slowest >= 1.96,
        );
        pair.assert_untouched_around(&rig.memory);
    }
}

#[test]
fn pushes_are_answered_at_two_submissions_a_clock() {
    let mut rig = Rig::new(latency(64));
    let mut pair = rig.enable(7, 1, LARGEST);
    let mut traffic = Traffic::new(4);
    let pushes = MANY / 2;
    for push in 0..pushes {
        let submissions = [traffic.next(), traffic.next()];
        rig.push(&mut pair, &submissions, push % 64 * 64);
    }
    let start = rig.engine.counters().clocks;
    let mut answered = 0;
    let mut end = 0;
    for _ in 0..4 * pushes {
        rig.engine.step().unwrap();
        while let Some(result) = rig.engine.burst_result(0, PUSH_PORT).unwrap() {
            assert_eq!(result.response, 0);
            answered += 1;
            end = result.clock;
        }
        if answered == pushes {
            break;
        }
    }
    assert_eq!(answered, pushes);
    let rate = MANY as f64 / (end - start) as f64;
    figure(
        "submissions a clock by push",
        &format!("{rate:.3}"),
        "2, at least 1.96",
        rate >= 1.96,
    );
    rig.finish(&mut pair);
    pair.assert_untouched_around(&rig.memory);
}

/// Many pairs with deep rings share the rate fairly: round robin by bursts.
#[test]
fn pairs_with_work_share_the_rate() {
    let mut rig = Rig::new(latency(64));
    let mut traffic = Traffic::new(5);
    let mut pairs: Vec<_> = (0..16).map(|index| rig.enable(index, 10, 10)).collect();
    for pair in &mut pairs {
        for _ in 0..1024 {
            pair.submit(&rig.memory, traffic.next());
        }
    }
    for pair in &pairs {
        rig.ring_tail(pair);
    }
    // Past the doorbells all have work; in this time half of it is done.
    rig.engine.run(4_000).unwrap();
    for pair in &mut pairs {
        let taken = rig.poll(pair);
        assert!(taken > 400, "pair {}: {taken} answered", pair.index);
    }
    for pair in &mut pairs {
        rig.finish(pair);
    }
}
