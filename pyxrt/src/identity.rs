//! The identity of an image.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// Identifies a compiled xclbin.
#[pyclass(name = "uuid", module = "pyxrt", frozen, eq, hash, from_py_object)]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Uuid(pub(crate) uuid::Uuid);

impl Uuid {
    pub(crate) fn parse(text: &str) -> PyResult<Self> {
        uuid::Uuid::parse_str(text).map(Self).map_err(|error| {
            PyValueError::new_err(format!(
                "{text:?} is no UUID: {error}; an xclbin's get_uuid() has its"
            ))
        })
    }
}

#[pymethods]
impl Uuid {
    #[new]
    fn new(uuid_str: &str) -> PyResult<Self> {
        Self::parse(uuid_str)
    }

    /// The UUID as text.
    #[pyo3(name = "to_string")]
    fn text(&self) -> String {
        self.0.to_string()
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("pyxrt.uuid('{}')", self.0)
    }
}
