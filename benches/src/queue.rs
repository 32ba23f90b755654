//! Queues: one answer beside a bare cache-line ping-pong between the same two CPUs, throughput beside the bare judge, and
//! what `tcp_queue` takes in simulated clocks, with and without a PCIe link.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use cosim::engine::{MemoryTiming, PcieLink};
use host_runtime::judge::Judge;
use host_runtime::queue::{Completion, Queue, QueueOptions, QueuePath, Serving, Submission};
use host_runtime::tcp::random::RandomDescriptors;
use host_runtime::tcp::{Descriptor, Detail, Options, Policy};
use host_runtime::{Card, CardId, OpenOptions};
use peers::limits;
use rustix::thread::{CpuSet, sched_setaffinity};

use crate::report::{Bound, Report};

/// Trips of one round.
const TRIPS: usize = 20_000;

/// Submissions of a batch, and batches of one round.
const BATCH: usize = 1024;
const BATCHES: usize = 500;

/// Clocks of the host's memory behind its root complex: 100 ns.
const HOST_MEMORY: u64 = 25;

/// Measures all of it.
pub(crate) fn measure(report: &mut Report, rounds: u32) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let options = OpenOptions {
        purpose: "a benchmark".to_owned(),
        state_folder: Some(folder.path().to_owned()),
        ..OpenOptions::default()
    };
    limits::free_afterwards(|| latency(report, rounds, &options))?;
    throughput(report, rounds, &options)?;
    simulated(report, &options)
}

fn pin(cpu: usize) -> Result<()> {
    let mut cpus = CpuSet::new();
    cpus.set(cpu);
    sched_setaffinity(None, &cpus)
        .with_context(|| format!("this thread cannot be put on CPU {cpu}"))
}

/// The median and the 99th percentile of durations, in nanoseconds, less what it takes to look at the clock.
fn percentiles(mut samples: Vec<Duration>) -> (f64, f64) {
    let clock = {
        let mut looks: Vec<_> = (0..1001).map(|_| Instant::now().elapsed()).collect();
        looks.sort_unstable();
        looks[looks.len() / 2]
    };
    samples.sort_unstable();
    let at = |share: f64| {
        let index = (share * (samples.len() - 1) as f64) as usize;
        samples[index].saturating_sub(clock).as_nanos() as f64
    };
    (at(0.5), at(0.99))
}

/// A value on cache lines of its own.
#[derive(Default)]
#[repr(align(128))]
struct Padded(AtomicU64);

/// Trips of a cache line to the other CPU and back. Nobody pauses between looks: a pause takes as long as a trip may.
pub(crate) fn ping_pong() -> Result<(f64, f64)> {
    let (there, back) = (Padded::default(), Padded::default());
    std::thread::scope(|scope| {
        let echo = scope.spawn(|| {
            pin(1)?;
            for trip in 1..=TRIPS as u64 {
                while there.0.load(Ordering::Acquire) != trip {}
                back.0.store(trip, Ordering::Release);
            }
            anyhow::Ok(())
        });
        let samples = (1..=TRIPS as u64)
            .map(|trip| {
                let begin = Instant::now();
                there.0.store(trip, Ordering::Release);
                while back.0.load(Ordering::Acquire) != trip {}
                begin.elapsed()
            })
            .collect();
        echo.join().expect("the other thread does not panic")?;
        Ok(percentiles(samples))
    })
}

/// Trips of one descriptor through a queue to its verdict.
fn submit_to_verdict(queue: &mut Queue, descriptors: &[Descriptor]) -> Result<(f64, f64)> {
    let mut completions = [Completion::default()];
    let mut samples = Vec::with_capacity(TRIPS);
    for (tag, descriptor) in (0..TRIPS as u32).zip(descriptors.iter().cycle()) {
        let submission = Submission::new(*descriptor, tag, Options::default());
        let begin = Instant::now();
        queue.submit(submission)?;
        while queue.poll(&mut completions)? == 0 {}
        black_box(completions[0].verdict());
        samples.push(begin.elapsed());
    }
    Ok(percentiles(samples))
}

fn descriptors(count: usize) -> Vec<Descriptor> {
    RandomDescriptors::new(1, Options::default(), &Policy::reset_default())
        .malformed_share(0.05)
        .take(count)
        .collect()
}

fn latency(report: &mut Report, rounds: u32, options: &OpenOptions) -> Result<()> {
    if std::thread::available_parallelism()?.get() < 2 {
        println!("a queue's latency needs two CPUs; left out");
        return Ok(());
    }
    let descriptors = descriptors(1000);
    let card = Card::open_with(CardId::Software(0), options)?;
    // The card's thread stays where it is started.
    pin(1)?;
    let mut queue = card.open_queue(&QueueOptions::default())?;
    pin(0)?;
    let (mut medians, mut tails, mut last) = (Vec::new(), Vec::new(), String::new());
    for _ in 0..rounds {
        let (floor, floor_tail) = ping_pong()?;
        let (median, tail) = submit_to_verdict(&mut queue, &descriptors)?;
        medians.push(median / floor);
        tails.push(tail / floor_tail);
        last = format!(
            "{median:.0} ns and {tail:.0} ns beside {floor:.0} ns and {floor_tail:.0} ns in the last round"
        );
    }
    let what = "submit to verdict, software device, beside a cache-line ping-pong";
    report.median(format!("{what}, p50"), medians, Bound::AtMost(2.0), &last);
    report.median(format!("{what}, p99"), tails, Bound::AtMost(3.0), &last);
    Ok(())
}

/// Nanoseconds of one of a batch: the median, which others that use the CPU do not move.
fn median_batch(mut batch: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut samples = Vec::with_capacity(BATCHES);
    for _ in 0..BATCHES {
        let begin = Instant::now();
        batch()?;
        samples.push(begin.elapsed());
    }
    Ok(percentiles(samples).0 / BATCH as f64)
}

fn throughput(report: &mut Report, rounds: u32, options: &OpenOptions) -> Result<()> {
    let card = Card::open_with(CardId::Software(0), options)?;
    let descriptors = descriptors(BATCH);
    let submissions: Vec<_> = (0..)
        .zip(&descriptors)
        .map(|(tag, descriptor)| Submission::new(*descriptor, tag, Options::default()))
        .collect();
    let judge = Judge::new(Options::default(), &Policy::reset_default());
    let mut details = vec![Detail::default(); BATCH];
    let mut completions = vec![Completion::default(); BATCH];
    for (serving, least) in [(Serving::Caller, 0.1), (Serving::Thread, 0.02)] {
        let mut queue = card.open_queue(&QueueOptions {
            entries: BATCH,
            serving,
            ..QueueOptions::default()
        })?;
        let (mut shares, mut last) = (Vec::new(), String::new());
        for _ in 0..rounds {
            let bare = median_batch(|| {
                black_box(judge.details(black_box(&descriptors), &mut details));
                Ok(())
            })?;
            let queued = median_batch(|| {
                let mut left = queue.submit_many(black_box(&submissions));
                while left > 0 {
                    left -= queue.poll(&mut completions)?;
                }
                Ok(())
            })?;
            shares.push(bare / queued);
            last = format!("{queued:.2} ns each beside {bare:.2} ns in the last round");
        }
        report.median(
            format!(
                "queue throughput, served by {serving:?}, beside the bare judge, {BATCH} at once"
            ),
            shares,
            Bound::AtLeast(least),
            last,
        );
    }
    Ok(())
}

/// A simulated card with the queue's image, whose host memory answers after [`HOST_MEMORY`].
fn simulated_card(options: &OpenOptions, one_way: Option<Duration>) -> Result<Card> {
    let mut options = options.clone();
    options.simulation.engine.memory = MemoryTiming {
        read_latency: HOST_MEMORY,
        ..MemoryTiming::default()
    };
    options.simulation.engine.link = one_way.map(|one_way| PcieLink {
        one_way,
        host_banks: Vec::new(),
    });
    Ok(Card::open_with(CardId::Simulated(0), &options)?)
}

/// Clocks from submitting so many at once to the host's seeing the last answer, and picoseconds of a clock.
fn clocks(card: &Card, path: QueuePath, submissions: &[Submission]) -> Result<(f64, f64)> {
    let mut queue = card.open_queue(&QueueOptions {
        entries: QueueOptions::MOST_ENTRIES,
        path,
        ..QueueOptions::default()
    })?;
    let time = || card.simulated_time().context("the card is simulated");
    let begin = time()?;
    let mut left = queue.submit_many(submissions);
    let mut completions = vec![Completion::default(); left];
    while left > 0 {
        left -= queue.poll(&mut completions)?;
    }
    let end = time()?;
    Ok(((end.clocks - begin.clocks) as f64, end.period_ps as f64))
}

fn simulated(report: &mut Report, options: &OpenOptions) -> Result<()> {
    let submissions: Vec<_> = (0..)
        .zip(descriptors(QueueOptions::MOST_ENTRIES))
        .map(|(tag, descriptor)| Submission::new(descriptor, tag, Options::default()))
        .collect();
    let paths = [
        (QueuePath::Ring, "ring", HOST_MEMORY, 64.0, 2.0),
        (QueuePath::Push, "push", 0, 28.0, 1.0),
    ];
    let card = simulated_card(options, None)?;
    for (path, name, memory, most, _) in paths {
        let (one, _) = clocks(&card, path, &submissions[..1])?;
        report.exact(
            format!(
                "tcp_queue, host's store to completion seen, by {name}, clocks without the memory's"
            ),
            one - memory as f64,
            Bound::AtMost(most),
            "through the runtime",
        );
        let half = submissions.len() / 2;
        let (all, _) = clocks(&card, path, &submissions)?;
        let (some, _) = clocks(&card, path, &submissions[..half])?;
        report.exact(
            format!("tcp_queue, sustained by {name}, submissions a clock"),
            half as f64 / (all - some),
            Bound::AtLeast(1.96),
            "what the second half of 16384 takes",
        );
    }
    card.close()?;
    let card = simulated_card(options, Some(Duration::from_nanos(250)))?;
    for (path, name, _, _, most) in paths {
        let (one, period_ps) = clocks(&card, path, &submissions[..1])?;
        report.exact(
            format!("the same over PCIe, 250 ns one way, by {name}, microseconds"),
            one * period_ps / 1e6,
            Bound::AtMost(most),
            format!(
                "{:.0} MHz, host memory {HOST_MEMORY} clocks",
                1e6 / period_ps
            ),
        );
    }
    Ok(card.close()?)
}
