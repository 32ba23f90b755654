//! Processes that share a card: each keeps its queues full, and sleeps while there is nothing to take. The simulated kernel
//! is the bottleneck: what it judges a second is compared.
//!
//! One queue does not occupy the kernel, which reads a pair's ring in bursts and waits for each: many processes with a
//! queue each beside one process with one queue would measure that. So one process gets as many queues as the many have
//! together, and what is compared is the same work for the card, by one process and by many.

use std::io::BufRead;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use host_runtime::queue::{Completion, Queue, QueueOptions, QueuePath, Submission};
use host_runtime::tcp::random::RandomDescriptors;
use host_runtime::tcp::{Options, Policy};
use host_runtime::{CancelToken, Card, CardId, OpenOptions};

use super::process::{Process, Server};

/// Submissions that a process keeps outstanding.
const ENTRIES: usize = 4096;

/// Submitted at once.
const BATCH: usize = ENTRIES / 2;

/// Before it is counted, and while it is.
const WARM_UP: Duration = Duration::from_millis(300);
const COUNTED: Duration = Duration::from_millis(1500);

/// Descriptors that all processes together have judged a second, each with so many queues.
pub(super) fn descriptors_a_second(
    server: &Server,
    processes: usize,
    queues: usize,
) -> Result<f64> {
    let mut clients: Vec<Process> = (0..processes)
        .map(|_| server.client())
        .collect::<Result<_>>()?;
    for client in &mut clients {
        client.tell(&queues.to_string())?;
        client.hear()?;
    }
    for client in &mut clients {
        client.tell("go")?;
    }
    let mut rate = 0.0;
    for client in &mut clients {
        let told: f64 = client.hear()?.parse().context("a number")?;
        rate += told;
    }
    Ok(rate)
}

/// What a client does: hears how many queues it has, says that it is ready, begins when it is told, and says how many
/// descriptors a second it got.
pub(super) fn use_card(card: CardId, options: &OpenOptions) -> Result<()> {
    let card = Card::open_with(card, options)?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    let queues: usize = line.trim().parse().context("a number of queues")?;
    let queues: Vec<Queue> = (0..queues)
        .map(|_| {
            card.open_queue(&QueueOptions {
                entries: ENTRIES,
                path: QueuePath::Ring,
                ..QueueOptions::default()
            })
        })
        .collect::<host_runtime::Result<_>>()?;
    let descriptors = RandomDescriptors::new(1, Options::default(), &Policy::reset_default());
    let submissions: Vec<_> = (0..)
        .zip(descriptors.take(BATCH))
        .map(|(tag, descriptor)| Submission::new(descriptor, tag, Options::default()))
        .collect();
    println!("ready");
    std::io::stdin().lock().read_line(&mut line)?;
    let rates: Result<Vec<f64>> = std::thread::scope(|scope| {
        let keep_full = |queue| scope.spawn(|| keep_full(queue, &submissions));
        let threads: Vec<_> = queues.into_iter().map(keep_full).collect();
        let rates = threads.into_iter().map(|thread| thread.join());
        rates
            .map(|rate| rate.unwrap_or_else(|_| bail!("a thread panicked")))
            .collect()
    });
    println!("{}", rates?.iter().sum::<f64>());
    Ok(())
}

/// Keeps a queue full; descriptors a second.
fn keep_full(mut queue: Queue, submissions: &[Submission]) -> Result<f64> {
    let mut completions = vec![Completion::default(); ENTRIES];
    let cancel = CancelToken::new();
    let begin = Instant::now();
    let (mut counted, mut since) = (0_u64, None);
    loop {
        while queue.capacity() - queue.outstanding() >= BATCH {
            queue.submit_many(submissions);
        }
        let count = queue.wait(&mut completions, Duration::from_secs(10), &cancel)?;
        anyhow::ensure!(count > 0, "the card answers nothing");
        match since {
            None if begin.elapsed() >= WARM_UP => since = Some(Instant::now()),
            None => {}
            Some(_) => counted += count as u64,
        }
        if let Some(since) = since
            && since.elapsed() >= COUNTED
        {
            return Ok(counted as f64 / since.elapsed().as_secs_f64());
        }
    }
}
