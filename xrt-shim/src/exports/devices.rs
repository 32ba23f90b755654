//! Opening, programming and closing cards.

use std::ffi::c_void;

use uuid::Uuid;

use super::{Handle, status};
use crate::error::{Error, Result};
use crate::{registry, report};

/// Size of `struct axlf`, and where its magic and its length in bytes are.
const AXLF_BYTES: usize = 496;
const AXLF_MAGIC: &[u8; 8] = b"xclbin2\0";
const AXLF_LENGTH_OFFSET: usize = 304;

/// Names the function that shows messages; called by the glue before any other.
#[unsafe(no_mangle)]
pub extern "C" fn fpga_xrt_set_sink(sink: report::Sink) {
    report::set_sink(sink);
}

/// The number of cards.
#[unsafe(no_mangle)]
pub extern "C" fn xclProbe() -> u32 {
    report::answer("xclProbe", || Ok(registry::slots().len() as u32)).unwrap_or(0)
}

/// Opens a card by its index; null if that failed.
#[unsafe(no_mangle)]
pub extern "C" fn fpga_xrt_open(index: u32) -> Handle {
    report::answer("xclOpen", || registry::open(index)).unwrap_or_else(|number| {
        set_errno(number);
        std::ptr::null_mut()
    })
}

/// Ends one opening of a card.
#[unsafe(no_mangle)]
pub extern "C" fn xclClose(handle: Handle) {
    // A program that closes twice gets no second message: XRT itself does it at the end of the process.
    if registry::card_of(handle).is_ok() {
        status("xclClose", || registry::close(handle));
    }
}

/// Programs the card.
///
/// # Safety
/// `axlf` is null or points to a whole xclbin.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fpga_xrt_load(handle: Handle, axlf: *const u8) -> i32 {
    status("xclLoadXclBin", || {
        // SAFETY: as the caller promises.
        let bytes = unsafe { axlf_bytes(axlf) }?;
        registry::device(handle)?.load(bytes)
    })
}

/// # Safety
/// `axlf` is null or points to a whole xclbin.
unsafe fn axlf_bytes(axlf: *const u8) -> Result<Vec<u8>> {
    if axlf.is_null() {
        return Err(Error::Invalid("the xclbin is null".to_owned()));
    }
    // SAFETY: every xclbin has a header.
    let header = unsafe { std::slice::from_raw_parts(axlf, AXLF_BYTES) };
    if !header.starts_with(AXLF_MAGIC) {
        return Err(Error::Invalid(
            "this is no xclbin: it does not start with \"xclbin2\"".to_owned(),
        ));
    }
    let length = &header[AXLF_LENGTH_OFFSET..][..8];
    let length = u64::from_ne_bytes(length.try_into().expect("eight bytes")) as usize;
    if length < AXLF_BYTES {
        return Err(Error::Invalid(format!(
            "the xclbin says that it has {length} bytes, and its header alone has {AXLF_BYTES}"
        )));
    }
    // SAFETY: the header says how long the whole is.
    Ok(unsafe { std::slice::from_raw_parts(axlf, length) }.to_vec())
}

/// Opens a context on a compute unit, or on none with all bits of `unit` set.
///
/// # Safety
/// `uuid` points to 16 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xclOpenContext(
    handle: Handle,
    uuid: *const [u8; 16],
    unit: u32,
    shared: bool,
) -> i32 {
    status("xclOpenContext", || {
        // SAFETY: as the caller promises.
        let uuid = unsafe { uuid.as_ref() }
            .ok_or_else(|| Error::Invalid("the uuid is null".to_owned()))?;
        registry::device(handle)?.open_context(Uuid::from_bytes(*uuid), unit, shared)
    })
}

/// Closes a context. `uuid` is not looked at, as in XRT's driver.
#[unsafe(no_mangle)]
pub extern "C" fn xclCloseContext(handle: Handle, _uuid: *const c_void, unit: u32) -> i32 {
    match registry::device(handle) {
        // Kernels outlive their device at the end of some programs.
        Err(_) => 0,
        Ok(device) => status("xclCloseContext", || device.close_context(unit)),
    }
}

/// Resets the card's kernels, whatever the kind of reset.
#[unsafe(no_mangle)]
pub extern "C" fn xclResetDevice(handle: Handle, _kind: i32) -> i32 {
    status("xclResetDevice", || {
        Ok(registry::device(handle)?.card().reset()?)
    })
}

pub(super) fn set_errno(number: i32) {
    // SAFETY: the thread's own errno.
    unsafe { *libc::__errno_location() = number };
}
