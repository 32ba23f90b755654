//! Functions for what our cards do not have. XRT looks them up by name and some programs call them; they say so.

use super::Handle;

macro_rules! not_here {
    ($($(#[$documentation:meta])* $name:ident($($argument:ident: $type:ty),*);)*) => {$(
        $(#[$documentation])*
        #[unsafe(no_mangle)]
        pub extern "C" fn $name(_handle: Handle, $($argument: $type),*) -> i32 {
            $(let _ = $argument;)*
            -libc::EOPNOTSUPP
        }
    )*};
}

not_here! {
    /// The clock is the image's.
    xclReClock2(region: u16, frequencies: *const u16);
    /// The card's memory is on no PCI bus; buffers with `XCL_BO_FLAGS_P2P` work without.
    xclP2pEnable(enable: bool, force: bool);
    /// Flashing.
    xclUpgradeFirmware(file: *const std::ffi::c_char);
    /// User interrupts.
    xclRegisterInterruptNotify(interrupt: u32, descriptor: i32);
    /// What the card's firmware found wrong.
    xclGetErrorStatus(info: *mut std::ffi::c_void);
    /// Usage of its memory and DMA engines.
    xclGetUsageInfo(info: *mut std::ffi::c_void);
}

/// Locking is by contexts; XRT's driver answers 0 too.
#[unsafe(no_mangle)]
pub extern "C" fn xclLockDevice(_handle: Handle) -> i32 {
    0
}

/// As [`xclLockDevice`].
#[unsafe(no_mangle)]
pub extern "C" fn xclUnlockDevice(_handle: Handle) -> i32 {
    0
}

/// There are no debug IPs to read: 0 bytes.
#[unsafe(no_mangle)]
pub extern "C" fn xclDebugReadIPStatus(
    _handle: Handle,
    _kind: i32,
    _results: *mut std::ffi::c_void,
) -> usize {
    0
}
