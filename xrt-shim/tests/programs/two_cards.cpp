// Two cards in one program: each its own memory, and a copy from one to the other.
#include "check.hpp"

#include <cstring>

#include <xrt/xrt_bo.h>
#include <xrt/xrt_device.h>
#include <xrt/xrt_kernel.h>

int main(int, char** arguments) {
  Input input(arguments);
  xrt::device devices[] = {xrt::device(0), xrt::device(1)};
  CHECK(throws([] { xrt::device(2); }));
  xrt::uuid uuids[] = {devices[0].load_xclbin(input.image), devices[1].load_xclbin(input.image)};
  xrt::kernel kernels[] = {{devices[0], uuids[0], "tcp_validator"}, {devices[1], uuids[1], "tcp_validator"}};

  // The descriptors go to the second card by way of the first.
  xrt::bo there(devices[0], input.descriptors.size(), kernels[0].group_id(0));
  there.write(input.descriptors.data());
  there.sync(XCL_BO_SYNC_BO_TO_DEVICE);
  xrt::bo here(devices[1], input.descriptors.size(), kernels[1].group_id(0));
  here.copy(there);
  xrt::bo outs[] = {{devices[0], input.count, kernels[0].group_id(1)}, {devices[1], input.count, kernels[1].group_id(1)}};
  xrt::run runs[] = {kernels[0](there, outs[0], input.count, wide_options),
                     kernels[1](here, outs[1], input.count, wide_options)};
  for (int card : {1, 0}) {
    CHECK(runs[card].wait() == ERT_CMD_STATE_COMPLETED);
    outs[card].sync(XCL_BO_SYNC_BO_FROM_DEVICE);
    CHECK(std::memcmp(outs[card].map<void*>(), input.verdicts_wide.data(), input.count) == 0);
  }
  return 0;
}
