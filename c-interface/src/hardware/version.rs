//! Which library this is.

use std::ffi::{CStr, c_char};

/// Version of this header.
pub const TCP_VERSION_MAJOR: u32 = 0;
/// Version of this header.
pub const TCP_VERSION_MINOR: u32 = 1;
/// Version of this header.
pub const TCP_VERSION_PATCH: u32 = 0;

const TEXT: &CStr =
    match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(text) => text,
        Err(_) => panic!("a version has no null"),
    };

/// The library's version, "0.1.0". Never to be freed.
#[unsafe(no_mangle)]
pub extern "C" fn tcp_version() -> *const c_char {
    TEXT.as_ptr()
}

/// The library's version as a number: major << 16 | minor << 8 | patch.
#[unsafe(no_mangle)]
pub extern "C" fn tcp_version_number() -> u32 {
    TCP_VERSION_MAJOR << 16 | TCP_VERSION_MINOR << 8 | TCP_VERSION_PATCH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_has_the_version_of_the_package() {
        let header = format!("{TCP_VERSION_MAJOR}.{TCP_VERSION_MINOR}.{TCP_VERSION_PATCH}");
        assert_eq!(TEXT.to_str(), Ok(header.as_str()));
    }
}
