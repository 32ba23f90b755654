//! The engine with a clock and a thread of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use crossbeam_queue::ArrayQueue;
use crossbeam_utils::sync::Parker;
use parking_lot::Mutex;

use super::answer::{AgentId, Answer, NamespaceId, Reason, Time, Version};
use super::channel::{Channel, Sleeper};
use super::client::{Client, refusal};
use super::core::Core;
use super::error::DecisionError;
use super::lane::Lane;
use super::settings::Settings;
use super::station::LaneStatus;
use super::statistics::Statistics;
use super::worker::Worker;
use crate::tcp::{Descriptor, Options, Policy};

/// Longest wait for the engine's thread to finish its round. It takes longer only if a lane does not return from a call.
const PATIENCE: Duration = Duration::from_secs(5);
/// Questions of one client of [`DecisionEngine::decide`] that the engine has still, though their time was up.
const DECIDING: usize = 8;

/// What the engine's thread, its handle and its clients share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) core: Mutex<Core>,
    registry: Mutex<Registry>,
    /// Counts the changes of the registry.
    pub(super) changes: AtomicUsize,
    pub(super) sleeper: Sleeper,
    stopping: AtomicBool,
    began: Instant,
    /// Questions that were rejected before they got to the core.
    shed: AtomicU64,
}

/// The clients' channels, by their index.
#[derive(Debug, Default)]
struct Registry {
    channels: Vec<Option<Arc<Channel>>>,
    serials: u16,
    closed: bool,
}

impl Shared {
    /// Nanoseconds since the engine was started.
    pub(super) fn now(&self) -> Time {
        Time(0).after(self.began.elapsed())
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// There are requests.
    pub(super) fn wake(&self) {
        self.sleeper.wake();
    }

    pub(super) fn channels(&self) -> Vec<Option<Arc<Channel>>> {
        self.registry.lock().channels.clone()
    }

    /// A client is gone.
    pub(super) fn forget(&self, index: usize) {
        self.registry.lock().channels[index] = None;
        self.changes.fetch_add(1, Ordering::SeqCst);
    }

    /// No answer comes any more, nor any client.
    pub(super) fn close(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        let mut registry = self.registry.lock();
        registry.closed = true;
        for channel in registry.channels.iter().flatten() {
            channel.close();
        }
    }
}

/// The decision engine: many threads ask, one thread of its own decides over the lanes it was given.
///
/// ```
/// use host_runtime::decision::{AgentId, DecisionEngine, JudgeLane, NamespaceId, Reason, Settings};
/// use host_runtime::tcp::{Decision, Options, Policy};
/// use std::time::Duration;
///
/// let engine = DecisionEngine::start(&Settings::default(), vec![Box::new(JudgeLane::new())])?;
/// engine.add_namespace(NamespaceId(1), Options::default(), &Policy::default())?;
/// engine.open(AgentId(42), NamespaceId(1))?;
///
/// let git = "544350020002ba9f11ec0000024407d000c80d920003f202".parse()?;
/// let answer = engine.decide(AgentId(42), &git, Duration::from_secs(1));
/// assert_eq!((answer.decision, answer.reason), (Decision::Caution, Reason::Judged));
/// let answer = engine.decide(AgentId(43), &git, Duration::from_secs(1));
/// assert_eq!((answer.decision, answer.reason), (Decision::Reject, Reason::UnknownAgent));
/// engine.stop()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct DecisionEngine {
    shared: Arc<Shared>,
    settings: Settings,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Disconnected when the thread has ended.
    ended: Receiver<()>,
    /// Clients of those that wait for their answers.
    deciding: ArrayQueue<Client>,
}

impl DecisionEngine {
    /// Starts an engine over these lanes, the preferred one first.
    ///
    /// # Errors
    /// [`DecisionError::NoLanes`], [`DecisionError::Setting`], [`DecisionError::Memory`], [`DecisionError::Thread`].
    pub fn start(settings: &Settings, lanes: Vec<Box<dyn Lane>>) -> Result<Self, DecisionError> {
        let parker = Parker::new();
        let shared = Arc::new(Shared {
            core: Mutex::new(Core::new(settings, lanes)?),
            registry: Mutex::default(),
            changes: AtomicUsize::new(0),
            sleeper: Sleeper::new(parker.unparker().clone()),
            stopping: AtomicBool::new(false),
            began: Instant::now(),
            shed: AtomicU64::new(0),
        });
        let worker = Worker::new(Arc::clone(&shared), parker);
        let (running, ended) = crossbeam_channel::bounded(0);
        let thread = std::thread::Builder::new()
            .name("decision-engine".to_owned())
            .spawn(move || {
                let _running = running;
                worker.run();
            })
            .map_err(|error| DecisionError::Thread {
                reason: error.to_string(),
            })?;
        Ok(Self {
            shared,
            settings: *settings,
            thread: Mutex::new(Some(thread)),
            ended,
            deciding: ArrayQueue::new(settings.max_clients),
        })
    }

    /// Answers everything, and ends the thread: what is under way is answered REJECT, [`Reason::Stopping`], and so is what
    /// is asked later. Stopping twice is no error.
    ///
    /// # Errors
    /// [`DecisionError::Busy`] if a lane does not return from a call. Everything is answered then too.
    pub fn stop(&self) -> Result<(), DecisionError> {
        let mut thread = self.thread.lock();
        self.shared.stopping.store(true, Ordering::SeqCst);
        self.shared.wake();
        let Some(running) = thread.take() else {
            return Ok(());
        };
        if self.ended.recv_timeout(PATIENCE) == Err(crossbeam_channel::RecvTimeoutError::Timeout) {
            tracing::error!("the decision engine's thread does not end; a lane holds it up");
            self.shared.close();
            return Err(DecisionError::Busy { waited: PATIENCE });
        }
        if running.join().is_err() {
            tracing::error!("the decision engine's thread has panicked");
        }
        Ok(())
    }

    /// Whether the engine decides nothing any more.
    pub fn is_stopped(&self) -> bool {
        self.shared.is_stopping()
    }

    /// A way to the engine for one thread.
    ///
    /// # Errors
    /// [`DecisionError::TooManyClients`], [`DecisionError::Stopped`].
    pub fn client(&self) -> Result<Client, DecisionError> {
        self.client_of(self.settings.client_entries)
    }

    fn client_of(&self, entries: usize) -> Result<Client, DecisionError> {
        let mut registry = self.shared.registry.lock();
        if registry.closed || self.is_stopped() {
            return Err(DecisionError::Stopped);
        }
        let free = registry.channels.iter().position(Option::is_none);
        let index = match free {
            Some(index) => index,
            None if registry.channels.len() < self.settings.max_clients => {
                registry.channels.push(None);
                registry.channels.len() - 1
            }
            None => {
                return Err(DecisionError::TooManyClients {
                    most: self.settings.max_clients,
                });
            }
        };
        let parker = Parker::new();
        registry.serials = registry.serials.wrapping_add(1);
        let channel = Arc::new(Channel::new(
            registry.serials,
            entries,
            parker.unparker().clone(),
        ));
        registry.channels[index] = Some(Arc::clone(&channel));
        drop(registry);
        self.shared.changes.fetch_add(1, Ordering::SeqCst);
        Ok(Client::new(
            Arc::clone(&self.shared),
            channel,
            index,
            entries,
            parker,
        ))
    }

    /// Decides one request, and waits for it, `timeout` at most. Any number of threads may call it at once; of those beyond
    /// [`Settings::max_clients`] the question is rejected, Overload.
    pub fn decide(&self, agent: AgentId, descriptor: &Descriptor, timeout: Duration) -> Answer {
        let client = self.deciding.pop();
        let mut client = match client.map_or_else(|| self.client_of(DECIDING), Ok) {
            Ok(client) => client,
            Err(error) => {
                let reason = match error {
                    DecisionError::Stopped => Reason::Stopping,
                    _ => Reason::Overload,
                };
                return self.shed(agent, descriptor, reason);
            }
        };
        let answer = client.decide(agent, descriptor, timeout);
        // One that waits for many late answers is better replaced.
        if client.outstanding() < DECIDING {
            let _ = self.deciding.push(client);
        }
        answer
    }

    fn shed(&self, agent: AgentId, descriptor: &Descriptor, reason: Reason) -> Answer {
        if reason == Reason::Overload {
            self.shared.shed.fetch_add(1, Ordering::Relaxed);
        }
        refusal(agent, descriptor, reason)
    }

    /// Does something with the core between two rounds of the thread.
    fn with_core<T>(&self, work: impl FnOnce(&mut Core) -> T) -> Result<T, DecisionError> {
        let Some(mut core) = self.shared.core.try_lock_for(PATIENCE) else {
            return Err(DecisionError::Busy { waited: PATIENCE });
        };
        Ok(work(&mut core))
    }

    fn change<T>(
        &self,
        work: impl FnOnce(&mut Core) -> Result<T, DecisionError>,
    ) -> Result<T, DecisionError> {
        if self.is_stopped() {
            return Err(DecisionError::Stopped);
        }
        self.with_core(work)?
    }

    /// As [`Core::add_namespace`].
    ///
    /// # Errors
    /// As there; [`DecisionError::Stopped`], [`DecisionError::Busy`]. So with all others.
    pub fn add_namespace(
        &self,
        id: NamespaceId,
        options: Options,
        policy: &Policy,
    ) -> Result<Version, DecisionError> {
        self.change(|core| core.add_namespace(id, options, policy))
    }

    /// As [`Core::set_policy`].
    ///
    /// # Errors
    /// As there.
    pub fn set_policy(&self, id: NamespaceId, policy: &Policy) -> Result<Version, DecisionError> {
        self.change(|core| core.set_policy(id, policy))
    }

    /// As [`Core::remove_namespace`].
    ///
    /// # Errors
    /// As there.
    pub fn remove_namespace(&self, id: NamespaceId) -> Result<(), DecisionError> {
        self.change(|core| core.remove_namespace(id))
    }

    /// As [`Core::open`].
    ///
    /// # Errors
    /// As there.
    pub fn open(&self, agent: AgentId, namespace: NamespaceId) -> Result<(), DecisionError> {
        self.change(|core| core.open(agent, namespace).map(|_| ()))
    }

    /// Opens sessions of many agents, and stops at the first that cannot be opened; says how many were. Requests wait
    /// meanwhile, so open some thousands at a time.
    ///
    /// # Errors
    /// As [`Core::open`], if not even the first one was opened.
    pub fn open_many(
        &self,
        agents: &[AgentId],
        namespace: NamespaceId,
    ) -> Result<usize, DecisionError> {
        self.change(|core| {
            for (opened, agent) in agents.iter().enumerate() {
                match core.open(*agent, namespace) {
                    Ok(_) => {}
                    Err(error) if opened == 0 => return Err(error),
                    Err(_) => return Ok(opened),
                }
            }
            Ok(agents.len())
        })
    }

    /// As [`Core::close`].
    ///
    /// # Errors
    /// As there.
    pub fn close(&self, agent: AgentId) -> Result<(), DecisionError> {
        self.change(|core| core.close(agent))
    }

    /// As [`Core::reinstate`].
    ///
    /// # Errors
    /// As there.
    pub fn reinstate(&self, lane: usize, by: Box<dyn Lane>) -> Result<(), DecisionError> {
        self.change(|core| core.reinstate(lane, by))
    }

    /// How many sessions are open.
    ///
    /// # Errors
    /// [`DecisionError::Busy`]. So with all below.
    pub fn agents(&self) -> Result<usize, DecisionError> {
        self.with_core(|core| core.agents())
    }

    /// How the lanes do, in the order they were given.
    ///
    /// # Errors
    /// [`DecisionError::Busy`].
    pub fn lanes(&self) -> Result<Vec<LaneStatus>, DecisionError> {
        self.with_core(|core| core.lanes().cloned().collect())
    }

    /// What was answered to a namespace.
    ///
    /// # Errors
    /// [`DecisionError::NamespaceUnknown`], [`DecisionError::Busy`].
    pub fn statistics(&self, id: NamespaceId) -> Result<Statistics, DecisionError> {
        self.with_core(|core| core.statistics(id).cloned())?
    }

    /// What was answered to all. What a client answered because the engine was late is counted as the engine answered it.
    ///
    /// # Errors
    /// [`DecisionError::Busy`].
    pub fn total_statistics(&self) -> Result<Statistics, DecisionError> {
        let mut total = self.with_core(|core| core.total_statistics())?;
        total.add(Reason::Overload, self.shared.shed.load(Ordering::Relaxed));
        Ok(total)
    }
}

impl Drop for DecisionEngine {
    fn drop(&mut self) {
        // An engine that does not stop has said so in the log.
        let _ = self.stop();
    }
}
