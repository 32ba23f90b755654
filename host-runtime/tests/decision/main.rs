//! The decision engine over lanes that do what they should and lanes that do not, in a time that the tests make pass.

#[cfg(feature = "cosim")]
#[path = "../common/mod.rs"]
mod common;

mod at_once;
mod cards;
mod doubles;
mod failures;
mod limits;
mod policies;
mod random;
mod sessions;
mod threads;

use std::time::Duration;

use host_runtime::decision::{
    AgentId, Answer, Core, JudgeLane, Lane, NamespaceId, Request, Settings, Time,
};
use host_runtime::tcp::{Descriptor, Options, Policy};

/// A well-formed descriptor: `git`, MEDIUM_RISK, so CAUTION under the reset policy.
pub(crate) const GIT: &str = "544350020002ba9f11ec0000024407d000c80d920003f202";
/// The namespace of most tests.
pub(crate) const HOME: NamespaceId = NamespaceId(1);
/// An agent in it.
pub(crate) const AGENT: AgentId = AgentId(42);
pub(crate) const PATIENCE: Duration = Duration::from_micros(100);

pub(crate) fn git() -> Descriptor {
    GIT.parse().unwrap()
}

pub(crate) fn settings() -> Settings {
    Settings {
        max_agents: 1000,
        max_namespaces: 40,
        max_under_way: 64,
        lane_timeout: PATIENCE,
        audit: None,
        ..Settings::default()
    }
}

/// An engine over these lanes, with one agent in one namespace.
pub(crate) fn core(lanes: Vec<Box<dyn Lane>>) -> Core {
    let mut core = Core::new(&settings(), lanes).unwrap();
    core.add_namespace(HOME, Options::default(), &Policy::default())
        .unwrap();
    core.open(AGENT, HOME).unwrap();
    core
}

pub(crate) fn software() -> Box<dyn Lane> {
    Box::new(JudgeLane::new())
}

/// A request of the agent that has a second.
pub(crate) fn request(ticket: u64) -> Request {
    Request {
        agent: AGENT,
        ticket,
        asked: Time(0),
        deadline: Time(1_000_000_000),
        descriptor: git(),
    }
}

/// What is answered at once.
pub(crate) fn submit(core: &mut Core, now: u64, requests: &[Request]) -> Vec<Answer> {
    let mut answers = Vec::new();
    core.submit(Time(now), requests, &mut answers);
    answers
}

/// What is answered by a turn.
pub(crate) fn turn(core: &mut Core, now: u64) -> Vec<Answer> {
    let mut answers = Vec::new();
    core.turn(Time(now), &mut answers);
    answers
}
