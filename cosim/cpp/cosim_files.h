// The files that a kernel reads ($readmemh, $readmemb, $fopen), as they are built into its object.
#pragma once
#include <cstddef>

namespace cosim {

struct DataFile {
    const char* name;  // as the kernel opens it
    const char* begin;
    const char* end;
};
extern const DataFile DATA_FILES[];
extern const size_t DATA_FILE_COUNT;

}  // namespace cosim
