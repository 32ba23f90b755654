// What every Verilated kernel needs around it; the generated glue adds only the copying of ports.
//
// Nothing here may print, exit or throw across the object's boundary: $display, $finish, $stop, $fatal
// and failed assertions arrive in a Session and leave as messages and errors.
#pragma once

#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "cosim_model.h"
#include "verilated.h"
#if COSIM_SAVABLE
#include "verilated_save.h"
#endif
#if COSIM_TRACE
#include "verilated_fst_c.h"
#endif
#if COSIM_COVERAGE
#include "verilated_cov.h"
#endif

namespace cosim {

// A thread's first access to a model's thread-local state has glibc allocate that state, which before 2.40 overwrites
// vector registers that the compiler counts on (bug 31372). Between two of these it holds nothing in them.
inline void forget_vector_registers() {
#if defined(__x86_64__)
    __asm__ volatile("" ::: "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
                     "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
#endif
}

// Verilator's context of one instance, with what its hooks need: they have no argument that tells whose
// evaluation they interrupt, only the thread's context.
struct Session final : VerilatedContext {
    // Must precede whatever may reach a hook on this thread.
    // The comparison keeps threads apart: setting it also stores to a variable they all share.
    void enter() {
        forget_vector_registers();
        const bool other = Verilated::threadContextp() != this;
        forget_vector_registers();
        if (VL_UNLIKELY(other)) Verilated::threadContextp(this);
    }
    // Before a context is made, whose constructor is Verilator's.
    static void prepare_thread() {
        forget_vector_registers();
        Verilated::threadContextp(nullptr);
        forget_vector_registers();
    }
    static Session& current() { return *static_cast<Session*>(Verilated::threadContextp()); }

    uint32_t status = RUNNING;
    std::string messages;
    std::string error;
};

// Thrown by $stop, $fatal and failed assertions out of an evaluation that cannot go on.
struct Stopped {};

// One row of the object's table of kernels.
struct KernelEntry {
    const char* name;
    Model* (*create)(const Options&);
};
extern const KernelEntry KERNELS[];
extern const size_t KERNEL_COUNT;

#if COSIM_SAVABLE
class Serializer final : public VerilatedSerialize {
public:
    explicit Serializer(std::vector<uint8_t>& bytes) : bytes_{bytes} { m_isOpen = true; }
    void flush() override {
        bytes_.insert(bytes_.end(), m_bufp, m_cp);
        m_cp = m_bufp;
    }

private:
    std::vector<uint8_t>& bytes_;
};

class Deserializer final : public VerilatedDeserialize {
public:
    Deserializer(const uint8_t* data, size_t size) : data_{data}, left_{size} {
        m_isOpen = true;
        m_endp = m_bufp;
    }
    void fill() override {
        if (m_cp > m_endp) throw std::runtime_error{"the saved state is too short"};
        if (left_ == 0) return;
        const size_t kept = m_endp - m_cp;
        std::memmove(m_bufp, m_cp, kept);
        m_cp = m_bufp;
        const size_t size = std::min(left_, bufferSize() - bufferInsertSize() - kept);
        std::memcpy(m_bufp + kept, data_, size);
        data_ += size;
        left_ -= size;
        m_endp = m_bufp + kept + size;
    }
    bool exhausted() const { return left_ == 0 && m_cp == m_endp; }

private:
    const uint8_t* data_;
    size_t left_;
};
#endif

// A kernel: `Ports` is the generated part (the Verilated class and how its ports lie in the frame).
template <class Ports>
class Kernel final : public Model {
    using Verilated_ = typename Ports::Verilated_;

public:
    explicit Kernel(const Options& options) {
        // The generator that fills registers reseeds whenever any context is seeded.
        static std::mutex serial;
        std::lock_guard<std::mutex> lock{serial};
        session_.enter();
        session_.randReset(2);
        // Verilator takes 31 bits and gives 0 the meaning "choose one".
        session_.randSeed(1 + static_cast<int>(options.seed % 0x7ffffffe));
        session_.traceEverOn(COSIM_TRACE);
        model_.reset(new Verilated_{&session_, Ports::NAME});
        Ports::tie(*model_);
        model_->eval();
        if (session_.status & STOPPED) throw std::runtime_error{session_.error};
    }
    ~Kernel() override {
        trace_close();
        guarded([&] { model_->final(); });
        model_.reset();
    }

    const char* describe() const noexcept override { return Ports::DESCRIPTION; }

    uint32_t clock(uint8_t* frame, uint32_t edges) noexcept override {
        if (VL_UNLIKELY(session_.status & STOPPED)) return session_.status;
        session_.enter();
        try {
            const auto& header = *reinterpret_cast<const FrameHeader*>(frame);
            session_.time(header.rise_ps);
            Ports::clocks(*model_, edges, 1);
            model_->eval();
            dump(header.rise_ps);
            Ports::inputs(*model_, frame);
            Ports::clocks(*model_, edges, 0);
            session_.time(header.fall_ps);
            model_->eval();
            dump(header.fall_ps);
            Ports::outputs(*model_, frame);
        } catch (...) {
            caught();
        }
        return session_.status;
    }

    const char* messages() noexcept override {
        taken_.swap(session_.messages);
        session_.messages.clear();
        session_.status &= ~MESSAGES;
        return taken_.c_str();
    }

    const char* error() const noexcept override { return session_.error.c_str(); }

    bool trace_open(const char* path) noexcept override {
#if COSIM_TRACE
        return guarded([&] {
            if (trace_) throw std::runtime_error{"waves are being recorded already"};
            auto trace = std::make_unique<VerilatedFstC>();
            model_->trace(trace.get(), 99);
            trace->open(path);
            if (!trace->isOpen()) throw std::runtime_error{std::string{"cannot create "} + path};
            trace_ = std::move(trace);
        });
#else
        return fail("the model was built without waves");
#endif
    }

    bool trace_close() noexcept override {
#if COSIM_TRACE
        return guarded([&] {
            if (trace_) trace_->close();
            trace_.reset();
        });
#else
        return true;
#endif
    }

    bool coverage_write(const char* path) noexcept override {
#if COSIM_COVERAGE
        return guarded([&] { session_.coveragep()->write(path); });
#else
        return fail("the model was built without coverage");
#endif
    }

    const uint8_t* save(size_t* size) noexcept override {
#if COSIM_SAVABLE
        const bool saved = guarded([&] {
            saved_.clear();
            Serializer out{saved_};
            out << *model_;
            out.flush();
        });
        if (!saved) return nullptr;
        *size = saved_.size();
        return saved_.data();
#else
        (void)size;
        fail("the model was built without save and restore");
        return nullptr;
#endif
    }

    bool restore(const uint8_t* data, size_t size) noexcept override {
#if COSIM_SAVABLE
        return guarded([&] {
            Deserializer in{data, size};
            in >> *model_;
            if (!in.exhausted()) throw std::runtime_error{"the saved state is of another size"};
        });
#else
        (void)data, (void)size;
        return fail("the model was built without save and restore");
#endif
    }

private:
    void dump(uint64_t time) {
#if COSIM_TRACE
        if (VL_UNLIKELY(trace_)) trace_->dump(time);
#else
        (void)time;
#endif
    }

    // Called from a catch block: turns what was thrown into the session's error.
    void caught() noexcept {
        session_.status |= STOPPED;
        try {
            throw;
        } catch (const Stopped&) {
        } catch (const std::exception& e) {
            session_.error = e.what();
        } catch (...) {
            session_.error = "unknown C++ exception";
        }
    }

    template <class Body>
    bool guarded(Body body) noexcept {
        session_.enter();
        try {
            body();
            return true;
        } catch (const Stopped&) {
        } catch (const std::exception& e) {
            session_.error = e.what();
        } catch (...) {
            session_.error = "unknown C++ exception";
        }
        return false;
    }

    bool fail(const char* reason) noexcept {
        session_.error = reason;
        return false;
    }

    Session session_;
    std::unique_ptr<Verilated_> model_;
    std::string taken_;
#if COSIM_TRACE
    std::unique_ptr<VerilatedFstC> trace_;
#endif
#if COSIM_SAVABLE
    std::vector<uint8_t> saved_;
#endif
};

template <class Ports>
Model* create(const Options& options) {
    return new Kernel<Ports>{options};
}

}  // namespace cosim
