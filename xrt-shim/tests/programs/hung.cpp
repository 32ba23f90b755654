// A kernel that hangs: a wait with a timeout, abort, and the run after it; and the watchdog, when nobody aborts.
#include "check.hpp"

#include <chrono>

#include <xrt/xrt_device.h>
#include <xrt/xrt_kernel.h>

using namespace std::chrono_literals;

int main(int, char** arguments) {
  xrt::device device(0);
  auto uuid = device.load_xclbin(arguments[1]);
  xrt::kernel kernel(device, uuid, "hang");
  CHECK(kernel(50).wait() == ERT_CMD_STATE_COMPLETED);
  auto hung = kernel(0);
  CHECK(hung.wait(1ms) == ERT_CMD_STATE_TIMEOUT);
  CHECK(hung.state() == ERT_CMD_STATE_RUNNING);
  CHECK(hung.abort() == ERT_CMD_STATE_ABORT);
  CHECK(kernel(50).wait() == ERT_CMD_STATE_COMPLETED);
  CHECK(kernel(0).wait() == ERT_CMD_STATE_ERROR);
  return 0;
}
