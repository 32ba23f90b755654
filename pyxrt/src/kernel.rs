//! `kernel`: the compute units of a name, and what their arguments are.

use std::sync::Arc;

use host_runtime::bitstreams::{AddressQualifier, Argument, ControlProtocol};
use host_runtime::{Access, Error, Image};
use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::arguments::{Call, Identity, Size, shown};
use crate::device::{Context, session_of};
use crate::error::{failed, raised, wrong_type};
use crate::run::Run;
use crate::session::{Session, UnitsInUse};

/// `cu_access_mode`.
const EXCLUSIVE: u8 = 0;
/// The default.
const SHARED: u8 = 1;
const NONE: u8 = 2;

/// The compute units of a kernel. Calling it starts a run with these arguments: buffer objects and numbers.
#[pyclass(name = "kernel", module = "pyxrt", frozen)]
pub struct Kernel {
    pub(crate) core: Arc<KernelCore>,
}

/// What a kernel and its runs share.
pub(crate) struct KernelCore {
    pub(crate) session: Arc<Session>,
    pub(crate) image: Arc<Image>,
    generation: u64,
    name: String,
    /// Indices of its compute units in the image; at least one.
    pub(crate) units: Vec<usize>,
    /// None if it was opened without access to them.
    in_use: Option<UnitsInUse>,
}

#[pymethods]
impl Kernel {
    /// kernel(device, xclbin, name), kernel(device, xclbin, name, mode): the xclbin is given by its uuid, as an object
    /// or by the uuid's text, and must be loaded. kernel(hw_context, name). The name may say which compute units:
    /// "kernel:instance" or "kernel:{instance,instance}".
    #[new]
    #[pyo3(signature = (*args, **kwargs))]
    fn new(args: &Bound<'_, PyTuple>, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let mut call = Call::new("kernel", args, kwargs);
        let owner = call.required(&["device", "hw_context", "ctx", "hwctx"])?;
        let session = session_of("kernel", &owner)?;
        let (image, mode) = if let Ok(context) = owner.cast::<Context>() {
            let (_, image) = context.get().loaded()?;
            (session.image(image.uuid())?, context.get().mode)
        } else {
            let identity = call.required(&["uuid", "xclbin", "xclbin_id"])?;
            (session.image(identity.extract::<Identity>()?.0)?, SHARED)
        };
        let name = call.required(&["name"])?;
        let name = name.extract::<String>().map_err(|_| {
            wrong_type(format!(
                "kernel: the name must be a text, not {}",
                shown(&name)
            ))
        })?;
        let mode = match call.optional(&["mode"])? {
            Some(given) => access_mode("kernel", Some(&given))?,
            None => mode,
        };
        call.finish()?;
        let units = units_named(&session, &image, &name)?;
        let access = match mode {
            EXCLUSIVE => Some(Access::Exclusive),
            SHARED => Some(Access::Shared),
            _ => None,
        };
        let core = Arc::new(KernelCore {
            generation: session.card().generation(),
            in_use: access
                .map(|access| session.use_units(&units, access))
                .transpose()?,
            units,
            session,
            image,
            name,
        });
        Ok(Self { core })
    }

    /// Starts a run with these arguments. Those that are left out are 0.
    #[pyo3(signature = (*args))]
    fn __call__(&self, py: Python<'_>, args: &Bound<'_, PyTuple>) -> PyResult<Run> {
        let run = Run::of(&self.core);
        for (index, argument) in args.iter().enumerate() {
            run.set(py, index, &argument)?;
        }
        run.start(py)?;
        Ok(run)
    }

    /// The memory bank for a buffer that is to be this argument: what `bo` takes as its group.
    fn group_id(&self, argno: Size) -> PyResult<usize> {
        let core = &self.core;
        let argument = core.argument(argno.0)?;
        let banks = core.banks(core.units[0], argno.0);
        banks
            .first()
            .copied()
            .ok_or_else(|| core.wrong(&argument.name, "takes no buffer, so it has no memory group"))
    }

    /// The name that it was asked for by.
    fn get_name(&self) -> &str {
        &self.core.name
    }

    fn __repr__(&self) -> String {
        let units = self.core.units.iter();
        let units: Vec<_> = units
            .map(|&unit| self.core.image.units()[unit].name.as_str())
            .collect();
        format!("<pyxrt.kernel {}>", units.join(", "))
    }
}

impl KernelCore {
    /// Argument of that position.
    pub(crate) fn argument(&self, index: usize) -> PyResult<&Argument> {
        self.image.argument(self.units[0], index).ok_or_else(|| {
            PyIndexError::new_err(format!(
                "{}: there is no argument {index}; it has {}",
                self.name,
                self.arguments().filter(|a| a.id.is_some()).count()
            ))
        })
    }

    /// Position of the argument of that name.
    pub(crate) fn position(&self, name: &str) -> PyResult<usize> {
        let named = self.arguments().find(|argument| argument.name == name);
        named
            .and_then(|argument| argument.id)
            .map(|id| id as usize)
            .ok_or_else(|| {
                let names: Vec<_> = self.arguments().map(|a| a.name.as_str()).collect();
                failed(format!(
                    "{}: there is no argument {name:?}; it has {}",
                    self.name,
                    names.join(", ")
                ))
            })
    }

    /// All arguments that have registers.
    pub(crate) fn registers(&self) -> impl Iterator<Item = &Argument> {
        self.arguments().filter(|argument| {
            matches!(
                argument.qualifier,
                AddressQualifier::Scalar | AddressQualifier::Global | AddressQualifier::Constant
            )
        })
    }

    fn arguments(&self) -> impl Iterator<Item = &Argument> {
        let kernel = self.image.units()[self.units[0]].kernel;
        self.image.kernels()[kernel].arguments.iter()
    }

    /// Banks that an argument of a compute unit is connected to.
    pub(crate) fn banks(&self, unit: usize, index: usize) -> &[usize] {
        let banks = self.image.units()[unit].banks.get(index);
        banks.map_or(&[], Vec::as_slice)
    }

    /// Refuses a kernel that cannot be started, or whose image is gone.
    pub(crate) fn check_startable(&self) -> PyResult<()> {
        let card = self.session.card();
        if card.generation() != self.generation {
            return Err(raised(Error::Stale {
                card: card.id(),
                what: "kernel",
            }));
        }
        if self.in_use.is_none() {
            return Err(failed(format!(
                "{} cannot be started: it was opened with the access mode none; open it shared or exclusive",
                self.name
            )));
        }
        if self.image.control(self.units[0]) == ControlProtocol::ApCtrlNone {
            return Err(failed(format!(
                "{} cannot be started: it is ap_ctrl_none and runs from the reset on; use its registers (pyxrt.ip)",
                self.name
            )));
        }
        Ok(())
    }

    /// An error about an argument.
    pub(crate) fn wrong(&self, argument: &str, reason: &str) -> PyErr {
        failed(format!("{}: argument {argument} {reason}", self.name))
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

/// Indices of the compute units that a name means.
fn units_named(session: &Session, image: &Image, name: &str) -> PyResult<Vec<usize>> {
    let (kernel, instances) = match name.split_once(':') {
        None => (name, None),
        Some((kernel, instances)) => {
            let braced = instances
                .strip_prefix('{')
                .and_then(|rest| rest.strip_suffix('}'));
            let instances = braced.unwrap_or(instances).split(',').map(str::trim);
            (kernel, Some(instances.collect::<Vec<_>>()))
        }
    };
    let find = |instance: Option<&str>| {
        let full = instance.map(|instance| format!("{kernel}:{instance}"));
        let units = image.units().iter().enumerate();
        let units: Vec<usize> = units
            .filter(|(_, unit)| match &full {
                Some(full) => unit.name == *full,
                None => image.kernels()[unit.kernel].name == kernel,
            })
            .map(|(index, _)| index)
            .collect();
        if units.is_empty() {
            return Err(raised(Error::KernelMissing {
                card: session.card().id(),
                kernel: full.unwrap_or_else(|| kernel.to_owned()),
                available: unit_names(image),
            }));
        }
        Ok(units)
    };
    match instances {
        None => find(None),
        Some(instances) => {
            let units = instances.into_iter().map(|instance| find(Some(instance)));
            Ok(units.collect::<PyResult<Vec<_>>>()?.concat())
        }
    }
}

fn unit_names(image: &Image) -> String {
    let names: Vec<_> = image
        .units()
        .iter()
        .map(|unit| unit.name.as_str())
        .collect();
    if names.is_empty() {
        "none at all".to_owned()
    } else {
        names.join(", ")
    }
}

/// An access mode's number; without one, that of shared use.
pub(crate) fn access_mode(function: &str, mode: Option<&Bound<'_, PyAny>>) -> PyResult<u8> {
    let Some(mode) = mode else {
        return Ok(SHARED);
    };
    match mode.extract::<u8>() {
        Ok(number) if number <= NONE => Ok(number),
        _ => Err(wrong_type(format!(
            "{function}: the mode must be an access mode (exclusive, shared, none), not {}",
            shown(mode)
        ))),
    }
}
