//! Counting while judging: how many pass each check is cheaper to count than how many fail it first.

use crate::tcp::{Tally, VerdictCounts};

/// Running counts of a batch.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    /// Descriptors that pass the first check, the first two, and so on to all five.
    pub(super) passed: [u64; 5],
    /// Well-formed descriptors whose decision is at least CAUTION, REQUIRE_APPROVAL, REJECT.
    pub(super) at_least: [u64; 3],
    /// Well-formed descriptors over a maximum.
    pub(super) over: u64,
    /// Well-formed descriptors that hit a deny or approval flag.
    pub(super) hit: u64,
}

impl Counts {
    /// The account of a batch of so many.
    pub(super) fn tally(self, descriptors: usize) -> Tally {
        let descriptors = descriptors as u64;
        let [p1, p2, p3, p4, valid] = self.passed;
        let [caution, approval, reject] = self.at_least;
        Tally {
            verdicts: VerdictCounts {
                descriptors,
                valid,
                decisions: [
                    valid - caution,
                    caution - approval,
                    approval - reject,
                    reject,
                ],
                over_maximum: self.over,
                flag_hit: self.hit,
                undefined: 0,
            },
            causes: [descriptors - p1, p1 - p2, p2 - p3, p3 - p4, p4 - valid],
        }
    }
}
