//! Who holds a card: a locked file for each opening.

use std::io;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::Access;
use super::locked_file::{self, LockedFile};

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

/// What this process' program is called.
pub(super) fn program() -> String {
    std::env::current_exe()
        .ok()
        .and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .unwrap_or_else(|| "unknown program".to_owned())
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// Has this process listed as a holder until the file is dropped.
pub(super) fn enlist(folder: &Path, access: Access, purpose: &str) -> io::Result<LockedFile> {
    let holder = Holder {
        pid: std::process::id(),
        program: program(),
        purpose: purpose.to_owned(),
        since: now(),
        access,
    };
    let name = format!("{}-{}.json", holder.pid, uuid::Uuid::new_v4().simple());
    LockedFile::create(&folder.join("holders"), &name, &holder)
}

/// Everybody who holds the card now.
pub(super) fn list(folder: &Path) -> Vec<Holder> {
    let living = locked_file::living(&folder.join("holders"));
    let mut holders: Vec<Holder> = living.into_iter().map(|(_, holder)| holder).collect();
    holders.sort_by_key(|holder| (holder.since, holder.pid));
    holders
}

/// The holders in a line, for a message.
pub(super) fn describe(folder: &Path) -> String {
    let holders: Vec<String> = list(folder)
        .iter()
        .map(|holder| {
            let purpose = if holder.purpose.is_empty() {
                String::new()
            } else {
                format!(" for {}", holder.purpose)
            };
            format!(
                "{} (process {}, {}{purpose})",
                holder.program, holder.pid, holder.access
            )
        })
        .collect();
    if holders.is_empty() {
        "a process that just ended or begins".to_owned()
    } else {
        holders.join(", ")
    }
}
