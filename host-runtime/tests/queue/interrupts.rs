//! Interrupt moderation: by count, by time, at each write; and that none falls between.

use crate::host::Pair;
use crate::random::Traffic;
use crate::rig::{
    GLOBAL_INTERRUPT_ENABLE, INTERRUPT_ENABLE, INTERRUPT_PENDING, MODERATION, Rig, config,
};

/// Longest wait for an interrupt, in clocks.
const LIMIT: u64 = 5_000;

fn rig(count: u32, time: u32) -> Rig {
    let mut rig = Rig::new(config(0, 0.0));
    rig.write(GLOBAL_INTERRUPT_ENABLE, 1);
    rig.write(INTERRUPT_ENABLE, 0xFFFF);
    rig.write(MODERATION, time << 8 | count);
    rig
}

fn submit(rig: &mut Rig, pair: &mut Pair, traffic: &mut Traffic, count: usize) {
    for _ in 0..count {
        pair.submit(&rig.memory, traffic.next());
    }
    rig.ring_tail(pair);
}

/// Clocks until the interrupt, if it comes.
fn wait(rig: &mut Rig) -> Option<u64> {
    let start = rig.engine.counters().clocks;
    let end = rig.engine.run_until(LIMIT, |engine| engine.interrupt(0));
    (end.unwrap() == host_runtime::cosim::engine::RunEnd::Reached)
        .then(|| rig.engine.counters().clocks - start)
}

#[test]
fn without_moderation_each_write_interrupts_its_pair_until_it_is_cleared() {
    for (count, time) in [(0, 0), (1, 1000), (100, 0)] {
        let mut rig = rig(count, time);
        let mut traffic = Traffic::new(1);
        let mut pair = rig.enable(12, 4, 4);
        for _ in 0..5 {
            submit(&mut rig, &mut pair, &mut traffic, 1);
            assert!(wait(&mut rig).is_some());
            assert_eq!(rig.poll(&mut pair), 1, "written before it is told");
            assert_eq!(rig.read(INTERRUPT_PENDING), 1 << 12);
            rig.write(INTERRUPT_PENDING, !(1 << 12));
            assert!(rig.engine.interrupt(0), "other bits clear nothing");
            rig.write(INTERRUPT_PENDING, 1 << 12);
            assert!(!rig.engine.interrupt(0));
            rig.ring_head(&mut pair);
        }
    }
}

#[test]
fn masked_pairs_stay_pending_without_an_interrupt() {
    let mut rig = rig(1, 1);
    rig.write(INTERRUPT_ENABLE, !(1 << 2));
    let mut traffic = Traffic::new(2);
    let mut pair = rig.enable(2, 4, 4);
    submit(&mut rig, &mut pair, &mut traffic, 1);
    assert_eq!(wait(&mut rig), None);
    assert_eq!(rig.read(INTERRUPT_PENDING), 1 << 2);
    rig.write(INTERRUPT_ENABLE, 1 << 2);
    assert!(rig.engine.interrupt(0));
    rig.write(GLOBAL_INTERRUPT_ENABLE, 0);
    assert!(!rig.engine.interrupt(0));
}

#[test]
fn the_count_is_waited_for_and_then_counted_anew() {
    let mut rig = rig(10, 0xFF_FFFF);
    let mut traffic = Traffic::new(3);
    let mut pair = rig.enable(0, 6, 6);
    for _ in 0..3 {
        submit(&mut rig, &mut pair, &mut traffic, 9);
        assert_eq!(wait(&mut rig), None, "nine of ten");
        submit(&mut rig, &mut pair, &mut traffic, 1);
        assert!(wait(&mut rig).is_some(), "ten of ten");
        rig.write(INTERRUPT_PENDING, 1);
        rig.finish(&mut pair);
        rig.ring_head(&mut pair);
    }
}

#[test]
fn a_lone_completion_is_told_after_the_time() {
    let mut rig = rig(200, 700);
    let mut traffic = Traffic::new(4);
    let mut pair = rig.enable(7, 4, 4);
    for _ in 0..3 {
        submit(&mut rig, &mut pair, &mut traffic, 1);
        let clocks = wait(&mut rig).expect("the timer");
        assert!((700..900).contains(&clocks), "{clocks} clocks");
        assert_eq!(rig.read(INTERRUPT_PENDING), 1 << 7);
        rig.write(INTERRUPT_PENDING, 1 << 7);
        rig.finish(&mut pair);
        rig.ring_head(&mut pair);
    }
}
