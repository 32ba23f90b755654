//! Queues of cards that suffer: what is told, and what brings them back.

use std::time::Duration;

use host_runtime::faults::FaultPlan;
use host_runtime::queue::{Completion, Queue, QueueOptions, QueuePath};
use host_runtime::{CancelToken, Card, CardId, Error, Image, OpenOptions, Rung, SimOptions, cosim};

use crate::common::Bench;
use crate::promises::drain;
use crate::traffic::Traffic;

fn simulation() -> SimOptions {
    SimOptions {
        engine: cosim::EngineConfig {
            watchdog: 20_000,
            ..cosim::EngineConfig::default()
        },
        ..SimOptions::default()
    }
}

fn open(card: &Card, path: QueuePath) -> Queue {
    let options = QueueOptions {
        entries: 16,
        path,
        ..QueueOptions::default()
    };
    card.open_queue(&options).unwrap()
}

/// A simulated card in the process, and the switch of its faults.
fn simulated(bench: &Bench) -> (Card, host_runtime::faults::FaultInjector) {
    let options = OpenOptions {
        simulation: simulation(),
        ..bench.options()
    };
    let faults = options.simulation.faults.clone();
    let card = Card::open_with(CardId::Simulated(0), &options).unwrap();
    (card, faults)
}

fn plan(text: &str) -> FaultPlan {
    FaultPlan::of(1, text.parse().unwrap())
}

#[test]
fn what_a_lost_doorbell_told_of_is_not_answered_and_the_next_doorbell_makes_up_for_it() {
    let bench = Bench::new();
    let (card, faults) = simulated(&bench);
    let mut traffic = Traffic::new(1);
    let mut queue = open(&card, QueuePath::Ring);
    faults.arm(plan("doorbell-lost"));
    assert_eq!(queue.submit_many(&traffic.many(3)), 3);
    let mut completions = [Completion::default(); 16];
    assert_eq!(queue.poll(&mut completions).unwrap(), 0);
    assert_eq!(faults.tally()[0].struck, 1);
    assert_eq!(queue.submit_many(&traffic.many(2)), 2);
    assert_eq!(drain(&mut queue).len(), 5);
    // Of the last one the watchdog knows, and all that is not answered is named.
    faults.arm(plan("doorbell-lost"));
    assert_eq!(queue.submit_many(&traffic.many(4)), 4);
    let wait = Duration::from_secs(60);
    let error = queue
        .wait(&mut completions, wait, &CancelToken::new())
        .unwrap_err();
    assert!(matches!(error, Error::Simulation { .. }), "{error}");
    assert_eq!(queue.unanswered().count(), 4);
}

#[test]
fn closing_a_queue_tells_of_a_pair_that_does_not_come_to_rest_and_a_reset_gives_all_back() {
    let bench = Bench::new();
    let (card, faults) = simulated(&bench);
    let mut queue = open(&card, QueuePath::Ring);
    let pair = queue.pair();
    faults.arm(plan("hang:on=write"));
    queue.submit_many(&Traffic::new(2).many(1));
    let mut completions = [Completion::default(); 1];
    let wait = Duration::from_secs(60);
    let _ = queue.wait(&mut completions, wait, &CancelToken::new());
    faults.disarm();
    let error = queue.close().unwrap_err();
    assert!(Card::trouble(&error).is_some(), "{error}");
    card.climb(Rung::Abort, Rung::Reprogram, "a test").unwrap();
    let queue = open(&card, QueuePath::Ring);
    assert_eq!(queue.pair(), pair);
    queue.close().unwrap();
    // Its memory is free again, and nothing keeps the card open.
    let image = card.image().unwrap();
    let whole = |bank: usize| card.allocate_device(bank, image.banks()[bank].size as usize);
    let used = (0..image.banks().len()).filter(|&bank| image.banks()[bank].size > 0);
    used.for_each(|bank| drop(whole(bank).unwrap()));
}

#[test]
fn a_served_cards_queue_that_does_not_come_to_rest_is_told_when_it_is_closed() {
    let bench = Bench::new();
    let simulation = simulation();
    let faults = simulation.faults.clone();
    let card = bench.open(bench.serve(simulation));
    let mut queue = open(&card, QueuePath::Ring);
    faults.arm(plan("hang:on=write"));
    queue.submit_many(&Traffic::new(3).many(1));
    let mut completions = [Completion::default(); 1];
    let wait = Duration::from_millis(200);
    let _ = queue.wait(&mut completions, wait, &CancelToken::new());
    faults.disarm();
    let error = queue.close().unwrap_err();
    assert!(matches!(error, Error::CardStopped { .. }), "{error}");
    card.climb(Rung::SoftReset, Rung::Reprogram, "a test")
        .unwrap();
    open(&card, QueuePath::Ring).close().unwrap();
}

/// An abort leaves a card that has stopped as it is, which a self-test without a queue would not see; and what it refused before
/// the reset does not count after it.
#[test]
fn a_served_card_that_has_stopped_is_brought_back_by_a_soft_reset_and_by_nothing_less() {
    let bench = Bench::new();
    let simulation = simulation();
    let faults = simulation.faults.clone();
    let card = bench.open(bench.serve(simulation));
    card.program(&Image::queue_image().unwrap()).unwrap();
    open(&card, QueuePath::Ring).close().unwrap();
    faults.arm(plan("hang:on=register-read,at=2"));
    card.open_queue(&QueueOptions::default()).unwrap_err();
    faults.disarm();
    let recovered = card.climb(Rung::Abort, Rung::Reprogram, "a test").unwrap();
    assert_eq!(recovered.rung, Rung::SoftReset);
}

#[test]
fn a_card_whose_queues_do_not_answer_fails_its_self_test() {
    let bench = Bench::new();
    let (card, faults) = simulated(&bench);
    open(&card, QueuePath::Ring).close().unwrap();
    card.self_test().unwrap();
    // The host's own way to the card's memory works on.
    faults.arm(plan("axi-error:on=write,times=all"));
    card.self_test().unwrap_err();
    faults.disarm();
    card.self_test().unwrap();
}

/// What was on its way to the kernel when it was reset is not waited for by those who come later.
#[test]
fn kernels_that_are_reset_under_a_queue_end_it_and_the_next_one_works_and_comes_to_rest() {
    let bench = Bench::new();
    let (card, faults) = simulated(&bench);
    let mut traffic = Traffic::new(5);
    for at in 1..=8 {
        let mut queue = open(&card, QueuePath::Push);
        faults.arm(plan(&format!("reset:on=burst,at={at}")));
        let mut completions = [Completion::default(); 16];
        let ended = loop {
            queue.submit_many(&traffic.many(16));
            let wait = Duration::from_secs(60);
            match queue.wait(&mut completions, wait, &CancelToken::new()) {
                Ok(count) => assert!(count > 0, "no answer and no error"),
                Err(error) => break error,
            }
        };
        faults.disarm();
        let stopped = matches!(ended, Error::QueueStopped { .. });
        assert!(stopped, "at {at}: {ended}");
        drop(queue);
        let mut queue = open(&card, QueuePath::Push);
        queue.submit_many(&traffic.many(4));
        assert_eq!(drain(&mut queue).len(), 4);
        queue.close().unwrap();
    }
}
