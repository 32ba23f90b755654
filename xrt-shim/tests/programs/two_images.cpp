// Two processes that want different images on one card: the second is told that the card is busy, may share what is
// loaded, and has its turn when the first is gone.
#include "check.hpp"

#include <cerrno>
#include <system_error>

#include <sys/wait.h>
#include <unistd.h>

#include <xrt/xrt_device.h>

// What loading says: 0, or the error's number.
static int load(const std::string& image) {
  try {
    xrt::device(0).load_xclbin(image);
    return 0;
  } catch (const std::system_error& error) {
    return error.code().value();
  }
}

int main(int, char** arguments) {
  Input input(arguments);
  int loaded[2], ended[2];
  CHECK(pipe(loaded) == 0 && pipe(ended) == 0);
  char signal = 0;
  pid_t first = fork();
  if (first == 0) {
    xrt::device device(0);
    device.load_xclbin(input.image);
    CHECK(write(loaded[1], &signal, 1) == 1);
    CHECK(read(ended[0], &signal, 1) == 1);
    return 0;
  }
  CHECK(read(loaded[0], &signal, 1) == 1);
  CHECK(load(input.other_image) == EBUSY);
  CHECK(load(input.image) == 0);
  CHECK(write(ended[1], &signal, 1) == 1);
  int status = 0;
  CHECK(waitpid(first, &status, 0) == first && status == 0);
  CHECK(load(input.other_image) == 0);
  return 0;
}
