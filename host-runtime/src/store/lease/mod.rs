//! Leases of a card, as locks and files of its folder, so that they hold between programs of all kinds and go with the
//! process that took them.
//!
//! | in the card's folder | what |
//! |---|---|
//! | `lease.lock` | locked exclusively by an exclusive lease, and by whoever clears the card; shared by shared leases, and by each opening that has no lease |
//! | `leases/TOKEN.json` | locked by the lease's process: who, since when, what for |
//! | `leased` | there from the beginning of a lease until the card was cleared after the last one; says how it was leased |
//!
//! and in the state folder, for all cards:
//!
//! | | |
//! |---|---|
//! | `leases/desk.lock` | locked by whoever takes a lease, gives one back, or clears a card that a lease left, for moments |
//! | `leases/queue/N.json` | who waits for a lease, in the order of the numbers |
//!
//! A card whose `leased` is there without a living lease is cleared by whoever comes next, before anything else.

mod desk;
mod lease_info;
mod mark;
mod passage;
mod tokens;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

pub(crate) use desk::{Desk, Place};
pub use lease_info::{LeaseInfo, Reserved};
use mark::Mark;
pub(crate) use passage::Passage;
pub use tokens::LEASE_VARIABLE;
pub(crate) use tokens::variable as lease_variable;

use super::holders;
use super::locked_file::{self, LockedFile};
use super::{Access, FOLDER_ADVICE};
use crate::card_id::CardId;
use crate::{Error, Result};

/// Pause between looks at what another process does.
const POLL: Duration = Duration::from_millis(5);

/// Longest that another process' clearing of a card is waited for.
const CLEARING: Duration = Duration::from_secs(60);

/// Empties a card, which it opens alone for that.
pub(crate) type Clear<'a> = &'a dyn Fn() -> Result<()>;

/// The folder of one card, for leases.
#[derive(Debug, Clone)]
struct CardFolder {
    card: CardId,
    path: PathBuf,
}

impl CardFolder {
    fn new(card: CardId, chosen: Option<&Path>) -> Result<Self> {
        let path = super::state_root(card, chosen)?.join(card.folder_name());
        let folder = Self { card, path };
        std::fs::create_dir_all(&folder.path)
            .map_err(|source| folder.fault("create the folder", &folder.path, source))?;
        Ok(folder)
    }

    fn fault(&self, action: &'static str, path: &Path, source: io::Error) -> Error {
        Error::StateFolder {
            card: self.card,
            action,
            path: path.to_owned(),
            source,
            advice: FOLDER_ADVICE,
        }
    }

    fn leases_folder(&self) -> PathBuf {
        self.path.join("leases")
    }

    /// The leases that living processes have.
    fn leases(&self) -> Vec<LeaseInfo> {
        leases_in(&self.path)
    }

    /// Whether a lease ended and the card was not cleared since.
    fn is_to_be_cleared(&self) -> bool {
        Mark::read(&self.path).is_some() && self.leases().is_empty()
    }

    fn lock_file(&self, name: &str) -> Result<File> {
        let path = self.path.join(name);
        File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|source| self.fault("open the lock", &path, source))
    }

    /// Locks, or changes the lock that is there; whether that could be done. A lock that could not be changed may be lost.
    fn try_lock(&self, file: &File, access: Access) -> Result<bool> {
        let operation = match access {
            Access::Shared => FlockOperation::NonBlockingLockShared,
            Access::Exclusive => FlockOperation::NonBlockingLockExclusive,
        };
        match flock(file, operation) {
            Ok(()) => Ok(true),
            Err(Errno::WOULDBLOCK) => Ok(false),
            Err(source) => Err(self.fault("lock", &self.path, source.into())),
        }
    }

    /// Whether an opening of the card lives.
    fn is_open(&self) -> bool {
        !holders::list(&self.path).is_empty()
    }

    /// Clears the card, whose lease lock is held exclusively. The mark goes when that is done.
    fn clear(&self, clear: Clear<'_>) -> Result<()> {
        clear().map_err(|source| Error::NotCleared {
            card: self.card,
            source: Box::new(source),
        })?;
        Mark::remove(&self.path).map_err(|source| self.fault("write to", &self.path, source))
    }
}

/// The leases of the card that has this folder.
pub(super) fn leases_in(folder: &Path) -> Vec<LeaseInfo> {
    let living = locked_file::living::<LeaseInfo>(&folder.join("leases"));
    let mut leases: Vec<LeaseInfo> = living.into_iter().map(|(_, lease)| lease).collect();
    leases.sort_by_key(|lease| (lease.since, lease.pid));
    leases
}

/// The leases of a card.
pub(crate) fn leases_of(card: CardId, chosen: Option<&Path>) -> Vec<LeaseInfo> {
    super::state_root(card, chosen)
        .map(|root| leases_in(&root.join(card.folder_name())))
        .unwrap_or_default()
}

/// A lease that this process has. It must be given back by [`HeldLease::release`], or the card is cleared by who comes next.
#[derive(Debug)]
pub(crate) struct HeldLease {
    folder: CardFolder,
    root: PathBuf,
    info: LeaseInfo,
    token: String,
    /// Dropped first: who sees the lock free sees no lease.
    file: Option<LockedFile>,
    lock: File,
    _known: tokens::Known,
}

/// What came of trying to take a lease.
#[derive(Debug)]
pub(crate) enum Attempt {
    Taken(Box<HeldLease>),
    /// Somebody excludes it; a text for people.
    Busy(String),
    /// The card is being cleared: it will be free in a moment, if nobody else takes it.
    Clearing,
}

impl HeldLease {
    /// Tries to take a lease. `desk` is given back as soon as it is not needed any more: clearing what the last lease left
    /// may take its time.
    pub(crate) fn take(
        card: CardId,
        chosen: Option<&Path>,
        info: LeaseInfo,
        desk: Desk,
        clear: Clear<'_>,
    ) -> Result<Attempt> {
        let folder = CardFolder::new(card, chosen)?;
        let others = folder.leases();
        let excluded = |other: &LeaseInfo| {
            info.access == Access::Exclusive || other.access == Access::Exclusive
        };
        if others.iter().any(excluded) {
            return Ok(Attempt::Busy(format!(
                "leased by {}",
                LeaseInfo::describe(&others)
            )));
        }
        let lock = folder.lock_file("lease.lock")?;
        let mark = Mark::read(&folder.path).filter(|_| others.is_empty());
        let mut alone = info.access == Access::Exclusive || mark.is_some();
        if alone && !folder.try_lock(&lock, Access::Exclusive)? {
            // Beside a shared lease that ended others had the card open, and still have: it is not cleared under them.
            let beside = mark == Some(Mark(Access::Shared)) && folder.is_open();
            if info.access == Access::Exclusive || !beside {
                return folder.why_locked(&lock);
            }
            alone = false;
        }
        if !alone && !folder.try_lock(&lock, Access::Shared)? {
            return Ok(Attempt::Clearing);
        }
        Mark(info.access)
            .write(&folder.path)
            .map_err(|source| folder.fault("write to", &folder.path, source))?;
        let token = tokens::new(&folder.path);
        let file = LockedFile::create(&folder.leases_folder(), &file_name(&token), &info)
            .map_err(|source| folder.fault("write to", &folder.leases_folder(), source))?;
        let root = desk.root().to_owned();
        drop(desk);

        if mark.is_some() && alone {
            // If this fails the mark stays: it is tried again by who comes next.
            clear().map_err(|source| Error::NotCleared {
                card,
                source: Box::new(source),
            })?;
            if info.access == Access::Shared {
                // Nobody takes the lock between the two modes, for that is done at the desk.
                let _desk = Desk::wait(card, &root)?;
                folder.try_lock(&lock, Access::Shared)?;
            }
        }
        let known = tokens::Known::new(&folder.path, &token);
        Ok(Attempt::Taken(Box::new(Self {
            folder,
            root,
            info,
            token,
            file: Some(file),
            lock,
            _known: known,
        })))
    }

    pub(crate) fn card(&self) -> CardId {
        self.folder.card
    }

    pub(crate) fn info(&self) -> &LeaseInfo {
        &self.info
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// Gives the lease back, and clears the card if it was the last one on it. Waits so long for openings under the lease
    /// to end; if they do not, the lease has ended all the same, and the card is cleared by who comes next.
    pub(crate) fn release(mut self, clear: Clear<'_>, patience: Duration) -> Result<()> {
        let desk = Desk::wait(self.folder.card, &self.root)?;
        let last = self.folder.leases().len() <= 1;
        // Those who have it open beside a shared lease keep what they work with.
        let alone = last && self.folder.try_lock(&self.lock, Access::Exclusive)?;
        drop(self.file.take());
        drop(desk);
        if !alone {
            return Ok(());
        }
        let begin = Instant::now();
        loop {
            match self.folder.clear(clear) {
                Err(Error::NotCleared { source, .. })
                    if matches!(*source, Error::CardBusy { .. }) && begin.elapsed() < patience =>
                {
                    std::thread::sleep(POLL);
                }
                cleared => return cleared,
            }
        }
    }
}

impl CardFolder {
    /// Why the lease's lock cannot be had exclusively: somebody has the card open, or clears it.
    fn why_locked(&self, lock: &File) -> Result<Attempt> {
        if self.is_open() && self.try_lock(lock, Access::Shared)? {
            Ok(Attempt::Busy(format!(
                "in use by {}",
                holders::describe(&self.path)
            )))
        } else {
            Ok(Attempt::Clearing)
        }
    }
}

fn file_name(token: &str) -> String {
    format!("{token}.json")
}

#[cfg(test)]
mod tests;
