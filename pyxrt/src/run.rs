//! `run`: one execution of a kernel after the other, with the same arguments.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use host_runtime::bitstreams::Argument;
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::{PyFloat, PyString};

use crate::arguments::{Size, Timeout, shown};
use crate::bo::BufferObject;
use crate::enums::command_state;
use crate::error::{empty, failed, raised, wrong_type};
use crate::execution::{Command, Order, State};
use crate::kernel::{Kernel, KernelCore};
use crate::log;
use crate::memory::Buffer;

/// Longest that a wait does not look for signals: Ctrl-C ends a program within that time.
pub(crate) const SLICE: Duration = Duration::from_millis(50);

pub(crate) const NEW: i64 = 1;
const RUNNING: i64 = 3;
pub(crate) const COMPLETED: i64 = 4;
const ERROR: i64 = 5;
const ABORT: i64 = 6;
pub(crate) const TIMEOUT: i64 = 8;

/// A run of a kernel: arguments, start, wait. It may be started again when it has ended.
#[pyclass(name = "run", module = "pyxrt", frozen, from_py_object)]
#[derive(Clone)]
pub struct Run {
    core: Option<Arc<RunCore>>,
}

pub(crate) struct RunCore {
    pub(crate) kernel: Arc<KernelCore>,
    /// By position.
    arguments: Mutex<Vec<Option<Value>>>,
    command: Mutex<Option<Arc<Command>>>,
    callbacks: Mutex<Vec<Callback>>,
    /// It is in a runlist.
    pub(crate) listed: AtomicBool,
}

/// An argument that was set.
#[derive(Clone)]
struct Value {
    /// Byte offsets and values of its registers.
    words: Vec<(u32, u32)>,
    buffer: Option<Arc<Buffer>>,
}

/// Called with the run, its state and the program's data.
struct Callback {
    function: Py<PyAny>,
    data: Py<PyAny>,
}

#[pymethods]
impl Run {
    #[new]
    #[pyo3(signature = (kernel=None))]
    fn new(kernel: Option<&Bound<'_, Kernel>>) -> Self {
        match kernel {
            Some(kernel) => Self::of(&kernel.get().core),
            None => Self { core: None },
        }
    }

    /// Starts the run. Arguments that were never set are 0.
    pub(crate) fn start(&self, py: Python<'_>) -> PyResult<()> {
        let core = self.core()?;
        py.detach(|| core.start())
    }

    /// Sets an argument, by its position or its name, to a buffer object or a number.
    fn set_arg(
        &self,
        py: Python<'_>,
        index: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let index = match index.cast::<PyString>() {
            Ok(name) => self.core()?.kernel.position(&name.to_string())?,
            Err(_) => index.extract::<Size>()?.0,
        };
        self.set(py, index, value)
    }

    /// Waits for the end, or for that many milliseconds; 0 is for ever. The state then: ERT_CMD_STATE_TIMEOUT if the run
    /// goes on.
    #[pyo3(signature = (timeout_ms=Timeout(None)))]
    fn wait<'py>(&self, py: Python<'py>, timeout_ms: Timeout) -> PyResult<Bound<'py, PyAny>> {
        let state = self.wait_until(py, deadline(timeout_ms))?;
        if let Some(State::Failed(reason)) = &state {
            log::log(
                py,
                log::ERROR,
                &format!("a run of {} failed: {reason}", self.core()?.kernel.name()),
            )?;
        }
        command_state(py, state.as_ref().map_or(TIMEOUT, number))
    }

    /// As `wait`, but a run that did not complete is an error, which says why.
    #[pyo3(signature = (timeout=Timeout(None)))]
    fn wait2<'py>(&self, py: Python<'py>, timeout: Timeout) -> PyResult<Bound<'py, PyAny>> {
        let name = self.core()?.kernel.name();
        match self.wait_until(py, deadline(timeout))? {
            None => command_state(py, TIMEOUT),
            Some(State::Failed(reason)) => Err(failed(format!("a run of {name} failed: {reason}"))),
            Some(State::Aborted) => Err(failed(format!("the run of {name} was aborted"))),
            Some(state) => command_state(py, number(&state)),
        }
    }

    /// How it stands, without waiting.
    fn state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let command = self.core()?.command.lock().clone();
        command_state(py, command.map_or(NEW, |command| number(&command.state())))
    }

    /// Ends the run; its compute unit is reset.
    fn abort<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let core = self.core()?;
        let command = core.command.lock().clone();
        if let Some(command) = command {
            let execution = core.kernel.session.execution()?;
            py.detach(|| execution.abort(&command)).map_err(raised)?;
        }
        self.state(py)
    }

    /// Has `callback(run, state, data)` called when a run ends, on another thread. The state to ask for is
    /// ERT_CMD_STATE_COMPLETED; what it is called with is how the run ended.
    #[pyo3(signature = (state, callback, data=None))]
    fn add_callback(
        &self,
        state: i64,
        callback: Py<PyAny>,
        data: Option<Py<PyAny>>,
        py: Python<'_>,
    ) -> PyResult<()> {
        if state != COMPLETED {
            return Err(failed(
                "add_callback: the state must be ERT_CMD_STATE_COMPLETED; the callback is told how the run ended",
            ));
        }
        let callback = Callback {
            function: callback,
            data: data.unwrap_or_else(|| py.None()),
        };
        self.core()?.callbacks.lock().push(callback);
        Ok(())
    }
}

impl Run {
    pub(crate) fn of(kernel: &Arc<KernelCore>) -> Self {
        Self {
            core: Some(Arc::new(RunCore {
                kernel: Arc::clone(kernel),
                arguments: Mutex::default(),
                command: Mutex::default(),
                callbacks: Mutex::default(),
                listed: AtomicBool::new(false),
            })),
        }
    }

    pub(crate) fn core(&self) -> PyResult<&Arc<RunCore>> {
        self.core.as_ref().ok_or_else(|| empty("run"))
    }

    /// Sets the argument of that position.
    pub(crate) fn set(
        &self,
        py: Python<'_>,
        index: usize,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let core = self.core()?;
        let argument = core.kernel.argument(index)?;
        let value = if let Ok(buffer) = value.cast::<BufferObject>() {
            Some(core.buffer(py, index, argument, buffer.get())?)
        } else if value.is_none() {
            None
        } else {
            Some(core.number(argument, value)?)
        };
        let mut arguments = core.arguments.lock();
        if arguments.len() <= index {
            arguments.resize(index + 1, None);
        }
        arguments[index] = value;
        Ok(())
    }

    /// Waits for the end; `None` when time is up.
    pub(crate) fn wait_until(
        &self,
        py: Python<'_>,
        until: Option<Instant>,
    ) -> PyResult<Option<State>> {
        let command = self.core()?.command.lock().clone();
        let command =
            command.ok_or_else(|| failed("the run was not started: call start() first"))?;
        loop {
            let left = until.map_or(SLICE, |until| {
                until.saturating_duration_since(Instant::now())
            });
            if py.detach(|| command.wait(left.min(SLICE))) {
                return Ok(Some(command.state()));
            }
            py.check_signals()?;
            if left.is_zero() {
                return Ok(None);
            }
        }
    }
}

impl RunCore {
    fn start(self: &Arc<Self>) -> PyResult<()> {
        let order = self.order(|_| {})?;
        let execution = self.kernel.session.execution()?;
        let mut command = self.command.lock();
        if is_under_way(&command) {
            return Err(failed(
                "the run is going on already: wait for it, or abort it, before it is started again",
            ));
        }
        *command = Some(execution.start(order).map_err(raised)?);
        Ok(())
    }

    /// What is to be run with the arguments as they are now. `then` is called when it has ended, before the callbacks.
    pub(crate) fn order(
        self: &Arc<Self>,
        then: impl FnOnce(&State) + Send + 'static,
    ) -> PyResult<Order> {
        self.kernel.check_startable()?;
        let set = self.arguments.lock().clone();
        let units = self.units_for(&set)?;
        let mut registers = Vec::new();
        for argument in self.kernel.registers() {
            let set = argument.id.and_then(|id| set.get(id as usize)?.as_ref());
            match set {
                Some(value) => registers.extend(&value.words),
                None => registers.extend(words(argument, 0)?),
            }
        }
        let core = Arc::clone(self);
        Ok(Order {
            units,
            registers,
            buffers: set
                .into_iter()
                .flatten()
                .filter_map(|value| value.buffer)
                .collect(),
            on_end: Box::new(move |state| {
                then(state);
                core.call_back(state);
            }),
        })
    }

    /// Takes over what was started for it by another than itself.
    pub(crate) fn adopt(&self, command: Arc<Command>) {
        *self.command.lock() = Some(command);
    }

    /// Whether it was started and has not ended.
    pub(crate) fn is_under_way(&self) -> bool {
        is_under_way(&self.command.lock())
    }

    /// The compute units that reach all buffers.
    fn units_for(&self, set: &[Option<Value>]) -> PyResult<Vec<usize>> {
        let reaches = |unit: usize| {
            set.iter().enumerate().all(|(index, value)| {
                let buffer = value.as_ref().and_then(|value| value.buffer.as_ref());
                buffer.is_none_or(|buffer| self.kernel.banks(unit, index).contains(&buffer.bank()))
            })
        };
        let units: Vec<_> = { self.kernel.units.iter().copied() }
            .filter(|&unit| reaches(unit))
            .collect();
        if units.is_empty() {
            return Err(failed(format!(
                "{}: no compute unit is connected to the banks of all buffers; name one as \"kernel:instance\" and allocate with its group_id()",
                self.kernel.name()
            )));
        }
        Ok(units)
    }

    fn buffer(
        &self,
        py: Python<'_>,
        index: usize,
        argument: &Argument,
        object: &BufferObject,
    ) -> PyResult<Value> {
        let kernel = &self.kernel;
        if !argument.is_pointer() {
            return Err(kernel.wrong(&argument.name, "takes a number, not a buffer"));
        }
        let connected = |unit: &usize| kernel.banks(*unit, index).contains(&object.buffer.bank());
        if kernel.units.iter().any(connected) {
            return Ok(Value {
                words: words(argument, object.address())?,
                buffer: Some(Arc::clone(&object.buffer)),
            });
        }
        // As XRT does: the kernel gets the content, and what it writes is lost.
        let Some(&bank) = kernel.banks(kernel.units[0], index).first() else {
            return Err(kernel.wrong(&argument.name, "is connected to no memory bank"));
        };
        let name = |bank: usize| &kernel.image.banks()[bank].name;
        log::log(
            py,
            log::WARNING,
            &format!(
                "{}: argument {} is connected to {}, and the buffer is in {}: the kernel gets a copy of it as it is now, and what it writes there is lost; allocate the buffer with group_id({index})",
                kernel.name(),
                argument.name,
                name(bank),
                name(object.buffer.bank()),
            ),
        )?;
        let card = kernel.session.card();
        let copy = py.detach(|| object.buffer.copied_to(card, bank))?;
        Ok(Value {
            words: words(argument, copy.address() + object.offset as u64)?,
            buffer: Some(Arc::new(copy)),
        })
    }

    fn number(&self, argument: &Argument, value: &Bound<'_, PyAny>) -> PyResult<Value> {
        let kernel = &self.kernel;
        if argument.is_pointer() {
            return Err(wrong_type(format!(
                "{}: argument {} takes a buffer (pyxrt.bo), not {}",
                kernel.name(),
                argument.name,
                shown(value)
            )));
        }
        let bits = argument.size.min(8) * 8;
        let number = if value.is_instance_of::<PyFloat>() {
            let real: f64 = value.extract()?;
            match argument.type_name.as_str() {
                "float" => i128::from((real as f32).to_bits()),
                "double" => i128::from(real.to_bits()),
                other => {
                    return Err(wrong_type(format!(
                        "{}: argument {} is of type {other:?} and takes no {}",
                        kernel.name(),
                        argument.name,
                        shown(value)
                    )));
                }
            }
        } else {
            value.extract::<i128>().map_err(|_| {
                wrong_type(format!(
                    "{}: argument {} takes a number, not {}",
                    kernel.name(),
                    argument.name,
                    shown(value)
                ))
            })?
        };
        if bits == 0 || !(-(1i128 << (bits - 1))..1i128 << bits).contains(&number) {
            let reason = format!("has {} bytes; {number} does not fit", argument.size);
            return Err(kernel.wrong(&argument.name, &reason));
        }
        // Negative numbers keep their bits.
        Ok(Value {
            words: words(argument, number as u64)?,
            buffer: None,
        })
    }

    fn call_back(self: &Arc<Self>, state: &State) {
        if self.callbacks.lock().is_empty() {
            return;
        }
        // Without Python there is nobody to call.
        Python::try_attach(|py| {
            let copy = |callback: &Callback| {
                (callback.function.clone_ref(py), callback.data.clone_ref(py))
            };
            // Unlocked while they are called: a callback may add one.
            let callbacks: Vec<_> = self.callbacks.lock().iter().map(copy).collect();
            for (function, data) in callbacks {
                let run = Run {
                    core: Some(Arc::clone(self)),
                };
                let called = command_state(py, number(state))
                    .and_then(|state| function.call1(py, (run, state, data)));
                if let Err(error) = called {
                    error.write_unraisable(py, Some(function.bind(py)));
                }
            }
        });
    }
}

/// Registers of an argument, with a value of at most 64 bits.
fn words(argument: &Argument, value: u64) -> PyResult<Vec<(u32, u32)>> {
    let count = argument.size.div_ceil(4);
    (0..count)
        .map(|word| {
            let offset = u32::try_from(argument.offset + 4 * word).map_err(|_| {
                failed(format!(
                    "argument {} has a register outside the kernel's window",
                    argument.name
                ))
            })?;
            let shifted = value.checked_shr(32 * word as u32).unwrap_or(0);
            Ok((offset, shifted as u32))
        })
        .collect()
}

fn is_under_way(command: &Option<Arc<Command>>) -> bool {
    { command.as_ref() }.is_some_and(|command| matches!(command.state(), State::Running))
}

/// XRT's number of a state.
pub(crate) fn number(state: &State) -> i64 {
    match state {
        State::Running => RUNNING,
        State::Completed => COMPLETED,
        State::Aborted => ABORT,
        State::Failed(_) => ERROR,
    }
}

pub(crate) fn deadline(timeout: Timeout) -> Option<Instant> {
    // A time beyond all clocks is for ever.
    timeout.0.and_then(|time| Instant::now().checked_add(time))
}
