//! What a simulated card (or the software device) keeps between processes: the loaded image, the kernels' state
//! and a generation, in a folder of its own.
//!
//! ```text
//! <state folder>/sim-0/
//!   state           which image and model state are current; replaced atomically, so a kill leaves the old or the new
//!   image-<sha>     the xclbin it was programmed with
//!   model-<sha>     registers of the kernels, as the backend saved them
//!   access.lock     locked shared or exclusively by each opening of the card
//!   turn.lock       locked by the one process that works on the card right now
//!   queue.lock      locked by the process that waits for the turn next
//!   loading.lock    locked by the process that replaces the image of a shared card
//!   image.lock      locked shared by the processes that use that image, see SharedImage
//!   unit-<n>.lock   locked shared or exclusively by those who use that compute unit, see Contexts
//!   health          what the ladder out of trouble did, and whether the card is lost, see Health
//!   holders/        a locked file for each opening, for those who ask who it is
//!   lease.lock, leased, leases/   see lease
//! ```
//!
//! Every lock dies with its process.

mod contexts;
mod health;
mod holders;
pub(crate) mod lease;
mod locked_file;
mod record;
mod shared_image;
mod turn;

use std::fs::{File, OpenOptions as FileOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use contexts::Contexts;
pub(crate) use health::{Condition, Count, Health};
pub use holders::Holder;
pub use lease::{LEASE_VARIABLE, LeaseInfo, Reserved};
pub(crate) use record::Record;
pub use shared_image::SharedImage;
pub(crate) use turn::Turn;

use crate::card::OpenOptions;
use crate::card_id::CardId;
use crate::card_name::ServedName;
use crate::{Error, Result};
use lease::Passage;
use locked_file::LockedFile;

/// Environment variable that names the folder of all cards' state.
pub const STATE_FOLDER_VARIABLE: &str = "FPGA_STATE_DIR";

const FOLDER_ADVICE: &str = "name a folder that can be written with FPGA_STATE_DIR";
const SPACE_ADVICE: &str = "free space on its disk, or name another folder with FPGA_STATE_DIR";

/// How often what is stored is read at most. Each attempt but the last fails only if another process stored something
/// in the moments between looking up a name and opening it.
const LOAD_ATTEMPTS: u32 = 100;

/// Whether a card is used beside others or alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Others may use the card too; their runs and ours take turns.
    #[default]
    Shared,
    /// Nobody else may open the card.
    Exclusive,
}

impl std::fmt::Display for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Shared => "shared",
            Self::Exclusive => "exclusive",
        })
    }
}

/// The folder that holds the state of all simulated cards of a user.
///
/// # Errors
/// [`Error::CardUnusable`] if neither `FPGA_STATE_DIR` nor a home folder is set.
pub(crate) fn state_root(id: CardId, chosen: Option<&Path>) -> Result<PathBuf> {
    if let Some(chosen) = chosen {
        return Ok(chosen.to_owned());
    }
    if let Some(named) = std::env::var_os(STATE_FOLDER_VARIABLE).filter(|named| !named.is_empty()) {
        return Ok(named.into());
    }
    directories::ProjectDirs::from("", "", "fpga-runtime")
        .and_then(|folders| folders.state_dir().map(Path::to_owned))
        .ok_or_else(|| Error::CardUnusable {
            card: id,
            reason: "there is no folder to keep its state in: HOME is not set".to_owned(),
            advice: FOLDER_ADVICE.to_owned(),
        })
}

/// Where a card of that name is served.
pub(crate) fn served_socket(name: ServedName, chosen: Option<&Path>) -> Result<PathBuf> {
    let root = state_root(CardId::Served(name), chosen)?;
    Ok(root.join(SERVED_FOLDER).join(format!("{name}.sock")))
}

/// Whether a living process serves a card of that name.
pub(crate) fn is_served(name: ServedName, chosen: Option<&Path>) -> bool {
    served_cards(chosen).contains(&name)
}

/// Cards that living processes serve.
pub(crate) fn served_cards(chosen: Option<&Path>) -> Vec<ServedName> {
    let Ok(root) = state_folder(chosen) else {
        return Vec::new();
    };
    let entries = std::fs::read_dir(root.join(SERVED_FOLDER));
    let entries = entries.into_iter().flatten().flatten();
    let mut names: Vec<ServedName> = entries
        .filter_map(|entry| {
            let path = entry.path();
            let name = path
                .file_name()?
                .to_str()?
                .strip_suffix(".lock")?
                .parse()
                .ok()?;
            // Its server holds the lock for as long as it lives.
            let lock = File::open(&path).ok()?;
            matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)).then_some(name)
        })
        .collect();
    names.sort_unstable();
    names
}

/// The folder that holds the state of all simulated cards: `chosen`, else what [`STATE_FOLDER_VARIABLE`] names, else
/// the one in the user's XDG state home. It need not exist yet.
///
/// # Errors
/// [`Error::CardUnusable`] if none of these is there: no `HOME`.
pub fn state_folder(chosen: Option<&Path>) -> Result<PathBuf> {
    state_root(CardId::Simulated(0), chosen)
}

/// Folder of the sockets of served cards, in the state folder.
const SERVED_FOLDER: &str = "served";

/// An opening of a card's folder.
#[derive(Debug)]
pub(crate) struct CardStore {
    id: CardId,
    folder: PathBuf,
    turn: File,
    queue: File,
    health: Arc<Health>,
    // Released in this order: first nobody is listed, then others may open.
    _holder: LockedFile,
    _access: File,
    _passage: Passage,
}

/// What is stored for a card, checked.
#[derive(Debug, Default)]
pub(crate) struct Stored {
    pub(crate) record: Record,
    pub(crate) image: Option<Vec<u8>>,
    pub(crate) model: Option<Vec<u8>>,
}

impl CardStore {
    pub(crate) fn open(id: CardId, options: &OpenOptions, passage: Passage) -> Result<Self> {
        let folder = state_root(id, options.state_folder.as_deref())?.join(id.folder_name());
        let fault = |action, path: &Path, source| Error::StateFolder {
            card: id,
            action,
            path: path.to_owned(),
            source,
            advice: FOLDER_ADVICE,
        };
        std::fs::create_dir_all(&folder)
            .map_err(|source| fault("create the folder", &folder, source))?;

        let lock_file = |name: &str| {
            let path = folder.join(name);
            FileOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .open(&path)
                .map_err(|source| fault("open the lock", &path, source))
        };
        let access = lock_file("access.lock")?;
        let locked = match options.access {
            Access::Shared => access.try_lock_shared(),
            Access::Exclusive => access.try_lock(),
        };
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::CardBusy {
                    card: id,
                    holders: holders::describe(&folder),
                });
            }
            Err(TryLockError::Error(source)) => {
                return Err(fault("lock", &folder.join("access.lock"), source));
            }
        }
        let health = Health::open(&folder)
            .map_err(|source| fault("open the health file", &folder.join("health"), source))?;
        passage.check(id, &folder)?;
        let holder = holders::enlist(&folder, options.access, &options.purpose)
            .map_err(|source| fault("write to", &folder.join("holders"), source))?;
        Ok(Self {
            id,
            turn: lock_file("turn.lock")?,
            queue: lock_file("queue.lock")?,
            health: Arc::new(health),
            folder,
            _holder: holder,
            _access: access,
            _passage: passage,
        })
    }

    /// How the card is, for all processes.
    pub(crate) fn health(&self) -> &Arc<Health> {
        &self.health
    }

    /// Reads what is stored; all of it or an error. Needs no turn: what another process replaces and removes while it is
    /// being read is read again.
    pub(crate) fn load(&self) -> Result<Stored> {
        for _ in 1..LOAD_ATTEMPTS {
            let record = self.record()?;
            let loaded = self.load_blobs(&record);
            if loaded.is_ok() || self.record()? == record {
                return loaded;
            }
        }
        self.load_blobs(&self.record()?)
    }

    fn load_blobs(&self, record: &Record) -> Result<Stored> {
        let blob =
            |name: &Option<String>| name.as_ref().map(|name| self.read_blob(name)).transpose();
        Ok(Stored {
            image: blob(&record.image)?,
            model: blob(&record.model)?,
            record: record.clone(),
        })
    }

    /// What is current, without reading it: changes when another process stored something.
    pub(crate) fn record(&self) -> Result<Record> {
        Ok(Record::read(self.id, &self.folder)?.unwrap_or_default())
    }

    /// Stores all at once. `image` is what the card is programmed with, `model` the kernels' state.
    pub(crate) fn commit(
        &self,
        generation: u64,
        image: Option<&[u8]>,
        model: Option<&[u8]>,
    ) -> Result<Record> {
        let image = image
            .map(|bytes| self.write_blob("image", bytes))
            .transpose()?;
        self.commit_record(generation, image, model)
    }

    /// Stores the kernels' state beside an image that is stored already.
    pub(crate) fn commit_model(&self, current: &Record, model: &[u8]) -> Result<Record> {
        self.commit_record(current.generation, current.image.clone(), Some(model))
    }

    fn commit_record(
        &self,
        generation: u64,
        image: Option<String>,
        model: Option<&[u8]>,
    ) -> Result<Record> {
        let model = model
            .map(|bytes| self.write_blob("model", bytes))
            .transpose()?;
        let record = Record {
            generation,
            image,
            model,
        };
        self.write_file("state", &record.to_bytes())?;
        self.remove_unreferenced(&record);
        Ok(record)
    }

    /// Forgets the kernels' state, and the image too if that cannot be read.
    pub(crate) fn discard_model_state(&self) -> Result<()> {
        let (generation, image) = match self.load() {
            Ok(stored) => (stored.record.generation + 1, stored.image),
            Err(Error::StateDamaged { .. }) => {
                let record = Record::read(self.id, &self.folder)
                    .ok()
                    .flatten()
                    .unwrap_or_default();
                let image = record
                    .image
                    .as_ref()
                    .and_then(|name| self.read_blob(name).ok());
                (record.generation + 1, image)
            }
            Err(other) => return Err(other),
        };
        self.commit(generation, image.as_deref(), None).map(|_| ())
    }

    /// Forgets all that the card holds. What is stored may be damaged.
    pub(crate) fn empty(&self) -> Result<()> {
        let record = match self.record() {
            Err(Error::StateDamaged { .. }) => Record::default(),
            record => record?,
        };
        self.commit(record.generation + 1, None, None).map(|_| ())
    }

    fn blob_name(kind: &str, bytes: &[u8]) -> String {
        format!("{kind}-{}", hex::encode(Sha256::digest(bytes)))
    }

    fn write_blob(&self, kind: &str, bytes: &[u8]) -> Result<String> {
        let name = Self::blob_name(kind, bytes);
        // Named by content: what is there already under that name is it, unless a disk or a hand damaged it.
        let there = self.read_blob(&name).is_ok();
        if !there {
            self.write_file(&name, bytes)?;
        }
        Ok(name)
    }

    fn read_blob(&self, name: &str) -> Result<Vec<u8>> {
        let path = self.folder.join(name);
        let damaged = |reason: String| Error::StateDamaged {
            card: self.id,
            path: path.clone(),
            reason,
        };
        let bytes = std::fs::read(&path).map_err(|source| damaged(source.to_string()))?;
        let kind = name.split('-').next().unwrap_or_default();
        if Self::blob_name(kind, &bytes) != name {
            return Err(damaged("its content is not what was stored".to_owned()));
        }
        Ok(bytes)
    }

    /// Writes a file whole or not at all.
    fn write_file(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.folder.join(name);
        let write = || -> io::Result<()> {
            let mut file = tempfile::Builder::new()
                .prefix(".new-")
                .tempfile_in(&self.folder)?;
            file.write_all(bytes)?;
            file.flush()?;
            file.persist(&path)?;
            Ok(())
        };
        write().map_err(|source| Error::StateFolder {
            card: self.id,
            action: "write",
            advice: if source.kind() == io::ErrorKind::StorageFull {
                SPACE_ADVICE
            } else {
                FOLDER_ADVICE
            },
            path: path.clone(),
            source,
        })
    }

    /// Removes blobs nobody refers to, and what a killed writer left. Failing is harmless: it is tried again.
    fn remove_unreferenced(&self, record: &Record) {
        let Ok(entries) = std::fs::read_dir(&self.folder) else {
            return;
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let blob = name.starts_with("image-") || name.starts_with("model-");
            let current = [&record.image, &record.model]
                .into_iter()
                .flatten()
                .any(|used| used == name);
            if (blob && !current) || name.starts_with(".new-") {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}

/// What an onlooker sees of a card's folder, without opening the card.
#[derive(Debug, Default)]
pub(crate) struct Peek {
    pub(crate) generation: u64,
    pub(crate) image: Option<PathBuf>,
    pub(crate) holders: Vec<Holder>,
    pub(crate) leases: Vec<LeaseInfo>,
    /// Why the card is lost, if it is.
    pub(crate) lost: Option<String>,
}

pub(crate) fn peek(id: CardId, chosen: Option<&Path>) -> Result<Peek> {
    let folder = state_root(id, chosen)?.join(id.folder_name());
    if !folder.exists() {
        return Ok(Peek::default());
    }
    let record = Record::read(id, &folder)?.unwrap_or_default();
    Ok(Peek {
        generation: record.generation,
        image: record.image.map(|name| folder.join(name)),
        holders: holders::list(&folder),
        leases: lease::leases_in(&folder),
        lost: match Health::peek(&folder) {
            Some(Condition::Lost(reason)) => Some(reason),
            _ => None,
        },
    })
}

/// The health file in a folder.
#[cfg(test)]
pub(crate) fn open_health(folder: &Path) -> io::Result<Health> {
    Health::open(folder)
}

/// What the health file of a card holds, without opening the card; `None` if it was never used.
pub(crate) fn health(id: CardId, chosen: Option<&Path>) -> Result<Option<Health>> {
    let folder = state_root(id, chosen)?.join(id.folder_name());
    Ok(folder
        .exists()
        .then(|| Health::open(&folder).ok())
        .flatten())
}

#[cfg(test)]
mod tests;
