//! `pyxrt`: XRT's Python module, on top of `host-runtime`. Programs written for XRT's own use our cards with it; XRT
//! itself need not be installed.
//!
//! Names, values and forms of calls are those of XRT's module, so classes are named as Python sees them. What programs
//! pass is read by `arguments`; `session` is a card that the process has open, `execution` its runs under way, `memory`
//! its buffers; the other modules are one class of Python's each.

mod arguments;
mod bo;
mod device;
mod enums;
mod error;
mod execution;
mod identity;
mod info;
mod ip;
mod kernel;
mod log;
mod memory;
mod run;
mod runlist;
mod session;
mod xclbin;

use pyo3::prelude::*;
use pyo3::types::PyList;

/// XRT's Python module, for the cards of host-runtime.
#[pymodule]
mod pyxrt {
    use super::*;

    #[pymodule_export]
    use super::bo::BufferObject;
    #[pymodule_export]
    use super::device::{Context, Device};
    #[pymodule_export]
    use super::identity::Uuid;
    #[pymodule_export]
    use super::ip::Ip;
    #[pymodule_export]
    use super::kernel::Kernel;
    #[pymodule_export]
    use super::log::log_message;
    #[pymodule_export]
    use super::run::Run;
    #[pymodule_export]
    use super::runlist::RunList;
    #[pymodule_export]
    use super::xclbin::Xclbin;

    /// The number of cards.
    #[pyfunction]
    fn enumerate_devices() -> PyResult<usize> {
        let cards = host_runtime::xrt_cards(None).map_err(error::raised)?;
        Ok(cards.len())
    }

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let py = module.py();
        module.add("XCL_BO_FLAGS_NONE", 0)?;
        enums::add(module)?;
        let class = module.getattr("xclbin")?;
        class.setattr("xclbinkernel", py.get_type::<xclbin::XclbinKernel>())?;
        class.setattr("xclbinip", py.get_type::<xclbin::XclbinIp>())?;
        class.setattr("xclbinarg", py.get_type::<xclbin::XclbinArgument>())?;
        class.setattr("xclbinmem", py.get_type::<xclbin::XclbinMemory>())?;
        // Plain lists do all that XRT's vectors do.
        for name in ["xclbinkernel_vector", "xclbinip_vector", "xclbinmem_vector"] {
            module.add(name, py.get_type::<PyList>())?;
        }
        let close = wrap_pyfunction!(session::close_all, module)?;
        py.import("atexit")?.call_method1("register", (close,))?;
        Ok(())
    }
}
