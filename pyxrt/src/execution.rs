//! Runs under way on a card. One thread has the card work while there are any, so that a program that only looks at a
//! run's state, or only has a callback for it, sees it end; programs that wait sleep meanwhile.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use host_runtime::{CancelToken, Card, Error, Result, RunQueue, Ticket};
use parking_lot::{Condvar, Mutex};
use pyo3::Python;

use crate::memory::Buffer;

/// Longest stay in one wait of the runtime, so that the end of the device is seen.
const SLICE: Duration = Duration::from_millis(20);

/// How a run stands.
#[derive(Debug, Clone)]
pub(crate) enum State {
    /// Queued or working.
    Running,
    /// Ended by itself.
    Completed,
    /// Ended by an abort.
    Aborted,
    /// Ended by an error, which the text tells.
    Failed(String),
}

/// What is done when a run has ended, on the thread of the device.
type OnEnd = Box<dyn FnOnce(&State) + Send>;

/// What to run.
pub(crate) struct Order {
    /// Compute units of the image that may do it.
    pub(crate) units: Vec<usize>,
    /// Byte offsets and values.
    pub(crate) registers: Vec<(u32, u32)>,
    /// Memory that the kernel uses: it stays while the run goes on.
    pub(crate) buffers: Vec<Arc<Buffer>>,
    pub(crate) on_end: OnEnd,
}

/// A run that was started.
pub(crate) struct Command {
    unit: usize,
    registers: Vec<(u32, u32)>,
    progress: Mutex<Progress>,
    changed: Condvar,
}

struct Progress {
    state: State,
    /// Its `on_end` was called.
    told: bool,
    on_end: Option<OnEnd>,
    buffers: Vec<Arc<Buffer>>,
}

impl Command {
    pub(crate) fn state(&self) -> State {
        self.progress.lock().state.clone()
    }

    /// Waits for the end, but no longer than that; whether it ended. What is to be done at the end has been done then,
    /// unless this is called by that.
    pub(crate) fn wait(&self, at_most: Duration) -> bool {
        let until = Instant::now() + at_most;
        let mut progress = self.progress.lock();
        let is_over = |progress: &Progress| {
            !matches!(progress.state, State::Running) && (progress.told || is_device_thread())
        };
        while !is_over(&progress) {
            if self.changed.wait_until(&mut progress, until).timed_out() {
                return is_over(&progress);
            }
        }
        true
    }

    fn end(&self, state: State) {
        let (on_end, buffers) = {
            let mut progress = self.progress.lock();
            progress.state = state.clone();
            (
                progress.on_end.take(),
                std::mem::take(&mut progress.buffers),
            )
        };
        self.changed.notify_all();
        if let Some(on_end) = on_end {
            on_end(&state);
        }
        drop(buffers);
        self.progress.lock().told = true;
        self.changed.notify_all();
    }
}

const THREAD: &str = "pyxrt runs";

/// Whether this is called by what is done at the end of a run.
pub(crate) fn is_device_thread() -> bool {
    std::thread::current().name() == Some(THREAD)
}

/// The runs of one device.
pub(crate) struct Execution {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    queue: RunQueue,
    runs: Mutex<Runs>,
    /// A run was started, or the device was closed.
    changed: Condvar,
}

#[derive(Default)]
struct Runs {
    running: HashMap<Ticket, Arc<Command>>,
    closed: bool,
}

impl Execution {
    pub(crate) fn new(card: &Card) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            queue: card.run_queue(),
            runs: Mutex::default(),
            changed: Condvar::new(),
        });
        let thread = {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new()
                .name(THREAD.to_owned())
                .spawn(move || shared.drive())?
        };
        Ok(Self {
            shared,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Starts a run on whichever of its compute units has the least to do.
    pub(crate) fn start(&self, order: Order) -> Result<Arc<Command>> {
        let mut runs = self.shared.runs.lock();
        let load = |unit| {
            let running = runs.running.values();
            running.filter(|command| command.unit == unit).count()
        };
        let unit = order.units.iter().copied().min_by_key(|&unit| load(unit));
        let unit = unit.unwrap_or_default();
        let ticket = self.shared.queue.start(unit, order.registers.clone())?;
        let command = Arc::new(Command {
            unit,
            registers: order.registers,
            progress: Mutex::new(Progress {
                state: State::Running,
                told: false,
                on_end: Some(order.on_end),
                buffers: order.buffers,
            }),
            changed: Condvar::new(),
        });
        runs.running.insert(ticket, Arc::clone(&command));
        self.shared.changed.notify_one();
        Ok(command)
    }

    /// Ends a run, if it is under way.
    pub(crate) fn abort(&self, command: &Arc<Command>) -> Result<()> {
        let ticket = {
            let runs = self.shared.runs.lock();
            let mut running = runs.running.iter();
            running
                .find(|(_, running)| Arc::ptr_eq(running, command))
                .map(|(&ticket, _)| ticket)
        };
        // Unlocked: the card may work for a while before it lets itself be interrupted.
        if let Some(ticket) = ticket
            && self.shared.queue.abort(ticket)?
            && let Some(command) = self.shared.take(ticket)
        {
            command.end(State::Aborted);
        }
        Ok(())
    }

    /// Ends the thread, and with it all that is under way. Does nothing the second time.
    pub(crate) fn close(&self) {
        self.shared.runs.lock().closed = true;
        self.shared.changed.notify_one();
        let Some(thread) = self.thread.lock().take() else {
            return;
        };
        // The last run's callback may be what lets go of the device.
        if thread.thread().id() == std::thread::current().id() {
            return;
        }
        let mut thread = Some(thread);
        let mut join = || thread.take().map(JoinHandle::join);
        // The thread may be about to call Python.
        let joined = Python::try_attach(|py| py.detach(&mut join));
        if joined.is_none() {
            join();
        }
    }
}

impl Drop for Execution {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn take(&self, ticket: Ticket) -> Option<Arc<Command>> {
        self.runs.lock().running.remove(&ticket)
    }

    fn drive(&self) {
        loop {
            {
                let mut runs = self.runs.lock();
                while runs.running.is_empty() && !runs.closed {
                    self.changed.wait(&mut runs);
                }
                if runs.closed {
                    break;
                }
            }
            match self.queue.wait_any(SLICE, &CancelToken::new()) {
                Ok(ended) => {
                    for (ticket, result) in ended {
                        self.settle(ticket, result);
                    }
                }
                // Another process works on the card; its turn ends in time.
                Err(Error::TurnTimeout { .. } | Error::Cancelled { .. }) => {}
                Err(error) => self.fail_all(&error.to_string()),
            }
        }
        self.fail_all("the device was closed");
    }

    fn settle(&self, ticket: Ticket, result: Result<()>) {
        let Some(command) = self.take(ticket) else {
            return;
        };
        let state = match result {
            Ok(()) => State::Completed,
            // It was queued behind one that was aborted, and is not to blame.
            Err(Error::Aborted { .. }) => {
                let mut runs = self.runs.lock();
                match self.queue.start(command.unit, command.registers.clone()) {
                    Ok(ticket) => {
                        runs.running.insert(ticket, command);
                        return;
                    }
                    Err(error) => State::Failed(error.to_string()),
                }
            }
            Err(error) => State::Failed(error.to_string()),
        };
        command.end(state);
    }

    fn fail_all(&self, reason: &str) {
        let running = std::mem::take(&mut self.runs.lock().running);
        for command in running.into_values() {
            command.end(State::Failed(reason.to_owned()));
        }
    }
}
