//! Policies: how the risk, the flags and the stated costs of a descriptor become a decision.

use std::ffi::c_char;

use host_runtime::tcp::{Decision, Limits, Policy, PolicyFile, Profile};

use super::cards::tcp_hardware_t;
use super::evaluate::{decision_code, decision_of};
use super::status::tcp_status_t;
use crate::arguments::{self, Out};
use crate::boundary::call;
use crate::device::CARDS;
use crate::failure::{Failure, Result};
use crate::request::{profile_of, slot_of};

/// One of the two published conventions for descriptors: checksum, layout of the costs, names of the capability bits.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum tcp_profile_t {
    /// The specification's own: CRC-32, 16-bit costs.
    TCP_PROFILE_COMPACT = 0,
    /// The published knowledge base's: byte sum, 32-bit execution time.
    TCP_PROFILE_WIDE = 1,
}

/// A policy. Decisions are a tcp_decision_code_t each; a structure of zeros is no policy and is refused.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct tcp_policy_t {
    /// The decision for each risk level: SAFE, LOW_RISK, MEDIUM_RISK, HIGH_RISK, CRITICAL.
    pub risk: [u8; 5],
    /// The least severe decision when a maximum is exceeded.
    pub exceeded: u8,
    /// Must be 0.
    pub reserved: u16,
    /// Security-flag bits that make a descriptor malformed.
    pub reserved_mask: u32,
    /// Security-flag bits any of which means REJECT.
    pub deny_mask: u32,
    /// Security-flag bits any of which means at least REQUIRE_APPROVAL.
    pub approval_mask: u32,
    /// Execution times above this exceed it, in milliseconds.
    pub max_exec_ms: u32,
    /// Memory above this exceeds it, in megabytes.
    pub max_memory_mb: u16,
    /// Output above this exceeds it, in kilobytes.
    pub max_output_kb: u16,
}

impl tcp_policy_t {
    /// What stands where a policy could not be given: it rejects everything.
    const REJECT_ALL: Self = Self {
        risk: [decision_code(Decision::Reject); 5],
        exceeded: decision_code(Decision::Reject),
        reserved: 0,
        reserved_mask: u32::MAX,
        deny_mask: u32::MAX,
        approval_mask: u32::MAX,
        max_exec_ms: 0,
        max_memory_mb: 0,
        max_output_kb: 0,
    };
}

impl From<&Policy> for tcp_policy_t {
    fn from(policy: &Policy) -> Self {
        Self {
            risk: policy.risk.map(decision_code),
            exceeded: decision_code(policy.exceeded),
            reserved: 0,
            reserved_mask: policy.reserved_mask,
            deny_mask: policy.deny_mask,
            approval_mask: policy.approval_mask,
            max_exec_ms: policy.limits.max_exec_ms,
            max_memory_mb: policy.limits.max_memory_mb,
            max_output_kb: policy.limits.max_output_kb,
        }
    }
}

impl tcp_policy_t {
    /// The policy that the structure holds.
    ///
    /// # Errors
    /// [`Failure::NoPolicy`] naming the field.
    pub(crate) fn to_policy(self) -> Result<Policy> {
        if self.reserved != 0 {
            return Err(Failure::NoPolicy("its field reserved is not 0".to_owned()));
        }
        let decision = |field: &str, code: u8| {
            decision_of(code).ok_or_else(|| {
                Failure::NoPolicy(format!(
                    "its field {field} is {code}, no tcp_decision_code_t; begin with tcp_policy_default"
                ))
            })
        };
        let mut risk = [Decision::Reject; 5];
        for (level, (known, code)) in risk.iter_mut().zip(self.risk).enumerate() {
            *known = decision(&format!("risk[{level}]"), code)?;
        }
        Ok(Policy {
            risk,
            reserved_mask: self.reserved_mask,
            deny_mask: self.deny_mask,
            approval_mask: self.approval_mask,
            limits: Limits {
                max_exec_ms: self.max_exec_ms,
                max_memory_mb: self.max_memory_mb,
                max_output_kb: self.max_output_kb,
            },
            exceeded: decision("exceeded", self.exceeded)?,
        })
    }
}

/// The policy that a profile (a tcp_profile_t) implies.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcp_policy_default(
    profile: u32,
    policy: *mut tcp_policy_t,
) -> tcp_status_t {
    call("tcp_policy_default", || {
        // SAFETY: as the header demands.
        let policy = unsafe { Out::new(policy, "policy", tcp_policy_t::REJECT_ALL) }?;
        policy.set((&Policy::for_profile(profile_of(profile)?)).into());
        Ok(())
    })
}

/// Reads a policy from a text of `length` bytes: TOML with names in place of bits, as docs/c-interface.md shows. `profile`
/// holds where the text states none; the one that holds is written to `stated`, unless that is NULL. If the text is no
/// policy, `policy` becomes one that rejects everything.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcp_policy_parse(
    text: *const c_char,
    length: usize,
    profile: u32,
    policy: *mut tcp_policy_t,
    stated: *mut u32,
) -> tcp_status_t {
    call("tcp_policy_parse", || {
        // SAFETY: as the header demands.
        let outputs = unsafe { Outputs::new(policy, stated, profile) }?;
        // SAFETY: as the header demands.
        let text = unsafe { arguments::slice(text.cast::<u8>(), length, "text") }?;
        outputs.parse(arguments::utf8(text, "text")?, String::new(), profile)
    })
}

/// Reads a policy from a file; else as tcp_policy_parse.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcp_policy_load(
    path: *const c_char,
    profile: u32,
    policy: *mut tcp_policy_t,
    stated: *mut u32,
) -> tcp_status_t {
    call("tcp_policy_load", || {
        // SAFETY: as the header demands.
        let outputs = unsafe { Outputs::new(policy, stated, profile) }?;
        // SAFETY: as the header demands.
        let path = unsafe { arguments::text(path, "path") }?;
        let text = std::fs::read_to_string(path).map_err(|source| Failure::File {
            path: path.to_owned(),
            source,
        })?;
        outputs.parse(&text, format!("{path}: "), profile)
    })
}

/// Stores a policy in one of the card's sixteen slots, for all that use the card: see tcp_options_t. A card that is busy
/// with a run refuses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcp_hardware_set_policy(
    card: *mut tcp_hardware_t,
    slot: u32,
    policy: *const tcp_policy_t,
) -> tcp_status_t {
    call("tcp_hardware_set_policy", || {
        // SAFETY: as the header demands.
        let policy = unsafe { arguments::read(policy, "policy") }?;
        let (slot, policy) = (slot_of(slot)?, policy.to_policy()?);
        Ok(CARDS.get(card)?.kernel()?.set_policy(slot, &policy)?)
    })
}

/// The policy in one of the card's sixteen slots.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcp_hardware_get_policy(
    card: *mut tcp_hardware_t,
    slot: u32,
    policy: *mut tcp_policy_t,
) -> tcp_status_t {
    call("tcp_hardware_get_policy", || {
        // SAFETY: as the header demands.
        let policy = unsafe { Out::new(policy, "policy", tcp_policy_t::REJECT_ALL) }?;
        let slot = slot_of(slot)?;
        policy.set((&CARDS.get(card)?.kernel()?.policy(slot)?).into());
        Ok(())
    })
}

/// Where a policy that is read goes.
struct Outputs {
    policy: Out<tcp_policy_t>,
    stated: Option<Out<u32>>,
}

impl Outputs {
    /// # Safety
    /// As [`Out::new`].
    unsafe fn new(policy: *mut tcp_policy_t, stated: *mut u32, profile: u32) -> Result<Self> {
        // SAFETY: as the caller promised.
        unsafe {
            let stated = Out::optional(stated, profile);
            let policy = Out::new(policy, "policy", tcp_policy_t::REJECT_ALL)?;
            Ok(Self { policy, stated })
        }
    }

    fn parse(&self, text: &str, place: String, profile: u32) -> Result<()> {
        let read = PolicyFile::parse(text, profile_of(profile)?)
            .map_err(|source| Failure::Policy { place, source })?;
        self.policy.set((&read.policy).into());
        if let Some(stated) = &self.stated {
            stated.set(match read.profile {
                Profile::Compact => tcp_profile_t::TCP_PROFILE_COMPACT,
                Profile::Wide => tcp_profile_t::TCP_PROFILE_WIDE,
            } as u32);
        }
        Ok(())
    }
}
