//! `bo`: a buffer object, or a part of one.

use std::sync::Arc;

use host_runtime::Direction;
use pyo3::buffer::PyUntypedBuffer;
use pyo3::exceptions::{PyBufferError, PyImportError};
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyDict, PyMemoryView, PyTuple};

use crate::arguments::{Call, Size, check_window, shown};
use crate::device::session_of;
use crate::error::{failed, wrong_type};
use crate::memory::Buffer;

/// A buffer object: memory on the card with a side on the host, which differ until `sync`.
#[pyclass(name = "bo", module = "pyxrt", frozen, from_py_object)]
#[derive(Clone)]
pub struct BufferObject {
    pub(crate) buffer: Arc<Buffer>,
    pub(crate) offset: usize,
    pub(crate) len: usize,
}

#[pymethods]
impl BufferObject {
    /// bo(device, size, flags, group), bo(device, size, group): new memory in the bank `group`, as `kernel.group_id()`
    /// tells it. A hw_context will do for the device.
    ///
    /// bo(device, array, flags, group): the host's side is the memory of a writable array.
    ///
    /// bo(parent, size, offset): a part of another buffer object.
    #[new]
    #[pyo3(signature = (*args, **kwargs))]
    fn new(
        py: Python<'_>,
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let mut call = Call::new("bo", args, kwargs);
        let owner = call.required(&["device", "hwctx", "ctx", "parent"])?;
        if let Ok(parent) = owner.cast::<Self>() {
            let Size(size) = call.required(&["size"])?.extract()?;
            let Size(offset) = call.required(&["offset"])?.extract()?;
            call.finish()?;
            return parent.get().part(size, offset);
        }
        let session = session_of("bo", &owner)?;
        let memory = call.required(&["size", "userptr"])?;
        let Ok(Size(size)) = memory.extract::<Size>() else {
            let view = contiguous(&memory)?;
            if view.readonly() {
                return Err(PyBufferError::new_err(
                    "bo: the array is read-only, and a sync from the device writes to it",
                ));
            }
            // As C++ has it, with the size between array and flags.
            let size = if call.left() == 3 {
                call.required(&["size"])?.extract::<Size>()?.0
            } else {
                view.len_bytes()
            };
            let (_, Size(group)) = flags_and_group(&mut call)?;
            let buffer = py.detach(|| Buffer::around(session.card(), group, view, size))?;
            return Ok(Self::whole(buffer));
        };
        let (flags, Size(group)) = flags_and_group(&mut call)?;
        let buffer = py.detach(|| Buffer::allocate(session.card(), group, size, flags))?;
        Ok(Self::whole(buffer))
    }

    /// Copies bytes to the host's side, from byte `seek` on; `sync` brings them to the card.
    #[pyo3(signature = (data, seek=Size(0)))]
    fn write(&self, py: Python<'_>, data: &Bound<'_, PyAny>, seek: Size) -> PyResult<()> {
        let view = contiguous(data)?;
        check_window("bo.write", seek.0, view.len_bytes(), self.len)?;
        py.detach(|| self.buffer.write_host(self.offset + seek.0, &view))
    }

    /// Bytes of the host's side, from byte `skip` on: an array of int8, as XRT's module returns it; a memoryview of
    /// the same elements where there is no numpy.
    #[pyo3(signature = (size=None, skip=Size(0)))]
    fn read<'py>(
        &self,
        py: Python<'py>,
        size: Option<Size>,
        skip: Size,
    ) -> PyResult<Bound<'py, PyAny>> {
        let size = size.map_or(self.len.saturating_sub(skip.0), |size| size.0);
        check_window("bo.read", skip.0, size, self.len)?;
        let result = match py.import("numpy") {
            Ok(numpy) => numpy.call_method1("empty", (size, "int8"))?,
            Err(error) if error.is_instance_of::<PyImportError>(py) => {
                let bytes = PyByteArray::new_with(py, size, |_| Ok(()))?;
                PyMemoryView::from(&bytes)?.call_method1("cast", ("b",))?
            }
            Err(error) => return Err(error),
        };
        let target = contiguous(&result)?;
        py.detach(|| self.buffer.read_host(self.offset + skip.0, &target))?;
        Ok(result)
    }

    /// Copies bytes from one side to the other: all of them, or `size` bytes from byte `offset` on.
    #[pyo3(signature = (direction, size=None, offset=Size(0)))]
    fn sync(
        &self,
        py: Python<'_>,
        direction: &Bound<'_, PyAny>,
        size: Option<Size>,
        offset: Size,
    ) -> PyResult<()> {
        let direction = direction_of(direction)?;
        let size = size.map_or(self.len.saturating_sub(offset.0), |size| size.0);
        check_window("bo.sync", offset.0, size, self.len)?;
        py.detach(|| self.buffer.sync(direction, self.offset + offset.0, size))
    }

    /// The host's side as a writable memoryview of bytes, without a copy. It stays valid as long as it is held, whatever
    /// becomes of the buffer.
    fn map<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyMemoryView>> {
        let mapping = Bound::new(py, self.buffer.view(self.offset, self.len)?)?;
        PyMemoryView::from(mapping.as_any())
    }

    /// Copies bytes of another buffer to this one, on the card: all of them, or `size` bytes.
    #[pyo3(signature = (src, size=None, src_offset=Size(0), dst_offset=Size(0)))]
    fn copy(
        &self,
        py: Python<'_>,
        src: &Bound<'_, Self>,
        size: Option<Size>,
        src_offset: Size,
        dst_offset: Size,
    ) -> PyResult<()> {
        let source = src.get();
        let size = size.map_or(source.len.saturating_sub(src_offset.0), |size| size.0);
        check_window("bo.copy", src_offset.0, size, source.len)?;
        check_window("bo.copy", dst_offset.0, size, self.len)?;
        py.detach(|| {
            self.buffer.copy_from(
                self.offset + dst_offset.0,
                &source.buffer,
                source.offset + src_offset.0,
                size,
            )
        })
    }

    /// Bytes.
    fn size(&self) -> usize {
        self.len
    }

    /// Address of the first byte in the card's memory.
    pub(crate) fn address(&self) -> u64 {
        self.buffer.address() + self.offset as u64
    }
}

impl BufferObject {
    fn whole(buffer: Buffer) -> Self {
        Self {
            len: buffer.len(),
            buffer: Arc::new(buffer),
            offset: 0,
        }
    }

    fn part(&self, size: usize, offset: usize) -> PyResult<Self> {
        check_window("bo: a part", offset, size, self.len)?;
        if size == 0 {
            return Err(failed("a buffer cannot be empty: give it a size above 0"));
        }
        Ok(Self {
            buffer: Arc::clone(&self.buffer),
            offset: self.offset + offset,
            len: size,
        })
    }
}

/// The last arguments of a new buffer: flags, which may be left out, and the bank.
fn flags_and_group(call: &mut Call<'_, '_>) -> PyResult<(u32, Size)> {
    let flags = match call.left() {
        0 | 1 => 0,
        _ => {
            let flags = call.required(&["flags"])?;
            flags.extract::<u32>().map_err(|_| {
                wrong_type(format!(
                    "bo: flags must be of pyxrt.bo.flags, not {}",
                    shown(&flags)
                ))
            })?
        }
    };
    let group = call.required(&["group", "grp"])?.extract()?;
    call.finish()?;
    Ok((flags, group))
}

fn direction_of(direction: &Bound<'_, PyAny>) -> PyResult<Direction> {
    match direction.extract::<i64>() {
        Ok(0) => Ok(Direction::ToDevice),
        Ok(1) => Ok(Direction::FromDevice),
        Ok(2 | 3) => Err(failed(
            "bo.sync: that direction is for AI engines, which this card does not have",
        )),
        _ => Err(wrong_type(format!(
            "bo.sync: the direction must be of pyxrt.xclBOSyncDirection, not {}",
            shown(direction)
        ))),
    }
}

/// The bytes of an object that has them in one piece.
fn contiguous(object: &Bound<'_, PyAny>) -> PyResult<PyUntypedBuffer> {
    let view = PyUntypedBuffer::get(object)?;
    if view.is_c_contiguous() {
        return Ok(view);
    }
    Err(PyBufferError::new_err(
        "the array is not contiguous: copy it first, for instance with numpy.ascontiguousarray()",
    ))
}
