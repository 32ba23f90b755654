//! What a process holds, to see that faults leave nothing behind.

use std::fs;

use serde::Serialize;

/// What this process holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Resources {
    /// Open file descriptors.
    pub files: usize,
    /// Threads.
    pub threads: usize,
    /// Mapped regions of the address space.
    pub maps: usize,
    /// Resident memory in KiB.
    pub resident_kib: u64,
}

impl Resources {
    /// As it is now; what the system does not tell is 0.
    pub fn now() -> Self {
        let count = |folder: &str| fs::read_dir(folder).map_or(0, Iterator::count);
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let resident = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|text| text.split_whitespace().next()?.parse().ok());
        Self {
            files: count("/proc/self/fd"),
            threads: count("/proc/self/task"),
            maps: fs::read_to_string("/proc/self/maps").map_or(0, |maps| maps.lines().count()),
            resident_kib: resident.unwrap_or(0),
        }
    }
}
