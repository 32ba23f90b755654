// What of XRT's driver interface takes or gives C++ types of XRT, or a variable number of arguments. The rest is in Rust:
// src/exports. Compiled on the user's machine against the installed XRT, by scripts/build-xrt-shim.
#include <xrt.h>

#include <cerrno>
#include <cstdarg>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>

extern "C" {
void fpga_xrt_set_sink(void (*sink)(const char*));
void* fpga_xrt_open(unsigned int index);
int fpga_xrt_load(void* handle, const void* axlf);
int fpga_xrt_close_export(int descriptor);
}

namespace xrt {
class bo;
namespace message { enum class level : unsigned short { error = 3 }; } // as in xrt_message.h, which needs boost
struct graph { enum class access_mode : uint8_t; };
namespace aie { enum class access_mode : uint8_t; }
}

// XRT's own class for a device and the functions that are called of it; its header is not installed.
namespace xrt_core {
class device {
public:
  void register_axlf(const axlf* top);
};
std::shared_ptr<device> get_userpf_device(void* handle, unsigned int id);
namespace message {
void send(xrt::message::level level, const char* tag, const char* text);
}
} // namespace xrt_core

namespace {

void show(const char* text) { xrt_core::message::send(xrt::message::level::error, "XRT", text); }

// Registered before the constructors of XRT's objects probe for cards.
struct Sink {
  Sink() { fpga_xrt_set_sink(show); }
} sink __attribute__((init_priority(101)));

// XRT itself holds its device objects weakly; whoever makes one by opening a card keeps it. They are kept to the end of
// the process, as threads of XRT refer to them.
std::shared_ptr<xrt_core::device> keep(void* handle, unsigned int index) {
  static auto* devices = new std::map<void*, std::shared_ptr<xrt_core::device>>;
  static auto* mutex = new std::mutex;
  std::lock_guard<std::mutex> lock(*mutex);
  auto& device = (*devices)[handle];
  if (!device)
    device = xrt_core::get_userpf_device(handle, index);
  return device;
}

std::shared_ptr<xrt_core::device> kept(void* handle) { return keep(handle, 0); }

[[noreturn]] void no_engines() {
  throw std::runtime_error("this card has no AI engines");
}

} // namespace

extern "C" {

xclDeviceHandle xclOpen(unsigned int index, const char*, xclVerbosityLevel) {
  void* handle = fpga_xrt_open(index);
  if (!handle)
    return nullptr;
  try {
    keep(handle, index);
    return handle;
  } catch (const std::exception& failure) {
    show(failure.what());
    xclClose(handle);
    return nullptr;
  }
}

int xclLoadXclBin(xclDeviceHandle handle, const axlf* top) {
  if (int status = fpga_xrt_load(handle, top))
    return status;
  try {
    kept(handle)->register_axlf(top);
    return 0;
  } catch (const std::exception& failure) {
    show(failure.what());
    return -EINVAL;
  }
}

int xclLogMsg(xclDeviceHandle, xrtLogMsgLevel level, const char* tag, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  char text[1024];
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  xrt_core::message::send(static_cast<xrt::message::level>(level), tag, text);
  return 0;
}

const axlf_section_header* wrap_get_axlf_section(const axlf* top, axlf_section_kind kind) {
  return xclbin::get_axlf_section(top, kind);
}

} // extern "C"

// What XRT's objects for devices ask of the emulation's shim, by its C++ names.

int xclCloseExportHandle(int descriptor) { return fpga_xrt_close_export(descriptor); }
int xclInternalResetDevice(void* handle, xclResetKind kind) { return xclResetDevice(handle, kind); }
int xclUpdateSchedulerStat(void*) { return 0; }
int xclCmaEnable(void*, bool, unsigned long) { return 0; } // host memory needs no setting up

namespace xrt_core {
namespace query {
enum class key_type;
}
namespace hwemu {
class system {
public:
  std::pair<unsigned int, unsigned int> get_total_devices(bool is_user) const;
};
// XRT's own says that there are none; the build weakens it.
std::pair<unsigned int, unsigned int> system::get_total_devices(bool) const {
  auto count = xclProbe();
  return {count, count};
}
} // namespace hwemu
} // namespace xrt_core

namespace xclhwemhal2 {
class HwEmShim {
public:
  static HwEmShim* handleCheck(void* handle);
  uint32_t deviceQuery(xrt_core::query::key_type key);
};
HwEmShim* HwEmShim::handleCheck(void* handle) { return static_cast<HwEmShim*>(handle); }
// Asked whether the card copies from memory to memory in a way of its own, and whether it has no DMA: no, and no.
uint32_t HwEmShim::deviceQuery(xrt_core::query::key_type) { return 0; }
} // namespace xclhwemhal2

void* xclGraphOpen(void*, const unsigned char*, const char*, xrt::graph::access_mode) { no_engines(); }
void xclGraphClose(void*) { no_engines(); }
int xclGraphReset(void*) { no_engines(); }
uint64_t xclGraphTimeStamp(void*) { no_engines(); }
int xclGraphRun(void*, int) { no_engines(); }
int xclGraphWaitDone(void*, int) { no_engines(); }
int xclGraphWait(void*, unsigned long) { no_engines(); }
int xclGraphSuspend(void*) { no_engines(); }
int xclGraphResume(void*) { no_engines(); }
int xclGraphEnd(void*, unsigned long) { no_engines(); }
int xclGraphUpdateRTP(void*, const char*, const char*, unsigned long) { no_engines(); }
int xclGraphReadRTP(void*, const char*, char*, unsigned long) { no_engines(); }
int xclAIEOpenContext(void*, xrt::aie::access_mode) { no_engines(); }
int xclSyncBOAIE(void*, xrt::bo&, const char*, xclBOSyncDirection, unsigned long, unsigned long) { no_engines(); }
int xclSyncBOAIENB(void*, xrt::bo&, const char*, xclBOSyncDirection, unsigned long, unsigned long) { no_engines(); }
int xclResetAIEArray(void*) { no_engines(); }
int xclGMIOWait(void*, const char*) { no_engines(); }
int xclStartProfiling(void*, int, const char*, const char*, unsigned int) { no_engines(); }
uint64_t xclReadProfiling(void*, int) { no_engines(); }
int xclStopProfiling(void*, int) { no_engines(); }
int xclLoadXclBinMeta(void*, const axlf*) { no_engines(); }
