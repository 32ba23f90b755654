//! XRT's enumerations, with its numbers. They are Python's own `IntEnum`, so that they compare with integers and have
//! `name` and `value`; they print as XRT's module prints them, `ert_cmd_state.ERT_CMD_STATE_COMPLETED`.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyType};

/// `enum ert_cmd_state` of XRT's `ert.h`.
pub(crate) const COMMAND_STATES: [(&str, i64); 11] = [
    ("ERT_CMD_STATE_NEW", 1),
    ("ERT_CMD_STATE_QUEUED", 2),
    ("ERT_CMD_STATE_RUNNING", 3),
    ("ERT_CMD_STATE_COMPLETED", 4),
    ("ERT_CMD_STATE_ERROR", 5),
    ("ERT_CMD_STATE_ABORT", 6),
    ("ERT_CMD_STATE_SUBMITTED", 7),
    ("ERT_CMD_STATE_TIMEOUT", 8),
    ("ERT_CMD_STATE_NORESPONSE", 9),
    ("ERT_CMD_STATE_SKERROR", 10),
    ("ERT_CMD_STATE_SKCRASHED", 11),
];

/// `enum xclBOSyncDirection` of `xrt.h`.
const SYNC_DIRECTIONS: [(&str, i64); 4] = [
    ("XCL_BO_SYNC_BO_TO_DEVICE", 0),
    ("XCL_BO_SYNC_BO_FROM_DEVICE", 1),
    ("XCL_BO_SYNC_BO_GMIO_TO_AIE", 2),
    ("XCL_BO_SYNC_BO_AIE_TO_GMIO", 3),
];

/// `xrt::info::device` of `xrt_device.h`.
const DEVICE_INFO: [(&str, i64); 17] = [
    ("bdf", 0),
    ("interface_uuid", 1),
    ("kdma", 2),
    ("max_clock_frequency_mhz", 3),
    ("m2m", 4),
    ("name", 5),
    ("nodma", 6),
    ("offline", 7),
    ("electrical", 8),
    ("thermal", 9),
    ("mechanical", 10),
    ("memory", 11),
    ("platform", 12),
    ("pcie_info", 13),
    ("host", 14),
    ("dynamic_regions", 17),
    ("vmr", 18),
];

/// `xrtLogMsgLevel` of `xrt.h`.
const MESSAGE_LEVELS: [(&str, i64); 8] = [
    ("emergency", 0),
    ("alert", 1),
    ("critical", 2),
    ("error", 3),
    ("warning", 4),
    ("notice", 5),
    ("info", 6),
    ("debug", 7),
];

/// `xrt::bo::flags`: bits of `xrt_mem.h`.
const BUFFER_FLAGS: [(&str, i64); 6] = [
    ("normal", 0),
    ("cacheable", 1 << 24),
    ("svm", 1 << 27),
    ("device_only", 1 << 28),
    ("host_only", 1 << 29),
    ("p2p", 1 << 30),
];

/// `xrt::kernel::cu_access_mode`.
const UNIT_ACCESS: [(&str, i64); 3] = [("exclusive", 0), ("shared", 1), ("none", 2)];

/// `xrt::hw_context::access_mode`.
const CONTEXT_ACCESS: [(&str, i64); 2] = [("exclusive", 0), ("shared", 1)];

/// The name that programs in the field use for `xclBOSyncDirection`.
const DIRECTIONS: [(&str, i64); 2] = [("to_device", 0), ("from_device", 1)];

/// What XRT's enumerator of a run's state is called, once per process.
static STATE_CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// The enumerator of a run's state.
pub(crate) fn command_state(py: Python<'_>, number: i64) -> PyResult<Bound<'_, PyAny>> {
    let class = STATE_CLASS.get_or_try_init(py, || {
        enumeration(
            py,
            "ert_cmd_state",
            "ert_cmd_state",
            "Kernel execution status",
            &COMMAND_STATES,
        )
        .map(Bound::unbind)
    })?;
    class.bind(py).call1((number,))
}

/// Adds the module's enumerations, and those of classes.
pub(crate) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    command_state(py, COMMAND_STATES[0].1)?;
    let states = STATE_CLASS.get(py).expect("made just now").bind(py);
    module.add("ert_cmd_state", states)?;
    export(module, states, &COMMAND_STATES)?;
    for (name, doc, members) in [
        (
            "xclBOSyncDirection",
            "DMA flags used with DMA API",
            &SYNC_DIRECTIONS[..],
        ),
        (
            "xrt_info_device",
            "Device feature and sensor information",
            &DEVICE_INFO[..],
        ),
        ("xrt_msg_level", "XRT log msgs level", &MESSAGE_LEVELS[..]),
    ] {
        let class = enumeration(py, name, name, doc, members)?;
        if name != "xrt_info_device" {
            export(module, &class, members)?;
        }
        module.add(name, class)?;
    }
    for (class, name, doc, members, exported) in [
        (
            "bo",
            "flags",
            "Buffer object creation flags",
            &BUFFER_FLAGS[..],
            true,
        ),
        (
            "bo",
            "direction",
            "Direction of a sync, by short names",
            &DIRECTIONS[..],
            false,
        ),
        (
            "kernel",
            "cu_access_mode",
            "Compute unit access mode",
            &UNIT_ACCESS[..],
            true,
        ),
        (
            "hw_context",
            "access_mode",
            "Hardware context access mode",
            &CONTEXT_ACCESS[..],
            true,
        ),
    ] {
        let class = module.getattr(class)?.cast_into::<PyType>()?;
        let qualified = format!("{}.{name}", class.name()?);
        let members_class = enumeration(py, name, &qualified, doc, members)?;
        if exported {
            export(&class, &members_class, members)?;
        }
        class.setattr(name, members_class)?;
    }
    Ok(())
}

/// Makes the members attributes of where the enumeration is, as `export_values` of pybind11 does.
fn export(
    target: &Bound<'_, PyAny>,
    class: &Bound<'_, PyAny>,
    members: &[(&str, i64)],
) -> PyResult<()> {
    for (name, _) in members {
        let member = class.getattr(*name)?;
        match target.cast::<PyModule>() {
            // Named in `__all__`, too: a wheel's package takes over just that.
            Ok(module) => module.add(*name, member)?,
            Err(_) => target.setattr(*name, member)?,
        }
    }
    Ok(())
}

fn enumeration<'py>(
    py: Python<'py>,
    name: &str,
    qualified: &str,
    doc: &str,
    members: &[(&str, i64)],
) -> PyResult<Bound<'py, PyAny>> {
    let module = py.import("enum")?;
    let keywords = PyDict::new(py);
    keywords.set_item("module", "pyxrt")?;
    keywords.set_item("qualname", qualified)?;
    let class = module
        .getattr("IntEnum")?
        .call((name, members.to_vec()), Some(&keywords))?;
    class.setattr("__doc__", doc)?;
    // An IntEnum would print its number.
    let plain = module.getattr("Enum")?;
    class.setattr("__str__", plain.getattr("__str__")?)?;
    Ok(class)
}
