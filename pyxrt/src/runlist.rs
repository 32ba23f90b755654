//! `runlist`: runs that are executed one after the other, in their order, without the program between them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use parking_lot::{Condvar, Mutex};
use pyo3::prelude::*;

use crate::arguments::Timeout;
use crate::device::Context;
use crate::enums::command_state;
use crate::error::{empty, failed, raised};
use crate::execution::{Command, Order, State, is_device_thread};
use crate::run::{COMPLETED, NEW, Run, RunCore, SLICE, TIMEOUT, deadline, number};
use crate::session::Session;

/// Runs executed as one.
#[pyclass(name = "runlist", module = "pyxrt", frozen)]
pub struct RunList {
    core: Option<Arc<ListCore>>,
}

struct ListCore {
    session: Arc<Session>,
    list: Mutex<List>,
    /// The execution ended.
    ended: Condvar,
}

#[derive(Default)]
struct List {
    runs: Vec<Arc<RunCore>>,
    /// Of the last execution.
    outcome: Option<Outcome>,
    /// What is still to be run, the next one last.
    left: Vec<(Arc<RunCore>, Order)>,
    /// The run that was started last.
    last: Option<Arc<Command>>,
}

/// How an execution stands: what its last run came to, and which that was.
#[derive(Clone)]
struct Outcome {
    state: State,
    run: usize,
}

#[pymethods]
impl RunList {
    /// runlist(hw_context): a list for runs of that context's kernels.
    #[new]
    #[pyo3(signature = (hwctx=None))]
    fn new(hwctx: Option<&Bound<'_, Context>>) -> PyResult<Self> {
        let Some(context) = hwctx else {
            return Ok(Self { core: None });
        };
        let (device, _) = context.get().loaded()?;
        let core = ListCore {
            session: Arc::clone(device.session()?),
            list: Mutex::default(),
            ended: Condvar::new(),
        };
        Ok(Self {
            core: Some(Arc::new(core)),
        })
    }

    /// Adds a run at the end. It can be in one list only, and once.
    fn add(&self, run: &Run) -> PyResult<()> {
        let core = self.core()?;
        let mut list = core.idle("a run is added")?;
        let run = run.core()?;
        if !Arc::ptr_eq(&run.kernel.session, &core.session) {
            return Err(failed(
                "runlist: the run's kernel is on another device than the list's context",
            ));
        }
        if run.listed.swap(true, Ordering::Relaxed) {
            return Err(failed(
                "runlist: the run is in a runlist already; make another run of the kernel",
            ));
        }
        list.runs.push(Arc::clone(run));
        Ok(())
    }

    /// Starts the first run; each of the others is started when the one before it has completed. Arguments are taken as
    /// they are now.
    fn execute(&self, py: Python<'_>) -> PyResult<()> {
        let core = self.core()?;
        py.detach(|| core.execute())
    }

    /// Waits until all runs have completed, or for that many milliseconds; 0 is for ever. ERT_CMD_STATE_TIMEOUT if they
    /// go on. A run that did not complete is an error, and those after it are not started.
    #[pyo3(signature = (timeout=Timeout(None)))]
    fn wait<'py>(&self, py: Python<'py>, timeout: Timeout) -> PyResult<Bound<'py, PyAny>> {
        let core = self.core()?;
        let until = deadline(timeout);
        loop {
            let left = until.map_or(SLICE, |until| {
                until.saturating_duration_since(Instant::now())
            });
            let outcome = py.detach(|| core.wait(Instant::now() + left.min(SLICE)));
            let wrong = |run: usize, reason: String| {
                Err(failed(format!(
                    "runlist: run {run} {reason}; those after it were not started"
                )))
            };
            match outcome {
                None => return command_state(py, COMPLETED),
                Some(Outcome { state, run }) => match state {
                    State::Completed => return command_state(py, COMPLETED),
                    State::Failed(reason) => return wrong(run, format!("failed: {reason}")),
                    State::Aborted => return wrong(run, "was aborted".to_owned()),
                    State::Running if is_device_thread() => {
                        return Err(failed(
                            "runlist: a run's callback cannot wait for the runs that come after it",
                        ));
                    }
                    State::Running => {}
                },
            }
            py.check_signals()?;
            if left.is_zero() {
                return command_state(py, TIMEOUT);
            }
        }
    }

    /// How the last execution stands, without waiting.
    fn state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let outcome = self.core()?.list.lock().outcome.clone();
        command_state(py, outcome.map_or(NEW, |outcome| number(&outcome.state)))
    }

    /// Takes all runs out of the list.
    fn reset(&self) -> PyResult<()> {
        let mut list = self.core()?.idle("the list is reset")?;
        list.release();
        list.outcome = None;
        Ok(())
    }
}

impl RunList {
    fn core(&self) -> PyResult<&Arc<ListCore>> {
        self.core.as_ref().ok_or_else(|| empty("runlist"))
    }
}

impl ListCore {
    fn execute(self: &Arc<Self>) -> PyResult<()> {
        let mut list = self.idle("it is executed again")?;
        if list.runs.iter().any(|run| run.is_under_way()) {
            return Err(failed(
                "runlist: one of its runs was started on its own and has not ended: wait for it first",
            ));
        }
        self.session.execution()?;
        let mut left = Vec::new();
        for (index, run) in list.runs.iter().enumerate().rev() {
            let list = Arc::clone(self);
            let order = run.order(move |state| list.go_on(index, state))?;
            left.push((Arc::clone(run), order));
        }
        list.left = left;
        list.outcome = Some(Outcome {
            state: State::Running,
            run: 0,
        });
        self.start_next(&mut list, 0).map_err(|error| {
            list.end(State::Failed(error.to_string()), 0);
            raised(error)
        })
    }

    /// A run has ended: starts the next, or ends the execution.
    fn go_on(&self, index: usize, state: &State) {
        let mut list = self.list.lock();
        let next = index + 1;
        let started = match state {
            State::Completed => self.start_next(&mut list, next),
            other => {
                list.end(other.clone(), index);
                Ok(())
            }
        };
        if let Err(error) = started {
            list.end(State::Failed(error.to_string()), next);
        }
        self.ended.notify_all();
    }

    fn start_next(&self, list: &mut List, index: usize) -> host_runtime::Result<()> {
        match list.left.pop() {
            None => list.end(State::Completed, index),
            Some((run, order)) => {
                let command = self.session.runs().start(order)?;
                list.last = Some(Arc::clone(&command));
                run.adopt(command);
            }
        }
        Ok(())
    }

    /// Waits for the end of the execution, but no longer than that. The last run's callbacks are done then, and nothing
    /// of it is held for them any more, unless this is called by one of them.
    fn wait(&self, until: Instant) -> Option<Outcome> {
        let (outcome, last) = {
            let mut list = self.list.lock();
            while list.is_running() && !is_device_thread() {
                if self.ended.wait_until(&mut list, until).timed_out() {
                    break;
                }
            }
            (list.outcome.clone(), list.last.clone())
        };
        let settled = last.is_none_or(|last| {
            let left = until.saturating_duration_since(Instant::now());
            last.wait(left)
        });
        outcome.map(|outcome| match settled {
            true => outcome,
            false => Outcome {
                state: State::Running,
                ..outcome
            },
        })
    }

    /// The list, which must not be under way.
    fn idle(&self, wish: &str) -> PyResult<parking_lot::MutexGuard<'_, List>> {
        let list = self.list.lock();
        if list.is_running() {
            return Err(failed(format!(
                "runlist: it is being executed; wait for its end before {wish}"
            )));
        }
        Ok(list)
    }
}

impl List {
    fn is_running(&self) -> bool {
        { self.outcome.as_ref() }.is_some_and(|outcome| matches!(outcome.state, State::Running))
    }

    fn end(&mut self, state: State, run: usize) {
        self.left.clear();
        self.outcome = Some(Outcome { state, run });
    }

    fn release(&mut self) {
        for run in self.runs.drain(..) {
            run.listed.store(false, Ordering::Relaxed);
        }
    }
}

impl Drop for List {
    fn drop(&mut self) {
        self.release();
    }
}
