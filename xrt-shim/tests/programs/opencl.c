// OpenCL: a program from an xclbin, buffers around host memory, a queue out of order, events with their times.
#define CL_TARGET_OPENCL_VERSION 120
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                          \
  do {                                                                            \
    if (!(condition)) {                                                           \
      fprintf(stderr, "%s:%d: failed: %s (%d)\n", __FILE__, __LINE__, #condition, error); \
      exit(1);                                                                    \
    }                                                                             \
  } while (0)

static cl_int error = 0;

static unsigned char* read_file(const char* path, size_t* size) {
  FILE* file = fopen(path, "rb");
  CHECK(file && fseek(file, 0, SEEK_END) == 0);
  *size = (size_t)ftell(file);
  rewind(file);
  void* bytes = NULL;
  CHECK(posix_memalign(&bytes, 4096, *size) == 0);
  CHECK(fread(bytes, 1, *size, file) == *size);
  fclose(file);
  return bytes;
}

int main(int argc, char** argv) {
  CHECK(argc == 6);
  size_t image_size, size, count;
  const unsigned char* image = read_file(argv[1], &image_size);
  unsigned char* descriptors = read_file(argv[3], &size);
  unsigned char* expected = read_file(argv[4], &count);
  void* verdicts = NULL;
  CHECK(posix_memalign(&verdicts, 4096, count) == 0);
  memset(verdicts, 0xEE, count);

  cl_platform_id platform;
  cl_device_id device;
  CHECK((error = clGetPlatformIDs(1, &platform, NULL)) == CL_SUCCESS);
  CHECK((error = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ACCELERATOR, 1, &device, NULL)) == CL_SUCCESS);
  char name[256];
  CHECK((error = clGetDeviceInfo(device, CL_DEVICE_NAME, sizeof name, name, NULL)) == CL_SUCCESS && name[0]);
  cl_context context = clCreateContext(NULL, 1, &device, NULL, NULL, &error);
  CHECK(context && !error);
  cl_command_queue queue = clCreateCommandQueue(
      context, device, CL_QUEUE_PROFILING_ENABLE | CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, &error);
  CHECK(queue && !error);
  cl_int binary_status;
  cl_program program = clCreateProgramWithBinary(context, 1, &device, &image_size, &image, &binary_status, &error);
  CHECK(program && !error);
  cl_kernel kernel = clCreateKernel(program, "tcp_validator", &error);
  CHECK(kernel && !error);

  cl_mem in = clCreateBuffer(context, CL_MEM_USE_HOST_PTR | CL_MEM_READ_ONLY, size, descriptors, &error);
  CHECK(in && !error);
  cl_mem out = clCreateBuffer(context, CL_MEM_USE_HOST_PTR | CL_MEM_WRITE_ONLY, count, verdicts, &error);
  CHECK(out && !error);
  cl_uint number = (cl_uint)count, options = 5;
  CHECK((error = clSetKernelArg(kernel, 0, sizeof in, &in)) == CL_SUCCESS);
  CHECK((error = clSetKernelArg(kernel, 1, sizeof out, &out)) == CL_SUCCESS);
  CHECK((error = clSetKernelArg(kernel, 2, sizeof number, &number)) == CL_SUCCESS);
  CHECK((error = clSetKernelArg(kernel, 3, sizeof options, &options)) == CL_SUCCESS);

  for (int round = 0; round < 3; ++round) {
    memset(verdicts, 0xEE, count);
    cl_event sent, computed, received;
    CHECK((error = clEnqueueMigrateMemObjects(queue, 1, &in, 0, 0, NULL, &sent)) == CL_SUCCESS);
    CHECK((error = clEnqueueTask(queue, kernel, 1, &sent, &computed)) == CL_SUCCESS);
    CHECK((error = clEnqueueMigrateMemObjects(queue, 1, &out, CL_MIGRATE_MEM_OBJECT_HOST, 1, &computed, &received)) ==
          CL_SUCCESS);
    CHECK((error = clWaitForEvents(1, &received)) == CL_SUCCESS);
    CHECK(memcmp(verdicts, expected, count) == 0);
    cl_ulong queued, start, end;
    CHECK((error = clGetEventProfilingInfo(computed, CL_PROFILING_COMMAND_QUEUED, sizeof queued, &queued, NULL)) ==
          CL_SUCCESS);
    CHECK((error = clGetEventProfilingInfo(computed, CL_PROFILING_COMMAND_START, sizeof start, &start, NULL)) ==
          CL_SUCCESS);
    CHECK((error = clGetEventProfilingInfo(computed, CL_PROFILING_COMMAND_END, sizeof end, &end, NULL)) == CL_SUCCESS);
    CHECK(queued <= start && start < end);
    clReleaseEvent(sent);
    clReleaseEvent(computed);
    clReleaseEvent(received);
  }

  // Buffers of XRT's own, written, copied on the card and read by the queue.
  cl_mem first = clCreateBuffer(context, CL_MEM_READ_WRITE, size, NULL, &error);
  CHECK(first && !error);
  cl_mem second = clCreateBuffer(context, CL_MEM_READ_WRITE, size, NULL, &error);
  CHECK(second && !error);
  unsigned char* back = malloc(size);
  // A buffer gets its bank from the kernel that it is an argument of.
  CHECK((error = clSetKernelArg(kernel, 0, sizeof first, &first)) == CL_SUCCESS);
  CHECK((error = clSetKernelArg(kernel, 0, sizeof second, &second)) == CL_SUCCESS);
  CHECK((error = clEnqueueWriteBuffer(queue, first, CL_TRUE, 0, size, descriptors, 0, NULL, NULL)) == CL_SUCCESS);
  // What is written to a buffer that is not on the card yet goes there when it migrates.
  cl_event there, copied;
  CHECK((error = clEnqueueMigrateMemObjects(queue, 1, &first, 0, 0, NULL, &there)) == CL_SUCCESS);
  CHECK((error = clEnqueueCopyBuffer(queue, first, second, 0, 0, size, 1, &there, &copied)) == CL_SUCCESS);
  CHECK((error = clEnqueueReadBuffer(queue, second, CL_TRUE, 0, size, back, 1, &copied, NULL)) == CL_SUCCESS);
  CHECK(memcmp(back, descriptors, size) == 0);
  CHECK((error = clFinish(queue)) == CL_SUCCESS);

  clReleaseEvent(there);
  clReleaseEvent(copied);
  clReleaseMemObject(first);
  clReleaseMemObject(second);
  clReleaseMemObject(in);
  clReleaseMemObject(out);
  clReleaseKernel(kernel);
  clReleaseProgram(program);
  clReleaseCommandQueue(queue);
  clReleaseContext(context);
  return 0;
}
