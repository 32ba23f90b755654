//! Requests under way, by the tag that lanes return.

use super::answer::{AgentId, Request, SessionHandle, Time, Version};
use super::namespaces::Route;
use crate::tcp::Descriptor;

/// What became of a request's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Nobody has it.
    Free,
    /// A lane has the request.
    Waiting,
    /// A lane has the request, whose answer was given already.
    Answered,
}

/// A request under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pending {
    pub(super) request: Request,
    pub(super) arrived: Time,
    /// Of the policy that it was bound to.
    pub(super) version: Version,
    /// Index of the session's namespace.
    pub(super) namespace: u32,
    pub(super) session: SessionHandle,
    pub(super) route: Route,
    pub(super) tag: u32,
    pub(super) state: State,
}

/// All requests under way. No more places are used than were needed at once, so that they stay in the cache; of those, one
/// is used again as late as can be, and with another tag.
#[derive(Debug)]
pub(super) struct PendingTable {
    places: Box<[Pending]>,
    /// How many of the places have ever been used.
    used: usize,
    most: usize,
    /// A ring of the indices of free places among those.
    free: Box<[u32]>,
    first_free: usize,
    free_count: usize,
}

impl PendingTable {
    /// Places for so many.
    pub(super) fn new(most: usize) -> Self {
        let size = most.next_power_of_two();
        let nobody = |tag: usize| Pending {
            request: Request {
                agent: AgentId(0),
                ticket: 0,
                asked: Time(0),
                deadline: Time(0),
                descriptor: Descriptor([0; Descriptor::SIZE]),
            },
            arrived: Time(0),
            version: Version::NONE,
            namespace: 0,
            session: SessionHandle::new(0, 0),
            route: Route {
                lane: 0,
                slot: 0,
                batch: None,
            },
            tag: tag as u32,
            state: State::Free,
        };
        Self {
            places: (0..size).map(nobody).collect(),
            used: 0,
            most,
            free: vec![0; size].into(),
            first_free: 0,
            free_count: 0,
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.free_count == 0 && self.used == self.most
    }

    /// Bytes of all that the table holds.
    pub(super) fn memory(&self) -> usize {
        size_of_val(&*self.places) + size_of_val(&*self.free)
    }

    /// Takes a place, of which there is one, and gives its tag.
    #[inline(always)]
    pub(super) fn begin(&mut self, pending: Pending) -> u32 {
        let index = if self.free_count == 0 {
            self.used += 1;
            self.used - 1
        } else {
            let index = self.free[self.first_free & (self.free.len() - 1)];
            self.first_free = self.first_free.wrapping_add(1);
            self.free_count -= 1;
            index as usize
        };
        let place = &mut self.places[index];
        let tag = place.tag;
        *place = Pending { tag, ..pending };
        tag
    }

    /// The request of that tag, if it is under way.
    #[inline(always)]
    pub(super) fn get(&mut self, tag: u32) -> Option<&mut Pending> {
        let mask = self.places.len() - 1;
        let place = &mut self.places[tag as usize & mask];
        (place.tag == tag && place.state != State::Free).then_some(place)
    }

    /// Gives the place of a request back.
    #[inline(always)]
    pub(super) fn end(&mut self, tag: u32) {
        let mask = self.places.len() - 1;
        let index = tag as usize & mask;
        let place = &mut self.places[index];
        place.tag = tag.wrapping_add(self.free.len() as u32);
        place.state = State::Free;
        self.free[self.first_free.wrapping_add(self.free_count) & mask] = index as u32;
        self.free_count += 1;
    }

    /// Gives a request under way another tag: completions of the one before are not its own.
    pub(super) fn retag(&mut self, tag: u32) -> u32 {
        let index = tag as usize & (self.places.len() - 1);
        let place = &mut self.places[index];
        place.tag = tag.wrapping_add(self.free.len() as u32);
        place.tag
    }

    /// Everything under way.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Pending> {
        self.places[..self.used]
            .iter_mut()
            .filter(|place| place.state != State::Free)
    }
}
