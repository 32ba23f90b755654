//! Ctrl-C: the first one asks the work to stop, and it does at the next opportunity, leaving everything as it
//! was; a second one ends the process at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use host_runtime::CancelToken;

use crate::output_file;
use crate::stderr;

/// Exit status of shells for a program that SIGINT ended.
const ENDED_BY_SIGINT: i32 = 130;

/// How often a read that cannot be interrupted is asked after.
const POLL: Duration = Duration::from_millis(20);

/// Takes SIGINT, SIGTERM and SIGHUP from now on; the token is cancelled by the first of them.
pub(crate) fn watch() -> Result<CancelToken> {
    let token = CancelToken::new();
    let asked = AtomicBool::new(false);
    let cancel = token.clone();
    let handler = move || {
        if asked.swap(true, Ordering::Relaxed) {
            output_file::remove_pending();
            std::process::exit(ENDED_BY_SIGINT);
        }
        stderr::line(format_args!("stopping; once more to end at once"));
        cancel.cancel();
    };
    ctrlc::set_handler(handler).context("cannot take Ctrl-C")?;
    Ok(token)
}

/// Does something that may block for as long as it likes, such as reading a pipe, on a thread of its own.
pub(crate) fn interruptible<T: Send + 'static>(
    token: &CancelToken,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(work()));
    loop {
        match receiver.recv_timeout(POLL) {
            Ok(result) => return result,
            Err(RecvTimeoutError::Disconnected) => bail!("reading ended unexpectedly"),
            Err(RecvTimeoutError::Timeout) if token.is_cancelled() => {
                bail!("interrupted; nothing was done")
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}
