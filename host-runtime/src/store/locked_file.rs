//! Files that tell of a living process: locked for as long as that holds on to them. One without a lock was left by a
//! process that was killed; whoever looks removes it.

use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// How often a file is made at most.
const CREATE_ATTEMPTS: u32 = 100;

/// What such files are called until they are whole.
const UNFINISHED: &str = ".new-";

/// A file of this process. Dropped, it goes.
#[derive(Debug)]
pub(super) struct LockedFile {
    path: PathBuf,
    _locked: File,
}

impl LockedFile {
    /// Writes `content` as JSON into a new file of a folder, which is made if it is not there.
    pub(super) fn create(folder: &Path, name: &str, content: &impl Serialize) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let content = serde_json::to_vec(content)?;
        for _ in 1..CREATE_ATTEMPTS {
            match Self::write(folder, name, &content) {
                // Somebody who looked just then took it for left over: it was not locked yet.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                created => return created,
            }
        }
        Self::write(folder, name, &content)
    }

    fn write(folder: &Path, name: &str, content: &[u8]) -> io::Result<Self> {
        // Locked before it has its name, so that nobody takes it for left over.
        let mut file = tempfile::Builder::new()
            .prefix(UNFINISHED)
            .tempfile_in(folder)?;
        file.as_file().lock()?;
        file.write_all(content)?;
        file.flush()?;
        let path = folder.join(name);
        let locked = file.persist(&path)?;
        Ok(Self {
            path,
            _locked: locked,
        })
    }
}

impl Drop for LockedFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Whether a living process holds the file.
pub(super) fn is_living(path: &Path) -> bool {
    File::open(path)
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Names and contents of the files of a folder that living processes hold, in the order of their names. Left-over ones are
/// removed.
pub(super) fn living<T: DeserializeOwned>(folder: &Path) -> Vec<(String, T)> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let Ok(file) = File::open(entry.path()) else {
            continue;
        };
        let name = entry.file_name().to_string_lossy().into_owned();
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) if !name.starts_with(UNFINISHED) => {
                let text = std::fs::read(entry.path()).unwrap_or_default();
                let content = serde_json::from_slice(&text);
                found.extend(content.ok().map(|content| (name, content)));
            }
            Err(_) => {}
            Ok(()) => {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    found
}
