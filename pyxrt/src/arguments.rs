//! What calls take: numbers, durations, names of images. A value of a wrong type is a `TypeError`, as from XRT's module,
//! also where Rust would call a negative number an overflow.

use std::path::PathBuf;
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple};

use crate::error::{failed, wrong_type};
use crate::identity::Uuid;
use crate::xclbin::Xclbin;

/// A number of bytes, an offset or an index: not negative, and any integer will do, numpy's too.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Size(pub(crate) usize);

impl<'py> FromPyObject<'_, 'py> for Size {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        object.extract::<usize>().map(Self).map_err(|_| {
            wrong_type(format!(
                "a size, offset or index must be an integer from 0 on, not {}",
                shown(&object)
            ))
        })
    }
}

/// A longest wait: milliseconds or a `datetime.timedelta`. None at all, or 0: for ever, as with XRT.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Timeout(pub(crate) Option<Duration>);

impl<'py> FromPyObject<'_, 'py> for Timeout {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let time = match object.extract::<u64>() {
            Ok(milliseconds) => Duration::from_millis(milliseconds),
            Err(_) => object.extract::<Duration>().map_err(|_| {
                wrong_type(format!(
                    "a timeout must be milliseconds from 0 on or a timedelta, not {}",
                    shown(&object)
                ))
            })?,
        };
        Ok(Self((!time.is_zero()).then_some(time)))
    }
}

/// An image, by whatever programs have of it.
pub(crate) enum ImageArgument {
    /// An xclbin object.
    Object(Xclbin),
    /// Its file.
    Path(PathBuf),
}

impl<'py> FromPyObject<'_, 'py> for ImageArgument {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(xclbin) = object.extract::<Xclbin>() {
            return Ok(Self::Object(xclbin));
        }
        if object.is_instance_of::<PyBytes>() {
            return Xclbin::parse(object.extract()?).map(Self::Object);
        }
        object.extract().map(Self::Path).map_err(|_| {
            wrong_type(format!(
                "an xclbin is named by its path or by a pyxrt.xclbin, not by {}",
                shown(&object)
            ))
        })
    }
}

impl ImageArgument {
    /// The image, read if it is not in memory.
    pub(crate) fn xclbin(self, py: Python<'_>) -> PyResult<Xclbin> {
        match self {
            Self::Object(xclbin) => Ok(xclbin),
            Self::Path(path) => py.detach(|| Xclbin::read(&path)),
        }
    }
}

/// The identity of an image: a `uuid`, its text, or an object that has one.
pub(crate) struct Identity(pub(crate) uuid::Uuid);

impl<'py> FromPyObject<'_, 'py> for Identity {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(uuid) = object.cast::<Uuid>() {
            return Ok(Self(uuid.get().0));
        }
        if let Ok(xclbin) = object.cast::<Xclbin>() {
            return Ok(Self(xclbin.get().image()?.uuid()));
        }
        // Python's own uuid.UUID too: it prints as one.
        let is_uuid = object.is_instance_of::<PyString>()
            || object.get_type().name().is_ok_and(|name| name == "UUID");
        if !is_uuid {
            return Err(wrong_type(format!(
                "an xclbin is identified by a pyxrt.uuid, its text or a pyxrt.xclbin, not by {}",
                shown(&object)
            )));
        }
        Uuid::parse(&object.str()?.to_string()).map(|uuid| Self(uuid.0))
    }
}

/// The arguments of a call that has several forms: by position first, then by name.
pub(crate) struct Call<'a, 'py> {
    function: &'static str,
    positional: Vec<Bound<'py, PyAny>>,
    named: Option<&'a Bound<'py, PyDict>>,
    taken: usize,
}

impl<'a, 'py> Call<'a, 'py> {
    pub(crate) fn new(
        function: &'static str,
        positional: &Bound<'py, PyTuple>,
        named: Option<&'a Bound<'py, PyDict>>,
    ) -> Self {
        Self {
            function,
            positional: positional.iter().collect(),
            named,
            taken: 0,
        }
    }

    /// Arguments that were given and not taken yet.
    pub(crate) fn left(&self) -> usize {
        self.positional.len() + self.named.map_or(0, |named| named.len()) - self.taken
    }

    /// The next argument, if it is there: by position, or by one of these names.
    pub(crate) fn optional(&mut self, names: &[&str]) -> PyResult<Option<Bound<'py, PyAny>>> {
        if !self.positional.is_empty() {
            return Ok(Some(self.positional.remove(0)));
        }
        let Some(named) = self.named else {
            return Ok(None);
        };
        for name in names {
            if let Some(value) = named.get_item(name)? {
                self.taken += 1;
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    /// The next argument.
    pub(crate) fn required(&mut self, names: &[&str]) -> PyResult<Bound<'py, PyAny>> {
        self.optional(names)?.ok_or_else(|| {
            wrong_type(format!(
                "{}: the argument {:?} is missing",
                self.function, names[0]
            ))
        })
    }

    /// Refuses arguments that no form of the call has.
    pub(crate) fn finish(&self) -> PyResult<()> {
        match self.left() {
            0 => Ok(()),
            more => Err(wrong_type(format!(
                "{}: there are {more} arguments too many, or of unknown names",
                self.function
            ))),
        }
    }
}

/// An object in a message: its type, and its value if that is short.
pub(crate) fn shown(object: &Bound<'_, PyAny>) -> String {
    const LONGEST: usize = 40;
    let kind = object
        .get_type()
        .name()
        .map_or_else(|_| "an object".to_owned(), |name| name.to_string());
    match object.repr() {
        Ok(text) if text.to_string_lossy().len() <= LONGEST => {
            format!("{} ({kind})", text.to_string_lossy())
        }
        _ => format!("a {kind}"),
    }
}

/// Refuses an index that is not below `len`, as a vector of C++ does.
pub(crate) fn check_window(what: &str, offset: usize, len: usize, whole: usize) -> PyResult<()> {
    match offset.checked_add(len) {
        Some(end) if end <= whole => Ok(()),
        _ => Err(failed(format!(
            "{what}: {len} bytes from byte {offset} on are outside the buffer of {whole} bytes"
        ))),
    }
}
