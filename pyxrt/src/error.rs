//! Errors of the runtime as the exceptions that XRT's module raises: what is `std::bad_alloc` there is `MemoryError`,
//! everything else `RuntimeError`. The text is the runtime's own.

use host_runtime::Error;
use pyo3::exceptions::{PyMemoryError, PyRuntimeError, PyTypeError};
use pyo3::prelude::*;

/// The exception for an error of the runtime.
pub(crate) fn raised(error: impl Into<Error>) -> PyErr {
    let error = error.into();
    match error {
        Error::OutOfMemory { .. } | Error::HostMemory { .. } | Error::BankMissing { .. } => {
            PyMemoryError::new_err(error.to_string())
        }
        _ => PyRuntimeError::new_err(error.to_string()),
    }
}

/// A `RuntimeError`.
pub(crate) fn failed(text: impl Into<String>) -> PyErr {
    PyRuntimeError::new_err(text.into())
}

/// A `TypeError`.
pub(crate) fn wrong_type(text: impl Into<String>) -> PyErr {
    PyTypeError::new_err(text.into())
}

/// What the methods of an object say that was made without arguments, as XRT allows.
pub(crate) fn empty(class: &str) -> PyErr {
    failed(format!(
        "this {class} is empty: it was made by pyxrt.{class}() without arguments"
    ))
}
