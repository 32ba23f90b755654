//! Who waits for which reply: the same at both ends, since each asks the other.

use std::collections::HashMap;
use std::sync::mpsc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::channel::Message;

/// The replies that are waited for.
#[derive(Debug)]
pub(crate) struct Replies(Mutex<State>);

#[derive(Debug)]
struct State {
    next: u16,
    /// `None` once no reply will come any more.
    waiting: Option<HashMap<u16, mpsc::SyncSender<Message>>>,
}

/// A reply that is waited for, until this is dropped.
#[derive(Debug)]
pub(crate) struct Expected<'a> {
    replies: &'a Replies,
    id: u16,
    receiver: mpsc::Receiver<Message>,
}

/// Why there is no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoReply {
    /// It did not come in time.
    Late,
    /// None will come: the connection has ended.
    Ended,
}

impl Default for Replies {
    fn default() -> Self {
        Self(Mutex::new(State {
            next: 0,
            waiting: Some(HashMap::new()),
        }))
    }
}

impl Replies {
    /// A number for a request, which no other request that waits has; `None` if the connection has ended.
    pub(crate) fn expect(&self) -> Option<Expected<'_>> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let State { next, waiting } = &mut *self.0.lock();
        let waiting = waiting.as_mut()?;
        let id = loop {
            *next = next.wrapping_add(1);
            if !waiting.contains_key(next) {
                break *next;
            }
        };
        waiting.insert(id, sender);
        Some(Expected {
            replies: self,
            id,
            receiver,
        })
    }

    /// Hands a reply to who waits for it. One that nobody waits for came too late.
    pub(crate) fn deliver(&self, reply: Message) {
        let mut state = self.0.lock();
        let waiting = state.waiting.as_mut();
        if let Some(sender) = waiting.and_then(|all| all.remove(&reply.header.id)) {
            let _ = sender.try_send(reply);
        }
    }

    /// No reply will come any more: whoever waits is told, and so is who asks from now on.
    pub(crate) fn end(&self) {
        self.0.lock().waiting = None;
    }
}

impl Expected<'_> {
    pub(crate) fn id(&self) -> u16 {
        self.id
    }

    pub(crate) fn wait(&self, at_most: Duration) -> Result<Message, NoReply> {
        self.receiver
            .recv_timeout(at_most)
            .map_err(|error| match error {
                mpsc::RecvTimeoutError::Timeout => NoReply::Late,
                mpsc::RecvTimeoutError::Disconnected => NoReply::Ended,
            })
    }
}

impl Drop for Expected<'_> {
    fn drop(&mut self) {
        if let Some(waiting) = self.replies.0.lock().waiting.as_mut() {
            waiting.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Header;

    const MOMENT: Duration = Duration::from_millis(1);

    fn reply(id: u16) -> Message {
        Message {
            header: Header {
                id,
                ..Header::default()
            },
            payload: Vec::new(),
            fds: Vec::new(),
        }
    }

    #[test]
    fn each_reply_goes_to_who_waits_for_it() {
        let replies = Replies::default();
        let (one, other) = (replies.expect().unwrap(), replies.expect().unwrap());
        assert_ne!(one.id(), other.id());
        replies.deliver(reply(other.id()));
        replies.deliver(reply(other.id().wrapping_add(1)));
        assert_eq!(one.wait(MOMENT).unwrap_err(), NoReply::Late);
        assert_eq!(other.wait(MOMENT).unwrap().header.id, other.id());
    }

    #[test]
    fn a_number_is_used_again_when_nobody_waits_for_it() {
        let replies = Replies::default();
        let held = replies.expect().unwrap();
        for _ in 0..=u32::from(u16::MAX) {
            assert_ne!(replies.expect().unwrap().id(), held.id());
        }
    }

    #[test]
    fn after_the_end_nobody_waits() {
        let replies = Replies::default();
        let waits = replies.expect().unwrap();
        replies.end();
        assert_eq!(
            waits.wait(Duration::from_secs(60)).unwrap_err(),
            NoReply::Ended
        );
        assert!(replies.expect().is_none());
        replies.deliver(reply(waits.id()));
    }
}
