//! One descriptor at a time, on any CPU: the constant part of a CRC is not computed, the rest is one look-up a byte.

use super::Slots;
use super::counts::Counts;
use super::linear::{Linear, VARIABLE};
use super::rules::{HEADER, Rules};
use crate::tcp::descriptor::CHECKED_BYTES;
use crate::tcp::profile::RISK_MASK;
use crate::tcp::verdict::{DECISION_SHIFT, FLAG_HIT, OVER_MAXIMUM};
use crate::tcp::{Cause, Checksum, Decision, Descriptor, Detail, Verdict};

/// Fewer descriptors than this are judged sooner one by one than as a padded block of any instruction set. Measured: with
/// CRCs they break even at 11 or 12, with the sum at 14.
pub(super) const FASTER_BELOW: usize = 12;

/// Judges all of them.
pub(super) fn judge(
    rules: &Rules,
    descriptors: &[Descriptor],
    slots: Slots<'_>,
    counts: &mut Counts,
) {
    match Linear::of(rules.checksum) {
        Some(linear) => {
            let constant = rules.header_checksum;
            judge_by(rules, descriptors, slots, counts, |bytes| {
                linear.sum(&bytes[VARIABLE].try_into().expect("16 of 24")) ^ constant
            });
        }
        None => judge_by(rules, descriptors, slots, counts, |bytes| {
            Checksum::Sum.compute(bytes[..CHECKED_BYTES].try_into().expect("22 of 24"))
        }),
    }
}

#[inline(always)]
fn judge_by(
    rules: &Rules,
    descriptors: &[Descriptor],
    slots: Slots<'_>,
    counts: &mut Counts,
    checksum: impl Fn(&[u8; Descriptor::SIZE]) -> u16,
) {
    match slots {
        Slots::Verdicts(verdicts) => {
            for (descriptor, verdict) in descriptors.iter().zip(verdicts) {
                *verdict = judge_one(rules, descriptor, counts, &checksum).unwrap_or_default();
            }
        }
        Slots::Details(details) => {
            for (descriptor, detail) in descriptors.iter().zip(details) {
                let flags = descriptor.flags();
                *detail = match judge_one(rules, descriptor, counts, &checksum) {
                    Ok(verdict) => Detail::well_formed(verdict, flags),
                    Err(cause) => Detail::malformed(cause, flags),
                };
            }
        }
    }
}

#[inline(always)]
fn judge_one(
    rules: &Rules,
    descriptor: &Descriptor,
    counts: &mut Counts,
    checksum: impl Fn(&[u8; Descriptor::SIZE]) -> u16,
) -> Result<Verdict, Cause> {
    let bytes = descriptor.as_bytes();
    if bytes[..4] != HEADER[..4] {
        return Err(Cause::BadMagic);
    }
    counts.passed[0] += 1;
    if bytes[4..6] != HEADER[4..] {
        return Err(Cause::BadVersion);
    }
    counts.passed[1] += 1;
    if descriptor.stored_checksum() != checksum(bytes) {
        return Err(Cause::BadChecksum);
    }
    counts.passed[2] += 1;
    let flags = descriptor.flags();
    let risks = flags & RISK_MASK;
    if risks.count_ones() != 1 {
        return Err(Cause::BadRisk);
    }
    counts.passed[3] += 1;
    let policy = &rules.policy;
    if flags & policy.reserved_mask != 0 {
        return Err(Cause::ReservedFlags);
    }
    counts.passed[4] += 1;

    let level = risks.trailing_zeros() as usize;
    let mut decision = rules.decisions[level];
    let mut verdict = rules.levels[level];
    if flags & (policy.deny_mask | policy.approval_mask) != 0 {
        let least = if flags & policy.deny_mask != 0 {
            Decision::Reject
        } else {
            Decision::RequireApproval
        };
        decision = decision.max(least.code() << DECISION_SHIFT);
        verdict |= FLAG_HIT;
        counts.hit += 1;
    }
    if rules.has_maxima {
        let limits = policy.limits;
        let over = (descriptor.exec_ms(rules.layout) > limits.max_exec_ms)
            | (descriptor.memory_mb(rules.layout) > limits.max_memory_mb)
            | (descriptor.output_kb(rules.layout) > limits.max_output_kb);
        if over {
            decision = decision.max(rules.exceeded);
            verdict |= OVER_MAXIMUM;
            counts.over += 1;
        }
    }
    for (count, least) in counts.at_least.iter_mut().zip(1..) {
        *count += u64::from(decision >> DECISION_SHIFT >= least);
    }
    Ok(Verdict(verdict | decision))
}
