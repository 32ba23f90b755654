// Loads a model's shared object into the engine's process.
#pragma once

#include <memory>
#include <string>

#include "cosim_model.h"
#include "rust/cxx.h"

namespace cosim {

// A loaded shared object. Instances must be deleted before it is.
class Library {
public:
    // Takes the handle over.
    explicit Library(void* handle);
    ~Library();
    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;

    rust::String kernels() const;
    std::unique_ptr<Model> create(rust::Str kernel, uint64_t seed) const;

private:
    void* handle_;
    decltype(&cosim_kernels) kernels_;
    decltype(&cosim_create) create_;
};

// Throws with the reason. Nothing of the object becomes visible to others.
std::unique_ptr<Library> open_library(rust::Str path);

// Whether an object of that path is still mapped; the system may keep one after it was closed, and a later
// object of the same path would then be taken for it.
bool is_loaded(rust::Str path);

}  // namespace cosim
