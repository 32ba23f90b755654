//! When the clocks of a card rise: `ap_clk` once a step, `ap_clk_2` at a fixed ratio to it, computed from the step's
//! number alone, so that a replayed or restored run sees the same edges.

use super::error::EngineError;

/// The frequency of `ap_clk_2`, as a fraction of `ap_clk`'s: 500 MHz beside 300 MHz are 500/300.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockRatio {
    /// Frequency of `ap_clk_2`, in any unit.
    pub second: u32,
    /// Frequency of `ap_clk`, in the same unit.
    pub first: u32,
}

/// `ap_clk` and `ap_clk_2`, as bits of an edge mask.
pub(super) const FIRST: u32 = 1;
pub(super) const SECOND: u32 = 2;

/// Shortest time from an evaluation to the next, picoseconds: waves hold one value a picosecond, and a clock rises and
/// falls.
const GAP_PS: u64 = 2;

/// The clocks of an engine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clocks {
    /// Period of `ap_clk`, picoseconds.
    pub(super) period: u64,
    ratio: Option<ClockRatio>,
}

/// Clocks that rise together, and when they fall again. Times are picoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) mask: u32,
    pub(super) rise_ps: u64,
    pub(super) fall_ps: u64,
}

impl Clocks {
    pub(super) fn new(period: u64, ratio: Option<ClockRatio>) -> Self {
        Self { period, ratio }
    }

    /// Refuses what cannot be scheduled.
    pub(super) fn check(&self) -> Result<(), EngineError> {
        let Some(ratio) = self.ratio else {
            return Ok(());
        };
        // Each edge needs its place in the step.
        let most = (self.period / (4 * GAP_PS)).min(u64::from(u32::MAX));
        let edges = u64::from(ratio.second).div_ceil(u64::from(ratio.first).max(1));
        if ratio.first == 0 || ratio.second == 0 || edges > most {
            return Err(EngineError::Clock {
                second: ratio.second,
                first: ratio.first,
                most,
            });
        }
        Ok(())
    }

    /// The edges of step `now` for a kernel with both clocks, in order; the first has `ap_clk`.
    pub(super) fn edges(&self, now: u64) -> impl Iterator<Item = Edge> {
        let ClockRatio { second, first } = self.ratio.unwrap_or(ClockRatio {
            second: 1,
            first: 1,
        });
        let (second, first) = (u128::from(second), u128::from(first));
        let period = self.period;
        let start = u128::from(now) * second;
        // Edge m of `ap_clk_2` is at m * first / second periods of `ap_clk`.
        let begin = start.div_ceil(first);
        let end = (start + second).div_ceil(first);
        let together = begin < end && begin * first == start;
        let last = period - GAP_PS;
        let offset = move |m: u128| {
            let offset = ((m * first - start) * u128::from(period) / second) as u64;
            offset.clamp(GAP_PS, last)
        };
        let rest = begin + u128::from(together);
        let base = now * period;
        let mut at = 0;
        let mut next = rest;
        let mut mask = if together { FIRST | SECOND } else { FIRST };
        let mut done = false;
        std::iter::from_fn(move || {
            if done {
                return None;
            }
            let following = if next < end { offset(next) } else { period };
            let following = following.max(at + GAP_PS);
            let fall = at + (following - at) / 2;
            let edge = Edge {
                mask,
                rise_ps: base + at,
                fall_ps: base + fall,
            };
            done = next >= end;
            at = following;
            mask = SECOND;
            next += 1;
            Some(edge)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(clocks: Clocks, steps: u64) -> Vec<u64> {
        (0..steps)
            .flat_map(|now| clocks.edges(now).collect::<Vec<_>>())
            .filter(|edge| edge.mask & SECOND != 0)
            .map(|edge| edge.rise_ps)
            .collect()
    }

    #[test]
    fn the_second_clock_has_its_frequency_and_never_drifts() {
        for (second, first) in [
            (500, 300),
            (100, 300),
            (300, 300),
            (299, 300),
            (1, 7),
            (7, 1),
        ] {
            let clocks = Clocks::new(3333, Some(ClockRatio { second, first }));
            clocks.check().expect("usual frequencies");
            let steps = u64::from(first) * 10;
            let edges = seconds(clocks, steps);
            assert_eq!(edges.len() as u32, second * 10, "{second}/{first}");
            for (m, at) in edges.iter().enumerate() {
                let ideal = m as u64 * u64::from(first) * 3333 / u64::from(second);
                assert!(
                    at.abs_diff(ideal) <= 2 * GAP_PS,
                    "{second}/{first}: {m} at {at}"
                );
            }
        }
    }

    #[test]
    fn equal_times_are_one_edge_and_times_only_grow() {
        let clocks = Clocks::new(
            3333,
            Some(ClockRatio {
                second: 500,
                first: 300,
            }),
        );
        let mut last = None;
        for now in 0..300 {
            let edges: Vec<_> = clocks.edges(now).collect();
            assert_eq!(edges[0].rise_ps, now * 3333);
            assert_eq!(edges[0].mask == FIRST | SECOND, now % 3 == 0, "{now}");
            for edge in edges {
                assert!(last.is_none_or(|last| last < edge.rise_ps), "{now}");
                assert!(edge.rise_ps < edge.fall_ps, "{now}");
                last = Some(edge.fall_ps);
            }
        }
    }

    #[test]
    fn clocks_that_cannot_be_told_apart_are_refused() {
        for (second, first) in [(0, 1), (1, 0), (1_000_000, 1)] {
            let clocks = Clocks::new(3333, Some(ClockRatio { second, first }));
            let error = clocks.check().expect_err("no clock").to_string();
            assert!(error.contains("ap_clk_2"), "{error}");
        }
    }
}
