//! One instance of a kernel with its frame.

use std::ffi::{CStr, CString, c_char};
use std::fmt;
use std::mem::{align_of, size_of};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::pin::Pin;
use std::ptr::NonNull;

use cxx::UniquePtr;

use super::ffi::bridge;
use super::{ModelError, ModelLibrary};
use crate::frame::{AxiLite, AxiMaster, AxiStream, FRAME_ALIGN, FrameHeader};
use crate::interface::{Direction, Interfaces};

/// How an instance is made.
#[derive(Debug, Clone, Copy, Default)]
pub struct InstanceOptions {
    /// Seed of the values that registers and memories hold before they are reset or written.
    pub seed: u64,
}

/// Bits of the answer to a clock call (`cosim::Status`).
type Status = u32;
const MESSAGES: Status = 1;
const STOPPED: Status = 2;

/// An instance of a kernel, clocked by hand or by an [`Engine`](crate::Engine).
pub struct Model {
    // Before the library: it is deleted by code of the library.
    raw: UniquePtr<bridge::Model>,
    /// What `raw` points at: asking it costs two calls, on every clock.
    hot: NonNull<bridge::Model>,
    frame: Frame,
    interfaces: Interfaces,
    library: ModelLibrary,
}

// SAFETY: the C++ instance has no ties to the thread that made it (it names its context to the run-time
// library at the start of every call) and is reached through `&mut` only.
unsafe impl Send for Model {}

impl Model {
    pub(super) fn new(
        library: &ModelLibrary,
        kernel: &str,
        options: InstanceOptions,
    ) -> Result<Self, ModelError> {
        let mut raw = library
            .0
            .library
            .create(kernel, options.seed)
            .map_err(|error| ModelError::Instantiate {
                kernel: kernel.to_owned(),
                reason: error.to_string(),
                available: library.kernels().join(", "),
            })?;
        let invalid = |reason: String| ModelError::Description {
            kernel: kernel.to_owned(),
            reason,
        };
        // SAFETY: nothing is moved, only its address is taken.
        let hot = NonNull::from(unsafe { raw.pin_mut().get_unchecked_mut() });
        // SAFETY: describe() returns a literal of the library, which `library` keeps loaded.
        let text = unsafe { text(raw.describe()) };
        let interfaces: Interfaces =
            serde_json::from_str(&text).map_err(|error| invalid(error.to_string()))?;
        check_layout(&interfaces).map_err(invalid)?;
        Ok(Self {
            frame: Frame::new(interfaces.frame_size),
            raw,
            hot,
            interfaces,
            library: library.clone(),
        })
    }

    /// The kernel's ports.
    pub fn interfaces(&self) -> &Interfaces {
        &self.interfaces
    }

    /// The library that it is an instance of.
    pub fn library(&self) -> &ModelLibrary {
        &self.library
    }

    /// One bus cycle: the clocks in the bit mask `edges` (positions in
    /// [`Interfaces::clocks`]) rise while the inputs of the last call hold, then the frame's inputs are
    /// applied, the clocks fall, and the outputs are copied to the frame.
    ///
    /// # Errors
    ///
    /// [`ModelError::Stopped`] if the kernel ended the simulation; it cannot be clocked again.
    #[inline]
    pub fn clock(&mut self, edges: u32) -> Result<(), ModelError> {
        // SAFETY: `hot` is what `raw` owns, borrowed through `self` by nobody else, and never moved.
        let model = unsafe { Pin::new_unchecked(self.hot.as_mut()) };
        // SAFETY: the frame is as large as the model's own description says (checked in `new`), aligned,
        // and borrowed by nobody else.
        let status = unsafe { model.clock(self.frame.base().as_ptr(), edges) };
        if status == 0 {
            Ok(())
        } else {
            self.attend(status)
        }
    }

    #[cold]
    fn attend(&mut self, status: Status) -> Result<(), ModelError> {
        if status & MESSAGES != 0 {
            // SAFETY: the text is valid until the next call, and copied before it.
            let messages = unsafe { text(self.raw.pin_mut().messages()) };
            for line in messages.lines() {
                tracing::info!(kernel = self.interfaces.kernel, "{line}");
            }
        }
        if status & STOPPED != 0 {
            return Err(ModelError::Stopped {
                kernel: self.interfaces.kernel.clone(),
                reason: self.error(),
            });
        }
        Ok(())
    }

    /// Starts recording waves (FST) into `path`, which is replaced.
    ///
    /// # Errors
    ///
    /// If the model was built without waves, the file cannot be created, or waves are being recorded.
    pub fn trace_open(&mut self, path: &Path) -> Result<(), ModelError> {
        let name = c_path(path)?;
        // SAFETY: `name` outlives the call.
        let done = unsafe { self.raw.pin_mut().trace_open(name.as_ptr()) };
        self.done(done, || format!("record waves in {}", path.display()))
    }

    /// Ends recording; without effect if none is under way.
    ///
    /// # Errors
    ///
    /// If the file could not be completed.
    pub fn trace_close(&mut self) -> Result<(), ModelError> {
        let done = self.raw.pin_mut().trace_close();
        self.done(done, || "complete the waves".to_owned())
    }

    /// Writes the coverage counted so far, in Verilator's format, to `path`.
    ///
    /// # Errors
    ///
    /// If the model was built without coverage.
    pub fn write_coverage(&mut self, path: &Path) -> Result<(), ModelError> {
        let name = c_path(path)?;
        // SAFETY: `name` outlives the call.
        let done = unsafe { self.raw.pin_mut().coverage_write(name.as_ptr()) };
        self.done(done, || format!("write coverage to {}", path.display()))
    }

    /// The complete state of the kernel and its frame.
    ///
    /// # Errors
    ///
    /// If the model was built without save and restore.
    pub fn save(&mut self) -> Result<Vec<u8>, ModelError> {
        let mut size = 0;
        // SAFETY: `size` outlives the call.
        let data = unsafe { self.raw.pin_mut().save(&raw mut size) };
        self.done(!data.is_null(), || "save the state".to_owned())?;
        let mut bytes = self.frame.bytes().to_vec();
        // SAFETY: save() returned `size` valid bytes, which live until the next call.
        bytes.extend_from_slice(unsafe { std::slice::from_raw_parts(data, size) });
        Ok(bytes)
    }

    /// Returns to a state saved from an instance of the same model.
    ///
    /// # Errors
    ///
    /// If the bytes are not such a state; the instance must not be used any more then.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), ModelError> {
        let Some((frame, state)) = bytes.split_at_checked(self.frame.size) else {
            return self.done(false, || "restore a state that is too short".to_owned());
        };
        // SAFETY: `state` outlives the call.
        let done = unsafe { self.raw.pin_mut().restore(state.as_ptr(), state.len()) };
        self.done(done, || "restore the state".to_owned())?;
        self.frame.bytes_mut().copy_from_slice(frame);
        Ok(())
    }

    /// The value of an output port that belongs to no bus, its lowest 64 bits, after the last clock.
    ///
    /// # Errors
    ///
    /// [`ModelError::NoPort`] if there is none of that name.
    pub fn get(&self, port: &str) -> Result<u64, ModelError> {
        self.port(port, Direction::Output)
            .map(|offset| self.word(offset))
    }

    /// Drives an input port that belongs to no bus from the next clock on, its lowest 64 bits.
    ///
    /// # Errors
    ///
    /// [`ModelError::NoPort`] if there is none of that name.
    pub fn set(&mut self, port: &str, value: u64) -> Result<(), ModelError> {
        let offset = self.port(port, Direction::Input)?;
        self.set_word(offset, value);
        Ok(())
    }

    fn port(&self, name: &str, direction: Direction) -> Result<usize, ModelError> {
        match self.interfaces.port(name) {
            Some(port) if port.direction == direction => Ok(port.offset),
            _ => Err(ModelError::NoPort {
                kernel: self.interfaces.kernel.clone(),
                name: name.to_owned(),
                direction: if direction == Direction::Input {
                    "input"
                } else {
                    "output"
                },
            }),
        }
    }

    /// Start of the frame; each interface lies at its offset, checked in `new`.
    #[inline(always)]
    pub(crate) fn frame(&mut self) -> NonNull<u8> {
        self.frame.base()
    }

    /// The value of the port at `offset` of the frame, its lowest 64 bits.
    #[inline(always)]
    pub(crate) fn word(&self, offset: usize) -> u64 {
        let bytes = &self.frame.bytes()[offset..offset + 8];
        u64::from_le_bytes(bytes.try_into().expect("8 bytes"))
    }

    /// Sets the lowest 64 bits of the port at `offset` of the frame, applied at the next clock.
    pub(crate) fn set_word(&mut self, offset: usize, value: u64) {
        self.frame.bytes_mut()[offset..offset + 8].copy_from_slice(&value.to_le_bytes());
    }

    fn error(&self) -> String {
        // SAFETY: the text is valid until the next call, and copied before it.
        unsafe { text(self.raw.error()) }
    }

    fn done(&self, done: bool, action: impl FnOnce() -> String) -> Result<(), ModelError> {
        if done {
            return Ok(());
        }
        Err(ModelError::Service {
            kernel: self.interfaces.kernel.clone(),
            action: action(),
            reason: self.error(),
        })
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model")
            .field("kernel", &self.interfaces.kernel)
            .finish_non_exhaustive()
    }
}

/// # Safety
///
/// `text` must point at a zero-terminated string.
unsafe fn text(text: *const c_char) -> String {
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(text) }
        .to_string_lossy()
        .into_owned()
}

fn c_path(path: &Path) -> Result<CString, ModelError> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| ModelError::Path(path.to_owned()))
}

/// Every structure must lie inside the frame, aligned, and none over another: bus models reach them through
/// raw pointers.
fn check_layout(interfaces: &Interfaces) -> Result<(), String> {
    let mut spans = vec![(
        0,
        size_of::<FrameHeader>(),
        align_of::<FrameHeader>(),
        "header",
    )];
    for master in &interfaces.masters {
        spans.push((
            master.offset,
            size_of::<AxiMaster>(),
            FRAME_ALIGN,
            &master.name,
        ));
        if !(master.data_width.is_power_of_two() && (32..=1024).contains(&master.data_width)) {
            return Err(format!(
                "`{}` is {} bits wide",
                master.name, master.data_width
            ));
        }
    }
    for slave in &interfaces.slaves {
        spans.push((
            slave.offset,
            size_of::<AxiMaster>(),
            FRAME_ALIGN,
            &slave.name,
        ));
        if !(slave.data_width.is_power_of_two() && (32..=1024).contains(&slave.data_width)) {
            return Err(format!(
                "`{}` is {} bits wide",
                slave.name, slave.data_width
            ));
        }
    }
    for lite in &interfaces.lites {
        spans.push((lite.offset, size_of::<AxiLite>(), FRAME_ALIGN, &lite.name));
    }
    for stream in &interfaces.streams {
        spans.push((
            stream.offset,
            size_of::<AxiStream>(),
            FRAME_ALIGN,
            &stream.name,
        ));
    }
    for port in &interfaces.ports {
        spans.push((
            port.offset,
            port.width.div_ceil(64) as usize * 8,
            8,
            &port.name,
        ));
    }
    spans.sort_unstable();
    let mut end = 0;
    for (offset, size, align, name) in spans {
        let stop = offset
            .checked_add(size)
            .filter(|stop| *stop <= interfaces.frame_size);
        match stop {
            Some(stop) if offset >= end && offset % align == 0 => end = stop,
            _ => return Err(format!("`{name}` does not fit the frame")),
        }
    }
    match interfaces
        .ports
        .iter()
        .find(|port| port.direction == Direction::Input && port.width == 0)
    {
        Some(port) => Err(format!("`{}` has no bits", port.name)),
        None => Ok(()),
    }
}

/// A zeroed, 64-byte aligned buffer.
struct Frame {
    lines: Box<[Line]>,
    size: usize,
}

#[repr(C, align(64))]
#[derive(Clone, Copy)]
struct Line([u8; FRAME_ALIGN]);

impl Frame {
    fn new(size: usize) -> Self {
        Self {
            lines: vec![Line([0; FRAME_ALIGN]); size.div_ceil(FRAME_ALIGN).max(1)].into(),
            size,
        }
    }

    #[inline(always)]
    fn base(&mut self) -> NonNull<u8> {
        NonNull::from(&mut *self.lines).cast()
    }

    #[inline(always)]
    fn bytes(&self) -> &[u8] {
        // SAFETY: the lines are plain bytes, and there are at least `size` of them.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.size) }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`, and borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.size) }
    }
}
