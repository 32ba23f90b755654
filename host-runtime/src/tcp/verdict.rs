//! What a device answers: a verdict byte or a detail word for each descriptor, and their counts.
//!
//! A verdict byte does not say why a descriptor is malformed, so bytes alone give
//! [`VerdictCounts`]; a [`Tally`] adds the causes, from a card's counters or from detail words.

use std::{fmt, ops::AddAssign};

use bytemuck::{Pod, Zeroable};
use serde::{Deserialize, Serialize};

use super::policy::{Decision, RiskLevel};

const VALID: u8 = 1;
pub(crate) const DECISION_SHIFT: u32 = 1;
const RISK_SHIFT: u32 = 3;
pub(crate) const OVER_MAXIMUM: u8 = 1 << 6;
pub(crate) const FLAG_HIT: u8 = 1 << 7;

/// Why a descriptor is malformed: the first check that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Cause {
    /// Bytes 0..4 are not the magic.
    BadMagic = 1,
    /// The version is not 2.
    BadVersion = 2,
    /// The checksum differs.
    BadChecksum = 3,
    /// Not exactly one risk level is set.
    BadRisk = 4,
    /// A flag of the policy's reserved mask is set.
    ReservedFlags = 5,
}

impl Cause {
    /// All causes, in the order of the checks and of the codes 1..=5.
    pub const ALL: [Self; 5] = [
        Self::BadMagic,
        Self::BadVersion,
        Self::BadChecksum,
        Self::BadRisk,
        Self::ReservedFlags,
    ];

    /// The code in a detail word, 1..=5.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The cause of a code; `None` for 0 (well-formed) and for codes there are not.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.code() == code)
    }

    /// The name in the specification.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BadMagic => "BAD_MAGIC",
            Self::BadVersion => "BAD_VERSION",
            Self::BadChecksum => "BAD_CHECKSUM",
            Self::BadRisk => "BAD_RISK",
            Self::ReservedFlags => "RESERVED_FLAGS",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A verdict byte, as a device wrote it.
///
/// Zero means malformed. A byte that is neither zero nor a verdict of the format (bit 0 clear, or
/// a risk level past 4) is *undefined*: it is not valid and has no decision, so that a broken
/// device fails closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Pod, Zeroable)]
#[repr(transparent)]
pub struct Verdict(pub u8);

impl Verdict {
    /// The verdict of a malformed descriptor.
    pub const MALFORMED: Self = Self(0);

    /// The verdict of a well-formed descriptor.
    pub fn new(decision: Decision, risk: RiskLevel, over_maximum: bool, flag_hit: bool) -> Self {
        Self(
            VALID
                | decision.code() << DECISION_SHIFT
                | (risk.bit() as u8) << RISK_SHIFT
                | if over_maximum { OVER_MAXIMUM } else { 0 }
                | if flag_hit { FLAG_HIT } else { 0 },
        )
    }

    /// Whether the byte is the verdict of a well-formed descriptor.
    pub const fn is_valid(self) -> bool {
        self.0 & VALID != 0 && self.risk_code() < RiskLevel::ALL.len()
    }

    /// Whether the byte says that the descriptor is malformed.
    pub const fn is_malformed(self) -> bool {
        self.0 == Self::MALFORMED.0
    }

    /// The decision; `None` unless [valid](Self::is_valid).
    pub fn decision(self) -> Option<Decision> {
        self.is_valid()
            .then(|| Decision::from_code(self.0 >> DECISION_SHIFT))
    }

    /// The risk level; `None` unless [valid](Self::is_valid).
    pub fn risk(self) -> Option<RiskLevel> {
        self.is_valid().then(|| RiskLevel::ALL[self.risk_code()])
    }

    /// Whether a maximum of the policy was exceeded.
    pub const fn over_maximum(self) -> bool {
        self.is_valid() && self.0 & OVER_MAXIMUM != 0
    }

    /// Whether a deny or approval flag was hit.
    pub const fn flag_hit(self) -> bool {
        self.is_valid() && self.0 & FLAG_HIT != 0
    }

    const fn risk_code(self) -> usize {
        (self.0 >> RISK_SHIFT & 7) as usize
    }
}

/// A detail word, as a device wrote it: four bytes, little-endian, no alignment.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Pod, Zeroable)]
#[repr(transparent)]
pub struct Detail(pub [u8; 4]);

impl Detail {
    /// The detail of a well-formed descriptor.
    pub fn well_formed(verdict: Verdict, flags: u32) -> Self {
        Self::from_parts(verdict, 0, flags)
    }

    /// The detail of a malformed descriptor.
    pub fn malformed(cause: Cause, flags: u32) -> Self {
        Self::from_parts(Verdict::MALFORMED, cause.code(), flags)
    }

    fn from_parts(verdict: Verdict, cause: u8, flags: u32) -> Self {
        let [low, high, ..] = flags.to_le_bytes();
        Self([verdict.0, cause, low, high])
    }

    /// The verdict byte.
    pub const fn verdict(self) -> Verdict {
        Verdict(self.0[0])
    }

    /// Why the descriptor is malformed; `None` when well-formed.
    pub fn cause(self) -> Option<Cause> {
        Cause::from_code(self.0[1])
    }

    /// The low 16 bits of the descriptor's security flags, also when malformed.
    pub const fn low_flags(self) -> u16 {
        u16::from_le_bytes([self.0[2], self.0[3]])
    }

    /// The word's value.
    pub const fn to_word(self) -> u32 {
        u32::from_le_bytes(self.0)
    }
}

impl fmt::Debug for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Detail({:#010x})", self.to_word())
    }
}

/// What verdict bytes can tell about a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VerdictCounts {
    /// Verdicts counted.
    pub descriptors: u64,
    /// Verdicts of well-formed descriptors.
    pub valid: u64,
    /// Well-formed descriptors by decision, indexed by [`Decision::code`].
    pub decisions: [u64; 4],
    /// Well-formed descriptors that exceed a maximum.
    pub over_maximum: u64,
    /// Well-formed descriptors that hit a deny or approval flag.
    pub flag_hit: u64,
    /// Bytes that are no verdict of the format; a sound device writes none.
    pub undefined: u64,
}

impl VerdictCounts {
    /// Counts verdict bytes.
    pub fn from_verdicts(verdicts: &[Verdict]) -> Self {
        // Four histograms in turn: runs of one value would otherwise wait for their own counter.
        let mut histograms = [[0u64; 256]; 4];
        let chunks = verdicts.chunks_exact(4);
        for verdict in chunks.remainder() {
            histograms[0][usize::from(verdict.0)] += 1;
        }
        for chunk in chunks {
            for (histogram, verdict) in histograms.iter_mut().zip(chunk) {
                histogram[usize::from(verdict.0)] += 1;
            }
        }
        let mut counts = Self::default();
        for byte in 0..=u8::MAX {
            let times = histograms
                .iter()
                .map(|histogram| histogram[usize::from(byte)])
                .sum();
            counts.add(Verdict(byte), times);
        }
        counts
    }

    /// Descriptors that are malformed.
    pub const fn malformed(&self) -> u64 {
        self.descriptors
            .saturating_sub(self.valid)
            .saturating_sub(self.undefined)
    }

    /// Descriptors with that decision.
    pub const fn decided(&self, decision: Decision) -> u64 {
        self.decisions[decision.code() as usize]
    }

    fn add(&mut self, verdict: Verdict, times: u64) {
        self.descriptors += times;
        if let Some(decision) = verdict.decision() {
            self.valid += times;
            self.decisions[usize::from(decision.code())] += times;
        } else if !verdict.is_malformed() {
            self.undefined += times;
        }
        self.over_maximum += if verdict.over_maximum() { times } else { 0 };
        self.flag_hit += if verdict.flag_hit() { times } else { 0 };
    }
}

impl AddAssign for VerdictCounts {
    fn add_assign(&mut self, other: Self) {
        self.descriptors += other.descriptors;
        self.valid += other.valid;
        add_each(&mut self.decisions, other.decisions);
        self.over_maximum += other.over_maximum;
        self.flag_hit += other.flag_hit;
        self.undefined += other.undefined;
    }
}

/// The whole account of a batch: what its verdict bytes tell, and the causes of the malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// What the verdict bytes tell.
    pub verdicts: VerdictCounts,
    /// Malformed descriptors by cause, indexed by [`Cause::code`] less one.
    pub causes: [u64; 5],
}

impl Tally {
    /// How many of the kernel's counters a tally is made of.
    pub const COUNTERS: usize = 13;

    /// Counts detail words.
    pub fn from_details(details: &[Detail]) -> Self {
        let mut tally = Self::default();
        for detail in details {
            tally.verdicts.add(detail.verdict(), 1);
            if let Some(cause) = detail.cause() {
                tally.causes[usize::from(cause.code()) - 1] += 1;
            }
        }
        tally
    }

    /// Takes over (the difference of two readings of) the kernel's first 13 counters, in register
    /// order: descriptors, valid, the four decisions, the five causes, over a maximum, flag hit.
    pub const fn from_counters(counters: [u64; Self::COUNTERS]) -> Self {
        let [
            descriptors,
            valid,
            d0,
            d1,
            d2,
            d3,
            c1,
            c2,
            c3,
            c4,
            c5,
            over_maximum,
            flag_hit,
        ] = counters;
        Self {
            verdicts: VerdictCounts {
                descriptors,
                valid,
                decisions: [d0, d1, d2, d3],
                over_maximum,
                flag_hit,
                undefined: 0,
            },
            causes: [c1, c2, c3, c4, c5],
        }
    }

    /// The kernel's counters after this batch alone; the inverse of [`Tally::from_counters`].
    pub const fn to_counters(&self) -> [u64; Self::COUNTERS] {
        let VerdictCounts {
            descriptors,
            valid,
            decisions,
            over_maximum,
            flag_hit,
            ..
        } = self.verdicts;
        let [d0, d1, d2, d3] = decisions;
        let [c1, c2, c3, c4, c5] = self.causes;
        [
            descriptors,
            valid,
            d0,
            d1,
            d2,
            d3,
            c1,
            c2,
            c3,
            c4,
            c5,
            over_maximum,
            flag_hit,
        ]
    }

    /// Malformed descriptors with that cause.
    pub const fn caused_by(&self, cause: Cause) -> u64 {
        self.causes[cause.code() as usize - 1]
    }

    /// Whether these verdict bytes can be of the batch that this tally counts: every count agrees,
    /// and the causes add up to the malformed.
    pub fn matches_verdicts(&self, verdicts: &[Verdict]) -> bool {
        let counts = VerdictCounts::from_verdicts(verdicts);
        counts == self.verdicts && counts.malformed() == self.causes.iter().sum::<u64>()
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.verdicts += other.verdicts;
        add_each(&mut self.causes, other.causes);
    }
}

fn add_each<const N: usize>(sums: &mut [u64; N], more: [u64; N]) {
    for (sum, more) in sums.iter_mut().zip(more) {
        *sum += more;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_verdict_has_its_own_byte_and_reads_back() {
        let mut seen = std::collections::HashSet::from([Verdict::MALFORMED]);
        for decision in Decision::ALL {
            for risk in RiskLevel::ALL {
                for (over, hit) in [(false, false), (false, true), (true, false), (true, true)] {
                    let verdict = Verdict::new(decision, risk, over, hit);
                    assert_eq!(verdict.decision(), Some(decision));
                    assert_eq!(verdict.risk(), Some(risk));
                    assert_eq!(verdict.over_maximum(), over);
                    assert_eq!(verdict.flag_hit(), hit);
                    assert!(verdict.is_valid() && !verdict.is_malformed());
                    assert!(seen.insert(verdict));
                }
            }
        }
        let defined = (0..=255)
            .map(Verdict)
            .filter(|v| v.is_valid() || v.is_malformed());
        assert_eq!(defined.collect::<std::collections::HashSet<_>>(), seen);
    }

    #[test]
    fn bits_lie_where_the_specification_puts_them() {
        let verdict = Verdict::new(Decision::RequireApproval, RiskLevel::HighRisk, false, true);
        assert_eq!(verdict.0, 0b1001_1101);
        let over = Verdict::new(Decision::Approve, RiskLevel::Safe, true, false);
        assert_eq!(over.0, 0b0100_0001);
        let detail = Detail::malformed(Cause::BadRisk, 0xdead_beef);
        assert_eq!(detail.0, [0, 4, 0xef, 0xbe]);
        assert_eq!(detail.to_word(), 0xbeef_0400);
        assert_eq!(
            (detail.cause(), detail.low_flags()),
            (Some(Cause::BadRisk), 0xbeef)
        );
        assert_eq!(Detail::well_formed(verdict, 8).to_word(), 0x0008_009d);
    }

    #[test]
    fn a_byte_that_is_no_verdict_grants_nothing() {
        for byte in [0b10, 0x80, 0b10_1001, 0xff] {
            let verdict = Verdict(byte);
            assert_eq!((verdict.decision(), verdict.risk()), (None, None));
            assert!(!verdict.is_valid() && !verdict.flag_hit() && !verdict.over_maximum());
        }
        let counts = VerdictCounts::from_verdicts(&[Verdict(0), Verdict(2), Verdict(1)]);
        assert_eq!(
            (counts.valid, counts.malformed(), counts.undefined),
            (1, 1, 1)
        );
    }

    #[test]
    fn counters_are_taken_in_register_order() {
        let counters = std::array::from_fn(|i| 100 + i as u64);
        let tally = Tally::from_counters(counters);
        assert_eq!(tally.verdicts.descriptors, 100);
        assert_eq!(tally.verdicts.valid, 101);
        assert_eq!(tally.verdicts.decided(Decision::Approve), 102);
        assert_eq!(tally.verdicts.decided(Decision::Reject), 105);
        assert_eq!(tally.caused_by(Cause::BadMagic), 106);
        assert_eq!(tally.caused_by(Cause::ReservedFlags), 110);
        assert_eq!(tally.verdicts.over_maximum, 111);
        assert_eq!(tally.verdicts.flag_hit, 112);
        assert_eq!(tally.to_counters(), counters);
    }

    proptest! {
        #[test]
        fn the_histogram_counts_as_one_by_one(bytes: Vec<u8>) {
            let verdicts: &[Verdict] = bytemuck::cast_slice(&bytes);
            let mut one_by_one = VerdictCounts::default();
            for verdict in verdicts {
                one_by_one += VerdictCounts::from_verdicts(&[*verdict]);
            }
            prop_assert_eq!(VerdictCounts::from_verdicts(verdicts), one_by_one);
        }
    }

    #[test]
    fn a_tally_refuses_the_verdicts_of_another_batch() {
        let ok = Verdict::new(Decision::Approve, RiskLevel::Safe, false, false);
        let details = [
            Detail::well_formed(ok, 1),
            Detail::malformed(Cause::BadMagic, 0),
        ];
        let tally = Tally::from_details(&details);
        assert!(tally.matches_verdicts(&[ok, Verdict::MALFORMED]));
        assert!(!tally.matches_verdicts(&[ok, ok]));
        assert!(!tally.matches_verdicts(&[ok]));
        let worse = Verdict::new(Decision::Reject, RiskLevel::Safe, false, false);
        assert!(!tally.matches_verdicts(&[worse, Verdict::MALFORMED]));
        let mut without_cause = tally;
        without_cause.causes = [0; 5];
        assert!(!without_cause.matches_verdicts(&[ok, Verdict::MALFORMED]));
        let mut doubled = tally;
        doubled += tally;
        assert!(doubled.matches_verdicts(&[ok, Verdict::MALFORMED, Verdict::MALFORMED, ok]));
    }
}
