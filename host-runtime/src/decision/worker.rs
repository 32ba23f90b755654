//! The engine's thread: takes requests from all clients, turns the core, and gives the answers back.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam_utils::Backoff;
use crossbeam_utils::sync::Parker;
use parking_lot::MutexGuard;

use super::answer::{Answer, Request};
use super::channel::Channel;
use super::engine::Shared;
use super::ledger;

/// Requests taken from one client in a round, so that a busy one does not hold up the others.
const SHARE: usize = 256;
/// Longest sleep without work: what is missed by mistake waits no longer.
const NAP: Duration = Duration::from_millis(10);

pub(super) struct Worker {
    shared: Arc<Shared>,
    /// Those of the registry, as of its `seen`th change.
    channels: Vec<Option<Arc<Channel>>>,
    seen: usize,
    parker: Parker,
    requests: Vec<Request>,
    answers: Vec<Answer>,
    /// Whether lanes have anything.
    under_way: bool,
}

impl Worker {
    pub(super) fn new(shared: Arc<Shared>, parker: Parker) -> Self {
        Self {
            shared,
            channels: Vec::new(),
            seen: usize::MAX,
            parker,
            requests: Vec::new(),
            answers: Vec::new(),
            under_way: false,
        }
    }

    /// Works until the engine is to stop, and answers everything then.
    pub(super) fn run(mut self) {
        let backoff = Backoff::new();
        while !self.shared.is_stopping() {
            self.refresh();
            self.take_requests();
            if self.round() {
                backoff.reset();
            } else if self.under_way || !backoff.is_completed() {
                backoff.snooze();
            } else {
                self.sleep();
            }
        }
        self.refresh();
        self.take_requests();
        let shared = Arc::clone(&self.shared);
        let mut core = shared.core.lock();
        let now = shared.now();
        core.submit(now, &self.requests, &mut self.answers);
        core.stop(now, &mut self.answers);
        drop(core);
        self.give_answers();
    }

    /// One round; says whether anything happened.
    fn round(&mut self) -> bool {
        if self.requests.is_empty() && !self.under_way {
            return false;
        }
        let shared = Arc::clone(&self.shared);
        let mut core = shared.core.lock();
        core.submit(shared.now(), &self.requests, &mut self.answers);
        core.turn(shared.now(), &mut self.answers);
        self.under_way = core.under_way() > 0;
        // Whoever wants to open a session has its turn before the next round.
        MutexGuard::unlock_fair(core);
        let happened = !(self.requests.is_empty() && self.answers.is_empty());
        self.give_answers();
        happened
    }

    fn refresh(&mut self) {
        let changes = self.shared.changes.load(Ordering::SeqCst);
        if changes != self.seen {
            self.seen = changes;
            self.channels = self.shared.channels();
        }
    }

    fn take_requests(&mut self) {
        self.requests.clear();
        for channel in self.channels.iter().flatten() {
            let requests = std::iter::from_fn(|| channel.requests.pop());
            let share = if self.shared.is_stopping() {
                usize::MAX
            } else {
                SHARE
            };
            self.requests.extend(requests.take(share));
        }
    }

    fn give_answers(&mut self) {
        if self.answers.is_empty() {
            return;
        }
        for answer in self.answers.drain(..) {
            let (index, serial) = ledger::route(answer.ticket);
            if let Some(Some(channel)) = self.channels.get(index)
                && channel.serial == serial
                && !channel.is_left()
            {
                channel.deliver(answer);
            }
        }
        for channel in self.channels.iter().flatten() {
            channel.wake_client();
        }
    }

    fn sleep(&mut self) {
        self.shared.sleeper.set_asleep(true);
        self.refresh();
        let asked = self
            .channels
            .iter()
            .flatten()
            .any(|channel| !channel.requests.is_empty());
        if !asked && !self.shared.is_stopping() {
            self.parker.park_timeout(NAP);
        }
        self.shared.sleeper.set_asleep(false);
    }
}

impl Drop for Worker {
    /// Also when the thread panics: whoever waits for an answer learns that none comes.
    fn drop(&mut self) {
        self.shared.close();
    }
}
