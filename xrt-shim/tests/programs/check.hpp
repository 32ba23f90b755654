// A failed check ends the program with its place. The descriptors and their verdicts come from the test, in files.
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#define CHECK(condition)                                                          \
  do {                                                                            \
    if (!(condition)) {                                                           \
      std::fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
      std::exit(1);                                                               \
    }                                                                             \
  } while (0)

// Whether the call throws.
template <typename Call>
bool throws(Call call) {
  try {
    call();
    return false;
  } catch (const std::exception&) {
    return true;
  }
}

using Bytes = std::vector<uint8_t>;

inline Bytes read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  CHECK(file.good());
  return {std::istreambuf_iterator<char>(file), {}};
}

// What the test gives a program: an image with two compute units, another image, descriptors, their verdicts with the
// options that the profile "wide" has, and with options 0.
struct Input {
  std::string image, other_image;
  Bytes descriptors, verdicts_wide, verdicts_compact;
  uint32_t count;

  explicit Input(char** arguments)
      : image(arguments[1]), other_image(arguments[2]), descriptors(read_file(arguments[3])),
        verdicts_wide(read_file(arguments[4])), verdicts_compact(read_file(arguments[5])),
        count(static_cast<uint32_t>(verdicts_wide.size())) {}
};

constexpr uint32_t descriptor_bytes = 24;
constexpr uint32_t wide_options = 5;
// A run of that many descriptors takes the simulation seconds.
constexpr uint32_t long_count = 40'000'000;
