//! The ladder out of trouble. A card that hangs, or whose bus, DMA or simulation fails, is brought back by the first of
//! these that helps: end the runs of the compute unit and reset it, reset all kernels, program the card anew. What helped
//! is known by a self-test. A card that none of them helps is lost, and every call says so from then on, in every process.
//!
//! This is the one place that climbs, for every kind of card: backends give the rungs (`reset_unit`, `reset`, `renew`), and
//! `store/health.rs` keeps what was done where all processes see it. docs/recovery.md is for those who use it.

mod guard;
mod ladder;
mod policies;
mod self_test;
#[cfg(test)]
mod tests;
mod trouble;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Serialize;

use crate::card::{Card, OpenOptions};
use crate::card_id::CardId;
use crate::store::{self, Count, Health};
use crate::{Error, Result};
pub(crate) use guard::Guard;
pub(crate) use ladder::{Climber, settle};
pub(crate) use trouble::{cause, first_rung};

/// A rung of the ladder. The later, the more is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rung {
    /// The runs of a compute unit end, and it is reset; the others work on.
    Abort,
    /// All kernels are reset. Older buffers and kernels are stale.
    SoftReset,
    /// The loaded image is loaded again; what was in the card's memory is gone.
    Reprogram,
    /// Nothing more is tried: the card is lost.
    DeviceLost,
}

impl Rung {
    /// All of them, upwards.
    pub const ALL: [Self; 4] = [
        Self::Abort,
        Self::SoftReset,
        Self::Reprogram,
        Self::DeviceLost,
    ];

    /// The one above; none above the last.
    pub fn next(self) -> Option<Self> {
        Self::ALL.get(self as usize + 1).copied()
    }

    pub(crate) fn number(self) -> u8 {
        self as u8
    }

    /// What is no rung's number stands for the one that does most.
    pub(crate) fn from_number(number: u8) -> Self {
        let rung = Self::ALL.get(usize::from(number));
        rung.copied().unwrap_or(Self::Reprogram)
    }

    /// Its name on the command line and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Abort => "abort",
            Self::SoftReset => "soft-reset",
            Self::Reprogram => "reprogram",
            Self::DeviceLost => "device-lost",
        }
    }
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Rung {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|rung| rung.name() == text);
        found.ok_or_else(|| {
            format!("{text:?} is no rung; there are abort, soft-reset, reprogram, device-lost")
        })
    }
}

/// How far a program lets the runtime climb by itself.
///
/// The typed [`Validator`](crate::Validator) climbs when a run of it gets into trouble, and judges the descriptors of that
/// run once more. A [`Run`](crate::Run) never climbs but when its caller asks: [`Run::wait_or_recover`](crate::Run::wait_or_recover).
/// Opening a card whose recovery was cut short ends that recovery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recovery {
    /// The highest rung; `None`: nothing is done. A card that reprogramming does not help is lost.
    pub up_to: Option<Rung>,
}

impl Recovery {
    /// Errors are told, and nothing is done about them.
    pub const NONE: Self = Self { up_to: None };
}

/// Up to reprogramming.
impl Default for Recovery {
    fn default() -> Self {
        Self {
            up_to: Some(Rung::Reprogram),
        }
    }
}

impl fmt::Display for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.up_to.map_or("none", Rung::name))
    }
}

/// `none`, or a rung that can be taken.
impl FromStr for Recovery {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rungs = [None]
            .into_iter()
            .chain(Rung::ALL[..3].iter().copied().map(Some));
        let mut all = rungs.map(|up_to| Self { up_to });
        all.find(|recovery| recovery.to_string() == text)
            .ok_or_else(|| {
                format!(
                    "{text:?} is no rung to climb to; there are none, abort, soft-reset, reprogram"
                )
            })
    }
}

/// How a card came out of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Recovered {
    /// The rung that helped.
    pub rung: Rung,
    /// From the first rung to the end of the self-test.
    #[serde(skip)]
    pub took: Duration,
    /// The policy slots hold what they held before. Else they may hold their reset values: the card could not be asked.
    pub policies_kept: bool,
}

/// What the ladder did on a card since its state folder was made, in all processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Recoveries {
    /// Times that the ladder was climbed.
    pub troubles: u64,
    /// Compute units reset with their runs.
    pub aborts: u64,
    /// Resets of all kernels.
    pub soft_resets: u64,
    /// Loads of the image anew.
    pub reprograms: u64,
    /// Times that the card was given up as lost.
    pub losses: u64,
    /// Self-tests that the card passed.
    pub self_tests_passed: u64,
    /// Self-tests that it failed.
    pub self_tests_failed: u64,
    /// Climbs that an abort ended.
    pub recovered_by_abort: u64,
    /// Climbs that a soft reset ended.
    pub recovered_by_soft_reset: u64,
    /// Climbs that reprogramming ended.
    pub recovered_by_reprogram: u64,
}

impl Recoveries {
    pub(crate) fn of(health: &Health) -> Self {
        Self {
            troubles: health.count(Count::Troubles),
            aborts: health.count(Count::Aborts),
            soft_resets: health.count(Count::SoftResets),
            reprograms: health.count(Count::Reprograms),
            losses: health.count(Count::Losses),
            self_tests_passed: health.count(Count::SelfTestsPassed),
            self_tests_failed: health.count(Count::SelfTestsFailed),
            recovered_by_abort: health.count(Count::ByAbort),
            recovered_by_soft_reset: health.count(Count::BySoftReset),
            recovered_by_reprogram: health.count(Count::ByReprogram),
        }
    }
}

impl Card {
    /// Climbs the ladder, from one rung up to another, until the card passes its self-test: what a program calls that learns
    /// of trouble by itself. `why` is for the log. The runs of this program end as the rungs say.
    ///
    /// # Errors
    /// [`Error::NotRecovered`] with the rung that is left, [`Error::DeviceLost`] if none is, or why climbing is not for this
    /// program to do now: [`Error::UnitBusy`], [`Error::TurnTimeout`], [`Error::Untrusted`].
    pub fn climb(&self, first: Rung, up_to: Rung, why: &str) -> Result<Recovered> {
        Climber::new(self.core()).climb(first, up_to, why)
    }

    /// Whether an error of this card is one that the ladder may help with, and where it begins then.
    pub fn trouble(error: &Error) -> Option<Rung> {
        first_rung(error)
    }

    /// Has the card do a small known job: memory written and read back, registers, and descriptors against the golden model
    /// where the image has a `tcp_validator`. No run may go on.
    ///
    /// # Errors
    /// [`Error::SelfTest`], or what the card says.
    pub fn self_test(&self) -> Result<()> {
        self_test::run(self.core(), None)
    }

    /// What the ladder did on this card.
    pub fn recoveries(&self) -> Recoveries {
        Recoveries::of(self.core().health())
    }

    /// Opens a card whatever became of it, lost, damaged or in the midst of a recovery, and climbs from `first` until it
    /// works: `fpga-ctl reset`. Unlike after [`Card::climb`] policy slots hold their reset values.
    ///
    /// # Errors
    /// As [`Card::climb`], [`Error::CardBusy`] if others exclude it, or why the card cannot be reached at all.
    pub fn mend(id: CardId, options: &OpenOptions, first: Rung) -> Result<(Self, Recovered)> {
        let card = match Self::open_unsettled(id, options) {
            Err(error @ Error::StateDamaged { .. }) => {
                tracing::warn!(card = %id, %error, "what is stored of the card is discarded");
                Self::open_discarding(id, options)?
            }
            opened => opened?,
        };
        let climber = Climber::new(card.core()).forgetting();
        let recovered = climber.climb(first, Rung::Reprogram, "a reset was asked for")?;
        Ok((card, recovered))
    }
}

/// What the ladder did on a card, without opening it: also for one that is lost.
///
/// # Errors
/// [`Error::CardUnusable`] if there is no state folder.
pub fn recoveries(card: CardId, state_folder: Option<&std::path::Path>) -> Result<Recoveries> {
    let health = store::health(card, state_folder)?;
    Ok(health.as_ref().map(Recoveries::of).unwrap_or_default())
}

/// The error of a card that no rung helped.
pub(crate) fn lost(card: CardId, reason: String) -> Error {
    Error::DeviceLost {
        card,
        reason,
        advice: format!("`fpga-ctl reset --card {card}` tries all rungs again"),
    }
}
