// Vector addition through XRT's native C interface.
//
//   vadd_c [-x vadd.xclbin] [-d INDEX]

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xrt/xrt_bo.h>
#include <xrt/xrt_device.h>
#include <xrt/xrt_kernel.h>

enum { COUNT = 10007, TIMEOUT_MS = 60000 };

static void check(int is_well, const char* what) {
  if (is_well) return;
  fprintf(stderr, "FAILED: %s: %s\n", what, strerror(errno));
  exit(EXIT_FAILURE);
}

int main(int argc, char** argv) {
  const char* xclbin = "vadd.xclbin";
  unsigned index = 0;
  for (int option; (option = getopt(argc, argv, "x:d:")) != -1;) {
    if (option == 'x')
      xclbin = optarg;
    else if (option == 'd')
      index = (unsigned)strtoul(optarg, NULL, 0);
    else
      return EXIT_FAILURE;
  }

  xrtDeviceHandle device = xrtDeviceOpen(index);
  check(device != NULL, "opening the device");
  check(xrtDeviceLoadXclbinFile(device, xclbin) == 0, "loading the xclbin");
  xuid_t uuid;
  check(xrtDeviceGetXclbinUUID(device, uuid) == 0, "asking for the xclbin's UUID");
  xrtKernelHandle vadd = xrtPLKernelOpen(device, uuid, "vadd");
  check(vadd != NULL, "opening the kernel");

  // Each array where its argument's port reaches it.
  const size_t bytes = COUNT * sizeof(int32_t);
  xrtBufferHandle buffers[3];
  int32_t* arrays[3];
  for (int argument = 0; argument < 3; ++argument) {
    const int group = xrtKernelArgGroupId(vadd, argument);
    check(group >= 0, "asking for an argument's bank");
    buffers[argument] = xrtBOAlloc(device, bytes, XRT_BO_FLAGS_NONE, (xrtMemoryGroup)group);
    check(buffers[argument] != NULL, "allocating a buffer");
    arrays[argument] = xrtBOMap(buffers[argument]);
    check(arrays[argument] != NULL, "mapping a buffer");
  }
  for (int i = 0; i < COUNT; ++i) {
    arrays[0][i] = 7 * i;
    arrays[1][i] = -i;
  }
  for (int argument = 0; argument < 2; ++argument)
    check(xrtBOSync(buffers[argument], XCL_BO_SYNC_BO_TO_DEVICE, bytes, 0) == 0, "copying to the device");

  xrtRunHandle run = xrtKernelRun(vadd, buffers[0], buffers[1], buffers[2], (unsigned)COUNT);
  check(run != NULL, "starting the kernel");
  check(xrtRunWaitFor(run, TIMEOUT_MS) == ERT_CMD_STATE_COMPLETED, "waiting for the kernel");

  check(xrtBOSync(buffers[2], XCL_BO_SYNC_BO_FROM_DEVICE, bytes, 0) == 0, "copying from the device");
  for (int i = 0; i < COUNT; ++i) {
    if (arrays[2][i] == arrays[0][i] + arrays[1][i]) continue;
    fprintf(stderr, "FAILED: c[%d] is %d, not %d\n", i, arrays[2][i], arrays[0][i] + arrays[1][i]);
    return EXIT_FAILURE;
  }

  xrtRunClose(run);
  for (int argument = 0; argument < 3; ++argument) xrtBOFree(buffers[argument]);
  xrtKernelClose(vadd);
  xrtDeviceClose(device);
  printf("C: %d sums are right\n", COUNT);
  return EXIT_SUCCESS;
}
