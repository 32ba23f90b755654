/* libtcp_hardware: decisions about descriptors of the Tool Capability Protocol, on cards or without one.
 *
 * Pointers: unless a comment says that it may be NULL, a pointer must point to what its type says, an array to as many
 * elements as its length says. NULL, misaligned arrays and lengths that no memory has are found and refused. Memory that is
 * handed to a function must not be written by another thread during the call. Handles are not followed: one that was closed,
 * or never was one, is TCP_ERROR_HANDLE.
 *
 * Threads: every function may be called by any thread at any time, on the same handles too.
 *
 * Errors: functions return TCP_OK, or say what failed in tcp_last_error(). Whenever one fails, its outputs hold the closed
 * answer: REJECT, a verdict of 0, a policy that rejects everything, a NULL handle.
 *
 * After fork(), only the process that opened a handle may use it. */

#ifndef TCP_HARDWARE_H
#define TCP_HARDWARE_H

/* Made by cbindgen from c-interface/src/hardware; `WRITE_HEADERS=1 cargo test -p tcp-hardware --test headers` makes it anew. */

#include <stddef.h>
#include <stdint.h>

// Version of this header.
#define TCP_VERSION_MAJOR 0

// Version of this header.
#define TCP_VERSION_MINOR 1

// Version of this header.
#define TCP_VERSION_PATCH 0

// Bytes of a descriptor, and the distance of two in an array.
#define TCP_DESCRIPTOR_SIZE 24

// What became of a call.
typedef enum tcp_status_t {
    // It did what it was asked.
    TCP_OK = 0,
    // An argument is NULL, out of range, or does not fit the others.
    TCP_ERROR_ARGUMENT = 1,
    // The handle was closed, or never was one.
    TCP_ERROR_HANDLE = 2,
    // There is no such card, or the name is no card's name.
    TCP_ERROR_NO_CARD = 3,
    // The card is there and cannot be used.
    TCP_ERROR_UNUSABLE = 4,
    // Somebody else holds what is needed.
    TCP_ERROR_BUSY = 5,
    // The image on the card does not serve, or is not trusted.
    TCP_ERROR_IMAGE = 6,
    // Memory, or places of a kind, are used up.
    TCP_ERROR_MEMORY = 7,
    // It was not done in time.
    TCP_ERROR_TIMEOUT = 8,
    // A text is no policy, or a structure holds none.
    TCP_ERROR_POLICY = 9,
    // A file cannot be read.
    TCP_ERROR_FILE = 10,
    // The card failed.
    TCP_ERROR_CARD = 11,
    // The library failed: a fault to report.
    TCP_ERROR_INTERNAL = 12,
    // All places of the queue, or of the client, are taken.
    TCP_ERROR_QUEUE_FULL = 13,
    // The card stopped the queue, was reset or failed. What is not answered is to be rejected.
    TCP_ERROR_QUEUE_ENDED = 14,
    // The engine has no such namespace, agent or card.
    TCP_ERROR_UNKNOWN = 15,
    // The engine has such a namespace, or the agent such a session, already.
    TCP_ERROR_EXISTS = 16,
    // The engine has stopped.
    TCP_ERROR_STOPPED = 17,
} tcp_status_t;

// What kind of card it is.
typedef enum tcp_hardware_kind_t {
    // None that this version can drive.
    TCP_HARDWARE_OTHER = 0,
    // software:N, which judges on the CPU.
    TCP_HARDWARE_SOFTWARE = 1,
    // sim:N, whose kernels are simulated Verilog.
    TCP_HARDWARE_SIMULATED = 2,
    // xrt:N, which the installed XRT drives.
    TCP_HARDWARE_XRT = 3,
    // pcie:NAME, a simulated card that a process serves as a PCIe device.
    TCP_HARDWARE_SERVED = 4,
    // pcie:0000:03:00.0, a card on the PCIe bus that the kernel's VFIO gives to this process.
    TCP_HARDWARE_PCI = 5,
} tcp_hardware_kind_t;

// The state of a card.
typedef enum tcp_hardware_state_t {
    // It cannot be used; `problem` says why, and what to do.
    TCP_HARDWARE_UNUSABLE = 0,
    // It holds no image; it gets the default one when it is first used.
    TCP_HARDWARE_EMPTY = 1,
    // It holds an image, and nobody uses it.
    TCP_HARDWARE_READY = 2,
    // Somebody has it open, or has leased it.
    TCP_HARDWARE_HELD = 3,
} tcp_hardware_state_t;

// What is to become of a tool call, in order of severity. Each is one more than the code in a verdict byte, so that memory
// that nobody wrote never reads as APPROVE.
typedef enum tcp_decision_code_t {
    // Nothing was decided: no function writes this. To be taken as REJECT.
    TCP_DECISION_NONE = 0,
    // It may run.
    TCP_DECISION_APPROVE = 1,
    // It may run, watched.
    TCP_DECISION_CAUTION = 2,
    // A person must agree first.
    TCP_DECISION_REQUIRE_APPROVAL = 3,
    // It must not run.
    TCP_DECISION_REJECT = 4,
} tcp_decision_code_t;

// How dangerous a tool says it is.
typedef enum tcp_risk_t {
    // The descriptor is malformed, or was not judged.
    TCP_RISK_NONE = 0,
    // Flag bit 0.
    TCP_RISK_SAFE = 1,
    // Flag bit 1.
    TCP_RISK_LOW_RISK = 2,
    // Flag bit 2.
    TCP_RISK_MEDIUM_RISK = 3,
    // Flag bit 3.
    TCP_RISK_HIGH_RISK = 4,
    // Flag bit 4.
    TCP_RISK_CRITICAL = 5,
} tcp_risk_t;

// Why a descriptor is malformed: the first check that failed.
typedef enum tcp_cause_t {
    // It is well-formed.
    TCP_CAUSE_NONE = 0,
    // Bytes 0 to 3 are not the magic.
    TCP_CAUSE_BAD_MAGIC = 1,
    // The version is not 2.
    TCP_CAUSE_BAD_VERSION = 2,
    // The checksum differs.
    TCP_CAUSE_BAD_CHECKSUM = 3,
    // Not exactly one risk level is set.
    TCP_CAUSE_BAD_RISK = 4,
    // A flag of the policy's reserved mask is set.
    TCP_CAUSE_RESERVED_FLAGS = 5,
    // Of a queue: the submission's options are none, and nothing was checked.
    TCP_CAUSE_BAD_OPTIONS = 6,
    // It was not judged: the call failed, and its status says why; or the card wrote what is no answer.
    TCP_CAUSE_NOT_JUDGED = 255,
} tcp_cause_t;

// The checksum over bytes 0 to 21.
typedef enum tcp_checksum_t {
    // What the profile has.
    TCP_CHECKSUM_OF_PROFILE = 0,
    // The low 16 bits of CRC-32, as zlib's crc32.
    TCP_CHECKSUM_CRC32 = 1,
    // The sum of the bytes, modulo 2^16.
    TCP_CHECKSUM_SUM = 2,
    // CRC-16/MODBUS.
    TCP_CHECKSUM_MODBUS = 3,
} tcp_checksum_t;

// Which policy decides.
typedef enum tcp_policy_source_t {
    // The profile's own: tcp_policy_default.
    TCP_POLICY_OF_PROFILE = 0,
    // The one in the options.
    TCP_POLICY_GIVEN = 1,
    // What a slot of the card holds, which any program that uses the card may change.
    TCP_POLICY_SLOT = 2,
} tcp_policy_source_t;

// One of the two published conventions for descriptors: checksum, layout of the costs, names of the capability bits.
typedef enum tcp_profile_t {
    // The specification's own: CRC-32, 16-bit costs.
    TCP_PROFILE_COMPACT = 0,
    // The published knowledge base's: byte sum, 32-bit execution time.
    TCP_PROFILE_WIDE = 1,
} tcp_profile_t;

// How submissions go to a card. Means nothing to the software device.
typedef enum tcp_queue_path_t {
    // One or two at once by push where the card takes pushes, more by the ring.
    TCP_QUEUE_PATH_AUTO = 0,
    // All by the ring: the card reads them in the host's memory.
    TCP_QUEUE_PATH_RING = 1,
    // All by push: the host writes them to the card.
    TCP_QUEUE_PATH_PUSH = 2,
} tcp_queue_path_t;

// Who judges on the software device. Means nothing to other cards.
typedef enum tcp_queue_serving_t {
    // A thread of the card, one for all its queues: the shortest way to an answer.
    TCP_QUEUE_SERVING_THREAD = 0,
    // Whoever polls, in batches: the most answers a second.
    TCP_QUEUE_SERVING_CALLER = 1,
} tcp_queue_serving_t;

// A card that this program has opened.
typedef struct tcp_hardware_t tcp_hardware_t;

// A queue of a card.
typedef struct tcp_queue_t tcp_queue_t;

// A card of this machine, as tcp_hardware_init_all found it. Texts that do not fit are cut.
typedef struct tcp_hardware_info_t {
    // Its name, for tcp_hardware_open; of a card that cannot be used, its name or PCI address.
    char name[32];
    // What it is, for a person.
    char description[96];
    // Why it cannot be used and what to do; empty if it can.
    char problem[512];
    // UUID of the loaded image; zeros if there is none.
    uint8_t image[16];
    // Counts programmings and resets.
    uint64_t generation;
    // A tcp_hardware_kind_t.
    uint32_t kind;
    // A tcp_hardware_state_t.
    uint32_t state;
} tcp_hardware_info_t;

// A descriptor of the Tool Capability Protocol, version 2. Any 24 bytes are one; whether they are well-formed is part of
// the decision.
typedef struct tcp_descriptor_t {
    // Big-endian: magic 0 to 3, version 4 and 5, command hash 6 to 9, security flags 10 to 13, costs 14 to 21, checksum 22
    // and 23.
    uint8_t bytes[TCP_DESCRIPTOR_SIZE];
} tcp_descriptor_t;

// A policy. Decisions are a tcp_decision_code_t each; a structure of zeros is no policy and is refused.
typedef struct tcp_policy_t {
    // The decision for each risk level: SAFE, LOW_RISK, MEDIUM_RISK, HIGH_RISK, CRITICAL.
    uint8_t risk[5];
    // The least severe decision when a maximum is exceeded.
    uint8_t exceeded;
    // Must be 0.
    uint16_t reserved;
    // Security-flag bits that make a descriptor malformed.
    uint32_t reserved_mask;
    // Security-flag bits any of which means REJECT.
    uint32_t deny_mask;
    // Security-flag bits any of which means at least REQUIRE_APPROVAL.
    uint32_t approval_mask;
    // Execution times above this exceed it, in milliseconds.
    uint32_t max_exec_ms;
    // Memory above this exceeds it, in megabytes.
    uint16_t max_memory_mb;
    // Output above this exceeds it, in kilobytes.
    uint16_t max_output_kb;
} tcp_policy_t;

// How descriptors are judged. All zeros, or NULL in its place, is the compact profile with its own policy.
typedef struct tcp_options_t {
    // A tcp_profile_t.
    uint32_t profile;
    // A tcp_checksum_t.
    uint32_t checksum;
    // A tcp_policy_source_t.
    uint32_t policy_source;
    // 0 to 15 with TCP_POLICY_SLOT, else 0.
    uint32_t policy_slot;
    // The policy with TCP_POLICY_GIVEN, else NULL.
    const struct tcp_policy_t *policy;
    // Longest wait for each 131072 descriptors, in milliseconds; 0 for five minutes.
    uint32_t timeout_ms;
    // Must be 0.
    uint32_t reserved;
} tcp_options_t;

// A decision and its reasons.
typedef struct tcp_result_t {
    // A tcp_decision_code_t. REJECT also if the descriptor is malformed or the call failed.
    uint8_t decision;
    // A tcp_risk_t.
    uint8_t risk;
    // A tcp_cause_t.
    uint8_t cause;
    // The verdict byte as the card wrote it; 0 if the descriptor is malformed or was not judged.
    uint8_t verdict;
    // 1 if a maximum of the policy was exceeded.
    uint8_t over_maximum;
    // 1 if a deny or approval flag was hit.
    uint8_t flag_hit;
    // The low 16 bits of the descriptor's security flags, also when malformed.
    uint16_t low_flags;
} tcp_result_t;

// How many descriptors of a batch got what.
typedef struct tcp_tally_t {
    // Descriptors judged.
    uint64_t descriptors;
    // Well-formed ones.
    uint64_t valid;
    // Well-formed ones by decision: APPROVE, CAUTION, REQUIRE_APPROVAL, REJECT.
    uint64_t decisions[4];
    // Malformed ones by cause: BAD_MAGIC to RESERVED_FLAGS.
    uint64_t causes[5];
    // Well-formed ones that exceed a maximum.
    uint64_t over_maximum;
    // Well-formed ones that hit a deny or approval flag.
    uint64_t flag_hit;
} tcp_tally_t;

// How a queue is opened. All zeros, or NULL in its place, takes 256 submissions.
typedef struct tcp_queue_options_t {
    // What it is for, shown to others that find no free pair; may be NULL.
    const char *purpose;
    // Submissions that can be outstanding: a power of two from 2 to 16384; 0 for 256.
    uint32_t entries;
    // A tcp_queue_path_t.
    uint32_t path;
    // A tcp_queue_serving_t.
    uint32_t serving;
    // Longest wait for the card when the queue is opened and when it is closed, in milliseconds; 0 for ten seconds.
    uint32_t timeout_ms;
} tcp_queue_options_t;

// A descriptor to be judged.
typedef struct tcp_submission_t {
    // The descriptor.
    struct tcp_descriptor_t descriptor;
    // Returned in the completion, whatever it is.
    uint32_t tag;
    // What tcp_submission_options gives. Another word is answered TCP_CAUSE_BAD_OPTIONS.
    uint32_t options;
} tcp_submission_t;

// The answer to a submission.
typedef struct tcp_completion_t {
    // The submission's tag.
    uint32_t tag;
    // A tcp_decision_code_t. REJECT whenever there is a cause.
    uint8_t decision;
    // The verdict byte; 0 if there is none.
    uint8_t verdict;
    // A tcp_cause_t.
    uint8_t cause;
    // Which version of its policy slot decided: how often the slot had been set, modulo 256.
    uint8_t policy_version;
} tcp_completion_t;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// A few words for a tcp_status_t. Never NULL, and never to be freed.
const char *tcp_status_text(uint32_t status);

// What failed in this thread's last call that failed: where, and what to do about it. Never NULL; empty if none has
// failed. It holds until the thread's next call that fails: copy it if it is to last longer.
const char *tcp_last_error(void);

// The library's version, "0.1.0". Never to be freed.
const char *tcp_version(void);

// The library's version as a number: major << 16 | minor << 8 | patch.
uint32_t tcp_version_number(void);

// Looks which cards this machine has, again if it was called before. `count`, unless it is NULL, becomes the number of
// those that can be used. It opens none of them, so it takes them from nobody; the software device is always there.
enum tcp_status_t tcp_hardware_init_all(size_t *count);

// How many cards can be used; 0 before tcp_hardware_init_all.
size_t tcp_hardware_count(void);

// What is known about a card. Those below tcp_hardware_count() can be used; those from there on cannot, and say why.
enum tcp_status_t tcp_hardware_info(size_t index, struct tcp_hardware_info_t *info);

// What is known about all cards, in the order of tcp_hardware_info: as many as `capacity` allows. `count` becomes the number
// of all, so a program can ask with capacity 0 first.
enum tcp_status_t tcp_hardware_list(struct tcp_hardware_info_t *infos,
                                    size_t capacity,
                                    size_t *count);

// Opens a card by its name: "software:0", "sim:0", "xrt:0". Others may use it at the same time. `card` becomes the handle,
// or NULL on an error. Any number of threads may use a handle at once.
enum tcp_status_t tcp_hardware_open(const char *name,
                                    struct tcp_hardware_t **card);

// Closes a card. Calls under way end as if it were open. Closing it once more is TCP_ERROR_HANDLE and does nothing.
enum tcp_status_t tcp_hardware_close(struct tcp_hardware_t *card);

// Closes all that is open and forgets the cards. The library can be used again after it.
enum tcp_status_t tcp_hardware_shutdown(void);

// Judges one descriptor. `result` says REJECT whenever the call does not return TCP_OK.
enum tcp_status_t tcp_hardware_evaluate(struct tcp_hardware_t *card,
                                        const struct tcp_descriptor_t *descriptor,
                                        const struct tcp_options_t *options,
                                        struct tcp_result_t *result);

// Judges `count` descriptors. The answers go to `verdicts`, a byte for each, or to `results`, or to both, and the counts to
// `tally`; each of the three may be NULL, but not all. Whenever the call does not return TCP_OK, all verdicts are 0
// (malformed), all results REJECT, and the tally is zeros. No array may overlap another.
enum tcp_status_t tcp_hardware_evaluate_batch(struct tcp_hardware_t *card,
                                              const struct tcp_descriptor_t *descriptors,
                                              size_t count,
                                              const struct tcp_options_t *options,
                                              uint8_t *verdicts,
                                              struct tcp_result_t *results,
                                              struct tcp_tally_t *tally);

// The decision (a tcp_decision_code_t) of a verdict byte. REJECT for a malformed descriptor, and for a byte that no sound
// card writes.
uint8_t tcp_verdict_decision(uint8_t verdict);

// Reads a descriptor from 48 hex digits.
enum tcp_status_t tcp_descriptor_parse(const char *digits, struct tcp_descriptor_t *descriptor);

// The name of a tcp_decision_code_t, as the specification has it: "APPROVE". Never NULL, and never to be freed.
const char *tcp_decision_name(uint32_t decision);

// The name of a tcp_risk_t: "MEDIUM_RISK". Never NULL, and never to be freed.
const char *tcp_risk_name(uint32_t risk);

// The name of a tcp_cause_t: "BAD_CHECKSUM". Never NULL, and never to be freed.
const char *tcp_cause_name(uint32_t cause);

// The policy that a profile (a tcp_profile_t) implies.
enum tcp_status_t tcp_policy_default(uint32_t profile, struct tcp_policy_t *policy);

// Reads a policy from a text of `length` bytes: TOML with names in place of bits, as docs/c-interface.md shows. `profile`
// holds where the text states none; the one that holds is written to `stated`, unless that is NULL. If the text is no
// policy, `policy` becomes one that rejects everything.
enum tcp_status_t tcp_policy_parse(const char *text,
                                   size_t length,
                                   uint32_t profile,
                                   struct tcp_policy_t *policy,
                                   uint32_t *stated);

// Reads a policy from a file; else as tcp_policy_parse.
enum tcp_status_t tcp_policy_load(const char *path, uint32_t profile, struct tcp_policy_t *policy, uint32_t *stated);

// Stores a policy in one of the card's sixteen slots, for all that use the card: see tcp_options_t. A card that is busy
// with a run refuses.
enum tcp_status_t tcp_hardware_set_policy(struct tcp_hardware_t *card,
                                          uint32_t slot,
                                          const struct tcp_policy_t *policy);

// The policy in one of the card's sixteen slots.
enum tcp_status_t tcp_hardware_get_policy(struct tcp_hardware_t *card, uint32_t slot, struct tcp_policy_t *policy);

// The options of submissions: a tcp_profile_t, a tcp_checksum_t and one of the sixteen policy slots of the card's queues. If
// one of them is none, a word that is answered TCP_CAUSE_BAD_OPTIONS.
uint32_t tcp_submission_options(uint32_t profile,
                                uint32_t checksum,
                                uint32_t policy_slot);

// Opens a queue of a card; a card has sixteen at least. `queue` becomes the handle, or NULL on an error. Any number of threads
// may use a queue, one after the other; it is fastest for one, so open one for each. It keeps its card open. A simulated
// card that holds no image gets the one with queues; if it holds another one, that is TCP_ERROR_IMAGE.
enum tcp_status_t tcp_queue_open(struct tcp_hardware_t *card,
                                 const struct tcp_queue_options_t *options,
                                 struct tcp_queue_t **queue);

// Closes a queue, and ends the waits of other threads for it. What is outstanding is answered to nobody. Closing it once
// more is TCP_ERROR_HANDLE and does nothing.
enum tcp_status_t tcp_queue_close(struct tcp_queue_t *queue);

// How many submissions can be outstanding; 0 on an error.
size_t tcp_queue_capacity(struct tcp_queue_t *queue);

// How many submissions are outstanding; 0 on an error.
size_t tcp_queue_outstanding(struct tcp_queue_t *queue);

// Submits one descriptor, or returns TCP_ERROR_QUEUE_FULL: then poll for completions, and submit again.
enum tcp_status_t tcp_queue_submit(struct tcp_queue_t *queue, const struct tcp_submission_t *submission);

// Submits the first of `count` descriptors, as many as there is room for, with one doorbell. `accepted` becomes how many: if
// that is less than `count`, poll for completions, and submit the rest.
enum tcp_status_t tcp_queue_submit_many(struct tcp_queue_t *queue,
                                        const struct tcp_submission_t *submissions,
                                        size_t count,
                                        size_t *accepted);

// Takes completions that are there, at most `capacity`; `count` becomes how many. Never waits: on the software device it
// neither allocates nor calls the system. TCP_ERROR_QUEUE_ENDED says that the card stopped, was reset or failed: answer
// REJECT to what tcp_queue_unanswered names, and open another queue.
enum tcp_status_t tcp_queue_poll(struct tcp_queue_t *queue,
                                 struct tcp_completion_t *completions,
                                 size_t capacity,
                                 size_t *count);

// Takes completions as tcp_queue_poll does, and waits for the first, `timeout_ms` milliseconds at most. `count` becomes 0 if
// there was none in that time, and at once if nothing is outstanding.
enum tcp_status_t tcp_queue_wait(struct tcp_queue_t *queue,
                                 struct tcp_completion_t *completions,
                                 size_t capacity,
                                 uint32_t timeout_ms,
                                 size_t *count);

// Cancels the oldest outstanding submission with that tag: its completion will not be delivered. `cancelled`, unless it is
// NULL, becomes 1 if there was one, else 0. It takes its place until the card has judged it all the same.
enum tcp_status_t tcp_queue_cancel(struct tcp_queue_t *queue,
                                   uint32_t tag,
                                   uint8_t *cancelled);

// The tags of what is neither answered nor cancelled, as many as `capacity` allows; `count` becomes the number of all.
enum tcp_status_t tcp_queue_unanswered(struct tcp_queue_t *queue, uint32_t *tags, size_t capacity, size_t *count);

// Puts a policy into one of the sixteen slots of the card's queues, at once for all of them (on the software device: all that
// the same handle of the card has opened). `version`, unless it is NULL, becomes the policy_version of completions that it has decided. These slots are not
// those of tcp_hardware_set_policy; in the beginning each holds the compact profile's policy.
enum tcp_status_t tcp_queue_set_policy(struct tcp_queue_t *queue,
                                       uint32_t slot,
                                       const struct tcp_policy_t *policy,
                                       uint8_t *version);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* TCP_HARDWARE_H */

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
TCP_STATIC_ASSERT(sizeof(tcp_hardware_info_t) == 672);
TCP_STATIC_ASSERT(offsetof(tcp_hardware_info_t, name) == 0);
TCP_STATIC_ASSERT(offsetof(tcp_hardware_info_t, description) == 32);
TCP_STATIC_ASSERT(offsetof(tcp_hardware_info_t, problem) == 128);
TCP_STATIC_ASSERT(offsetof(tcp_hardware_info_t, image) == 640);
TCP_STATIC_ASSERT(offsetof(tcp_hardware_info_t, generation) == 656);
TCP_STATIC_ASSERT(offsetof(tcp_hardware_info_t, kind) == 664);
TCP_STATIC_ASSERT(offsetof(tcp_hardware_info_t, state) == 668);
TCP_STATIC_ASSERT(sizeof(tcp_descriptor_t) == 24);
TCP_STATIC_ASSERT(offsetof(tcp_descriptor_t, bytes) == 0);
TCP_STATIC_ASSERT(sizeof(tcp_options_t) == 32);
TCP_STATIC_ASSERT(offsetof(tcp_options_t, profile) == 0);
TCP_STATIC_ASSERT(offsetof(tcp_options_t, checksum) == 4);
TCP_STATIC_ASSERT(offsetof(tcp_options_t, policy_source) == 8);
TCP_STATIC_ASSERT(offsetof(tcp_options_t, policy_slot) == 12);
TCP_STATIC_ASSERT(offsetof(tcp_options_t, policy) == 16);
TCP_STATIC_ASSERT(offsetof(tcp_options_t, timeout_ms) == 24);
TCP_STATIC_ASSERT(offsetof(tcp_options_t, reserved) == 28);
TCP_STATIC_ASSERT(sizeof(tcp_result_t) == 8);
TCP_STATIC_ASSERT(offsetof(tcp_result_t, decision) == 0);
TCP_STATIC_ASSERT(offsetof(tcp_result_t, risk) == 1);
TCP_STATIC_ASSERT(offsetof(tcp_result_t, cause) == 2);
TCP_STATIC_ASSERT(offsetof(tcp_result_t, verdict) == 3);
TCP_STATIC_ASSERT(offsetof(tcp_result_t, over_maximum) == 4);
TCP_STATIC_ASSERT(offsetof(tcp_result_t, flag_hit) == 5);
TCP_STATIC_ASSERT(offsetof(tcp_result_t, low_flags) == 6);
TCP_STATIC_ASSERT(sizeof(tcp_tally_t) == 104);
TCP_STATIC_ASSERT(offsetof(tcp_tally_t, descriptors) == 0);
TCP_STATIC_ASSERT(offsetof(tcp_tally_t, valid) == 8);
TCP_STATIC_ASSERT(offsetof(tcp_tally_t, decisions) == 16);
TCP_STATIC_ASSERT(offsetof(tcp_tally_t, causes) == 48);
TCP_STATIC_ASSERT(offsetof(tcp_tally_t, over_maximum) == 88);
TCP_STATIC_ASSERT(offsetof(tcp_tally_t, flag_hit) == 96);
TCP_STATIC_ASSERT(sizeof(tcp_policy_t) == 28);
TCP_STATIC_ASSERT(offsetof(tcp_policy_t, risk) == 0);
TCP_STATIC_ASSERT(offsetof(tcp_policy_t, exceeded) == 5);
TCP_STATIC_ASSERT(offsetof(tcp_policy_t, reserved) == 6);
TCP_STATIC_ASSERT(offsetof(tcp_policy_t, reserved_mask) == 8);
TCP_STATIC_ASSERT(offsetof(tcp_policy_t, deny_mask) == 12);
TCP_STATIC_ASSERT(offsetof(tcp_policy_t, approval_mask) == 16);
TCP_STATIC_ASSERT(offsetof(tcp_policy_t, max_exec_ms) == 20);
TCP_STATIC_ASSERT(offsetof(tcp_policy_t, max_memory_mb) == 24);
TCP_STATIC_ASSERT(offsetof(tcp_policy_t, max_output_kb) == 26);
TCP_STATIC_ASSERT(sizeof(tcp_queue_options_t) == 24);
TCP_STATIC_ASSERT(offsetof(tcp_queue_options_t, purpose) == 0);
TCP_STATIC_ASSERT(offsetof(tcp_queue_options_t, entries) == 8);
TCP_STATIC_ASSERT(offsetof(tcp_queue_options_t, path) == 12);
TCP_STATIC_ASSERT(offsetof(tcp_queue_options_t, serving) == 16);
TCP_STATIC_ASSERT(offsetof(tcp_queue_options_t, timeout_ms) == 20);
TCP_STATIC_ASSERT(sizeof(tcp_submission_t) == 32);
TCP_STATIC_ASSERT(offsetof(tcp_submission_t, descriptor) == 0);
TCP_STATIC_ASSERT(offsetof(tcp_submission_t, tag) == 24);
TCP_STATIC_ASSERT(offsetof(tcp_submission_t, options) == 28);
TCP_STATIC_ASSERT(sizeof(tcp_completion_t) == 8);
TCP_STATIC_ASSERT(offsetof(tcp_completion_t, tag) == 0);
TCP_STATIC_ASSERT(offsetof(tcp_completion_t, decision) == 4);
TCP_STATIC_ASSERT(offsetof(tcp_completion_t, verdict) == 5);
TCP_STATIC_ASSERT(offsetof(tcp_completion_t, cause) == 6);
TCP_STATIC_ASSERT(offsetof(tcp_completion_t, policy_version) == 7);
