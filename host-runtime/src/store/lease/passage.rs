//! How an opening of a card gets past the card's leases: under one of them, or beside shared ones.

use std::fs::File;
use std::path::Path;
use std::time::Instant;

use super::mark::Mark;
use super::{CLEARING, CardFolder, Clear, Desk, LeaseInfo, POLL, file_name, tokens};
use crate::card_id::CardId;
use crate::store::{Access, holders, locked_file};
use crate::{Error, Result};

/// Lets an opening of a card in, for as long as it lives.
#[derive(Debug)]
pub(crate) enum Passage {
    /// Under the lease with this token.
    Under(String),
    /// Without a lease: locked shared, so that nobody takes an exclusive one meanwhile.
    Beside(#[expect(dead_code, reason = "held")] File),
    /// To clear the card, by who holds the lease's lock.
    ToClear,
}

impl Passage {
    /// Lets this process in. What a lease left is cleared before.
    ///
    /// # Errors
    /// [`Error::CardLeased`], [`Error::NotCleared`], [`Error::StateFolder`].
    pub(crate) fn find(card: CardId, chosen: Option<&Path>, clear: Clear<'_>) -> Result<Self> {
        let folder = CardFolder::new(card, chosen)?;
        if let Some(token) = tokens::token_of(card, &folder.path) {
            return Ok(Self::Under(token));
        }
        let begin = Instant::now();
        loop {
            if let Some(lock) = folder.try_enter(chosen, clear)? {
                return Ok(Self::Beside(lock));
            }
            // Somebody clears the card, or takes or gives back a lease just now.
            if begin.elapsed() >= CLEARING {
                return Err(Error::CardBusy {
                    card,
                    holders: holders::describe(&folder.path),
                });
            }
            std::thread::sleep(POLL);
        }
    }

    /// Checks, once the opening holds its own lock, that the lease still lives: from then on its end waits for that lock.
    pub(in crate::store) fn check(&self, card: CardId, folder: &Path) -> Result<()> {
        match self {
            Self::Under(token)
                if !locked_file::is_living(&folder.join("leases").join(file_name(token))) =>
            {
                Err(Error::LeaseEnded { card })
            }
            Self::Under(_) | Self::Beside(_) | Self::ToClear => Ok(()),
        }
    }
}

impl CardFolder {
    /// Takes the lease's lock shared; `None` if that should be tried again.
    fn try_enter(&self, chosen: Option<&Path>, clear: Clear<'_>) -> Result<Option<File>> {
        let lock = self.lock_file("lease.lock")?;
        if self.is_to_be_cleared() {
            let _desk = Desk::wait(self.card, &crate::store::state_root(self.card, chosen)?)?;
            if self.is_to_be_cleared() {
                if self.try_lock(&lock, Access::Exclusive)? {
                    self.clear(clear)?;
                    return Ok(self.try_lock(&lock, Access::Shared)?.then_some(lock));
                }
                // Beside a shared lease that ended others had the card open, and still have: it is not cleared under them.
                let beside = Mark::read(&self.path) == Some(Mark(Access::Shared)) && self.is_open();
                return Ok((beside && self.try_lock(&lock, Access::Shared)?).then_some(lock));
            }
        }
        if self.try_lock(&lock, Access::Shared)? {
            // A lease may have begun and ended since the look above.
            return Ok((!self.is_to_be_cleared()).then_some(lock));
        }
        let leases = self.leases();
        if leases.is_empty() {
            return Ok(None);
        }
        Err(Error::CardLeased {
            card: self.card,
            leases: LeaseInfo::describe(&leases),
        })
    }
}
