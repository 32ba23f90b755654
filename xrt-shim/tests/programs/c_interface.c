// XRT's C interface, in C.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <experimental/xrt_xclbin.h>
#include <xrt/xrt_bo.h>
#include <xrt/xrt_device.h>
#include <xrt/xrt_kernel.h>

#define CHECK(condition)                                                          \
  do {                                                                            \
    if (!(condition)) {                                                           \
      fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition);      \
      exit(1);                                                                    \
    }                                                                             \
  } while (0)

static unsigned char* read_file(const char* path, size_t* size) {
  FILE* file = fopen(path, "rb");
  CHECK(file && fseek(file, 0, SEEK_END) == 0);
  *size = (size_t)ftell(file);
  rewind(file);
  unsigned char* bytes = malloc(*size);
  CHECK(fread(bytes, 1, *size, file) == *size);
  fclose(file);
  return bytes;
}

int main(int argc, char** argv) {
  CHECK(argc == 6);
  size_t size, count;
  unsigned char* descriptors = read_file(argv[3], &size);
  unsigned char* verdicts = read_file(argv[4], &count);

  CHECK(xrtDeviceOpen(77) == NULL);
  xrtDeviceHandle device = xrtDeviceOpen(0);
  CHECK(device);
  xrtXclbinHandle image = xrtXclbinAllocFilename(argv[1]);
  CHECK(image && xrtDeviceLoadXclbinHandle(device, image) == 0);
  xuid_t uuid;
  CHECK(xrtXclbinGetUUID(image, uuid) == 0);
  xrtKernelHandle kernel = xrtPLKernelOpen(device, uuid, "tcp_validator");
  CHECK(kernel);
  xrtBufferHandle in = xrtBOAlloc(device, size, 0, xrtKernelArgGroupId(kernel, 0));
  xrtBufferHandle out = xrtBOAlloc(device, count, 0, xrtKernelArgGroupId(kernel, 1));
  CHECK(in && out);
  CHECK(xrtBOWrite(in, descriptors, size, 0) == 0);
  CHECK(xrtBOSync(in, XCL_BO_SYNC_BO_TO_DEVICE, size, 0) == 0);
  xrtRunHandle run = xrtKernelRun(kernel, in, out, (unsigned)count, 5u);
  CHECK(run && xrtRunWait(run) == ERT_CMD_STATE_COMPLETED);
  CHECK(xrtBOSync(out, XCL_BO_SYNC_BO_FROM_DEVICE, count, 0) == 0);
  unsigned char* read = malloc(count);
  CHECK(xrtBORead(out, read, count, 0) == 0);
  CHECK(memcmp(read, verdicts, count) == 0);
  CHECK(xrtRunClose(run) == 0);
  CHECK(xrtBOFree(in) == 0 && xrtBOFree(out) == 0);
  CHECK(xrtKernelClose(kernel) == 0);
  CHECK(xrtXclbinFreeHandle(image) == 0);
  CHECK(xrtDeviceClose(device) == 0);
  return 0;
}
