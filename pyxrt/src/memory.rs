//! Memory of buffers: the side on the card, and the side on the host, which Python sees without a copy. The host's side
//! lives as long as anybody looks at it, whatever becomes of the buffer and of the card.

use std::ffi::c_int;
use std::sync::Arc;

use host_runtime::{Card, DeviceBuffer, Direction, Error, MappedMemory};
use memmap2::MmapRaw;
use pyo3::buffer::PyUntypedBuffer;
use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;

use crate::arguments::check_window;
use crate::error::{failed, raised};

/// `XCL_BO_FLAGS_SVM`, `_HOST_ONLY` and `_P2P`: one memory that host and kernels see.
const SHARED: u32 = 1 << 27 | 1 << 29 | 1 << 30;
/// `XCL_BO_FLAGS_DEV_ONLY`: no side on the host.
const DEVICE_ONLY: u32 = 1 << 28;

/// A buffer's memory.
pub(crate) struct Buffer {
    device: DeviceBuffer,
    host: Arc<Host>,
}

/// The host's side.
pub(crate) enum Host {
    None,
    /// Ours.
    Own(MmapRaw),
    /// The card's memory itself: there is nothing to sync.
    Shared(MappedMemory),
    /// The program's: an array, say.
    User(PyUntypedBuffer),
}

impl Host {
    fn start(&self) -> Option<*mut u8> {
        match self {
            Self::None => None,
            Self::Own(map) => Some(map.as_mut_ptr()),
            Self::Shared(mapped) => Some(mapped.as_ptr()),
            Self::User(view) => Some(view.buf_ptr().cast()),
        }
    }
}

impl Buffer {
    /// Memory in a bank of the card, with the host's side that `flags` ask for.
    pub(crate) fn allocate(card: &Card, bank: usize, len: usize, flags: u32) -> PyResult<Self> {
        let device = allocate_device(card, bank, len)?;
        let shared = if flags & SHARED != 0 {
            device.map().map_err(raised)?
        } else {
            None
        };
        let host = match shared {
            Some(mapped) => Host::Shared(mapped),
            None if flags & DEVICE_ONLY != 0 => Host::None,
            // Programs are told to sync shared ones too, and then two copies do as well.
            None => Host::Own(
                memmap2::MmapMut::map_anon(len)
                    .map_err(|source| raised(Error::HostMemory { asked: len, source }))?
                    .into(),
            ),
        };
        Ok(Self {
            device,
            host: Arc::new(host),
        })
    }

    /// Memory in a bank of the card whose host's side is the program's: the first `len` bytes of an array.
    pub(crate) fn around(
        card: &Card,
        bank: usize,
        view: PyUntypedBuffer,
        len: usize,
    ) -> PyResult<Self> {
        check_window("bo", 0, len, view.len_bytes())?;
        let device = allocate_device(card, bank, len)?;
        Ok(Self {
            device,
            host: Arc::new(Host::User(view)),
        })
    }

    /// Memory in another bank with the same content.
    pub(crate) fn copied_to(&self, card: &Card, bank: usize) -> PyResult<Self> {
        let device = allocate_device(card, bank, self.device.len())?;
        device
            .copy_from(0, &self.device, 0, self.device.len())
            .map_err(raised)?;
        Ok(Self {
            device,
            host: Arc::new(Host::None),
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.device.len()
    }

    pub(crate) fn address(&self) -> u64 {
        self.device.address()
    }

    pub(crate) fn bank(&self) -> usize {
        self.device.bank()
    }

    /// Copies bytes from one side to the other. The range was checked.
    pub(crate) fn sync(&self, direction: Direction, offset: usize, len: usize) -> PyResult<()> {
        let host = self.host_at(offset)?;
        if matches!(*self.host, Host::Shared(_)) {
            return Ok(());
        }
        let done = match direction {
            Direction::ToDevice => {
                // SAFETY: the caller checked the range; a program that writes these bytes from another thread at the
                // same time gets some mixture of old and new ones, as with any reader of Python's buffers.
                let bytes = unsafe { std::slice::from_raw_parts(host, len) };
                self.device.write(offset, bytes)
            }
            Direction::FromDevice => {
                // SAFETY: as above.
                let bytes = unsafe { std::slice::from_raw_parts_mut(host, len) };
                self.device.read(offset, bytes)
            }
        };
        done.map_err(raised)
    }

    /// Copies bytes to the host's side. The range was checked.
    pub(crate) fn write_host(&self, offset: usize, source: &PyUntypedBuffer) -> PyResult<()> {
        let host = self.host_at(offset)?;
        // SAFETY: the caller checked the range; the view keeps its bytes, which may be these.
        unsafe { std::ptr::copy(source.buf_ptr().cast(), host, source.len_bytes()) };
        Ok(())
    }

    /// Copies bytes from the host's side to memory of Python's of the same length. The range was checked.
    pub(crate) fn read_host(&self, offset: usize, target: &PyUntypedBuffer) -> PyResult<()> {
        let host = self.host_at(offset)?;
        // SAFETY: as above.
        unsafe { std::ptr::copy(host, target.buf_ptr().cast(), target.len_bytes()) };
        Ok(())
    }

    /// Copies bytes on the card. The ranges were checked.
    pub(crate) fn copy_from(
        &self,
        offset: usize,
        source: &Self,
        source_offset: usize,
        len: usize,
    ) -> PyResult<()> {
        self.device
            .copy_from(offset, &source.device, source_offset, len)
            .map_err(raised)
    }

    /// The host's side from a byte on, for Python to see. The range was checked.
    pub(crate) fn view(&self, offset: usize, len: usize) -> PyResult<Mapping> {
        self.host_at(offset)?;
        Ok(Mapping {
            host: Arc::clone(&self.host),
            offset,
            len,
        })
    }

    fn host_at(&self, offset: usize) -> PyResult<*mut u8> {
        let start = self.host.start().ok_or_else(|| {
            failed("a device_only buffer has no side on the host; use bo.copy(), or another flag")
        })?;
        Ok(start.wrapping_add(offset))
    }
}

fn allocate_device(card: &Card, bank: usize, len: usize) -> PyResult<DeviceBuffer> {
    if len == 0 {
        return Err(failed("a buffer cannot be empty: give it a size above 0"));
    }
    card.allocate_device(bank, len).map_err(raised)
}

/// Bytes of a buffer as Python's buffer protocol gives them out. `bo.map()` wraps it into a memoryview.
#[pyclass(module = "pyxrt", frozen)]
pub(crate) struct Mapping {
    host: Arc<Host>,
    offset: usize,
    len: usize,
}

#[pymethods]
impl Mapping {
    /// # Safety
    /// `view` is null or may be written, as Python's buffer protocol demands.
    unsafe fn __getbuffer__(
        slf: Bound<'_, Self>,
        view: *mut ffi::Py_buffer,
        flags: c_int,
    ) -> PyResult<()> {
        let mapping = slf.get();
        let start = mapping.host.start().filter(|_| !view.is_null());
        let start = start.ok_or_else(|| PyBufferError::new_err("nothing is mapped"))?;
        let first = start.wrapping_add(mapping.offset);
        // A buffer longer than that cannot be mapped in the first place.
        let len = mapping.len as ffi::Py_ssize_t;
        // SAFETY: `view` may be written; the bytes live as long as `slf`, which the view holds from now on.
        let filled =
            unsafe { ffi::PyBuffer_FillInfo(view, slf.as_ptr(), first.cast(), len, 0, flags) };
        match filled {
            0 => Ok(()),
            _ => Err(PyErr::fetch(slf.py())),
        }
    }
}
