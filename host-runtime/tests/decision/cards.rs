//! The engine over queues of cards.
#![cfg(feature = "cosim")]

use std::time::{Duration, Instant};

use host_runtime::decision::{Answer, Core, Lane, Reason, Request, Settings, Time};
use host_runtime::queue::{QueueOptions, Serving};
use host_runtime::tcp::random::{self, RandomDescriptors};
use host_runtime::tcp::{Decision, Descriptor, Options, Policy, golden};
use host_runtime::{Card, CardId};

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
