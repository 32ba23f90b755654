//! What can go wrong in handling an engine. Requests have no errors: they have answers.

use std::time::Duration;

use thiserror::Error;

use super::answer::{AgentId, NamespaceId};

/// Why the engine did not do what it was told.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DecisionError {
    /// An engine without lanes could only reject.
    #[error("the engine was given no lane; give it a queue of a card, or JudgeLane")]
    NoLanes,
    /// A setting is out of its range.
    #[error("the setting {setting} is {value}; it may be {least} to {most}")]
    Setting {
        /// Its name.
        setting: &'static str,
        /// Its value.
        value: u128,
        /// The least it may be.
        least: u128,
        /// The most it may be.
        most: u128,
    },
    /// There is a namespace of that number.
    #[error("namespace {} exists already; change its policy, or remove it first", namespace.0)]
    NamespaceExists {
        /// Which.
        namespace: NamespaceId,
    },
    /// There is no such namespace.
    #[error("there is no namespace {}; add it first", namespace.0)]
    NamespaceUnknown {
        /// Which.
        namespace: NamespaceId,
    },
    /// A namespace that has sessions cannot go.
    #[error(
        "namespace {} has {sessions} sessions, and {under_way} requests are under way; close them first",
        namespace.0
    )]
    NamespaceInUse {
        /// Which.
        namespace: NamespaceId,
        /// Its open sessions.
        sessions: usize,
        /// Its requests that lanes have.
        under_way: usize,
    },
    /// The limit is reached.
    #[error("there are {most} namespaces, as many as the settings allow; remove one first")]
    TooManyNamespaces {
        /// The limit.
        most: usize,
    },
    /// The agent has a session.
    #[error("agent {} has a session in namespace {} already; close it first", agent.0, namespace.0)]
    AgentOpen {
        /// Which.
        agent: AgentId,
        /// Where it is.
        namespace: NamespaceId,
    },
    /// The agent has no session.
    #[error("agent {} has no session; open one first", agent.0)]
    AgentUnknown {
        /// Which.
        agent: AgentId,
    },
    /// The limit is reached.
    #[error("{most} sessions are open, as many as the settings allow; close one first")]
    TooManyAgents {
        /// The limit.
        most: usize,
    },
    /// The system gave no memory for sessions.
    #[error("there is no memory for more sessions: {reason}; close some, or free memory")]
    Memory {
        /// What the system said.
        reason: String,
    },
    /// There is no lane of that index.
    #[error("there is no lane {lane}; there are {lanes}, counted from 0")]
    LaneUnknown {
        /// The index asked for.
        lane: usize,
        /// How many there are.
        lanes: usize,
    },
    /// The lane works.
    #[error("lane {lane} ({name}) has not failed; only a failed one is replaced")]
    LaneLives {
        /// Its index.
        lane: usize,
        /// Its name.
        name: String,
    },
    /// The engine has stopped.
    #[error("the engine has stopped; start another one")]
    Stopped,
    /// The engine's thread is in a lane and does not come back.
    #[error(
        "the engine was busy for {waited:?}; a lane holds it up: see its statistics, or try again"
    )]
    Busy {
        /// How long was waited for it.
        waited: Duration,
    },
    /// The system gave no thread.
    #[error("the engine's thread did not start: {reason}; free some threads or memory")]
    Thread {
        /// What the system said.
        reason: String,
    },
    /// The limit is reached.
    #[error("the engine has {most} clients, as many as the settings allow; let go of one first")]
    TooManyClients {
        /// The limit.
        most: usize,
    },
}
