//! Counts of what the engine answered, kept for each namespace, and what they tell.

use std::ops::AddAssign;
use std::time::Duration;

use super::answer::{Answer, Reason};
use crate::tcp::Decision;

/// Steps of the histogram in each doubling of the latency.
const STEP_BITS: u32 = 2;
const STEPS: usize = 1 << STEP_BITS;
/// Steps in all: the last one holds everything from 2³⁶ ns, about a minute, on.
const BUCKETS: usize = STEPS * 36;

/// What is counted together: answers of one decision, or of one reason if they were not judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Class {
    reason: Reason,
    decision: Decision,
    index: u8,
}

impl Class {
    /// The class of answers with that reason and decision.
    #[inline(always)]
    pub(super) const fn of(reason: Reason, decision: Decision) -> Self {
        let index = match reason {
            Reason::Judged => decision.code(),
            _ => Decision::ALL.len() as u8 + reason.code(),
        };
        Self {
            reason,
            decision,
            index,
        }
    }

    pub(super) const fn reason(self) -> Reason {
        self.reason
    }

    pub(super) const fn decision(self) -> Decision {
        self.decision
    }
}

/// A step of the histogram of latencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step(u32);

impl Step {
    /// The step of that latency.
    #[inline(always)]
    pub(super) fn of(nanoseconds: u64) -> Self {
        Self(bucket(nanoseconds) as u32)
    }
}

/// Classes there are: the decisions of what was judged, and the reasons; that of [`Reason::Judged`] stays empty.
const CLASSES: usize = Decision::ALL.len() + Reason::ALL.len();

/// Answers of a namespace, or of all, since the engine began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statistics {
    /// Answers by [`Class`].
    counts: [u64; CLASSES],
    latencies: [u64; BUCKETS],
}

impl Default for Statistics {
    fn default() -> Self {
        Self {
            counts: [0; CLASSES],
            latencies: [0; BUCKETS],
        }
    }
}

impl Statistics {
    #[inline(always)]
    pub(super) fn count(&mut self, answer: &Answer) {
        let class = Class::of(answer.reason, answer.decision);
        self.count_as(class, Step::of(answer.latency));
    }

    #[inline(always)]
    pub(super) fn count_as(&mut self, class: Class, step: Step) {
        self.counts[usize::from(class.index) % CLASSES] += 1;
        self.latencies[step.0 as usize % BUCKETS] += 1;
    }

    /// Adds answers without a latency.
    pub(super) fn add(&mut self, reason: Reason, count: u64) {
        self.counts[usize::from(Class::of(reason, Decision::Reject).index)] += count;
    }

    fn judged(&self) -> &[u64] {
        &self.counts[..Decision::ALL.len()]
    }

    fn reasons(&self) -> &[u64] {
        &self.counts[Decision::ALL.len()..]
    }

    /// Requests answered.
    pub fn answers(&self) -> u64 {
        Reason::ALL.iter().map(|reason| self.of(*reason)).sum()
    }

    /// Answers with that reason.
    pub fn of(&self, reason: Reason) -> u64 {
        match reason {
            Reason::Judged => self.judged().iter().sum(),
            other => self.reasons()[usize::from(other.code())],
        }
    }

    /// Answers with that decision. All that was not judged was rejected.
    pub fn decided(&self, decision: Decision) -> u64 {
        let refused: u64 = match decision {
            Decision::Reject => self.reasons().iter().sum(),
            _ => 0,
        };
        self.judged()[usize::from(decision.code())] + refused
    }

    /// The latency that this share of the answers did not exceed, to a quarter of itself; `None` before the first answer.
    /// 0.5 gives the median.
    pub fn latency(&self, share: f64) -> Option<Duration> {
        let total: u64 = self.latencies.iter().sum();
        let wanted = ((share.clamp(0.0, 1.0) * total as f64).ceil() as u64).max(1);
        let mut seen = 0;
        self.latencies
            .iter()
            .position(|count| {
                seen += count;
                seen >= wanted
            })
            .map(|bucket| Duration::from_nanos(upper_edge(bucket)))
    }
}

impl AddAssign<&Self> for Statistics {
    fn add_assign(&mut self, other: &Self) {
        let pairs = [
            (&mut self.counts[..], &other.counts[..]),
            (&mut self.latencies[..], &other.latencies[..]),
        ];
        for (sums, more) in pairs {
            for (sum, more) in sums.iter_mut().zip(more) {
                *sum += more;
            }
        }
    }
}

/// The step of a latency: its magnitude, and the two bits below its highest.
#[inline(always)]
fn bucket(nanoseconds: u64) -> usize {
    if nanoseconds < STEPS as u64 {
        return nanoseconds as usize;
    }
    let magnitude = nanoseconds.ilog2();
    let step = (nanoseconds >> (magnitude - STEP_BITS)) as usize % STEPS;
    let bucket = (magnitude - STEP_BITS + 1) as usize * STEPS + step;
    bucket.min(BUCKETS - 1)
}

/// The longest latency of a step.
fn upper_edge(bucket: usize) -> u64 {
    if bucket < STEPS {
        return bucket as u64;
    }
    let shift = bucket / STEPS - 1;
    ((STEPS + bucket % STEPS + 1) as u64) << shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_holds_what_lies_under_its_edge_and_over_the_one_before() {
        for nanoseconds in (0..5000).chain((13..36).map(|bit| (1 << bit) - 1)) {
            let bucket = bucket(nanoseconds);
            assert!(nanoseconds <= upper_edge(bucket), "{nanoseconds}");
            if bucket > 0 {
                assert!(nanoseconds >= upper_edge(bucket - 1), "{nanoseconds}");
            }
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn quantiles_are_those_of_what_was_counted_to_a_quarter() {
        let mut statistics = Statistics::default();
        assert_eq!(statistics.latency(0.5), None);
        for latency in 1..=1000u64 {
            statistics.latencies[bucket(latency * 1000)] += 1;
        }
        for (share, exact) in [
            (0.0, 1_000.0),
            (0.5, 500_000.0),
            (0.99, 990_000.0),
            (1.0, 1e6),
        ] {
            let told = statistics.latency(share).unwrap().as_nanos() as f64;
            assert!((exact..=1.25 * exact).contains(&told), "{share}: {told}");
        }
    }
}
