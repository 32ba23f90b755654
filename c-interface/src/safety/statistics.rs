//! What an engine has answered.

use std::time::Duration;

use bytemuck::{Pod, Zeroable};
use host_runtime::decision::{NamespaceId, Reason, Statistics};
use host_runtime::tcp::Decision;

use super::decide::reason_code;
use super::engine::tcp_decision_engine_t;
use crate::arguments::Out;
use crate::boundary::call;
use crate::hardware::status::tcp_status_t;
use crate::open_engine::ENGINES;

/// How many codes tcp_reason_t has.
pub const TCP_REASON_COUNT: usize = 9;

/// Answers since the engine was started. Latencies are from question to answer, in nanoseconds, to a quarter of themselves; 0
/// before the first answer.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
pub struct tcp_decision_statistics_t {
    /// All answers.
    pub answers: u64,
    /// Answers by decision: APPROVE, CAUTION, REQUIRE_APPROVAL, REJECT. Whatever was not judged was rejected.
    pub decisions: [u64; 4],
    /// Answers by tcp_reason_t.
    pub reasons: [u64; TCP_REASON_COUNT],
    /// Half of the answers took no longer.
    pub latency_p50_ns: u64,
    /// Of 100 answers 99 took no longer.
    pub latency_p99_ns: u64,
    /// Of 1000 answers 999 took no longer.
    pub latency_p999_ns: u64,
    /// No answer took longer.
    pub latency_max_ns: u64,
}

impl From<&Statistics> for tcp_decision_statistics_t {
    fn from(statistics: &Statistics) -> Self {
        let mut reasons = [0; TCP_REASON_COUNT];
        for reason in Reason::ALL {
            reasons[reason_code(reason) as usize] = statistics.of(reason);
        }
        let latency = |share| {
            let nanoseconds = statistics
                .latency(share)
                .unwrap_or(Duration::ZERO)
                .as_nanos();
            u64::try_from(nanoseconds).unwrap_or(u64::MAX)
        };
        Self {
            answers: statistics.answers(),
            decisions: Decision::ALL.map(|decision| statistics.decided(decision)),
            reasons,
            latency_p50_ns: latency(0.5),
            latency_p99_ns: latency(0.99),
            latency_p999_ns: latency(0.999),
            latency_max_ns: latency(1.0),
        }
    }
}

/// What was answered to a namespace. Zeros on an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcp_namespace_statistics(
    engine: *mut tcp_decision_engine_t,
    namespace_id: u32,
    statistics: *mut tcp_decision_statistics_t,
) -> tcp_status_t {
    call("tcp_namespace_statistics", || {
        // SAFETY: as the header demands.
        let out = unsafe { Out::new(statistics, "statistics", Zeroable::zeroed()) }?;
        let engine = ENGINES.get(engine)?;
        out.set((&engine.statistics(NamespaceId(namespace_id))?).into());
        Ok(())
    })
}

/// What was answered to all, agents without a session included; and how many sessions are open, to `sessions` unless that is
/// NULL. Zeros on an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcp_decision_engine_statistics(
    engine: *mut tcp_decision_engine_t,
    statistics: *mut tcp_decision_statistics_t,
    sessions: *mut u64,
) -> tcp_status_t {
    call("tcp_decision_engine_statistics", || {
        // SAFETY: as the header demands.
        let (sessions, out) = unsafe {
            (
                Out::optional(sessions, 0),
                Out::new(statistics, "statistics", Zeroable::zeroed())?,
            )
        };
        let engine = ENGINES.get(engine)?;
        let total = engine.total_statistics()?;
        if let Some(sessions) = sessions {
            sessions.set(engine.agents()? as u64);
        }
        out.set((&total).into());
        Ok(())
    })
}
