//! Judging a block at once, the same for every vector instruction set: what the golden model asks of one descriptor,
//! here asked of a plane of bytes.

use super::check::{ByteSum, Check, Crc};
use super::counts::Counts;
use super::lanes::{Lanes, MOST_LANES, Map};
use super::linear::{Linear, VARIABLE};
use super::rules::{HEADER, Rules};
use super::{Slots, portable};
use crate::tcp::descriptor::CHECKED_BYTES;
use crate::tcp::profile::RISK_MASK;
use crate::tcp::verdict::{DECISION_SHIFT, FLAG_HIT, OVER_MAXIMUM};
use crate::tcp::{Decision, Descriptor, Detail, Layout};

/// How many descriptors ahead memory is asked for: 12 KiB, which a core reads in a few hundred nanoseconds, as long as
/// its memory takes to answer. The loads alone reach about one block ahead, and the core's own prefetchers a page.
const AHEAD: usize = 512;

/// Bytes that come into the cache at once.
#[cfg(target_arch = "x86_64")]
const CACHE_LINE: usize = 64;

/// Where the flags and the costs begin.
const FLAGS: usize = 10;
const COSTS: usize = 14;

/// The answers to a block, and the flags for its detail words.
struct Answer<V> {
    verdicts: V,
    causes: V,
    flags: [V; 2],
}

/// Judges whole blocks, then what is left: as one padded block, or one by one where that is faster.
#[inline(always)]
pub(super) fn judge<V: Lanes, M: Map<V>>(
    rules: &Rules,
    descriptors: &[Descriptor],
    slots: Slots<'_>,
    counts: &mut Counts,
) {
    let constant = rules.header_checksum;
    match Linear::of(rules.checksum) {
        Some(linear) => {
            let check = Crc::<V, M>::new(linear, constant);
            judge_by(rules, check, descriptors, slots, counts);
        }
        None => judge_by(
            rules,
            ByteSum::<V>::new(constant),
            descriptors,
            slots,
            counts,
        ),
    }
}

#[inline(always)]
fn judge_by<V: Lanes, C: Check<V>>(
    rules: &Rules,
    check: C,
    descriptors: &[Descriptor],
    mut slots: Slots<'_>,
    counts: &mut Counts,
) {
    let with_causes = matches!(slots, Slots::Details(_));
    let blocks = descriptors.chunks_exact(V::COUNT);
    let rest = blocks.remainder();
    let mut start = 0;
    for block in blocks {
        if let Some(later) = descriptors.get(start + AHEAD..start + AHEAD + V::COUNT) {
            prefetch(later);
        }
        let answer = judge_block(rules, check, block, with_causes, counts);
        match &mut slots {
            Slots::Verdicts(verdicts) => answer.verdicts.store(bytemuck::cast_slice_mut(
                &mut verdicts[start..start + V::COUNT],
            )),
            Slots::Details(details) => answer.store_words(&mut details[start..start + V::COUNT]),
        }
        start += V::COUNT;
    }
    let (_, mut slots) = slots.split_at(start);
    if rest.len() < portable::FASTER_BELOW {
        portable::judge(rules, rest, slots, counts);
        return;
    }
    // Zeros fail the first check, so the padding passes none and is not counted.
    let mut padded = [Descriptor([0; Descriptor::SIZE]); MOST_LANES];
    padded[..rest.len()].copy_from_slice(rest);
    let answer = judge_block(rules, check, &padded[..V::COUNT], with_causes, counts);
    match &mut slots {
        Slots::Verdicts(verdicts) => {
            let mut bytes = [0; MOST_LANES];
            answer.verdicts.store(&mut bytes[..V::COUNT]);
            verdicts.copy_from_slice(bytemuck::cast_slice(&bytes[..rest.len()]));
        }
        Slots::Details(details) => {
            let mut words = [Detail::default(); MOST_LANES];
            answer.store_words(&mut words[..V::COUNT]);
            details.copy_from_slice(&words[..rest.len()]);
        }
    }
}

impl<V: Lanes> Answer<V> {
    #[inline(always)]
    fn store_words(self, details: &mut [Detail]) {
        let [high, low] = self.flags;
        V::store_words([self.verdicts, self.causes, low, high], details);
    }
}

/// Has the descriptors come into the cache, and waits for nothing. On other architectures Rust has no instruction for it:
/// there the core's own prefetchers must do.
#[inline(always)]
fn prefetch(descriptors: &[Descriptor]) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

        let bytes: &[u8] = bytemuck::cast_slice(descriptors);
        for line in bytes.chunks(CACHE_LINE) {
            // SAFETY: every x86-64 CPU has the instruction, which changes nothing that a program could read.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = descriptors;
}

#[inline(always)]
fn judge_block<V: Lanes, C: Check<V>>(
    rules: &Rules,
    mut check: C,
    block: &[Descriptor],
    with_causes: bool,
    counts: &mut Counts,
) -> Answer<V> {
    let rows = V::rows(block);
    let mut planes = [V::splat(0); Descriptor::SIZE];
    // The third that the checksum has least of comes last.
    take(&mut planes[8..16], V::third::<1>(&rows), 8, &mut check);
    take(&mut planes[16..], V::third::<2>(&rows), 16, &mut check);
    take(&mut planes[..8], V::third::<0>(&rows), 0, &mut check);
    let zero = V::splat(0);

    let magic = differences(&planes, 0..4).eq(zero);
    let version = V::both(magic, differences(&planes, 4..6).eq(zero));
    let checksum = V::both(
        version,
        check.is(planes[CHECKED_BYTES], planes[CHECKED_BYTES + 1]),
    );
    let risk = planes[FLAGS + 3].and(V::splat(RISK_MASK as u8));
    let mut verdict = V::by_risk(V::risk_table(rules.levels), risk);
    let one_risk = V::only(checksum, verdict.eq(zero));
    let valid = V::both(one_risk, flagged(&planes, rules.reserved).eq(zero));

    let mut decision = V::by_risk(V::risk_table(rules.decisions), risk);
    if rules.has_flags {
        let allowed = flagged(&planes, rules.deny).eq(zero);
        let approved = flagged(&planes, rules.approval).eq(zero);
        decision = decision.max(at_least::<V>(Decision::Reject).drop(allowed));
        decision = decision.max(at_least::<V>(Decision::RequireApproval).drop(approved));
        let clear = V::both(allowed, approved);
        verdict = verdict.or(V::splat(FLAG_HIT).drop(clear));
        counts.hit += V::count(V::only(valid, clear));
    }
    if rules.has_maxima {
        let within = within_maxima(rules, &planes);
        decision = decision.max(V::splat(rules.exceeded).drop(within));
        verdict = verdict.or(V::splat(OVER_MAXIMUM).drop(within));
        counts.over += V::count(V::only(valid, within));
    }
    decision = decision.keep(valid);

    let checks = [magic, version, checksum, one_risk, valid];
    for (passed, check) in counts.passed.iter_mut().zip(checks) {
        *passed += V::count(check);
    }
    for (count, least) in counts.at_least.iter_mut().zip(&Decision::ALL[1..]) {
        *count += V::count(at_least::<V>(*least).le(decision));
    }
    let mut causes = zero;
    if with_causes {
        // One more than the checks passed; none once all are.
        causes = V::splat(1);
        for (check, code) in checks.into_iter().zip(2..) {
            causes = causes.max(V::splat(code).keep(check));
        }
        causes = causes.drop(valid);
    }
    Answer {
        verdicts: verdict.keep(valid).or(decision),
        causes,
        flags: [planes[FLAGS + 2], planes[FLAGS + 3]],
    }
}

/// Keeps planes from byte `first` on, and has the checksum take in those that are part of it.
#[inline(always)]
fn take<V: Lanes, C: Check<V>>(planes: &mut [V], third: [V; 8], first: usize, check: &mut C) {
    planes.copy_from_slice(&third);
    for (byte, plane) in (first..).zip(third) {
        if VARIABLE.contains(&byte) {
            check.take(byte, plane);
        }
    }
}

#[inline(always)]
fn at_least<V: Lanes>(decision: Decision) -> V {
    V::splat(decision.code() << DECISION_SHIFT)
}

/// Not zero where a byte of the header is not what it must be.
#[inline(always)]
fn differences<V: Lanes>(planes: &[V; Descriptor::SIZE], bytes: std::ops::Range<usize>) -> V {
    let mut differences = V::splat(0);
    for byte in bytes {
        differences = differences.or(planes[byte].xor(V::splat(HEADER[byte])));
    }
    differences
}

/// Not zero where one of these flags is set.
#[inline(always)]
fn flagged<V: Lanes>(planes: &[V; Descriptor::SIZE], mask: [u8; 4]) -> V {
    let mut hit = V::splat(0);
    for (byte, mask) in mask.into_iter().enumerate() {
        hit = hit.or(planes[FLAGS + byte].and(V::splat(mask)));
    }
    hit
}

#[inline(always)]
fn within_maxima<V: Lanes>(rules: &Rules, planes: &[V; Descriptor::SIZE]) -> V::Mask {
    match rules.layout {
        Layout::Compact => {
            let exec = within::<V, 2>(rules, planes, COSTS);
            let memory = within::<V, 2>(rules, planes, COSTS + 2);
            let output = within::<V, 2>(rules, planes, COSTS + 4);
            V::both(V::both(exec, memory), output)
        }
        Layout::Wide => {
            let exec = within::<V, 4>(rules, planes, COSTS);
            let memory = within::<V, 2>(rules, planes, COSTS + 4);
            let output = within::<V, 2>(rules, planes, COSTS + 6);
            V::both(V::both(exec, memory), output)
        }
    }
}

/// Where a big-endian field is at most its maximum, byte by byte from its last.
#[inline(always)]
fn within<V: Lanes, const LEN: usize>(
    rules: &Rules,
    planes: &[V; Descriptor::SIZE],
    first: usize,
) -> V::Mask {
    let mut byte = first + LEN - 1;
    let mut within = planes[byte].le(V::splat(rules.maxima[byte - COSTS]));
    while byte > first {
        byte -= 1;
        let most = V::splat(rules.maxima[byte - COSTS]);
        // Less or equal, but not equal with the rest greater.
        let rest_greater = V::only(planes[byte].eq(most), within);
        within = V::only(planes[byte].le(most), rest_greater);
    }
    within
}
