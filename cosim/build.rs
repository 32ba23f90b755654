//! Compiles the C++ side of the model loader, which only the engine needs.

fn main() {
    println!("cargo::rerun-if-changed=cpp");
    println!("cargo::rerun-if-changed=src/model/ffi.rs");
    #[cfg(feature = "engine")]
    cxx_build::bridge("src/model/ffi.rs")
        .file("cpp/loader.cpp")
        .std("c++17")
        .compile("cosim_loader");
}
