//! Which agent is in which namespace: 16 bytes an entry, found within one cache line nearly always.
//!
//! The table is 256 shards that grow each for itself, so that opening a session moves at most a 256th of them.

mod lines;

use std::hash::{BuildHasher, RandomState};
use std::io;

use super::{AgentId, prefetch::prefetch};
use lines::{Entry, LINE, Line, Lines};

/// Shards, chosen by the hash's top byte.
const SHARDS: usize = 256;
/// A shard that is fuller than three quarters grows.
const FULLEST: (usize, usize) = (3, 4);

/// An open session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Session {
    /// Index of its namespace.
    pub(super) namespace: u32,
    /// Tells it from sessions of the same agent before and after it.
    pub(super) opening: u32,
}

/// A power of two of lines; linear probing, no tombstones.
#[derive(Debug, Default, Clone, Copy)]
struct Shard {
    /// The power of two.
    level: u32,
    len: u32,
}

/// All open sessions.
#[derive(Debug)]
pub(super) struct Sessions {
    shards: [Shard; SHARDS],
    /// The lines of all shards of a level, shard after shard, where a shard is at that level.
    levels: Vec<Option<Lines>>,
    len: usize,
    openings: u32,
    /// Agents choose their numbers, and must not be able to choose where they lie.
    keys: [u64; 2],
}

/// Where an agent's entry is looked for first.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Hash(u64);

impl Hash {
    const fn shard(self) -> usize {
        (self.0 >> 56) as usize
    }

    /// The line to begin with, of a shard of that level.
    const fn line(self, level: u32) -> usize {
        self.0 as usize & ((1 << level) - 1)
    }
}

/// The lines of a shard.
struct View<'a>(&'a [Line]);

impl View<'_> {
    fn entry(&self, index: usize) -> &Entry {
        &self.0[index / LINE].0[index % LINE]
    }

    /// Where the agent's entry is, or else the free entry that it would take.
    #[inline(always)]
    fn find(&self, agent: u64, home: usize) -> (usize, bool) {
        let mask = self.0.len() * LINE - 1;
        let mut index = home * LINE;
        // There is always a free entry: a shard is never full.
        loop {
            let entry = self.entry(index);
            if entry.is_free() || entry.agent == agent {
                return (index, !entry.is_free());
            }
            index = (index + 1) & mask;
        }
    }
}

/// Why a session was not opened.
#[derive(Debug)]
pub(super) enum OpenError {
    /// The agent is in the namespace of that index already.
    In(u32),
    /// The system gave no memory.
    Memory(io::Error),
}

impl Sessions {
    pub(super) fn new() -> io::Result<Self> {
        let random = RandomState::new();
        Ok(Self {
            shards: [Shard::default(); SHARDS],
            levels: vec![Some(Lines::new(SHARDS)?)],
            len: 0,
            openings: 0,
            // The multiplier is odd, so that the multiplication loses nothing of the agent's number.
            keys: [random.hash_one(0), random.hash_one(1) | 1],
        })
    }

    /// How many are open.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Bytes of all that the table holds.
    pub(super) fn memory(&self) -> usize {
        size_of::<Self>()
            + self
                .levels
                .iter()
                .flatten()
                .map(Lines::memory)
                .sum::<usize>()
    }

    #[inline(always)]
    pub(super) fn hash(&self, agent: AgentId) -> Hash {
        // Both halves of the product with a secret factor, as in foldhash.
        let [offset, factor] = self.keys;
        let product = u128::from(agent.0 ^ offset) * u128::from(factor);
        Hash(product as u64 ^ (product >> 64) as u64)
    }

    #[inline(always)]
    fn level(&self, level: u32) -> &[Line] {
        match &self.levels[level as usize] {
            Some(lines) => lines.as_slice(),
            None => &[],
        }
    }

    fn view(&self, shard: usize) -> View<'_> {
        let level = self.shards[shard].level;
        View(&self.level(level)[shard << level..(shard + 1) << level])
    }

    fn put(&mut self, shard: usize, index: usize, entry: Entry) {
        let level = self.shards[shard].level;
        if let Some(lines) = &mut self.levels[level as usize] {
            lines.as_mut_slice()[(shard << level) + index / LINE].0[index % LINE] = entry;
        }
    }

    /// The line that an agent's entry is looked for in first.
    #[inline(always)]
    fn line(&self, hash: Hash) -> &Line {
        let level = self.shards[hash.shard()].level;
        &self.level(level)[hash.shard() << level | hash.line(level)]
    }

    /// Begins to load what [`get`](Self::get) reads.
    #[inline(always)]
    pub(super) fn prefetch(&self, hash: Hash) {
        prefetch(self.line(hash));
    }

    /// The agent's session.
    #[inline(always)]
    pub(super) fn get(&self, agent: AgentId, hash: Hash) -> Option<Session> {
        let line = self.line(hash);
        // All four are compared, for a branch on the place in the line would be guessed wrong.
        let matches = (0..LINE).fold(0, |matches, place| {
            matches | u32::from(line.0[place].agent == agent.0) << place
        });
        if matches != 0 {
            let entry = &line.0[matches.trailing_zeros() as usize];
            (!entry.is_free()).then(|| entry.session())
        } else if line.0[LINE - 1].is_free() {
            None
        } else {
            self.get_further(agent, hash)
        }
    }

    #[cold]
    fn get_further(&self, agent: AgentId, hash: Hash) -> Option<Session> {
        let view = self.view(hash.shard());
        let (index, found) = view.find(agent.0, hash.line(self.shards[hash.shard()].level));
        found.then(|| view.entry(index).session())
    }

    /// Opens a session.
    pub(super) fn open(&mut self, agent: AgentId, namespace: u32) -> Result<(), OpenError> {
        let hash = self.hash(agent);
        if let Some(session) = self.get(agent, hash) {
            return Err(OpenError::In(session.namespace));
        }
        let shard = hash.shard();
        let Shard { level, len } = self.shards[shard];
        if (len as usize + 1) * FULLEST.1 > (LINE << level) * FULLEST.0 {
            self.grow(shard).map_err(OpenError::Memory)?;
        }
        self.openings = self.openings.wrapping_add(1);
        let session = Session {
            namespace,
            opening: self.openings,
        };
        self.place(hash, Entry::new(agent.0, session));
        self.len += 1;
        Ok(())
    }

    /// Puts in an agent that is not there; there is a free entry.
    fn place(&mut self, hash: Hash, entry: Entry) {
        let home = hash.line(self.shards[hash.shard()].level);
        let (index, _) = self.view(hash.shard()).find(entry.agent, home);
        self.put(hash.shard(), index, entry);
        self.shards[hash.shard()].len += 1;
    }

    /// Moves a shard to the next level, and gives the memory of its level back if it was the last one there.
    fn grow(&mut self, shard: usize) -> io::Result<()> {
        let level = self.shards[shard].level as usize;
        if self.levels.len() == level + 1 {
            self.levels.push(None);
        }
        let next = &mut self.levels[level + 1];
        if next.is_none() {
            *next = Some(Lines::new(SHARDS << (level + 1))?);
        }
        let old = self.view(shard).0.to_vec();
        self.shards[shard] = Shard {
            level: level as u32 + 1,
            len: 0,
        };
        if self
            .shards
            .iter()
            .all(|shard| shard.level as usize != level)
        {
            self.levels[level] = None;
        }
        for entry in old.iter().flat_map(|line| &line.0) {
            if !entry.is_free() {
                self.place(self.hash(AgentId(entry.agent)), *entry);
            }
        }
        Ok(())
    }

    /// Closes the agent's session, and gives it.
    pub(super) fn close(&mut self, agent: AgentId) -> Option<Session> {
        let hash = self.hash(agent);
        let session = self.get(agent, hash)?;
        let (shard, level) = (hash.shard(), self.shards[hash.shard()].level);
        let (mut hole, _) = self.view(shard).find(agent.0, hash.line(level));
        let mask = (LINE << level) - 1;
        let mut index = hole;
        // Entries behind the hole move up, if they would lie behind a free entry otherwise.
        loop {
            index = (index + 1) & mask;
            let entry = *self.view(shard).entry(index);
            if entry.is_free() {
                break;
            }
            let home = self.hash(AgentId(entry.agent)).line(level) * LINE;
            // Whether the hole lies between the entry's home and the entry, around the end too.
            if index.wrapping_sub(home) & mask >= index.wrapping_sub(hole) & mask {
                self.put(shard, hole, entry);
                hole = index;
            }
        }
        self.put(shard, hole, Entry::FREE);
        self.shards[shard].len -= 1;
        self.len -= 1;
        Some(session)
    }
}

#[cfg(test)]
mod tests;
