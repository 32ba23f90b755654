//! Where built models are kept: by content, written atomically, shared by any number of builds at once.
//!
//! ```text
//! models/<key>/model.so, entry.json     a model and its check sums
//! runtime/<key>/*.o, entry.json                 Verilator's run-time library, compiled once
//! locks/<name>                                  held (flock) while an entry is being made
//! work/<random>                                 builds under way; leftovers of killed ones are removed
//! ```

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::command::{Deadline, POLL};
use super::{BuildError, read, write};
use crate::interface::Interfaces;

/// Age at which a work folder can only be what a killed build left.
const STALE: Duration = Duration::from_secs(24 * 3600);

/// A folder of built models.
#[derive(Debug, Clone)]
pub struct Cache {
    root: PathBuf,
}

/// What makes an entry complete: the SHA-256 of each of its files, in hex.
#[derive(Serialize, Deserialize)]
struct Entry {
    files: BTreeMap<String, String>,
    /// Of a model: its kernels.
    kernels: Vec<Interfaces>,
}

impl Cache {
    /// The cache in `dir`, which is created when needed.
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        let dir = dir.into();
        // The compiler sees these paths from another folder.
        Self {
            root: std::path::absolute(&dir).unwrap_or(dir),
        }
    }

    /// The user's cache: `FPGA_CACHE_DIR`, or `cosim` in the XDG cache home.
    ///
    /// # Errors
    ///
    /// [`BuildError::NoCacheDir`] for a user without a home.
    pub fn user() -> Result<Self, BuildError> {
        if let Some(dir) = std::env::var_os("FPGA_CACHE_DIR").filter(|dir| !dir.is_empty()) {
            return Ok(Self::at(dir));
        }
        let dirs = directories::ProjectDirs::from("", "", "cosim").ok_or(BuildError::NoCacheDir)?;
        Ok(Self::at(dirs.cache_dir()))
    }

    /// Its folder, which need not exist yet.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A folder for one build, removed when dropped.
    pub(super) fn work_dir(&self) -> Result<TempDir, BuildError> {
        let parent = self.folder("work")?;
        self.sweep(&parent);
        TempDir::new_in(&parent)
            .map_err(|source| BuildError::io("create a folder in", &parent, source))
    }

    /// Removes what killed builds left behind; whatever cannot be removed is tried again next time.
    fn sweep(&self, work: &Path) {
        for entry in fs::read_dir(work).into_iter().flatten().flatten() {
            let age = entry
                .metadata()
                .and_then(|metadata| metadata.modified())
                .ok()
                .and_then(|time| SystemTime::now().duration_since(time).ok());
            if age.is_some_and(|age| age > STALE) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    /// Takes the lock of that name; it is released when the file is dropped, or by the system when the
    /// process dies.
    pub(super) fn lock(&self, name: &str, deadline: Deadline) -> Result<File, BuildError> {
        let path = self.folder("locks")?.join(name);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|source| BuildError::io("open", &path, source))?;
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(file),
                Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(BuildError::io("lock", &path, errno.into())),
            }
            if deadline.passed() {
                return Err(BuildError::Locked {
                    path,
                    limit: deadline.limit,
                });
            }
            std::thread::sleep(POLL);
        }
    }

    /// The model of that key, if it is there and intact.
    pub(super) fn model(&self, key: &str) -> Option<(PathBuf, Vec<Interfaces>)> {
        if self.is_open_to_all() {
            return None;
        }
        let dir = self.root.join("models").join(key);
        let entry = intact(&dir)?;
        Some((dir.join("model.so"), entry.kernels))
    }

    /// Puts a model into the cache; its lock is held.
    pub(super) fn insert(
        &self,
        key: &str,
        kernels: &[Interfaces],
        object: &Path,
    ) -> Result<PathBuf, BuildError> {
        let dir = self.insert_files(
            &self.folder("models")?.join(key),
            &[("model.so".to_owned(), object.to_owned())],
            kernels.to_vec(),
        )?;
        Ok(dir.join("model.so"))
    }

    /// The run-time objects of that key, if all are there and intact.
    pub(super) fn runtime(&self, key: &str, names: &[&str]) -> Option<Vec<PathBuf>> {
        let dir = self.root.join("runtime").join(key);
        intact(&dir)?;
        Some(
            names
                .iter()
                .map(|name| dir.join(format!("{name}.o")))
                .collect(),
        )
    }

    /// Puts run-time objects into the cache; their lock is held.
    pub(super) fn insert_runtime(
        &self,
        key: &str,
        names: &[&str],
        from: &Path,
    ) -> Result<Vec<PathBuf>, BuildError> {
        let files: Vec<(String, PathBuf)> = names
            .iter()
            .map(|name| (format!("{name}.o"), from.join(format!("{name}.o"))))
            .collect();
        let dir = self.insert_files(&self.folder("runtime")?.join(key), &files, Vec::new())?;
        Ok(names
            .iter()
            .map(|name| dir.join(format!("{name}.o")))
            .collect())
    }

    /// Builds the entry aside and renames it into place, so that it is there whole or not at all.
    fn insert_files(
        &self,
        dir: &Path,
        files: &[(String, PathBuf)],
        kernels: Vec<Interfaces>,
    ) -> Result<PathBuf, BuildError> {
        let aside = self.work_dir()?;
        let mut entry = Entry {
            files: BTreeMap::new(),
            kernels,
        };
        for (name, from) in files {
            let bytes = read(from)?;
            write(&aside.path().join(name), &bytes)?;
            entry
                .files
                .insert(name.clone(), hex::encode(Sha256::digest(&bytes)));
        }
        let json = serde_json::to_vec_pretty(&entry).expect("plain data");
        write(&aside.path().join("entry.json"), json)?;
        match fs::remove_dir_all(dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(BuildError::io("replace the damaged", dir, error));
            }
            _ => {}
        }
        let aside = aside.keep();
        fs::rename(&aside, dir).map_err(|source| BuildError::io("create", dir, source))?;
        Ok(dir.to_owned())
    }

    fn folder(&self, name: &str) -> Result<PathBuf, BuildError> {
        let path = self.root.join(name);
        // What is in here becomes code of the user's: nobody else's business.
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .map_err(|source| BuildError::io("create", &path, source))?;
        if self.is_open_to_all() {
            return Err(BuildError::OpenCache {
                path: self.root.clone(),
            });
        }
        Ok(path)
    }

    /// Whether every user may put models into the cache.
    fn is_open_to_all(&self) -> bool {
        fs::metadata(&self.root).is_ok_and(|root| root.permissions().mode() & 0o002 != 0)
    }
}

/// The entry in `dir`, if each of its files has the check sum it was stored with.
fn intact(dir: &Path) -> Option<Entry> {
    let entry: Entry = serde_json::from_slice(&fs::read(dir.join("entry.json")).ok()?).ok()?;
    let whole = entry.files.iter().all(|(name, sum)| {
        fs::read(dir.join(name)).is_ok_and(|bytes| hex::encode(Sha256::digest(&bytes)) == *sum)
    });
    if !whole {
        tracing::warn!(path = %dir.display(), "a damaged model in the cache is built again");
    }
    whole.then_some(entry)
}
