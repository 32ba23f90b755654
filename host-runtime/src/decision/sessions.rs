//! Which agent is in which namespace: by the agent's number, 16 bytes an entry, found within one cache line nearly always; or
//! by the handle that opening the session gave, 8 bytes an entry and no search.
//!
//! The table of numbers is 256 shards that grow each for itself, so that opening a session moves at most a 256th of them.

mod lines;
mod look_up;
mod places;

use std::hash::{BuildHasher, RandomState};
use std::io;

use super::{AgentId, SessionHandle};
use lines::{Entry, LINE, Line, Lines};
pub(super) use look_up::{Finder, Who};
use places::Places;

/// Shards, chosen by the hash's top byte.
const SHARDS: usize = 256;
/// A shard that is fuller than three quarters grows.
const FULLEST: (usize, usize) = (3, 4);

/// Entries of two lines that CPUs load together.
const PAIR: usize = 2 * LINE;
/// Levels there can be: the last has room for more agents than the settings allow.
const LEVELS: usize = 24;

/// An open session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Session {
    /// Index of its namespace.
    pub(super) namespace: u32,
    /// Where its handle leads.
    pub(super) place: u32,
}

impl Session {
    /// No session.
    pub(super) const NONE: Self = Self {
        namespace: u32::MAX,
        place: u32::MAX,
    };

    /// Whether it is one.
    #[inline(always)]
    pub(super) const fn is_some(self) -> bool {
        self.namespace != Self::NONE.namespace
    }
}

/// A power of two of lines.
#[derive(Debug, Clone, Copy)]
struct Shard {
    /// The power of two.
    level: u32,
    len: u32,
}

/// A pair of lines.
const FIRST_LEVEL: u32 = 1;

/// All open sessions.
#[derive(Debug)]
pub(super) struct Sessions {
    shards: [Shard; SHARDS],
    /// The lines of all shards of a level, shard after shard, where a shard is at that level.
    levels: Vec<Option<Lines>>,
    places: Places,
    len: usize,
    /// Agents choose their numbers, and must not be able to choose where they lie.
    keys: [u64; 2],
}

/// What scatters agents over shards and lines.
#[derive(Debug, Clone, Copy)]
struct Hash(u64);

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

    /// Where the agent's entry is, or else the free entry that it would take. The home line is searched first, then its
    /// neighbour, which CPUs load with it, then the pairs of lines behind them.
    fn find(&self, agent: u64, home: usize) -> (usize, bool) {
        let mask = self.0.len() * LINE - 1;
        let (first, swap) = ((home & !1) * LINE, (home & 1) * LINE);
        // There is always a free entry: a shard is never full.
        let mut index = first;
        loop {
            let entry = self.entry(index ^ swap);
            if entry.is_free() || entry.agent == agent {
                return (index ^ swap, !entry.is_free());
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
    /// Room for so many.
    pub(super) fn new(most: usize) -> io::Result<Self> {
        let random = RandomState::new();
        Ok(Self {
            shards: [Shard {
                level: FIRST_LEVEL,
                len: 0,
            }; SHARDS],
            levels: vec![None, Some(Lines::new(SHARDS << FIRST_LEVEL)?)],
            places: Places::new(most)?,
            len: 0,
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
            + self.places.memory()
    }

    #[inline(always)]
    fn hash(&self, agent: AgentId) -> Hash {
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

    /// The agent's session.
    pub(super) fn get(&self, agent: AgentId) -> Option<Session> {
        let hash = self.hash(agent);
        let view = self.view(hash.shard());
        let (index, found) = view.find(agent.0, hash.line(self.shards[hash.shard()].level));
        found.then(|| view.entry(index).session())
    }

    /// Opens a session, for which there has to be room.
    pub(super) fn open(
        &mut self,
        agent: AgentId,
        namespace: u32,
    ) -> Result<SessionHandle, OpenError> {
        if let Some(session) = self.get(agent) {
            return Err(OpenError::In(session.namespace));
        }
        let hash = self.hash(agent);
        let shard = hash.shard();
        let Shard { level, len } = self.shards[shard];
        if (len as usize + 1) * FULLEST.1 > (LINE << level) * FULLEST.0 {
            self.grow(shard).map_err(OpenError::Memory)?;
        }
        let place = self.places.take(agent, namespace);
        self.place(hash, Entry::new(agent.0, Session { namespace, place }));
        self.len += 1;
        Ok(self.places.handle(place))
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
        let session = self.get(agent)?;
        let hash = self.hash(agent);
        let (shard, level) = (hash.shard(), self.shards[hash.shard()].level);
        let view = self.view(shard);
        let (index, _) = view.find(agent.0, hash.line(level));
        // Whoever lies in the same pair of lines, or behind full ones, may have found the place taken: all are placed anew.
        let mut moved = Vec::new();
        let mut pair = index / PAIR;
        loop {
            let entries = (0..PAIR).map(|place| *view.entry(pair * PAIR + place));
            let before = moved.len();
            moved.extend(entries.filter(|entry| !entry.is_free()));
            if moved.len() - before < PAIR {
                break;
            }
            pair = (pair + 1) % (view.0.len() * LINE / PAIR);
        }
        let places: Vec<usize> = moved
            .iter()
            .map(|entry| {
                view.find(entry.agent, self.hash(AgentId(entry.agent)).line(level))
                    .0
            })
            .collect();
        for place in places {
            self.put(shard, place, Entry::FREE);
        }
        self.shards[shard].len -= moved.len() as u32;
        for entry in moved {
            if entry.agent != agent.0 {
                self.place(self.hash(AgentId(entry.agent)), entry);
            }
        }
        self.places.give_back(session.place);
        self.len -= 1;
        Some(session)
    }
}

#[cfg(test)]
mod tests;
