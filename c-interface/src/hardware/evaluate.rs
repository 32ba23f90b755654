//! Decisions: one descriptor at a time, or a batch.

use std::ffi::{CStr, c_char};

use bytemuck::{Pod, Zeroable};
use host_runtime::tcp::{Decision, Descriptor, Detail, Tally, Verdict};

use super::batch::BatchAnswers;
use super::cards::tcp_hardware_t;
use super::policy::tcp_policy_t;
use super::status::tcp_status_t;
use crate::arguments::{self, Out};
use crate::boundary::call;
use crate::device::CARDS;
use crate::failure::Failure;
use crate::request::Request;

/// Bytes of a descriptor, and the distance of two in an array.
pub const TCP_DESCRIPTOR_SIZE: usize = 24;

/// A descriptor of the Tool Capability Protocol, version 2. Any 24 bytes are one; whether they are well-formed is part of
/// the decision.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
pub struct tcp_descriptor_t {
    /// Big-endian: magic 0 to 3, version 4 and 5, command hash 6 to 9, security flags 10 to 13, costs 14 to 21, checksum 22
    /// and 23.
    pub bytes: [u8; TCP_DESCRIPTOR_SIZE],
}

/// What is to become of a tool call, in order of severity. Each is one more than the code in a verdict byte, so that memory
/// that nobody wrote never reads as APPROVE.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum tcp_decision_code_t {
    /// Nothing was decided: no function writes this. To be taken as REJECT.
    TCP_DECISION_NONE = 0,
    /// It may run.
    TCP_DECISION_APPROVE = 1,
    /// It may run, watched.
    TCP_DECISION_CAUTION = 2,
    /// A person must agree first.
    TCP_DECISION_REQUIRE_APPROVAL = 3,
    /// It must not run.
    TCP_DECISION_REJECT = 4,
}

/// How dangerous a tool says it is.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum tcp_risk_t {
    /// The descriptor is malformed, or was not judged.
    TCP_RISK_NONE = 0,
    /// Flag bit 0.
    TCP_RISK_SAFE = 1,
    /// Flag bit 1.
    TCP_RISK_LOW_RISK = 2,
    /// Flag bit 2.
    TCP_RISK_MEDIUM_RISK = 3,
    /// Flag bit 3.
    TCP_RISK_HIGH_RISK = 4,
    /// Flag bit 4.
    TCP_RISK_CRITICAL = 5,
}

/// Why a descriptor is malformed: the first check that failed.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum tcp_cause_t {
    /// It is well-formed.
    TCP_CAUSE_NONE = 0,
    /// Bytes 0 to 3 are not the magic.
    TCP_CAUSE_BAD_MAGIC = 1,
    /// The version is not 2.
    TCP_CAUSE_BAD_VERSION = 2,
    /// The checksum differs.
    TCP_CAUSE_BAD_CHECKSUM = 3,
    /// Not exactly one risk level is set.
    TCP_CAUSE_BAD_RISK = 4,
    /// A flag of the policy's reserved mask is set.
    TCP_CAUSE_RESERVED_FLAGS = 5,
    /// Of a queue: the submission's options are none, and nothing was checked.
    TCP_CAUSE_BAD_OPTIONS = 6,
    /// It was not judged: the call failed, and its status says why; or the card wrote what is no answer.
    TCP_CAUSE_NOT_JUDGED = 255,
}

/// The checksum over bytes 0 to 21.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum tcp_checksum_t {
    /// What the profile has.
    TCP_CHECKSUM_OF_PROFILE = 0,
    /// The low 16 bits of CRC-32, as zlib's crc32.
    TCP_CHECKSUM_CRC32 = 1,
    /// The sum of the bytes, modulo 2^16.
    TCP_CHECKSUM_SUM = 2,
    /// CRC-16/MODBUS.
    TCP_CHECKSUM_MODBUS = 3,
}

/// Which policy decides.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum tcp_policy_source_t {
    /// The profile's own: tcp_policy_default.
    TCP_POLICY_OF_PROFILE = 0,
    /// The one in the options.
    TCP_POLICY_GIVEN = 1,
    /// What a slot of the card holds, which any program that uses the card may change.
    TCP_POLICY_SLOT = 2,
}

/// How descriptors are judged. All zeros, or NULL in its place, is the compact profile with its own policy.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct tcp_options_t {
    /// A tcp_profile_t.
    pub profile: u32,
    /// A tcp_checksum_t.
    pub checksum: u32,
    /// A tcp_policy_source_t.
    pub policy_source: u32,
    /// 0 to 15 with TCP_POLICY_SLOT, else 0.
    pub policy_slot: u32,
    /// The policy with TCP_POLICY_GIVEN, else NULL.
    pub policy: *const tcp_policy_t,
    /// Longest wait for each 131072 descriptors, in milliseconds; 0 for five minutes.
    pub timeout_ms: u32,
    /// Must be 0.
    pub reserved: u32,
}

/// A decision and its reasons.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
pub struct tcp_result_t {
    /// A tcp_decision_code_t. REJECT also if the descriptor is malformed or the call failed.
    pub decision: u8,
    /// A tcp_risk_t.
    pub risk: u8,
    /// A tcp_cause_t.
    pub cause: u8,
    /// The verdict byte as the card wrote it; 0 if the descriptor is malformed or was not judged.
    pub verdict: u8,
    /// 1 if a maximum of the policy was exceeded.
    pub over_maximum: u8,
    /// 1 if a deny or approval flag was hit.
    pub flag_hit: u8,
    /// The low 16 bits of the descriptor's security flags, also when malformed.
    pub low_flags: u16,
}

/// How many descriptors of a batch got what.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Pod, Zeroable)]
pub struct tcp_tally_t {
    /// Descriptors judged.
    pub descriptors: u64,
    /// Well-formed ones.
    pub valid: u64,
    /// Well-formed ones by decision: APPROVE, CAUTION, REQUIRE_APPROVAL, REJECT.
    pub decisions: [u64; 4],
    /// Malformed ones by cause: BAD_MAGIC to RESERVED_FLAGS.
    pub causes: [u64; 5],
    /// Well-formed ones that exceed a maximum.
    pub over_maximum: u64,
    /// Well-formed ones that hit a deny or approval flag.
    pub flag_hit: u64,
}

impl tcp_result_t {
    /// What stands where nothing was decided.
    pub(crate) const NOT_JUDGED: Self = Self {
        decision: decision_code(Decision::Reject),
        risk: 0,
        cause: tcp_cause_t::TCP_CAUSE_NOT_JUDGED as u8,
        verdict: 0,
        over_maximum: 0,
        flag_hit: 0,
        low_flags: 0,
    };
}

impl From<Detail> for tcp_result_t {
    fn from(detail: Detail) -> Self {
        let verdict = detail.verdict();
        let Some(decision) = verdict.decision() else {
            return Self {
                cause: match detail.cause() {
                    Some(cause) if verdict.is_malformed() => cause.code(),
                    // No verdict of the format: the card is broken.
                    _ => tcp_cause_t::TCP_CAUSE_NOT_JUDGED as u8,
                },
                low_flags: detail.low_flags(),
                ..Self::NOT_JUDGED
            };
        };
        Self {
            decision: decision_code(decision),
            risk: verdict.risk().map_or(0, |risk| risk.bit() as u8 + 1),
            cause: tcp_cause_t::TCP_CAUSE_NONE as u8,
            verdict: verdict.0,
            over_maximum: verdict.over_maximum().into(),
            flag_hit: verdict.flag_hit().into(),
            low_flags: detail.low_flags(),
        }
    }
}

impl From<Tally> for tcp_tally_t {
    fn from(tally: Tally) -> Self {
        let counts = tally.verdicts;
        Self {
            descriptors: counts.descriptors,
            valid: counts.valid,
            decisions: counts.decisions,
            causes: tally.causes,
            over_maximum: counts.over_maximum,
            flag_hit: counts.flag_hit,
        }
    }
}

/// The code in C of a decision.
pub(crate) const fn decision_code(decision: Decision) -> u8 {
    decision.code() + 1
}

/// The decision of a code; none for TCP_DECISION_NONE and for codes there are not.
pub(crate) fn decision_of(code: u8) -> Option<Decision> {
    let index = usize::from(code).checked_sub(1)?;
    Decision::ALL.get(index).copied()
}

/// Judges one descriptor. `result` says REJECT whenever the call does not return TCP_OK.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcp_hardware_evaluate(
    card: *mut tcp_hardware_t,
    descriptor: *const tcp_descriptor_t,
    options: *const tcp_options_t,
    result: *mut tcp_result_t,
) -> tcp_status_t {
    call("tcp_hardware_evaluate", || {
        // SAFETY: as the header demands.
        let result = unsafe { Out::new(result, "result", tcp_result_t::NOT_JUDGED) }?;
        // SAFETY: as the header demands.
        let descriptor = unsafe { arguments::read(descriptor, "descriptor") }?;
        // SAFETY: as the header demands.
        let request = unsafe { Request::read(options) }?;
        let card = CARDS.get(card)?;
        let detail = card.judge(Descriptor(descriptor.bytes), &request)?;
        result.set(detail.into());
        Ok(())
    })
}

/// Judges `count` descriptors. The answers go to `verdicts`, a byte for each, or to `results`, or to both, and the counts to
/// `tally`; each of the three may be NULL, but not all. Whenever the call does not return TCP_OK, all verdicts are 0
/// (malformed), all results REJECT, and the tally is zeros. No array may overlap another.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcp_hardware_evaluate_batch(
    card: *mut tcp_hardware_t,
    descriptors: *const tcp_descriptor_t,
    count: usize,
    options: *const tcp_options_t,
    verdicts: *mut u8,
    results: *mut tcp_result_t,
    tally: *mut tcp_tally_t,
) -> tcp_status_t {
    call("tcp_hardware_evaluate_batch", || {
        // SAFETY: as the header demands.
        let answers = unsafe { BatchAnswers::new(verdicts, results, tally, (descriptors, count)) }?;
        // SAFETY: as the header demands.
        let descriptors = unsafe { arguments::slice(descriptors, count, "descriptors") }?;
        // SAFETY: as the header demands.
        let request = unsafe { Request::read(options) }?;
        let card = CARDS.get(card)?;
        answers.take_from(|wanted| {
            card.judge_batch(bytemuck::cast_slice(descriptors), &request, wanted)
        })
    })
}

/// The decision (a tcp_decision_code_t) of a verdict byte. REJECT for a malformed descriptor, and for a byte that no sound
/// card writes.
#[unsafe(no_mangle)]
pub extern "C" fn tcp_verdict_decision(verdict: u8) -> u8 {
    decision_code(Verdict(verdict).decision().unwrap_or(Decision::Reject))
}

/// Reads a descriptor from 48 hex digits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcp_descriptor_parse(
    digits: *const c_char,
    descriptor: *mut tcp_descriptor_t,
) -> tcp_status_t {
    call("tcp_descriptor_parse", || {
        // Zeros are no well-formed descriptor.
        // SAFETY: as the header demands.
        let descriptor = unsafe { Out::new(descriptor, "descriptor", tcp_descriptor_t::zeroed()) }?;
        // SAFETY: as the header demands.
        let digits = unsafe { arguments::text(digits, "digits") }?;
        let parsed: Descriptor = digits
            .parse()
            .map_err(|error| Failure::argument("digits", format!("is no descriptor: {error}")))?;
        descriptor.set(tcp_descriptor_t { bytes: parsed.0 });
        Ok(())
    })
}

/// The name of a tcp_decision_code_t, as the specification has it: "APPROVE". Never NULL, and never to be freed.
#[unsafe(no_mangle)]
pub extern "C" fn tcp_decision_name(decision: u32) -> *const c_char {
    name(
        decision,
        &[
            c"NONE",
            c"APPROVE",
            c"CAUTION",
            c"REQUIRE_APPROVAL",
            c"REJECT",
        ],
    )
}

/// The name of a tcp_risk_t: "MEDIUM_RISK". Never NULL, and never to be freed.
#[unsafe(no_mangle)]
pub extern "C" fn tcp_risk_name(risk: u32) -> *const c_char {
    name(
        risk,
        &[
            c"NONE",
            c"SAFE",
            c"LOW_RISK",
            c"MEDIUM_RISK",
            c"HIGH_RISK",
            c"CRITICAL",
        ],
    )
}

/// The name of a tcp_cause_t: "BAD_CHECKSUM". Never NULL, and never to be freed.
#[unsafe(no_mangle)]
pub extern "C" fn tcp_cause_name(cause: u32) -> *const c_char {
    if cause == tcp_cause_t::TCP_CAUSE_NOT_JUDGED as u32 {
        return c"NOT_JUDGED".as_ptr();
    }
    name(
        cause,
        &[
            c"NONE",
            c"BAD_MAGIC",
            c"BAD_VERSION",
            c"BAD_CHECKSUM",
            c"BAD_RISK",
            c"RESERVED_FLAGS",
            c"BAD_OPTIONS",
        ],
    )
}

/// The name at a code.
pub(crate) fn name(code: u32, names: &[&'static CStr]) -> *const c_char {
    names.get(code as usize).unwrap_or(&c"UNKNOWN").as_ptr()
}

#[cfg(test)]
mod tests {
    use host_runtime::tcp::{Cause, RiskLevel};

    use super::*;

    fn text(name: *const c_char) -> &'static str {
        // SAFETY: the names are constants.
        unsafe { CStr::from_ptr(name) }.to_str().unwrap()
    }

    #[test]
    fn names_are_those_of_the_specification() {
        for decision in Decision::ALL {
            let code = decision_code(decision);
            assert_eq!(text(tcp_decision_name(code.into())), decision.name());
            assert_eq!(decision_of(code), Some(decision));
        }
        for cause in Cause::ALL {
            assert_eq!(text(tcp_cause_name(cause.code().into())), cause.name());
        }
        for risk in RiskLevel::ALL {
            assert_eq!(text(tcp_risk_name(risk.bit() + 1)), risk.name());
        }
        assert_eq!((decision_of(0), decision_of(5)), (None, None));
        assert_eq!(text(tcp_decision_name(u32::MAX)), "UNKNOWN");
    }

    #[test]
    fn every_detail_word_that_is_no_sound_verdict_is_a_rejection() {
        for verdict in 0..=u8::MAX {
            for cause in 0..=u8::MAX {
                let result = tcp_result_t::from(Detail([verdict, cause, 0x44, 0x02]));
                let decision = Verdict(verdict).decision();
                assert_eq!(result.decision, tcp_verdict_decision(verdict));
                assert_eq!(
                    decision_of(result.decision),
                    Some(decision.unwrap_or(Decision::Reject))
                );
                assert_eq!(result.low_flags, 0x0244);
                // A rejection says whether the descriptor or the card is to blame.
                let blamed = match Cause::from_code(cause) {
                    _ if decision.is_some() => 0,
                    Some(cause) if verdict == 0 => cause.code(),
                    _ => 255,
                };
                assert_eq!(result.cause, blamed, "{verdict:#x} {cause}");
            }
        }
    }
}
