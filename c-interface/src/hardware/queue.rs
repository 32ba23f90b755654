//! Queues: decisions asked for and answered through rings in memory, without a call to the system.

use std::ffi::c_char;

use bytemuck::{Pod, Zeroable};
use host_runtime::queue::{Completion, Refusal};
use host_runtime::tcp::{Options, Policy};

use super::cards::tcp_hardware_t;
use super::evaluate::{decision_code, tcp_cause_t, tcp_descriptor_t};
use super::policy::tcp_policy_t;
use super::status::tcp_status_t;
use crate::arguments::{self, Out};
use crate::boundary::{call, value};
use crate::device::CARDS;
use crate::failure::Result;
use crate::open_queue::{OpenQueue, QUEUES};
use crate::request::{checksum_of, profile_of, queue_options, slot_of};

/// A queue of a card.
#[derive(Debug)]
pub struct tcp_queue_t {
    _opaque: (),
}

/// How submissions go to a card. Means nothing to the software device.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum tcp_queue_path_t {
    /// One or two at once by push where the card takes pushes, more by the ring.
    TCP_QUEUE_PATH_AUTO = 0,
    /// All by the ring: the card reads them in the host's memory.
    TCP_QUEUE_PATH_RING = 1,
    /// All by push: the host writes them to the card.
    TCP_QUEUE_PATH_PUSH = 2,
}

/// Who judges on the software device. Means nothing to other cards.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum tcp_queue_serving_t {
    /// A thread of the card, one for all its queues: the shortest way to an answer.
    TCP_QUEUE_SERVING_THREAD = 0,
    /// Whoever polls, in batches: the most answers a second.
    TCP_QUEUE_SERVING_CALLER = 1,
}

/// How a queue is opened. All zeros, or NULL in its place, takes 256 submissions.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct tcp_queue_options_t {
    /// What it is for, shown to others that find no free pair; may be NULL.
    pub purpose: *const c_char,
    /// Submissions that can be outstanding: a power of two from 2 to 16384; 0 for 256.
    pub entries: u32,
    /// A tcp_queue_path_t.
    pub path: u32,
    /// A tcp_queue_serving_t.
    pub serving: u32,
    /// Longest wait for the card when the queue is opened and when it is closed, in milliseconds; 0 for ten seconds.
    pub timeout_ms: u32,
}

/// A descriptor to be judged.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
pub struct tcp_submission_t {
    /// The descriptor.
    pub descriptor: tcp_descriptor_t,
    /// Returned in the completion, whatever it is.
    pub tag: u32,
    /// What tcp_submission_options gives. Another word is answered TCP_CAUSE_BAD_OPTIONS.
    pub options: u32,
}

/// The answer to a submission.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
pub struct tcp_completion_t {
    /// The submission's tag.
    pub tag: u32,
    /// A tcp_decision_code_t. REJECT whenever there is a cause.
    pub decision: u8,
    /// The verdict byte; 0 if there is none.
    pub verdict: u8,
    /// A tcp_cause_t.
    pub cause: u8,
    /// Which version of its policy slot decided: how often the slot had been set, modulo 256.
    pub policy_version: u8,
}

impl From<&Completion> for tcp_completion_t {
    fn from(completion: &Completion) -> Self {
        let cause = match completion.refusal() {
            None => tcp_cause_t::TCP_CAUSE_NONE as u8,
            Some(Refusal::Malformed(cause)) => cause.code(),
            Some(Refusal::BadOptions) => tcp_cause_t::TCP_CAUSE_BAD_OPTIONS as u8,
            Some(Refusal::Unknown(_)) => tcp_cause_t::TCP_CAUSE_NOT_JUDGED as u8,
        };
        let is_judged = completion.verdict().is_valid() && cause == 0;
        Self {
            tag: completion.tag(),
            decision: decision_code(completion.decision()),
            verdict: if is_judged { completion.verdict().0 } else { 0 },
            // No verdict and no cause: the card is broken.
            cause: match cause {
                0 if !is_judged => tcp_cause_t::TCP_CAUSE_NOT_JUDGED as u8,
                cause => cause,
            },
            policy_version: completion.policy_version(),
        }
    }
}

/// The options of submissions: a tcp_profile_t, a tcp_checksum_t and one of the sixteen policy slots of the card's queues. If
/// one of them is none, a word that is answered TCP_CAUSE_BAD_OPTIONS.
#[unsafe(no_mangle)]
pub extern "C" fn tcp_submission_options(profile: u32, checksum: u32, policy_slot: u32) -> u32 {
    value("tcp_submission_options", u32::MAX, || {
        let profile = profile_of(profile)?;
        Ok(Options {
            checksum: checksum_of(checksum, profile)?,
            slot: slot_of(policy_slot)?,
            ..Options::for_profile(profile)
        }
        .into())
    })
}

/// Opens a queue of a card; a card has sixteen at least. `queue` becomes the handle, or NULL on an error. Any number of threads
/// may use a queue, one after the other; it is fastest for one, so open one for each. It keeps its card open. A simulated
/// card that holds no image gets the one with queues; if it holds another one, that is TCP_ERROR_IMAGE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcp_queue_open(
    card: *mut tcp_hardware_t,
    options: *const tcp_queue_options_t,
    queue: *mut *mut tcp_queue_t,
) -> tcp_status_t {
    call("tcp_queue_open", || {
        // SAFETY: as the header demands.
        let queue = unsafe { Out::new(queue, "queue", std::ptr::null_mut()) }?;
        // SAFETY: as the header demands.
        let options = unsafe { queue_options(options) }?;
        let card = CARDS.get(card)?.card()?;
        queue.set(QUEUES.insert(OpenQueue::open(&card, &options)?)?);
        Ok(())
    })
}

/// Closes a queue, and ends the waits of other threads for it. What is outstanding is answered to nobody. Closing it once
/// more is TCP_ERROR_HANDLE and does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn tcp_queue_close(queue: *mut tcp_queue_t) -> tcp_status_t {
    call("tcp_queue_close", || QUEUES.remove(queue))
}

/// How many submissions can be outstanding; 0 on an error.
#[unsafe(no_mangle)]
pub extern "C" fn tcp_queue_capacity(queue: *mut tcp_queue_t) -> usize {
    value("tcp_queue_capacity", 0, || {
        Ok(QUEUES.get(queue)?.capacity())
    })
}

/// How many submissions are outstanding; 0 on an error.
#[unsafe(no_mangle)]
pub extern "C" fn tcp_queue_outstanding(queue: *mut tcp_queue_t) -> usize {
    value("tcp_queue_outstanding", 0, || {
        Ok(QUEUES.get(queue)?.outstanding())
    })
}

/// Submits one descriptor, or returns TCP_ERROR_QUEUE_FULL: then poll for completions, and submit again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcp_queue_submit(
    queue: *mut tcp_queue_t,
    submission: *const tcp_submission_t,
) -> tcp_status_t {
    call("tcp_queue_submit", || {
        // SAFETY: as the header demands.
        let submission = unsafe { arguments::read(submission, "submission") }?;
        let queue = QUEUES.get(queue)?;
        match queue.submit(&[submission]) {
            0 => Err(queue.full()),
            _ => Ok(()),
        }
    })
}

/// Submits the first of `count` descriptors, as many as there is room for, with one doorbell. `accepted` becomes how many: if
/// that is less than `count`, poll for completions, and submit the rest.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcp_queue_submit_many(
    queue: *mut tcp_queue_t,
    submissions: *const tcp_submission_t,
    count: usize,
    accepted: *mut usize,
) -> tcp_status_t {
    call("tcp_queue_submit_many", || {
        // SAFETY: as the header demands.
        let accepted = unsafe { Out::new(accepted, "accepted", 0) }?;
        // SAFETY: as the header demands.
        let submissions = unsafe { arguments::slice(submissions, count, "submissions") }?;
        accepted.set(QUEUES.get(queue)?.submit(submissions));
        Ok(())
    })
}

/// Takes completions that are there, at most `capacity`; `count` becomes how many. Never waits: on the software device it
/// neither allocates nor calls the system. TCP_ERROR_QUEUE_ENDED says that the card stopped, was reset or failed: answer
/// REJECT to what tcp_queue_unanswered names, and open another queue.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcp_queue_poll(
    queue: *mut tcp_queue_t,
    completions: *mut tcp_completion_t,
    capacity: usize,
    count: *mut usize,
) -> tcp_status_t {
    call("tcp_queue_poll", || {
        // SAFETY: as the header demands.
        let taken = unsafe { Taken::new(completions, capacity, count) }?;
        taken.take(|completions| QUEUES.get(queue)?.poll(completions))
    })
}

/// Takes completions as tcp_queue_poll does, and waits for the first, `timeout_ms` milliseconds at most. `count` becomes 0 if
/// there was none in that time, and at once if nothing is outstanding.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcp_queue_wait(
    queue: *mut tcp_queue_t,
    completions: *mut tcp_completion_t,
    capacity: usize,
    timeout_ms: u32,
    count: *mut usize,
) -> tcp_status_t {
    call("tcp_queue_wait", || {
        // SAFETY: as the header demands.
        let taken = unsafe { Taken::new(completions, capacity, count) }?;
        taken.take(|completions| QUEUES.get(queue)?.wait(completions, timeout_ms))
    })
}

/// Cancels the oldest outstanding submission with that tag: its completion will not be delivered. `cancelled`, unless it is
/// NULL, becomes 1 if there was one, else 0. It takes its place until the card has judged it all the same.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcp_queue_cancel(
    queue: *mut tcp_queue_t,
    tag: u32,
    cancelled: *mut u8,
) -> tcp_status_t {
    call("tcp_queue_cancel", || {
        // SAFETY: as the header demands.
        let cancelled = unsafe { Out::optional(cancelled, 0) };
        let was_there = QUEUES.get(queue)?.cancel(tag);
        if let Some(cancelled) = cancelled {
            cancelled.set(was_there.into());
        }
        Ok(())
    })
}

/// The tags of what is neither answered nor cancelled, as many as `capacity` allows; `count` becomes the number of all.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcp_queue_unanswered(
    queue: *mut tcp_queue_t,
    tags: *mut u32,
    capacity: usize,
    count: *mut usize,
) -> tcp_status_t {
    call("tcp_queue_unanswered", || {
        // SAFETY: as the header demands.
        let count = unsafe { Out::new(count, "count", 0) }?;
        // SAFETY: as the header demands.
        let tags = unsafe { arguments::slice_mut(tags, capacity, "tags") }?;
        count.set(QUEUES.get(queue)?.unanswered(tags));
        Ok(())
    })
}

/// Puts a policy into one of the sixteen slots of the card's queues, at once for all of them (on the software device: all that
/// the same handle of the card has opened). `version`, unless it is NULL, becomes the policy_version of completions that it has decided. These slots are not
/// those of tcp_hardware_set_policy; in the beginning each holds the compact profile's policy.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcp_queue_set_policy(
    queue: *mut tcp_queue_t,
    slot: u32,
    policy: *const tcp_policy_t,
    version: *mut u8,
) -> tcp_status_t {
    call("tcp_queue_set_policy", || {
        // SAFETY: as the header demands.
        let version = unsafe { Out::optional(version, 0) };
        // SAFETY: as the header demands.
        let policy: Policy = unsafe { arguments::read(policy, "policy") }?.to_policy()?;
        let in_force = QUEUES.get(queue)?.set_policy(slot_of(slot)?, &policy)?;
        if let Some(version) = version {
            version.set(in_force);
        }
        Ok(())
    })
}

/// Where completions go.
struct Taken<'a> {
    completions: &'a mut [tcp_completion_t],
    count: Out<usize>,
}

impl Taken<'_> {
    /// # Safety
    /// As [`arguments::slice_mut`] and [`Out::new`].
    unsafe fn new(
        completions: *mut tcp_completion_t,
        capacity: usize,
        count: *mut usize,
    ) -> Result<Self> {
        // SAFETY: as the caller promised.
        unsafe {
            let out = Out::new(count, "count", 0)?;
            arguments::check_apart(&[
                (
                    "completions",
                    arguments::check_array(completions, capacity, "completions")?,
                ),
                ("count", arguments::check_array(count, 1, "count")?),
            ])?;
            let completions = arguments::slice_mut(completions, capacity, "completions")?;
            Ok(Self {
                completions,
                count: out,
            })
        }
    }

    fn take(self, from: impl FnOnce(&mut [tcp_completion_t]) -> Result<usize>) -> Result<()> {
        self.count.set(from(self.completions)?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use host_runtime::tcp::{Decision, Verdict};

    use super::*;

    #[test]
    fn a_completion_that_is_no_sound_verdict_is_a_rejection_with_a_cause() {
        for verdict in 0..=u8::MAX {
            for cause in 0..=u8::MAX {
                let completion = Completion::new(7, Verdict(verdict), Refusal::from_code(cause), 9);
                let told = tcp_completion_t::from(&completion);
                let sound = cause == 0 && Verdict(verdict).is_valid();
                assert_eq!((told.tag, told.policy_version), (7, 9));
                assert_eq!(told.decision, decision_code(completion.decision()));
                assert_eq!(told.verdict, if sound { verdict } else { 0 });
                assert_eq!(told.cause == 0, sound, "{verdict:#x} {cause}");
                let known = (1..=6).contains(&cause);
                assert!(sound || told.cause == if known { cause } else { 255 });
            }
        }
        let closed = decision_code(Decision::Reject);
        let broken = Completion::new(0, Verdict(2), None, 0);
        assert_eq!(tcp_completion_t::from(&broken).decision, closed);
    }
}
