//! What the engine does when a lane fails: where policies go, and the requests that it had.

use super::answer::{Answer, Reason, Time};
use super::at_once::AtOnce;
use super::core::Core;
use super::error::DecisionError;
use super::lane::{Lane, LaneError};
use super::namespaces::{Namespace, Route};
use super::pending::State;
use super::station::{LaneFailure, Station};
use crate::queue::Submission;
use crate::tcp::{Options, Policy};

impl Core {
    /// Where a namespace's requests go: the first living lane with a slot for its policy.
    #[inline(always)]
    pub(super) fn route(&mut self, namespace: u32) -> Option<Route> {
        match self.namespaces.at(namespace).route() {
            Some(route) => Some(route),
            None => self.bind(namespace),
        }
    }

    #[cold]
    fn bind(&mut self, namespace: u32) -> Option<Route> {
        let Namespace { policy, format, .. } = *self.namespaces.at(namespace);
        for lane in 0..self.stations.len() {
            if !self.stations[lane].lives {
                continue;
            }
            match self.bind_to(lane, format, &policy) {
                Ok(None) => {}
                Ok(Some(route)) => {
                    self.namespaces.set_route(namespace, route);
                    return Some(route);
                }
                Err(error) => self.fail(lane, &LaneFailure::SetPolicy(error)),
            }
        }
        None
    }

    fn bind_to(
        &mut self,
        lane: usize,
        format: u32,
        policy: &Policy,
    ) -> Result<Option<Route>, LaneError> {
        let station = &mut self.stations[lane];
        let options = Options::try_from(format).unwrap_or_default();
        let judge = station.lane.judge(options, policy)?;
        let Some(slot) = station.slots.bind(policy, station.lane.as_mut())? else {
            return Ok(None);
        };
        let batch = judge.map(|judge| self.at_once.bind(lane, format, policy, judge));
        Ok(Some(Route {
            lane: lane as u32,
            slot,
            batch,
        }))
    }

    fn release(stations: &mut [Station], at_once: &mut AtOnce, route: Route) {
        stations[route.lane as usize].slots.unbind(route.slot);
        if let Some(batch) = route.batch {
            at_once.unbind(batch);
        }
    }

    /// A policy left its place: those that found none there before are tried again.
    pub(super) fn unbind(&mut self, left: Option<Route>) {
        if let Some(route) = left {
            Self::release(&mut self.stations, &mut self.at_once, route);
        }
        let preferred = self.stations.iter().position(|station| station.lives);
        self.unroute(|route| Some(route.lane as usize) != preferred);
    }

    /// Has the way of some namespaces looked for anew.
    fn unroute(&mut self, of: impl Fn(Route) -> bool) {
        for index in 0..self.namespaces.places() {
            if let Some(route) = self.namespaces.take_route(index, &of) {
                Self::release(&mut self.stations, &mut self.at_once, route);
            }
        }
    }

    /// A lane is not asked again. What it has is moved by [`evacuate`](Self::evacuate).
    #[cold]
    pub(super) fn fail(&mut self, lane: usize, failure: &LaneFailure) {
        self.unroute(|route| route.lane as usize == lane);
        let station = &mut self.stations[lane];
        station.lives = false;
        station.let_go();
        station.status.failures += 1;
        station.status.failure = Some(failure.to_string());
        tracing::warn!(
            lane,
            name = station.status.name,
            under_way = station.status.under_way,
            "a decision lane has failed: {failure}"
        );
        self.fallen.push(lane);
    }

    /// Moves what failed lanes have to others, and rejects what there is no place for.
    pub(super) fn evacuate(&mut self, answers: &mut Vec<Answer>) {
        while let Some(lane) = self.fallen.pop() {
            let mut had = Vec::new();
            for pending in self.pending.iter_mut() {
                if pending.route.lane as usize == lane {
                    had.push(pending.tag);
                }
            }
            let station = &mut self.stations[lane];
            station.status.moved += had.len() as u64;
            station.clear();
            for tag in had {
                self.move_on(tag, answers);
            }
        }
    }

    fn move_on(&mut self, tag: u32, answers: &mut Vec<Answer>) {
        let Some(&mut pending) = self.pending.get(tag) else {
            return;
        };
        let index = pending.namespace;
        if pending.state == State::Answered {
            self.namespaces.at(index).under_way -= 1;
            return self.pending.end(tag);
        }
        let Some(route) = self.route(index) else {
            self.answer_refused(tag, Reason::NoLane, answers);
            self.namespaces.at(index).under_way -= 1;
            return self.pending.end(tag);
        };
        let tag = self.pending.retag(tag);
        let namespace = self.namespaces.at(index);
        let word = namespace.format | route.slot << 4;
        if let Some(pending) = self.pending.get(tag) {
            pending.route = route;
            pending.version = namespace.version;
        }
        let station = &mut self.stations[route.lane as usize];
        station.moved_at = self.now;
        station.slots.begin(route.slot);
        let descriptor = pending.request.descriptor;
        station.give(Submission::with_options_word(descriptor, tag, word));
        self.next_check = self.next_check.min(self.overdue());
    }

    /// When what goes to a lane now has been there for too long.
    pub(super) const fn overdue(&self) -> Time {
        Time(self.now.0.saturating_add(self.patience))
    }

    /// Answers a request under way by REJECT. Its lane has it still.
    pub(super) fn answer_refused(&mut self, tag: u32, reason: Reason, answers: &mut Vec<Answer>) {
        let Some(pending) = self.pending.get(tag) else {
            return;
        };
        pending.state = State::Answered;
        let namespace = self.namespaces.at(pending.namespace);
        let answer = Answer::refused(&pending.request, self.now, namespace.id, reason);
        namespace.statistics.count(&answer);
        answers.push(answer);
    }

    /// Answers what is past its deadline, fails lanes that hold something for too long, and finds out when to look again.
    pub(super) fn look_for_late(&mut self, answers: &mut Vec<Answer>) {
        let (mut expired, mut overdue) = (Vec::new(), Vec::new());
        self.next_check = Time::NEVER;
        for pending in self.pending.iter_mut() {
            let lane = pending.route.lane as usize;
            let due = pending.arrived.max(self.stations[lane].moved_at);
            let due = Time(due.0.saturating_add(self.patience));
            if due <= self.now {
                overdue.push(lane);
            } else {
                self.next_check = self.next_check.min(due);
            }
            if pending.state == State::Answered {
                continue;
            }
            let deadline = pending.request.deadline;
            if deadline <= self.now {
                expired.push(pending.tag);
            } else {
                self.next_check = self.next_check.min(deadline);
            }
        }
        for tag in expired {
            self.answer_refused(tag, Reason::DeadlinePassed, answers);
        }
        for lane in overdue {
            if self.stations[lane].lives {
                self.fail(lane, &LaneFailure::Overdue);
            }
        }
    }

    /// Puts a lane in the place of one that failed, such as a new queue on the mended card. Requests go there from now on as
    /// its place in the list says.
    ///
    /// # Errors
    /// [`DecisionError::LaneUnknown`], [`DecisionError::LaneLives`].
    pub fn reinstate(&mut self, lane: usize, by: Box<dyn Lane>) -> Result<(), DecisionError> {
        let lanes = self.stations.len();
        let station = self
            .stations
            .get_mut(lane)
            .ok_or(DecisionError::LaneUnknown { lane, lanes })?;
        if station.lives {
            let name = station.status.name.clone();
            return Err(DecisionError::LaneLives { lane, name });
        }
        station.replace(by);
        tracing::info!(lane, name = station.status.name, "a decision lane is back");
        self.unroute(|_| true);
        Ok(())
    }
}
