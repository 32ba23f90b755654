// The functions of xrt.h themselves, as XRT's oldest programs call them: packets by hand.
#include "check.hpp"

#include <cstring>

#include <ert.h>
#include <experimental/xrt-next.h>
#include <xrt.h>

int main(int, char** arguments) {
  Input input(arguments);
  CHECK(xclProbe() >= 1);
  auto device = xclOpen(0, nullptr, XCL_QUIET);
  CHECK(device);
  xclDeviceInfo2 info;
  CHECK(xclGetDeviceInfo2(device, &info) == 0 && info.mMagic == 0X586C0C6C);
  auto image = read_file(input.image);
  auto axlf = reinterpret_cast<const ::axlf*>(image.data());
  CHECK(xclLoadXclBin(device, axlf) == 0);
  Bytes broken(image);
  broken[0] = 'X';
  CHECK(xclLoadXclBin(device, reinterpret_cast<const ::axlf*>(broken.data())) < 0);

  size_t section_size = 0;
  CHECK(xclGetSectionInfo(device, nullptr, &section_size, MEM_TOPOLOGY, 0) == 0 && section_size > 40);
  CHECK(xclIPName2Index(device, "tcp_validator:tcp_validator_2") == 1);
  CHECK(xclIPName2Index(device, "none") < 0);

  xuid_t wrong = {1};
  CHECK(xclOpenContext(device, wrong, 0, true) == -EBUSY);
  CHECK(xclOpenContext(device, axlf->m_header.uuid, 7, true) == -EINVAL);
  uint32_t value = 0;
  CHECK(xclRegRead(device, 0, 0x0F0, &value) == -EPERM);
  CHECK(xclOpenContext(device, axlf->m_header.uuid, 0, true) == 0);
  CHECK(xclRegRead(device, 0, 0x0F0, &value) == 0 && value == 0x56504354);
  CHECK(xclRegRead(device, 0, 0x0F1, &value) == -EINVAL);

  auto in = xclAllocBO(device, input.descriptors.size(), 0, 0);
  auto out = xclAllocBO(device, input.count, 0, 1);
  CHECK(in != NULLBO && out != NULLBO);
  CHECK(xclAllocBO(device, 4096, 0, 9) == NULLBO);
  CHECK(xclAllocBO(device, size_t(17) << 30, 0, XCL_BO_FLAGS_DEV_ONLY) == NULLBO);
  CHECK(xclWriteBO(device, in, input.descriptors.data(), input.descriptors.size(), 0) == 0);
  CHECK(xclSyncBO(device, in, XCL_BO_SYNC_BO_TO_DEVICE, input.descriptors.size() + 1, 0) == -EINVAL);
  xclBOProperties from{}, to{};
  CHECK(xclGetBOProperties(device, in, &from) == 0 && from.size == input.descriptors.size());
  CHECK(xclGetBOProperties(device, out, &to) == 0 && (to.flags & 0xFFFFFF) == 1);

  auto command = xclAllocBO(device, 4096, 0, XCL_BO_FLAGS_EXECBUF);
  auto packet = static_cast<ert_start_kernel_cmd*>(xclMapBO(device, command, true));
  CHECK(packet);
  std::memset(packet, 0, 4096);
  packet->state = ERT_CMD_STATE_NEW;
  packet->opcode = ERT_START_CU;
  packet->count = 1 + 13;
  packet->cu_mask = 1;
  packet->data[4] = static_cast<uint32_t>(from.paddr);
  packet->data[5] = static_cast<uint32_t>(from.paddr >> 32);
  packet->data[7] = static_cast<uint32_t>(to.paddr);
  packet->data[8] = static_cast<uint32_t>(to.paddr >> 32);
  packet->data[10] = input.count;
  packet->data[12] = wide_options;
  CHECK(xclExecWait(device, 1) == 0);
  CHECK(xclExecBuf(device, command) == 0);
  while (packet->state < ERT_CMD_STATE_COMPLETED)
    CHECK(xclExecWait(device, 1000) >= 0);
  CHECK(packet->state == ERT_CMD_STATE_COMPLETED);
  CHECK(xclExecBuf(device, command) == -EINVAL); // it is not new
  CHECK(xclExecBuf(device, in) == -EINVAL);

  Bytes verdicts(input.count);
  CHECK(xclReadBO(device, out, verdicts.data(), verdicts.size(), 0) == 0);
  CHECK(verdicts == input.verdicts_wide);
  CHECK(xclUnmgdPread(device, 0, verdicts.data(), verdicts.size(), to.paddr) == 0);
  CHECK(verdicts == input.verdicts_wide);
  verdicts.assign(input.count, 0xEE);
  CHECK(xclUnmgdPwrite(device, 0, verdicts.data(), verdicts.size(), to.paddr) == 0);
  CHECK(xclSyncBO(device, out, XCL_BO_SYNC_BO_FROM_DEVICE, input.count, 0) == 0);
  CHECK(std::memcmp(xclMapBO(device, out, false), verdicts.data(), input.count) == 0);

  xclFreeBO(device, command);
  xclFreeBO(device, in);
  xclFreeBO(device, out);
  CHECK(xclCloseContext(device, axlf->m_header.uuid, 0) == 0);
  xclClose(device);
  CHECK(xclGetDeviceInfo2(device, &info) == -ENODEV);
  return 0;
}
