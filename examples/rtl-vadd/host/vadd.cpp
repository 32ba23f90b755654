// Vector addition through XRT's native C++ interface.
//
//   vadd_cpp [-x vadd.xclbin] [-d DEVICE]     DEVICE: an index, or a PCIe address

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>

#include <unistd.h>

#include <xrt/xrt_bo.h>
#include <xrt/xrt_device.h>
#include <xrt/xrt_kernel.h>

static constexpr uint32_t count = 10007;  // not a multiple of what fits in a beat

static void run(const std::string& device_name, const std::string& xclbin) {
  xrt::device device(device_name);
  const auto uuid = device.load_xclbin(xclbin);
  xrt::kernel vadd(device, uuid, "vadd");

  // Each array where its argument's port reaches it.
  const size_t bytes = count * sizeof(int32_t);
  xrt::bo a(device, bytes, vadd.group_id(0));
  xrt::bo b(device, bytes, vadd.group_id(1));
  xrt::bo c(device, bytes, vadd.group_id(2));
  auto* in_a = a.map<int32_t*>();
  auto* in_b = b.map<int32_t*>();
  for (uint32_t i = 0; i < count; ++i) {
    in_a[i] = static_cast<int32_t>(i * 3);
    in_b[i] = 1000000 - static_cast<int32_t>(i);
  }
  a.sync(XCL_BO_SYNC_BO_TO_DEVICE);
  b.sync(XCL_BO_SYNC_BO_TO_DEVICE);

  auto execution = vadd(a, b, c, count);
  const auto state = execution.wait(60000);
  if (state != ERT_CMD_STATE_COMPLETED)
    throw std::runtime_error("the kernel ended in state " + std::to_string(state));

  c.sync(XCL_BO_SYNC_BO_FROM_DEVICE);
  const auto* sums = c.map<const int32_t*>();
  for (uint32_t i = 0; i < count; ++i)
    if (sums[i] != in_a[i] + in_b[i])
      throw std::runtime_error("c[" + std::to_string(i) + "] is " + std::to_string(sums[i]) + ", not " +
                               std::to_string(in_a[i] + in_b[i]));
}

int main(int argc, char** argv) {
  std::string xclbin = "vadd.xclbin";
  std::string device = "0";
  for (int option; (option = getopt(argc, argv, "x:d:")) != -1;) {
    if (option == 'x')
      xclbin = optarg;
    else if (option == 'd')
      device = optarg;
    else
      return EXIT_FAILURE;
  }
  try {
    run(device, xclbin);
  } catch (const std::exception& error) {
    std::cerr << "FAILED: " << error.what() << '\n';
    return EXIT_FAILURE;
  }
  std::cout << "C++: " << count << " sums are right\n";
}
