// XRT's native C++ interface: kernels with all and with fewer arguments, both compute units, every kind of buffer,
// copies, timeouts, aborts, callbacks, registers, and what must be refused.
#include "check.hpp"

#include <atomic>
#include <chrono>
#include <cstring>
#include <thread>

#include <experimental/xrt_ip.h>
#include <experimental/xrt_queue.h>
#include <experimental/xrt_xclbin.h>
#include <xrt/xrt_bo.h>
#include <xrt/xrt_device.h>
#include <xrt/xrt_kernel.h>

using namespace std::chrono_literals;

static Bytes contents(xrt::bo& buffer, size_t size) {
  buffer.sync(XCL_BO_SYNC_BO_FROM_DEVICE, size, 0);
  auto bytes = buffer.map<uint8_t*>();
  return {bytes, bytes + size};
}

static void validates(xrt::device& device, const xrt::uuid& uuid, const Input& input) {
  xrt::kernel kernel(device, uuid, "tcp_validator");
  xrt::bo in(device, input.descriptors.size(), kernel.group_id(0));
  xrt::bo out(device, input.count, kernel.group_id(1));
  in.write(input.descriptors.data());
  in.sync(XCL_BO_SYNC_BO_TO_DEVICE);
  CHECK(kernel(in, out, input.count, wide_options).wait() == ERT_CMD_STATE_COMPLETED);
  CHECK(contents(out, input.count) == input.verdicts_wide);

  // A run by its parts, started again and again.
  xrt::run run(kernel);
  run.set_arg(0, in);
  run.set_arg(1, out);
  run.set_arg(2, input.count);
  run.set_arg(3, wide_options);
  for (int round = 0; round < 3; ++round) {
    std::memset(out.map<void*>(), 0xEE, input.count);
    out.sync(XCL_BO_SYNC_BO_TO_DEVICE);
    run.start();
    CHECK(run.wait(10s) == ERT_CMD_STATE_COMPLETED);
    CHECK(contents(out, input.count) == input.verdicts_wide);
  }
  // Nobody waits: the state is looked at only.
  run.start();
  while (run.state() != ERT_CMD_STATE_COMPLETED)
    std::this_thread::yield();
}

// The program's first runs: XRT passes 0 for an argument that was never set, until it uses a command's memory again.
static void three_arguments_do(xrt::device& device, const xrt::uuid& uuid, const Input& input) {
  xrt::kernel kernel(device, uuid, "tcp_validator");
  xrt::bo in(device, input.descriptors.size(), kernel.group_id(0));
  xrt::bo out(device, input.count, kernel.group_id(1));
  in.write(input.descriptors.data());
  in.sync(XCL_BO_SYNC_BO_TO_DEVICE);
  CHECK(kernel(in, out, input.count).wait() == ERT_CMD_STATE_COMPLETED);
  CHECK(contents(out, input.count) == input.verdicts_compact);
}

static void two_units_work_at_once(xrt::device& device, const xrt::uuid& uuid, const Input& input) {
  xrt::kernel kernels[] = {{device, uuid, "tcp_validator:{tcp_validator_1}"},
                           {device, uuid, "tcp_validator:{tcp_validator_2}"}};
  xrt::kernel both(device, uuid, "tcp_validator");
  xrt::bo in(device, input.descriptors.size(), both.group_id(0));
  in.write(input.descriptors.data());
  in.sync(XCL_BO_SYNC_BO_TO_DEVICE);
  std::vector<xrt::bo> outs;
  std::vector<xrt::run> runs;
  for (int index = 0; index < 8; ++index) {
    outs.emplace_back(device, input.count, both.group_id(1));
    runs.push_back(index < 4 ? kernels[index % 2](in, outs.back(), input.count, wide_options)
                             : both(in, outs.back(), input.count, wide_options));
  }
  for (size_t index = 0; index < runs.size(); ++index) {
    CHECK(runs[index].wait() == ERT_CMD_STATE_COMPLETED);
    CHECK(contents(outs[index], input.count) == input.verdicts_wide);
  }
}

static void buffers(xrt::device& device, const xrt::uuid& uuid, const Input& input) {
  xrt::kernel kernel(device, uuid, "tcp_validator");
  auto in_group = kernel.group_id(0), out_group = kernel.group_id(1);
  const size_t size = 64 * 1024;

  // Both sides differ until a sync, also of a part.
  xrt::bo first(device, size, in_group), second(device, size, out_group);
  auto host = first.map<uint8_t*>();
  for (auto buffer : {first, second}) {
    std::memset(buffer.map<void*>(), 0, size); // the card's memory holds what was there before
    buffer.sync(XCL_BO_SYNC_BO_TO_DEVICE);
  }
  for (size_t index = 0; index < size; ++index)
    host[index] = static_cast<uint8_t>(index * 7);
  first.sync(XCL_BO_SYNC_BO_TO_DEVICE, 4096, 0);
  std::memset(host, 0, size);
  CHECK(host[5] == 0);
  first.sync(XCL_BO_SYNC_BO_FROM_DEVICE);
  CHECK(host[5] == 35 && host[4095] == static_cast<uint8_t>(4095 * 7) && host[4096] == 0);

  // Copies on the card, at odd offsets and of odd sizes.
  second.copy(first, 1001, 3, 77);
  second.sync(XCL_BO_SYNC_BO_FROM_DEVICE);
  CHECK(std::memcmp(second.map<uint8_t*>() + 77, host + 3, 1001) == 0);
  CHECK(second.map<uint8_t*>()[76] == 0 && second.map<uint8_t*>()[77 + 1001] == 0);
  CHECK(throws([&] { second.copy(first, size, 1, 0); }));

  // A sub-buffer is a part of its parent, on both sides.
  xrt::bo in(device, 8192 + input.descriptors.size(), in_group);
  xrt::bo part(in, input.descriptors.size(), 4096);
  CHECK(part.address() == in.address() + 4096);
  part.write(input.descriptors.data());
  part.sync(XCL_BO_SYNC_BO_TO_DEVICE);
  CHECK(kernel(part, second, input.count, wide_options).wait() == ERT_CMD_STATE_COMPLETED);
  CHECK(contents(second, input.count) == input.verdicts_wide);

  // A user's memory, a buffer on the card alone, and one that is the same memory on both sides.
  void* user = nullptr;
  CHECK(posix_memalign(&user, 4096, size) == 0);
  std::memcpy(user, input.descriptors.data(), input.descriptors.size());
  {
    xrt::bo theirs(device, user, size, in_group);
    theirs.sync(XCL_BO_SYNC_BO_TO_DEVICE);
    xrt::bo card_only(device, size, xrt::bo::flags::device_only, in_group);
    card_only.copy(theirs);
    CHECK(throws([&] { card_only.map<uint8_t*>(); }));
    xrt::bo shared(device, size, xrt::bo::flags::host_only, out_group);
    CHECK(kernel(card_only, shared, input.count, wide_options).wait() == ERT_CMD_STATE_COMPLETED);
    auto verdicts = shared.map<uint8_t*>();
    CHECK(Bytes(verdicts, verdicts + input.count) == input.verdicts_wide);
    xrt::bo peer(device, size, xrt::bo::flags::p2p, in_group);
    std::memcpy(peer.map<void*>(), input.descriptors.data(), input.descriptors.size());
    CHECK(kernel(peer, shared, input.count, 0).wait() == ERT_CMD_STATE_COMPLETED);
    CHECK(Bytes(verdicts, verdicts + input.count) == input.verdicts_compact);
  }
  std::free(user);

  // A buffer in a bank that the argument is not connected to: XRT makes a copy in the right one.
  xrt::bo misplaced(device, input.descriptors.size(), out_group);
  misplaced.write(input.descriptors.data());
  misplaced.sync(XCL_BO_SYNC_BO_TO_DEVICE);
  CHECK(kernel(misplaced, second, input.count, wide_options).wait() == ERT_CMD_STATE_COMPLETED);
  CHECK(contents(second, input.count) == input.verdicts_wide);

  // No such bank; a full bank.
  CHECK(throws([&] { xrt::bo(device, size, 9); }));
  CHECK(throws([&] { xrt::bo(device, size_t(17) << 30, xrt::bo::flags::device_only, in_group); }));
}

static void timeouts_aborts_and_callbacks(xrt::device& device, const xrt::uuid& uuid, const Input& input) {
  xrt::kernel kernel(device, uuid, "tcp_validator:{tcp_validator_1}");
  xrt::kernel beside(device, uuid, "tcp_validator:{tcp_validator_2}");
  xrt::bo in(device, size_t(long_count) * descriptor_bytes, xrt::bo::flags::device_only, kernel.group_id(0));
  xrt::bo out(device, long_count, xrt::bo::flags::device_only, kernel.group_id(1));
  xrt::bo small_in(device, input.descriptors.size(), kernel.group_id(0));
  xrt::bo small_out(device, input.count, kernel.group_id(1));
  small_in.write(input.descriptors.data());
  small_in.sync(XCL_BO_SYNC_BO_TO_DEVICE);

  auto run = kernel(in, out, long_count, wide_options);
  CHECK(run.wait(10ms) == ERT_CMD_STATE_TIMEOUT);
  CHECK(run.state() == ERT_CMD_STATE_RUNNING);
  // Behind it on its unit, and beside it on the other.
  auto queued = kernel(small_in, small_out, input.count, wide_options);
  CHECK(beside(small_in, small_out, input.count, wide_options).wait() == ERT_CMD_STATE_COMPLETED);
  CHECK(contents(small_out, input.count) == input.verdicts_wide);
  CHECK(queued.state() == ERT_CMD_STATE_RUNNING);
  CHECK(run.abort() == ERT_CMD_STATE_ABORT);
  // The one behind it comes to its turn.
  CHECK(queued.wait() == ERT_CMD_STATE_COMPLETED);
  CHECK(contents(small_out, input.count) == input.verdicts_wide);

  std::atomic<int> called{0};
  xrt::run counted(kernel);
  counted.set_arg(0, small_in);
  counted.set_arg(1, small_out);
  counted.set_arg(2, input.count);
  counted.set_arg(3, wide_options);
  counted.add_callback(ERT_CMD_STATE_COMPLETED,
                       [](const void*, ert_cmd_state state, void* data) {
                         CHECK(state == ERT_CMD_STATE_COMPLETED);
                         ++*static_cast<std::atomic<int>*>(data);
                       },
                       &called);
  for (int round = 1; round <= 100; ++round) {
    counted.start();
    CHECK(counted.wait() == ERT_CMD_STATE_COMPLETED);
    while (called < round)
      std::this_thread::yield();
  }
  CHECK(called == 100);
}

// Work of the host and of the card, one after the other without the program's waiting for each.
static void queues(xrt::device& device, const xrt::uuid& uuid, const Input& input) {
  xrt::kernel kernel(device, uuid, "tcp_validator");
  xrt::bo in(device, input.descriptors.size(), kernel.group_id(0));
  xrt::bo out(device, input.count, kernel.group_id(1));
  in.write(input.descriptors.data());
  xrt::run run(kernel);
  run.set_arg(0, in);
  run.set_arg(1, out);
  run.set_arg(2, input.count);
  run.set_arg(3, wide_options);
  xrt::queue queue;
  queue.enqueue([&] { in.sync(XCL_BO_SYNC_BO_TO_DEVICE); });
  queue.enqueue([&] { run.start(); CHECK(run.wait() == ERT_CMD_STATE_COMPLETED); });
  queue.enqueue([&] { out.sync(XCL_BO_SYNC_BO_FROM_DEVICE); }).wait();
  CHECK(std::memcmp(out.map<void*>(), input.verdicts_wide.data(), input.count) == 0);
}

static void registers(xrt::device& device, const xrt::uuid& uuid) {
  {
    xrt::ip ip(device, uuid, "tcp_validator:{tcp_validator_1}");
    CHECK(ip.read_register(0x0F0) == 0x56504354);
    ip.write_register(0x028, 123);
    CHECK(ip.read_register(0x028) == 123);
    CHECK(throws([&] { ip.read_register(0x100000); }));
    // Its use is exclusive.
    CHECK(throws([&] { xrt::kernel(device, uuid, "tcp_validator:{tcp_validator_1}"); }));
  }
  xrt::kernel exclusive(device, uuid, "tcp_validator:{tcp_validator_2}", xrt::kernel::cu_access_mode::exclusive);
  CHECK(exclusive.read_register(0x0F4) == 1);
}

static void wrong_names_and_images(xrt::device& device, const xrt::uuid& uuid, const Input& input) {
  CHECK(throws([&] { xrt::kernel(device, uuid, "no_such_kernel"); }));
  CHECK(throws([&] { xrt::kernel(device, xrt::xclbin(input.other_image).get_uuid(), "tcp_validator"); }));
  CHECK(throws([&] { xrt::device(99); }));
  {
    xrt::kernel kernel(device, uuid, "tcp_validator:{tcp_validator_1}", xrt::kernel::cu_access_mode::exclusive);
    // The image is in use, and stays so.
    CHECK(throws([&] { device.load_xclbin(input.other_image); }));
    CHECK(kernel.read_register(0x0F0) == 0x56504354);
  }
}

int main(int, char** arguments) {
  Input input(arguments);
  xrt::device device(0);
  CHECK(!device.get_info<xrt::info::device::name>().empty());
  auto uuid = device.load_xclbin(input.image);
  three_arguments_do(device, uuid, input);
  validates(device, uuid, input);
  two_units_work_at_once(device, uuid, input);
  buffers(device, uuid, input);
  timeouts_aborts_and_callbacks(device, uuid, input);
  queues(device, uuid, input);
  registers(device, uuid);
  wrong_names_and_images(device, uuid, input);
  // Another image, and the first again.
  auto other = device.load_xclbin(input.other_image);
  CHECK(xrt::kernel(device, other, "tcp_validator").group_id(1) == 1);
  uuid = device.load_xclbin(input.image);
  validates(device, uuid, input);
  return 0;
}
