//! Runs the tools of a build within its time limit, and leaves no process behind when it is over.

use std::fs::File;
use std::io::{Read, Seek};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::BuildError;

/// When the whole build must be over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    at: Instant,
    pub(super) limit: Duration,
}

impl Deadline {
    pub(super) fn after(limit: Duration) -> Self {
        Self {
            at: Instant::now() + limit,
            limit,
        }
    }

    pub(super) fn passed(self) -> bool {
        Instant::now() >= self.at
    }
}

/// What a program said and how it ended.
pub(super) struct Output {
    pub(super) status: ExitStatus,
    pub(super) text: String,
}

/// A program under way, in a process group of its own; killed with its children when dropped early.
pub(super) struct Running {
    name: String,
    child: Child,
    log: File,
    ended: bool,
}

impl Running {
    /// Starts `command`; `install` is told to the user if the program does not exist.
    pub(super) fn start(mut command: Command, install: &'static str) -> Result<Self, BuildError> {
        let name = command.get_program().to_string_lossy().into_owned();
        // Output goes to a file: a pipe that nobody empties would block the program.
        let io = |source| BuildError::Io {
            action: "run",
            path: name.clone().into(),
            source,
        };
        let log = tempfile::tempfile().map_err(io)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(io)?)
            .stderr(log.try_clone().map_err(io)?)
            .process_group(0)
            .spawn()
            .map_err(|source| match source.kind() {
                std::io::ErrorKind::NotFound => BuildError::MissingTool {
                    program: name.clone(),
                    install,
                },
                _ => io(source),
            })?;
        Ok(Self {
            name,
            child,
            log,
            ended: false,
        })
    }

    /// Whether the program has ended, and how.
    pub(super) fn poll(&mut self, deadline: Deadline) -> Result<Option<Output>, BuildError> {
        let io = |source| BuildError::Io {
            action: "wait for",
            path: self.name.clone().into(),
            source,
        };
        if let Some(status) = self.child.try_wait().map_err(io)? {
            self.ended = true;
            let mut bytes = Vec::new();
            self.log.rewind().map_err(io)?;
            self.log.read_to_end(&mut bytes).map_err(io)?;
            let text = String::from_utf8_lossy(&bytes).trim().to_owned();
            return Ok(Some(Output { status, text }));
        }
        if deadline.passed() {
            return Err(BuildError::Timeout {
                program: self.name.clone(),
                limit: deadline.limit,
            });
        }
        Ok(None)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(pid, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

/// How often a program or a lock is looked at.
pub(super) const POLL: Duration = Duration::from_millis(5);

/// Runs one program to its end.
pub(super) fn run(
    command: Command,
    install: &'static str,
    deadline: Deadline,
) -> Result<Output, BuildError> {
    let mut running = Running::start(command, install)?;
    loop {
        if let Some(output) = running.poll(deadline)? {
            return Ok(output);
        }
        std::thread::sleep(POLL);
    }
}

/// Runs programs, at most one a processor at a time, until all have ended or one has failed.
pub(super) fn run_all(
    commands: Vec<Command>,
    install: &'static str,
    deadline: Deadline,
) -> Result<Result<(), Output>, BuildError> {
    let slots = std::thread::available_parallelism().map_or(1, usize::from);
    let mut waiting = commands.into_iter();
    let mut running: Vec<Running> = Vec::new();
    loop {
        while running.len() < slots {
            let Some(command) = waiting.next() else { break };
            running.push(Running::start(command, install)?);
        }
        if running.is_empty() {
            return Ok(Ok(()));
        }
        let mut index = 0;
        while index < running.len() {
            match running[index].poll(deadline)? {
                Some(output) if output.status.success() => {
                    running.swap_remove(index);
                }
                Some(output) => return Ok(Err(output)),
                None => index += 1,
            }
        }
        std::thread::sleep(POLL);
    }
}
