//! Finding a card that meets requirements, waiting for it, and leasing it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::requirements::{Fit, ImageNeed, Requirements};
use super::resources::CardResources;
use super::{Lease, busy_reason, clear};
use crate::card::OpenOptions;
use crate::card_id::CardId;
use crate::image::Image;
use crate::inventory::{CardEntry, Inventory};
use crate::store::lease::{Attempt, Desk, HeldLease, Place, leases_of};
use crate::store::{self, LeaseInfo};
use crate::{Error, Result};

/// Pause between looks whether a card has become free.
const POLL: Duration = Duration::from_millis(10);

/// Longest that a card which is being cleared just now is waited for, by those who do not want to wait for others.
const CLEARING: Duration = Duration::from_secs(60);

/// Longest that openings are waited for when a lease is given up because the card is not what was asked for.
const GIVING_UP: Duration = Duration::from_secs(5);

/// A card that would do.
struct Candidate {
    card: CardId,
    fit: Fit,
    resources: CardResources,
}

/// How a look at the candidates ended without a lease.
struct Refusals {
    /// For each card why not.
    reasons: Vec<String>,
    /// One of them is only being cleared.
    clearing: bool,
}

impl Inventory {
    /// Leases a card that meets the requirements: one that is free, those first that need no image loaded, then real cards
    /// before simulated ones. Waits for one as long as [`Requirements::wait`] says, behind those who came before.
    ///
    /// # Errors
    /// [`Error::NoSuchCard`] if no card meets the requirements, whoever has it, with the reason for each;
    /// [`Error::NoFreeCard`] if none that does became free in time; [`Error::Cancelled`]; and why an image could not be
    /// loaded.
    pub fn allocate(&self, requirements: &Requirements) -> Result<Lease> {
        let image = loadable_image(requirements.image.as_ref());
        let mut candidates = self.candidates(requirements, image.is_some())?;
        let first = candidates[0].card;
        let state_folder = self.state_folder.as_deref();
        let root = store::state_root(first, state_folder)?;
        let cards: Vec<CardId> = candidates.iter().map(|candidate| candidate.card).collect();
        let begin = Instant::now();
        let mut place: Option<Place> = None;
        loop {
            let refusals = match self.try_each(requirements, &candidates, &root, place.as_ref())? {
                Ok(lease) => match prepare(lease, requirements, image.as_ref())? {
                    Ok(lease) => return Ok(lease),
                    // What it held went before this lease began.
                    Err((card, reason)) => {
                        candidates.retain(|candidate| candidate.card != card);
                        if candidates.is_empty() {
                            return Err(no_such_card(requirements, &[reason]));
                        }
                        continue;
                    }
                },
                Err(refusals) => refusals,
            };
            if requirements.cancel.is_cancelled() {
                return Err(Error::Cancelled { card: first });
            }
            let waited = begin.elapsed();
            let longest = if refusals.clearing {
                requirements.wait.max(CLEARING)
            } else {
                requirements.wait
            };
            if waited >= longest {
                return Err(Error::NoFreeCard {
                    wanted: requirements.to_string(),
                    waited: requirements.wait,
                    reasons: refusals.reasons.join("; "),
                });
            }
            if place.is_none() && !requirements.wait.is_zero() {
                let desk = Desk::wait(first, &root)?;
                place = Some(desk.queue_up(&cards).map_err(|source| Error::StateFolder {
                    card: first,
                    action: "queue up for a lease in",
                    path: root.clone(),
                    source,
                    advice: "name a folder that can be written with FPGA_STATE_DIR",
                })?);
                continue;
            }
            std::thread::sleep(POLL.min(longest - waited));
        }
    }

    /// Cards that meet the requirements, the best first; whoever has them now.
    fn candidates(&self, requirements: &Requirements, loadable: bool) -> Result<Vec<Candidate>> {
        let mut candidates = Vec::new();
        let mut reasons = Vec::new();
        let wanted = |card: CardId| requirements.card.is_none_or(|wanted| wanted == card);
        let known = self.cards.iter().filter(|entry| wanted(entry.card));
        let mut entries: Vec<CardEntry> = known.cloned().collect();
        let unusable = self.unusable.iter();
        let unusable = unusable.filter(|card| {
            requirements
                .card
                .is_none_or(|wanted| wanted.to_string() == card.name)
        });
        for card in unusable {
            reasons.push(format!("{}: {}", card.name, card.reason));
        }
        // A simulated card is there as soon as somebody uses it.
        if let Some(card) = requirements.card
            && entries.is_empty()
            && reasons.is_empty()
        {
            match card {
                CardId::Simulated(_) | CardId::Software(_) => entries.push(CardEntry::unused(card)),
                _ => reasons.push(format!(
                    "{card}: there is no such card; see `fpga-ctl list`"
                )),
            }
        }
        for entry in entries {
            match requirements.fit(&entry, &entry.resources, loadable) {
                Ok(fit) => candidates.push(Candidate {
                    card: entry.card,
                    fit,
                    resources: entry.resources,
                }),
                Err(reason) => reasons.push(format!("{}: {reason}", entry.card)),
            }
        }
        if candidates.is_empty() {
            return Err(no_such_card(requirements, &reasons));
        }
        candidates.sort_by_key(|candidate| (candidate.fit, rank(candidate.card), candidate.card));
        Ok(candidates)
    }

    /// Tries to lease one card after the other.
    fn try_each(
        &self,
        requirements: &Requirements,
        candidates: &[Candidate],
        root: &Path,
        place: Option<&Place>,
    ) -> Result<Result<Lease, Refusals>> {
        let state_folder = self.state_folder.as_deref();
        let mut refusals = Refusals {
            reasons: Vec::new(),
            clearing: false,
        };
        for candidate in candidates {
            let card = candidate.card;
            let mut refuse = |reason: String| refusals.reasons.push(format!("{card}: {reason}"));
            let desk = Desk::wait(card, root)?;
            let ahead = desk.ahead(card, place);
            let others = leases_of(card, state_folder);
            if !ahead.is_empty() {
                let numbers: Vec<String> = ahead.iter().map(u32::to_string).collect();
                let whom = match others.is_empty() {
                    true => String::new(),
                    false => format!("leased by {}, and ", LeaseInfo::describe(&others)),
                };
                refuse(format!(
                    "{whom}process {} waits for it already",
                    numbers.join(", ")
                ));
                continue;
            }
            if let Err(reason) = requirements.fits_beside(&others, &candidate.resources) {
                refuse(reason);
                continue;
            }
            let info = LeaseInfo::of_this_process(
                requirements.access(),
                &requirements.purpose,
                requirements.reserved(),
            );
            let clear = || clear(card, state_folder);
            match HeldLease::take(card, state_folder, info, desk, &clear) {
                Ok(Attempt::Taken(held)) => {
                    return Ok(Ok(Lease::new(*held, self.state_folder.clone())));
                }
                Ok(Attempt::Busy(reason)) => refuse(reason),
                Ok(Attempt::Clearing) => {
                    refuse("it is being cleared".to_owned());
                    refusals.clearing = true;
                }
                Err(error) => refuse(busy_reason(&error).ok_or(error)?),
            }
        }
        Ok(Err(refusals))
    }
}

/// Real cards before those that stand for one.
fn rank(card: CardId) -> u8 {
    match card {
        CardId::Xrt(_) | CardId::Pci(_) => 0,
        CardId::Served(_) => 1,
        CardId::Simulated(_) => 2,
        CardId::Software(_) => 3,
    }
}

fn no_such_card(requirements: &Requirements, reasons: &[String]) -> Error {
    Error::NoSuchCard {
        wanted: requirements.to_string(),
        reasons: reasons.join("; "),
    }
}

/// The image that this program carries and that is wanted.
fn loadable_image(need: Option<&ImageNeed>) -> Option<Arc<Image>> {
    let need = need?;
    #[cfg(feature = "cosim")]
    for image in [Image::default_image(), Image::queue_image()]
        .into_iter()
        .flatten()
    {
        if need.is_met_by_image(&image) {
            return Some(image);
        }
    }
    let _ = need;
    None
}

/// Has the card hold the image that is wanted. If that is not possible the lease ends, with the card and the reason.
fn prepare(
    lease: Lease,
    requirements: &Requirements,
    image: Option<&Arc<Image>>,
) -> Result<Result<Lease, (CardId, String)>> {
    let Some(need) = &requirements.image else {
        return Ok(Ok(lease));
    };
    let options = OpenOptions {
        purpose: "what it is leased for".to_owned(),
        trust: requirements.trust.clone(),
        ..OpenOptions::default()
    };
    let card = lease.open(&options)?;
    let held = card.image();
    let is_met = held
        .as_ref()
        .is_some_and(|image| need.is_met_by_image(image));
    // Who shares the card uses what it holds.
    let reason = match image {
        _ if is_met => None,
        Some(_) if requirements.shared && held.is_some() => {
            Some("others share it with another image".to_owned())
        }
        Some(image) => {
            card.program(image)?;
            None
        }
        None => Some(format!("it does not hold {need} any more")),
    };
    card.close()?;
    match reason {
        None => Ok(Ok(lease)),
        Some(reason) => {
            let card = lease.card();
            lease.release(GIVING_UP)?;
            Ok(Err((card, format!("{card}: {reason}"))))
        }
    }
}
