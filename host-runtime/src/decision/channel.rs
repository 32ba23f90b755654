//! The two rings between a client and the engine's thread, and how either wakes the other.

use std::sync::atomic::{AtomicBool, Ordering, fence};

use crossbeam_queue::ArrayQueue;
use crossbeam_utils::sync::Unparker;

use super::answer::{Answer, Request};

/// What a client and the engine's thread share. Each ring has one that pushes and one that pops.
#[derive(Debug)]
pub(super) struct Channel {
    /// Tells it from channels at the same place of the engine's list before and after it.
    pub(super) serial: u16,
    pub(super) requests: ArrayQueue<Request>,
    /// Has a place for the answer to everything that the client has asked.
    answers: ArrayQueue<Answer>,
    client: Sleeper,
    closed: AtomicBool,
    gone: AtomicBool,
}

impl Channel {
    pub(super) fn new(serial: u16, entries: usize, client: Unparker) -> Self {
        Self {
            serial,
            requests: ArrayQueue::new(entries),
            answers: ArrayQueue::new(entries),
            client: Sleeper::new(client),
            closed: AtomicBool::new(false),
            gone: AtomicBool::new(false),
        }
    }

    /// Gives an answer to the client, unless it is gone.
    pub(super) fn deliver(&self, answer: Answer) {
        // It has a place; a client that is gone is the exception, which nobody misses.
        let _ = self.answers.push(answer);
    }

    pub(super) fn take(&self) -> Option<Answer> {
        self.answers.pop()
    }

    /// Whoever sleeps for answers wakes.
    pub(super) fn wake_client(&self) {
        self.client.wake();
    }

    /// The client's announcement that it sleeps, or does not any more.
    pub(super) fn set_client_asleep(&self, asleep: bool) {
        self.client.set_asleep(asleep);
    }

    /// No answer comes any more.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.client.unparker.unpark();
    }

    /// Whether no answer comes any more but those in the ring.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// The client takes no answer any more.
    pub(super) fn leave(&self) {
        self.gone.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_left(&self) -> bool {
        self.gone.load(Ordering::SeqCst)
    }
}

/// A thread that is woken only if it sleeps. It announces that it will, and looks for work once more before it does; who
/// has put work there looks for the announcement after that. One of the two sees the other.
#[derive(Debug)]
pub(super) struct Sleeper {
    asleep: AtomicBool,
    unparker: Unparker,
}

impl Sleeper {
    pub(super) fn new(unparker: Unparker) -> Self {
        Self {
            asleep: AtomicBool::new(false),
            unparker,
        }
    }

    pub(super) fn set_asleep(&self, asleep: bool) {
        self.asleep.store(asleep, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// To be called when there is work for it.
    pub(super) fn wake(&self) {
        fence(Ordering::SeqCst);
        if self.asleep.load(Ordering::SeqCst) {
            self.unparker.unpark();
        }
    }
}
