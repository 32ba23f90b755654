//! What a client has asked and not been answered. By it each request is answered once whatever becomes of the engine: what
//! the engine is late with the client answers itself, and then the engine's answer is thrown away.

use super::answer::{Answer, NamespaceId, Reason, Request, Time};

/// What became of a request of the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Free,
    Asked,
    /// Answered by the client. The engine has it still, so its place is taken.
    Expired,
}

#[derive(Debug)]
struct Place {
    /// As the client's user gave it, but for the ticket that tells the place.
    request: Request,
    ticket: u64,
    state: State,
    generation: u16,
}

/// Bits of a ticket: the place, its generation, and above them what routes the answer to the client.
const PLACE_BITS: u32 = 16;
const ROUTE_SHIFT: u32 = 32;

#[derive(Debug)]
pub(super) struct Ledger {
    places: Vec<Place>,
    free: Vec<u16>,
    most: usize,
    /// Places of requests that are not answered.
    asked: usize,
    /// Nothing expires before this.
    next_deadline: Time,
}

/// Where the answer of a ticket goes: the channel's place in the engine's list, and its serial number.
pub(super) const fn route(ticket: u64) -> (usize, u16) {
    ((ticket >> 48) as usize, (ticket >> ROUTE_SHIFT) as u16)
}

impl Ledger {
    /// For so many at once, 65,536 at most.
    pub(super) fn new(most: usize) -> Self {
        Self {
            places: Vec::new(),
            free: Vec::new(),
            most,
            asked: 0,
            next_deadline: Time::NEVER,
        }
    }

    /// How many places are taken.
    pub(super) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// How many requests are not answered.
    pub(super) fn asked(&self) -> usize {
        self.asked
    }

    pub(super) fn is_full(&self) -> bool {
        self.len() == self.most
    }

    /// Enters a request, for which there is a place, and gives it as the engine is to have it.
    pub(super) fn enter(&mut self, request: Request, channel: usize, serial: u16) -> Request {
        let index = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place {
                request,
                ticket: 0,
                state: State::Free,
                generation: 0,
            });
            (self.places.len() - 1) as u16
        });
        let place = &mut self.places[usize::from(index)];
        place.generation = place.generation.wrapping_add(1);
        place.ticket = (channel as u64) << 48
            | u64::from(serial) << ROUTE_SHIFT
            | u64::from(place.generation) << PLACE_BITS
            | u64::from(index);
        place.request = request;
        place.state = State::Asked;
        self.asked += 1;
        self.next_deadline = self.next_deadline.min(request.deadline);
        Request {
            ticket: place.ticket,
            ..request
        }
    }

    /// Strikes out what the engine has answered, and gives the answer as the user is to have it, if it is to.
    pub(super) fn settle(&mut self, answer: Answer) -> Option<Answer> {
        let index = answer.ticket as usize & ((1 << PLACE_BITS) - 1);
        let place = self.places.get_mut(index)?;
        if place.ticket != answer.ticket || place.state == State::Free {
            return None;
        }
        let asked = place.state == State::Asked;
        self.asked -= usize::from(asked);
        place.state = State::Free;
        self.free.push(index as u16);
        asked.then_some(Answer {
            ticket: place.request.ticket,
            ..answer
        })
    }

    /// The next deadline, or an earlier time.
    pub(super) fn next_deadline(&self) -> Time {
        self.next_deadline
    }

    /// Answers what is past its deadline, as much as there is room for, and says how much.
    pub(super) fn expire(&mut self, now: Time, answers: &mut [Answer]) -> usize {
        if now < self.next_deadline {
            return 0;
        }
        let mut count = 0;
        let mut next = Time::NEVER;
        for place in &mut self.places {
            if place.state != State::Asked {
                continue;
            }
            let due = place.request.deadline <= now;
            if due && let Some(answer) = answers.get_mut(count) {
                *answer = refused(&place.request, now, Reason::DeadlinePassed);
                place.state = State::Expired;
                self.asked -= 1;
                count += 1;
            } else {
                next = next.min(place.request.deadline);
            }
        }
        self.next_deadline = next;
        count
    }

    /// Answers what the engine has not answered and will not, as much as there is room for, and says how much.
    pub(super) fn abandon(&mut self, now: Time, answers: &mut [Answer]) -> usize {
        let mut count = 0;
        for (index, place) in self.places.iter_mut().enumerate() {
            if place.state == State::Asked {
                let Some(answer) = answers.get_mut(count) else {
                    break;
                };
                *answer = refused(&place.request, now, Reason::Stopping);
                self.asked -= 1;
                count += 1;
            }
            if place.state != State::Free {
                place.state = State::Free;
                self.free.push(index as u16);
            }
        }
        count
    }
}

/// REJECT from one who does not know the agent's namespace.
pub(super) fn refused(request: &Request, now: Time, reason: Reason) -> Answer {
    Answer::refused(request, now, NamespaceId::default(), reason)
}
