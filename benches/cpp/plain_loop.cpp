// The yardstick for the engine: the loop that one would write by hand around a Verilated kernel, with the
// same traffic. One read port (m_axi_gmem0), one write port (m_axi_gmem1), registers, interrupt.
//
// Built by src/clock_rate.rs, which names the Verilated class Vtop.
// Usage: plain_loop LATENCY MEMORY_BYTES SEED RUNS OFFSET=VALUE...
// Fills the memory from SEED, writes the registers in order, and runs until `interrupt`, RUNS times.
// Prints, for each run: clocks, nanoseconds of processor time, check sum of the memory.
#include "Vtop.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <deque>
#include <memory>
#include <vector>

namespace {

struct Burst {
    uint64_t address;
    uint32_t left;
    uint64_t ready_at;
};

class Loop {
public:
    Loop(uint64_t latency, size_t size, uint64_t seed) : latency_{latency}, memory_(size) {
        uint64_t state = seed | 1;
        for (auto& byte : memory_) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            byte = uint8_t(state >> 32);
        }
        top_->ap_rst_n = 0;
        top_->m_axi_gmem0_rvalid = top_->m_axi_gmem1_bvalid = 0;
        for (int i = 0; i < 16; ++i) clock([] {});
        top_->ap_rst_n = 1;
    }

    void write_register(uint32_t offset, uint32_t value) {
        top_->s_axi_control_awaddr = offset;
        top_->s_axi_control_wdata = value;
        top_->s_axi_control_wstrb = 0xf;
        top_->s_axi_control_awvalid = top_->s_axi_control_wvalid = top_->s_axi_control_bready = 1;
        for (bool done = false; !done;) {
            const bool aw = top_->s_axi_control_awvalid && top_->s_axi_control_awready;
            const bool w = top_->s_axi_control_wvalid && top_->s_axi_control_wready;
            done = top_->s_axi_control_bvalid;
            step([&] {
                if (aw) top_->s_axi_control_awvalid = 0;
                if (w) top_->s_axi_control_wvalid = 0;
                if (done) top_->s_axi_control_bready = 0;
            });
        }
    }

    uint64_t run() {
        const uint64_t begin = now_;
        while (!top_->__SYM__interrupt) step([] {});
        return now_ - begin;
    }

    uint64_t sum() const {
        uint64_t sum = 0xcbf29ce484222325;
        for (const uint8_t byte : memory_) sum = (sum ^ byte) * 0x100000001b3;
        return sum;
    }

private:
    static constexpr size_t BYTES = sizeof(Vtop::m_axi_gmem0_rdata);

    template <class Drive>
    void clock(Drive drive) {
        top_->ap_clk = 1;
        top_->eval();
        drive();
        top_->ap_clk = 0;
        top_->eval();
        ++now_;
    }

    template <class Drive>
    void step(Drive drive) {
        Vtop& t = *top_;
        const bool ar = t.m_axi_gmem0_arvalid && t.m_axi_gmem0_arready;
        const bool r = t.m_axi_gmem0_rvalid && t.m_axi_gmem0_rready;
        const bool aw = t.m_axi_gmem1_awvalid && t.m_axi_gmem1_awready;
        const bool w = t.m_axi_gmem1_wvalid && t.m_axi_gmem1_wready;
        const bool b = t.m_axi_gmem1_bvalid && t.m_axi_gmem1_bready;
        if (r) {
            auto& burst = reads_.front();
            burst.address += BYTES;
            if (--burst.left == 0) reads_.pop_front();
        }
        if (ar) reads_.push_back({t.m_axi_gmem0_araddr, t.m_axi_gmem0_arlen + 1u, now_ + latency_});
        if (b) responses_.pop_front();
        if (aw) writes_.push_back({t.m_axi_gmem1_awaddr, t.m_axi_gmem1_awlen + 1u, 0});
        if (w) {
            auto& burst = writes_.front();
            uint8_t* const to = &memory_[burst.address];
            uint8_t strobes[16] = {};
            std::memcpy(strobes, &t.m_axi_gmem1_wstrb, BYTES / 8);
            const auto* const data = reinterpret_cast<const uint8_t*>(&t.m_axi_gmem1_wdata);
            bool whole = true;
            for (size_t i = 0; i < BYTES / 8; ++i) whole &= strobes[i] == 0xff;
            if (whole) {
                std::memcpy(to, data, BYTES);
            } else {
                for (size_t i = 0; i < BYTES; ++i) {
                    if (strobes[i / 8] >> (i % 8) & 1) to[i] = data[i];
                }
            }
            burst.address += BYTES;
            if (--burst.left == 0) {
                writes_.pop_front();
                responses_.push_back(now_ + 16);
            }
        }
        clock([&] {
            drive();
            t.m_axi_gmem0_arready = reads_.size() < 32;
            t.m_axi_gmem0_rvalid = !reads_.empty() && reads_.front().ready_at <= now_ + 1;
            if (t.m_axi_gmem0_rvalid) {
                std::memcpy(&t.m_axi_gmem0_rdata, &memory_[reads_.front().address], BYTES);
                t.m_axi_gmem0_rlast = reads_.front().left == 1;
                t.m_axi_gmem0_rresp = 0;
            }
            t.m_axi_gmem1_awready = writes_.size() + responses_.size() < 32;
            t.m_axi_gmem1_wready = !writes_.empty();
            t.m_axi_gmem1_bvalid = !responses_.empty() && responses_.front() <= now_ + 1;
            t.m_axi_gmem1_bresp = 0;
        });
    }

    uint64_t latency_;
    uint64_t now_ = 0;
    std::vector<uint8_t> memory_;
    std::unique_ptr<Vtop> top_{new Vtop};
    std::deque<Burst> reads_, writes_;
    std::deque<uint64_t> responses_;
};

// Nanoseconds that this thread has spent on a processor.
uint64_t processor_time() {
    timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return time.tv_sec * uint64_t{1000000000} + time.tv_nsec;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 5) return 2;
    Loop loop{std::strtoull(argv[1], nullptr, 0), std::strtoull(argv[2], nullptr, 0),
              std::strtoull(argv[3], nullptr, 0)};
    for (unsigned long run = std::strtoul(argv[4], nullptr, 0); run; --run) {
        for (int i = 5; i < argc; ++i) {
            char* value = nullptr;
            const auto offset = std::strtoul(argv[i], &value, 0);
            loop.write_register(offset, std::strtoul(value + 1, nullptr, 0));
        }
        const uint64_t start = processor_time();
        const uint64_t clocks = loop.run();
        const uint64_t time = processor_time() - start;
        std::printf("%llu %llu %llx\n", (unsigned long long)clocks, (unsigned long long)time,
                    (unsigned long long)loop.sum());
    }
}
