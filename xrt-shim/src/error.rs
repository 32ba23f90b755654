//! What goes wrong here, as the error numbers that XRT's drivers answer with.

use host_runtime::Error as Runtime;
use thiserror::Error;

/// A failure of one of XRT's functions.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// The runtime says no.
    #[error(transparent)]
    Runtime(#[from] Runtime),
    /// The call itself is wrong.
    #[error("{0}")]
    Invalid(String),
    /// The call needs a context that was not opened.
    #[error("{0}")]
    NotPermitted(String),
    /// This card cannot do that.
    #[error("{0}")]
    NotSupported(String),
    /// The handle is no open device.
    #[error("the device is not open: xclOpen it first")]
    NoDevice,
    /// The system refused something.
    #[error("{action}: {source}")]
    System {
        /// What was tried.
        action: String,
        /// What it said.
        source: std::io::Error,
    },
}

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// The number of `errno.h` that XRT's Linux driver gives for it.
    pub(crate) fn number(&self) -> i32 {
        match self {
            Self::Runtime(error) => match error {
                Runtime::OutOfMemory { .. } | Runtime::HostMemory { .. } => libc::ENOMEM,
                Runtime::CardBusy { .. }
                | Runtime::CardLeased { .. }
                | Runtime::NotCleared { .. }
                | Runtime::TurnTimeout { .. }
                | Runtime::UnitBusy { .. }
                | Runtime::ImageInUse { .. }
                | Runtime::ImageNotLoaded { .. }
                | Runtime::WrongState { .. } => libc::EBUSY,
                Runtime::NotProgrammed { .. }
                | Runtime::CardUnusable { .. }
                | Runtime::LeaseEnded { .. }
                | Runtime::DeviceLost { .. } => libc::ENODEV,
                Runtime::Bus { .. }
                | Runtime::Simulation { .. }
                | Runtime::CardStopped { .. }
                | Runtime::Recovered { .. }
                | Runtime::NotRecovered { .. }
                | Runtime::SelfTest { .. } => libc::EIO,
                Runtime::Untrusted { .. } | Runtime::Trust(_) => libc::EKEYREJECTED,
                Runtime::RunTimeout { .. } => libc::ETIMEDOUT,
                _ => libc::EINVAL,
            },
            Self::Invalid(_) => libc::EINVAL,
            Self::NotPermitted(_) => libc::EPERM,
            Self::NotSupported(_) => libc::EOPNOTSUPP,
            Self::NoDevice => libc::ENODEV,
            Self::System { source, .. } => source.raw_os_error().unwrap_or(libc::EIO),
        }
    }
}
