//! Namespaces with their policies, and the agents' sessions in them.

use host_runtime::decision::{AgentId, NamespaceId, Version};
use host_runtime::tcp::{Options, Policy};

use super::engine::tcp_decision_engine_t;
use crate::arguments::{self, Out};
use crate::boundary::call;
use crate::failure::Result;
use crate::hardware::policy::tcp_policy_t;
use crate::hardware::status::tcp_status_t;
use crate::open_engine::ENGINES;
use crate::request::{checksum_of, profile_of};

/// Adds a namespace: agents that share a policy. Their descriptors are of that tcp_profile_t and tcp_checksum_t. `policy` may
/// be NULL for the profile's own. `version`, unless it is NULL, becomes the policy's version: policies that are put in force
/// are counted from 1 over all namespaces of the engine; 0 on an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcp_namespace_add(
    engine: *mut tcp_decision_engine_t,
    namespace_id: u32,
    profile: u32,
    checksum: u32,
    policy: *const tcp_policy_t,
    version: *mut u64,
) -> tcp_status_t {
    call("tcp_namespace_add", || {
        // SAFETY: as the header demands.
        let version = unsafe { Out::optional(version, Version::NONE.0) };
        let profile = profile_of(profile)?;
        let policy = if policy.is_null() {
            Policy::for_profile(profile)
        } else {
            // SAFETY: as the header demands.
            unsafe { read_policy(policy) }?
        };
        let options = Options {
            checksum: checksum_of(checksum, profile)?,
            ..Options::for_profile(profile)
        };
        let engine = ENGINES.get(engine)?;
        let added = engine.add_namespace(NamespaceId(namespace_id), options, &policy)?;
        tell(version, added);
        Ok(())
    })
}

/// Puts another policy in force for a namespace, at once and whole: requests from now on are decided by it, and each answer
/// names the version that decided. `version`, unless it is NULL, becomes the new one; 0 on an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcp_namespace_set_policy(
    engine: *mut tcp_decision_engine_t,
    namespace_id: u32,
    policy: *const tcp_policy_t,
    version: *mut u64,
) -> tcp_status_t {
    call("tcp_namespace_set_policy", || {
        // SAFETY: as the header demands.
        let version = unsafe { Out::optional(version, Version::NONE.0) };
        // SAFETY: as the header demands.
        let policy = unsafe { read_policy(policy) }?;
        let in_force = ENGINES
            .get(engine)?
            .set_policy(NamespaceId(namespace_id), &policy)?;
        tell(version, in_force);
        Ok(())
    })
}

/// Removes a namespace that has neither sessions nor requests under way; else TCP_ERROR_BUSY.
#[unsafe(no_mangle)]
pub extern "C" fn tcp_namespace_remove(
    engine: *mut tcp_decision_engine_t,
    namespace_id: u32,
) -> tcp_status_t {
    call("tcp_namespace_remove", || {
        Ok(ENGINES
            .get(engine)?
            .remove_namespace(NamespaceId(namespace_id))?)
    })
}

/// Opens a session: from now on the agent may ask. An agent has one session at a time.
#[unsafe(no_mangle)]
pub extern "C" fn tcp_session_open(
    engine: *mut tcp_decision_engine_t,
    agent_id: u64,
    namespace_id: u32,
) -> tcp_status_t {
    call("tcp_session_open", || {
        let (agent, namespace) = (AgentId(agent_id), NamespaceId(namespace_id));
        Ok(ENGINES.get(engine)?.open(agent, namespace)?)
    })
}

/// Opens sessions of `count` agents, and stops at the first that cannot be opened. `opened` becomes how many were. It is an
/// error only if not even the first one was. Requests wait meanwhile: open some thousands at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcp_session_open_many(
    engine: *mut tcp_decision_engine_t,
    agent_ids: *const u64,
    count: usize,
    namespace_id: u32,
    opened: *mut usize,
) -> tcp_status_t {
    call("tcp_session_open_many", || {
        // SAFETY: as the header demands.
        let opened = unsafe { Out::new(opened, "opened", 0) }?;
        // SAFETY: as the header demands.
        let agents = unsafe { arguments::slice(agent_ids, count, "agent_ids") }?;
        let agents: Vec<AgentId> = agents.iter().copied().map(AgentId).collect();
        let engine = ENGINES.get(engine)?;
        opened.set(engine.open_many(&agents, NamespaceId(namespace_id))?);
        Ok(())
    })
}

/// Closes a session. The agent's requests under way are answered REJECT, TCP_REASON_SESSION_CLOSED.
#[unsafe(no_mangle)]
pub extern "C" fn tcp_session_close(
    engine: *mut tcp_decision_engine_t,
    agent_id: u64,
) -> tcp_status_t {
    call("tcp_session_close", || {
        Ok(ENGINES.get(engine)?.close(AgentId(agent_id))?)
    })
}

/// # Safety
/// `policy` is null or may be read.
unsafe fn read_policy(policy: *const tcp_policy_t) -> Result<Policy> {
    // SAFETY: as the caller promised.
    unsafe { arguments::read(policy, "policy") }?.to_policy()
}

fn tell(out: Option<Out<u64>>, version: Version) {
    if let Some(out) = out {
        out.set(version.0);
    }
}
