//! Commands, and registers of compute units.

use std::ffi::c_void;
use std::time::Duration;

use super::buffers::check_pointer;
use super::{Handle, status};
use crate::error::{Error, Result};
use crate::{execution, registry, report};

/// `XCL_ADDR_KERNEL_CTRL`.
const KERNEL_CONTROL: i32 = 2;

/// Starts the command in an execution buffer.
#[unsafe(no_mangle)]
pub extern "C" fn xclExecBuf(handle: Handle, buffer: u32) -> i32 {
    status("xclExecBuf", || registry::device(handle)?.execute(buffer))
}

/// Waits until a command ends: above 0 if one did, 0 if time is up. A negative time has no end.
#[unsafe(no_mangle)]
pub extern "C" fn xclExecWait(handle: Handle, milliseconds: i32) -> i32 {
    let ended = match registry::device(handle) {
        Ok(device) => {
            let timeout = u64::try_from(milliseconds).map_or(Duration::MAX, Duration::from_millis);
            report::answer("xclExecWait", || Ok(device.wait(timeout)))
        }
        Err(_) => Ok(execution::wait_closed()),
    };
    ended.map_or_else(|number| -number, i32::from)
}

/// Reads a register of a compute unit.
///
/// # Safety
/// `value` is null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xclRegRead(
    handle: Handle,
    unit: u32,
    offset: u32,
    value: *mut u32,
) -> i32 {
    status("xclRegRead", || {
        check_pointer(value)?;
        let read = registry::device(handle)?.read_register(unit, offset)?;
        // SAFETY: as the caller promises.
        unsafe { value.write(read) };
        Ok(())
    })
}

/// Writes a register of a compute unit.
#[unsafe(no_mangle)]
pub extern "C" fn xclRegWrite(handle: Handle, unit: u32, offset: u32, value: u32) -> i32 {
    status("xclRegWrite", || {
        registry::device(handle)?.write_register(unit, offset, value)
    })
}

/// Reads registers by their address on the control bus; the number of bytes, or all bits set.
///
/// # Safety
/// `size` bytes at `target` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xclRead(
    handle: Handle,
    space: i32,
    address: u64,
    target: *mut c_void,
    size: usize,
) -> usize {
    let done = status("xclRead", || {
        let count = words(space, target, size)?;
        let device = registry::device(handle)?;
        for word in 0..count {
            let (unit, offset) = device.unit_at(address + 4 * word as u64)?;
            let value = device.read_register(unit, offset)?;
            // SAFETY: within the `size` bytes that the caller promises; they need not be aligned.
            unsafe { target.cast::<u32>().add(word).write_unaligned(value) };
        }
        Ok(())
    });
    if done == 0 { size } else { usize::MAX }
}

/// Writes registers by their address on the control bus; the number of bytes, or all bits set.
///
/// # Safety
/// `size` bytes at `source` may be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xclWrite(
    handle: Handle,
    space: i32,
    address: u64,
    source: *const c_void,
    size: usize,
) -> usize {
    let done = status("xclWrite", || {
        let count = words(space, source, size)?;
        let device = registry::device(handle)?;
        for word in 0..count {
            let (unit, offset) = device.unit_at(address + 4 * word as u64)?;
            // SAFETY: within the `size` bytes that the caller promises; they need not be aligned.
            let value = unsafe { source.cast::<u32>().add(word).read_unaligned() };
            device.write_register(unit, offset, value)?;
        }
        Ok(())
    });
    if done == 0 { size } else { usize::MAX }
}

fn words(space: i32, bytes: *const c_void, size: usize) -> Result<usize> {
    check_pointer(bytes)?;
    if space != KERNEL_CONTROL || !size.is_multiple_of(4) {
        return Err(Error::NotSupported(format!(
            "{size} bytes of address space {space}: only words of XCL_ADDR_KERNEL_CTRL can be reached"
        )));
    }
    Ok(size / 4)
}
