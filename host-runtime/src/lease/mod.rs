//! Leases: a card for one user alone, or for some together, for as long as a process holds it; then it is cleared for the
//! next. Who has no lease uses cards as before, but for those that others have leased alone.

mod allocate;
mod clear;
mod requirements;
mod resources;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

pub(crate) use clear::clear;
pub use requirements::{ImageNeed, Requirements};
pub use resources::CardResources;

use crate::card::{Card, OpenOptions};
use crate::card_id::CardId;
use crate::store::lease::{HeldLease, lease_variable};
use crate::store::{LEASE_VARIABLE, LeaseInfo, STATE_FOLDER_VARIABLE};
use crate::xrt_index::XRT_CARDS_VARIABLE;
use crate::{Error, Result};

/// Environment variable that names the card that a program is to use, where it names none itself.
pub const CARD_VARIABLE: &str = "FPGA_CARD";

/// A card that this process has leased. While it lives this process opens the card as any other, and so do processes that
/// get [`Lease::environment`]. Dropped, or with the end of the process, the lease ends and the card is cleared.
#[derive(Debug)]
pub struct Lease {
    held: Option<HeldLease>,
    card: CardId,
    info: LeaseInfo,
    state_folder: Option<PathBuf>,
}

impl Lease {
    fn new(held: HeldLease, state_folder: Option<PathBuf>) -> Self {
        Self {
            card: held.card(),
            info: held.info().clone(),
            held: Some(held),
            state_folder,
        }
    }

    /// The leased card.
    pub fn card(&self) -> CardId {
        self.card
    }

    /// What others are told of the lease.
    pub fn info(&self) -> &LeaseInfo {
        &self.info
    }

    /// Opens the card, as [`Card::open_with`] does.
    ///
    /// # Errors
    /// Those of [`Card::open_with`].
    pub fn open(&self, options: &OpenOptions) -> Result<Card> {
        let options = OpenOptions {
            state_folder: self.state_folder.clone(),
            ..options.clone()
        };
        Card::open_with(self.card, &options)
    }

    /// Variables for the environment of a child process that may use the card under this lease: the token, the card's name,
    /// also for programs written against XRT, and the state folder if it is not the user's own.
    pub fn environment(&self) -> Vec<(&'static str, OsString)> {
        let card = self.card.to_string();
        let mut variables = vec![(CARD_VARIABLE, card.clone().into())];
        if let Some(held) = &self.held {
            variables.push((
                LEASE_VARIABLE,
                lease_variable(self.card, held.token()).into(),
            ));
        }
        if !matches!(self.card, CardId::Xrt(_)) {
            variables.push((XRT_CARDS_VARIABLE, card.into()));
        }
        variables.extend(self.state_folder.as_ref().map(|folder| {
            // The program may run elsewhere.
            let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.clone());
            (STATE_FOLDER_VARIABLE, folder.into_os_string())
        }));
        variables
    }

    /// Ends the lease and clears the card. Waits so long for openings under the lease to end.
    ///
    /// # Errors
    /// [`Error::NotCleared`] if the card could not be cleared: whoever uses it next does it, or hears why not. The lease has
    /// ended in any case.
    pub fn release(mut self, patience: Duration) -> Result<()> {
        self.end(patience)
    }

    fn end(&mut self, patience: Duration) -> Result<()> {
        let Some(held) = self.held.take() else {
            return Ok(());
        };
        let state_folder = self.state_folder.clone();
        held.release(&|| clear(self.card, state_folder.as_deref()), patience)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Err(error) = self.end(Duration::ZERO) {
            tracing::warn!(%error, "a lease ended");
        }
    }
}

/// The error if a card was not cleared only because somebody has it open.
fn busy_reason(error: &Error) -> Option<String> {
    match error {
        Error::NotCleared { source, .. } => match &**source {
            Error::CardBusy { holders, .. } => Some(format!(
                "a lease on it ended, and {holders} still has it open"
            )),
            _ => None,
        },
        _ => None,
    }
}
