//! A thread's own way to the engine: it asks without waiting, and takes answers as they come.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_utils::Backoff;
use crossbeam_utils::sync::Parker;
use thiserror::Error;

use super::answer::{AgentId, Answer, Reason, Request, Time};
use super::channel::Channel;
use super::engine::Shared;
use super::ledger::{self, Ledger};
use crate::CancelToken;
use crate::tcp::Descriptor;

/// Longest sleep before a client looks whether it was cancelled.
const NAP: Duration = Duration::from_millis(10);
/// Longest wait for a decision, whatever the caller would take.
const LONGEST_DECISION: Duration = Duration::from_secs(3600);

/// A question of an agent, for [`Client::submit_many`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Question {
    /// Who asks.
    pub agent: AgentId,
    /// Returned in the answer, whatever it is.
    pub ticket: u64,
    /// The tool.
    pub descriptor: Descriptor,
}

/// Why a client did not take a question. It gets no answer then; it is as good as rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ClientError {
    /// All its places are taken.
    #[error(
        "{outstanding} questions of this client are not answered; poll for answers, then ask again"
    )]
    Full {
        /// How many places are taken.
        outstanding: usize,
    },
    /// The engine has stopped.
    #[error("the engine has stopped; reject what it cannot decide")]
    Stopped,
}

/// One thread's way to the engine. Each question that it takes is answered once, by the engine or, if that does not answer
/// in time or has stopped, by the client itself: REJECT. Dropping a client leaves nobody to answer to.
#[derive(Debug)]
pub struct Client {
    shared: Arc<Shared>,
    channel: Arc<Channel>,
    index: usize,
    ledger: Ledger,
    parker: Parker,
    /// Counts what it has been asked to decide.
    decided: u64,
}

impl Client {
    pub(super) fn new(
        shared: Arc<Shared>,
        channel: Arc<Channel>,
        index: usize,
        entries: usize,
        parker: Parker,
    ) -> Self {
        Self {
            shared,
            channel,
            index,
            ledger: Ledger::new(entries),
            parker,
            decided: 0,
        }
    }

    /// How many places are taken: by questions that are not answered, and by those that the client has answered itself
    /// while the engine still has them.
    pub fn outstanding(&self) -> usize {
        self.ledger.len()
    }

    /// Asks, and says within which time the answer has to come.
    ///
    /// # Errors
    /// [`ClientError`]: the question was not taken.
    pub fn submit(&mut self, question: &Question, timeout: Duration) -> Result<(), ClientError> {
        let asked = self.shared.now();
        self.enter(question, asked, asked.after(timeout))?;
        self.shared.wake();
        Ok(())
    }

    /// Asks the first of these, as many as there is room for, and says how many.
    ///
    /// # Errors
    /// [`ClientError::Stopped`]: none was taken.
    pub fn submit_many(
        &mut self,
        questions: &[Question],
        timeout: Duration,
    ) -> Result<usize, ClientError> {
        let asked = self.shared.now();
        let deadline = asked.after(timeout);
        let mut taken = 0;
        for question in questions {
            match self.enter(question, asked, deadline) {
                Ok(()) => taken += 1,
                Err(ClientError::Full { .. }) => break,
                Err(ClientError::Stopped) if taken > 0 => break,
                Err(ClientError::Stopped) => return Err(ClientError::Stopped),
            }
        }
        self.shared.wake();
        Ok(taken)
    }

    fn enter(
        &mut self,
        question: &Question,
        asked: Time,
        deadline: Time,
    ) -> Result<(), ClientError> {
        if self.channel.is_closed() {
            return Err(ClientError::Stopped);
        }
        let full = ClientError::Full {
            outstanding: self.outstanding(),
        };
        if self.ledger.is_full() {
            return Err(full);
        }
        let request = Request {
            agent: question.agent,
            ticket: question.ticket,
            asked,
            deadline,
            descriptor: question.descriptor,
        };
        let request = self.ledger.enter(request, self.index, self.channel.serial);
        // The ring has a place for everything in the ledger. Were it otherwise, the deadline would answer.
        let _ = self.channel.requests.push(request);
        Ok(())
    }

    /// Takes answers that are there, at most as many as the slice is long, and says how many. Never waits.
    pub fn poll(&mut self, answers: &mut [Answer]) -> usize {
        // In this order: the engine's last answers come before it closes.
        let closed = self.channel.is_closed();
        let mut count = 0;
        while count < answers.len()
            && let Some(answer) = self.channel.take()
        {
            if let Some(answer) = self.ledger.settle(answer) {
                answers[count] = answer;
                count += 1;
            }
        }
        if count > 0 || self.ledger.asked() == 0 {
            return count;
        }
        let now = self.shared.now();
        if closed {
            self.ledger.abandon(now, answers)
        } else {
            self.ledger.expire(now, answers)
        }
    }

    /// Takes answers as [`poll`](Self::poll) does, and waits for the first. Answers 0 if nothing is outstanding, when the
    /// time is up, or when it is cancelled.
    pub fn wait(
        &mut self,
        answers: &mut [Answer],
        timeout: Duration,
        cancel: &CancelToken,
    ) -> usize {
        let begin = Instant::now();
        let backoff = Backoff::new();
        loop {
            let count = self.poll(answers);
            let waited = begin.elapsed();
            if count > 0
                || answers.is_empty()
                || self.ledger.asked() == 0
                || waited >= timeout
                || cancel.is_cancelled()
            {
                return count;
            }
            if !backoff.is_completed() {
                backoff.snooze();
                continue;
            }
            self.channel.set_client_asleep(true);
            let count = self.poll(answers);
            if count == 0 {
                let deadline = self.ledger.next_deadline().since(self.shared.now());
                self.parker
                    .park_timeout(NAP.min(timeout - waited).min(deadline));
            }
            self.channel.set_client_asleep(false);
            if count > 0 {
                return count;
            }
        }
    }

    /// Asks and waits for the answer.
    pub(super) fn decide(
        &mut self,
        agent: AgentId,
        descriptor: &Descriptor,
        timeout: Duration,
    ) -> Answer {
        self.decided = self.decided.wrapping_add(1);
        let question = Question {
            agent,
            ticket: self.decided,
            descriptor: *descriptor,
        };
        let timeout = timeout.min(LONGEST_DECISION);
        match self.submit(&question, timeout) {
            Ok(()) => {}
            Err(ClientError::Full { .. }) => return refusal(agent, descriptor, Reason::Overload),
            Err(ClientError::Stopped) => return refusal(agent, descriptor, Reason::Stopping),
        }
        let mut answers = [refusal(agent, descriptor, Reason::DeadlinePassed)];
        // At the deadline the client answers, if nobody else has.
        loop {
            let count = self.wait(&mut answers, timeout, &CancelToken::new());
            if count > 0 && answers[0].ticket == question.ticket {
                return answers[0];
            }
        }
    }
}

/// REJECT for a question that never got to the engine.
pub(super) fn refusal(agent: AgentId, descriptor: &Descriptor, reason: Reason) -> Answer {
    let request = Request {
        agent,
        ticket: 0,
        asked: Time(0),
        deadline: Time(0),
        descriptor: *descriptor,
    };
    ledger::refused(&request, Time(0), reason)
}

impl Drop for Client {
    fn drop(&mut self) {
        self.channel.leave();
        self.shared.forget(self.index);
    }
}
