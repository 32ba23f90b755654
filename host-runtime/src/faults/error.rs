//! What can be wrong with the text of a fault.

use thiserror::Error;

/// Why a text is no fault.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FaultError {
    /// There is no such kind.
    #[error("there is no fault {kind:?}; there are {available}")]
    Kind {
        /// What was given.
        kind: String,
        /// Those there are.
        available: String,
    },
    /// The kind has no such setting.
    #[error("{kind} has no setting {key:?}; it has {available}")]
    Key {
        /// The kind.
        kind: &'static str,
        /// What was given.
        key: String,
        /// Those there are.
        available: String,
    },
    /// A setting without a value, or given twice.
    #[error("{kind}: {text:?} {reason}")]
    Setting {
        /// The kind.
        kind: &'static str,
        /// What was given.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A value that makes no sense.
    #[error("{kind}: {key}={value} makes no sense; give {expected}")]
    Value {
        /// The kind.
        kind: &'static str,
        /// The setting.
        key: &'static str,
        /// What was given.
        value: String,
        /// What can be given.
        expected: &'static str,
    },
    /// A port was named for events that come by none.
    #[error(
        "{kind}: on={event} comes by no port of a kernel; leave port= out, or strike another event"
    )]
    NoPorts {
        /// The kind.
        kind: &'static str,
        /// The event.
        event: &'static str,
    },
    /// The loaded image has no such port.
    #[error("{fault}: there is no port {port:?} for on={event}; there are {available}")]
    Port {
        /// The fault.
        fault: String,
        /// What was given.
        port: String,
        /// The events it is to strike.
        event: &'static str,
        /// Those there are.
        available: String,
    },
    /// Events that cannot suffer this.
    #[error("{kind} does not strike on={event}; it strikes {available}")]
    Event {
        /// The kind.
        kind: &'static str,
        /// What was given.
        event: String,
        /// Those it strikes.
        available: String,
    },
}
