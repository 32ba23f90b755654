//! What only the software device promises: many queues served by one thread, and policies swapped under load.

use std::sync::atomic::{AtomicBool, Ordering};

use host_runtime::CardId;
use host_runtime::queue::{QueueOptions, Serving};
use host_runtime::tcp::PolicySlot;
use rand::Rng;

use crate::common::Bench;
use crate::promises::drain;
use crate::traffic::{History, Traffic};

/// A policy is in force, with its version, for all that is submitted after it was set, by any thread.
#[test]
fn a_policy_that_was_set_decides_what_is_submitted_afterwards() {
    for serving in [Serving::Thread, Serving::Caller] {
        let bench = Bench::new();
        let card = bench.open(CardId::Software(0));
        let options = QueueOptions {
            serving,
            ..QueueOptions::default()
        };
        let mut queue = card.open_queue(&options).unwrap();
        let mut other = card.open_queue(&options).unwrap();
        let mut traffic = Traffic::new(9);
        let mut history = History::new();
        for _ in 0..600 {
            let slot = PolicySlot::new(traffic.random.random_range(0..16)).unwrap();
            let policy = traffic.policy();
            let version = other.set_policy(slot, &policy).unwrap();
            assert_eq!(version, history.set(slot, policy));
            if history.len(slot) == 256 {
                break;
            }
            let submissions = traffic.many(40);
            assert_eq!(queue.submit_many(&submissions), 40);
            let completions = drain(&mut queue);
            for (submission, completion) in submissions.iter().zip(&completions) {
                history.check(submission, completion);
                if submission
                    .options()
                    .is_some_and(|options| options.slot == slot)
                {
                    assert_eq!(completion.policy_version(), version);
                }
            }
        }
    }
}

/// While one thread swaps policies, each answer is wholly by one of them, the one that it names.
#[test]
fn every_answer_is_by_the_version_that_it_names() {
    let bench = Bench::new();
    let card = bench.open(CardId::Software(0));
    let mut traffic = Traffic::new(10);
    let mut history = History::new();
    let slots: Vec<_> = PolicySlot::all().collect();
    let swaps: Vec<_> = (0..200)
        .map(|swap| {
            let (slot, policy) = (slots[swap % 16], traffic.policy());
            history.set(slot, policy);
            (slot, policy)
        })
        .collect();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for serving in [Serving::Thread, Serving::Thread, Serving::Caller] {
            let (card, history, done) = (&card, &history, &done);
            scope.spawn(move || {
                let options = QueueOptions {
                    serving,
                    ..QueueOptions::default()
                };
                let mut queue = card.open_queue(&options).unwrap();
                let mut traffic = Traffic::new(11);
                loop {
                    let last = done.load(Ordering::Relaxed);
                    let submissions = traffic.many(100);
                    assert_eq!(queue.submit_many(&submissions), 100);
                    let completions = drain(&mut queue);
                    for (submission, completion) in submissions.iter().zip(&completions) {
                        history.check(submission, completion);
                    }
                    if last {
                        return;
                    }
                }
            });
        }
        let mut queue = card.open_queue(&QueueOptions::default()).unwrap();
        for (slot, policy) in &swaps {
            queue.set_policy(*slot, policy).unwrap();
            std::thread::yield_now();
        }
        done.store(true, Ordering::Relaxed);
    });
}
