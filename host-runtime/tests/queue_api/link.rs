//! From the host's store to the host's seeing the completion, over a PCIe link of 250 ns each way, with the kernel at
//! 250 MHz. Simulated time is the same on every machine.

use std::time::Duration;

use host_runtime::cosim::engine::{MemoryTiming, PcieLink};
use host_runtime::queue::{Completion, QueueOptions, QueuePath};
use host_runtime::{Card, CardId};

use crate::common::Bench;
use crate::traffic::{History, Traffic};

/// Picoseconds that a queue takes to answer so many submissions at once, over a link.
fn answered(path: QueuePath, count: usize, one_way: Option<Duration>) -> u64 {
    let bench = Bench::new();
    let mut options = bench.options();
    options.simulation.engine.link = one_way.map(|one_way| PcieLink {
        one_way,
        host_banks: Vec::new(),
    });
    options.simulation.engine.memory = MemoryTiming {
        // The host's memory behind its root complex, in clocks of 4 ns.
        read_latency: 25,
        ..MemoryTiming::default()
    };
    let card = Card::open_with(CardId::Simulated(0), &options).unwrap();
    let mut queue = card
        .open_queue(&QueueOptions {
            path,
            ..QueueOptions::default()
        })
        .unwrap();
    let mut traffic = Traffic::new(1);
    let mut longest = 0;
    for _ in 0..50 {
        let submissions = traffic.many(count);
        let begin = card.simulated_time().unwrap();
        assert_eq!(queue.submit_many(&submissions), count);
        let mut completions = vec![Completion::default(); count];
        let mut seen = 0;
        while seen < count {
            seen += queue.poll(&mut completions[seen..]).unwrap();
        }
        let end = card.simulated_time().unwrap();
        longest = longest.max((end.clocks - begin.clocks) * end.period_ps);
        for (submission, completion) in submissions.iter().zip(&completions) {
            History::new().check(submission, completion);
        }
    }
    longest
}

const ONE_WAY: Duration = Duration::from_nanos(250);

#[test]
fn an_answer_over_pcie_comes_within_a_microsecond_by_push_and_within_two_by_ring() {
    for (path, most_ns) in [(QueuePath::Push, 1000), (QueuePath::Ring, 2000)] {
        for count in [1, 2] {
            let ps = answered(path, count, Some(ONE_WAY));
            println!("{path:?}, {count} submissions: {} ns over PCIe", ps / 1000);
            assert!(ps < most_ns * 1000, "{path:?}: {ps} ps");
        }
    }
}

/// The delay is where the model says: a push crosses twice, a ring four times.
#[test]
fn the_link_costs_a_push_two_ways_and_a_ring_four() {
    let way_ps = 63 * 4000;
    for (path, ways) in [(QueuePath::Push, 2), (QueuePath::Ring, 4)] {
        let without = answered(path, 1, None);
        let with = answered(path, 1, Some(ONE_WAY));
        println!("{path:?}: {without} ps, {with} ps over PCIe");
        let extra = with - without;
        // A memory port looks for what is due in each clock: a clock or two of rounding.
        assert!(
            extra.abs_diff(ways * way_ps) <= 3 * 4000,
            "{path:?}: {extra} ps for {ways} ways of {way_ps}"
        );
    }
}

/// Nothing is lost or reordered over a long link, with pairs taken and given back while it is under way.
#[test]
fn a_long_link_changes_no_answer() {
    for path in [QueuePath::Auto, QueuePath::Ring, QueuePath::Push] {
        answered(path, 100, Some(Duration::from_micros(3)));
    }
}
