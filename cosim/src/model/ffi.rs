//! The C++ boundary: `cpp/cosim_model.h` and `cpp/loader.h` as Rust sees them.

// The macro repeats what is private here as `pub`.
#[allow(unreachable_pub)]
#[cxx::bridge(namespace = "cosim")]
pub(crate) mod bridge {
    unsafe extern "C++" {
        include!("cosim/cpp/loader.h");

        type Library;
        fn open_library(path: &str) -> Result<UniquePtr<Library>>;
        fn is_loaded(path: &str) -> bool;
        fn kernels(self: &Library) -> String;
        fn create(self: &Library, kernel: &str, seed: u64) -> Result<UniquePtr<Model>>;

        type Model;
        fn describe(self: &Model) -> *const c_char;
        unsafe fn clock(self: Pin<&mut Model>, frame: *mut u8, edges: u32) -> u32;
        fn messages(self: Pin<&mut Model>) -> *const c_char;
        fn error(self: &Model) -> *const c_char;
        unsafe fn trace_open(self: Pin<&mut Model>, path: *const c_char) -> bool;
        fn trace_close(self: Pin<&mut Model>) -> bool;
        unsafe fn coverage_write(self: Pin<&mut Model>, path: *const c_char) -> bool;
        unsafe fn save(self: Pin<&mut Model>, size: *mut usize) -> *const u8;
        unsafe fn restore(self: Pin<&mut Model>, data: *const u8, size: usize) -> bool;
    }
}
