/* A daemon that has no usable place for files: the software device is there and decides all the same. Only what needs the
   card's own policy slots, which lie in such a place, is refused. */
#include "check.h"

int main(void) {
    const tcp_descriptor_t git = descriptor(GIT);
    tcp_hardware_info_t info;
    tcp_hardware_t *card;
    tcp_result_t result;
    size_t count, index = 0;
    CHECK(tcp_hardware_init_all(&count) == TCP_OK);
    do
        CHECK(index < count && tcp_hardware_info(index++, &info) == TCP_OK);
    while (info.kind != TCP_HARDWARE_SOFTWARE);
    CHECK(tcp_hardware_open(info.name, &card) == TCP_OK);
    CHECK(tcp_hardware_evaluate(card, &git, NULL, &result) == TCP_OK && result.verdict == 0x13);

    const tcp_options_t options = {.policy_source = TCP_POLICY_SLOT};
    CHECK_FAILS(tcp_hardware_evaluate(card, &git, &options, &result), TCP_ERROR_UNUSABLE, "damaged");
    CHECK(is_not_judged(&result));
    CHECK(tcp_hardware_close(card) == TCP_OK);
    return 0;
}
