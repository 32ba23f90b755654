/* The queues of tcp/hardware.h, on the card that the argument names. */
#include "check.h"

#include <pthread.h>
#include <stdint.h>

/* Longest wait for a completion, milliseconds: nobody waits so long but by a fault. */
#define PATIENCE 60000

static tcp_hardware_t *card;
static tcp_descriptor_t git, rm;

static tcp_queue_t *opened(uint32_t entries, uint32_t serving) {
    const tcp_queue_options_t options = {.purpose = "test", .entries = entries, .serving = serving};
    tcp_queue_t *queue;
    CHECK(tcp_queue_open(card, &options, &queue) == TCP_OK && queue != NULL);
    CHECK(tcp_queue_capacity(queue) == entries && tcp_queue_outstanding(queue) == 0);
    return queue;
}

/* Takes so many completions. */
static void take(tcp_queue_t *queue, tcp_completion_t *completions, size_t wanted) {
    size_t count;
    for (size_t taken = 0; taken < wanted; taken += count) {
        CHECK(tcp_queue_wait(queue, completions + taken, wanted - taken, PATIENCE, &count) == TCP_OK);
        CHECK(count > 0);
    }
}

static void answers(uint32_t serving) {
    tcp_queue_t *queue = opened(256, serving);
    tcp_completion_t completions[200];
    tcp_submission_t submissions[200];
    size_t count = 99;
    CHECK(tcp_queue_poll(queue, completions, 8, &count) == TCP_OK && count == 0);
    CHECK(tcp_queue_wait(queue, completions, 8, PATIENCE, &count) == TCP_OK && count == 0);

    submissions[0] = (tcp_submission_t){.descriptor = git, .tag = 7, .options = 0};
    CHECK(tcp_queue_submit(queue, &submissions[0]) == TCP_OK);
    take(queue, completions, 1);
    CHECK(completions[0].tag == 7 && completions[0].decision == TCP_DECISION_CAUTION);
    CHECK(completions[0].verdict == 0x13 && completions[0].cause == TCP_CAUSE_NONE);

    /* More at once than the library turns over in one go; some malformed, some with options that are none. */
    for (uint32_t index = 0; index < 200; index++)
        submissions[index] = (tcp_submission_t){.descriptor = index % 3 ? git : rm,
                                                .tag = 1000 + index,
                                                .options = index % 7 ? 0 : tcp_submission_options(9, 0, 0)};
    CHECK(tcp_queue_submit_many(queue, submissions, 200, &count) == TCP_OK && count == 200);
    take(queue, completions, 200);
    for (uint32_t index = 0; index < 200; index++) {
        const int cause = index % 7 == 0   ? TCP_CAUSE_BAD_OPTIONS
                          : index % 3 == 0 ? TCP_CAUSE_BAD_CHECKSUM
                                           : TCP_CAUSE_NONE;
        CHECK(completions[index].tag == 1000 + index && completions[index].cause == cause);
        CHECK(completions[index].verdict == (cause ? 0 : 0x13));
        CHECK(completions[index].decision == (cause ? TCP_DECISION_REJECT : TCP_DECISION_CAUTION));
    }
    CHECK(tcp_queue_outstanding(queue) == 0);
    CHECK(tcp_queue_close(queue) == TCP_OK);
}

static void policies(void) {
    tcp_queue_t *queue = opened(16, TCP_QUEUE_SERVING_THREAD);
    tcp_policy_t policy;
    uint8_t version = 0;
    tcp_completion_t completion;
    CHECK(tcp_policy_default(TCP_PROFILE_COMPACT, &policy) == TCP_OK);
    policy.risk[2] = TCP_DECISION_REQUIRE_APPROVAL;
    CHECK(tcp_queue_set_policy(queue, 5, &policy, &version) == TCP_OK && version == 1);
    CHECK(tcp_queue_set_policy(queue, 5, &policy, NULL) == TCP_OK);
    const tcp_submission_t submission = {
        .descriptor = git, .options = tcp_submission_options(TCP_PROFILE_COMPACT, TCP_CHECKSUM_CRC32, 5)};
    CHECK(submission.options == 0x50);
    CHECK(tcp_queue_submit(queue, &submission) == TCP_OK);
    take(queue, &completion, 1);
    CHECK(completion.decision == TCP_DECISION_REQUIRE_APPROVAL && completion.policy_version == 2);

    CHECK_FAILS(tcp_queue_set_policy(queue, 16, &policy, &version), TCP_ERROR_ARGUMENT, "slot");
    CHECK_FAILS(tcp_queue_set_policy(queue, 0, NULL, &version), TCP_ERROR_ARGUMENT, "policy is NULL");
    policy.exceeded = 0;
    CHECK_FAILS(tcp_queue_set_policy(queue, 0, &policy, &version), TCP_ERROR_POLICY, "exceeded");
    CHECK(tcp_queue_close(queue) == TCP_OK);
    CHECK(tcp_submission_options(TCP_PROFILE_WIDE, TCP_CHECKSUM_OF_PROFILE, 0) == 0x5);
    CHECK(tcp_submission_options(TCP_PROFILE_COMPACT, 4, 0) == UINT32_MAX);
    CHECK(tcp_submission_options(TCP_PROFILE_COMPACT, 0, 16) == UINT32_MAX);
}

static void full_and_cancelled(void) {
    /* Where the caller serves, nothing is judged before it is asked for. */
    tcp_queue_t *queue = opened(4, TCP_QUEUE_SERVING_CALLER);
    tcp_submission_t submissions[6];
    tcp_completion_t completions[6];
    size_t count;
    uint8_t cancelled = 9;
    uint32_t tags[6] = {0};
    for (uint32_t index = 0; index < 6; index++)
        submissions[index] = (tcp_submission_t){.descriptor = git, .tag = index};
    CHECK(tcp_queue_submit_many(queue, submissions, 6, &count) == TCP_OK && count == 4);
    CHECK_FAILS(tcp_queue_submit(queue, &submissions[4]), TCP_ERROR_QUEUE_FULL, "poll for completions");
    CHECK(tcp_queue_submit_many(queue, submissions, 6, &count) == TCP_OK && count == 0);
    CHECK(tcp_queue_outstanding(queue) == 4);
    CHECK(tcp_queue_cancel(queue, 2, &cancelled) == TCP_OK && cancelled == 1);
    CHECK(tcp_queue_cancel(queue, 2, &cancelled) == TCP_OK && cancelled == 0);
    CHECK(tcp_queue_cancel(queue, 77, NULL) == TCP_OK);
    CHECK(tcp_queue_unanswered(queue, tags, 2, &count) == TCP_OK && count == 3);
    CHECK(tags[0] == 0 && tags[1] == 1 && tags[2] == 0);
    CHECK(tcp_queue_unanswered(queue, NULL, 0, &count) == TCP_OK && count == 3);
    take(queue, completions, 3);
    CHECK(completions[0].tag == 0 && completions[1].tag == 1 && completions[2].tag == 3);
    CHECK(tcp_queue_submit(queue, &submissions[4]) == TCP_OK);
    /* What is outstanding when a queue is closed is answered to nobody. */
    CHECK(tcp_queue_close(queue) == TCP_OK);
}

static void refused(void) {
    tcp_queue_t *queue = (tcp_queue_t *)&queue;
    tcp_submission_t submission = {.descriptor = git};
    tcp_completion_t completion;
    size_t count = 9;
    uint32_t tag;
    const tcp_queue_options_t wrong[] = {
        {.entries = 3}, {.entries = 1 << 20}, {.path = 3}, {.serving = 2}, {.purpose = "\xff"}};
    for (size_t index = 0; index < sizeof wrong / sizeof *wrong; index++) {
        CHECK(tcp_queue_open(card, &wrong[index], &queue) == TCP_ERROR_ARGUMENT);
        CHECK(queue == NULL);
    }
    CHECK_FAILS(tcp_queue_open(NULL, NULL, &queue), TCP_ERROR_HANDLE, "tcp_hardware_open");
    CHECK_FAILS(tcp_queue_open(card, NULL, NULL), TCP_ERROR_ARGUMENT, "queue is NULL");
    /* A handle of another kind. */
    CHECK_FAILS(tcp_queue_submit((tcp_queue_t *)card, &submission), TCP_ERROR_HANDLE, "tcp_queue_open");
    CHECK_FAILS(tcp_queue_close((tcp_queue_t *)card), TCP_ERROR_HANDLE, "tcp_queue_open");

    queue = opened(16, TCP_QUEUE_SERVING_THREAD);
    CHECK_FAILS(tcp_queue_submit(queue, NULL), TCP_ERROR_ARGUMENT, "submission is NULL");
    CHECK_FAILS(tcp_queue_submit_many(queue, NULL, 1, &count), TCP_ERROR_ARGUMENT, "submissions is NULL");
    CHECK(count == 0);
    CHECK_FAILS(tcp_queue_submit_many(queue, &submission, SIZE_MAX, &count), TCP_ERROR_ARGUMENT, "no memory");
    CHECK_FAILS(tcp_queue_submit_many(queue, &submission, 1, NULL), TCP_ERROR_ARGUMENT, "accepted is NULL");
    CHECK_FAILS(tcp_queue_poll(queue, NULL, 1, &count), TCP_ERROR_ARGUMENT, "completions is NULL");
    CHECK_FAILS(tcp_queue_poll(queue, &completion, 1, NULL), TCP_ERROR_ARGUMENT, "count is NULL");
    CHECK_FAILS(tcp_queue_poll(queue, &completion, 1, (size_t *)&completion), TCP_ERROR_ARGUMENT, "overlaps");
    CHECK_FAILS(tcp_queue_wait(queue, NULL, 1, 0, &count), TCP_ERROR_ARGUMENT, "completions is NULL");
    CHECK_FAILS(tcp_queue_unanswered(queue, NULL, 1, &count), TCP_ERROR_ARGUMENT, "tags is NULL");
    CHECK_FAILS(tcp_queue_unanswered(queue, &tag, 1, NULL), TCP_ERROR_ARGUMENT, "count is NULL");
    CHECK(tcp_queue_close(queue) == TCP_OK);
    CHECK_FAILS(tcp_queue_close(queue), TCP_ERROR_HANDLE, "not open");
    CHECK(tcp_queue_submit(queue, &submission) == TCP_ERROR_HANDLE);
    CHECK(tcp_queue_poll(queue, &completion, 1, &count) == TCP_ERROR_HANDLE && count == 0);
    CHECK(tcp_queue_wait(queue, &completion, 1, 0, &count) == TCP_ERROR_HANDLE);
    CHECK(tcp_queue_cancel(queue, 0, NULL) == TCP_ERROR_HANDLE);
    CHECK(tcp_queue_capacity(queue) == 0 && tcp_queue_outstanding(queue) == 0);
    CHECK(tcp_queue_unanswered(queue, &tag, 1, &count) == TCP_ERROR_HANDLE);
}

/* No more queues than the card has pairs; and each that is closed gives its pair back. */
static void pairs(void) {
    tcp_queue_t *queues[64];
    size_t most = 0;
    while (most < 64 && tcp_queue_open(card, NULL, &queues[most]) == TCP_OK) most++;
    CHECK(most >= 16 && most < 64);
    CHECK_FAILS(tcp_queue_open(card, NULL, &queues[most]), TCP_ERROR_BUSY, "pairs are in use");
    for (size_t index = 0; index < most; index++) CHECK(tcp_queue_close(queues[index]) == TCP_OK);
    CHECK(tcp_queue_open(card, NULL, &queues[0]) == TCP_OK);
    CHECK(tcp_queue_close(queues[0]) == TCP_OK);
}

#define ROUNDS 500

static void *own_queue(void *unused) {
    (void)unused;
    tcp_queue_t *queue = opened(16, TCP_QUEUE_SERVING_THREAD);
    tcp_completion_t completion;
    for (uint32_t tag = 0; tag < ROUNDS; tag++) {
        const tcp_submission_t submission = {.descriptor = tag % 2 ? git : rm, .tag = tag};
        CHECK(tcp_queue_submit(queue, &submission) == TCP_OK);
        take(queue, &completion, 1);
        CHECK(completion.tag == tag && completion.verdict == (tag % 2 ? 0x13 : 0));
    }
    CHECK(tcp_queue_close(queue) == TCP_OK);
    return NULL;
}

static void *submitter(void *argument) {
    tcp_queue_t *queue = argument;
    for (uint32_t tag = 0; tag < ROUNDS; tag++) {
        const tcp_submission_t submission = {.descriptor = git, .tag = tag};
        tcp_status_t status;
        while ((status = tcp_queue_submit(queue, &submission)) == TCP_ERROR_QUEUE_FULL) {
        }
        CHECK(status == TCP_OK);
    }
    return NULL;
}

static void threads(void) {
    pthread_t all[4];
    for (size_t index = 0; index < 4; index++) CHECK(pthread_create(&all[index], NULL, own_queue, NULL) == 0);
    for (size_t index = 0; index < 4; index++) CHECK(pthread_join(all[index], NULL) == 0);

    /* One thread submits, another one takes the answers, and the order is kept. */
    tcp_queue_t *queue = opened(16, TCP_QUEUE_SERVING_THREAD);
    tcp_completion_t completions[16];
    size_t count;
    CHECK(pthread_create(&all[0], NULL, submitter, queue) == 0);
    for (uint32_t tag = 0; tag < ROUNDS;) {
        CHECK(tcp_queue_wait(queue, completions, 16, PATIENCE, &count) == TCP_OK);
        for (size_t index = 0; index < count; index++) CHECK(completions[index].tag == tag++);
    }
    CHECK(pthread_join(all[0], NULL) == 0);
    CHECK(tcp_queue_close(queue) == TCP_OK);
}

int main(int count, char **arguments) {
    const char *name = count > 1 ? arguments[1] : "software:0";
    git = descriptor(GIT);
    rm = descriptor(RM);
    CHECK(tcp_hardware_open(name, &card) == TCP_OK);
    answers(TCP_QUEUE_SERVING_THREAD);
    answers(TCP_QUEUE_SERVING_CALLER);
    policies();
    full_and_cancelled();
    refused();
    pairs();
    threads();

    /* A queue outlives its card's handle, and not the library's shutdown. */
    tcp_queue_t *queue = opened(16, TCP_QUEUE_SERVING_THREAD);
    CHECK(tcp_hardware_close(card) == TCP_OK);
    const tcp_submission_t submission = {.descriptor = git, .tag = 3};
    tcp_completion_t completion;
    CHECK(tcp_queue_submit(queue, &submission) == TCP_OK);
    take(queue, &completion, 1);
    CHECK(completion.verdict == 0x13);
    CHECK(tcp_hardware_shutdown() == TCP_OK);
    CHECK(tcp_queue_submit(queue, &submission) == TCP_ERROR_HANDLE);
    printf("every function of queues on %s\n", name);
    return 0;
}
