// One of several processes on one card: its results stay right, whatever the others do.
#include "check.hpp"

#include <cstring>
#include <unistd.h>

#include <xrt/xrt_bo.h>
#include <xrt/xrt_device.h>
#include <xrt/xrt_kernel.h>

int main(int, char** arguments) {
  Input input(arguments);
  xrt::device device(0);
  auto uuid = device.load_xclbin(input.image);
  xrt::kernel kernel(device, uuid, "tcp_validator");
  xrt::bo in(device, input.descriptors.size(), kernel.group_id(0));
  xrt::bo out(device, input.count, kernel.group_id(1));
  for (int round = 0; round < 50; ++round) {
    // Each process has descriptors of its own: rotated by its number and the round.
    auto first = static_cast<uint32_t>(getpid() + round) % input.count;
    auto bytes = in.map<uint8_t*>();
    Bytes expected(input.count);
    for (uint32_t index = 0; index < input.count; ++index) {
      auto from = (first + index) % input.count;
      std::memcpy(bytes + index * descriptor_bytes, input.descriptors.data() + from * descriptor_bytes, descriptor_bytes);
      expected[index] = input.verdicts_wide[from];
    }
    in.sync(XCL_BO_SYNC_BO_TO_DEVICE);
    CHECK(kernel(in, out, input.count, wide_options).wait() == ERT_CMD_STATE_COMPLETED);
    out.sync(XCL_BO_SYNC_BO_FROM_DEVICE);
    CHECK(std::memcmp(out.map<void*>(), expected.data(), input.count) == 0);
  }
  return 0;
}
