//! Under which lease a card under test is held, and what must be left of leases: nothing but the one that is held now.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::store::LeaseInfo;
use crate::store::lease::leases_of;
use crate::{Access, CardId, Error, Inventory, Lease, Requirements, Result};

/// Longest that a lease's end waits for openings that are closing.
const CLOSING: Duration = Duration::from_secs(10);

/// How a card is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tenancy {
    /// Without a lease.
    None,
    /// By a lease for this process alone.
    Exclusive,
    /// By one that others may share.
    Shared,
}

impl Tenancy {
    /// That of a turn: each for a few turns.
    pub(super) fn of(turn: u64) -> Self {
        const TURNS: u64 = 8;
        [Self::None, Self::Exclusive, Self::Shared][(turn / TURNS % 3) as usize]
    }

    fn access(self) -> Option<Access> {
        match self {
            Self::None => None,
            Self::Exclusive => Some(Access::Exclusive),
            Self::Shared => Some(Access::Shared),
        }
    }
}

/// Who holds a card.
pub(super) struct Tenant {
    card: CardId,
    state: PathBuf,
    tenancy: Tenancy,
    lease: Option<Lease>,
}

impl Tenant {
    pub(super) fn new(card: CardId, state: &Path) -> Self {
        Self {
            card,
            state: state.to_owned(),
            tenancy: Tenancy::None,
            lease: None,
        }
    }

    pub(super) fn card(&self) -> CardId {
        self.card
    }

    pub(super) fn tenancy(&self) -> Tenancy {
        self.tenancy
    }

    /// Ends the lease there is, and takes another one. What is wrong meanwhile, if anything is.
    pub(super) fn move_in(&mut self, tenancy: Tenancy) -> Result<Option<String>> {
        match self.lease.take() {
            // As a program ends it that looks whether the card was cleared, and as one that does not.
            Some(lease) if self.tenancy == Tenancy::Exclusive => lease.release(CLOSING)?,
            lease => drop(lease),
        }
        self.tenancy = Tenancy::None;
        if let Some(left) = self.left() {
            return Ok(Some(left));
        }
        let Some(access) = tenancy.access() else {
            return Ok(None);
        };
        let inventory = Inventory::scan_with(Some(&self.state));
        let wanted = Requirements {
            card: Some(self.card),
            shared: access == Access::Shared,
            purpose: "a campaign of faults".to_owned(),
            ..Requirements::default()
        };
        self.lease = Some(inventory.allocate(&wanted)?);
        self.tenancy = tenancy;
        // A second one is to be had of a shared card alone.
        let second = match inventory.allocate(&wanted) {
            Ok(_second) => Some(Access::Shared),
            Err(Error::NoFreeCard { .. }) => Some(Access::Exclusive),
            Err(error) => return Err(error),
        };
        Ok((second != Some(access))
            .then(|| format!("a second lease beside one that is {access:?}")))
    }

    /// What is wrong with the leases on the card, if anything is.
    pub(super) fn left(&self) -> Option<String> {
        let leases = leases_of(self.card, Some(&self.state));
        let found: Vec<Access> = leases.iter().map(|lease| lease.access).collect();
        let due: Vec<Access> = self.tenancy.access().into_iter().collect();
        if found != due {
            return Some(format!(
                "{} is leased by {}, and ought to be held {:?}",
                self.card,
                LeaseInfo::describe(&leases),
                self.tenancy
            ));
        }
        None
    }
}
