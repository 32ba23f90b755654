//! What holds for queues on every kind of card.

use std::collections::VecDeque;
use std::time::Duration;

use host_runtime::cosim::engine::Stalls;
use host_runtime::queue::{Completion, Queue, QueueOptions, QueuePath, Serving, Submission};
use host_runtime::tcp::{Descriptor, Options, PolicySlot};
use host_runtime::{CancelToken, Card, CardId, Error, SimOptions};
use rand::Rng;

use crate::common::Bench;
use crate::traffic::{History, Traffic, seed};

pub(crate) const WAIT: Duration = Duration::from_secs(120);

/// A kind of queue.
#[derive(Debug, Clone, Copy)]
struct Kind {
    card: Which,
    path: QueuePath,
    serving: Serving,
}

#[derive(Debug, Clone, Copy)]
enum Which {
    Card(CardId),
    /// Served by this process as a PCIe device.
    Served,
}

const fn software(serving: Serving) -> Kind {
    Kind {
        card: Which::Card(CardId::Software(0)),
        path: QueuePath::Auto,
        serving,
    }
}

const fn simulated(path: QueuePath) -> Kind {
    Kind {
        card: Which::Card(CardId::Simulated(0)),
        path,
        serving: Serving::Thread,
    }
}

const fn served(path: QueuePath) -> Kind {
    Kind {
        card: Which::Served,
        path,
        serving: Serving::Thread,
    }
}

const KINDS: [Kind; 8] = [
    software(Serving::Thread),
    software(Serving::Caller),
    simulated(QueuePath::Auto),
    simulated(QueuePath::Ring),
    simulated(QueuePath::Push),
    served(QueuePath::Auto),
    served(QueuePath::Ring),
    served(QueuePath::Push),
];

impl Kind {
    fn options(self, entries: usize) -> QueueOptions {
        QueueOptions {
            entries,
            path: self.path,
            serving: self.serving,
            purpose: "a test".to_owned(),
            ..QueueOptions::default()
        }
    }

    /// Which card it is, made if need be.
    fn card(self, bench: &Bench, simulation: &SimOptions) -> CardId {
        match self.card {
            Which::Card(card) => card,
            Which::Served => bench.serve(simulation.clone()),
        }
    }

    fn open_card(self, bench: &Bench) -> Card {
        bench.open(self.card(bench, &SimOptions::default()))
    }

    fn open(self, card: &Card, entries: usize) -> Queue {
        card.open_queue(&self.options(entries)).unwrap()
    }
}

/// Every kind of queue, each on a card of its own.
fn on_every_kind(entries: usize, test: impl Fn(&Card, Queue)) {
    for kind in KINDS {
        println!("{kind:?}");
        let bench = Bench::new();
        let card = kind.open_card(&bench);
        let queue = kind.open(&card, entries);
        test(&card, queue);
    }
}

fn wait(queue: &mut Queue, completions: &mut [Completion]) -> usize {
    queue.wait(completions, WAIT, &CancelToken::new()).unwrap()
}

/// Takes all that is outstanding.
pub(crate) fn drain(queue: &mut Queue) -> Vec<Completion> {
    let mut all = Vec::new();
    let mut completions = [Completion::default(); 7];
    while queue.outstanding() > 0 {
        let count = wait(queue, &mut completions);
        assert!(count > 0 || queue.outstanding() == 0, "no answer in time");
        all.extend(&completions[..count]);
    }
    all
}

fn submission(tag: u32) -> Submission {
    Submission::new(Descriptor([0; 24]), tag, Options::default())
}

fn tags(completions: &[Completion]) -> Vec<u32> {
    completions.iter().map(Completion::tag).collect()
}

#[test]
fn a_full_queue_takes_nothing_more_until_completions_are_taken() {
    on_every_kind(8, |_, mut queue| {
        let submissions: Vec<_> = (0..11).map(submission).collect();
        for _ in 0..5 {
            assert_eq!(queue.submit_many(&submissions), 8);
            assert_eq!(queue.outstanding(), queue.capacity());
            let full = queue.submit(submissions[8]).unwrap_err();
            assert_eq!(full.outstanding, 8);
            let mut completions = [Completion::default(); 3];
            let mut seen = Vec::new();
            while seen.len() < 3 {
                let count = wait(&mut queue, &mut completions);
                seen.extend(tags(&completions[..count]));
            }
            let taken = seen.len();
            assert_eq!(queue.submit_many(&submissions[8..]), taken.min(3));
            seen.extend(tags(&drain(&mut queue)));
            assert_eq!(seen, (0..8 + taken.min(3) as u32).collect::<Vec<_>>());
            assert_eq!(queue.outstanding(), 0);
        }
    });
}

#[test]
fn an_empty_queue_has_nothing_to_wait_for() {
    on_every_kind(4, |_, mut queue| {
        let mut completions = [Completion::default(); 2];
        assert_eq!(queue.poll(&mut completions).unwrap(), 0);
        assert_eq!(wait(&mut queue, &mut completions), 0);
        queue.submit(submission(1)).unwrap();
        assert_eq!(wait(&mut queue, &mut []), 0);
        assert_eq!(tags(&drain(&mut queue)), [1]);
        assert_eq!(queue.poll(&mut completions).unwrap(), 0);
    });
}

#[test]
fn what_was_cancelled_is_not_delivered_and_its_place_comes_back() {
    on_every_kind(8, |_, mut queue| {
        for _ in 0..4 {
            let submissions: Vec<_> = (0..8).map(submission).collect();
            assert_eq!(queue.submit_many(&submissions), 8);
            for tag in [0, 3, 7] {
                assert!(queue.cancel(tag));
                assert!(!queue.cancel(tag));
            }
            assert!(!queue.cancel(8));
            assert_eq!(queue.unanswered().collect::<Vec<_>>(), [1, 2, 4, 5, 6]);
            assert_eq!(tags(&drain(&mut queue)), [1, 2, 4, 5, 6]);
            // All of them: the wait ends without one.
            assert_eq!(queue.submit_many(&submissions[..3]), 3);
            (0..3).for_each(|tag| assert!(queue.cancel(tag)));
            assert_eq!(drain(&mut queue), []);
            assert_eq!(queue.outstanding(), 0);
        }
    });
}

#[test]
fn a_cancelled_wait_ends() {
    on_every_kind(4, |_, mut queue| {
        let cancel = CancelToken::new();
        cancel.cancel();
        queue.submit(submission(1)).unwrap();
        let mut completions = [Completion::default(); 2];
        let mut seen = 0;
        while seen == 0 {
            seen = queue.wait(&mut completions, WAIT, &cancel).unwrap();
        }
        assert_eq!(completions[0].tag(), 1);
    });
}

#[test]
fn there_are_sixteen_pairs_and_who_finds_none_learns_who_has_them() {
    for kind in KINDS {
        let bench = Bench::new();
        let card = kind.open_card(&bench);
        let mut queues: Vec<_> = (0..16).map(|_| kind.open(&card, 4)).collect();
        let mut pairs: Vec<_> = queues.iter().map(Queue::pair).collect();
        pairs.sort_unstable();
        assert_eq!(pairs, (0..16).collect::<Vec<_>>());
        let error = card.open_queue(&kind.options(4)).unwrap_err();
        assert!(
            matches!(&error, Error::NoFreePair { pairs: 16, .. }),
            "{error}"
        );
        let text = error.to_string();
        assert!(text.contains("a test") && text.contains("16"), "{text}");
        // A pair that was in use, and had something outstanding, is as new.
        queues[5].submit(submission(1)).unwrap();
        drop(queues.remove(5));
        let mut queue = kind.open(&card, 8);
        assert_eq!(queue.pair(), 5);
        queue.submit_many(&[submission(2), submission(3)]);
        assert_eq!(tags(&drain(&mut queue)), [2, 3]);
    }
}

#[test]
fn sizes_that_there_are_not_are_refused() {
    for kind in KINDS {
        let bench = Bench::new();
        let card = kind.open_card(&bench);
        for entries in [0, 1, 3, 24, 2 * QueueOptions::MOST_ENTRIES, usize::MAX] {
            let error = card.open_queue(&kind.options(entries)).unwrap_err();
            assert!(matches!(error, Error::QueueSize { .. }), "{error}");
        }
        for entries in [2, QueueOptions::MOST_ENTRIES] {
            let mut queue = kind.open(&card, entries);
            assert_eq!(queue.capacity(), entries);
            queue.submit(submission(1)).unwrap();
            assert_eq!(drain(&mut queue).len(), 1);
        }
    }
}

#[test]
fn a_reset_under_a_queue_ends_it_and_tells_what_was_outstanding() {
    on_every_kind(8, |card, mut queue| {
        let mut completions = [Completion::default(); 8];
        queue.submit_many(&[submission(1), submission(2), submission(3)]);
        queue.cancel(2);
        card.reset().unwrap();
        for _ in 0..2 {
            let error = loop {
                // What had been answered before may still be taken.
                match queue.poll(&mut completions) {
                    Ok(_) => {}
                    Err(error) => break error,
                }
            };
            let unanswered = queue.unanswered().count();
            let told = matches!(&error, Error::QueueStale { outstanding, .. } if *outstanding == unanswered);
            assert!(told, "{error}");
        }
        assert!(queue.submit(submission(4)).is_err());
        assert!(
            queue
                .set_policy(PolicySlot::default(), &Default::default())
                .is_err()
        );
        drop(queue);
        let mut queue = card.open_queue(&QueueOptions::default()).unwrap();
        queue.submit(submission(5)).unwrap();
        assert_eq!(tags(&drain(&mut queue)), [5]);
    });
}

#[test]
fn closing_a_card_ends_its_queues() {
    on_every_kind(8, |card, mut queue| {
        card.clone().close().unwrap();
        let mut completions = [Completion::default(); 8];
        queue.submit(submission(1)).unwrap();
        let error = queue.wait(&mut completions, WAIT, &CancelToken::new());
        assert!(matches!(error, Err(Error::QueueStale { .. })), "{error:?}");
        let error = card.open_queue(&QueueOptions::default()).unwrap_err();
        assert!(matches!(error, Error::WrongState { .. }), "{error}");
    });
}

#[test]
fn many_threads_use_a_queue_each() {
    for kind in KINDS {
        let bench = Bench::new();
        let card = kind.open_card(&bench);
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let card = &card;
                scope.spawn(move || {
                    let mut queue = kind.open(card, 32);
                    let mut traffic = Traffic::new(thread);
                    let history = History::new();
                    for _ in 0..8 {
                        let submissions = traffic.many(32);
                        assert_eq!(queue.submit_many(&submissions), 32);
                        let mut due: VecDeque<_> = submissions.into();
                        for completion in drain(&mut queue) {
                            history.check(&due.pop_front().unwrap(), &completion);
                        }
                        assert!(due.is_empty());
                    }
                });
            }
        });
    }
}

/// Submissions, cancellations and policies at random; every kind must give the same answers as the golden model, each once.
#[test]
fn random_use_is_answered_as_the_golden_model_says() {
    let seed = seed(4_711);
    for kind in KINDS {
        println!("{kind:?}");
        let mut traffic = Traffic::new(seed);
        for run in 0..4 {
            let bench = Bench::new();
            let mut options = bench.options();
            options.simulation.engine.seed = seed;
            options.simulation.engine.stalls = Stalls::all(0.15 * run as f64);
            let id = kind.card(&bench, &options.simulation);
            let card = Card::open_with(id, &options).unwrap();
            let mut history = History::new();
            let mut queue = kind.open(&card, [2, 8, 64, 256][run]);
            random_use(&mut queue, &mut traffic, &mut history);
            drop(queue);
            card.reset().unwrap();
        }
    }
}

fn random_use(queue: &mut Queue, traffic: &mut Traffic, history: &mut History) {
    let mut all = VecDeque::new();
    let mut completions = vec![Completion::default(); queue.capacity()];
    let receive =
        |completions: &[Completion], all: &mut VecDeque<Submission>, history: &History| {
            for completion in completions {
                let place = all
                    .iter()
                    .position(|submission| submission.tag() == completion.tag())
                    .expect("submitted, not cancelled, and not answered before");
                let submission = all.remove(place).unwrap();
                history.check(&submission, completion);
            }
        };
    for _ in 0..300 {
        match traffic.random.random_range(0..10) {
            0..5 => {
                let most = traffic.random.random_range(0..=queue.capacity());
                let few = traffic.random.random_range(0..4).min(most);
                let count = if traffic.random.random() { few } else { most };
                let submissions = traffic.many(count);
                let submitted = queue.submit_many(&submissions);
                all.extend(&submissions[..submitted]);
            }
            5 if !all.is_empty() => {
                let place = traffic.random.random_range(0..all.len());
                let submission: Submission = all.remove(place).unwrap();
                assert!(queue.cancel(submission.tag()));
            }
            6 => {
                let slot = PolicySlot::new(traffic.random.random_range(0..16)).unwrap();
                let policy = traffic.policy();
                let version = queue.set_policy(slot, &policy).unwrap();
                assert_eq!(version, history.set(slot, policy));
            }
            _ => {
                let most = traffic.random.random_range(0..=queue.capacity());
                let count = queue.poll(&mut completions[..most]).unwrap();
                receive(&completions[..count], &mut all, history);
            }
        }
    }
    receive(&drain(queue), &mut all, history);
    assert_eq!(all.len(), 0, "not answered");
}
