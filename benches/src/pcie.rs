//! A served card: transfers beside memcpy, a doorbell's first answer beside a cache-line ping-pong and an eventfd, and
//! processes that share one card. The server and the sharing clients are processes of their own: this program, started
//! again.

mod doorbell;
mod process;
mod shared;

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use host_runtime::queue::{Completion, QueueOptions, Submission};
use host_runtime::tcp::{Descriptor, Options};
use host_runtime::{Card, Direction};
use peers::limits;

use crate::report::{Bound, Report};
use process::Server;
pub(crate) use process::{Role, play};

/// Bytes of a transfer.
const LARGE: usize = 64 << 20;

/// Trips of one round.
const TRIPS: usize = 20_000;

/// Measures all of it.
pub(crate) fn measure(report: &mut Report, rounds: u32) -> Result<()> {
    transfers(report, rounds)?;
    if std::thread::available_parallelism()?.get() < 2 {
        println!("a doorbell's answer needs two CPUs; left out");
    } else {
        limits::free_afterwards(|| answers(report, rounds))?;
    }
    sharing(report, rounds)
}

/// The fastest of a few: what the machine can do, whatever else it does beside.
fn fastest(times: usize, mut what: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut best = f64::INFINITY;
    for _ in 0..times {
        let begin = Instant::now();
        what()?;
        best = best.min(begin.elapsed().as_secs_f64());
    }
    Ok(best)
}

fn transfers(report: &mut Report, rounds: u32) -> Result<()> {
    let server = Server::start(None)?;
    let card = Card::open_with(server.card(), &server.options())?;
    let mut buffer = card.allocate(0, LARGE)?;
    buffer.map_mut().fill(0x5A);
    let source = vec![0xA5_u8; LARGE];
    let mut target = vec![0_u8; LARGE];
    // All pages are there before anything is measured.
    buffer.sync(Direction::ToDevice)?;
    buffer.sync(Direction::FromDevice)?;
    target.copy_from_slice(&source);
    let (mut to, mut from, mut last) = (Vec::new(), Vec::new(), String::new());
    for _ in 0..rounds {
        let memcpy = fastest(3, || {
            black_box(&mut target[..]).copy_from_slice(black_box(&source));
            Ok(())
        })?;
        let h2c = fastest(3, || Ok(buffer.sync(Direction::ToDevice)?))?;
        let c2h = fastest(3, || Ok(buffer.sync(Direction::FromDevice)?))?;
        to.push(memcpy / h2c);
        from.push(memcpy / c2h);
        let gigabytes = |seconds: f64| LARGE as f64 / seconds / 1e9;
        last = format!(
            "{:.1} and {:.1} GB/s beside {:.1} GB/s in the last round",
            gigabytes(h2c),
            gigabytes(c2h),
            gigabytes(memcpy)
        );
    }
    let what = "64 MiB through a served card in another process, share of memcpy";
    report.median(format!("{what}, H2C"), to, Bound::AtLeast(0.5), &last);
    report.median(format!("{what}, C2H"), from, Bound::AtLeast(0.5), &last);
    Ok(())
}

/// The median of durations in nanoseconds, less what it takes to look at the clock.
fn median(mut samples: Vec<Duration>) -> f64 {
    let mut looks: Vec<_> = (0..1001).map(|_| Instant::now().elapsed()).collect();
    looks.sort_unstable();
    samples.sort_unstable();
    let middle = samples[samples.len() / 2];
    middle.saturating_sub(looks[looks.len() / 2]).as_nanos() as f64
}

fn answers(report: &mut Report, rounds: u32) -> Result<()> {
    // The card's threads keep to one CPU, this thread to the other.
    let server = Server::start(Some(1))?;
    limits::keep_to(0);
    let doorbell = doorbell::Doorbell::open(&server.socket()?)?;
    let (mut polled, mut blocked) = (Vec::new(), Vec::new());
    let (mut polling, mut blocking) = (String::new(), String::new());
    for _ in 0..rounds {
        let (floor, _) = crate::queue::ping_pong()?;
        limits::keep_to(0);
        let answer = median(doorbell.polled(TRIPS)?);
        polled.push(answer / floor);
        polling = format!("{answer:.0} ns beside {floor:.0} ns in the last round");
        let floor = median(limits::eventfd_round_trip(TRIPS as u64 / 10)?);
        let answer = median(doorbell.blocked(TRIPS / 10)?);
        blocked.push(answer / floor);
        blocking = format!("{answer:.0} ns beside {floor:.0} ns in the last round");
    }
    let asleep = median(doorbell.asleep(100)?);
    println!("a doorbell's answer by interrupt from a card that slept, p50: {asleep:.0} ns");
    report.median(
        "doorbell in a mapped page to the card's answer in host memory, polled, beside a cache-line ping-pong, p50",
        polled,
        Bound::AtMost(3.0),
        polling,
    );
    report.median(
        "the same answered by an interrupt, blocking, beside an eventfd round trip, p50",
        blocked,
        Bound::AtMost(2.0),
        blocking,
    );
    drop(doorbell);
    through_the_kernel(&server)
}

/// What the same takes through the simulated kernel, whose clocks outweigh all else: told, without a bound.
fn through_the_kernel(server: &Server) -> Result<()> {
    let card = Card::open_with(server.card(), &server.options())?;
    let mut queue = card.open_queue(&QueueOptions::default())?;
    let mut completions = [Completion::default()];
    let mut samples = Vec::new();
    for tag in 0..1000 {
        let submission = Submission::new(Descriptor([0; 24]), tag, Options::default());
        let begin = Instant::now();
        queue.submit(submission)?;
        while queue.poll(&mut completions)? == 0 {}
        samples.push(begin.elapsed());
    }
    println!(
        "push to completion through the simulated tcp_queue of a served card, p50: {:.0} ns",
        median(samples)
    );
    Ok(())
}

fn sharing(report: &mut Report, rounds: u32) -> Result<()> {
    const MANY: usize = 16;
    let server = Server::start(None)?;
    let (mut shares, mut last) = (Vec::new(), String::new());
    let one_queue = shared::descriptors_a_second(&server, 1, 1).context("one queue")?;
    println!("one process with one queue on a served card: {one_queue:.0} descriptors a second");
    for _ in 0..rounds {
        let one = shared::descriptors_a_second(&server, 1, MANY).context("one process")?;
        let many = shared::descriptors_a_second(&server, MANY, 1).context("many processes")?;
        shares.push(many / one);
        last = format!("{many:.0} beside {one:.0} descriptors a second in the last round");
    }
    report.median(
        format!(
            "{MANY} processes with a queue each on one served card, together, beside one with {MANY} queues"
        ),
        shares,
        Bound::AtLeast(0.9),
        last,
    );
    Ok(())
}
