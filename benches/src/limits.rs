//! What the machine itself can do: nothing that judges can do better.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use host_runtime::tcp::Descriptor;
use rustix::event::{EventfdFlags, eventfd};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

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

/// Runs something that keeps the calling thread to a CPU, and lets it go where it could before.
pub fn free_afterwards<T>(work: impl FnOnce() -> T) -> T {
    // Asked for before: later the system tells of the one CPU only, and a thread started then would share it.
    let before = sched_getaffinity(None);
    let result = work();
    if let Ok(before) = before {
        sched_setaffinity(None, &before).ok();
    }
    result
}
