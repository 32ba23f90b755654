//! Why a call failed: what becomes its status, and the text that `tcp_last_error` gives.

use host_runtime::decision::{ClientError, DecisionError};
use host_runtime::tcp::policy_file::PolicyFileError;
use thiserror::Error;

use crate::hardware::status::tcp_status_t;

/// A result inside the library.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// Why a call failed.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// An argument cannot be what it is.
    #[error("the argument {name} {problem}")]
    Argument { name: &'static str, problem: String },
    /// A handle stands for nothing.
    #[error(
        "the {kind} is not open: it was closed, or the pointer never came from {opener}; open one with {opener}"
    )]
    Handle {
        kind: &'static str,
        opener: &'static str,
    },
    /// More of a kind are open than there can be.
    #[error("too many are open: {kind}; close some that are not needed")]
    TooMany { kind: &'static str },
    /// A policy's text is not one.
    #[error("{place}{source}")]
    Policy {
        /// `path: `, or nothing.
        place: String,
        source: PolicyFileError,
    },
    /// A structure holds no policy.
    #[error("the structure holds no policy: {0}")]
    NoPolicy(String),
    /// A file cannot be read.
    #[error("{path} cannot be read: {source}; name a file that can")]
    File {
        path: String,
        source: std::io::Error,
    },
    /// A queue has no place.
    #[error(transparent)]
    QueueFull(#[from] host_runtime::queue::QueueFull),
    /// A queue answers no more.
    #[error(transparent)]
    QueueEnded(host_runtime::Error),
    /// The engine does not do what it is told.
    #[error(transparent)]
    Decision(#[from] DecisionError),
    /// The engine takes no question.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The library has a fault.
    #[error("the library itself failed: {0}; please report this with the program")]
    Panic(String),
    /// The runtime refused, or the card did.
    #[error(transparent)]
    Runtime(#[from] host_runtime::Error),
}

impl Failure {
    pub(crate) fn argument(name: &'static str, problem: impl Into<String>) -> Self {
        Self::Argument {
            name,
            problem: problem.into(),
        }
    }

    /// The code that the function returns.
    pub(crate) fn status(&self) -> tcp_status_t {
        match self {
            Self::Argument { .. } => tcp_status_t::TCP_ERROR_ARGUMENT,
            Self::Handle { .. } => tcp_status_t::TCP_ERROR_HANDLE,
            Self::TooMany { .. } => tcp_status_t::TCP_ERROR_MEMORY,
            Self::Policy { .. } | Self::NoPolicy(_) => tcp_status_t::TCP_ERROR_POLICY,
            Self::File { .. } => tcp_status_t::TCP_ERROR_FILE,
            Self::QueueFull(_) => tcp_status_t::TCP_ERROR_QUEUE_FULL,
            Self::QueueEnded(_) => tcp_status_t::TCP_ERROR_QUEUE_ENDED,
            Self::Decision(error) => decision_status(error),
            Self::Client(ClientError::Full { .. }) => tcp_status_t::TCP_ERROR_QUEUE_FULL,
            Self::Client(ClientError::Stopped) => tcp_status_t::TCP_ERROR_STOPPED,
            Self::Panic(_) => tcp_status_t::TCP_ERROR_INTERNAL,
            Self::Runtime(error) => runtime_status(error),
        }
    }
}

fn decision_status(error: &DecisionError) -> tcp_status_t {
    match error {
        DecisionError::NoLanes | DecisionError::Setting { .. } => tcp_status_t::TCP_ERROR_ARGUMENT,
        DecisionError::NamespaceUnknown { .. }
        | DecisionError::AgentUnknown { .. }
        | DecisionError::LaneUnknown { .. } => tcp_status_t::TCP_ERROR_UNKNOWN,
        DecisionError::NamespaceExists { .. } | DecisionError::AgentOpen { .. } => {
            tcp_status_t::TCP_ERROR_EXISTS
        }
        DecisionError::NamespaceInUse { .. }
        | DecisionError::LaneLives { .. }
        | DecisionError::Busy { .. } => tcp_status_t::TCP_ERROR_BUSY,
        DecisionError::TooManyNamespaces { .. }
        | DecisionError::TooManyAgents { .. }
        | DecisionError::TooManyClients { .. }
        | DecisionError::Memory { .. }
        | DecisionError::Thread { .. } => tcp_status_t::TCP_ERROR_MEMORY,
        DecisionError::Stopped => tcp_status_t::TCP_ERROR_STOPPED,
    }
}

fn runtime_status(error: &host_runtime::Error) -> tcp_status_t {
    use host_runtime::Error;
    match error {
        Error::CardName { .. } | Error::NoDevice { .. } | Error::NoSuchCard { .. } => {
            tcp_status_t::TCP_ERROR_NO_CARD
        }
        Error::QueueSize { .. } => tcp_status_t::TCP_ERROR_ARGUMENT,
        Error::QueueUnsupported { .. }
        | Error::CardUnusable { .. }
        | Error::LeaseEnded { .. }
        | Error::StateFolder { .. }
        | Error::StateDamaged { .. } => tcp_status_t::TCP_ERROR_UNUSABLE,
        Error::NoFreePair { .. }
        | Error::CardBusy { .. }
        | Error::CardLeased { .. }
        | Error::NotCleared { .. }
        | Error::NoFreeCard { .. }
        | Error::UnitBusy { .. }
        | Error::ImageInUse { .. } => tcp_status_t::TCP_ERROR_BUSY,
        Error::TurnTimeout { .. } | Error::RunTimeout { .. } => tcp_status_t::TCP_ERROR_TIMEOUT,
        Error::OutOfMemory { .. } | Error::HostMemory { .. } => tcp_status_t::TCP_ERROR_MEMORY,
        Error::Image(_)
        | Error::ImageForAnotherCard { .. }
        | Error::ImageNotLoaded { .. }
        | Error::KernelMissing { .. }
        | Error::NotProgrammed { .. }
        | Error::Trust(_)
        | Error::Untrusted { .. } => tcp_status_t::TCP_ERROR_IMAGE,
        #[cfg(feature = "cosim")]
        Error::Model { .. } => tcp_status_t::TCP_ERROR_IMAGE,
        // What is left is the card's: a bus error, a run that failed, a simulation that stopped.
        _ => tcp_status_t::TCP_ERROR_CARD,
    }
}
