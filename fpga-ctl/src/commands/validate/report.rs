//! The account of a call of `validate`, and its JSON form, which docs/json.md describes.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use host_runtime::tcp::{Cause, Checksum, Decision, Policy, Profile, Tally};
use host_runtime::{Card, CardId, ImageInfo, PolicyChoice, Summary, Validator};
use serde::Serialize;
use uuid::Uuid;

use super::input::Input;
use super::listing::Listing;
use super::rows::NamedRow;
use super::{PolicySource, ValidateArgs};
use crate::commands::policy::PolicyView;

/// Clocks and their period, of a simulated card.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Clocks {
    pub(super) count: u64,
    pub(super) period_ps: u64,
}

impl Clocks {
    pub(super) fn seconds(self) -> f64 {
        self.count as f64 * self.period_ps as f64 * 1e-12
    }
}

/// Everything about one call.
#[derive(Debug)]
pub(super) struct Report<'a> {
    pub(super) card: CardId,
    pub(super) image: Option<ImageInfo>,
    pub(super) args: &'a ValidateArgs,
    pub(super) policy: Policy,
    pub(super) source: &'a PolicySource,
    /// What the source stands for on the card.
    pub(super) choice: PolicyChoice,
    pub(super) tally: Tally,
    pub(super) elapsed: Duration,
    pub(super) clocks: Option<Clocks>,
    pub(super) files: Vec<FileReport>,
    pub(super) listing: Listing,
    /// Whether `--fail-on` found what it looks for; `None` if it was not asked to look.
    pub(super) failed: Option<bool>,
}

/// A file's part of it.
#[derive(Debug)]
pub(super) struct FileReport {
    pub(super) tally: Tally,
    pub(super) elapsed: Duration,
    pub(super) clocks: Option<u64>,
}

impl<'a> Report<'a> {
    pub(super) fn new(
        card: &Card,
        args: &'a ValidateArgs,
        source: &'a PolicySource,
        validator: &Validator,
    ) -> Result<Self> {
        Ok(Self {
            card: card.id(),
            image: card.info().image,
            args,
            policy: validator.current_policy()?,
            source,
            choice: validator.policy_choice(),
            tally: Tally::default(),
            elapsed: Duration::ZERO,
            clocks: card.simulated_time().map(|time| Clocks {
                count: 0,
                period_ps: time.period_ps,
            }),
            files: Vec::new(),
            listing: Listing::new(Some(0)),
            failed: None,
        })
    }

    /// Adds the account of the next file.
    pub(super) fn add(&mut self, summary: &Summary) {
        self.tally += summary.tally;
        self.elapsed += summary.elapsed;
        if let (Some(clocks), Some(more)) = (&mut self.clocks, summary.clocks) {
            clocks.count += more;
        }
        self.files.push(FileReport {
            tally: summary.tally,
            elapsed: summary.elapsed,
            clocks: summary.clocks,
        });
    }

    pub(super) fn count(&self) -> u64 {
        self.tally.verdicts.descriptors
    }

    pub(super) fn checksum(&self) -> Checksum {
        self.args.checksum.unwrap_or(self.args.profile.checksum())
    }

    /// Descriptors a second; 0 for none at all.
    pub(super) fn rate(&self) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        if seconds > 0.0 {
            self.count() as f64 / seconds
        } else {
            0.0
        }
    }

    /// The form that docs/json.md describes.
    pub(super) fn to_json<'b>(&'b self, inputs: &'b [Input]) -> JsonReport<'b> {
        let clocks = self.clocks;
        JsonReport {
            card: self.card,
            image: self.image.as_ref().map(|image| image.uuid),
            profile: self.args.profile,
            checksum: self.checksum(),
            policy: JsonPolicy::new(self),
            counts: Counts::from(&self.tally),
            elapsed_s: self.elapsed.as_secs_f64(),
            descriptors_per_s: self.rate(),
            clocks: clocks.map(|clocks| clocks.count),
            simulated_s: clocks.map(Clocks::seconds),
            seed: clocks.map(|_| self.args.simulation.seed),
            checked: self.args.check,
            failed: self.failed,
            output: self.args.output.as_deref().map(shown),
            waves: self.args.simulation.waves.as_deref().map(shown),
            files: inputs
                .iter()
                .zip(&self.files)
                .map(|(input, file)| JsonFile {
                    path: &input.label,
                    format: format_name(input),
                    counts: Counts::from(&file.tally),
                    elapsed_s: file.elapsed.as_secs_f64(),
                    clocks: file.clocks,
                })
                .collect(),
            listed: self
                .listing
                .rows()
                .map(|row| NamedRow::new(row, &inputs[row.file]))
                .collect(),
            not_listed: self.listing.hidden(),
        }
    }
}

/// A file's format in one word.
pub(super) fn format_name(input: &Input) -> &'static str {
    use host_runtime::collection::Format;
    match input.collection.format() {
        Format::Packed => "packed",
        Format::Database => "tcpdb",
        Format::HexLines => "hex",
        Format::Json => "json",
    }
}

/// The whole, as JSON.
#[derive(Debug, Serialize)]
pub(super) struct JsonReport<'a> {
    card: CardId,
    image: Option<Uuid>,
    profile: Profile,
    checksum: Checksum,
    policy: JsonPolicy,
    #[serde(flatten)]
    counts: Counts,
    elapsed_s: f64,
    descriptors_per_s: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    clocks: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    simulated_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    checked: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waves: Option<String>,
    files: Vec<JsonFile<'a>>,
    listed: Vec<NamedRow<'a>>,
    not_listed: u64,
}

/// Counts of descriptors.
#[derive(Debug, Serialize)]
struct Counts {
    count: u64,
    valid: u64,
    malformed: BTreeMap<Cause, u64>,
    decisions: BTreeMap<Decision, u64>,
    over_maximum: u64,
    flag_hit: u64,
}

impl From<&Tally> for Counts {
    fn from(tally: &Tally) -> Self {
        let verdicts = &tally.verdicts;
        Self {
            count: verdicts.descriptors,
            valid: verdicts.valid,
            malformed: Cause::ALL
                .into_iter()
                .map(|cause| (cause, tally.caused_by(cause)))
                .collect(),
            decisions: Decision::ALL
                .into_iter()
                .map(|decision| (decision, verdicts.decided(decision)))
                .collect(),
            over_maximum: verdicts.over_maximum,
            flag_hit: verdicts.flag_hit,
        }
    }
}

/// The policy that decided, and where it came from.
#[derive(Debug, Serialize)]
struct JsonPolicy {
    /// `profile`, `slot` or `file`.
    source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    slot: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(flatten)]
    policy: PolicyView,
}

impl JsonPolicy {
    fn new(report: &Report<'_>) -> Self {
        let (source, slot, file) = match (report.source, report.choice) {
            (PolicySource::File(path, _), _) => ("file", None, Some(shown(path))),
            (_, PolicyChoice::Slot(slot)) => ("slot", Some(slot.index()), None),
            _ => ("profile", None, None),
        };
        Self {
            source,
            slot,
            file,
            policy: PolicyView::from(&report.policy),
        }
    }
}

/// A file, as JSON.
#[derive(Debug, Serialize)]
struct JsonFile<'a> {
    path: &'a str,
    format: &'static str,
    #[serde(flatten)]
    counts: Counts,
    elapsed_s: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    clocks: Option<u64>,
}

/// A path as JSON can hold it; bytes that are no UTF-8 are replaced.
fn shown(path: &Path) -> String {
    path.display().to_string()
}
