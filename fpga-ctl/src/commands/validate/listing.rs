//! Which descriptors are shown by name: the worst ones, found in one pass that keeps only those.

use host_runtime::Answers;
use host_runtime::tcp::{Decision, Detail, Verdict};

/// A descriptor and what was said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    /// Index of its file.
    pub(super) file: usize,
    /// Index in its file.
    pub(super) index: usize,
    pub(super) detail: Detail,
}

/// Malformed, then the decisions from REJECT down.
const SEVERITIES: usize = Decision::ALL.len() + 1;

/// The rows to show.
#[derive(Debug)]
pub(super) struct Listing {
    limit: Option<usize>,
    /// By severity, the worst first; all in the first where there is no limit.
    rows: [Vec<Row>; SEVERITIES],
    seen: u64,
}

impl Listing {
    /// `limit` rows at most, the worst first; `None`: all rows in their order.
    pub(super) fn new(limit: Option<usize>) -> Self {
        Self {
            limit,
            rows: Default::default(),
            seen: 0,
        }
    }

    /// Takes the next answers of a file; `first` is the index of the first of them. Verdict bytes are only
    /// counted: they do not say all that a row shows.
    pub(super) fn take(&mut self, file: usize, first: usize, answers: Answers<'_>) {
        self.seen += answers.len() as u64;
        let Answers::Details(details) = answers else {
            return;
        };
        let limit = self.limit.unwrap_or(usize::MAX);
        for (offset, &detail) in details.iter().enumerate() {
            let severity = match self.limit {
                Some(_) => severity(detail.verdict()),
                None => 0,
            };
            let rows = &mut self.rows[severity];
            if rows.len() < limit {
                rows.push(Row {
                    file,
                    index: first + offset,
                    detail,
                });
            }
        }
    }

    /// The rows to show.
    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
        let limit = self.limit.unwrap_or(usize::MAX);
        self.rows.iter().flatten().take(limit)
    }

    /// How many descriptors are not shown.
    pub(super) fn hidden(&self) -> u64 {
        self.seen - self.rows().count() as u64
    }
}

/// 0 for malformed, then REJECT down to APPROVE.
fn severity(verdict: Verdict) -> usize {
    verdict.decision().map_or(0, |decision| {
        Decision::ALL.len() - usize::from(decision.code())
    })
}

#[cfg(test)]
mod tests {
    use host_runtime::tcp::{Cause, RiskLevel};

    use super::*;

    fn details() -> Vec<Detail> {
        let well = |decision| {
            Detail::well_formed(Verdict::new(decision, RiskLevel::Safe, false, false), 1)
        };
        vec![
            well(Decision::Approve),
            well(Decision::Reject),
            Detail::malformed(Cause::BadRisk, 0),
            well(Decision::Caution),
            well(Decision::Reject),
        ]
    }

    fn indices(limit: Option<usize>) -> (Vec<usize>, u64) {
        let mut listing = Listing::new(limit);
        let details = details();
        // In two pieces, as a long collection comes.
        listing.take(0, 0, Answers::Details(&details[..2]));
        listing.take(0, 2, Answers::Details(&details[2..]));
        let rows = listing.rows().map(|row| row.index).collect();
        (rows, listing.hidden())
    }

    #[test]
    fn the_worst_come_first_and_each_severity_in_order() {
        assert_eq!(indices(Some(9)), (vec![2, 1, 4, 3, 0], 0));
        assert_eq!(indices(Some(2)), (vec![2, 1], 3));
        assert_eq!(indices(Some(0)), (vec![], 5));
    }

    #[test]
    fn without_a_limit_the_order_is_that_of_the_files() {
        assert_eq!(indices(None), (vec![0, 1, 2, 3, 4], 0));
    }
}
