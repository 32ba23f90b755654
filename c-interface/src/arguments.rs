//! Arguments from C: pointers are looked at before they are followed, and what is behind them is copied or borrowed for
//! the length of the call.
//!
//! Checked are the null pointer, alignment of arrays, and lengths that no memory has. That memory is there and that
//! nobody else writes it meanwhile is the caller's to see to; the headers say so.

use std::ffi::{CStr, c_char};
use std::ops::Range;

use bytemuck::Pod;

use crate::failure::{Failure, Result};

/// An output that C named. It is written when it is made, with what must stand there if the call fails.
#[derive(Debug)]
pub(crate) struct Out<T>(*mut T);

impl<T> Out<T> {
    /// # Safety
    /// `pointer` is null or may be written until the call ends.
    pub(crate) unsafe fn new(pointer: *mut T, name: &'static str, initial: T) -> Result<Self> {
        // SAFETY: as the caller promised.
        let out = unsafe { Self::optional(pointer, initial) };
        out.ok_or_else(|| is_null(name))
    }

    /// An output that C may leave out.
    ///
    /// # Safety
    /// As [`Out::new`].
    pub(crate) unsafe fn optional(pointer: *mut T, initial: T) -> Option<Self> {
        let out = (!pointer.is_null()).then_some(Self(pointer))?;
        out.set(initial);
        Some(out)
    }

    pub(crate) fn set(&self, value: T) {
        // SAFETY: it may be written, as whoever made this promised; structs of C may be packed, so at any alignment.
        unsafe { self.0.write_unaligned(value) }
    }
}

/// A copy of a value that C points to.
///
/// # Safety
/// `pointer` is null or may be read.
pub(crate) unsafe fn read<T: Copy>(pointer: *const T, name: &'static str) -> Result<T> {
    if pointer.is_null() {
        return Err(is_null(name));
    }
    // SAFETY: it may be read, as the caller promised.
    Ok(unsafe { pointer.read_unaligned() })
}

/// An array of C's. An empty one may be at the null pointer.
///
/// # Safety
/// `pointer` is null or may be read for `count` elements, and nobody writes them in `'a`.
pub(crate) unsafe fn slice<'a, T: Pod>(
    pointer: *const T,
    count: usize,
    name: &'static str,
) -> Result<&'a [T]> {
    if check_array(pointer, count, name)?.is_empty() {
        return Ok(&[]);
    }
    // SAFETY: not null, aligned, of a length that memory can have; the rest the caller promised.
    Ok(unsafe { std::slice::from_raw_parts(pointer, count) })
}

/// An array of C's that nobody else touches while it is in use.
///
/// # Safety
/// `pointer` is null or may be read and written for `count` elements, and nobody else touches them in `'a`.
pub(crate) unsafe fn slice_mut<'a, T: Pod>(
    pointer: *mut T,
    count: usize,
    name: &'static str,
) -> Result<&'a mut [T]> {
    if check_array(pointer, count, name)?.is_empty() {
        return Ok(&mut []);
    }
    // SAFETY: as in `slice`.
    Ok(unsafe { std::slice::from_raw_parts_mut(pointer, count) })
}

/// Fills an array of C's, if there is one.
///
/// # Safety
/// `pointer` is null or may be written for `count` elements.
pub(crate) unsafe fn fill<T: Pod>(pointer: *mut T, count: usize, value: T) {
    let count = if pointer.is_null() { 0 } else { count };
    for index in 0..count {
        // SAFETY: inside the array; at any alignment, since this comes before all complaints.
        unsafe { pointer.add(index).write_unaligned(value) };
    }
}

/// A text of C's that ends with a null.
///
/// # Safety
/// `pointer` is null or points to such a text, which nobody writes in `'a`.
pub(crate) unsafe fn text<'a>(pointer: *const c_char, name: &'static str) -> Result<&'a str> {
    if pointer.is_null() {
        return Err(is_null(name));
    }
    // SAFETY: as the caller promised.
    let text = unsafe { CStr::from_ptr(pointer) };
    utf8(text.to_bytes(), name)
}

/// These bytes as text.
pub(crate) fn utf8<'a>(bytes: &'a [u8], name: &'static str) -> Result<&'a str> {
    std::str::from_utf8(bytes)
        .map_err(|error| Failure::argument(name, format!("is not UTF-8 text: {error}")))
}

/// Sees to it that what is written lies apart from all else.
pub(crate) fn check_apart(arrays: &[(&'static str, Range<usize>)]) -> Result<()> {
    for (index, (name, range)) in arrays.iter().enumerate() {
        for (other_name, other) in &arrays[..index] {
            if range.start < other.end && other.start < range.end {
                return Err(Failure::argument(
                    name,
                    format!("overlaps {other_name}; give each memory of its own"),
                ));
            }
        }
    }
    Ok(())
}

/// The addresses that an array takes.
///
/// # Errors
/// If no array can be there.
pub(crate) fn check_array<T>(
    pointer: *const T,
    count: usize,
    name: &'static str,
) -> Result<Range<usize>> {
    let bytes = check_length::<T>(count, name)?;
    let Some(end) = pointer.addr().checked_add(bytes) else {
        return Err(no_memory(count, name));
    };
    if bytes > 0 && pointer.is_null() {
        return Err(Failure::argument(
            name,
            format!("is NULL, but is to hold {count} elements"),
        ));
    }
    if bytes > 0 && !pointer.is_aligned() {
        return Err(Failure::argument(
            name,
            format!("is not aligned to {} bytes", align_of::<T>()),
        ));
    }
    Ok(pointer.addr()..end)
}

/// The bytes that so many elements take.
///
/// # Errors
/// If no memory can hold them.
pub(crate) fn check_length<T>(count: usize, name: &'static str) -> Result<usize> {
    let bytes = count.checked_mul(size_of::<T>());
    let possible = bytes.filter(|bytes| *bytes <= isize::MAX as usize);
    possible.ok_or_else(|| no_memory(count, name))
}

fn no_memory(count: usize, name: &'static str) -> Failure {
    Failure::argument(
        name,
        format!("has {count} elements, which no memory can hold; give the number of elements"),
    )
}

fn is_null(name: &'static str) -> Failure {
    Failure::argument(name, "is NULL")
}
