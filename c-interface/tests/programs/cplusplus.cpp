// The headers from C++: they check their own layouts, and the functions have C's linkage.
#include <tcp/hardware.h>
#include <tcp/safety.h>

#include <cstdio>
#include <cstring>

int main() {
    tcp_hardware_t *card = nullptr;
    tcp_descriptor_t git;
    tcp_result_t result;
    const tcp_options_t options = {};
    if (tcp_descriptor_parse("544350020002ba9f11ec0000024407d000c80d920003f202", &git) != TCP_OK ||
        tcp_hardware_open("software:0", &card) != TCP_OK ||
        tcp_hardware_evaluate(card, &git, &options, &result) != TCP_OK) {
        std::fprintf(stderr, "%s\n", tcp_last_error());
        return 1;
    }
    std::puts(tcp_decision_name(result.decision));
    return tcp_hardware_close(card) == TCP_OK ? 0 : 1;
}
