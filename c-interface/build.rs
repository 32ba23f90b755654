//! What the shared library's linker is told. Its SONAME: programs ask the loader for `libtcp_hardware.so.N`, and N changes
//! when programs that were linked before could not use the library any more. And that it exports nothing of the libraries
//! inside it, whose names (of the C++ bridge) must not meet those of a program that has the same ones. And that it stays when a
//! program unloads it: threads of its own may be running in it.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let interface = std::env::var("CARGO_PKG_VERSION_MAJOR").expect("cargo sets it");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libtcp_hardware.so.{interface}");
    println!("cargo:rustc-cdylib-link-arg=-Wl,--exclude-libs,ALL");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
