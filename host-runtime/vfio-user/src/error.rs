//! What can go wrong at either end of a connection.

use std::path::PathBuf;
use std::time::Duration;

use rustix::io::Errno;
use thiserror::Error;

/// A failure of a connection or of a request.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The socket could not be made, opened or used.
    #[error("{path}: {source}; {advice}", path = path.display())]
    Socket {
        /// The socket's file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
        /// What to do about it.
        advice: &'static str,
    },
    /// Another server listens there.
    #[error("{path}: another process serves a device there; stop it, or choose another name", path = .0.display())]
    InUse(PathBuf),
    /// The server has as many clients as it takes.
    #[error("as many programs use the device as its server takes; end one of them")]
    Full,
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Io(#[from] std::io::Error),
    /// The other end closed the connection.
    #[error("the other end closed the connection")]
    Closed,
    /// The other end did not send, answer or take something in time.
    #[error("the other end did not {what} within {after:?}")]
    TimedOut {
        /// What it did not do.
        what: &'static str,
        /// For how long it was waited for.
        after: Duration,
    },
    /// The connection was given up: an earlier request was not answered in time.
    #[error(
        "the connection was given up, as the other end did not reply within {0:?}; connect anew once it works again"
    )]
    GivenUp(Duration),
    /// The other end does not keep to the protocol.
    #[error("the other end does not keep to the vfio-user protocol: {0}")]
    Protocol(String),
    /// A request was answered by an error.
    #[error("{request} was refused: {errno}")]
    Refused {
        /// The request.
        request: String,
        /// The error that was given.
        errno: Errno,
    },
    /// A request was not sent, as it cannot be right.
    #[error("{0}")]
    Invalid(String),
    /// A thread of a server could not be started.
    #[error("no thread could be started: {0}")]
    Thread(std::io::Error),
}

impl From<Errno> for Error {
    fn from(errno: Errno) -> Self {
        Self::Io(errno.into())
    }
}

/// What requests return.
pub type Result<T, E = Error> = std::result::Result<T, E>;
