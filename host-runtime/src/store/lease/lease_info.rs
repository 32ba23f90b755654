//! What is told of a lease to those who look.

use serde::{Deserialize, Serialize};

use super::Access;
use crate::store::holders;

/// What a lease has of a card, for the sums over shared leases. 0: it asked for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reserved {
    /// Bytes of the card's memory.
    pub memory: u64,
    /// Logic, in look-up tables.
    pub luts: u64,
    /// DSP slices.
    pub dsps: u64,
}

/// A lease of a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseInfo {
    /// Process.
    pub pid: u32,
    /// The program's name.
    pub program: String,
    /// The user's name, or number where it has no name.
    pub user: String,
    /// What it was taken for; may be empty.
    pub purpose: String,
    /// Since when, seconds since 1970.
    pub since: u64,
    /// Beside others, or alone.
    pub access: Access,
    /// What it asked for.
    pub reserved: Reserved,
}

impl LeaseInfo {
    /// A lease of this process that begins now.
    pub(crate) fn of_this_process(access: Access, purpose: &str, reserved: Reserved) -> Self {
        Self {
            pid: std::process::id(),
            program: holders::program(),
            user: user(),
            purpose: purpose.to_owned(),
            since: holders::now(),
            access,
            reserved,
        }
    }

    /// Leases in a line, for a message.
    pub(crate) fn describe(leases: &[Self]) -> String {
        let texts: Vec<String> = leases
            .iter()
            .map(|lease| {
                let purpose = if lease.purpose.is_empty() {
                    String::new()
                } else {
                    format!(" for {}", lease.purpose)
                };
                format!(
                    "{} (process {} of {}, {}{purpose})",
                    lease.program, lease.pid, lease.user, lease.access
                )
            })
            .collect();
        if texts.is_empty() {
            "a process that just ended or begins".to_owned()
        } else {
            texts.join(", ")
        }
    }
}

/// Name of the user that this process runs as, as `/etc/passwd` has it.
fn user() -> String {
    let id = rustix::process::getuid().as_raw().to_string();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == id).then(|| name.to_owned())
    });
    name.unwrap_or(id)
}
