//! The engine over real queues: of the software device, and of a simulated card that is taken away from it.
#![cfg(feature = "cosim")]

use std::time::{Duration, Instant};

use host_runtime::decision::{Answer, Core, Lane, Reason, Request, Settings, Time};
use host_runtime::queue::{QueueOptions, Serving};
use host_runtime::tcp::random::{self, RandomDescriptors};
use host_runtime::tcp::{Decision, Descriptor, Options, Policy, golden};
use host_runtime::{Card, CardId, Image, SimOptions};

use crate::common::Bench;
use crate::{AGENT, HOME, request, software};

/// Longest wait for answers of a card.
const WAIT: Duration = Duration::from_secs(60);

fn lane(card: &Card, serving: Serving) -> Box<dyn Lane> {
    let options = QueueOptions {
        serving,
        ..QueueOptions::default()
    };
    Box::new(card.open_queue(&options).unwrap())
}

/// An engine whose time is the real one, for the lanes' is.
struct Running {
    core: Core,
    began: Instant,
}

impl Running {
    fn new(lanes: Vec<Box<dyn Lane>>) -> Self {
        let settings = Settings {
            lane_timeout: WAIT,
            audit: std::num::NonZeroU32::new(1),
            ..Settings::default()
        };
        let mut core = Core::new(&settings, lanes).unwrap();
        core.add_namespace(HOME, Options::default(), &Policy::default())
            .unwrap();
        core.open(AGENT, HOME).unwrap();
        Self {
            core,
            began: Instant::now(),
        }
    }

    fn now(&self) -> Time {
        Time(0).after(self.began.elapsed())
    }

    fn submit(&mut self, descriptors: &[Descriptor]) {
        let requests: Vec<_> = descriptors
            .iter()
            .zip(0..)
            .map(|(descriptor, ticket)| Request {
                descriptor: *descriptor,
                deadline: Time::NEVER,
                ..request(ticket)
            })
            .collect();
        let mut refused = Vec::new();
        self.core.submit(self.now(), &requests, &mut refused);
        assert_eq!(refused, []);
    }

    /// Turns until there are so many answers.
    fn answers(&mut self, count: usize) -> Vec<Answer> {
        let mut answers = Vec::new();
        while answers.len() < count {
            assert!(
                self.began.elapsed() < WAIT,
                "{} of {count} answers",
                answers.len()
            );
            self.core.turn(self.now(), &mut answers);
        }
        answers.sort_by_key(|answer| answer.ticket);
        answers
    }
}

fn descriptors(seed: u64, policy: &Policy, count: usize) -> Vec<Descriptor> {
    RandomDescriptors::new(seed, Options::default(), policy)
        .malformed_share(0.3)
        .take(count)
        .collect()
}

fn assert_golden(answers: &[Answer], descriptors: &[Descriptor], policy: &Policy) {
    assert_eq!(answers.len(), descriptors.len());
    for (answer, descriptor) in answers.iter().zip(descriptors) {
        let detail = golden::evaluate(descriptor, Options::default(), policy);
        assert_eq!(answer.descriptor, *descriptor);
        assert_eq!(answer.verdict, detail.verdict());
        assert_eq!(answer.cause(), detail.cause());
        let decision = detail.verdict().decision().unwrap_or(Decision::Reject);
        assert_eq!(answer.decision, decision);
        assert!(matches!(answer.reason, Reason::Judged | Reason::Malformed));
    }
}

#[test]
fn queues_of_the_software_device_answer_as_the_golden_model() {
    for serving in [Serving::Thread, Serving::Caller] {
        let bench = Bench::new();
        let card = bench.open(CardId::Software(0));
        let mut running = Running::new(vec![lane(&card, serving)]);
        for seed in 0..20 {
            let policy = random::policy(seed);
            let version = running.core.set_policy(HOME, &policy).unwrap();
            let descriptors = descriptors(seed, &policy, 1000);
            running.submit(&descriptors);
            let answers = running.answers(1000);
            assert_golden(&answers, &descriptors, &policy);
            assert!(answers.iter().all(|answer| answer.version == version));
        }
        let lane = running.core.lanes().next().unwrap();
        assert_eq!((lane.completed, &lane.failure), (20_000, &None));
    }
}

#[test]
fn a_queue_of_a_served_card_is_a_lane_like_any_other() {
    let bench = Bench::new();
    let card = bench.open(bench.serve(SimOptions::default()));
    let mut running = Running::new(vec![lane(&card, Serving::default())]);
    for seed in 0..5 {
        let policy = random::policy(seed);
        let version = running.core.set_policy(HOME, &policy).unwrap();
        let descriptors = descriptors(seed, &policy, 300);
        running.submit(&descriptors);
        let answers = running.answers(300);
        assert_golden(&answers, &descriptors, &policy);
        assert!(answers.iter().all(|answer| answer.version == version));
    }
    let lane = running.core.lanes().next().unwrap();
    assert_eq!((lane.completed, &lane.failure), (1500, &None));
}

/// Each way of losing a card; what it had is answered by the software device, under the same policy.
#[test]
fn a_simulated_card_that_is_taken_away_loses_no_request() {
    type TakeAway = fn(&Card);
    let ways: [(&str, TakeAway); 2] = [
        ("reset", |card| card.reset().unwrap()),
        ("programmed", |card| {
            card.program(&Image::default_image().unwrap()).unwrap();
        }),
    ];
    for (way, take_away) in ways {
        let bench = Bench::new();
        let card = bench.open(CardId::Simulated(0));
        let mut running = Running::new(vec![lane(&card, Serving::default()), software()]);
        let policy = random::policy(5);
        running.core.set_policy(HOME, &policy).unwrap();
        let first = descriptors(1, &policy, 100);
        running.submit(&first);
        assert_golden(&running.answers(100), &first, &policy);
        assert_eq!(running.core.lanes().next().unwrap().completed, 100, "{way}");

        // Some are on the card when it goes.
        let second = descriptors(2, &policy, 200);
        running.submit(&second);
        let mut answers = Vec::new();
        running.core.turn(running.now(), &mut answers);
        take_away(&card);
        let missing = 200 - answers.len();
        assert!(missing > 0, "{way}: all was answered before");
        answers.extend(running.answers(missing));
        answers.sort_by_key(|answer| answer.ticket);
        assert_golden(&answers, &second, &policy);
        let status: Vec<_> = running.core.lanes().cloned().collect();
        assert!(status[0].failure.is_some(), "{way}");
        assert!(
            status[1].completed > 0 && status[1].failure.is_none(),
            "{way}"
        );

        // A new queue on the same card takes over again.
        if way == "reset" {
            running
                .core
                .reinstate(0, lane(&card, Serving::default()))
                .unwrap();
            let third = descriptors(3, &policy, 100);
            running.submit(&third);
            assert_golden(&running.answers(100), &third, &policy);
            let card = running.core.lanes().next().unwrap();
            assert_eq!((&card.failure, card.failures), (&None, 1));
            assert!(card.completed >= 200, "{card:?}");
        }
    }
}

/// Somebody else writes the slot: what it decided is believed by nobody.
#[test]
fn a_foreign_policy_in_the_card_is_found_out_by_its_version() {
    let bench = Bench::new();
    let card = bench.open(CardId::Software(0));
    let mut running = Running::new(vec![lane(&card, Serving::Caller), software()]);
    let git = [crate::git()];
    running.submit(&git);
    running.answers(1);
    let mut foreign = card.open_queue(&QueueOptions::default()).unwrap();
    let lax = Policy {
        risk: [Decision::Approve; 5],
        ..Policy::default()
    };
    for slot in host_runtime::tcp::PolicySlot::all() {
        foreign.set_policy(slot, &lax).unwrap();
    }
    running.submit(&git);
    assert_eq!(running.answers(1)[0].decision, Decision::Caution);
    let failure = running.core.lanes().next().unwrap().failure.clone();
    assert!(failure.unwrap().contains("policy version"));
}
