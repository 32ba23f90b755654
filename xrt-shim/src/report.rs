//! Errors reach the user through XRT's own messages, which `xrt.ini` directs. Where XRT is absent they go nowhere.

use std::ffi::{CString, c_char};
use std::sync::OnceLock;

use crate::error::{Error, Result};

/// Takes a message for XRT to show; a text that ends with a null.
pub(crate) type Sink = extern "C" fn(message: *const c_char);

static SINK: OnceLock<Sink> = OnceLock::new();

/// Names where messages go, once.
pub(crate) fn set_sink(sink: Sink) {
    let _ = SINK.set(sink);
}

/// Shows a message as an error.
pub(crate) fn error(text: &str) {
    if let (Some(sink), Ok(text)) = (SINK.get(), CString::new(text.replace('\0', " "))) {
        sink(text.as_ptr());
    }
}

/// Does the work of one of XRT's functions: no panic leaves it, and an error is shown and becomes its number.
pub(crate) fn answer<T>(function: &str, work: impl FnOnce() -> Result<T>) -> Result<T, i32> {
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    let failure = match outcome {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(error)) => error,
        Err(_) => Error::Invalid("the shim failed; please report this with the program".to_owned()),
    };
    error(&format!("{function}: {failure}"));
    Err(failure.number())
}
