//! Looks up many agents at once. Looking up a million in random order is waiting for memory, so that of a whole group is asked
//! for while the group before is worked on, and then read in a loop so short that the CPU waits for many at a time.

use super::lines::{LINE, Line};
use super::{LEVELS, Session, Sessions};
use crate::decision::answer::{AgentId, Request};
use crate::decision::prefetch::prefetch;

/// Agents that are looked up together.
pub(in crate::decision) const GROUP: usize = 64;

/// The line that an agent's entry is looked for in first.
#[derive(Debug, Clone, Copy, Default)]
struct Spot {
    level: u32,
    line: u32,
}

/// Where a group's entries are, as long as no session is opened or closed.
#[derive(Debug, Clone)]
pub(in crate::decision) struct Spots([Spot; GROUP]);

impl Default for Spots {
    fn default() -> Self {
        Self([Spot::default(); GROUP])
    }
}

impl Sessions {
    fn slices(&self) -> [&[Line]; LEVELS] {
        std::array::from_fn(|level| match self.levels.get(level) {
            Some(Some(lines)) => lines.as_slice(),
            _ => &[],
        })
    }

    /// Begins to load what [`find`](Self::find) reads for the agent that is at this place of its group.
    #[inline(always)]
    pub(in crate::decision) fn seek(&self, agent: AgentId, place: usize, spots: &mut Spots) {
        let hash = self.hash(agent);
        let level = self.shards[hash.shard()].level;
        let line = hash.shard() << level | hash.line(level);
        spots.0[place] = Spot {
            level,
            line: line as u32,
        };
        if let Some(line) = self.level(level).get(line) {
            prefetch(line);
        }
    }

    /// The sessions of these requests, which were sought before.
    pub(in crate::decision) fn find(
        &self,
        requests: &[Request],
        spots: &Spots,
        sessions: &mut [Session; GROUP],
    ) {
        let levels = self.slices();
        for ((request, spot), session) in requests.iter().zip(&spots.0).zip(sessions) {
            let line = &levels[spot.level as usize % LEVELS][spot.line as usize].0;
            // All are compared, for a branch on the place in the line would be guessed wrong.
            let matches = (0..LINE).fold(0, |matches, place| {
                matches | u32::from(line[place].agent == request.agent.0) << place
            });
            *session = if matches != 0 {
                line[matches.trailing_zeros() as usize % LINE].session()
            } else if line[LINE - 1].is_free() {
                Session::NONE
            } else {
                self.get(request.agent).unwrap_or(Session::NONE)
            };
        }
    }
}
