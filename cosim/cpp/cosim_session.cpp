// The hooks of Verilator's run-time library, and the exported factory.
#include <cstdarg>
#include <cstdio>

#include "cosim_kernel.h"

namespace cosim {
namespace {

void stop(const char* what, const char* file, int line, const char* text) {
    Session& session = Session::current();
    session.status |= STOPPED;
    if (!session.error.empty()) return;
    session.error = what;
    if (file && file[0]) session.error += std::string{" at "} + file + ":" + std::to_string(line);
    if (text && text[0]) session.error += std::string{": "} + text;
    // Verilator prints an assertion's text just before it stops.
    if (!session.messages.empty()) session.error += ": " + session.messages;
    while (!session.error.empty() && session.error.back() == '\n') session.error.pop_back();
}

}  // namespace
}  // namespace cosim

// VL_PRINTF of the whole object (set on the command line).
extern "C" int cosim_print(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    const int size = std::vsnprintf(nullptr, 0, format, arguments);
    va_end(arguments);
    if (size > 0) {
        std::string text(size + 1, '\0');
        std::vsnprintf(&text[0], text.size(), format, again);
        text.pop_back();
        cosim::Session& session = cosim::Session::current();
        // A kernel that prints each clock must not exhaust the memory of whoever ignores it.
        constexpr size_t LIMIT = 1 << 20;
        if (session.messages.size() + text.size() <= LIMIT) session.messages += text;
        session.status |= cosim::MESSAGES;
    }
    va_end(again);
    return size;
}

// $finish lets the evaluation end; the others cannot go on.
void vl_finish(const char* file, int line, const char*) { cosim::stop("$finish", file, line, ""); }
void vl_stop(const char* file, int line, const char*) {
    cosim::stop("$stop or failed assertion", file, line, "");
    throw cosim::Stopped{};
}
void vl_fatal(const char* file, int line, const char*, const char* text) {
    cosim::stop("fatal", file, line, text);
    throw cosim::Stopped{};
}
void vl_warn(const char* file, int line, const char*, const char* text) {
    cosim_print("%%Warning: %s:%d: %s\n", file ? file : "", line, text);
}

#define COSIM_EXPORT __attribute__((visibility("default")))

COSIM_EXPORT uint32_t cosim_abi_version() { return cosim::ABI_VERSION; }

COSIM_EXPORT const char* cosim_kernels() {
    static const std::string names = [] {
        std::string all;
        for (size_t i = 0; i < cosim::KERNEL_COUNT; ++i) all += std::string{cosim::KERNELS[i].name} + "\n";
        return all;
    }();
    return names.c_str();
}

COSIM_EXPORT cosim::Model* cosim_create(const char* kernel, const cosim::Options* options, char* error,
                                        size_t error_size) {
    cosim::Session::prepare_thread();
    const char* reason = "no such kernel in this model";
    std::string text;
    try {
        for (size_t i = 0; i < cosim::KERNEL_COUNT; ++i) {
            if (std::strcmp(cosim::KERNELS[i].name, kernel) == 0) return cosim::KERNELS[i].create(*options);
        }
    } catch (const cosim::Stopped&) {
        reason = "the kernel stopped while it was being initialized ($stop, $fatal or an assertion)";
    } catch (const std::exception& e) {
        text = e.what();
        reason = text.c_str();
    } catch (...) {
        reason = "unknown C++ exception";
    }
    std::snprintf(error, error_size, "%s", reason);
    return nullptr;
}
