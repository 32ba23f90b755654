//! Commands under way. Whoever waits has the card work; a thread of our own does while nobody waits, so that a program
//! that only looks at a command's state sees it end.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use host_runtime::{CancelToken, Card, Error as Runtime, RunQueue, Ticket};
use parking_lot::{Condvar, Mutex};

use crate::error::{Error, Result};
use crate::memory::BufferObject;
use crate::packet::{self, State};
use crate::report;

/// Longest stay in one wait of the runtime, so that a waiter sees what others brought to an end.
const SLICE: Duration = Duration::from_millis(20);

/// How often our thread looks whether somebody must drive.
const LOOK: Duration = Duration::from_millis(1);

/// Looks without a command after which our thread sleeps until there is one.
const IDLE_LOOKS: u32 = 50;

/// How long a wait on a closed device takes: it has nothing to tell, and must not be asked in a busy loop.
const CLOSED_WAIT: Duration = Duration::from_millis(10);

/// The commands of one device.
#[derive(Debug)]
pub(crate) struct Execution {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    queue: RunQueue,
    commands: Mutex<Commands>,
    /// A command ended, or the device was closed.
    ended: Condvar,
    /// A command was started while our thread slept.
    started: Condvar,
    waiting: AtomicUsize,
}

#[derive(Debug, Default)]
struct Commands {
    running: HashMap<Ticket, Running>,
    /// Ended commands that no wait has told of yet.
    events: u64,
    asleep: bool,
    closed: bool,
}

#[derive(Debug)]
struct Running {
    /// Handle of its execution buffer.
    buffer: u32,
    object: Arc<BufferObject>,
    unit: usize,
    /// To start it again when it was ended because of the run before it.
    registers: Vec<(u32, u32)>,
}

impl Execution {
    pub(crate) fn new(card: &Card) -> Result<Self> {
        let shared = Arc::new(Shared {
            queue: card.run_queue(),
            commands: Mutex::default(),
            ended: Condvar::new(),
            started: Condvar::new(),
            waiting: AtomicUsize::new(0),
        });
        let thread = {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new()
                .name("xrt commands".to_owned())
                .spawn(move || shared.drive_unattended())
        };
        let thread = thread.map_err(|source| Error::System {
            action: "starting a thread".to_owned(),
            source,
        })?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Starts a command on whichever of these units of the image has the least to do.
    pub(crate) fn start(
        &self,
        buffer: u32,
        object: Arc<BufferObject>,
        units: &[usize],
        registers: Vec<(u32, u32)>,
    ) -> Result<()> {
        let mut commands = self.shared.commands.lock();
        let load = |unit| {
            let running = commands.running.values();
            running.filter(|running| running.unit == unit).count()
        };
        let unit = units
            .iter()
            .copied()
            .min_by_key(|&unit| load(unit))
            .ok_or_else(|| Error::Invalid("the command names no compute unit".to_owned()))?;
        let ticket = self.shared.queue.start(unit, registers.clone())?;
        packet::set_state(object.header()?, State::Running);
        let running = Running {
            buffer,
            object,
            unit,
            registers,
        };
        commands.running.insert(ticket, running);
        if commands.asleep {
            self.shared.started.notify_one();
        }
        Ok(())
    }

    /// Ends the command of that execution buffer, if it is under way.
    pub(crate) fn abort(&self, buffer: u32) -> Result<()> {
        let ticket = {
            let commands = self.shared.commands.lock();
            let mut running = commands.running.iter();
            running
                .find(|(_, running)| running.buffer == buffer)
                .map(|(&ticket, _)| ticket)
        };
        // The commands stay unlocked: the card may work for a while before it lets itself be interrupted.
        if let Some(ticket) = ticket
            && self.shared.queue.abort(ticket)?
        {
            let mut commands = self.shared.commands.lock();
            if let Some(running) = commands.running.remove(&ticket) {
                self.shared
                    .finish(&mut commands, &running.object, State::Aborted);
            }
        }
        Ok(())
    }

    /// A command that was done at once ends like any other.
    pub(crate) fn complete(&self, object: &BufferObject) {
        let mut commands = self.shared.commands.lock();
        self.shared.finish(&mut commands, object, State::Completed);
    }

    /// `xclExecWait`: whether a command ended that was not told of before.
    pub(crate) fn wait(&self, timeout: Duration) -> bool {
        self.shared.wait(timeout)
    }
}

/// What waiting on a device that was closed meanwhile answers: nobody may wait for its commands for ever.
pub(crate) fn wait_closed() -> bool {
    std::thread::sleep(CLOSED_WAIT);
    true
}

impl Shared {
    fn wait(&self, timeout: Duration) -> bool {
        let begin = Instant::now();
        let mut first = true;
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let told = loop {
            let left = {
                let mut commands = self.commands.lock();
                if commands.events > 0 {
                    commands.events -= 1;
                    break true;
                }
                if commands.closed {
                    break true;
                }
                // The time is not asked for again when a command ends at once.
                let left = if std::mem::take(&mut first) {
                    timeout
                } else {
                    timeout.saturating_sub(begin.elapsed())
                };
                if left.is_zero() {
                    break false;
                }
                if commands.running.is_empty() {
                    self.ended.wait_for(&mut commands, left);
                    continue;
                }
                left
            };
            self.drive(left.min(SLICE));
        };
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        told
    }

    fn drive_unattended(&self) {
        let mut idle = 0;
        loop {
            let unattended = {
                let mut commands = self.commands.lock();
                if commands.closed {
                    return;
                }
                if !commands.running.is_empty() {
                    idle = 0;
                } else if idle < IDLE_LOOKS {
                    idle += 1;
                } else {
                    commands.asleep = true;
                    self.started.wait(&mut commands);
                    commands.asleep = false;
                    idle = 0;
                }
                !commands.running.is_empty() && self.waiting.load(Ordering::Relaxed) == 0
            };
            // A moment first, also then: most programs wait right after they start a command.
            std::thread::sleep(LOOK);
            if unattended && self.waiting.load(Ordering::Relaxed) == 0 {
                self.drive(LOOK);
            }
        }
    }

    /// Has the card work until a command ends, but no longer than that.
    fn drive(&self, at_most: Duration) {
        match self.queue.wait_any(at_most, &CancelToken::new()) {
            Ok(ended) => {
                for (ticket, result) in ended {
                    self.settle(ticket, result);
                }
            }
            // Another process works on the card; its turn ends in time.
            Err(Runtime::TurnTimeout { .. } | Runtime::Cancelled { .. }) => {}
            Err(error) => {
                report::error(&format!("the card cannot be worked on: {error}"));
                let mut commands = self.commands.lock();
                for (_, running) in std::mem::take(&mut commands.running) {
                    self.finish(&mut commands, &running.object, State::Error);
                }
            }
        }
    }

    fn settle(&self, ticket: Ticket, result: host_runtime::Result<()>) {
        let mut commands = self.commands.lock();
        let Some(running) = commands.running.remove(&ticket) else {
            return;
        };
        let state = match result {
            Ok(()) => State::Completed,
            // It was queued behind one that was aborted, and is not to blame.
            Err(Runtime::Aborted { .. }) => {
                match self.queue.start(running.unit, running.registers.clone()) {
                    Ok(ticket) => {
                        commands.running.insert(ticket, running);
                        return;
                    }
                    Err(error) => {
                        report::error(&error.to_string());
                        State::Aborted
                    }
                }
            }
            Err(error) => {
                report::error(&format!("a run failed: {error}"));
                State::Error
            }
        };
        self.finish(&mut commands, &running.object, state);
    }

    fn finish(&self, commands: &mut Commands, object: &BufferObject, state: State) {
        if let Ok(header) = object.header() {
            packet::set_state(header, state);
        }
        commands.events += 1;
        self.ended.notify_all();
    }
}

impl Drop for Execution {
    fn drop(&mut self) {
        self.shared.commands.lock().closed = true;
        self.shared.ended.notify_all();
        self.shared.started.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
