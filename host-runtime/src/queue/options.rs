//! How a queue is opened.

use std::time::Duration;

use crate::{Error, Result};

/// How submissions go to a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum QueuePath {
    /// One or two at once by push where the card takes pushes, more by the ring.
    #[default]
    Auto,
    /// All by the ring: the card reads them in the host's memory.
    Ring,
    /// All by push: the host writes them to the card, two in a write.
    Push,
}

/// Who judges on the software device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Serving {
    /// A thread of the card, one for all its queues: the shortest way to an answer. Without work it spins for a moment and
    /// then sleeps.
    #[default]
    Thread,
    /// Whoever polls, in batches: the most answers a second, and no other thread.
    Caller,
}

/// How a queue is opened. The default takes 256 submissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueOptions {
    /// Submissions that can be outstanding: a power of two from 2 to [`QueueOptions::MOST_ENTRIES`].
    pub entries: usize,
    /// How submissions go to a card; means nothing to the software device.
    pub path: QueuePath,
    /// Who judges on the software device; means nothing to other cards.
    pub serving: Serving,
    /// What the queue is for, shown to others that find no free pair.
    pub purpose: String,
    /// Longest wait for the card when the queue is opened, and again when it is closed.
    pub timeout: Duration,
}

impl Default for QueueOptions {
    fn default() -> Self {
        Self {
            entries: 256,
            path: QueuePath::default(),
            serving: Serving::default(),
            purpose: String::new(),
            timeout: Duration::from_secs(10),
        }
    }
}

impl QueueOptions {
    /// The largest ring of submissions. Completions have twice as many places, and 15 bits count them.
    pub const MOST_ENTRIES: usize = 1 << 14;

    /// Whether a queue can be like this.
    pub(crate) fn check(&self) -> Result<()> {
        if self.entries.is_power_of_two() && (2..=Self::MOST_ENTRIES).contains(&self.entries) {
            return Ok(());
        }
        Err(Error::QueueSize {
            entries: self.entries,
            most: Self::MOST_ENTRIES,
        })
    }
}
