//! What the machine itself can do: nothing that judges can do better.

use std::hint::black_box;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use host_runtime::tcp::Descriptor;
use rustix::event::{EventfdFlags, eventfd};
use rustix::thread::{CpuSet, sched_setaffinity};

/// Reads everything once, with nothing to compute but a sum that many additions make at once.
pub fn read(descriptors: &[Descriptor]) -> u64 {
    let words: &[u8] = bytemuck::cast_slice(descriptors);
    let (_, words, _) = bytemuck::pod_align_to::<u8, u64>(words);
    let mut sums = [0_u64; 32];
    for chunk in words.chunks_exact(32) {
        for (sum, word) in sums.iter_mut().zip(chunk) {
            *sum = sum.wrapping_add(*word);
        }
    }
    sums.iter().fold(0, |total, sum| total.wrapping_add(*sum))
}

/// A word on a cache line of its own.
#[repr(align(128))]
#[derive(Default)]
struct Line(AtomicU64);

/// How long a cache line takes from one thread to another and back, `count` times in turn: each thread waits for the
/// other's word, spinning. Each thread keeps to a CPU of its own where there are two.
pub fn ping_pong(count: u64) -> Vec<Duration> {
    let (there, back) = (Line::default(), Line::default());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            keep_to(1);
            for turn in 1..=count {
                while there.0.load(Ordering::Acquire) != turn {
                    std::hint::spin_loop();
                }
                back.0.store(turn, Ordering::Release);
            }
        });
        let pinger = scope.spawn(|| {
            keep_to(0);
            (1..=count)
                .map(|turn| {
                    let begin = Instant::now();
                    there.0.store(turn, Ordering::Release);
                    while back.0.load(Ordering::Acquire) != turn {
                        std::hint::spin_loop();
                    }
                    begin.elapsed()
                })
                .collect()
        });
        pinger.join().expect("it does not panic")
    })
}

/// How long it takes to hand `there` bytes to another thread, which reads them all and hands `back` bytes of its own,
/// `count` times in turn: nothing but copies, and a word each way that says that they are there. Each thread keeps to a
/// CPU of its own where there are two.
pub fn hand_over(there: usize, back: usize, count: u64) -> Vec<Duration> {
    let words = |bytes: usize| {
        (0..bytes / 8)
            .map(|_| AtomicU64::new(0))
            .collect::<Vec<_>>()
    };
    let (sent, answered) = (words(there), words(back));
    let (is_sent, is_answered) = (Line::default(), Line::default());
    let write = |to: &[AtomicU64], turn: u64| {
        to.iter()
            .for_each(|word| word.store(turn, Ordering::Relaxed));
    };
    let read = |from: &[AtomicU64]| {
        let words = from.iter().map(|word| word.load(Ordering::Relaxed));
        black_box(words.fold(0, u64::wrapping_add));
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            keep_to(1);
            for turn in 1..=count {
                while is_sent.0.load(Ordering::Acquire) != turn {}
                read(&sent);
                write(&answered, turn);
                is_answered.0.store(turn, Ordering::Release);
            }
        });
        let sender = scope.spawn(|| {
            keep_to(0);
            (1..=count)
                .map(|turn| {
                    let begin = Instant::now();
                    write(&sent, turn);
                    is_sent.0.store(turn, Ordering::Release);
                    while is_answered.0.load(Ordering::Acquire) != turn {}
                    read(&answered);
                    begin.elapsed()
                })
                .collect()
        });
        sender.join().expect("it does not panic")
    })
}

/// How long it takes to wake a thread that sleeps on an eventfd, and to be woken by it the same way, `count` times. Each
/// thread keeps to a CPU of its own where there are two.
///
/// # Errors
///
/// What the system says when it makes no eventfd, or does not let it be read or written.
pub fn eventfd_round_trip(count: u64) -> std::io::Result<Vec<Duration>> {
    let there = eventfd(0, EventfdFlags::CLOEXEC)?;
    let back = eventfd(0, EventfdFlags::CLOEXEC)?;
    std::thread::scope(|scope| {
        let server = scope.spawn(|| {
            keep_to(1);
            (0..count).try_for_each(|_| take(&there).and_then(|()| give(&back)))
        });
        let timing = scope.spawn(|| {
            keep_to(0);
            (0..count)
                .map(|_| {
                    let begin = Instant::now();
                    give(&there)?;
                    take(&back)?;
                    Ok(begin.elapsed())
                })
                .collect()
        });
        let trips = timing.join().expect("it does not panic");
        server.join().expect("it does not panic")?;
        trips
    })
}

fn give(event: &OwnedFd) -> std::io::Result<()> {
    rustix::io::write(event.as_fd(), &1_u64.to_ne_bytes())?;
    Ok(())
}

fn take(event: &OwnedFd) -> std::io::Result<()> {
    rustix::io::read(event.as_fd(), &mut [0; 8])?;
    Ok(())
}

/// Keeps the calling thread to a CPU; does nothing where there is no such one.
pub fn keep_to(cpu: usize) {
    let mut set = CpuSet::new();
    set.set(cpu);
    sched_setaffinity(None, &set).ok();
}
