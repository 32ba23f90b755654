//! The installed XRT's C interface, opened at run time: programs need no XRT to be built, and none to run on other cards.
//!
//! Functions and types are those of `xrt/xrt_device.h`, `xrt_bo.h` and `xrt_kernel.h`. All handles are pointers.

use std::ffi::{CString, c_char, c_int, c_uint, c_void};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use libloading::Library;
use uuid::Uuid;

use crate::backend::polled_unit::Registers;

/// The library's name since XRT 2.0.
const NAME: &str = "libxrt_coreutil.so.2";

/// `XILINX_XRT`: XRT finds its own parts by it, and refuses to work without.
pub(super) const HOME_VARIABLE: &str = "XILINX_XRT";

/// A handle of XRT's; null if there is none.
type Handle = *mut c_void;

/// Declares the functions used, and finds them by name.
macro_rules! functions {
    ($($name:ident: fn($($argument:ty),*) $(-> $result:ty)?;)*) => {
        #[allow(non_snake_case, reason = "XRT's own names")]
        #[derive(Debug)]
        struct Functions {
            $($name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)*
        }

        impl Functions {
            fn find(library: &Library) -> Result<Self, libloading::Error> {
                Ok(Self {
                    // SAFETY: the types are those of XRT's headers; the library stays loaded, see `Xrt`.
                    $($name: *unsafe { library.get(concat!(stringify!($name), "\0").as_bytes()) }?,)*
                })
            }
        }
    };
}

functions! {
    xrtDeviceOpen: fn(c_uint) -> Handle;
    xrtDeviceOpenByBDF: fn(*const c_char) -> Handle;
    xrtDeviceClose: fn(Handle) -> c_int;
    xrtDeviceLoadXclbin: fn(Handle, *const c_void) -> c_int;
    xrtDeviceGetXclbinUUID: fn(Handle, *mut [u8; 16]) -> c_int;
    xrtBOAlloc: fn(Handle, usize, u64, u32) -> Handle;
    xrtBOFree: fn(Handle) -> c_int;
    xrtBOAddress: fn(Handle) -> u64;
    xrtBOMap: fn(Handle) -> *mut c_void;
    xrtBOSync: fn(Handle, c_int, usize, usize) -> c_int;
    xrtBOCopy: fn(Handle, Handle, usize, usize, usize) -> c_int;
    xrtPLKernelOpenExclusive: fn(Handle, *const [u8; 16], *const c_char) -> Handle;
    xrtKernelReadRegister: fn(Handle, u32, *mut u32) -> c_int;
    xrtKernelWriteRegister: fn(Handle, u32, u32) -> c_int;
    xrtKernelClose: fn(Handle) -> c_int;
}

/// `XCL_BO_SYNC_BO_TO_DEVICE` and `XCL_BO_SYNC_BO_FROM_DEVICE`.
const TO_DEVICE: c_int = 0;
const FROM_DEVICE: c_int = 1;

/// `XRT_BO_FLAGS_NONE`: memory on the host and on the card.
const NORMAL: u64 = 0;

/// The library, once it is loaded.
#[derive(Debug)]
struct Xrt {
    functions: Functions,
    /// Never unloaded: it has threads and ends of its own.
    _library: Library,
}

fn xrt() -> Result<&'static Xrt, String> {
    static XRT: OnceLock<Result<Xrt, String>> = OnceLock::new();
    XRT.get_or_init(|| {
        let home = std::env::var_os(HOME_VARIABLE).filter(|home| !home.is_empty());
        let beside = home.map(|home| PathBuf::from(home).join("lib").join(NAME));
        // SAFETY: XRT's library; what it does when it is loaded is meant for every program.
        let load = |name: &std::ffi::OsStr| unsafe { Library::new(name) };
        let library = beside
            .filter(|path| path.exists())
            .map_or_else(|| load(NAME.as_ref()), |path| load(path.as_os_str()))
            .map_err(|error| error.to_string())?;
        let functions = Functions::find(&library).map_err(|error| error.to_string())?;
        Ok(Xrt {
            functions,
            _library: library,
        })
    })
    .as_ref()
    .map_err(Clone::clone)
}

/// What XRT left in `errno`; its own message goes where `xrt.ini` says, by default to standard error.
fn failure() -> io::Error {
    io::Error::last_os_error()
}

fn checked(result: c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(failure()) }
}

fn handle(handle: Handle) -> io::Result<Handle> {
    if handle.is_null() {
        Err(failure())
    } else {
        Ok(handle)
    }
}

/// An open device. Closed on drop; buffers and kernels keep it open.
#[derive(Debug)]
pub(super) struct Device {
    handle: Handle,
    xrt: &'static Functions,
}

// SAFETY: XRT's handles are indices into tables that it guards with mutexes of its own.
unsafe impl Send for Device {}
// SAFETY: as above.
unsafe impl Sync for Device {}

/// How a device is named.
#[derive(Debug, Clone)]
pub(super) enum Address {
    /// By its PCIe address.
    Pcie(String),
    /// By XRT's own index.
    Index(u16),
}

/// Why there is no device.
#[derive(Debug)]
pub(super) enum OpenError {
    /// XRT itself cannot be loaded.
    Library(String),
    /// XRT has no such device, or cannot use it.
    Device(io::Error),
}

impl Device {
    pub(super) fn open(address: &Address) -> Result<Arc<Self>, OpenError> {
        let xrt = &xrt().map_err(OpenError::Library)?.functions;
        let opened = match address {
            // SAFETY: a plain call.
            Address::Index(index) => unsafe { (xrt.xrtDeviceOpen)(c_uint::from(*index)) },
            Address::Pcie(address) => {
                let address = CString::new(address.as_str()).map_err(|error| {
                    OpenError::Device(io::Error::new(io::ErrorKind::InvalidInput, error))
                })?;
                // SAFETY: the text ends with a null and lives through the call.
                unsafe { (xrt.xrtDeviceOpenByBDF)(address.as_ptr()) }
            }
        };
        let handle = handle(opened).map_err(OpenError::Device)?;
        Ok(Arc::new(Self { handle, xrt }))
    }

    /// Loads an image, a whole axlf.
    pub(super) fn load(&self, image: &[u8]) -> io::Result<()> {
        // SAFETY: the bytes are an axlf that was parsed, whose own length field is the slice's; XRT copies it.
        checked(unsafe { (self.xrt.xrtDeviceLoadXclbin)(self.handle, image.as_ptr().cast()) })
    }

    /// The loaded image; `None` if there is none, or XRT does not know.
    pub(super) fn image(&self) -> Option<Uuid> {
        let mut uuid = [0; 16];
        // SAFETY: the answer has 16 bytes, as `xuid_t` has.
        checked(unsafe { (self.xrt.xrtDeviceGetXclbinUUID)(self.handle, &raw mut uuid) }).ok()?;
        Some(Uuid::from_bytes(uuid)).filter(|uuid| !uuid.is_nil())
    }

    /// A buffer in a bank.
    pub(super) fn allocate(self: &Arc<Self>, bank: u32, len: usize) -> io::Result<BufferObject> {
        // SAFETY: plain calls; the map is as long as the buffer, which is freed when it is dropped.
        unsafe {
            let buffer = handle((self.xrt.xrtBOAlloc)(self.handle, len, NORMAL, bank))?;
            let mut object = BufferObject {
                handle: buffer,
                host: std::ptr::null_mut(),
                address: (self.xrt.xrtBOAddress)(buffer),
                len,
                device: Arc::clone(self),
            };
            object.host = handle((self.xrt.xrtBOMap)(buffer))?.cast();
            Ok(object)
        }
    }

    /// A compute unit, for this program alone, so that its registers may be used.
    pub(super) fn open_unit(self: &Arc<Self>, image: Uuid, name: &str) -> io::Result<ComputeUnit> {
        let name = CString::new(name)?;
        let uuid = image.into_bytes();
        // SAFETY: both live through the call, and the text ends with a null.
        let opened = unsafe {
            (self.xrt.xrtPLKernelOpenExclusive)(self.handle, &raw const uuid, name.as_ptr())
        };
        Ok(ComputeUnit {
            handle: handle(opened)?,
            device: Arc::clone(self),
        })
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        // SAFETY: the handle is open, and nobody has it after this.
        let closed = checked(unsafe { (self.xrt.xrtDeviceClose)(self.handle) });
        if let Err(error) = closed {
            tracing::warn!(%error, "XRT could not close the device");
        }
    }
}

/// Memory on the card with its side on the host. Freed on drop.
#[derive(Debug)]
pub(super) struct BufferObject {
    handle: Handle,
    host: *mut u8,
    address: u64,
    len: usize,
    device: Arc<Device>,
}

// SAFETY: as for the device; the host's side is used under the backend's lock for each buffer.
unsafe impl Send for BufferObject {}

impl BufferObject {
    /// Address of its first byte on the card.
    pub(super) fn address(&self) -> u64 {
        self.address
    }

    /// Length in bytes.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Copies bytes to the card. `offset` and the length are within the buffer.
    pub(super) fn write(&mut self, offset: usize, bytes: &[u8]) -> io::Result<()> {
        assert!(offset + bytes.len() <= self.len);
        // SAFETY: within the map, as was just checked, which nobody else uses meanwhile: this is `&mut`.
        unsafe {
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.host.add(offset), bytes.len());
        }
        self.sync(TO_DEVICE, offset, bytes.len())
    }

    /// Copies bytes from the card. `offset` and the length are within the buffer.
    pub(super) fn read(&mut self, offset: usize, bytes: &mut [u8]) -> io::Result<()> {
        assert!(offset + bytes.len() <= self.len);
        self.sync(FROM_DEVICE, offset, bytes.len())?;
        // SAFETY: as in `write`.
        unsafe {
            std::ptr::copy_nonoverlapping(self.host.add(offset), bytes.as_mut_ptr(), bytes.len());
        }
        Ok(())
    }

    fn sync(&self, direction: c_int, offset: usize, len: usize) -> io::Result<()> {
        if len == 0 {
            return Ok(());
        }
        // SAFETY: the handle is open.
        checked(unsafe { (self.device.xrt.xrtBOSync)(self.handle, direction, len, offset) })
    }

    /// Copies bytes of another buffer within the card.
    pub(super) fn copy_from(
        &mut self,
        offset: usize,
        source: &Self,
        source_offset: usize,
        len: usize,
    ) -> io::Result<()> {
        // SAFETY: both handles are open; XRT checks the ranges.
        checked(unsafe {
            (self.device.xrt.xrtBOCopy)(self.handle, source.handle, len, offset, source_offset)
        })
    }
}

impl Drop for BufferObject {
    fn drop(&mut self) {
        // SAFETY: the handle is open, and nobody has it after this.
        let _ = unsafe { (self.device.xrt.xrtBOFree)(self.handle) };
    }
}

/// The registers of a compute unit. Closed on drop.
#[derive(Debug)]
pub(super) struct ComputeUnit {
    handle: Handle,
    device: Arc<Device>,
}

// SAFETY: as for the device.
unsafe impl Send for ComputeUnit {}

impl Registers for ComputeUnit {
    fn read(&self, offset: u32) -> io::Result<u32> {
        let mut value = 0;
        // SAFETY: the handle is open, and the answer has a place.
        checked(unsafe {
            (self.device.xrt.xrtKernelReadRegister)(self.handle, offset, &raw mut value)
        })?;
        Ok(value)
    }

    fn write(&self, offset: u32, value: u32) -> io::Result<()> {
        // SAFETY: the handle is open.
        checked(unsafe { (self.device.xrt.xrtKernelWriteRegister)(self.handle, offset, value) })
    }
}

impl Drop for ComputeUnit {
    fn drop(&mut self) {
        // SAFETY: the handle is open, and nobody has it after this.
        let _ = unsafe { (self.device.xrt.xrtKernelClose)(self.handle) };
    }
}

/// Whether XRT's library is here, without loading it into the process: `XILINX_XRT` names a place that has it.
pub(crate) fn is_installed() -> bool {
    std::env::var_os(HOME_VARIABLE)
        .is_some_and(|home| PathBuf::from(home).join("lib").join(NAME).exists())
}
