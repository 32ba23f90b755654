//! Open sessions by their handles: 8 bytes each, side by side, so that those of a million agents nearly fit in a cache.

use std::io;

use bytemuck::{Pod, Zeroable};
use memmap2::{MmapMut, MmapOptions};

use super::Session;
use crate::decision::answer::{AgentId, SessionHandle};

/// Memory is counted as the system gives it.
const PAGE: usize = 4096;

/// What a handle leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(in crate::decision) struct Place {
    /// One more than the namespace's index; 0 if nobody has the place.
    namespace: u32,
    /// Counts sessions, so that a handle does not lead to who has its place later. 0 if nobody has the place.
    opening: u32,
}

impl Place {
    /// A place that nobody has.
    const FREE: Self = Self {
        namespace: 0,
        opening: 0,
    };
}

/// All places. They do not move: address space for as many as there may be is taken at once, memory as they are used.
#[derive(Debug)]
pub(super) struct Places {
    places: Table<Place>,
    /// Who has them: not needed to decide, so not in the way.
    agents: Table<u64>,
    /// How many were ever used.
    used: usize,
    /// Those of them that nobody has.
    free: Vec<u32>,
    openings: u32,
}

/// Memory of zeros, given by the system as it is touched.
#[derive(Debug)]
struct Table<T>(MmapMut, std::marker::PhantomData<T>);

impl<T: Pod> Table<T> {
    fn new(entries: usize) -> io::Result<Self> {
        let map = MmapOptions::new()
            .len(entries * size_of::<T>())
            .no_reserve_swap()
            .map_anon()?;
        Ok(Self(map, std::marker::PhantomData))
    }

    #[inline(always)]
    fn as_slice(&self) -> &[T] {
        bytemuck::cast_slice(&self.0)
    }

    fn at(&mut self, index: u32) -> &mut T {
        &mut bytemuck::cast_slice_mut(&mut self.0)[index as usize]
    }
}

impl Places {
    /// Room for so many.
    pub(super) fn new(most: usize) -> io::Result<Self> {
        Ok(Self {
            places: Table::new(most)?,
            agents: Table::new(most)?,
            used: 0,
            free: Vec::new(),
            openings: 0,
        })
    }

    /// Bytes of all that was touched.
    pub(super) fn memory(&self) -> usize {
        (self.used * size_of::<Place>()).next_multiple_of(PAGE)
            + (self.used * size_of::<u64>()).next_multiple_of(PAGE)
            + self.free.capacity() * size_of::<u32>()
    }

    /// Takes a place for a session. There has to be one.
    pub(super) fn take(&mut self, agent: AgentId, namespace: u32) -> u32 {
        let index = self.free.pop().unwrap_or_else(|| {
            self.used += 1;
            (self.used - 1) as u32
        });
        // 0 would be the opening of a place that nobody has.
        self.openings = self.openings.checked_add(1).unwrap_or(1);
        *self.places.at(index) = Place {
            namespace: namespace + 1,
            opening: self.openings,
        };
        *self.agents.at(index) = agent.0;
        index
    }

    /// Gives the place of a session back.
    pub(super) fn give_back(&mut self, index: u32) {
        *self.places.at(index) = Place::FREE;
        self.free.push(index);
    }

    /// The handle of the session that has this place.
    pub(super) fn handle(&self, index: u32) -> SessionHandle {
        let opening = self.as_slice()[index as usize].opening;
        SessionHandle::new(index, opening)
    }

    /// Who has this place.
    #[inline(always)]
    pub(super) fn agent(&self, index: u32) -> AgentId {
        AgentId(
            self.agents
                .as_slice()
                .get(index as usize)
                .map_or(0, |agent| *agent),
        )
    }

    #[inline(always)]
    pub(super) fn as_slice(&self) -> &[Place] {
        self.places.as_slice()
    }
}

/// The session of that handle, [`Session::NONE`] if it is not open any more.
#[inline(always)]
pub(super) fn session(places: &[Place], handle: SessionHandle) -> Session {
    let place = places
        .get(handle.place() as usize)
        .copied()
        .unwrap_or(Place::FREE);
    // No handle has the opening 0, unless somebody made it up: then this is no namespace.
    let namespace = if place.opening == handle.opening() {
        place.namespace.wrapping_sub(1)
    } else {
        Session::NONE.namespace
    };
    Session {
        namespace,
        place: handle.place(),
    }
}
