/* What the test programs check with: the first thing that is not as it should be ends the program with a word. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tcp/hardware.h>

#define CHECK(condition)                                                                        \
    do {                                                                                        \
        if (!(condition)) {                                                                     \
            fprintf(stderr, "%s:%d: not so: %s (last error: \"%s\")\n", __FILE__, __LINE__,     \
                    #condition, tcp_last_error());                                              \
            exit(1);                                                                            \
        }                                                                                       \
    } while (0)

/* The call fails with this status, and its text has these words. */
#define CHECK_FAILS(call, status, words)                                                        \
    do {                                                                                        \
        CHECK((call) == (status));                                                              \
        CHECK(strstr(tcp_last_error(), words) != NULL);                                         \
    } while (0)

/* The specification's vectors. */
#define GIT "544350020002ba9f11ec0000024407d000c80d920003f202"       /* compact: MEDIUM_RISK, CAUTION */
#define BANG "5443500200029033e0e30000040100000064000a000103e5"      /* wide: SAFE, APPROVE */
#define RM "544350020002d67f249b0000022f138801f40032000296f8"        /* compact: BAD_CHECKSUM */

static inline tcp_descriptor_t descriptor(const char *digits) {
    tcp_descriptor_t parsed;
    CHECK(tcp_descriptor_parse(digits, &parsed) == TCP_OK);
    return parsed;
}

/* What every function leaves where it decided nothing. */
static inline int is_not_judged(const tcp_result_t *result) {
    const tcp_result_t closed = {TCP_DECISION_REJECT, TCP_RISK_NONE, TCP_CAUSE_NOT_JUDGED, 0, 0, 0, 0};
    return memcmp(result, &closed, sizeof closed) == 0;
}

static inline int is_reject_all(const tcp_policy_t *policy) {
    for (size_t level = 0; level < 5; level++)
        if (policy->risk[level] != TCP_DECISION_REJECT) return 0;
    return policy->exceeded == TCP_DECISION_REJECT;
}

#endif
