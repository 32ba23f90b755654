/* A safety daemon: programs ask it over a Unix socket whether agents' tools may run.
 *
 *   decided SOCKET POLICY.toml [CARD...]
 *
 * The cards are preferred in their order; the software device is there when none of them lives. Each line of a connection is
 * a question, and gets one line in return:
 *
 *   open AGENT              ok
 *   ask AGENT DESCRIPTOR    DECISION REASON policy VERSION          (48 hex digits)
 *   close AGENT             ok
 *   statistics              ANSWERS answers, REJECTED rejected
 *
 * SIGHUP reads the policy anew: what is asked from then on is decided by it, and a policy that cannot be read changes nothing.
 * SIGTERM and SIGINT end the daemon. Whatever goes wrong, the answer to "ask" is REJECT. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <tcp/safety.h>

/* All agents of this daemon share one policy. */
#define NAMESPACE 1
/* An answer that takes longer is REJECT. */
#define DEADLINE_US 100000

static tcp_decision_engine_t *engine;

static void fail(const char *what) {
    fprintf(stderr, "decided: %s: %s\n", what, tcp_last_error());
    exit(1);
}

/* Answers one line. */
static void answer(char *line, FILE *out) {
    char digits[64];
    uint64_t agent;
    if (sscanf(line, "ask %" SCNu64 " %63s", &agent, digits) == 2) {
        tcp_decision_t decision = {.agent_id = agent};
        /* A text that is no descriptor leaves zeros, which every policy rejects as malformed. */
        tcp_descriptor_parse(digits, &decision.descriptor);
        /* It fails closed: whatever the call returns, the result is one to act on. */
        tcp_decide(engine, &decision, DEADLINE_US);
        fprintf(out, "%s %s policy %" PRIu64 "\n", tcp_decision_name(decision.result.decision),
                tcp_reason_name(decision.reason), decision.policy_version);
    } else if (sscanf(line, "open %" SCNu64, &agent) == 1) {
        const tcp_status_t status = tcp_session_open(engine, agent, NAMESPACE);
        fprintf(out, "%s\n", status == TCP_OK ? "ok" : tcp_last_error());
    } else if (sscanf(line, "close %" SCNu64, &agent) == 1) {
        const tcp_status_t status = tcp_session_close(engine, agent);
        fprintf(out, "%s\n", status == TCP_OK ? "ok" : tcp_last_error());
    } else if (strncmp(line, "statistics", 10) == 0) {
        tcp_decision_statistics_t statistics;
        if (tcp_namespace_statistics(engine, NAMESPACE, &statistics) == TCP_OK)
            fprintf(out, "%" PRIu64 " answers, %" PRIu64 " rejected\n", statistics.answers, statistics.decisions[3]);
        else
            fprintf(out, "%s\n", tcp_last_error());
    } else {
        fprintf(out, "say open AGENT, ask AGENT DESCRIPTOR, close AGENT, or statistics\n");
    }
    fflush(out);
}

static void *serve(void *argument) {
    const int connection = (int)(intptr_t)argument;
    const int copy = dup(connection);
    FILE *in = fdopen(connection, "r");
    FILE *out = copy < 0 ? NULL : fdopen(copy, "w");
    char line[256];
    while (in != NULL && out != NULL && fgets(line, sizeof line, in) != NULL) answer(line, out);
    if (in != NULL) fclose(in);
    else close(connection);
    if (out != NULL) fclose(out);
    else if (copy >= 0) close(copy);
    return NULL;
}

/* Accepts connections, a thread for each. */
static void *listen_on(void *argument) {
    const int listener = (int)(intptr_t)argument;
    for (;;) {
        const int connection = accept(listener, NULL, NULL);
        pthread_t thread;
        if (connection < 0) {
            if (errno == EINTR || errno == ECONNABORTED) continue;
            return NULL; /* the listener was closed */
        }
        if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)connection) == 0)
            pthread_detach(thread);
        else
            close(connection);
    }
}

static int listener_at(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    if (strlen(path) >= sizeof address.sun_path) {
        fprintf(stderr, "decided: %s: the path is too long for a socket\n", path);
        exit(1);
    }
    strcpy(address.sun_path, path);
    unlink(path);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 64) != 0) {
        fprintf(stderr, "decided: %s: %s\n", path, strerror(errno));
        exit(1);
    }
    return listener;
}

int main(int count, char **arguments) {
    if (count < 3) {
        fprintf(stderr, "usage: decided SOCKET POLICY.toml [CARD...]\n");
        return 2;
    }
    const char *path = arguments[1], *policy_path = arguments[2];
    tcp_policy_t policy;
    uint32_t profile;
    uint64_t version;
    if (tcp_policy_load(policy_path, TCP_PROFILE_COMPACT, &policy, &profile) != TCP_OK) fail("the policy");

    /* Signals are taken by this thread, one after the other, and interrupt no other one: the engine's threads have this mask. */
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);

    const tcp_decision_engine_options_t options = {.cards = (const char *const *)&arguments[3],
                                                   .card_count = (size_t)count - 3};
    if (tcp_decision_engine_start(&options, &engine) != TCP_OK) fail("the engine");
    if (tcp_namespace_add(engine, NAMESPACE, profile, TCP_CHECKSUM_OF_PROFILE, &policy, &version) != TCP_OK)
        fail("the policy");

    const int listener = listener_at(path);
    pthread_t thread;
    if (pthread_create(&thread, NULL, listen_on, (void *)(intptr_t)listener) != 0) fail("a thread");
    printf("decided: policy %" PRIu64 " is in force at %s\n", version, path);
    fflush(stdout);

    int signal_number;
    while (sigwait(&signals, &signal_number) == 0 && signal_number == SIGHUP) {
        uint32_t stated;
        if (tcp_policy_load(policy_path, profile, &policy, &stated) != TCP_OK) {
            fprintf(stderr, "decided: the policy stays: %s\n", tcp_last_error());
        } else if (stated != profile) {
            fprintf(stderr, "decided: the policy stays: the new one is for another profile\n");
        } else if (tcp_namespace_set_policy(engine, NAMESPACE, &policy, &version) != TCP_OK) {
            fprintf(stderr, "decided: the policy stays: %s\n", tcp_last_error());
        } else {
            printf("decided: policy %" PRIu64 " is in force\n", version);
            fflush(stdout);
        }
    }
    shutdown(listener, SHUT_RDWR);
    pthread_join(thread, NULL);
    close(listener);
    unlink(path);
    /* Questions of other threads that are under way are answered REJECT. */
    if (tcp_decision_engine_stop(engine) != TCP_OK) fail("the engine");
    tcp_hardware_shutdown();
    return 0;
}
