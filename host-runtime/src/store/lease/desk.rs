//! Where leases are taken and given back, one process at a time, and the queue of those who wait: first come, first served.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::POLL;
use crate::card_id::CardId;
use crate::store::FOLDER_ADVICE;
use crate::store::locked_file::{self, LockedFile};
use crate::{Error, Result};

/// Longest that the desk is waited for: nobody has it for more than moments.
const DESK: Duration = Duration::from_secs(30);

/// The right to change who leases what, until it is dropped.
#[derive(Debug)]
pub(crate) struct Desk {
    root: PathBuf,
    _lock: File,
}

/// A place in the queue. Dropped, it is given up.
#[derive(Debug)]
pub(crate) struct Place {
    number: u64,
    _file: LockedFile,
}

/// What a place in the queue is for.
#[derive(Debug, Serialize, Deserialize)]
struct Wanted {
    pid: u32,
    /// Any one of them.
    cards: Vec<CardId>,
}

impl Desk {
    /// Waits for the desk of a state folder.
    pub(crate) fn wait(card: CardId, root: &Path) -> Result<Self> {
        let folder = root.join("leases");
        let path = folder.join("desk.lock");
        let fault = |action, source: io::Error| Error::StateFolder {
            card,
            action,
            path: path.clone(),
            source,
            advice: FOLDER_ADVICE,
        };
        let lock = std::fs::create_dir_all(&folder)
            .and_then(|()| {
                let mut options = File::options();
                options.create(true).truncate(false).write(true);
                options.open(&path)
            })
            .map_err(|source| fault("open the lock", source))?;
        let begin = Instant::now();
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if begin.elapsed() < DESK => {
                    std::thread::sleep(POLL);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(fault("lock", io::ErrorKind::TimedOut.into()));
                }
                Err(TryLockError::Error(source)) => return Err(fault("lock", source)),
            }
        }
        Ok(Self {
            root: root.to_owned(),
            _lock: lock,
        })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Takes the last place in the queue for one of these cards.
    pub(crate) fn queue_up(&self, cards: &[CardId]) -> io::Result<Place> {
        let number = self.queue().last().map_or(0, |(number, _)| number + 1);
        let wanted = Wanted {
            pid: std::process::id(),
            cards: cards.to_vec(),
        };
        // Of a fixed width, so that names are in the order of numbers.
        let name = format!("{number:020}.json");
        Ok(Place {
            number,
            _file: LockedFile::create(&self.folder(), &name, &wanted)?,
        })
    }

    /// Processes that wait for this card before one with this place; before one without a place, all.
    pub(crate) fn ahead(&self, card: CardId, place: Option<&Place>) -> Vec<u32> {
        let queue = self.queue().into_iter();
        queue
            .filter(|(number, wanted)| {
                wanted.cards.contains(&card) && place.is_none_or(|place| *number < place.number)
            })
            .map(|(_, wanted)| wanted.pid)
            .collect()
    }

    fn queue(&self) -> Vec<(u64, Wanted)> {
        let living = locked_file::living::<Wanted>(&self.folder());
        living
            .into_iter()
            .filter_map(|(name, wanted)| Some((name.strip_suffix(".json")?.parse().ok()?, wanted)))
            .collect()
    }

    fn folder(&self) -> PathBuf {
        self.root.join("leases/queue")
    }
}
