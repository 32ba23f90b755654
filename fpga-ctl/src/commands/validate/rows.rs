//! One descriptor with its answer, as every format shows it.

use serde::Serialize;

use super::input::Input;
use super::listing::Row;

/// What MALFORMED stands for a decision in.
pub(super) const MALFORMED: &str = "MALFORMED";

/// A row with everything by name.
#[derive(Debug, Serialize)]
pub(super) struct NamedRow<'a> {
    /// Index in its file, from 0.
    pub(super) index: usize,
    pub(super) name: Option<&'a str>,
    /// The verdict byte, `0x13`.
    pub(super) verdict: String,
    /// A decision, or `MALFORMED`.
    pub(super) decision: &'static str,
    pub(super) risk: Option<&'static str>,
    pub(super) cause: Option<&'static str>,
    pub(super) over_maximum: bool,
    pub(super) flag_hit: bool,
    pub(super) file: &'a str,
}

impl<'a> NamedRow<'a> {
    pub(super) fn new(row: &Row, input: &'a Input) -> Self {
        let verdict = row.detail.verdict();
        Self {
            index: row.index,
            name: input.collection.name(row.index),
            verdict: format!("{:#04x}", verdict.0),
            decision: verdict
                .decision()
                .map_or(MALFORMED, |decision| decision.name()),
            risk: verdict.risk().map(|risk| risk.name()),
            cause: row.detail.cause().map(|cause| cause.name()),
            over_maximum: verdict.over_maximum(),
            flag_hit: verdict.flag_hit(),
            file: &input.label,
        }
    }
}
