//! The engine without a clock and without a thread: what it does is a function of the calls and the times they bring.

use super::answer::{AgentId, Answer, NamespaceId, Reason, Request, SessionHandle, Time, Version};
use super::at_once::AtOnce;
use super::error::DecisionError;
use super::intake::Intake;
use super::lane::Lane;
use super::namespaces::Namespaces;
use super::pending::{PendingTable, State};
use super::sessions::{OpenError, Sessions};
use super::settings::Settings;
use super::station::{LaneStatus, Station};
use super::statistics::Statistics;
use crate::queue::Completion;
use crate::tcp::{Options, Policy};

/// Completions taken from a lane at once.
const COMPLETIONS: usize = 1024;

/// The decision engine, driven by its caller: requests go in by [`submit`](Self::submit), and come out answered of that, if
/// the software device judges them or they are refused, or of a later [`turn`](Self::turn).
///
/// ```
/// use host_runtime::decision::{AgentId, Core, JudgeLane, NamespaceId, Reason, Request, Settings, Time};
/// use host_runtime::tcp::{Decision, Options, Policy};
///
/// let mut core = Core::new(&Settings::default(), vec![Box::new(JudgeLane::new())])?;
/// let namespace = NamespaceId(1);
/// let version = core.add_namespace(namespace, Options::default(), &Policy::default())?;
/// core.open(AgentId(42), namespace)?;
///
/// let request = Request {
///     agent: AgentId(42),
///     ticket: 7,
///     asked: Time(900),
///     deadline: Time(1_000_000),
///     descriptor: "544350020002ba9f11ec0000024407d000c80d920003f202".parse()?,
/// };
/// let mut answers = Vec::new();
/// core.submit(Time(1000), &[request], &mut answers);
/// core.turn(Time(1500), &mut answers);
/// assert_eq!((answers[0].ticket, answers[0].decision), (7, Decision::Caution));
/// assert_eq!((answers[0].reason, answers[0].version), (Reason::Judged, version));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Core {
    pub(super) settings: Settings,
    /// The lane timeout in nanoseconds.
    pub(super) patience: u64,
    pub(super) now: Time,
    pub(super) stopping: bool,
    pub(super) sessions: Sessions,
    pub(super) namespaces: Namespaces,
    pub(super) pending: PendingTable,
    pub(super) stations: Vec<Station>,
    pub(super) at_once: AtOnce,
    pub(super) intake: Intake,
    /// Lanes that failed, whose requests have not been moved yet.
    pub(super) fallen: Vec<usize>,
    /// When a session was last closed: what arrived until then may have lost its session.
    pub(super) closed_at: Option<Time>,
    /// Nothing under way is late before this.
    pub(super) next_check: Time,
    pub(super) completions: Box<[Completion]>,
    /// Answers of requests without a namespace.
    pub(super) nameless: Statistics,
    /// Verdicts until the next that is compared with the golden model's.
    pub(super) until_audit: u32,
}

impl Core {
    /// An engine with these lanes, the preferred one first.
    ///
    /// # Errors
    /// [`DecisionError::NoLanes`], [`DecisionError::Setting`], [`DecisionError::Memory`].
    pub fn new(settings: &Settings, lanes: Vec<Box<dyn Lane>>) -> Result<Self, DecisionError> {
        settings.check()?;
        if lanes.is_empty() {
            return Err(DecisionError::NoLanes);
        }
        Ok(Self {
            settings: *settings,
            patience: settings.lane_timeout.as_nanos() as u64,
            now: Time(0),
            stopping: false,
            sessions: Sessions::new(settings.max_agents).map_err(memory)?,
            namespaces: Namespaces::new(settings.max_namespaces),
            pending: PendingTable::new(settings.max_under_way),
            stations: lanes.into_iter().map(Station::new).collect(),
            at_once: AtOnce::default(),
            intake: Intake::default(),
            fallen: Vec::new(),
            closed_at: None,
            next_check: Time::NEVER,
            completions: vec![Completion::default(); COMPLETIONS].into(),
            nameless: Statistics::default(),
            until_audit: settings.audit.map_or(0, u32::from),
        })
    }

    /// Adds a namespace, and gives the version of its policy. Of the options, checksum and layout count.
    ///
    /// # Errors
    /// [`DecisionError::NamespaceExists`], [`DecisionError::TooManyNamespaces`].
    pub fn add_namespace(
        &mut self,
        id: NamespaceId,
        options: Options,
        policy: &Policy,
    ) -> Result<Version, DecisionError> {
        self.namespaces.add(id, options, policy)
    }

    /// Puts another policy in force, and gives its version: requests submitted from now on are decided by it or a later one.
    ///
    /// # Errors
    /// [`DecisionError::NamespaceUnknown`].
    pub fn set_policy(
        &mut self,
        id: NamespaceId,
        policy: &Policy,
    ) -> Result<Version, DecisionError> {
        let (version, route) = self.namespaces.set_policy(id, policy)?;
        self.unbind(route);
        Ok(version)
    }

    /// Removes a namespace that has neither sessions nor requests under way.
    ///
    /// # Errors
    /// [`DecisionError::NamespaceUnknown`], [`DecisionError::NamespaceInUse`].
    pub fn remove_namespace(&mut self, id: NamespaceId) -> Result<(), DecisionError> {
        let route = self.namespaces.remove(id)?;
        self.unbind(route);
        Ok(())
    }

    /// Opens an agent's session, and gives its handle, for [`decide`](Self::decide).
    ///
    /// # Errors
    /// [`DecisionError::NamespaceUnknown`], [`DecisionError::AgentOpen`], [`DecisionError::TooManyAgents`],
    /// [`DecisionError::Memory`].
    pub fn open(
        &mut self,
        agent: AgentId,
        namespace: NamespaceId,
    ) -> Result<SessionHandle, DecisionError> {
        let index = self.namespaces.index(namespace)?;
        let most = self.settings.max_agents;
        if self.sessions.len() == most {
            return Err(DecisionError::TooManyAgents { most });
        }
        let handle = self
            .sessions
            .open(agent, index)
            .map_err(|error| match error {
                OpenError::In(other) => DecisionError::AgentOpen {
                    agent,
                    namespace: self.namespaces.at(other).id,
                },
                OpenError::Memory(error) => memory(error),
            })?;
        self.namespaces.at(index).sessions += 1;
        Ok(handle)
    }

    /// Closes an agent's session. Its requests under way are answered [`Reason::SessionClosed`].
    ///
    /// # Errors
    /// [`DecisionError::AgentUnknown`].
    pub fn close(&mut self, agent: AgentId) -> Result<(), DecisionError> {
        let unknown = DecisionError::AgentUnknown { agent };
        let session = self.sessions.close(agent).ok_or(unknown)?;
        self.namespaces.at(session.namespace).sessions -= 1;
        self.closed_at = Some(self.now);
        Ok(())
    }

    /// How many sessions are open.
    pub fn agents(&self) -> usize {
        self.sessions.len()
    }

    /// How many requests are under way: accepted, and not answered yet or not completed by their lane.
    pub fn under_way(&self) -> usize {
        self.stations
            .iter()
            .map(|station| station.status.under_way)
            .sum()
    }

    /// Bytes that sessions take, with all the room for more of them that was taken at once.
    pub fn session_memory(&self) -> usize {
        self.sessions.memory()
    }

    /// Bytes that requests under way take; the same however many there are.
    pub fn request_memory(&self) -> usize {
        self.pending.memory()
    }

    /// What was answered to a namespace.
    ///
    /// # Errors
    /// [`DecisionError::NamespaceUnknown`].
    pub fn statistics(&self, id: NamespaceId) -> Result<&Statistics, DecisionError> {
        Ok(&self.namespaces.get(id)?.statistics)
    }

    /// What was answered to all.
    pub fn total_statistics(&self) -> Statistics {
        let mut total = self.namespaces.statistics();
        total += &self.nameless;
        total
    }

    /// How the lanes do, in the order they were given.
    pub fn lanes(&self) -> impl ExactSizeIterator<Item = &LaneStatus> {
        self.stations.iter().map(|station| &station.status)
    }

    /// Answers everything that is under way, and from now on every request at once: REJECT, [`Reason::Stopping`]. The lanes
    /// are not asked again.
    pub fn stop(&mut self, now: Time, answers: &mut Vec<Answer>) {
        self.advance(now);
        self.stopping = true;
        let under_way: Vec<_> = self.pending.iter_mut().map(|pending| *pending).collect();
        for pending in under_way {
            if pending.state == State::Waiting {
                self.answer_refused(pending.tag, Reason::Stopping, answers);
            }
            self.namespaces.at(pending.namespace).under_way -= 1;
            self.pending.end(pending.tag);
        }
        for station in &mut self.stations {
            station.clear();
        }
    }

    /// Time does not go back.
    pub(super) fn advance(&mut self, now: Time) {
        self.now = self.now.max(now);
    }

    /// REJECT for a request that never got under way.
    #[cold]
    pub(super) fn refuse(
        &mut self,
        request: &Request,
        namespace: Option<u32>,
        reason: Reason,
        answers: &mut Vec<Answer>,
    ) {
        let (id, statistics) = match namespace {
            Some(index) => {
                let namespace = self.namespaces.at(index);
                (namespace.id, &mut namespace.statistics)
            }
            None => (NamespaceId::default(), &mut self.nameless),
        };
        let answer = Answer::refused(request, self.now, id, reason);
        statistics.count(&answer);
        answers.push(answer);
    }
}

fn memory(error: std::io::Error) -> DecisionError {
    DecisionError::Memory {
        reason: error.to_string(),
    }
}
