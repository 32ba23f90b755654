//! Random traffic over lanes that fail at random, in random order and time: each request is answered once, by the verdict
//! that the golden model gives under the version named, or by REJECT with a reason that can be.
//!
//! ```text
//! DECISION_SEED=7 DECISION_RUNS=1 cargo test -p host-runtime --test decision random -- --nocapture
//! ```

use std::collections::{HashMap, VecDeque};
use std::num::NonZeroU32;

use host_runtime::decision::{
    AgentId, Answer, Core, NamespaceId, Reason, Request, SessionHandle, SessionRequest, Settings,
    Time, Version,
};
use host_runtime::tcp::random::{self, RandomDescriptors};
use host_runtime::tcp::{Decision, Options, Output, Policy, golden};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::doubles::{Fault, Handle, double};
use crate::{PATIENCE, software};

/// Runs unless the environment says how many.
const RUNS: u64 = 200;
const STEPS: usize = 150;
const LANES: usize = 3;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable}={text:?} is no number")),
    )
}

#[test]
fn random_traffic_over_failing_lanes_is_answered_once_and_never_too_kindly() {
    let first = number("DECISION_SEED").unwrap_or(20_261_122);
    let mut seen = HashMap::<Reason, u64>::new();
    for seed in first..first + number("DECISION_RUNS").unwrap_or(RUNS) {
        println!(
            "seed {seed}: DECISION_SEED={seed} DECISION_RUNS=1 cargo test -p host-runtime --test decision random"
        );
        let mut world = World::new(seed);
        for _ in 0..STEPS {
            world.step();
        }
        world.finish();
        for (reason, count) in world.seen {
            *seen.entry(reason).or_default() += count;
        }
    }
    if number("DECISION_RUNS").is_none() {
        for reason in Reason::ALL {
            assert!(
                seen.get(&reason).is_some_and(|count| *count > 20),
                "{reason}: {seen:?}"
            );
        }
    }
}

/// What a request may be answered.
struct Asked {
    request: Request,
    arrived: Time,
    namespace: Option<NamespaceId>,
    by_handle: bool,
}

struct World {
    random: Xoshiro256PlusPlus,
    core: Core,
    lanes: Vec<Handle>,
    /// Where in the engine's list they begin.
    first: usize,
    now: u64,
    namespaces: Vec<(NamespaceId, Options)>,
    policies: HashMap<Version, (NamespaceId, Policy)>,
    sessions: HashMap<AgentId, NamespaceId>,
    /// Of the sessions that are open.
    handles: HashMap<AgentId, SessionHandle>,
    /// Of sessions that were.
    stale: Vec<SessionHandle>,
    closed: HashMap<AgentId, Time>,
    descriptors: VecDeque<host_runtime::tcp::Descriptor>,
    asked: HashMap<u64, Asked>,
    tickets: u64,
    answers: Vec<Answer>,
    seen: HashMap<Reason, u64>,
    stopped: bool,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let slots = random.random_range(1..=16);
        let (mut lanes, handles): (Vec<_>, Vec<_>) =
            (0..LANES).map(|_| double("double", slots)).unzip();
        // Behind the others, before them, or not there.
        let before = random.random_range(0..8) == 0;
        if before {
            lanes.insert(0, software());
        } else if random.random() {
            lanes.push(software());
        }
        let settings = Settings {
            max_agents: 50,
            max_namespaces: 8,
            max_under_way: random.random_range(1..100),
            lane_timeout: PATIENCE,
            // Everything is audited: a double that approves too much is found out by nothing else.
            audit: NonZeroU32::new(1),
            ..Settings::default()
        };
        let mut world = Self {
            core: Core::new(&settings, lanes).unwrap(),
            lanes: handles,
            first: usize::from(before),
            now: 0,
            namespaces: Vec::new(),
            policies: HashMap::new(),
            sessions: HashMap::new(),
            handles: HashMap::new(),
            stale: Vec::new(),
            closed: HashMap::new(),
            descriptors: VecDeque::new(),
            asked: HashMap::new(),
            tickets: 0,
            answers: Vec::new(),
            seen: HashMap::new(),
            stopped: false,
            random,
        };
        for id in (0..world.random.random_range(1..=8)).map(NamespaceId) {
            let options = Options {
                output: Output::Verdicts,
                slot: Default::default(),
                ..random::options(world.random.random())
            };
            let policy = random::policy(world.random.random_range(0..6));
            let version = world.core.add_namespace(id, options, &policy).unwrap();
            world.policies.insert(version, (id, policy));
            world.namespaces.push((id, options));
            let descriptors = RandomDescriptors::new(world.random.random(), options, &policy);
            world
                .descriptors
                .extend(descriptors.malformed_share(0.2).take(50));
        }
        for _ in 0..60 {
            world.open();
        }
        world
    }

    fn agent(&mut self) -> AgentId {
        AgentId(self.random.random_range(0..60))
    }

    fn step(&mut self) {
        match self.random.random_range(0..100) {
            0..35 => self.ask(),
            35..70 => {
                self.pass();
                self.core.turn(Time(self.now), &mut self.answers);
            }
            70..80 => self.open(),
            80..84 => self.close(),
            84..88 => self.swap(),
            88..94 => self.hold(),
            94..97 => self.fault(),
            _ => self.mend(),
        }
        self.check();
    }

    /// Mostly a little time, now and then more than a lane may take.
    fn pass(&mut self) {
        let patience = PATIENCE.as_nanos() as u64;
        self.now += match self.random.random_range(0..10) {
            0 => patience,
            1..4 => self.random.random_range(0..patience),
            _ => self.random.random_range(0..1000),
        };
    }

    fn ask(&mut self) {
        let by_handle = self.random.random();
        let (mut requests, mut handles) = (Vec::new(), Vec::new());
        for _ in 0..self.random.random_range(0..40) {
            let mut agent = self.agent();
            let mut namespace = self.sessions.get(&agent).copied();
            if by_handle {
                let open = self.handles.get(&agent).copied();
                let is_stale = open.is_none() || self.random.random_ratio(1, 20);
                if is_stale && self.stale.is_empty() {
                    continue;
                }
                handles.push(if is_stale {
                    (agent, namespace) = (AgentId(0), None);
                    self.stale[self.random.random_range(0..self.stale.len())]
                } else {
                    self.handles[&agent]
                });
            }
            let patience = PATIENCE.as_nanos() as u64;
            let time = self.random.random_range(0..3 * patience);
            let turn = self.random.random_range(0..self.descriptors.len());
            let request = Request {
                agent,
                ticket: self.tickets,
                asked: Time(self.now),
                deadline: Time(self.now + time),
                descriptor: self.descriptors[turn],
            };
            let asked = Asked {
                request,
                arrived: Time(self.now),
                namespace,
                by_handle,
            };
            self.asked.insert(self.tickets, asked);
            self.tickets += 1;
            requests.push(request);
        }
        let now = Time(self.now);
        if by_handle {
            let asked = handles.iter().zip(&requests);
            let asked = asked.map(|(session, request)| SessionRequest {
                session: *session,
                ticket: request.ticket,
                asked: request.asked,
                deadline: request.deadline,
                descriptor: &request.descriptor,
            });
            self.core
                .decide(now, asked, |answer| self.answers.push(answer));
        } else {
            self.core.submit(now, &requests, &mut self.answers);
        }
    }

    fn open(&mut self) {
        let agent = self.agent();
        let turn = self.random.random_range(0..self.namespaces.len());
        let (namespace, _) = self.namespaces[turn];
        if let Ok(handle) = self.core.open(agent, namespace) {
            self.handles.insert(agent, handle);
            assert_eq!(self.sessions.insert(agent, namespace), None);
        }
    }

    fn close(&mut self) {
        let agent = self.agent();
        let was_open = self.sessions.remove(&agent).is_some();
        assert_eq!(self.core.close(agent).is_ok(), was_open);
        if was_open {
            self.closed.insert(agent, Time(self.now));
            self.stale.extend(self.handles.remove(&agent));
        }
    }

    fn swap(&mut self) {
        let turn = self.random.random_range(0..self.namespaces.len());
        let (namespace, _) = self.namespaces[turn];
        let policy = random::policy(self.random.random_range(0..6));
        let version = self.core.set_policy(namespace, &policy).unwrap();
        assert_eq!(self.policies.insert(version, (namespace, policy)), None);
    }

    fn hold(&mut self) {
        let lane = self.random.random_range(0..LANES);
        let mut state = self.lanes[lane].state();
        state.held = self.random.random();
        state.room = self
            .random
            .random::<bool>()
            .then(|| self.random.random_range(0..20));
    }

    fn fault(&mut self) {
        let lane = self.random.random_range(0..LANES);
        let fault = Fault::ALL[self.random.random_range(0..Fault::ALL.len())];
        self.lanes[lane].state().fault = Some(fault);
    }

    fn mend(&mut self) {
        let lane = self.random.random_range(0..LANES);
        let (by, handle) = double("mended", self.random.random_range(1..=16));
        if self.core.reinstate(self.first + lane, by).is_ok() {
            self.lanes[lane] = handle;
        }
    }

    /// Whether each answer is one that may be.
    fn check(&mut self) {
        for answer in std::mem::take(&mut self.answers) {
            *self.seen.entry(answer.reason).or_default() += 1;
            let asked = self
                .asked
                .remove(&answer.ticket)
                .expect("asked, and not answered yet");
            let Request {
                agent,
                deadline,
                descriptor,
                ..
            } = asked.request;
            assert_eq!((answer.agent, answer.descriptor), (agent, descriptor));
            let namespace = asked.namespace.unwrap_or_default();
            assert_eq!(answer.namespace, namespace, "{answer:?}");
            if matches!(answer.reason, Reason::Judged | Reason::Malformed) {
                let (of, policy) = &self.policies[&answer.version];
                let options = self.namespaces[namespace.0 as usize].1;
                let detail = golden::evaluate(&descriptor, options, policy);
                assert_eq!(*of, namespace, "{answer:?}");
                assert_eq!(answer.verdict, detail.verdict(), "{answer:?}");
                assert_eq!(answer.cause(), detail.cause(), "{answer:?}");
                let decision = detail.verdict().decision().unwrap_or(Decision::Reject);
                assert_eq!(answer.decision, decision, "{answer:?}");
                assert!(self.now < deadline.0, "late, and judged");
                let closed = self.closed.get(&agent);
                assert!(
                    closed.is_none_or(|at| *at <= asked.arrived),
                    "closed, and judged"
                );
                continue;
            }
            assert_eq!(answer.decision, Decision::Reject);
            assert_eq!(answer.version, Version::NONE);
            match answer.reason {
                Reason::UnknownAgent => {
                    assert_eq!((asked.namespace, asked.by_handle), (None, false))
                }
                Reason::SessionClosed if asked.namespace.is_none() => assert!(asked.by_handle),
                Reason::SessionClosed => assert!(self.closed[&agent] >= asked.arrived),
                Reason::DeadlinePassed => assert!(deadline.0 <= self.now),
                Reason::Stopping => assert!(self.stopped),
                _ => {}
            }
        }
    }

    /// Everything that was asked is answered: by and by, or when the engine stops.
    fn finish(&mut self) {
        if self.random.random() {
            // Each lane may take its whole time for what the one before it had.
            for _ in 0..=LANES + 1 {
                self.now += PATIENCE.as_nanos() as u64;
                self.core.turn(Time(self.now), &mut self.answers);
                self.check();
            }
        } else {
            self.stopped = true;
            self.core.stop(Time(self.now), &mut self.answers);
            self.ask();
        }
        self.check();
        assert!(
            self.asked.is_empty(),
            "{} were never answered",
            self.asked.len()
        );
        let total = self.core.total_statistics();
        assert_eq!(total.answers(), self.tickets);
        for (reason, count) in &self.seen {
            assert_eq!(total.of(*reason), *count, "{reason}");
        }
    }
}
