//! Asking: one question and its answer, or many at once by a client.

use std::ffi::c_char;

use bytemuck::{Pod, Zeroable};
use host_runtime::decision::{Answer, Reason};
use host_runtime::tcp::Detail;

use super::engine::tcp_decision_engine_t;
use crate::arguments::{self, Out};
use crate::boundary::call;
use crate::failure::Result;
use crate::hardware::evaluate::{name, tcp_descriptor_t, tcp_result_t};
use crate::hardware::status::tcp_status_t;
use crate::open_engine::{CLIENTS, ENGINES, OpenClient};

/// A way to the engine for one thread.
#[derive(Debug)]
pub struct tcp_decision_client_t {
    _opaque: (),
}

/// Why a decision is what it is. Under all but TCP_REASON_JUDGED it is REJECT.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum tcp_reason_t {
    /// It was not asked: the call failed, and its status says why.
    TCP_REASON_NONE = 0,
    /// The policy decided.
    TCP_REASON_JUDGED = 1,
    /// The descriptor is malformed; the result's cause says how.
    TCP_REASON_MALFORMED = 2,
    /// The agent has no session.
    TCP_REASON_UNKNOWN_AGENT = 3,
    /// The agent's session was closed before the answer.
    TCP_REASON_SESSION_CLOSED = 4,
    /// The time was up before the answer.
    TCP_REASON_DEADLINE_PASSED = 5,
    /// As much is under way as may be.
    TCP_REASON_OVERLOAD = 6,
    /// No card that lives has a place for the policy.
    TCP_REASON_NO_LANE = 7,
    /// The engine stops, or has stopped.
    TCP_REASON_STOPPING = 8,
}

/// May this agent run this tool? A question, and its answer in the same place.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
pub struct tcp_decision_t {
    /// Question: who asks.
    pub agent_id: u64,
    /// Question: any value. The answer has the same.
    pub ticket: u64,
    /// Question: the tool.
    pub descriptor: tcp_descriptor_t,
    /// Answer: the agent's namespace; 0 if it was not looked up.
    pub namespace_id: u32,
    /// Answer: a tcp_reason_t.
    pub reason: u32,
    /// Answer: the decision and its reasons.
    pub result: tcp_result_t,
    /// Answer: the version of the policy that decided; 0 if none did.
    pub policy_version: u64,
    /// Answer: from question to answer, in nanoseconds.
    pub latency_ns: u64,
}

impl tcp_decision_t {
    /// The question, without an answer: REJECT.
    pub(crate) fn unanswered(self) -> Self {
        Self {
            namespace_id: 0,
            reason: tcp_reason_t::TCP_REASON_NONE as u32,
            result: tcp_result_t::NOT_JUDGED,
            policy_version: 0,
            latency_ns: 0,
            ..self
        }
    }
}

impl From<&Answer> for tcp_decision_t {
    fn from(answer: &Answer) -> Self {
        let flags = answer.descriptor.flags();
        let result = match (answer.reason, answer.cause()) {
            (Reason::Judged, _) => Detail::well_formed(answer.verdict, flags).into(),
            (Reason::Malformed, Some(cause)) => Detail::malformed(cause, flags).into(),
            _ => tcp_result_t::NOT_JUDGED,
        };
        Self {
            agent_id: answer.agent.0,
            ticket: answer.ticket,
            descriptor: tcp_descriptor_t {
                bytes: answer.descriptor.0,
            },
            namespace_id: answer.namespace.0,
            reason: reason_code(answer.reason) as u32,
            result,
            policy_version: answer.version.0,
            latency_ns: answer.latency,
        }
    }
}

/// The code in C of a reason.
pub(crate) const fn reason_code(reason: Reason) -> tcp_reason_t {
    match reason {
        Reason::Judged => tcp_reason_t::TCP_REASON_JUDGED,
        Reason::Malformed => tcp_reason_t::TCP_REASON_MALFORMED,
        Reason::UnknownAgent => tcp_reason_t::TCP_REASON_UNKNOWN_AGENT,
        Reason::SessionClosed => tcp_reason_t::TCP_REASON_SESSION_CLOSED,
        Reason::DeadlinePassed => tcp_reason_t::TCP_REASON_DEADLINE_PASSED,
        Reason::Overload => tcp_reason_t::TCP_REASON_OVERLOAD,
        Reason::NoLane => tcp_reason_t::TCP_REASON_NO_LANE,
        Reason::Stopping => tcp_reason_t::TCP_REASON_STOPPING,
    }
}

/// The name of a tcp_reason_t: "JUDGED". Never NULL, and never to be freed.
#[unsafe(no_mangle)]
pub extern "C" fn tcp_reason_name(reason: u32) -> *const c_char {
    name(
        reason,
        &[
            c"NONE",
            c"JUDGED",
            c"MALFORMED",
            c"UNKNOWN_AGENT",
            c"SESSION_CLOSED",
            c"DEADLINE_PASSED",
            c"OVERLOAD",
            c"NO_LANE",
            c"STOPPING",
        ],
    )
}

/// Asks, and waits for the answer, `timeout_us` microseconds at most: after that it is REJECT, TCP_REASON_DEADLINE_PASSED.
/// The result says REJECT too whenever the call does not return TCP_OK. Any number of threads may wait at once, but for
/// the engine's max_clients; beyond that it is REJECT, TCP_REASON_OVERLOAD.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcp_decide(
    engine: *mut tcp_decision_engine_t,
    decision: *mut tcp_decision_t,
    timeout_us: u64,
) -> tcp_status_t {
    call("tcp_decide", || {
        // SAFETY: as the header demands.
        let question = unsafe { arguments::read(decision, "decision") }?;
        // SAFETY: as the header demands.
        let out = unsafe { Out::new(decision, "decision", question.unanswered()) }?;
        let answer = ENGINES.get(engine)?.decide(&question, timeout_us);
        out.set(tcp_decision_t {
            ticket: question.ticket,
            ..(&answer).into()
        });
        Ok(())
    })
}

/// Opens a client of an engine. `client` becomes the handle, or NULL on an error. Any number of threads may use a client, one
/// after the other; it is fastest for one, so open one for each.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcp_decision_client_open(
    engine: *mut tcp_decision_engine_t,
    client: *mut *mut tcp_decision_client_t,
) -> tcp_status_t {
    call("tcp_decision_client_open", || {
        // SAFETY: as the header demands.
        let client = unsafe { Out::new(client, "client", std::ptr::null_mut()) }?;
        client.set(CLIENTS.insert(ENGINES.get(engine)?.client()?)?);
        Ok(())
    })
}

/// Closes a client, and ends the waits of other threads for it. What is outstanding is answered to nobody. Closing it once
/// more is TCP_ERROR_HANDLE and does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn tcp_decision_client_close(client: *mut tcp_decision_client_t) -> tcp_status_t {
    call("tcp_decision_client_close", || CLIENTS.remove(client))
}

/// Asks the first of `count` questions, as many as the client has places for, without waiting. `accepted` becomes how many: each
/// of those is answered once, within `timeout_us` microseconds. The answers do not go to `decisions` but to tcp_decision_poll;
/// their tickets tell which is which. TCP_ERROR_STOPPED says that the engine has stopped, and took none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcp_decision_submit(
    client: *mut tcp_decision_client_t,
    decisions: *const tcp_decision_t,
    count: usize,
    timeout_us: u64,
    accepted: *mut usize,
) -> tcp_status_t {
    call("tcp_decision_submit", || {
        // SAFETY: as the header demands.
        let accepted = unsafe { Out::new(accepted, "accepted", 0) }?;
        // SAFETY: as the header demands.
        let questions = unsafe { arguments::slice(decisions, count, "decisions") }?;
        accepted.set(CLIENTS.get(client)?.submit(questions, timeout_us)?);
        Ok(())
    })
}

/// Takes answers that are there, at most `capacity`; `count` becomes how many. Never waits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcp_decision_poll(
    client: *mut tcp_decision_client_t,
    decisions: *mut tcp_decision_t,
    capacity: usize,
    count: *mut usize,
) -> tcp_status_t {
    call("tcp_decision_poll", || {
        // SAFETY: as the header demands.
        unsafe {
            take(client, decisions, capacity, count, |client, answers| {
                Ok(client.poll(answers))
            })
        }
    })
}

/// Takes answers as tcp_decision_poll does, and waits for the first, `timeout_ms` milliseconds at most. `count` becomes 0 if
/// there was none in that time, and at once if nothing is outstanding.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcp_decision_wait(
    client: *mut tcp_decision_client_t,
    decisions: *mut tcp_decision_t,
    capacity: usize,
    timeout_ms: u32,
    count: *mut usize,
) -> tcp_status_t {
    call("tcp_decision_wait", || {
        // SAFETY: as the header demands.
        unsafe {
            take(client, decisions, capacity, count, |client, answers| {
                client.wait(answers, timeout_ms)
            })
        }
    })
}

/// # Safety
/// As [`arguments::slice_mut`] and [`Out::new`].
unsafe fn take(
    client: *mut tcp_decision_client_t,
    decisions: *mut tcp_decision_t,
    capacity: usize,
    count: *mut usize,
    from: impl FnOnce(&OpenClient, &mut [tcp_decision_t]) -> Result<usize>,
) -> Result<()> {
    // SAFETY: as the caller promised.
    let out = unsafe { Out::new(count, "count", 0) }?;
    arguments::check_apart(&[
        (
            "decisions",
            arguments::check_array(decisions, capacity, "decisions")?,
        ),
        ("count", arguments::check_array(count, 1, "count")?),
    ])?;
    // SAFETY: as the caller promised.
    let answers = unsafe { arguments::slice_mut(decisions, capacity, "decisions") }?;
    out.set(from(&*CLIENTS.get(client)?, answers)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use host_runtime::decision::{AgentId, NamespaceId, Version};
    use host_runtime::tcp::{Cause, Decision, Descriptor, RiskLevel, Verdict};

    use super::*;
    use crate::hardware::evaluate::decision_code;

    #[test]
    fn reasons_have_the_names_and_the_order_of_the_engine() {
        for reason in Reason::ALL {
            let code = reason_code(reason) as u32;
            assert_eq!(code, u32::from(reason.code()) + 1);
            // SAFETY: the names are constants.
            let text = unsafe { CStr::from_ptr(tcp_reason_name(code)) };
            assert_eq!(text.to_str(), Ok(reason.name()));
        }
    }

    #[test]
    fn every_answer_but_a_judged_one_is_a_rejection() {
        let approve = Verdict::new(Decision::Approve, RiskLevel::Safe, false, false);
        for reason in Reason::ALL {
            let answer = Answer {
                agent: AgentId(5),
                ticket: 6,
                version: Version(7),
                latency: 8,
                namespace: NamespaceId(9),
                decision: Decision::Approve,
                reason,
                verdict: approve,
                cause_code: Cause::BadRisk.code(),
                descriptor: Descriptor([1; 24]),
            };
            let told = tcp_decision_t::from(&answer);
            assert_eq!((told.agent_id, told.ticket, told.namespace_id), (5, 6, 9));
            assert_eq!((told.policy_version, told.latency_ns), (7, 8));
            let (decision, cause) = match reason {
                Reason::Judged => (Decision::Approve, 0),
                Reason::Malformed => (Decision::Reject, Cause::BadRisk.code()),
                _ => (Decision::Reject, 255),
            };
            assert_eq!(told.result.decision, decision_code(decision), "{reason}");
            assert_eq!(told.result.cause, cause, "{reason}");
        }
    }
}
