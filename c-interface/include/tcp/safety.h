/* The decision engine of libtcp_hardware: may this agent run this tool? Answered for very many agents at once, by cards or
 * without one, and REJECT when in doubt. docs/decision-engine.md says what it guarantees.
 *
 * What tcp/hardware.h says of pointers, threads, errors and fork() holds here too. */

#ifndef TCP_SAFETY_H
#define TCP_SAFETY_H

/* Made by cbindgen from c-interface/src/safety; `WRITE_HEADERS=1 cargo test -p tcp-hardware --test headers` makes it anew. */

#include <stddef.h>
#include <stdint.h>
#include "hardware.h"

// Of tcp_decision_engine_options_t: no verdict is compared with the golden model.
#define TCP_AUDIT_NONE UINT32_MAX

// How many codes tcp_reason_t has.
#define TCP_REASON_COUNT 9

// Why a decision is what it is. Under all but TCP_REASON_JUDGED it is REJECT.
typedef enum tcp_reason_t {
    // It was not asked: the call failed, and its status says why.
    TCP_REASON_NONE = 0,
    // The policy decided.
    TCP_REASON_JUDGED = 1,
    // The descriptor is malformed; the result's cause says how.
    TCP_REASON_MALFORMED = 2,
    // The agent has no session.
    TCP_REASON_UNKNOWN_AGENT = 3,
    // The agent's session was closed before the answer.
    TCP_REASON_SESSION_CLOSED = 4,
    // The time was up before the answer.
    TCP_REASON_DEADLINE_PASSED = 5,
    // As much is under way as may be.
    TCP_REASON_OVERLOAD = 6,
    // No card that lives has a place for the policy.
    TCP_REASON_NO_LANE = 7,
    // The engine stops, or has stopped.
    TCP_REASON_STOPPING = 8,
} tcp_reason_t;

// A way to the engine for one thread.
typedef struct tcp_decision_client_t tcp_decision_client_t;

// A decision engine.
typedef struct tcp_decision_engine_t tcp_decision_engine_t;

// How an engine is started. All zeros, or NULL in its place, decides by the software device alone. A limit or time of 0 is
// the one that the comment tells.
typedef struct tcp_decision_engine_options_t {
    // Names of cards, the preferred one first; NULL if there are none. Each of them judges through a queue. After them comes
    // the software device, in the engine's own thread, if it is not the last of them already.
    const char *const *cards;
    // How many names.
    size_t card_count;
    // Sessions that may be open at once; 0 for 2097152. Memory is taken as they are opened.
    uint32_t max_agents;
    // Namespaces there may be at once; 0 for 1024.
    uint32_t max_namespaces;
    // Requests that may be under way at once, 65536 at most; 0 for 8192. One more is answered TCP_REASON_OVERLOAD.
    uint32_t max_under_way;
    // Threads that may wait in tcp_decide, and clients, at once; 0 for 64.
    uint32_t max_clients;
    // Requests of one client that may be unanswered; 0 for 1024.
    uint32_t client_entries;
    // How long a card may take for a request before it has failed, in microseconds; 0 for 100000. A simulated card needs more.
    uint32_t lane_timeout_us;
    // Every how manieth verdict of a card is compared with the golden model; 0 for 1024, or TCP_AUDIT_NONE.
    uint32_t audit_interval;
    // Must be 0.
    uint32_t reserved;
} tcp_decision_engine_options_t;

// What judges for an engine: a card, or the software device. Texts that do not fit are cut.
typedef struct tcp_decision_lane_t {
    // Its name.
    char name[64];
    // Why it failed; empty while it lives.
    char failure[512];
    // Requests that it has.
    uint64_t under_way;
    // Requests that it has completed.
    uint64_t completed;
    // How often it failed.
    uint64_t failures;
    // Requests that were moved from it to others, or rejected for want of one.
    uint64_t moved;
    // 1 while it lives, else 0.
    uint32_t lives;
    // 0.
    uint32_t reserved;
} tcp_decision_lane_t;

// May this agent run this tool? A question, and its answer in the same place.
typedef struct tcp_decision_t {
    // Question: who asks.
    uint64_t agent_id;
    // Question: any value. The answer has the same.
    uint64_t ticket;
    // Question: the tool.
    tcp_descriptor_t descriptor;
    // Answer: the agent's namespace; 0 if it was not looked up.
    uint32_t namespace_id;
    // Answer: a tcp_reason_t.
    uint32_t reason;
    // Answer: the decision and its reasons.
    tcp_result_t result;
    // Answer: the version of the policy that decided; 0 if none did.
    uint64_t policy_version;
    // Answer: from question to answer, in nanoseconds.
    uint64_t latency_ns;
} tcp_decision_t;

// Answers since the engine was started. Latencies are from question to answer, in nanoseconds, to a quarter of themselves; 0
// before the first answer.
typedef struct tcp_decision_statistics_t {
    // All answers.
    uint64_t answers;
    // Answers by decision: APPROVE, CAUTION, REQUIRE_APPROVAL, REJECT. Whatever was not judged was rejected.
    uint64_t decisions[4];
    // Answers by tcp_reason_t.
    uint64_t reasons[TCP_REASON_COUNT];
    // Half of the answers took no longer.
    uint64_t latency_p50_ns;
    // Of 100 answers 99 took no longer.
    uint64_t latency_p99_ns;
    // Of 1000 answers 999 took no longer.
    uint64_t latency_p999_ns;
    // No answer took longer.
    uint64_t latency_max_ns;
} tcp_decision_statistics_t;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Starts an engine with a thread of its own. `engine` becomes the handle, or NULL on an error, such as a card that cannot
// be opened: then start it without that card.
tcp_status_t tcp_decision_engine_start(const struct tcp_decision_engine_options_t *options,
                                       struct tcp_decision_engine_t **engine);

// Stops an engine. What is under way is answered REJECT, TCP_REASON_STOPPING; clients can still take their answers.
// TCP_ERROR_BUSY says that a card does not return from a call, and its thread stays behind; everything is answered all the
// same. Stopping it once more is TCP_ERROR_HANDLE and does nothing.
tcp_status_t tcp_decision_engine_stop(struct tcp_decision_engine_t *engine);

// How the cards do, in the order of the options, the software device last: as many as `capacity` allows. `count` becomes the
// number of all.
tcp_status_t tcp_decision_engine_lanes(struct tcp_decision_engine_t *engine,
                                       struct tcp_decision_lane_t *lanes,
                                       size_t capacity,
                                       size_t *count);

// Opens another queue on a card that failed, after somebody has mended it: requests go to it again. `lane` is its index in
// tcp_decision_engine_lanes.
tcp_status_t tcp_decision_engine_reinstate(struct tcp_decision_engine_t *engine,
                                           size_t lane);

// Adds a namespace: agents that share a policy. Their descriptors are of that tcp_profile_t and tcp_checksum_t. `policy` may
// be NULL for the profile's own. `version`, unless it is NULL, becomes the policy's version: policies that are put in force
// are counted from 1 over all namespaces of the engine; 0 on an error.
tcp_status_t tcp_namespace_add(struct tcp_decision_engine_t *engine,
                               uint32_t namespace_id,
                               uint32_t profile,
                               uint32_t checksum,
                               const tcp_policy_t *policy,
                               uint64_t *version);

// Puts another policy in force for a namespace, at once and whole: requests from now on are decided by it, and each answer
// names the version that decided. `version`, unless it is NULL, becomes the new one; 0 on an error.
tcp_status_t tcp_namespace_set_policy(struct tcp_decision_engine_t *engine,
                                      uint32_t namespace_id,
                                      const tcp_policy_t *policy,
                                      uint64_t *version);

// Removes a namespace that has neither sessions nor requests under way; else TCP_ERROR_BUSY.
tcp_status_t tcp_namespace_remove(struct tcp_decision_engine_t *engine, uint32_t namespace_id);

// Opens a session: from now on the agent may ask. An agent has one session at a time.
tcp_status_t tcp_session_open(struct tcp_decision_engine_t *engine, uint64_t agent_id, uint32_t namespace_id);

// Opens sessions of `count` agents, and stops at the first that cannot be opened. `opened` becomes how many were. It is an
// error only if not even the first one was. Requests wait meanwhile: open some thousands at a time.
tcp_status_t tcp_session_open_many(struct tcp_decision_engine_t *engine,
                                   const uint64_t *agent_ids,
                                   size_t count,
                                   uint32_t namespace_id,
                                   size_t *opened);

// Closes a session. The agent's requests under way are answered REJECT, TCP_REASON_SESSION_CLOSED.
tcp_status_t tcp_session_close(struct tcp_decision_engine_t *engine, uint64_t agent_id);

// The name of a tcp_reason_t: "JUDGED". Never NULL, and never to be freed.
const char *tcp_reason_name(uint32_t reason);

// Asks, and waits for the answer, `timeout_us` microseconds at most: after that it is REJECT, TCP_REASON_DEADLINE_PASSED.
// The result says REJECT too whenever the call does not return TCP_OK. Any number of threads may wait at once, but for
// the engine's max_clients; beyond that it is REJECT, TCP_REASON_OVERLOAD.
tcp_status_t tcp_decide(struct tcp_decision_engine_t *engine,
                        struct tcp_decision_t *decision,
                        uint64_t timeout_us);

// Opens a client of an engine. `client` becomes the handle, or NULL on an error. Any number of threads may use a client, one
// after the other; it is fastest for one, so open one for each.
tcp_status_t tcp_decision_client_open(struct tcp_decision_engine_t *engine,
                                      struct tcp_decision_client_t **client);

// Closes a client, and ends the waits of other threads for it. What is outstanding is answered to nobody. Closing it once
// more is TCP_ERROR_HANDLE and does nothing.
tcp_status_t tcp_decision_client_close(struct tcp_decision_client_t *client);

// Asks the first of `count` questions, as many as the client has places for, without waiting. `accepted` becomes how many: each
// of those is answered once, within `timeout_us` microseconds. The answers do not go to `decisions` but to tcp_decision_poll;
// their tickets tell which is which. TCP_ERROR_STOPPED says that the engine has stopped, and took none.
tcp_status_t tcp_decision_submit(struct tcp_decision_client_t *client,
                                 const struct tcp_decision_t *decisions,
                                 size_t count,
                                 uint64_t timeout_us,
                                 size_t *accepted);

// Takes answers that are there, at most `capacity`; `count` becomes how many. Never waits.
tcp_status_t tcp_decision_poll(struct tcp_decision_client_t *client,
                               struct tcp_decision_t *decisions,
                               size_t capacity,
                               size_t *count);

// Takes answers as tcp_decision_poll does, and waits for the first, `timeout_ms` milliseconds at most. `count` becomes 0 if
// there was none in that time, and at once if nothing is outstanding.
tcp_status_t tcp_decision_wait(struct tcp_decision_client_t *client,
                               struct tcp_decision_t *decisions,
                               size_t capacity,
                               uint32_t timeout_ms,
                               size_t *count);

// What was answered to a namespace. Zeros on an error.
tcp_status_t tcp_namespace_statistics(struct tcp_decision_engine_t *engine,
                                      uint32_t namespace_id,
                                      struct tcp_decision_statistics_t *statistics);

// What was answered to all, agents without a session included; and how many sessions are open, to `sessions` unless that is
// NULL. Zeros on an error.
tcp_status_t tcp_decision_engine_statistics(struct tcp_decision_engine_t *engine,
                                            struct tcp_decision_statistics_t *statistics,
                                            uint64_t *sessions);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* TCP_SAFETY_H */

/* The library was built with these layouts. */
#ifndef TCP_STATIC_ASSERT
#if defined(__cplusplus) && __cplusplus >= 201103L
#define TCP_STATIC_ASSERT(condition) static_assert(condition, #condition)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define TCP_STATIC_ASSERT(condition) _Static_assert(condition, #condition)
#else
#define TCP_STATIC_ASSERT(condition) extern int tcp_static_assert[(condition) ? 1 : -1]
#endif
#endif
TCP_STATIC_ASSERT(sizeof(tcp_decision_engine_options_t) == 48);
TCP_STATIC_ASSERT(offsetof(tcp_decision_engine_options_t, cards) == 0);
TCP_STATIC_ASSERT(offsetof(tcp_decision_engine_options_t, card_count) == 8);
TCP_STATIC_ASSERT(offsetof(tcp_decision_engine_options_t, max_agents) == 16);
TCP_STATIC_ASSERT(offsetof(tcp_decision_engine_options_t, max_namespaces) == 20);
TCP_STATIC_ASSERT(offsetof(tcp_decision_engine_options_t, max_under_way) == 24);
TCP_STATIC_ASSERT(offsetof(tcp_decision_engine_options_t, max_clients) == 28);
TCP_STATIC_ASSERT(offsetof(tcp_decision_engine_options_t, client_entries) == 32);
TCP_STATIC_ASSERT(offsetof(tcp_decision_engine_options_t, lane_timeout_us) == 36);
TCP_STATIC_ASSERT(offsetof(tcp_decision_engine_options_t, audit_interval) == 40);
TCP_STATIC_ASSERT(offsetof(tcp_decision_engine_options_t, reserved) == 44);
TCP_STATIC_ASSERT(sizeof(tcp_decision_lane_t) == 616);
TCP_STATIC_ASSERT(offsetof(tcp_decision_lane_t, name) == 0);
TCP_STATIC_ASSERT(offsetof(tcp_decision_lane_t, failure) == 64);
TCP_STATIC_ASSERT(offsetof(tcp_decision_lane_t, under_way) == 576);
TCP_STATIC_ASSERT(offsetof(tcp_decision_lane_t, completed) == 584);
TCP_STATIC_ASSERT(offsetof(tcp_decision_lane_t, failures) == 592);
TCP_STATIC_ASSERT(offsetof(tcp_decision_lane_t, moved) == 600);
TCP_STATIC_ASSERT(offsetof(tcp_decision_lane_t, lives) == 608);
TCP_STATIC_ASSERT(offsetof(tcp_decision_lane_t, reserved) == 612);
TCP_STATIC_ASSERT(sizeof(tcp_decision_t) == 72);
TCP_STATIC_ASSERT(offsetof(tcp_decision_t, agent_id) == 0);
TCP_STATIC_ASSERT(offsetof(tcp_decision_t, ticket) == 8);
TCP_STATIC_ASSERT(offsetof(tcp_decision_t, descriptor) == 16);
TCP_STATIC_ASSERT(offsetof(tcp_decision_t, namespace_id) == 40);
TCP_STATIC_ASSERT(offsetof(tcp_decision_t, reason) == 44);
TCP_STATIC_ASSERT(offsetof(tcp_decision_t, result) == 48);
TCP_STATIC_ASSERT(offsetof(tcp_decision_t, policy_version) == 56);
TCP_STATIC_ASSERT(offsetof(tcp_decision_t, latency_ns) == 64);
TCP_STATIC_ASSERT(sizeof(tcp_decision_statistics_t) == 144);
TCP_STATIC_ASSERT(offsetof(tcp_decision_statistics_t, answers) == 0);
TCP_STATIC_ASSERT(offsetof(tcp_decision_statistics_t, decisions) == 8);
TCP_STATIC_ASSERT(offsetof(tcp_decision_statistics_t, reasons) == 40);
TCP_STATIC_ASSERT(offsetof(tcp_decision_statistics_t, latency_p50_ns) == 112);
TCP_STATIC_ASSERT(offsetof(tcp_decision_statistics_t, latency_p99_ns) == 120);
TCP_STATIC_ASSERT(offsetof(tcp_decision_statistics_t, latency_p999_ns) == 128);
TCP_STATIC_ASSERT(offsetof(tcp_decision_statistics_t, latency_max_ns) == 136);
