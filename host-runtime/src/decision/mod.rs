//! The decision engine: sessions of agents, their requests in batches to a card, one answer each, and REJECT when in doubt.
//! docs/decision-engine.md says what it guarantees.

mod answer;
mod at_once;
mod channel;
mod client;
mod core;
mod engine;
mod error;
mod failover;
mod flow;
mod intake;
mod judge_lane;
mod lane;
mod leaving;
mod ledger;
mod namespaces;
mod pending;
mod prefetch;
mod queue_lane;
mod sessions;
mod settings;
mod slots;
mod station;
mod statistics;
mod worker;

pub use answer::{
    AgentId, Answer, NamespaceId, Reason, Request, SessionHandle, SessionRequest, Time, Version,
};
pub use client::{Client, ClientError, Question};
pub use core::Core;
pub use engine::DecisionEngine;
pub use error::DecisionError;
pub use judge_lane::JudgeLane;
pub use lane::{Lane, LaneError};
pub use settings::Settings;
pub use station::LaneStatus;
pub use statistics::Statistics;
