// Vector addition through OpenCL: the host's own memory, a queue out of order with events, and their times.
//
//   vadd_opencl [-x vadd.xclbin]

#define CL_TARGET_OPENCL_VERSION 120
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS

#include <CL/cl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { COUNT = 10007, PAGE = 4096 };

static void check(cl_int error, const char* what) {
  if (error == CL_SUCCESS) return;
  fprintf(stderr, "FAILED: %s: OpenCL error %d\n", what, error);
  exit(EXIT_FAILURE);
}

static unsigned char* read_file(const char* path, size_t* size) {
  FILE* file = fopen(path, "rb");
  if (!file || fseek(file, 0, SEEK_END) != 0) {
    perror(path);
    exit(EXIT_FAILURE);
  }
  *size = (size_t)ftell(file);
  rewind(file);
  unsigned char* bytes = malloc(*size);
  if (!bytes || fread(bytes, 1, *size, file) != *size) {
    perror(path);
    exit(EXIT_FAILURE);
  }
  fclose(file);
  return bytes;
}

int main(int argc, char** argv) {
  const char* path = "vadd.xclbin";
  for (int option; (option = getopt(argc, argv, "x:")) != -1;) {
    if (option != 'x') return EXIT_FAILURE;
    path = optarg;
  }

  cl_int error;
  cl_platform_id platform;
  cl_device_id device;
  check(clGetPlatformIDs(1, &platform, NULL), "looking for a platform");
  check(clGetDeviceIDs(platform, CL_DEVICE_TYPE_ACCELERATOR, 1, &device, NULL), "looking for a device");
  cl_context context = clCreateContext(NULL, 1, &device, NULL, NULL, &error);
  check(error, "making a context");
  cl_command_queue queue = clCreateCommandQueue(
      context, device, CL_QUEUE_PROFILING_ENABLE | CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, &error);
  check(error, "making a queue");

  size_t size;
  const unsigned char* xclbin = read_file(path, &size);
  cl_program program = clCreateProgramWithBinary(context, 1, &device, &size, &xclbin, NULL, &error);
  check(error, "loading the xclbin");
  cl_kernel vadd = clCreateKernel(program, "vadd", &error);
  check(error, "finding the kernel");

  // The buffers are this program's arrays. XRT wants such memory at the beginning of a page.
  const size_t bytes = COUNT * sizeof(int32_t);
  int32_t* arrays[3];
  cl_mem buffers[3];
  for (cl_uint argument = 0; argument < 3; ++argument) {
    if (posix_memalign((void**)&arrays[argument], PAGE, bytes) != 0) return EXIT_FAILURE;
    const cl_mem_flags direction = argument < 2 ? CL_MEM_READ_ONLY : CL_MEM_WRITE_ONLY;
    buffers[argument] = clCreateBuffer(context, direction | CL_MEM_USE_HOST_PTR, bytes, arrays[argument], &error);
    check(error, "making a buffer");
    check(clSetKernelArg(vadd, argument, sizeof buffers[argument], &buffers[argument]), "setting an argument");
  }
  const cl_uint count = COUNT;
  check(clSetKernelArg(vadd, 3, sizeof count, &count), "setting an argument");
  for (int i = 0; i < COUNT; ++i) {
    arrays[0][i] = 5 * i;
    arrays[1][i] = i - 12345;
  }

  cl_event written, done, read;
  check(clEnqueueMigrateMemObjects(queue, 2, buffers, 0, 0, NULL, &written), "copying to the device");
  check(clEnqueueTask(queue, vadd, 1, &written, &done), "starting the kernel");
  check(clEnqueueMigrateMemObjects(queue, 1, &buffers[2], CL_MIGRATE_MEM_OBJECT_HOST, 1, &done, &read),
        "copying from the device");
  check(clWaitForEvents(1, &read), "waiting");

  for (int i = 0; i < COUNT; ++i) {
    if (arrays[2][i] == arrays[0][i] + arrays[1][i]) continue;
    fprintf(stderr, "FAILED: c[%d] is %d, not %d\n", i, arrays[2][i], arrays[0][i] + arrays[1][i]);
    return EXIT_FAILURE;
  }
  cl_ulong begin, end;
  check(clGetEventProfilingInfo(done, CL_PROFILING_COMMAND_START, sizeof begin, &begin, NULL), "asking for a time");
  check(clGetEventProfilingInfo(done, CL_PROFILING_COMMAND_END, sizeof end, &end, NULL), "asking for a time");
  if (end <= begin) {
    fprintf(stderr, "FAILED: the kernel took no time\n");
    return EXIT_FAILURE;
  }

  clReleaseEvent(written);
  clReleaseEvent(done);
  clReleaseEvent(read);
  for (int argument = 0; argument < 3; ++argument) {
    clReleaseMemObject(buffers[argument]);
    free(arrays[argument]);
  }
  clReleaseKernel(vadd);
  clReleaseProgram(program);
  clReleaseCommandQueue(queue);
  clReleaseContext(context);
  printf("OpenCL: %d sums are right\n", COUNT);
  return EXIT_SUCCESS;
}
