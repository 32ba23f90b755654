// The boundary between a Verilated kernel and the engine that clocks it.
//
// A model is a shared object that exports the three functions at the end of this file. Everything that
// crosses once per clock goes through one virtual call and one flat buffer, the frame, whose structures
// are mirrored by src/frame.rs; both sides check sizes and offsets at compile time.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cosim {

// Raised whenever this file changes in a way that an already built model would notice.
constexpr uint32_t ABI_VERSION = 2;

// Alignment of the frame, and of each structure in it, in bytes.
constexpr size_t FRAME_ALIGN = 64;
// Widest data bus, in bytes (1024 bits).
constexpr size_t MAX_DATA_BYTES = 128;

// First structure of each frame: when the two evaluations of the next clock happen, in picoseconds.
struct FrameHeader {
    uint64_t rise_ps;
    uint64_t fall_ps;
};

// AXI4 master port of a kernel: `out` is driven by the kernel, `in` by the engine.
// Payload is only valid, and only copied, while the valid signal of its channel is high.
struct AxiMasterOut {
    uint64_t araddr;
    uint64_t awaddr;
    uint32_t arid;
    uint32_t awid;
    uint8_t arvalid, arlen, arsize, arburst;
    uint8_t awvalid, awlen, awsize, awburst;
    uint8_t wvalid, wlast, rready, bready;
    uint8_t reserved[28];
    uint64_t wstrb[2];
    uint8_t reserved2[48];
    alignas(64) uint8_t wdata[MAX_DATA_BYTES];
};
struct AxiMasterIn {
    uint8_t arready, awready, wready, rvalid;
    uint8_t rlast, rresp, bvalid, bresp;
    uint32_t rid;
    uint32_t bid;
    uint8_t reserved[48];
    alignas(64) uint8_t rdata[MAX_DATA_BYTES];
};
struct alignas(64) AxiMaster {
    AxiMasterOut out;
    AxiMasterIn in;
};

// AXI4-Lite slave port of a kernel (32 or 64 data bits).
struct AxiLiteIn {
    uint64_t araddr;
    uint64_t awaddr;
    uint64_t wdata;
    uint8_t arvalid, awvalid, wvalid, wstrb;
    uint8_t rready, bready;
    uint8_t changed;  // 0 while all of this is as in the last call, and need not be applied
    uint8_t reserved[33];
};
struct AxiLiteOut {
    uint64_t rdata;
    uint8_t arready, awready, wready, rvalid;
    uint8_t rresp, bvalid, bresp;
    uint8_t reserved[49];
};
struct alignas(64) AxiLite {
    AxiLiteIn in;
    AxiLiteOut out;
};

// AXI4-Stream port; the sender's half carries the payload, whichever side the kernel is.
struct alignas(64) AxiStream {
    uint8_t tvalid, tlast;
    uint8_t reserved[6];
    uint64_t tid;
    uint64_t tdest;
    uint64_t tuser;
    uint64_t tkeep[2];
    uint64_t tstrb[2];
    uint8_t tdata[MAX_DATA_BYTES];
    uint8_t tready;
    uint8_t reserved2[63];
};

static_assert(sizeof(FrameHeader) == 16, "frame layout");
static_assert(sizeof(AxiMasterOut) == 256 && offsetof(AxiMasterOut, wstrb) == 64, "frame layout");
static_assert(offsetof(AxiMasterOut, wdata) == 128, "frame layout");
static_assert(sizeof(AxiMasterIn) == 192 && offsetof(AxiMasterIn, rdata) == 64, "frame layout");
static_assert(sizeof(AxiMaster) == 448 && offsetof(AxiMaster, in) == 256, "frame layout");
static_assert(sizeof(AxiLite) == 128 && offsetof(AxiLite, out) == 64, "frame layout");
static_assert(sizeof(AxiStream) == 256 && offsetof(AxiStream, tdata) == 64, "frame layout");
static_assert(offsetof(AxiStream, tready) == 192, "frame layout");

// Clocks that rise in a call of Model::clock, by position in describe()'s "clocks".
enum Edge : uint32_t { AP_CLK = 1, AP_CLK_2 = 2 };

// What Model::clock answers.
enum Status : uint32_t {
    RUNNING = 0,
    MESSAGES = 1,  // the kernel printed something: see messages()
    STOPPED = 2,   // $finish, $stop, $fatal, a failed assertion or a C++ exception: see error()
};

// One instance of a kernel. Used by one thread at a time; no member throws.
class Model {
public:
    virtual ~Model() = default;
    // The kernel's interfaces and their places in the frame, as JSON (src/interface.rs).
    virtual const char* describe() const noexcept = 0;
    // One bus cycle: the clocks in `edges` rise with the inputs of the previous call, then the frame's
    // inputs are applied, the clocks fall, and the settled outputs are copied to the frame.
    virtual uint32_t clock(uint8_t* frame, uint32_t edges) noexcept = 0;
    // Text printed since the last call; valid until the next call of any member.
    virtual const char* messages() noexcept = 0;
    // Why the last member that reported failure did so.
    virtual const char* error() const noexcept = 0;
    // Waves (FST) are recorded between these two.
    virtual bool trace_open(const char* path) noexcept = 0;
    virtual bool trace_close() noexcept = 0;
    // Writes Verilator's coverage.dat.
    virtual bool coverage_write(const char* path) noexcept = 0;
    // The complete state; the bytes are valid until the next call of any member. Null on failure.
    virtual const uint8_t* save(size_t* size) noexcept = 0;
    virtual bool restore(const uint8_t* data, size_t size) noexcept = 0;
};

// How an instance is made.
struct Options {
    uint64_t seed;  // of the values that registers hold before reset
};

}  // namespace cosim

extern "C" {
// ABI_VERSION of the header that the model was built with.
uint32_t cosim_abi_version();
// Names of the kernels in this object, one a line.
const char* cosim_kernels();
// A new instance, to be deleted by the caller, or null with the reason in `error`.
cosim::Model* cosim_create(const char* kernel, const cosim::Options* options, char* error, size_t error_size);
}
