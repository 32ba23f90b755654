// Opens the files that are built into the object before those of whoever runs it: the linker sends every fopen here.
#include "cosim_files.h"

#include <cstdio>
#include <cstring>

namespace cosim {
namespace {

const char* base_name(const char* path) {
    const char* slash = std::strrchr(path, '/');
    return slash ? slash + 1 : path;
}

const DataFile* find(const char* path) {
    for (size_t i = 0; i < DATA_FILE_COUNT; ++i) {
        if (std::strcmp(DATA_FILES[i].name, path) == 0) return &DATA_FILES[i];
    }
    // Paths that a kernel puts together at run time.
    for (size_t i = 0; i < DATA_FILE_COUNT; ++i) {
        if (std::strcmp(base_name(DATA_FILES[i].name), base_name(path)) == 0) return &DATA_FILES[i];
    }
    return nullptr;
}

}  // namespace
}  // namespace cosim

extern "C" FILE* __real_fopen(const char* path, const char* mode);

extern "C" FILE* __wrap_fopen(const char* path, const char* mode) {
    const bool reads = mode[0] == 'r' && !std::strchr(mode, '+');
    const cosim::DataFile* file = reads ? cosim::find(path) : nullptr;
    if (!file) return __real_fopen(path, mode);
    return fmemopen(const_cast<char*>(file->begin), file->end - file->begin, "r");
}
