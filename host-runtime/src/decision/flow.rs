//! The way of a request through the engine: admitted, handed to a lane, completed, answered.

use super::answer::{Answer, Reason, Request, Time};
use super::core::Core;
use super::namespaces::Route;
use super::pending::{Pending, State};
use super::sessions::Session;
use super::station::LaneFailure;
use crate::queue::{Completion, Refusal, Submission};
use crate::tcp::profile::RISK_MASK;
use crate::tcp::{Decision, Descriptor, Options, Policy, Verdict, golden};

impl Core {
    /// Finds the way of a request that has a session: into the batch that it is judged with, to its lane, or into `refused`.
    #[inline(always)]
    pub(super) fn admit(&mut self, request: &Request, session: Session, refused: &mut Vec<Answer>) {
        let reason = if self.stopping {
            Reason::Stopping
        } else if request.deadline <= self.now {
            Reason::DeadlinePassed
        } else {
            match self.route(session.namespace) {
                Some(Route {
                    batch: Some(batch), ..
                }) => return self.at_once.gather(batch, request, session.namespace),
                Some(route) if !self.pending.is_full() => {
                    return self.begin(request, session, route);
                }
                Some(_) => Reason::Overload,
                None => Reason::NoLane,
            }
        };
        self.refuse(request, Some(session.namespace), reason, refused);
    }

    #[inline(always)]
    fn begin(&mut self, request: &Request, session: Session, route: Route) {
        let namespace = self.namespaces.at(session.namespace);
        namespace.under_way += 1;
        let word = namespace.format | route.slot << 4;
        let tag = self.pending.begin(Pending {
            request: *request,
            arrived: self.now,
            version: namespace.version,
            namespace: session.namespace,
            session: self.sessions.handle(session),
            route,
            tag: 0,
            state: State::Waiting,
        });
        let station = &mut self.stations[route.lane as usize];
        station.slots.begin(route.slot);
        station.give(Submission::with_options_word(request.descriptor, tag, word));
        self.next_check = self.next_check.min(request.deadline);
    }

    /// One round: hands to the lanes what waits, and answers what they have completed, what is late, and what no lane is left
    /// for.
    pub fn turn(&mut self, now: Time, answers: &mut Vec<Answer>) {
        self.advance(now);
        if self.stopping {
            return;
        }
        // Each further round is for what failed lanes had, and there are only so many lanes.
        loop {
            self.evacuate(answers);
            for lane in 0..self.stations.len() {
                self.exchange(lane, answers);
            }
            if self.now >= self.next_check {
                self.look_for_late(answers);
            }
            if self.fallen.is_empty() {
                break;
            }
        }
    }

    fn exchange(&mut self, lane: usize, answers: &mut Vec<Answer>) {
        let station = &mut self.stations[lane];
        if !station.lives {
            return;
        }
        if let Err(failure) = station.hand_over() {
            return self.fail(lane, &failure);
        }
        let mut completions = std::mem::take(&mut self.completions);
        while self.stations[lane].status.under_way > 0 {
            let polled = self.stations[lane].poll(&mut completions);
            let outcome = polled.and_then(|count| {
                answers.reserve(count);
                for completion in &completions[..count] {
                    self.complete(lane, completion, answers)?;
                }
                Ok(count)
            });
            match outcome {
                Ok(count) if count == completions.len() => {}
                Ok(_) => break,
                Err(failure) => {
                    self.fail(lane, &failure);
                    break;
                }
            }
        }
        self.completions = completions;
    }

    #[inline(always)]
    fn complete(
        &mut self,
        lane: usize,
        completion: &Completion,
        answers: &mut Vec<Answer>,
    ) -> Result<(), LaneFailure> {
        let tag = completion.tag();
        let pending = match self.pending.get(tag) {
            Some(pending) if pending.route.lane as usize == lane => pending,
            _ => return Err(LaneFailure::UnknownTag(tag)),
        };
        let station = &mut self.stations[lane];
        let slot = pending.route.slot;
        let expected = station.slots.version(slot);
        if completion.policy_version() != expected {
            let completion = *completion;
            return Err(LaneFailure::WrongVersion {
                completion,
                expected,
            });
        }
        let Request {
            agent,
            ticket,
            asked,
            deadline,
            descriptor,
        } = pending.request;
        let (reason, decision, verdict, cause_code) =
            read(completion, &descriptor).ok_or(LaneFailure::NoVerdict(*completion))?;
        let namespace = self.namespaces.at(pending.namespace);
        if station.audited && self.until_audit > 0 {
            self.until_audit -= 1;
            if self.until_audit == 0 {
                self.until_audit = self.settings.audit.map_or(0, u32::from);
                audit(
                    completion,
                    &descriptor,
                    namespace.format,
                    station.slots.policy(slot),
                )?;
            }
        }
        station.slots.end(slot);
        station.status.under_way -= 1;
        station.status.completed += 1;
        namespace.under_way -= 1;
        let (arrived, session) = (pending.arrived, pending.session);
        let (version, state) = (pending.version, pending.state);
        self.pending.end(tag);
        if state == State::Answered {
            return Ok(());
        }
        let mut answer = Answer {
            agent,
            ticket,
            version,
            latency: self.now.0.saturating_sub(asked.0),
            namespace: namespace.id,
            decision,
            reason,
            verdict,
            cause_code,
            descriptor,
        };
        if deadline <= self.now {
            answer.refuse(Reason::DeadlinePassed);
        } else if self.closed_at.is_some_and(|at| arrived <= at)
            && !self.sessions.of_handle(session).is_some()
        {
            answer.refuse(Reason::SessionClosed);
        }
        namespace.statistics.count(&answer);
        answers.push(answer);
        Ok(())
    }
}

/// Compares a completion with what the golden model says.
#[cold]
fn audit(
    completion: &Completion,
    descriptor: &Descriptor,
    format: u32,
    policy: &Policy,
) -> Result<(), LaneFailure> {
    let wrong = LaneFailure::WrongVerdict(*completion);
    let Ok(options) = Options::try_from(format) else {
        return Err(wrong);
    };
    let detail = golden::evaluate(descriptor, options, policy);
    let cause = detail.cause().map(Refusal::Malformed);
    if detail.verdict() == completion.verdict() && cause == completion.refusal() {
        Ok(())
    } else {
        Err(wrong)
    }
}

/// What a completion says of a descriptor; `None` if that cannot be.
#[inline(always)]
fn read(
    completion: &Completion,
    descriptor: &Descriptor,
) -> Option<(Reason, Decision, Verdict, u8)> {
    let verdict = completion.verdict();
    match completion.refusal() {
        None => {
            let (decision, risk) = (verdict.decision()?, verdict.risk()?);
            let own = descriptor.flags() & RISK_MASK == 1 << risk.bit();
            own.then_some((Reason::Judged, decision, verdict, 0))
        }
        Some(Refusal::Malformed(cause)) if verdict.is_malformed() => {
            Some((Reason::Malformed, Decision::Reject, verdict, cause.code()))
        }
        Some(_) => None,
    }
}
