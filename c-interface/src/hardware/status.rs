//! What every function returns, and the words for it.

use std::ffi::{CStr, c_char};

use crate::boundary;

/// What became of a call.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum tcp_status_t {
    /// It did what it was asked.
    TCP_OK = 0,
    /// An argument is NULL, out of range, or does not fit the others.
    TCP_ERROR_ARGUMENT = 1,
    /// The handle was closed, or never was one.
    TCP_ERROR_HANDLE = 2,
    /// There is no such card, or the name is no card's name.
    TCP_ERROR_NO_CARD = 3,
    /// The card is there and cannot be used.
    TCP_ERROR_UNUSABLE = 4,
    /// Somebody else holds what is needed.
    TCP_ERROR_BUSY = 5,
    /// The image on the card does not serve, or is not trusted.
    TCP_ERROR_IMAGE = 6,
    /// Memory, or places of a kind, are used up.
    TCP_ERROR_MEMORY = 7,
    /// It was not done in time.
    TCP_ERROR_TIMEOUT = 8,
    /// A text is no policy, or a structure holds none.
    TCP_ERROR_POLICY = 9,
    /// A file cannot be read.
    TCP_ERROR_FILE = 10,
    /// The card failed.
    TCP_ERROR_CARD = 11,
    /// The library failed: a fault to report.
    TCP_ERROR_INTERNAL = 12,
    /// All places of the queue, or of the client, are taken.
    TCP_ERROR_QUEUE_FULL = 13,
    /// The card stopped the queue, was reset or failed. What is not answered is to be rejected.
    TCP_ERROR_QUEUE_ENDED = 14,
    /// The engine has no such namespace, agent or card.
    TCP_ERROR_UNKNOWN = 15,
    /// The engine has such a namespace, or the agent such a session, already.
    TCP_ERROR_EXISTS = 16,
    /// The engine has stopped.
    TCP_ERROR_STOPPED = 17,
}

impl tcp_status_t {
    /// Every status, in the order of the codes.
    pub(crate) const ALL: [Self; 18] = [
        Self::TCP_OK,
        Self::TCP_ERROR_ARGUMENT,
        Self::TCP_ERROR_HANDLE,
        Self::TCP_ERROR_NO_CARD,
        Self::TCP_ERROR_UNUSABLE,
        Self::TCP_ERROR_BUSY,
        Self::TCP_ERROR_IMAGE,
        Self::TCP_ERROR_MEMORY,
        Self::TCP_ERROR_TIMEOUT,
        Self::TCP_ERROR_POLICY,
        Self::TCP_ERROR_FILE,
        Self::TCP_ERROR_CARD,
        Self::TCP_ERROR_INTERNAL,
        Self::TCP_ERROR_QUEUE_FULL,
        Self::TCP_ERROR_QUEUE_ENDED,
        Self::TCP_ERROR_UNKNOWN,
        Self::TCP_ERROR_EXISTS,
        Self::TCP_ERROR_STOPPED,
    ];

    const fn text(self) -> &'static CStr {
        match self {
            Self::TCP_OK => c"ok",
            Self::TCP_ERROR_ARGUMENT => c"an argument is wrong",
            Self::TCP_ERROR_HANDLE => c"the handle is not open",
            Self::TCP_ERROR_NO_CARD => c"there is no such card",
            Self::TCP_ERROR_UNUSABLE => c"the card cannot be used",
            Self::TCP_ERROR_BUSY => c"somebody else holds what is needed",
            Self::TCP_ERROR_IMAGE => c"the card's image does not serve",
            Self::TCP_ERROR_MEMORY => c"memory or places are used up",
            Self::TCP_ERROR_TIMEOUT => c"it was not done in time",
            Self::TCP_ERROR_POLICY => c"this is no policy",
            Self::TCP_ERROR_FILE => c"the file cannot be read",
            Self::TCP_ERROR_CARD => c"the card failed",
            Self::TCP_ERROR_INTERNAL => c"the library failed",
            Self::TCP_ERROR_QUEUE_FULL => c"the queue is full",
            Self::TCP_ERROR_QUEUE_ENDED => c"the queue has ended",
            Self::TCP_ERROR_UNKNOWN => c"the engine has no such thing",
            Self::TCP_ERROR_EXISTS => c"the engine has such a thing already",
            Self::TCP_ERROR_STOPPED => c"the engine has stopped",
        }
    }
}

/// A few words for a tcp_status_t. Never NULL, and never to be freed.
#[unsafe(no_mangle)]
pub extern "C" fn tcp_status_text(status: u32) -> *const c_char {
    let known = tcp_status_t::ALL.get(status as usize);
    known
        .map_or(c"a status that this library does not have", |status| {
            status.text()
        })
        .as_ptr()
}

/// What failed in this thread's last call that failed: where, and what to do about it. Never NULL; empty if none has
/// failed. It holds until the thread's next call that fails: copy it if it is to last longer.
#[unsafe(no_mangle)]
pub extern "C" fn tcp_last_error() -> *const c_char {
    boundary::last_error()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_listed_by_code() {
        for (code, status) in tcp_status_t::ALL.into_iter().enumerate() {
            assert_eq!(status as usize, code);
        }
    }
}
