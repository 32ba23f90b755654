//! Messages go where the program's own go: to Python's `logging`, by the name `pyxrt`.

use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Levels of Python's `logging`.
pub(crate) const ERROR: i64 = 40;
pub(crate) const WARNING: i64 = 30;

/// Logs a message.
pub(crate) fn log(py: Python<'_>, level: i64, text: &str) -> PyResult<()> {
    let logger = py
        .import("logging")?
        .call_method1("getLogger", ("pyxrt",))?;
    // As an argument: the text may hold a percent sign.
    logger.call_method1("log", (level, "%s", text))?;
    Ok(())
}

/// Dispatches a message of the program: `level` is of xrt_msg_level.
#[pyfunction]
pub(crate) fn log_message(
    py: Python<'_>,
    level: i64,
    tag: &Bound<'_, PyAny>,
    message: &Bound<'_, PyAny>,
) -> PyResult<()> {
    let level = match level {
        ..=2 => 50,
        3 => ERROR,
        4 => WARNING,
        5 | 6 => 20,
        _ => 10,
    };
    log(py, level, &format!("[{}] {}", text(tag)?, text(message)?))
}

/// A text, or bytes that are one: XRT takes both.
fn text(object: &Bound<'_, PyAny>) -> PyResult<String> {
    match object.cast::<PyBytes>() {
        Ok(bytes) => Ok(String::from_utf8_lossy(bytes.as_bytes()).into_owned()),
        Err(_) => object.extract(),
    }
}
