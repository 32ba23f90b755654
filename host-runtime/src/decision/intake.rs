//! Takes requests in, some hundred at a time. Of all of them the sessions are sought before the first is looked at, for a
//! million agents in random order lie in memory and not in a cache. Then, if they all have the same batch and nothing is to be
//! refused, as nearly always, they are judged where they are; else one by one finds its way.

use super::answer::{AgentId, Answer, Reason, Request, SessionHandle, SessionRequest, Time};
use super::core::Core;
use super::namespaces::{NO_BATCH, Namespace};
use super::sessions::{Finder, Session, Sessions, Who};
use super::statistics::{Class, Step};
use crate::tcp::{Decision, Descriptor, Detail, Verdict};

/// Requests that are taken in together: enough for blocks of the widest vectors though policies differ, and few enough that
/// what is loaded for them stays in the first cache.
pub(super) const MOST: usize = 256;

/// A request, by whatever it names who asks. Inlined, it costs nothing to make: what is not looked at is not loaded.
#[derive(Clone, Copy)]
struct Asked<'a, W> {
    who: W,
    ticket: u64,
    asked: Time,
    deadline: Time,
    descriptor: &'a Descriptor,
}

impl<'a> From<&'a Request> for Asked<'a, AgentId> {
    #[inline(always)]
    fn from(request: &'a Request) -> Self {
        Self {
            who: request.agent,
            ticket: request.ticket,
            asked: request.asked,
            deadline: request.deadline,
            descriptor: &request.descriptor,
        }
    }
}

impl<'a> From<SessionRequest<'a>> for Asked<'a, SessionHandle> {
    #[inline(always)]
    fn from(request: SessionRequest<'a>) -> Self {
        Self {
            who: request.session,
            ticket: request.ticket,
            asked: request.asked,
            deadline: request.deadline,
            descriptor: request.descriptor,
        }
    }
}

impl<W: Who> Asked<'_, W> {
    /// As an agent's own, given its session, which may be [`Session::NONE`].
    fn request(&self, session: Session, sessions: &Sessions) -> Request {
        Request {
            agent: self.who.agent(session, sessions),
            ticket: self.ticket,
            asked: self.asked,
            deadline: self.deadline,
            descriptor: *self.descriptor,
        }
    }
}

/// What is known of the requests that are being taken in.
pub(super) struct Intake {
    sessions: Box<[Session; MOST]>,
    descriptors: Box<[Descriptor; MOST]>,
    details: Box<[Detail; MOST]>,
    outcomes: Outcomes,
}

impl Default for Intake {
    fn default() -> Self {
        Self {
            sessions: Box::new([Session::NONE; MOST]),
            descriptors: Box::new([Descriptor([0; Descriptor::SIZE]); MOST]),
            details: Box::new([Detail::default(); MOST]),
            outcomes: Outcomes::new(),
        }
    }
}

impl Intake {
    /// Seeks who asks, and gathers what they ask for; says how many they are. One of them at a time does little more than wait
    /// for memory, so it is kept to what has to be done before the sessions can be read.
    #[inline(always)]
    fn seek<'a, W: Who>(
        &mut self,
        spots: &mut [W::Spot; MOST],
        finder: &Finder<'_>,
        requests: impl Iterator<Item = Asked<'a, W>>,
    ) -> usize {
        let gathered = self.descriptors.iter_mut().zip(spots);
        let mut count = 0;
        for (request, (descriptor, spot)) in requests.zip(gathered) {
            *spot = request.who.seek(finder);
            *descriptor = *request.descriptor;
            count += 1;
        }
        count
    }

    /// Finds the sessions of those that were sought; says which batch all of them go to. [`NO_BATCH`] if some go elsewhere or
    /// are late.
    #[inline(always)]
    fn find<'a, W: Who>(
        &mut self,
        spots: &[W::Spot],
        finder: &Finder<'_>,
        batches: &[u32],
        now: Time,
        requests: impl Iterator<Item = Asked<'a, W>> + Clone,
    ) -> u32 {
        let found = self.sessions.iter_mut().zip(spots);
        for (request, (session, spot)) in requests.clone().zip(found) {
            *session = request.who.find(*spot, finder);
        }
        // Loops as short as these keep more loads in flight than one that does all.
        let (mut all, mut any) = (NO_BATCH, 0);
        for session in &self.sessions[..spots.len()] {
            let batch = batches.get(session.namespace as usize);
            let batch = *batch.unwrap_or(&NO_BATCH);
            // Both are the same only if all are.
            all &= batch;
            any |= batch;
        }
        let deadlines = requests.take(spots.len()).map(|request| request.deadline);
        let first = deadlines.fold(Time::NEVER, Time::min);
        if all == any && first > now {
            all
        } else {
            NO_BATCH
        }
    }
}

/// What a verdict of the software device means, by its byte.
struct Outcomes([Class; 256]);

impl Outcomes {
    fn new() -> Self {
        Self(std::array::from_fn(|byte| {
            match Verdict(byte as u8).decision() {
                Some(decision) => Class::of(Reason::Judged, decision),
                None => Class::of(Reason::Malformed, Decision::Reject),
            }
        }))
    }

    #[inline(always)]
    fn of(&self, verdict: Verdict) -> Class {
        self.0[usize::from(verdict.0)]
    }
}

/// The step of latencies that many requests in a row have, for they were asked at the same time.
struct Latency {
    now: Time,
    asked: Time,
    latency: u64,
    step: Step,
}

impl Latency {
    fn new(now: Time) -> Self {
        Self {
            now,
            asked: now,
            latency: 0,
            step: Step::of(0),
        }
    }

    #[inline(always)]
    fn since(&mut self, asked: Time) -> (u64, Step) {
        if asked != self.asked {
            self.asked = asked;
            self.latency = self.now.0.saturating_sub(asked.0);
            self.step = Step::of(self.latency);
        }
        (self.latency, self.step)
    }
}

impl Core {
    /// Accepts requests. Each is answered once: those that are judged or refused here and now into `answers`, the others by
    /// a [`turn`](Self::turn).
    pub fn submit(&mut self, now: Time, requests: &[Request], answers: &mut Vec<Answer>) {
        self.take_in(now, requests.iter().map(Asked::from), |answer| {
            answers.push(answer)
        });
    }

    /// As [`submit`](Self::submit), for those who have kept the handles of their sessions: no agent is searched for, no request
    /// and no answer is stored, so it is the fastest way. What is answered here and now is given to `each`. A handle that leads
    /// nowhere is answered [`Reason::SessionClosed`], with an agent and a namespace of 0. The iterator is gone through several
    /// times; it should read what is there and make nothing.
    ///
    /// ```
    /// use host_runtime::decision::{AgentId, Core, JudgeLane, NamespaceId, SessionRequest, Settings, Time};
    /// use host_runtime::tcp::{Decision, Descriptor, Options, Policy};
    ///
    /// let mut core = Core::new(&Settings::default(), vec![Box::new(JudgeLane::new())])?;
    /// core.add_namespace(NamespaceId(1), Options::default(), &Policy::default())?;
    /// let session = core.open(AgentId(42), NamespaceId(1))?;
    ///
    /// let tools: Vec<Descriptor> = vec!["544350020002ba9f11ec0000024407d000c80d920003f202".parse()?; 100];
    /// let requests = tools.iter().zip(0..).map(|(descriptor, ticket)| SessionRequest {
    ///     session,
    ///     ticket,
    ///     asked: Time(900),
    ///     deadline: Time(1_000_000),
    ///     descriptor,
    /// });
    /// let mut cautions = 0;
    /// core.decide(Time(1000), requests, |answer| {
    ///     cautions += usize::from(answer.decision == Decision::Caution);
    /// });
    /// assert_eq!(cautions, 100);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn decide<'a>(
        &mut self,
        now: Time,
        requests: impl Iterator<Item = SessionRequest<'a>> + Clone,
        each: impl FnMut(Answer),
    ) {
        self.take_in(now, requests.map(Asked::from), each);
    }

    #[inline(always)]
    fn take_in<'a, W: Who>(
        &mut self,
        now: Time,
        mut requests: impl Iterator<Item = Asked<'a, W>> + Clone,
        mut each: impl FnMut(Answer),
    ) {
        self.advance(now);
        loop {
            let some = requests.clone();
            let finder = self.sessions.finder();
            let mut spots = [W::Spot::default(); MOST];
            let count = self.intake.seek(&mut spots, &finder, some.clone());
            let (spots, batches) = (&spots[..count], self.namespaces.batches());
            match self
                .intake
                .find(spots, &finder, batches, self.now, some.clone())
            {
                _ if count == 0 => break,
                batch if batch != NO_BATCH && !self.stopping => {
                    self.judge_all(batch, some, count, &mut each);
                }
                _ => self.sort_out(some, count, &mut each),
            }
            if count < MOST {
                break;
            }
            requests.nth(count - 1);
        }
        if !self.fallen.is_empty() {
            let mut answers = Vec::new();
            self.evacuate(&mut answers);
            answers.into_iter().for_each(each);
        }
    }

    /// Judges and answers all that was looked up.
    #[inline(always)]
    fn judge_all<'a, W: Who>(
        &mut self,
        batch: u32,
        requests: impl Iterator<Item = Asked<'a, W>>,
        count: usize,
        each: &mut impl FnMut(Answer),
    ) {
        let Intake {
            sessions,
            descriptors,
            details,
            outcomes,
        } = &mut self.intake;
        let (sessions, details) = (&sessions[..count], &mut details[..count]);
        let lane = self.at_once.judge(batch, &descriptors[..count], details);
        self.stations[lane].status.completed += count as u64;
        let mut latency = Latency::new(self.now);
        for ((request, session), detail) in requests.zip(sessions).zip(&*details) {
            let (latency, step) = latency.since(request.asked);
            let namespace = self.namespaces.at(session.namespace);
            let class = outcomes.of(detail.verdict());
            namespace.statistics.count_as(class, step);
            each(judged(
                namespace,
                request.who.agent(*session, &self.sessions),
                request.ticket,
                latency,
                class,
                *detail,
                request.descriptor,
            ));
        }
    }

    /// Finds a way for each, and judges and answers what was gathered on it.
    #[inline(never)]
    fn sort_out<'a, W: Who>(
        &mut self,
        requests: impl Iterator<Item = Asked<'a, W>>,
        count: usize,
        each: &mut impl FnMut(Answer),
    ) {
        self.next_check = self.next_check.min(self.overdue());
        let mut refused = Vec::new();
        for (index, request) in requests.take(count).enumerate() {
            let session = self.intake.sessions[index];
            let request = request.request(session, &self.sessions);
            if session.is_some() {
                self.admit(&request, session, &mut refused);
            } else {
                let reason = if self.stopping {
                    Reason::Stopping
                } else {
                    W::NOBODY
                };
                self.refuse(&request, None, reason, &mut refused);
            }
        }
        refused.into_iter().for_each(&mut *each);
        let mut latency = Latency::new(self.now);
        while let Some((lane, batch)) = self.at_once.judge_next() {
            self.stations[lane].status.completed += batch.len() as u64;
            for (gathered, descriptor, detail) in batch.judged() {
                let (latency, step) = latency.since(gathered.asked);
                let namespace = self.namespaces.at(gathered.namespace);
                let class = self.intake.outcomes.of(detail.verdict());
                namespace.statistics.count_as(class, step);
                let (agent, ticket) = (gathered.agent, gathered.ticket);
                each(judged(
                    namespace, agent, ticket, latency, class, *detail, descriptor,
                ));
            }
            batch.clear();
        }
    }
}

#[inline(always)]
fn judged(
    namespace: &Namespace,
    agent: AgentId,
    ticket: u64,
    latency: u64,
    class: Class,
    detail: Detail,
    descriptor: &Descriptor,
) -> Answer {
    Answer {
        agent,
        ticket,
        version: namespace.version,
        latency,
        namespace: namespace.id,
        decision: class.decision(),
        reason: class.reason(),
        verdict: detail.verdict(),
        cause_code: detail.0[1],
        descriptor: *descriptor,
    }
}

impl std::fmt::Debug for Intake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Intake").finish_non_exhaustive()
    }
}
