//! Climbing: rung after rung, each logged and counted, until the card passes its self-test.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::policies::Policies;
use super::trouble::is_beyond_the_ladder;
use super::{Recovered, Recovery, Rung, cause, lost, self_test};
use crate::card::CardCore;
use crate::store::{Condition, Count};
use crate::{Error, Result};

/// Longest that another process' climb is waited for: a few times what loading an image may take.
pub(super) const OTHERS_TIMEOUT: Duration = Duration::from_secs(300);

/// Climbs the ladder of one card.
pub(crate) struct Climber<'a> {
    core: &'a Arc<CardCore>,
    unit: Option<usize>,
    keeps_policies: bool,
}

impl<'a> Climber<'a> {
    pub(crate) fn new(core: &'a Arc<CardCore>) -> Self {
        Self {
            core,
            unit: None,
            keeps_policies: true,
        }
    }

    /// Puts the policy slots back to their reset values, too.
    pub(crate) fn forgetting(self) -> Self {
        Self {
            keeps_policies: false,
            ..self
        }
    }

    /// The trouble is of one compute unit: an abort is for that one.
    pub(crate) fn of_unit(core: &'a Arc<CardCore>, unit: usize) -> Self {
        Self {
            unit: Some(unit),
            ..Self::new(core)
        }
    }

    /// See [`Card::climb`](crate::Card::climb).
    pub(crate) fn climb(&self, first: Rung, up_to: Rung, why: &str) -> Result<Recovered> {
        let card = self.core.id();
        let health = self.core.health();
        if let Some(lost) = self.core.gone() {
            return Err(lost);
        }
        let ended_before = self.ended();
        let climb = health.climb(OTHERS_TIMEOUT);
        let climb = climb.map_err(|source| Error::StateFolder {
            card,
            action: "lock the health of",
            path: card.to_string().into(),
            source,
            advice: "use a folder on a local disk: FPGA_STATE_DIR names one",
        })?;
        let Some(_climb) = climb else {
            return Err(Error::WrongState {
                card,
                reason: "another process has been recovering it for minutes; end that, then `fpga-ctl reset`"
                    .to_owned(),
            });
        };
        let begin = Instant::now();
        // Who had to wait meets a card that was mended meanwhile: resetting it again would only hurt those who use it.
        if let Some(rung) = self.helped_meanwhile(ended_before)
            && self.test(self.unit).is_ok()
        {
            return Ok(Recovered {
                rung,
                took: begin.elapsed(),
                policies_kept: false,
            });
        }
        tracing::warn!(%card, %first, %up_to, "the card is in trouble: {why}");
        health.add(Count::Troubles);
        health.set_in_trouble(first);
        let climbed = self.climb_alone(first, up_to, why);
        match climbed {
            Ok((rung, policies_kept)) => {
                let took = begin.elapsed();
                tracing::warn!(%card, %rung, ?took, "the card recovered");
                Ok(Recovered {
                    rung,
                    took,
                    policies_kept,
                })
            }
            Err(error) => {
                tracing::error!(%card, "{error}");
                Err(error)
            }
        }
    }

    fn climb_alone(&self, first: Rung, up_to: Rung, why: &str) -> Result<(Rung, bool)> {
        let card = self.core.id();
        let health = self.core.health();
        let first = first.max(self.lowest_that_helps());
        let policies = match self.keeps_policies {
            true => Policies::read(self.core),
            false => Policies::none(),
        };
        let mut last = String::new();
        let mut rung = first;
        while rung <= up_to.min(Rung::Reprogram) {
            tracing::warn!(%card, %rung, "recovering");
            health.set_in_trouble(rung);
            health.add(match rung {
                Rung::Abort => Count::Aborts,
                Rung::SoftReset => Count::SoftResets,
                _ => Count::Reprograms,
            });
            match self.step(rung, &policies) {
                Ok(()) => {
                    health.add(match rung {
                        Rung::Abort => Count::ByAbort,
                        Rung::SoftReset => Count::BySoftReset,
                        _ => Count::ByReprogram,
                    });
                    health.set_well();
                    return Ok((rung, policies.are_complete()));
                }
                Err(error) if is_beyond_the_ladder(&error) => {
                    // The card is as it was: what is wrong is not the card.
                    health.set_well();
                    return Err(error);
                }
                Err(error @ Error::DeviceLost { .. }) => {
                    // This opening's way to the card is gone; the card itself may be well.
                    health.set_well();
                    health.add(Count::Losses);
                    return Err(error);
                }
                Err(error) => {
                    tracing::warn!(%card, %rung, %error, "that did not help");
                    last = cause(&error);
                }
            }
            rung = rung.next().unwrap_or(Rung::DeviceLost);
        }
        if rung == Rung::DeviceLost && up_to >= Rung::Reprogram {
            let reason = if last.is_empty() { why } else { &last };
            let reason = format!("nothing brought it back: {reason}");
            health.add(Count::Losses);
            if !self.core.backend().lives_here() {
                health.set_lost(&reason);
                return Err(lost(card, reason));
            }
            // Another process makes the card after its own options: it may find it well, and tests it first.
            health.set_in_trouble(Rung::SoftReset);
            let error = lost(card, reason);
            self.core.give_up(&error);
            return Err(error);
        }
        health.set_in_trouble(rung);
        Err(Error::NotRecovered {
            card,
            cause: why.to_owned(),
            last: if last.is_empty() {
                "nothing was tried".to_owned()
            } else {
                last
            },
            left: rung,
        })
    }

    /// Memory with an error of two bits in a word keeps it until all of that word is written, which is sure to be done by
    /// loading the image alone: a self-test writes elsewhere. The count begins anew with each load.
    fn lowest_that_helps(&self) -> Rung {
        let found = self.core.backend().reliability();
        match found.is_some_and(|found| found.uncorrected > 0) {
            true => Rung::Reprogram,
            false => Rung::Abort,
        }
    }

    /// One rung, and whether it helped.
    fn step(&self, rung: Rung, policies: &Policies) -> Result<()> {
        let backend = self.core.backend();
        let taken = match rung {
            Rung::Abort => self
                .units()?
                .into_iter()
                .try_for_each(|unit| backend.reset_unit(unit)),
            Rung::SoftReset => backend.reset(),
            _ => backend.renew(),
        };
        match taken {
            // There is nothing to reset in it.
            Err(Error::NotProgrammed { .. }) => {}
            taken => taken?,
        }
        let unit = self.unit.filter(|_| rung == Rung::Abort);
        self.test(unit)?;
        policies.restore(self.core, unit)?;
        // Whoever gives up what it did with the card keeps this.
        backend.commit()
    }

    fn test(&self, unit: Option<usize>) -> Result<()> {
        let result = self_test::run(self.core, unit);
        self.core.health().add(match result {
            Ok(()) => Count::SelfTestsPassed,
            Err(_) => Count::SelfTestsFailed,
        });
        result
    }

    fn units(&self) -> Result<Vec<usize>> {
        let units = match self.unit {
            Some(unit) => vec![unit],
            None => {
                let image = self.core.backend().try_image()?;
                (0..image.map_or(0, |image| image.units().len())).collect()
            }
        };
        Ok(units)
    }

    /// Climbs that ended well so far, by rung.
    fn ended(&self) -> [u64; 3] {
        let counts = [Count::ByAbort, Count::BySoftReset, Count::ByReprogram];
        counts.map(|count| self.core.health().count(count))
    }

    fn helped_meanwhile(&self, before: [u64; 3]) -> Option<Rung> {
        let now = self.ended();
        let highest = (0..now.len()).rev().find(|&rung| now[rung] != before[rung]);
        highest.map(|rung| Rung::ALL[rung])
    }
}

/// Brings a card that is being opened out of what a recovery that was cut short left, as far as the opener allows.
pub(crate) fn settle(core: &Arc<CardCore>, recovery: Recovery) -> Result<()> {
    let card = core.id();
    let left = match core.health().condition() {
        Condition::Well => return Ok(()),
        Condition::Lost(reason) => return Err(lost(card, reason)),
        Condition::InTrouble(left) => left,
    };
    // While somebody is at it, calls wait.
    match core.health().climb(Duration::ZERO) {
        Ok(Some(_nobody)) => {}
        _ => return Ok(()),
    }
    // What an abort was for went with its process.
    let first = left.max(Rung::SoftReset);
    let why = "an earlier recovery was not finished";
    match recovery.up_to {
        Some(up_to) if up_to >= first => Climber::new(core).climb(first, up_to, why).map(|_| ()),
        _ => Err(Error::NotRecovered {
            card,
            cause: why.to_owned(),
            last: "nothing was tried".to_owned(),
            left: first,
        }),
    }
}
