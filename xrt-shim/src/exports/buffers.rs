//! Buffer objects, and the card's memory by address.

use std::collections::HashMap;
use std::ffi::c_void;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::{Arc, LazyLock};

use parking_lot::Mutex;

use super::devices::set_errno;
use super::{Handle, status};
use crate::error::{Error, Result};
use crate::memory::{BufferObject, Direction};
use crate::{registry, report};

/// `XRT_NULL_BO`.
const NO_OBJECT: u32 = u32::MAX;

/// `struct xclBOProperties`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Properties {
    handle: u32,
    flags: u32,
    size: u64,
    address: u64,
    reserved: i32,
}

fn handle_or_none(function: &str, work: impl FnOnce() -> Result<u32>) -> u32 {
    report::answer(function, work).unwrap_or_else(|number| {
        set_errno(number);
        NO_OBJECT
    })
}

/// Allocates a buffer in the bank that the low bits of `flags` name.
#[unsafe(no_mangle)]
pub extern "C" fn xclAllocBO(handle: Handle, size: usize, _unused: i32, flags: u32) -> u32 {
    handle_or_none("xclAllocBO", || {
        let device = registry::device(handle)?;
        let object = BufferObject::allocate(device.card(), size, flags)?;
        Ok(device.add_object(Arc::new(object)))
    })
}

/// Allocates a buffer whose host's side is the caller's.
///
/// # Safety
/// `size` bytes at `user` may be read and written until the buffer is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xclAllocUserPtrBO(
    handle: Handle,
    user: *mut c_void,
    size: usize,
    flags: u32,
) -> u32 {
    handle_or_none("xclAllocUserPtrBO", || {
        let device = registry::device(handle)?;
        let object = BufferObject::around(device.card(), user.cast(), size, flags)?;
        Ok(device.add_object(Arc::new(object)))
    })
}

/// Frees a buffer.
#[unsafe(no_mangle)]
pub extern "C" fn xclFreeBO(handle: Handle, buffer: u32) {
    // Buffers outlive their device at the end of some programs: then they are gone already.
    if let Ok(device) = registry::device(handle) {
        status("xclFreeBO", || device.free_object(buffer));
    }
}

/// The host's side of a buffer; null if it has none.
#[unsafe(no_mangle)]
pub extern "C" fn xclMapBO(handle: Handle, buffer: u32, _write: bool) -> *mut c_void {
    let host = report::answer("xclMapBO", || {
        Ok(registry::device(handle)?.object(buffer)?.host())
    });
    host.unwrap_or(std::ptr::null_mut()).cast()
}

/// Nothing to do: a buffer's memory stays where it is while the buffer lives.
#[unsafe(no_mangle)]
pub extern "C" fn xclUnmapBO(_handle: Handle, _buffer: u32, _address: *mut c_void) -> i32 {
    0
}

/// Copies bytes from one side of a buffer to the other.
#[unsafe(no_mangle)]
pub extern "C" fn xclSyncBO(
    handle: Handle,
    buffer: u32,
    direction: i32,
    size: usize,
    offset: usize,
) -> i32 {
    status("xclSyncBO", || {
        let direction = match direction {
            0 => Direction::ToDevice,
            1 => Direction::FromDevice,
            other => {
                return Err(Error::NotSupported(format!(
                    "sync direction {other} is for AI engines, which this card does not have"
                )));
            }
        };
        let object = registry::device(handle)?.object(buffer)?;
        object.sync(direction, offset, size)
    })
}

/// Writes bytes to a buffer, on both sides; 0, or a negative error number.
///
/// # Safety
/// `size` bytes at `source` may be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xclWriteBO(
    handle: Handle,
    buffer: u32,
    source: *const c_void,
    size: usize,
    seek: usize,
) -> usize {
    let done = status("xclWriteBO", || {
        check_pointer(source)?;
        // SAFETY: as the caller promises.
        let bytes = unsafe { std::slice::from_raw_parts(source.cast(), size) };
        registry::device(handle)?.object(buffer)?.write(seek, bytes)
    });
    done as usize
}

/// Reads bytes of a buffer from the card; 0, or a negative error number.
///
/// # Safety
/// `size` bytes at `target` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xclReadBO(
    handle: Handle,
    buffer: u32,
    target: *mut c_void,
    size: usize,
    skip: usize,
) -> usize {
    let done = status("xclReadBO", || {
        check_pointer(target)?;
        // SAFETY: as the caller promises.
        let bytes = unsafe { std::slice::from_raw_parts_mut(target.cast(), size) };
        registry::device(handle)?.object(buffer)?.read(skip, bytes)
    });
    done as usize
}

/// Copies bytes between buffers, on the card.
#[unsafe(no_mangle)]
pub extern "C" fn xclCopyBO(
    handle: Handle,
    target: u32,
    source: u32,
    size: usize,
    target_offset: usize,
    source_offset: usize,
) -> i32 {
    status("xclCopyBO", || {
        let device = registry::device(handle)?;
        let (target, source) = (device.object(target)?, device.object(source)?);
        target.copy_from(target_offset, &source, source_offset, size)
    })
}

/// Tells where a buffer is.
///
/// # Safety
/// `properties` is null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xclGetBOProperties(
    handle: Handle,
    buffer: u32,
    properties: *mut Properties,
) -> i32 {
    status("xclGetBOProperties", || {
        check_pointer(properties)?;
        let object = registry::device(handle)?.object(buffer)?;
        let told = Properties {
            handle: buffer,
            flags: object.flags(),
            size: object.len() as u64,
            address: object.address(),
            reserved: 0,
        };
        // SAFETY: as the caller promises.
        unsafe { properties.write(told) };
        Ok(())
    })
}

/// Buffers that were exported, by the file descriptor that stands for them. It is good within the process.
static EXPORTED: LazyLock<Mutex<HashMap<i32, Export>>> = LazyLock::new(Mutex::default);

/// An exported buffer.
#[derive(Debug)]
struct Export {
    object: Arc<BufferObject>,
    /// Keeps the number taken.
    _descriptor: OwnedFd,
}

/// Exports a buffer for another device of this process; a file descriptor, or -1.
#[unsafe(no_mangle)]
pub extern "C" fn xclExportBO(handle: Handle, buffer: u32) -> i32 {
    report::answer("xclExportBO", || {
        let object = registry::device(handle)?.object(buffer)?;
        let file = std::fs::File::open("/dev/null").map_err(|source| Error::System {
            action: "making a file descriptor".to_owned(),
            source,
        })?;
        let descriptor = file.as_raw_fd();
        let export = Export {
            object,
            _descriptor: file.into(),
        };
        EXPORTED.lock().insert(descriptor, export);
        Ok(descriptor)
    })
    .unwrap_or(-1)
}

/// Imports a buffer that a device of this process exported.
#[unsafe(no_mangle)]
pub extern "C" fn xclImportBO(handle: Handle, descriptor: i32, _flags: u32) -> u32 {
    handle_or_none("xclImportBO", || {
        let device = registry::device(handle)?;
        let object = EXPORTED
            .lock()
            .get(&descriptor)
            .map(|export| Arc::clone(&export.object));
        let object = object.ok_or_else(|| {
            Error::NotSupported(format!(
                "{descriptor} was not exported by this process, and buffers of others cannot be reached"
            ))
        })?;
        Ok(device.add_object(object))
    })
}

/// Ends an export.
#[unsafe(no_mangle)]
pub extern "C" fn fpga_xrt_close_export(descriptor: i32) -> i32 {
    match EXPORTED.lock().remove(&descriptor) {
        Some(_) => 0,
        None => -libc::EINVAL,
    }
}

/// Reads the card's memory at an address.
///
/// # Safety
/// `size` bytes at `target` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xclUnmgdPread(
    handle: Handle,
    _flags: u32,
    target: *mut c_void,
    size: usize,
    address: u64,
) -> isize {
    let done = status("xclUnmgdPread", || {
        check_pointer(target)?;
        // SAFETY: as the caller promises.
        let bytes = unsafe { std::slice::from_raw_parts_mut(target.cast(), size) };
        Ok(registry::device(handle)?
            .card()
            .read_memory(address, bytes)?)
    });
    done as isize
}

/// Writes the card's memory at an address.
///
/// # Safety
/// `size` bytes at `source` may be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xclUnmgdPwrite(
    handle: Handle,
    _flags: u32,
    source: *const c_void,
    size: usize,
    address: u64,
) -> isize {
    let done = status("xclUnmgdPwrite", || {
        check_pointer(source)?;
        // SAFETY: as the caller promises.
        let bytes = unsafe { std::slice::from_raw_parts(source.cast(), size) };
        Ok(registry::device(handle)?
            .card()
            .write_memory(address, bytes)?)
    });
    done as isize
}

pub(super) fn check_pointer<T>(pointer: *const T) -> Result<()> {
    if pointer.is_null() {
        return Err(Error::Invalid("a pointer is null".to_owned()));
    }
    Ok(())
}
