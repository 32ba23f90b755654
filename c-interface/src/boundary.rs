//! The way out to C: no panic and no error leaves but as a status, with its text kept for `tcp_last_error`.

use std::any::Any;
use std::cell::RefCell;
use std::ffi::{CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::failure::{Failure, Result};
use crate::hardware::status::tcp_status_t;

thread_local! {
    /// What `tcp_last_error` points into, until the next call of this thread that fails.
    static LAST_ERROR: RefCell<CString> = RefCell::default();
}

/// Does the work of a function. What it has to say to C on any way out, it must have said before it can fail: outputs hold
/// their fail-closed values from the beginning ([`crate::arguments::Out`]).
pub(crate) fn call(function: &str, work: impl FnOnce() -> Result<()>) -> tcp_status_t {
    // A panic drops what the work held; what it shares is behind locks and never left half changed.
    let failure = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => return tcp_status_t::TCP_OK,
        Ok(Err(failure)) => failure,
        Err(payload) => Failure::Panic(panic_text(payload.as_ref()).to_owned()),
    };
    remember(&format!("{function}: {failure}"));
    failure.status()
}

/// As [`call`], for a function that returns something else than a status.
pub(crate) fn value<T>(function: &str, on_failure: T, work: impl FnOnce() -> Result<T>) -> T {
    let mut value = on_failure;
    call(function, || {
        value = work()?;
        Ok(())
    });
    value
}

/// The text of this thread's last failure; empty if there was none.
pub(crate) fn last_error() -> *const c_char {
    // A thread that is ending has no texts any more.
    LAST_ERROR
        .try_with(|text| text.borrow().as_ptr())
        .unwrap_or(c"".as_ptr())
}

fn remember(text: &str) {
    let text = CString::new(text.replace('\0', " ")).unwrap_or_default();
    let _ = LAST_ERROR.try_with(|last| *last.borrow_mut() = text);
}

fn panic_text(payload: &(dyn Any + Send)) -> &str {
    let owned = payload.downcast_ref::<String>().map(String::as_str);
    let text = owned.or_else(|| payload.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without a message")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last_text() -> String {
        // SAFETY: a text that ends with a null, and no call of this thread fails meanwhile.
        let text = unsafe { std::ffi::CStr::from_ptr(last_error()) };
        text.to_str().unwrap().to_owned()
    }

    #[test]
    fn a_panic_becomes_a_status_and_its_message_the_text() {
        let status = call("tcp_test", || panic!("lost {}", 7));
        assert_eq!(status, tcp_status_t::TCP_ERROR_INTERNAL);
        let text = last_text();
        assert!(
            text.starts_with("tcp_test: ") && text.contains("lost 7"),
            "{text}"
        );
    }

    #[test]
    fn a_success_leaves_the_text_of_the_failure_before() {
        call("tcp_test", || Err(Failure::argument("count", "is\0odd")));
        assert_eq!(call("tcp_test", || Ok(())), tcp_status_t::TCP_OK);
        assert_eq!(last_text(), "tcp_test: the argument count is odd");
    }

    #[test]
    fn each_thread_has_its_own_text() {
        call("tcp_test", || Err(Failure::argument("count", "is odd")));
        std::thread::spawn(|| assert_eq!(last_text(), ""))
            .join()
            .unwrap();
    }
}
