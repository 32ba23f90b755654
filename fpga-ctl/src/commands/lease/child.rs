//! The command under a lease: it gets the signals that this process gets, and its end is waited for.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};

use anyhow::{Context as _, Result};
use host_runtime::CancelToken;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::WithOrigin;

/// How often signals are passed on.
const POLL: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 20_000_000,
};

/// Exit status of shells for a program that a signal ended, beside its number.
const ENDED_BY_SIGNAL: i32 = 128;

/// Signals that ask this process to end, from now on. They end a wait for a lease, and are passed on to the command.
#[derive(Debug)]
pub(super) struct Signals {
    token: CancelToken,
    running: Arc<AtomicBool>,
    to_pass_on: Receiver<i32>,
}

impl Signals {
    pub(super) fn watch() -> Result<Self> {
        let mut signals = SignalsInfo::<WithOrigin>::new([SIGINT, SIGQUIT, SIGTERM, SIGHUP])
            .context("cannot take signals")?;
        let token = CancelToken::new();
        let cancel = token.clone();
        let running = Arc::new(AtomicBool::new(false));
        let is_running = Arc::clone(&running);
        let (sender, to_pass_on) = mpsc::channel();
        std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                for origin in signals.forever() {
                    if !is_running.load(Ordering::SeqCst) {
                        cancel.cancel();
                    }
                    // A terminal's signals reach the command by themselves: it is in this process' group.
                    if origin.process.is_some() && sender.send(origin.signal).is_err() {
                        return;
                    }
                }
            })
            .context("cannot take signals")?;
        Ok(Self {
            token,
            running,
            to_pass_on,
        })
    }

    /// Cancelled by a signal before the command runs.
    pub(super) fn token(&self) -> CancelToken {
        self.token.clone()
    }
}

/// Runs a command to its end.
pub(super) fn run(command: &mut Command, signals: &Signals) -> Result<ExitStatus> {
    signals.running.store(true, Ordering::SeqCst);
    let mut child = command.spawn()?;
    let waited = wait(&mut child, signals);
    if waited.is_err() {
        let _ = child.kill();
    }
    waited
}

fn wait(child: &mut Child, signals: &Signals) -> Result<ExitStatus> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let pid = pid.context("the command has no process number")?;
    let end =
        pidfd_open(pid, PidfdFlags::empty()).context("the command's end cannot be watched")?;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        // Not waited for yet, so that the number is still the command's.
        for signal in signals.to_pass_on.try_iter() {
            if let Some(signal) = Signal::from_named_raw(signal) {
                let _ = kill_process(pid, signal);
            }
        }
        let _ = poll(&mut [PollFd::new(&end, PollFlags::IN)], Some(&POLL));
    }
}

/// The exit status that tells how the command ended.
pub(super) fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| ENDED_BY_SIGNAL + signal));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
