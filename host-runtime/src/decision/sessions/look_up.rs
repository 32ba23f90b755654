//! Looks up many agents at once. Looking up a million in random order is waiting for memory, so that of many is asked for
//! before the first is read.

use super::lines::{LINE, Line};
use super::places::{self, Place};
use super::{LEVELS, Session, Sessions};
use crate::decision::answer::{AgentId, Reason, SessionHandle};
use crate::decision::prefetch::prefetch;

/// All sessions, to look up many: nothing is opened or closed meanwhile.
pub(in crate::decision) struct Finder<'a> {
    sessions: &'a Sessions,
    levels: [&'a [Line]; LEVELS],
    places: &'a [Place],
}

impl Sessions {
    pub(in crate::decision) fn finder(&self) -> Finder<'_> {
        Finder {
            sessions: self,
            levels: std::array::from_fn(|level| match self.levels.get(level) {
                Some(Some(lines)) => lines.as_slice(),
                _ => &[],
            }),
            places: self.places.as_slice(),
        }
    }

    /// The session of that handle, if it is open.
    pub(in crate::decision) fn of_handle(&self, handle: SessionHandle) -> Session {
        places::session(self.places.as_slice(), handle)
    }

    /// The handle of an open session.
    pub(in crate::decision) fn handle(&self, session: Session) -> SessionHandle {
        self.places.handle(session.place)
    }

    /// The agent of an open session.
    #[inline(always)]
    pub(in crate::decision) fn agent(&self, session: Session) -> AgentId {
        self.places.agent(session.place)
    }
}

/// Who asks: an agent by its number, or by the handle of its session.
pub(in crate::decision) trait Who: Copy {
    /// Where the session will be found.
    type Spot: Copy + Default;
    /// What is answered if there is none.
    const NOBODY: Reason;

    /// Begins to load what [`find`](Self::find) reads.
    fn seek(self, finder: &Finder<'_>) -> Self::Spot;

    /// The session; [`Session::NONE`] if there is none.
    fn find(self, spot: Self::Spot, finder: &Finder<'_>) -> Session;

    /// The agent, given its session, which may be [`Session::NONE`].
    fn agent(self, session: Session, sessions: &Sessions) -> AgentId;
}

/// The line that an agent's entry is looked for in first.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::decision) struct Spot {
    level: u32,
    line: u32,
}

impl Who for AgentId {
    type Spot = Spot;
    const NOBODY: Reason = Reason::UnknownAgent;

    #[inline(always)]
    fn seek(self, finder: &Finder<'_>) -> Spot {
        let hash = finder.sessions.hash(self);
        let level = finder.sessions.shards[hash.shard()].level;
        let line = hash.shard() << level | hash.line(level);
        prefetch(finder.levels[level as usize % LEVELS], line);
        Spot {
            level,
            line: line as u32,
        }
    }

    #[inline(always)]
    fn find(self, spot: Spot, finder: &Finder<'_>) -> Session {
        let line = &finder.levels[spot.level as usize % LEVELS][spot.line as usize].0;
        // All are compared, for a branch on the place in the line would be guessed wrong.
        let matches = (0..LINE).fold(0, |matches, place| {
            matches | u32::from(line[place].agent == self.0) << place
        });
        if matches != 0 {
            line[matches.trailing_zeros() as usize % LINE].session()
        } else if line[LINE - 1].is_free() {
            Session::NONE
        } else {
            finder.sessions.get(self).unwrap_or(Session::NONE)
        }
    }

    #[inline(always)]
    fn agent(self, _: Session, _: &Sessions) -> AgentId {
        self
    }
}

impl Who for SessionHandle {
    type Spot = ();
    const NOBODY: Reason = Reason::SessionClosed;

    #[inline(always)]
    fn seek(self, finder: &Finder<'_>) {
        prefetch(finder.places, self.place() as usize);
    }

    #[inline(always)]
    fn find(self, (): (), finder: &Finder<'_>) -> Session {
        places::session(finder.places, self)
    }

    #[inline(always)]
    fn agent(self, session: Session, sessions: &Sessions) -> AgentId {
        if session.is_some() {
            sessions.agent(session)
        } else {
            AgentId::default()
        }
    }
}
