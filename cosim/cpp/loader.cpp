#include "cosim/cpp/loader.h"

#include <dlfcn.h>

#include <stdexcept>

namespace cosim {
namespace {

template <class Function>
Function find(void* handle, const char* name) {
    void* const symbol = dlsym(handle, name);
    if (!symbol) throw std::runtime_error{std::string{"it is no model: it does not export "} + name};
    return reinterpret_cast<Function>(symbol);
}

}  // namespace

Library::Library(void* handle) : handle_{handle} {
    try {
        const uint32_t version = find<decltype(&cosim_abi_version)>(handle, "cosim_abi_version")();
        if (version != ABI_VERSION) {
            throw std::runtime_error{"it has interface version " + std::to_string(version) + ", this program " +
                                     std::to_string(ABI_VERSION) + "; build the model again"};
        }
        kernels_ = find<decltype(&cosim_kernels)>(handle, "cosim_kernels");
        create_ = find<decltype(&cosim_create)>(handle, "cosim_create");
    } catch (...) {
        dlclose(handle);
        throw;
    }
}

Library::~Library() { dlclose(handle_); }

rust::String Library::kernels() const { return rust::String::lossy(kernels_()); }

std::unique_ptr<Model> Library::create(rust::Str kernel, uint64_t seed) const {
    char error[1024] = "";
    const Options options{seed};
    Model* const model = create_(std::string{kernel}.c_str(), &options, error, sizeof(error));
    if (!model) throw std::runtime_error{error};
    return std::unique_ptr<Model>{model};
}

std::unique_ptr<Library> open_library(rust::Str path) {
    const std::string name{path};
    void* const handle = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        const char* const reason = dlerror();
        throw std::runtime_error{reason ? reason : "unknown reason"};
    }
    return std::make_unique<Library>(handle);
}

bool is_loaded(rust::Str path) {
    void* const handle = dlopen(std::string{path}.c_str(), RTLD_NOW | RTLD_NOLOAD);
    if (handle) dlclose(handle);
    return handle != nullptr;
}

}  // namespace cosim
