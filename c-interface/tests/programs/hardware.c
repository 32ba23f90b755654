/* Every function of tcp/hardware.h, on the card that the argument names: what it answers, and what it refuses. */
#include "check.h"

#include <pthread.h>
#include <stdint.h>

/* Leaves no doubt who wrote an output. */
#define GARBAGE 0x5a

static tcp_hardware_t *card;

static void texts(void) {
    CHECK(strcmp(tcp_last_error(), "") == 0);
    CHECK(tcp_version_number() ==
          (TCP_VERSION_MAJOR << 16 | TCP_VERSION_MINOR << 8 | TCP_VERSION_PATCH));
    char version[32];
    snprintf(version, sizeof version, "%d.%d.%d", TCP_VERSION_MAJOR, TCP_VERSION_MINOR, TCP_VERSION_PATCH);
    CHECK(strcmp(tcp_version(), version) == 0);
    CHECK(strcmp(tcp_status_text(TCP_OK), "ok") == 0);
    CHECK(strstr(tcp_status_text(9999), "does not have") != NULL);
    CHECK(strcmp(tcp_decision_name(TCP_DECISION_REQUIRE_APPROVAL), "REQUIRE_APPROVAL") == 0);
    CHECK(strcmp(tcp_risk_name(TCP_RISK_HIGH_RISK), "HIGH_RISK") == 0);
    CHECK(strcmp(tcp_cause_name(TCP_CAUSE_NOT_JUDGED), "NOT_JUDGED") == 0);
    CHECK(strcmp(tcp_cause_name(77), "UNKNOWN") == 0);
    CHECK(tcp_verdict_decision(0x13) == TCP_DECISION_CAUTION);
    CHECK(tcp_verdict_decision(0x00) == TCP_DECISION_REJECT);
    CHECK(tcp_verdict_decision(0x02) == TCP_DECISION_REJECT);
}

static void cards(const char *name) {
    size_t usable = 99, all = 99;
    tcp_hardware_info_t info;
    CHECK(tcp_hardware_count() == 0);
    CHECK_FAILS(tcp_hardware_info(0, &info), TCP_ERROR_ARGUMENT, "tcp_hardware_init_all");
    CHECK(tcp_hardware_init_all(NULL) == TCP_OK);
    CHECK(tcp_hardware_init_all(&usable) == TCP_OK && usable >= 1);
    CHECK(tcp_hardware_count() == usable);
    CHECK(tcp_hardware_list(NULL, 0, &all) == TCP_OK && all >= usable);

    tcp_hardware_info_t *infos = calloc(all + 1, sizeof *infos);
    CHECK(infos != NULL);
    size_t again;
    CHECK(tcp_hardware_list(infos, all + 1, &again) == TCP_OK && again == all);
    int has_software = 0, has_named = 0;
    for (size_t index = 0; index < all; index++) {
        CHECK(tcp_hardware_info(index, &info) == TCP_OK);
        CHECK(memcmp(&info, &infos[index], sizeof info) == 0);
        CHECK((info.state == TCP_HARDWARE_UNUSABLE) == (index >= usable));
        CHECK((info.problem[0] != '\0') == (index >= usable));
        has_software |= info.kind == TCP_HARDWARE_SOFTWARE && strcmp(info.name, "software:0") == 0;
        has_named |= strcmp(info.name, name) == 0;
    }
    CHECK(has_software && has_named);
    memset(&infos[1], GARBAGE, sizeof *infos);
    CHECK(tcp_hardware_list(infos, 1, &again) == TCP_OK && again == all);
    CHECK(infos[1].name[0] == GARBAGE);
    free(infos);

    memset(&info, GARBAGE, sizeof info);
    CHECK_FAILS(tcp_hardware_info(all, &info), TCP_ERROR_ARGUMENT, "index");
    CHECK(info.state == TCP_HARDWARE_UNUSABLE && info.name[0] == '\0');
    CHECK_FAILS(tcp_hardware_info(0, NULL), TCP_ERROR_ARGUMENT, "info is NULL");
    CHECK_FAILS(tcp_hardware_list(NULL, 1, &again), TCP_ERROR_ARGUMENT, "infos is NULL");
    CHECK_FAILS(tcp_hardware_list(&info, SIZE_MAX, &again), TCP_ERROR_ARGUMENT, "no memory can hold");
    CHECK_FAILS(tcp_hardware_list(&info, 1, NULL), TCP_ERROR_ARGUMENT, "count is NULL");
}

static void opening(const char *name) {
    tcp_hardware_t *other = (tcp_hardware_t *)&other;
    CHECK_FAILS(tcp_hardware_open(NULL, &other), TCP_ERROR_ARGUMENT, "name is NULL");
    CHECK(other == NULL);
    CHECK_FAILS(tcp_hardware_open("toaster:0", &other), TCP_ERROR_NO_CARD, "software:N");
    CHECK_FAILS(tcp_hardware_open("\xff", &other), TCP_ERROR_ARGUMENT, "UTF-8");
    CHECK_FAILS(tcp_hardware_open(name, NULL), TCP_ERROR_ARGUMENT, "card is NULL");
    CHECK(tcp_hardware_open(name, &card) == TCP_OK && card != NULL);
    CHECK(tcp_hardware_open(name, &other) == TCP_OK && other != NULL && other != card);
    CHECK(tcp_hardware_close(other) == TCP_OK);
    CHECK_FAILS(tcp_hardware_close(other), TCP_ERROR_HANDLE, "tcp_hardware_open");
    CHECK_FAILS(tcp_hardware_close(NULL), TCP_ERROR_HANDLE, "not open");
    int local;
    CHECK_FAILS(tcp_hardware_close((tcp_hardware_t *)&local), TCP_ERROR_HANDLE, "not open");
}

static void one(void) {
    const tcp_descriptor_t git = descriptor(GIT), rm = descriptor(RM), bang = descriptor(BANG);
    tcp_result_t result;
    CHECK(tcp_hardware_evaluate(card, &git, NULL, &result) == TCP_OK);
    CHECK(result.decision == TCP_DECISION_CAUTION && result.risk == TCP_RISK_MEDIUM_RISK);
    CHECK(result.verdict == 0x13 && result.cause == TCP_CAUSE_NONE && result.low_flags == 0x0244);
    CHECK(!result.over_maximum && !result.flag_hit);
    CHECK(tcp_hardware_evaluate(card, &rm, NULL, &result) == TCP_OK);
    CHECK(result.decision == TCP_DECISION_REJECT && result.cause == TCP_CAUSE_BAD_CHECKSUM);
    CHECK(result.verdict == 0 && result.risk == TCP_RISK_NONE);

    tcp_options_t options = {0};
    options.profile = TCP_PROFILE_WIDE;
    CHECK(tcp_hardware_evaluate(card, &bang, &options, &result) == TCP_OK);
    CHECK(result.decision == TCP_DECISION_APPROVE && result.verdict == 0x01);
    options.checksum = TCP_CHECKSUM_MODBUS;
    CHECK(tcp_hardware_evaluate(card, &bang, &options, &result) == TCP_OK);
    CHECK(result.cause == TCP_CAUSE_BAD_CHECKSUM);

    CHECK_FAILS(tcp_descriptor_parse("54", (tcp_descriptor_t *)&git), TCP_ERROR_ARGUMENT, "48 hex");
}

static void one_refused(void) {
    const tcp_descriptor_t git = descriptor(GIT);
    tcp_policy_t policy;
    CHECK(tcp_policy_default(TCP_PROFILE_COMPACT, &policy) == TCP_OK);
    const struct {
        tcp_options_t options;
        const char *words;
    } refused[] = {
        {{.profile = 2}, "tcp_profile_t"},
        {{.checksum = 4}, "tcp_checksum_t"},
        {{.policy_source = 3}, "tcp_policy_source_t"},
        {{.policy_source = TCP_POLICY_GIVEN}, "without a policy"},
        {{.policy = &policy}, "without that"},
        {{.policy_slot = 1}, "policy_slot"},
        {{.policy_source = TCP_POLICY_SLOT, .policy_slot = 16}, "slot"},
        {{.reserved = 1}, "reserved"},
    };
    tcp_result_t result;
    for (size_t index = 0; index < sizeof refused / sizeof *refused; index++) {
        memset(&result, 0, sizeof result);
        CHECK_FAILS(tcp_hardware_evaluate(card, &git, &refused[index].options, &result),
                    TCP_ERROR_ARGUMENT, refused[index].words);
        CHECK(is_not_judged(&result));
    }
    memset(&result, 0, sizeof result);
    CHECK_FAILS(tcp_hardware_evaluate(card, NULL, NULL, &result), TCP_ERROR_ARGUMENT, "descriptor is NULL");
    CHECK(is_not_judged(&result));
    memset(&result, 0, sizeof result);
    CHECK_FAILS(tcp_hardware_evaluate(NULL, &git, NULL, &result), TCP_ERROR_HANDLE, "not open");
    CHECK(is_not_judged(&result));
    CHECK_FAILS(tcp_hardware_evaluate(card, &git, NULL, NULL), TCP_ERROR_ARGUMENT, "result is NULL");
}

static void policies(void) {
    const tcp_descriptor_t git = descriptor(GIT);
    tcp_policy_t policy, other;
    tcp_result_t result;
    tcp_options_t options = {0};
    CHECK(tcp_policy_default(TCP_PROFILE_COMPACT, &policy) == TCP_OK);
    CHECK(policy.reserved_mask == 0xf020 && policy.risk[2] == TCP_DECISION_CAUTION);
    CHECK_FAILS(tcp_policy_default(7, &other), TCP_ERROR_ARGUMENT, "tcp_profile_t");
    CHECK(is_reject_all(&other));
    CHECK_FAILS(tcp_policy_default(0, NULL), TCP_ERROR_ARGUMENT, "policy is NULL");

    /* One that the options bring. */
    policy.risk[2] = TCP_DECISION_APPROVE;
    policy.max_exec_ms = 1999;
    policy.exceeded = TCP_DECISION_REQUIRE_APPROVAL;
    options.policy_source = TCP_POLICY_GIVEN;
    options.policy = &policy;
    CHECK(tcp_hardware_evaluate(card, &git, &options, &result) == TCP_OK);
    CHECK(result.decision == TCP_DECISION_REQUIRE_APPROVAL && result.over_maximum);
    policy.deny_mask = 1 << 9;
    CHECK(tcp_hardware_evaluate(card, &git, &options, &result) == TCP_OK);
    CHECK(result.decision == TCP_DECISION_REJECT && result.flag_hit && result.verdict != 0);

    /* One that a slot of the card holds. */
    CHECK(tcp_hardware_set_policy(card, 3, &policy) == TCP_OK);
    CHECK(tcp_hardware_get_policy(card, 3, &other) == TCP_OK);
    CHECK(memcmp(&policy, &other, sizeof policy) == 0);
    options = (tcp_options_t){.policy_source = TCP_POLICY_SLOT, .policy_slot = 3};
    CHECK(tcp_hardware_evaluate(card, &git, &options, &result) == TCP_OK);
    CHECK(result.decision == TCP_DECISION_REJECT && result.flag_hit);
    options.policy_slot = 4;
    CHECK(tcp_hardware_evaluate(card, &git, &options, &result) == TCP_OK);
    CHECK(result.decision == TCP_DECISION_CAUTION && !result.flag_hit);

    CHECK_FAILS(tcp_hardware_set_policy(card, 16, &policy), TCP_ERROR_ARGUMENT, "slot");
    CHECK_FAILS(tcp_hardware_set_policy(card, 0, NULL), TCP_ERROR_ARGUMENT, "policy is NULL");
    CHECK_FAILS(tcp_hardware_set_policy(NULL, 0, &policy), TCP_ERROR_HANDLE, "not open");
    CHECK_FAILS(tcp_hardware_get_policy(card, 16, &other), TCP_ERROR_ARGUMENT, "slot");
    CHECK(is_reject_all(&other));
    CHECK_FAILS(tcp_hardware_get_policy(NULL, 0, &other), TCP_ERROR_HANDLE, "not open");
    memset(&policy, 0, sizeof policy);
    CHECK_FAILS(tcp_hardware_set_policy(card, 0, &policy), TCP_ERROR_POLICY, "tcp_policy_default");
}

static void policy_texts(void) {
    static const char text[] = "profile = \"wide\"\ndeny = [\"DESTRUCTIVE\"]\n";
    tcp_policy_t policy, other;
    uint32_t stated = 77;
    CHECK(tcp_policy_parse(text, sizeof text - 1, TCP_PROFILE_COMPACT, &policy, &stated) == TCP_OK);
    CHECK(stated == TCP_PROFILE_WIDE && policy.deny_mask == 1 << 11);
    CHECK(tcp_policy_parse(NULL, 0, TCP_PROFILE_COMPACT, &policy, NULL) == TCP_OK);
    CHECK(tcp_policy_default(TCP_PROFILE_COMPACT, &other) == TCP_OK);
    CHECK(memcmp(&policy, &other, sizeof policy) == 0);
    CHECK_FAILS(tcp_policy_parse("deny = 1", 8, 0, &policy, NULL), TCP_ERROR_POLICY, "line 1");
    CHECK(is_reject_all(&policy));
    CHECK_FAILS(tcp_policy_parse(NULL, 8, 0, &policy, NULL), TCP_ERROR_ARGUMENT, "text is NULL");
    CHECK_FAILS(tcp_policy_parse("\xff", 1, 0, &policy, NULL), TCP_ERROR_ARGUMENT, "UTF-8");
    CHECK_FAILS(tcp_policy_parse(text, SIZE_MAX, 0, &policy, NULL), TCP_ERROR_ARGUMENT, "no memory");
    CHECK_FAILS(tcp_policy_parse(text, 1, 0, NULL, NULL), TCP_ERROR_ARGUMENT, "policy is NULL");

    FILE *file = fopen("policy.toml", "w");
    CHECK(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
    CHECK(tcp_policy_load("policy.toml", TCP_PROFILE_COMPACT, &policy, &stated) == TCP_OK);
    CHECK(stated == TCP_PROFILE_WIDE && policy.deny_mask == 1 << 11);
    file = fopen("policy.toml", "w");
    CHECK(file != NULL && fputs("[risk]\nSAFE = \"MAYBE\"\n", file) >= 0 && fclose(file) == 0);
    CHECK_FAILS(tcp_policy_load("policy.toml", 0, &policy, &stated), TCP_ERROR_POLICY, "policy.toml: ");
    CHECK(is_reject_all(&policy));
    CHECK_FAILS(tcp_policy_load("absent.toml", 0, &policy, &stated), TCP_ERROR_FILE, "absent.toml");
    CHECK_FAILS(tcp_policy_load(NULL, 0, &policy, &stated), TCP_ERROR_ARGUMENT, "path is NULL");
}

#define COUNT 1000

static void batch(void) {
    const tcp_descriptor_t git = descriptor(GIT), rm = descriptor(RM);
    tcp_descriptor_t all[COUNT];
    for (size_t index = 0; index < COUNT; index++) all[index] = index % 10 ? git : rm;
    uint8_t verdicts[COUNT];
    tcp_result_t results[COUNT];
    tcp_tally_t tally;
    for (int outputs = 1; outputs < 8; outputs++) {
        memset(verdicts, GARBAGE, sizeof verdicts);
        memset(results, GARBAGE, sizeof results);
        memset(&tally, GARBAGE, sizeof tally);
        CHECK(tcp_hardware_evaluate_batch(card, all, COUNT, NULL, outputs & 1 ? verdicts : NULL,
                                          outputs & 2 ? results : NULL,
                                          outputs & 4 ? &tally : NULL) == TCP_OK);
        for (size_t index = 0; index < COUNT; index++) {
            const uint8_t expected = index % 10 ? 0x13 : 0;
            CHECK(verdicts[index] == (outputs & 1 ? expected : GARBAGE));
            CHECK(results[index].verdict == (outputs & 2 ? expected : GARBAGE));
        }
        if (outputs & 4)
            CHECK(tally.descriptors == COUNT && tally.valid == 900 && tally.decisions[1] == 900 &&
                  tally.causes[TCP_CAUSE_BAD_CHECKSUM - 1] == 100 && tally.flag_hit == 0);
    }
    /* An array at an odd address; and nothing at all. */
    uint8_t bytes[3 * TCP_DESCRIPTOR_SIZE + 1];
    memcpy(bytes + 1, all, 3 * TCP_DESCRIPTOR_SIZE);
    CHECK(tcp_hardware_evaluate_batch(card, (tcp_descriptor_t *)(bytes + 1), 3, NULL, verdicts, NULL,
                                      NULL) == TCP_OK);
    CHECK(verdicts[0] == 0 && verdicts[1] == 0x13 && verdicts[2] == 0x13);
    CHECK(tcp_hardware_evaluate_batch(card, NULL, 0, NULL, NULL, NULL, &tally) == TCP_OK);
    CHECK(tally.descriptors == 0);
}

static void batch_refused(void) {
    tcp_descriptor_t all[4];
    uint8_t verdicts[4];
    tcp_result_t results[4];
    tcp_tally_t tally;
    memset(all, 0, sizeof all);
    const tcp_options_t wrong = {.profile = 9};
#define CHECK_CLOSED(call, status, words)                                                            \
    memset(verdicts, GARBAGE, sizeof verdicts);                                                 \
    memset(results, GARBAGE, sizeof results);                                                   \
    memset(&tally, GARBAGE, sizeof tally);                                                      \
    CHECK_FAILS(call, status, words);                                                           \
    for (size_t index = 0; index < 4; index++)                                                  \
        CHECK(verdicts[index] == 0 && is_not_judged(&results[index]));                          \
    CHECK(tally.descriptors == 0 && tally.valid == 0)
    CHECK_CLOSED(tcp_hardware_evaluate_batch(card, all, 4, &wrong, verdicts, results, &tally),
            TCP_ERROR_ARGUMENT, "tcp_profile_t");
    CHECK_CLOSED(tcp_hardware_evaluate_batch(card, NULL, 4, NULL, verdicts, results, &tally),
            TCP_ERROR_ARGUMENT, "descriptors is NULL");
    CHECK_CLOSED(tcp_hardware_evaluate_batch(NULL, all, 4, NULL, verdicts, results, &tally),
            TCP_ERROR_HANDLE, "not open");
    CHECK_FAILS(tcp_hardware_evaluate_batch(card, all, 4, NULL, NULL, NULL, NULL), TCP_ERROR_ARGUMENT,
                "name one of them");
    CHECK_FAILS(tcp_hardware_evaluate_batch(card, all, SIZE_MAX, NULL, verdicts, NULL, NULL),
                TCP_ERROR_ARGUMENT, "no memory can hold");
    CHECK_FAILS(tcp_hardware_evaluate_batch(card, all, SIZE_MAX / 32, NULL, verdicts, NULL, NULL),
                TCP_ERROR_ARGUMENT, "no memory can hold");
    CHECK_FAILS(tcp_hardware_evaluate_batch(card, all, 4, NULL, (uint8_t *)all + 8, NULL, NULL),
                TCP_ERROR_ARGUMENT, "overlaps descriptors");
    CHECK_FAILS(tcp_hardware_evaluate_batch(card, all, 4, NULL, (uint8_t *)results, results, NULL),
                TCP_ERROR_ARGUMENT, "overlaps verdicts");
    CHECK_FAILS(tcp_hardware_evaluate_batch(card, all, 2, NULL, verdicts,
                                            (tcp_result_t *)((char *)results + 1), NULL),
                TCP_ERROR_ARGUMENT, "aligned");
}

/* Each thread uses the card that all share and one of its own, and has its own errors. */
static void *work(void *argument) {
    const char *name = argument;
    const tcp_descriptor_t git = descriptor(GIT);
    tcp_result_t result;
    tcp_hardware_t *own;
    CHECK(strcmp(tcp_last_error(), "") == 0);
    for (int round = 0; round < 20; round++) {
        CHECK(tcp_hardware_open(name, &own) == TCP_OK);
        CHECK(tcp_hardware_evaluate(card, &git, NULL, &result) == TCP_OK && result.verdict == 0x13);
        CHECK(tcp_hardware_evaluate(own, &git, NULL, &result) == TCP_OK && result.verdict == 0x13);
        CHECK(tcp_hardware_close(own) == TCP_OK);
        CHECK(tcp_hardware_evaluate(own, &git, NULL, &result) == TCP_ERROR_HANDLE);
        CHECK(is_not_judged(&result));
    }
    return NULL;
}

static void threads(const char *name) {
    pthread_t all[8];
    for (size_t index = 0; index < 8; index++)
        CHECK(pthread_create(&all[index], NULL, work, (void *)name) == 0);
    for (size_t index = 0; index < 8; index++) CHECK(pthread_join(all[index], NULL) == 0);
}

static void ending(const char *name) {
    const tcp_descriptor_t git = descriptor(GIT);
    tcp_result_t result;
    CHECK(tcp_hardware_shutdown() == TCP_OK);
    CHECK(tcp_hardware_count() == 0);
    CHECK_FAILS(tcp_hardware_evaluate(card, &git, NULL, &result), TCP_ERROR_HANDLE, "not open");
    CHECK(is_not_judged(&result));
    CHECK(tcp_hardware_close(card) == TCP_ERROR_HANDLE);
    /* And again from the beginning. */
    CHECK(tcp_hardware_init_all(NULL) == TCP_OK && tcp_hardware_count() >= 1);
    CHECK(tcp_hardware_open(name, &card) == TCP_OK);
    CHECK(tcp_hardware_evaluate(card, &git, NULL, &result) == TCP_OK && result.verdict == 0x13);
    CHECK(tcp_hardware_shutdown() == TCP_OK);
    CHECK(tcp_hardware_shutdown() == TCP_OK);
}

int main(int count, char **arguments) {
    const char *name = count > 1 ? arguments[1] : "software:0";
    texts();
    cards(name);
    opening(name);
    one();
    one_refused();
    policies();
    policy_texts();
    batch();
    batch_refused();
    threads(name);
    ending(name);
    printf("every function of tcp/hardware.h on %s\n", name);
    return 0;
}
