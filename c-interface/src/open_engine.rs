//! An engine as C has started it, with the cards that it was given, and its clients.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use host_runtime::decision::{
    AgentId, Answer, Client, DecisionEngine, DecisionError, JudgeLane, Lane, LaneStatus,
    NamespaceId, Question, Reason, Settings, Version,
};
use host_runtime::queue::QueueOptions;
use host_runtime::tcp::{Decision, Descriptor, Verdict};
use host_runtime::{CancelToken, Card, CardId};
use parking_lot::{Mutex, MutexGuard};

use crate::failure::Result;
use crate::handles::{Closing, Handles};
use crate::safety::decide::tcp_decision_t;

/// The engines that C has started.
pub(crate) static ENGINES: Handles<OpenEngine> =
    Handles::new("decision engine", "tcp_decision_engine_start", 3);
/// Their clients that C has open.
pub(crate) static CLIENTS: Handles<OpenClient> =
    Handles::new("client", "tcp_decision_client_open", 4);

/// Longest that a wait keeps other threads from a client.
const SLICE: Duration = Duration::from_millis(5);

/// Questions and answers that are turned from one form into the other at once, on the stack.
const AT_ONCE: usize = 16;

/// Submissions that a card's queue takes at once.
const QUEUE_ENTRIES: usize = 1024;

/// How an engine is started.
#[derive(Debug, Default)]
pub(crate) struct EngineOptions {
    pub(crate) cards: Vec<CardId>,
    pub(crate) settings: Settings,
}

/// A running engine.
#[derive(Debug)]
pub(crate) struct OpenEngine {
    engine: DecisionEngine,
    /// Where the lanes come from, in their order.
    sources: Vec<Source>,
    stopped: OnceLock<Result<(), DecisionError>>,
}

/// Where a lane comes from, and a new one when it has failed.
#[derive(Debug)]
enum Source {
    /// The software device, in the engine's own thread: it touches no file.
    Software,
    /// A queue of this opening of a card.
    Card(Card),
}

impl Source {
    fn open(id: CardId) -> Result<Self> {
        Ok(match id {
            CardId::Software(_) => Self::Software,
            _ => Self::Card(Card::open(id)?),
        })
    }

    fn lane(&self) -> Result<Box<dyn Lane>> {
        match self {
            Self::Software => {
                let settings = crate::device::settings(CardId::Software(0))?;
                Ok(Box::new(JudgeLane::new().with(&settings)))
            }
            Self::Card(card) => {
                let options = QueueOptions {
                    entries: QUEUE_ENTRIES,
                    purpose: "decision engine".to_owned(),
                    ..QueueOptions::default()
                };
                Ok(Box::new(card.open_queue(&options)?))
            }
        }
    }
}

impl std::ops::Deref for OpenEngine {
    type Target = DecisionEngine;

    fn deref(&self) -> &DecisionEngine {
        &self.engine
    }
}

impl Closing for OpenEngine {
    fn closing(&self) {
        self.stopped.get_or_init(|| self.engine.stop());
    }
}

impl OpenEngine {
    /// Starts an engine over the cards, with the software device after them.
    pub(crate) fn start(options: EngineOptions) -> Result<Self> {
        let EngineOptions { cards, settings } = options;
        let sources = cards.into_iter().map(Source::open);
        Self::over(sources.collect::<Result<_>>()?, &settings)
    }

    fn over(mut sources: Vec<Source>, settings: &Settings) -> Result<Self> {
        if !matches!(sources.last(), Some(Source::Software)) {
            sources.push(Source::Software);
        }
        let lanes = sources.iter().map(Source::lane).collect::<Result<_>>()?;
        Ok(Self {
            engine: DecisionEngine::start(settings, lanes)?,
            sources,
            stopped: OnceLock::new(),
        })
    }

    /// What became of stopping it, once its handle was closed.
    pub(crate) fn stopped(&self) -> Result<()> {
        self.closing();
        Ok(self.stopped.get().cloned().unwrap_or(Ok(()))?)
    }

    /// Puts a new queue in the place of a lane that failed.
    pub(crate) fn reinstate(&self, index: usize) -> Result<()> {
        let lanes = self.lanes()?;
        let (Some(status), Some(source)) = (lanes.get(index), self.sources.get(index)) else {
            return Err(DecisionError::LaneUnknown {
                lane: index,
                lanes: lanes.len(),
            }
            .into());
        };
        if status.failure.is_none() {
            // Said before the card is asked for another queue.
            return Err(DecisionError::LaneLives {
                lane: index,
                name: status.name.clone(),
            }
            .into());
        }
        Ok(self.engine.reinstate(index, source.lane()?)?)
    }

    /// How the lanes do.
    pub(crate) fn lanes(&self) -> Result<Vec<LaneStatus>> {
        Ok(self.engine.lanes()?)
    }

    /// Asks and waits.
    pub(crate) fn decide(&self, question: &tcp_decision_t, timeout_us: u64) -> Answer {
        self.engine.decide(
            AgentId(question.agent_id),
            &Descriptor(question.descriptor.bytes),
            Duration::from_micros(timeout_us),
        )
    }

    /// A client.
    pub(crate) fn client(&self) -> Result<OpenClient> {
        Ok(OpenClient {
            closing: CancelToken::new(),
            client: Mutex::new(self.engine.client()?),
        })
    }
}

/// An opened client. The engine's has one owner at a time; here a lock says who.
#[derive(Debug)]
pub(crate) struct OpenClient {
    /// Ends waits when the client is closed.
    closing: CancelToken,
    client: Mutex<Client>,
}

impl Closing for OpenClient {
    fn closing(&self) {
        self.closing.cancel();
    }
}

impl OpenClient {
    /// Asks the first of these questions, and says how many.
    pub(crate) fn submit(&self, given: &[tcp_decision_t], timeout_us: u64) -> Result<usize> {
        let timeout = Duration::from_micros(timeout_us);
        let mut client = self.client.lock();
        let mut accepted = 0;
        for given in given.chunks(AT_ONCE) {
            let question = |index: usize| {
                let given = given.get(index).unwrap_or(&given[0]);
                Question {
                    agent: AgentId(given.agent_id),
                    ticket: given.ticket,
                    descriptor: Descriptor(given.descriptor.bytes),
                }
            };
            let questions: [Question; AT_ONCE] = std::array::from_fn(question);
            match client.submit_many(&questions[..given.len()], timeout) {
                Ok(count) => accepted += count,
                Err(_) if accepted > 0 => break,
                Err(error) => return Err(error.into()),
            }
            if accepted % AT_ONCE != 0 {
                break;
            }
        }
        Ok(accepted)
    }

    /// Takes answers that are there.
    pub(crate) fn poll(&self, given: &mut [tcp_decision_t]) -> usize {
        take(&mut self.client.lock(), given, Client::poll)
    }

    /// Takes answers, and waits for the first.
    pub(crate) fn wait(&self, given: &mut [tcp_decision_t], timeout_ms: u32) -> Result<usize> {
        let deadline = Instant::now() + Duration::from_millis(timeout_ms.into());
        loop {
            let mut client = self.client.lock();
            let left = deadline.saturating_duration_since(Instant::now());
            let count = take(&mut client, given, |client, answers| {
                client.wait(answers, left.min(SLICE), &self.closing)
            });
            if self.closing.is_cancelled() && count == 0 {
                return Err(CLIENTS.unknown());
            }
            if count > 0 || left.is_zero() || given.is_empty() || client.outstanding() == 0 {
                return Ok(count);
            }
            MutexGuard::unlock_fair(client);
        }
    }
}

/// Takes answers, the first ones as `first` says and those after it without waiting.
fn take(
    client: &mut Client,
    given: &mut [tcp_decision_t],
    first: impl FnOnce(&mut Client, &mut [Answer]) -> usize,
) -> usize {
    let mut answers = [NO_ANSWER; AT_ONCE];
    let most = given.len().min(AT_ONCE);
    let mut count = first(client, &mut answers[..most]);
    let mut taken = 0;
    loop {
        for (place, answer) in given[taken..].iter_mut().zip(&answers[..count]) {
            *place = answer.into();
        }
        taken += count;
        let most = (given.len() - taken).min(AT_ONCE);
        if count < AT_ONCE || most == 0 {
            return taken;
        }
        count = client.poll(&mut answers[..most]);
    }
}

/// Stands where an answer goes.
const NO_ANSWER: Answer = Answer {
    agent: AgentId(0),
    ticket: 0,
    version: Version::NONE,
    latency: 0,
    namespace: NamespaceId(0),
    decision: Decision::Reject,
    reason: Reason::Stopping,
    verdict: Verdict::MALFORMED,
    cause_code: 0,
    descriptor: Descriptor([0; Descriptor::SIZE]),
};

#[cfg(test)]
mod tests {
    use host_runtime::OpenOptions;
    use host_runtime::tcp::{Options, Policy};

    use super::*;

    const GIT: &str = "544350020002ba9f11ec0000024407d000c80d920003f202";

    #[test]
    fn a_card_that_failed_is_left_for_the_software_device_and_taken_back_when_it_is_told_to() {
        let folder = tempfile::tempdir().unwrap();
        let open = OpenOptions {
            state_folder: Some(folder.path().to_owned()),
            ..OpenOptions::default()
        };
        let card = Card::open_with(CardId::Software(0), &open).unwrap();
        let sources = vec![Source::Card(card.clone())];
        let engine = OpenEngine::over(sources, &Settings::default()).unwrap();
        let namespace = NamespaceId(1);
        engine
            .add_namespace(namespace, Options::default(), &Policy::default())
            .unwrap();
        engine.open(AgentId(7), namespace).unwrap();
        let descriptor: Descriptor = GIT.parse().unwrap();
        let decide = || {
            let answer = engine
                .engine
                .decide(AgentId(7), &descriptor, Duration::from_secs(60));
            assert_eq!(
                (answer.decision, answer.reason),
                (Decision::Caution, Reason::Judged)
            );
            let lanes = engine.lanes().unwrap();
            [lanes[0].completed, lanes[1].completed]
        };
        assert_eq!(decide(), [1, 0]);
        assert!(
            engine
                .reinstate(0)
                .unwrap_err()
                .to_string()
                .contains("has not failed")
        );

        card.reset().unwrap();
        assert_eq!(decide(), [1, 1]);
        assert!(engine.lanes().unwrap()[0].failure.is_some());
        engine.reinstate(0).unwrap();
        assert_eq!(decide(), [2, 1]);
        assert!(engine.lanes().unwrap()[0].failure.is_none());
    }

    #[test]
    fn the_software_device_comes_last_unless_it_is_there_already() {
        let engine = |cards: &[CardId]| {
            let options = EngineOptions {
                cards: cards.to_vec(),
                ..EngineOptions::default()
            };
            OpenEngine::start(options).unwrap().lanes().unwrap().len()
        };
        assert_eq!(engine(&[]), 1);
        assert_eq!(engine(&[CardId::Software(0)]), 1);
    }
}
