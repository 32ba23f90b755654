//! One decision at a time: from submission to verdict, beside what two cores need to tell each other anything at all.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use host_runtime::queue::{Completion, Queue, QueueOptions, Serving, Submission};
use host_runtime::tcp::{Checksum, Policy};
use host_runtime::{Card, CardId, OpenOptions};
use peers::{limits, workload};

use crate::measure::{Contender, Field, percentiles};
use crate::results::{Side, Unit};

/// Decisions or round trips in a round.
const SAMPLES: usize = 20_000;

/// Sleeping and waking takes so long that fewer must do.
const WAKE_UPS: u64 = 2_000;

/// Longest time without an answer.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn field(state: &Path) -> Field {
    let mut field = Field::new(
        "latency",
        "One decision, from submission to verdict",
        "Each timed alone; half of them, and 99 % of them, took no longer.",
        Unit::Nanoseconds,
        "queue-p50",
    );
    let figures = [
        ("ping-pong-p50", "cache line there and back, p50"),
        ("ping-pong-p99", "cache line there and back, p99"),
    ];
    let ping_pong = Contender::several(Side::Limit, &figures, |_| {
        Ok(percentiles(limits::ping_pong(SAMPLES as u64)))
    });
    field.add("cache-line ping-pong", Ok(ping_pong));
    let figures = [
        ("eventfd-p50", "eventfd there and back, p50"),
        ("eventfd-p99", "eventfd there and back, p99"),
    ];
    let eventfd = Contender::several(Side::Limit, &figures, |_| {
        Ok(percentiles(limits::eventfd_round_trip(WAKE_UPS)?))
    });
    field.add("eventfd", Ok(eventfd));
    let figures = [
        ("queue-p50", "queue, software device, p50"),
        ("queue-p99", "queue, software device, p99"),
    ];
    field.add("queue", polled(state, Serving::Thread, &figures));
    let figures = [
        ("caller-p50", "queue, judged by who polls, p50"),
        ("caller-p99", "queue, judged by who polls, p99"),
    ];
    field.add(
        "queue without a thread",
        polled(state, Serving::Caller, &figures),
    );
    field
}

fn polled(state: &Path, serving: Serving, figures: &[(&str, &str)]) -> Result<Contender> {
    // The card's thread keeps to the CPU of whoever makes it; who asks keeps to the other one, as in the ping-pong.
    let mut queue = std::thread::scope(|scope| {
        let opening = scope.spawn(|| {
            limits::keep_to(1);
            open(state, serving)
        });
        opening.join().expect("it does not panic")
    })?;
    let (options, policy) = (workload::options(Checksum::Crc32), Policy::reset_default());
    let descriptors = workload::descriptors(SAMPLES, options, &policy);
    let expected = workload::expected(&descriptors, options, &policy);
    let submissions: Vec<_> = descriptors
        .into_iter()
        .zip(0..)
        .map(|(descriptor, tag)| Submission::new(descriptor, tag, options))
        .collect();
    Ok(Contender::several(Side::Ours, figures, move |_| {
        std::thread::scope(|scope| {
            let timing = scope.spawn(|| {
                limits::keep_to(0);
                let mut times = Vec::with_capacity(submissions.len());
                for (submission, expected) in submissions.iter().zip(&expected) {
                    let (time, answer) = one(&mut queue, *submission)?;
                    ensure!(answer.verdict() == *expected, "a wrong verdict");
                    times.push(time);
                }
                Ok(percentiles(times))
            });
            timing.join().expect("it does not panic")
        })
    }))
}

fn open(state: &Path, serving: Serving) -> Result<Queue> {
    let open = OpenOptions {
        purpose: "a benchmark".to_owned(),
        state_folder: Some(state.to_owned()),
        ..OpenOptions::default()
    };
    let card = Card::open_with(CardId::Software(0), &open)?;
    Ok(card.open_queue(&QueueOptions {
        serving,
        ..QueueOptions::default()
    })?)
}

fn one(queue: &mut Queue, submission: Submission) -> Result<(Duration, Completion)> {
    let mut answers = [Completion::default()];
    let begin = Instant::now();
    queue.submit(submission)?;
    let mut polls = 0_u64;
    while queue.poll(&mut answers)? == 0 {
        polls += 1;
        if polls.is_multiple_of(1 << 20) && begin.elapsed() > PATIENCE {
            bail!("no answer in {PATIENCE:?}");
        }
    }
    Ok((begin.elapsed(), answers[0]))
}
