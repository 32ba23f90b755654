/* Every function of tcp/safety.h, with the cards that the arguments name: what it answers, and what it refuses. */
#include "check.h"

#include <pthread.h>
#include <stdint.h>
#include <tcp/safety.h>

/* Longest wait for an answer: nobody waits so long but by a fault. */
#define PATIENCE_US 60000000
#define PATIENCE_MS 60000

static tcp_decision_engine_t *engine;
static const char *const *cards;
static size_t card_count;
static tcp_descriptor_t git, rm;

/* What stands where nobody was asked. */
static int is_unanswered(const tcp_decision_t *decision) {
    return is_not_judged(&decision->result) && decision->reason == TCP_REASON_NONE &&
           decision->policy_version == 0 && decision->latency_ns == 0 && decision->namespace_id == 0;
}

static tcp_decision_t decided(uint64_t agent, tcp_descriptor_t descriptor) {
    tcp_decision_t decision;
    memset(&decision, 0x5a, sizeof decision);
    decision.agent_id = agent;
    decision.ticket = 77;
    decision.descriptor = descriptor;
    CHECK(tcp_decide(engine, &decision, PATIENCE_US) == TCP_OK);
    CHECK(decision.agent_id == agent && decision.ticket == 77);
    CHECK(memcmp(&decision.descriptor, &descriptor, sizeof descriptor) == 0);
    return decision;
}

static void starting(void) {
    tcp_decision_engine_t *other = (tcp_decision_engine_t *)&other;
    const char *const wrong[] = {"toaster:0"}, *const nothing[] = {NULL};
    const struct {
        tcp_decision_engine_options_t options;
        tcp_status_t status;
        const char *words;
    } refused[] = {
        {{.cards = wrong, .card_count = 1}, TCP_ERROR_NO_CARD, "toaster:0"},
        {{.cards = nothing, .card_count = 1}, TCP_ERROR_ARGUMENT, "cards is NULL"},
        {{.cards = NULL, .card_count = 1}, TCP_ERROR_ARGUMENT, "cards is NULL"},
        {{.cards = wrong, .card_count = SIZE_MAX}, TCP_ERROR_ARGUMENT, "no memory"},
        {{.max_under_way = 70000}, TCP_ERROR_ARGUMENT, "max_under_way"},
        {{.reserved = 1}, TCP_ERROR_ARGUMENT, "reserved"},
    };
    for (size_t index = 0; index < sizeof refused / sizeof *refused; index++) {
        CHECK_FAILS(tcp_decision_engine_start(&refused[index].options, &other), refused[index].status,
                    refused[index].words);
        CHECK(other == NULL);
    }
    CHECK_FAILS(tcp_decision_engine_start(NULL, NULL), TCP_ERROR_ARGUMENT, "engine is NULL");

    /* A simulated card is slower than any other. */
    const tcp_decision_engine_options_t options = {
        .cards = cards, .card_count = card_count, .max_namespaces = 3, .lane_timeout_us = 30000000};
    CHECK(tcp_decision_engine_start(&options, &engine) == TCP_OK && engine != NULL);
    CHECK(tcp_decision_engine_start(NULL, &other) == TCP_OK && other != engine);
    CHECK(tcp_decision_engine_stop(other) == TCP_OK);
    CHECK_FAILS(tcp_decision_engine_stop(other), TCP_ERROR_HANDLE, "tcp_decision_engine_start");
    CHECK_FAILS(tcp_decision_engine_stop(NULL), TCP_ERROR_HANDLE, "not open");
}

static void sessions_and_policies(void) {
    tcp_policy_t policy;
    uint64_t version = 99, agents[] = {1, 2, 3, 4, 5, 3};
    size_t opened;
    CHECK(tcp_namespace_add(engine, 10, TCP_PROFILE_COMPACT, TCP_CHECKSUM_OF_PROFILE, NULL, &version) == TCP_OK);
    CHECK(version == 1);
    CHECK_FAILS(tcp_namespace_add(engine, 10, 0, 0, NULL, &version), TCP_ERROR_EXISTS, "namespace 10");
    CHECK(version == 0);
    CHECK(tcp_policy_default(TCP_PROFILE_COMPACT, &policy) == TCP_OK);
    policy.risk[2] = TCP_DECISION_REQUIRE_APPROVAL;
    CHECK(tcp_namespace_add(engine, 20, TCP_PROFILE_COMPACT, TCP_CHECKSUM_CRC32, &policy, NULL) == TCP_OK);
    CHECK(tcp_namespace_add(engine, 30, TCP_PROFILE_WIDE, TCP_CHECKSUM_SUM, NULL, &version) == TCP_OK);
    CHECK(version == 3);
    CHECK_FAILS(tcp_namespace_add(engine, 40, 0, 0, NULL, NULL), TCP_ERROR_MEMORY, "3 namespaces");

    CHECK(tcp_session_open(engine, 1, 10) == TCP_OK);
    CHECK_FAILS(tcp_session_open(engine, 1, 20), TCP_ERROR_EXISTS, "agent 1");
    CHECK_FAILS(tcp_session_open(engine, 9, 11), TCP_ERROR_UNKNOWN, "namespace 11");
    CHECK(tcp_session_open_many(engine, agents + 1, 5, 20, &opened) == TCP_OK && opened == 4);
    CHECK_FAILS(tcp_session_open_many(engine, agents, 1, 20, &opened), TCP_ERROR_EXISTS, "agent 1");
    CHECK(opened == 0);
    CHECK_FAILS(tcp_session_open_many(engine, NULL, 1, 20, &opened), TCP_ERROR_ARGUMENT, "agent_ids is NULL");
    CHECK_FAILS(tcp_session_open_many(engine, agents, 1, 20, NULL), TCP_ERROR_ARGUMENT, "opened is NULL");

    /* The same tool, judged by two namespaces' policies. */
    tcp_decision_t decision = decided(1, git);
    CHECK(decision.reason == TCP_REASON_JUDGED && decision.result.decision == TCP_DECISION_CAUTION);
    CHECK(decision.namespace_id == 10 && decision.policy_version == 1 && decision.latency_ns > 0);
    CHECK(decision.result.verdict == 0x13 && decision.result.low_flags == 0x0244);
    decision = decided(2, git);
    CHECK(decision.result.decision == TCP_DECISION_REQUIRE_APPROVAL && decision.policy_version == 2);
    /* A policy is replaced. */
    policy.deny_mask = 1 << 9;
    CHECK(tcp_namespace_set_policy(engine, 20, &policy, &version) == TCP_OK && version == 4);
    decision = decided(3, git);
    CHECK(decision.result.decision == TCP_DECISION_REJECT && decision.policy_version == 4);
    CHECK(decision.reason == TCP_REASON_JUDGED && decision.result.flag_hit);
    CHECK_FAILS(tcp_namespace_set_policy(engine, 11, &policy, &version), TCP_ERROR_UNKNOWN, "namespace 11");
    CHECK(version == 0);
    CHECK_FAILS(tcp_namespace_set_policy(engine, 10, NULL, NULL), TCP_ERROR_ARGUMENT, "policy is NULL");
    policy.risk[0] = 0;
    CHECK_FAILS(tcp_namespace_set_policy(engine, 10, &policy, NULL), TCP_ERROR_POLICY, "risk[0]");

    CHECK(tcp_session_close(engine, 5) == TCP_OK);
    CHECK_FAILS(tcp_session_close(engine, 5), TCP_ERROR_UNKNOWN, "agent 5");
    CHECK_FAILS(tcp_namespace_remove(engine, 20), TCP_ERROR_BUSY, "3 sessions");
    CHECK(tcp_namespace_remove(engine, 30) == TCP_OK);
    CHECK_FAILS(tcp_namespace_remove(engine, 30), TCP_ERROR_UNKNOWN, "namespace 30");
}

static void refusals(void) {
    tcp_decision_t decision = decided(1, rm);
    CHECK(decision.reason == TCP_REASON_MALFORMED && decision.result.cause == TCP_CAUSE_BAD_CHECKSUM);
    CHECK(decision.result.decision == TCP_DECISION_REJECT && decision.result.verdict == 0);
    decision = decided(5, git);
    CHECK(decision.reason == TCP_REASON_UNKNOWN_AGENT && decision.result.decision == TCP_DECISION_REJECT);
    CHECK(decision.policy_version == 0 && decision.result.cause == TCP_CAUSE_NOT_JUDGED);
    decision.agent_id = 1;
    CHECK(tcp_decide(engine, &decision, 0) == TCP_OK);
    CHECK(decision.reason == TCP_REASON_DEADLINE_PASSED && is_not_judged(&decision.result));

    CHECK_FAILS(tcp_decide(engine, NULL, 1), TCP_ERROR_ARGUMENT, "decision is NULL");
    memset(&decision, 0x01, sizeof decision);
    CHECK_FAILS(tcp_decide(NULL, &decision, 1), TCP_ERROR_HANDLE, "tcp_decision_engine_start");
    CHECK(is_unanswered(&decision) && decision.agent_id == UINT64_C(0x0101010101010101));
}

#define COUNT 100

static void asynchronous(void) {
    tcp_decision_client_t *client;
    tcp_decision_t questions[COUNT], answers[COUNT];
    unsigned char seen[COUNT] = {0};
    size_t count;
    CHECK(tcp_decision_client_open(engine, &client) == TCP_OK && client != NULL);
    CHECK(tcp_decision_poll(client, answers, COUNT, &count) == TCP_OK && count == 0);
    CHECK(tcp_decision_wait(client, answers, COUNT, PATIENCE_MS, &count) == TCP_OK && count == 0);
    memset(questions, 0, sizeof questions);
    for (uint64_t index = 0; index < COUNT; index++) {
        questions[index].agent_id = index % 6;
        questions[index].ticket = index;
        questions[index].descriptor = index % 4 ? git : rm;
    }
    CHECK(tcp_decision_submit(client, questions, COUNT, PATIENCE_US, &count) == TCP_OK && count == COUNT);
    for (size_t taken = 0; taken < COUNT; taken += count) {
        CHECK(tcp_decision_wait(client, answers, 33, PATIENCE_MS, &count) == TCP_OK && count > 0);
        for (size_t index = 0; index < count; index++) {
            const tcp_decision_t *answer = &answers[index];
            const uint64_t ticket = answer->ticket, agent = ticket % 6;
            CHECK(ticket < COUNT && !seen[ticket]++ && answer->agent_id == agent);
            if (agent == 0 || agent == 5)
                CHECK(answer->reason == TCP_REASON_UNKNOWN_AGENT);
            else if (ticket % 4 == 0)
                CHECK(answer->reason == TCP_REASON_MALFORMED && answer->result.cause == TCP_CAUSE_BAD_CHECKSUM);
            else
                CHECK(answer->reason == TCP_REASON_JUDGED &&
                      answer->result.decision == (agent == 1 ? TCP_DECISION_CAUTION : TCP_DECISION_REJECT));
            CHECK((answer->result.decision == TCP_DECISION_CAUTION) == (agent == 1 && ticket % 4 != 0));
        }
    }
    CHECK_FAILS(tcp_decision_submit(client, NULL, 1, 0, &count), TCP_ERROR_ARGUMENT, "decisions is NULL");
    CHECK_FAILS(tcp_decision_submit(client, questions, 1, 0, NULL), TCP_ERROR_ARGUMENT, "accepted is NULL");
    CHECK_FAILS(tcp_decision_poll(client, NULL, 1, &count), TCP_ERROR_ARGUMENT, "decisions is NULL");
    CHECK_FAILS(tcp_decision_wait(client, answers, 1, 0, NULL), TCP_ERROR_ARGUMENT, "count is NULL");
    CHECK_FAILS(tcp_decision_wait(client, answers, 1, 0, (size_t *)answers), TCP_ERROR_ARGUMENT, "overlaps");
    CHECK(tcp_decision_client_close(client) == TCP_OK);
    CHECK_FAILS(tcp_decision_client_close(client), TCP_ERROR_HANDLE, "tcp_decision_client_open");
    CHECK(tcp_decision_poll(client, answers, 1, &count) == TCP_ERROR_HANDLE);
    CHECK(tcp_decision_submit(client, questions, 1, 0, &count) == TCP_ERROR_HANDLE && count == 0);
    CHECK_FAILS(tcp_decision_client_open(NULL, &client), TCP_ERROR_HANDLE, "tcp_decision_engine_start");
    CHECK(client == NULL);
    CHECK_FAILS(tcp_decision_client_open(engine, NULL), TCP_ERROR_ARGUMENT, "client is NULL");
}

static void limits(void) {
    const tcp_decision_engine_options_t options = {
        .max_clients = 1, .client_entries = 4, .max_agents = 1, .lane_timeout_us = 1000000, .audit_interval = TCP_AUDIT_NONE};
    tcp_decision_engine_t *small;
    tcp_decision_client_t *client, *other;
    tcp_decision_t questions[6], decision = {.agent_id = 1};
    size_t count;
    memset(questions, 0, sizeof questions);
    CHECK(tcp_decision_engine_start(&options, &small) == TCP_OK);
    CHECK(tcp_namespace_add(small, 0, 0, 0, NULL, NULL) == TCP_OK);
    CHECK(tcp_session_open(small, 1, 0) == TCP_OK);
    CHECK_FAILS(tcp_session_open(small, 2, 0), TCP_ERROR_MEMORY, "1 sessions");
    CHECK(tcp_decision_client_open(small, &client) == TCP_OK);
    CHECK_FAILS(tcp_decision_client_open(small, &other), TCP_ERROR_MEMORY, "1 clients");
    CHECK(tcp_decide(small, &decision, PATIENCE_US) == TCP_OK && decision.reason == TCP_REASON_OVERLOAD);
    CHECK(tcp_decision_submit(client, questions, 6, PATIENCE_US, &count) == TCP_OK && count == 4);

    /* What is not answered when the engine stops is answered then, and can be taken after it. */
    CHECK(tcp_decision_engine_stop(small) == TCP_OK);
    for (size_t taken = 0; taken < 4; taken += count) {
        CHECK(tcp_decision_wait(client, questions, 6, PATIENCE_MS, &count) == TCP_OK && count > 0);
        for (size_t index = 0; index < count; index++)
            CHECK(questions[index].result.decision == TCP_DECISION_REJECT);
    }
    CHECK_FAILS(tcp_decision_submit(client, questions, 1, PATIENCE_US, &count), TCP_ERROR_STOPPED, "has stopped");
    CHECK(tcp_decision_client_close(client) == TCP_OK);
}

static void lanes(void) {
    tcp_decision_lane_t all[8];
    size_t count = 9;
    CHECK(tcp_decision_engine_lanes(engine, NULL, 0, &count) == TCP_OK && count == card_count + 1);
    CHECK(tcp_decision_engine_lanes(engine, all, 8, &count) == TCP_OK && count == card_count + 1);
    for (size_t index = 0; index < count; index++) {
        CHECK(all[index].lives == 1 && all[index].failures == 0 && all[index].name[0] != '\0');
        CHECK(all[index].failure[0] == '\0' && all[index].under_way == 0 && all[index].moved == 0);
        /* The preferred one has done all the work. */
        CHECK((all[index].completed > 0) == (index == 0));
    }
    CHECK_FAILS(tcp_decision_engine_lanes(engine, NULL, 1, &count), TCP_ERROR_ARGUMENT, "lanes is NULL");
    CHECK_FAILS(tcp_decision_engine_lanes(engine, all, 1, NULL), TCP_ERROR_ARGUMENT, "count is NULL");
    CHECK_FAILS(tcp_decision_engine_reinstate(engine, 0), TCP_ERROR_BUSY, "has not failed");
    CHECK_FAILS(tcp_decision_engine_reinstate(engine, 7), TCP_ERROR_UNKNOWN, "lane 7");
}

static void statistics(void) {
    tcp_decision_statistics_t all, one;
    uint64_t sessions;
    CHECK(tcp_decision_engine_statistics(engine, &all, &sessions) == TCP_OK && sessions == 4);
    CHECK(tcp_decision_engine_statistics(engine, &all, NULL) == TCP_OK);
    CHECK(tcp_namespace_statistics(engine, 10, &one) == TCP_OK);
    uint64_t reasons = 0, decisions = 0;
    for (size_t code = 0; code < TCP_REASON_COUNT; code++) reasons += all.reasons[code];
    for (size_t code = 0; code < 4; code++) decisions += all.decisions[code];
    CHECK(all.answers == reasons && all.answers == decisions && all.answers > one.answers);
    CHECK(all.reasons[TCP_REASON_NONE] == 0 && all.reasons[TCP_REASON_UNKNOWN_AGENT] > 0);
    CHECK(one.reasons[TCP_REASON_UNKNOWN_AGENT] == 0 && one.decisions[1] > 0);
    CHECK(one.latency_p50_ns > 0 && one.latency_p50_ns <= one.latency_p99_ns);
    CHECK(one.latency_p99_ns <= one.latency_p999_ns && one.latency_p999_ns <= one.latency_max_ns);
    memset(&one, 1, sizeof one);
    CHECK_FAILS(tcp_namespace_statistics(engine, 99, &one), TCP_ERROR_UNKNOWN, "namespace 99");
    CHECK(one.answers == 0 && one.latency_max_ns == 0);
    CHECK_FAILS(tcp_namespace_statistics(engine, 10, NULL), TCP_ERROR_ARGUMENT, "statistics is NULL");
    CHECK_FAILS(tcp_decision_engine_statistics(engine, NULL, &sessions), TCP_ERROR_ARGUMENT, "statistics is NULL");
    CHECK(sessions == 0);
}

/* Threads that ask, each for an agent of its own, in both ways. */
static void *work(void *argument) {
    const uint64_t agent = (uint64_t)(uintptr_t)argument;
    tcp_decision_client_t *client;
    tcp_decision_t question = {.agent_id = agent, .descriptor = git}, answer;
    size_t count;
    CHECK(tcp_session_open(engine, agent, 10) == TCP_OK);
    CHECK(tcp_decision_client_open(engine, &client) == TCP_OK);
    for (uint64_t round = 0; round < 200; round++) {
        const tcp_decision_t decision = decided(agent, git);
        CHECK(decision.result.decision == TCP_DECISION_CAUTION);
        question.ticket = round;
        CHECK(tcp_decision_submit(client, &question, 1, PATIENCE_US, &count) == TCP_OK && count == 1);
        CHECK(tcp_decision_wait(client, &answer, 1, PATIENCE_MS, &count) == TCP_OK && count == 1);
        CHECK(answer.ticket == round && answer.agent_id == agent);
        CHECK(answer.result.decision == TCP_DECISION_CAUTION);
    }
    CHECK(tcp_decision_client_close(client) == TCP_OK);
    CHECK(tcp_session_close(engine, agent) == TCP_OK);
    return NULL;
}

static void threads(void) {
    pthread_t all[6];
    for (uintptr_t index = 0; index < 6; index++)
        CHECK(pthread_create(&all[index], NULL, work, (void *)(1000 + index)) == 0);
    for (size_t index = 0; index < 6; index++) CHECK(pthread_join(all[index], NULL) == 0);
}

/* Every function knows an engine that has stopped. */
static void stopped(void) {
    tcp_decision_client_t *client;
    tcp_decision_statistics_t one;
    tcp_decision_lane_t lane;
    tcp_decision_t decision = {.agent_id = 1, .descriptor = git};
    size_t count;
    uint64_t agent = 1;
    CHECK(tcp_decision_engine_stop(engine) == TCP_OK);
    CHECK(tcp_decide(engine, &decision, PATIENCE_US) == TCP_ERROR_HANDLE && is_unanswered(&decision));
    CHECK(tcp_session_open(engine, 8, 10) == TCP_ERROR_HANDLE);
    CHECK(tcp_session_open_many(engine, &agent, 1, 10, &count) == TCP_ERROR_HANDLE);
    CHECK(tcp_session_close(engine, 1) == TCP_ERROR_HANDLE);
    CHECK(tcp_namespace_add(engine, 1, 0, 0, NULL, NULL) == TCP_ERROR_HANDLE);
    CHECK(tcp_namespace_remove(engine, 10) == TCP_ERROR_HANDLE);
    CHECK(tcp_decision_client_open(engine, &client) == TCP_ERROR_HANDLE);
    CHECK(tcp_decision_engine_lanes(engine, &lane, 1, &count) == TCP_ERROR_HANDLE);
    CHECK(tcp_decision_engine_reinstate(engine, 0) == TCP_ERROR_HANDLE);
    CHECK(tcp_decision_engine_statistics(engine, &one, NULL) == TCP_ERROR_HANDLE);
    CHECK(tcp_namespace_statistics(engine, 10, &one) == TCP_ERROR_HANDLE);
    CHECK(strcmp(tcp_reason_name(TCP_REASON_NO_LANE), "NO_LANE") == 0);
    CHECK(strcmp(tcp_reason_name(TCP_REASON_COUNT), "UNKNOWN") == 0);

    /* The library's shutdown stops those that run. */
    CHECK(tcp_decision_engine_start(NULL, &engine) == TCP_OK);
    CHECK(tcp_decision_client_open(engine, &client) == TCP_OK);
    CHECK(tcp_hardware_shutdown() == TCP_OK);
    CHECK(tcp_decide(engine, &decision, PATIENCE_US) == TCP_ERROR_HANDLE);
    CHECK(tcp_decision_poll(client, &decision, 1, &count) == TCP_ERROR_HANDLE);
}

int main(int count, char **arguments) {
    cards = (const char *const *)arguments + 1;
    card_count = (size_t)count - 1;
    git = descriptor(GIT);
    rm = descriptor(RM);
    starting();
    sessions_and_policies();
    refusals();
    asynchronous();
    limits();
    lanes();
    threads();
    statistics();
    stopped();
    printf("every function of tcp/safety.h\n");
    return 0;
}
