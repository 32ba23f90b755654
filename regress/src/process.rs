//! One command of a shell, bounded in time, with all that it starts.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    Succeeded,
    Failed(String),
    TimedOut,
    /// The caller asked for an end.
    Stopped,
}

/// How often a running command is looked after.
const POLL: Duration = Duration::from_millis(50);

/// Runs a command in a folder; what it says goes into a file. Ends it with its descendants when its time is over or `stop` is
/// true.
pub(crate) fn run(
    command: &str,
    folder: &Path,
    log: File,
    limit: Duration,
    stop: &dyn Fn() -> bool,
) -> std::io::Result<End> {
    let start = Instant::now();
    let mut child = Command::new("bash")
        .args(["-c", command])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0)
        .spawn()?;
    let group = Pid::from_child(&child);
    let (sender, receiver) = mpsc::channel();
    // Waiting without a limit, so that an end is seen at once; the loop below has the limit.
    let waiter = std::thread::spawn(move || {
        let ended = child.wait();
        // The other side is gone only if this function is.
        let _ = sender.send(ended);
    });
    let mut why = None;
    let ended = loop {
        match receiver.recv_timeout(POLL) {
            Ok(ended) => break ended?,
            Err(_) if why.is_some() => {}
            Err(_) if start.elapsed() >= limit => why = Some(End::TimedOut),
            Err(_) if stop() => why = Some(End::Stopped),
            Err(_) => continue,
        }
        // Gone already: then the waiter tells.
        let _ = kill_process_group(group, Signal::KILL);
    };
    let _ = waiter.join();
    Ok(match why {
        Some(why) => why,
        None if ended.success() => End::Succeeded,
        None => End::Failed(ended.to_string()),
    })
}
