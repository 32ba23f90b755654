//! Who holds a card: a locked file for each opening. A file without a lock is left over from a killed process.

use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::Access;

/// One opening of a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Process.
    pub pid: u32,
    /// The program's name.
    pub program: String,
    /// What it opened the card for; may be empty.
    pub purpose: String,
    /// Since when, seconds since 1970.
    pub since: u64,
    /// Beside others, or alone.
    pub access: Access,
}

/// How often a holder's file is made at most.
const CREATE_ATTEMPTS: u32 = 100;

#[derive(Debug)]
pub(super) struct HolderFile {
    path: PathBuf,
    _locked: File,
}

impl HolderFile {
    pub(super) fn create(folder: &Path, access: Access, purpose: &str) -> io::Result<Self> {
        let holders = folder.join("holders");
        std::fs::create_dir_all(&holders)?;
        let program = std::env::current_exe()
            .ok()
            .and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
            .unwrap_or_else(|| "unknown program".to_owned());
        let holder = Holder {
            pid: std::process::id(),
            program,
            purpose: purpose.to_owned(),
            since: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_secs()),
            access,
        };
        for _ in 1..CREATE_ATTEMPTS {
            match Self::write(&holders, &holder) {
                // Somebody who looked just then took it for left over: it was not locked yet.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                created => return created,
            }
        }
        Self::write(&holders, &holder)
    }

    fn write(holders: &Path, holder: &Holder) -> io::Result<Self> {
        // Locked before it has its name, so that nobody takes it for left over.
        let mut file = tempfile::Builder::new()
            .prefix(".new-")
            .tempfile_in(holders)?;
        file.as_file().lock()?;
        file.write_all(&serde_json::to_vec(holder)?)?;
        file.flush()?;
        let path = holders.join(format!(
            "{}-{}.json",
            holder.pid,
            uuid::Uuid::new_v4().simple()
        ));
        let locked = file.persist(&path)?;
        Ok(Self {
            path,
            _locked: locked,
        })
    }
}

impl Drop for HolderFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Everybody who holds the card now. Left-over files are removed.
pub(super) fn list(folder: &Path) -> Vec<Holder> {
    let Ok(entries) = std::fs::read_dir(folder.join("holders")) else {
        return Vec::new();
    };
    let mut holders = Vec::new();
    for entry in entries.flatten() {
        let Ok(file) = File::open(entry.path()) else {
            continue;
        };
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => {
                let text = std::fs::read(entry.path()).unwrap_or_default();
                holders.extend(serde_json::from_slice::<Holder>(&text));
            }
            Ok(()) => {
                let _ = std::fs::remove_file(entry.path());
            }
            Err(TryLockError::Error(_)) => {}
        }
    }
    holders.sort_by_key(|holder| (holder.since, holder.pid));
    holders
}

/// The holders in a line, for a message.
pub(super) fn describe(folder: &Path) -> String {
    let holders: Vec<String> = list(folder)
        .iter()
        .map(|holder| {
            let access = match holder.access {
                Access::Shared => "shared",
                Access::Exclusive => "exclusive",
            };
            let purpose = if holder.purpose.is_empty() {
                String::new()
            } else {
                format!(" for {}", holder.purpose)
            };
            format!(
                "{} (process {}, {access}{purpose})",
                holder.program, holder.pid
            )
        })
        .collect();
    if holders.is_empty() {
        "a process that just ended or begins".to_owned()
    } else {
        holders.join(", ")
    }
}
