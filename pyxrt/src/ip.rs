//! `ip`: the registers of a compute unit, for kernels that a program controls itself.

use host_runtime::{Access, Kernel};
use pyo3::prelude::*;

use crate::arguments::Identity;
use crate::device::session_of;
use crate::error::{failed, raised};
use crate::session::UnitsInUse;

/// A compute unit's registers.
#[pyclass(name = "ip", module = "pyxrt", frozen)]
pub struct Ip {
    kernel: Kernel,
    /// Keeps the card open, too.
    _in_use: UnitsInUse,
}

#[pymethods]
impl Ip {
    /// ip(device, xclbin, name): the compute unit "kernel:instance", or that of a kernel that has only one.
    #[new]
    #[pyo3(signature = (device, uuid, name))]
    fn new(device: &Bound<'_, PyAny>, uuid: Identity, name: &str) -> PyResult<Self> {
        let session = session_of("ip", device)?;
        let image = session.image(uuid.0)?;
        let name = name.replace(['{', '}'], "");
        let kernel = session.card().kernel(&name).map_err(raised)?;
        let units: Vec<_> = kernel.units().collect();
        if units.len() > 1 {
            return Err(failed(format!(
                "ip: {name} has several compute units, and registers are of one: name {}",
                units.join(" or ")
            )));
        }
        let unit = image.units().iter().position(|unit| unit.name == units[0]);
        // Shared, so that a program may look at the registers of a kernel that it runs.
        let in_use =
            session.use_units(&{ unit.into_iter() }.collect::<Vec<_>>(), Access::Shared)?;
        Ok(Self {
            kernel,
            _in_use: in_use,
        })
    }

    /// Reads the register at a byte offset.
    fn read_register(&self, py: Python<'_>, offset: u32) -> PyResult<u32> {
        py.detach(|| self.kernel.read_register(offset))
            .map_err(raised)
    }

    /// Writes the register at a byte offset.
    fn write_register(&self, py: Python<'_>, offset: u32, data: u32) -> PyResult<()> {
        py.detach(|| self.kernel.write_register(offset, data))
            .map_err(raised)
    }
}
