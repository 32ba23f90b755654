//! How a card is, in a file that all processes map: what the ladder out of trouble did, whether somebody is on it now, and
//! whether the card is lost. To look costs a load; counters are atomic, so that no process waits for another to count, and
//! a kill leaves what was written.
//!
//! ```text
//! word 0    magic
//! word 1    state: 0 well, 1 being recovered (next rung in bits 8..16), 2 lost
//! word 2..  counters, see Count
//! word 32   bytes of the reason
//! word 33.. why the card is lost, UTF-8
//! ```
//!
//! Whoever climbs the ladder holds the file's lock; it dies with its process. So a state of 1 without a lock is a recovery
//! that was cut short.

use std::fs::{File, OpenOptions as FileOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use memmap2::{MmapOptions, MmapRaw};
use parking_lot::Mutex;

use crate::recovery::Rung;

/// "FPGAHEA1", little-endian.
const MAGIC: u64 = u64::from_le_bytes(*b"FPGAHEA1");
const BYTES: usize = 1024;
const STATE: usize = 1;
const COUNTERS: usize = 2;
const REASON_BYTES: usize = 32;
const REASON: usize = 33;
/// Longest reason: the rest of the file.
const MOST_REASON: usize = BYTES - 8 * REASON;

/// How often a process that waits for another one's recovery looks again.
const POLL: Duration = Duration::from_millis(1);

/// What is counted. The numbers are places in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Count {
    /// Climbs that were begun.
    Troubles = 0,
    /// Rungs that were tried.
    Aborts = 1,
    SoftResets = 2,
    Reprograms = 3,
    /// Times that the card was given up as lost.
    Losses = 4,
    SelfTestsPassed = 5,
    SelfTestsFailed = 6,
    /// Climbs that ended well, by the rung that helped.
    ByAbort = 7,
    BySoftReset = 8,
    ByReprogram = 9,
}

/// How a card is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Condition {
    Well,
    /// Somebody recovers it, or was killed while doing so, or stopped before this rung.
    InTrouble(Rung),
    Lost(String),
}

/// The health file of one card, mapped.
#[derive(Debug)]
pub(crate) struct Health {
    map: MmapRaw,
    file: File,
    /// The file's lock belongs to the opening: this keeps its threads apart.
    climbing: Mutex<()>,
    climber: Mutex<Option<ThreadId>>,
}

impl Health {
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let file = FileOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(folder.join("health"))?;
        // Written, not only made longer: a full disk must be an error here, and no fault at an access.
        let len = file.metadata()?.len();
        if len < BYTES as u64 {
            file.write_all_at(&[0; BYTES][len as usize..], len)?;
        }
        let map = MmapOptions::new().len(BYTES).map_raw(&file)?;
        let health = Self {
            map,
            file,
            climbing: Mutex::default(),
            climber: Mutex::default(),
        };
        // What is no health file tells nothing, and is begun anew.
        if health.word(0).load(Ordering::Acquire) != MAGIC {
            (1..BYTES / 8).for_each(|index| health.word(index).store(0, Ordering::Relaxed));
            health.word(0).store(MAGIC, Ordering::Release);
        }
        Ok(health)
    }

    /// How a card is, for an onlooker; `None` if nothing tells.
    pub(super) fn peek(folder: &Path) -> Option<Condition> {
        folder.join("health").exists().then_some(())?;
        Some(Self::open(folder).ok()?.condition())
    }

    /// Whether there is nothing to look into: what every call asks.
    pub(crate) fn is_well(&self) -> bool {
        self.word(STATE).load(Ordering::Acquire) == 0
    }

    pub(crate) fn condition(&self) -> Condition {
        let state = self.word(STATE).load(Ordering::Acquire);
        match state & 0xFF {
            0 => Condition::Well,
            2 => Condition::Lost(self.reason()),
            // A damaged word: a self-test will tell.
            _ => Condition::InTrouble(Rung::from_number((state >> 8) as u8)),
        }
    }

    pub(crate) fn set_well(&self) {
        self.word(STATE).store(0, Ordering::Release);
    }

    /// `next`: the rung to go on with.
    pub(crate) fn set_in_trouble(&self, next: Rung) {
        self.word(STATE)
            .store(1 | u64::from(next.number()) << 8, Ordering::Release);
    }

    pub(crate) fn set_lost(&self, reason: &str) {
        let mut end = reason.len().min(MOST_REASON);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        let mut bytes = reason.as_bytes()[..end].to_vec();
        bytes.resize(end.next_multiple_of(8), 0);
        for (index, word) in bytes.chunks_exact(8).enumerate() {
            let word = u64::from_le_bytes(word.try_into().expect("eight bytes"));
            self.word(REASON + index).store(word, Ordering::Relaxed);
        }
        self.word(REASON_BYTES).store(end as u64, Ordering::Relaxed);
        self.word(STATE).store(2, Ordering::Release);
    }

    fn reason(&self) -> String {
        let len = self.word(REASON_BYTES).load(Ordering::Relaxed) as usize;
        let len = len.min(MOST_REASON);
        let mut bytes: Vec<u8> = (0..len.div_ceil(8))
            .flat_map(|index| {
                let word = self.word(REASON + index).load(Ordering::Relaxed);
                word.to_le_bytes()
            })
            .collect();
        bytes.truncate(len);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    pub(crate) fn add(&self, count: Count) {
        self.word(COUNTERS + count as usize)
            .fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count(&self, count: Count) -> u64 {
        self.word(COUNTERS + count as usize).load(Ordering::Relaxed)
    }

    /// The right to climb, if nobody has it within that time.
    pub(crate) fn climb(&self, at_most: Duration) -> io::Result<Option<Climb<'_>>> {
        let begin = Instant::now();
        let Some(alone) = self.climbing.try_lock_for(at_most) else {
            return Ok(None);
        };
        loop {
            match self.file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(source)) => return Err(source),
                Err(TryLockError::WouldBlock) if begin.elapsed() >= at_most => return Ok(None),
                Err(TryLockError::WouldBlock) => std::thread::sleep(POLL),
            }
        }
        *self.climber.lock() = Some(std::thread::current().id());
        Ok(Some(Climb {
            health: self,
            _alone: alone,
        }))
    }

    /// Whether no thread of this opening climbs or waits to.
    #[cfg(test)]
    pub(crate) fn is_idle(&self) -> bool {
        !self.climbing.is_locked()
    }

    /// Whether it is this thread that climbs.
    pub(crate) fn is_mine(&self) -> bool {
        *self.climber.lock() == Some(std::thread::current().id())
    }

    fn word(&self, index: usize) -> &AtomicU64 {
        assert!(index < BYTES / 8);
        // SAFETY: aligned, as a map begins at a page, and within it, as just checked; all access it by words, atomically.
        // The file is the user's own, as long as the map, and nothing cuts it off.
        unsafe { AtomicU64::from_ptr(self.map.as_mut_ptr().cast::<u64>().add(index)) }
    }
}

/// The right to climb the ladder of a card, until it is dropped.
#[derive(Debug)]
pub(crate) struct Climb<'a> {
    health: &'a Health,
    _alone: parking_lot::MutexGuard<'a, ()>,
}

impl Drop for Climb<'_> {
    fn drop(&mut self) {
        *self.health.climber.lock() = None;
        let _ = self.health.file.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_opening_writes_another_sees_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let one = Health::open(folder.path()).unwrap();
        let other = Health::open(folder.path()).unwrap();
        assert!(other.is_well());
        one.add(Count::SoftResets);
        one.set_lost("no answer");
        assert_eq!(other.count(Count::SoftResets), 1);
        assert_eq!(other.condition(), Condition::Lost("no answer".to_owned()));
        other.set_in_trouble(Rung::Reprogram);
        assert_eq!(one.condition(), Condition::InTrouble(Rung::Reprogram));
        other.set_well();
        assert_eq!(one.condition(), Condition::Well);
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let folder = tempfile::tempdir().unwrap();
        let health = Health::open(folder.path()).unwrap();
        health.set_lost(&"ä".repeat(BYTES));
        let Condition::Lost(reason) = health.condition() else {
            panic!("it is lost");
        };
        assert_eq!(reason, "ä".repeat(MOST_REASON / 2));
    }

    #[test]
    fn a_file_that_is_short_or_no_health_file_tells_nothing() {
        for content in [&b"short"[..], &[0xFF; 4096]] {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("health"), content).unwrap();
            let health = Health::open(folder.path()).unwrap();
            assert_eq!(health.condition(), Condition::Well);
            assert_eq!(health.count(Count::Aborts), 0);
        }
    }

    #[test]
    fn one_climbs_at_a_time_across_openings_and_threads() {
        let folder = tempfile::tempdir().unwrap();
        let one = Health::open(folder.path()).unwrap();
        let other = Health::open(folder.path()).unwrap();
        let climb = one.climb(Duration::ZERO).unwrap().unwrap();
        assert!(one.is_mine() && !other.is_mine());
        assert!(other.climb(Duration::ZERO).unwrap().is_none());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                assert!(!one.is_mine());
                assert!(one.climb(Duration::ZERO).unwrap().is_none());
            });
        });
        drop(climb);
        assert!(other.climb(Duration::ZERO).unwrap().is_some());
    }
}
