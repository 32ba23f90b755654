// Included before every file of a model: what Verilator's run-time library prints goes to the session.
#pragma once
extern "C" int cosim_print(const char* format, ...) __attribute__((format(printf, 1, 2)));
#define VL_PRINTF cosim_print
#define VL_USER_FINISH
#define VL_USER_STOP
#define VL_USER_FATAL
#define VL_USER_WARN
