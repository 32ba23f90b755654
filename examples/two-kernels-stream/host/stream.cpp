// Two kernels joined by a stream, through XRT's native C++ interface: both run at once.
//
//   stream_cpp [-x stream.xclbin] [-d DEVICE]

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>

#include <unistd.h>

#include <xrt/xrt_bo.h>
#include <xrt/xrt_device.h>
#include <xrt/xrt_kernel.h>

static constexpr uint32_t count = 4096;

static void await(xrt::run& run, const char* kernel) {
  if (run.wait(60000) != ERT_CMD_STATE_COMPLETED)
    throw std::runtime_error(std::string(kernel) + " did not end");
}

static void run(const std::string& device_name, const std::string& xclbin) {
  xrt::device device(device_name);
  const auto uuid = device.load_xclbin(xclbin);
  xrt::kernel produce(device, uuid, "produce");
  xrt::kernel consume(device, uuid, "consume");
  xrt::bo source(device, count * sizeof(uint32_t), produce.group_id(0));
  xrt::bo target(device, count * sizeof(uint32_t), consume.group_id(0));
  auto* words = source.map<uint32_t*>();
  for (uint32_t i = 0; i < count; ++i)
    words[i] = i * i;
  source.sync(XCL_BO_SYNC_BO_TO_DEVICE);

  // The consumer waits for words; the stream holds the producer back when the consumer is busy.
  auto consuming = consume(target, count);
  auto producing = produce(source, count);
  await(producing, "produce");
  await(consuming, "consume");

  target.sync(XCL_BO_SYNC_BO_FROM_DEVICE);
  const auto* answers = target.map<const uint32_t*>();
  for (uint32_t i = 0; i < count; ++i)
    if (answers[i] != words[i] + 1)
      throw std::runtime_error("word " + std::to_string(i) + " is " + std::to_string(answers[i]) + ", not " +
                               std::to_string(words[i] + 1));
}

int main(int argc, char** argv) {
  std::string xclbin = "stream.xclbin";
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
  std::cout << "C++: " << count << " words went through the stream\n";
}
