//! The card's queue pairs among its clients: who holds which, and what they ring.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};

use crate::bypass::{self, DoorbellWord};
use crate::card::{Card, Doorbell};
use crate::function::Client;
use crate::holders::Holders;

/// The pairs of one card.
pub(crate) struct Pairs {
    card: Arc<dyn Card>,
    holders: Holders,
    /// Those that are held.
    active: RwLock<Vec<Arc<Slot>>>,
    /// Pairs that did not come to rest when they were given back, and who had them: nobody gets them before a reset.
    lost: Mutex<Vec<(u32, u32)>>,
}

/// A pair that a client holds.
struct Slot {
    client: Arc<Client>,
    pair: u32,
    /// The word that was taken over last. Its lock orders what is rung.
    taken: Mutex<DoorbellWord>,
    /// The same, to look at.
    seen: AtomicU64,
}

impl Pairs {
    pub(crate) fn new(card: Arc<dyn Card>) -> Self {
        Self {
            card,
            holders: Holders::new(bypass::PAIRS),
            active: RwLock::default(),
            lost: Mutex::default(),
        }
    }

    /// Takes a pair if nobody has it; who had it before: 0 means that the client has it now.
    pub(crate) fn take(&self, pair: u32, client: &Arc<Client>) -> u32 {
        if pair >= self.card.status().pairs {
            return u32::MAX;
        }
        let holder = self.holders.take(pair, client.number());
        if holder == 0 {
            client.begin_pair(pair);
            self.card.pair_taken(pair);
            self.active.write().push(Arc::new(Slot {
                client: Arc::clone(client),
                pair,
                taken: Mutex::default(),
                seen: AtomicU64::new(0),
            }));
            // It has to look at one more.
            self.card.wake();
        }
        holder
    }

    /// Gives a pair back, if it is the client's, once it has come to rest.
    pub(crate) fn give_back(&self, pair: u32, client: u32) {
        let mine = |slot: &Arc<Slot>| slot.pair == pair && slot.client.number() == client;
        let found = {
            let mut active = self.active.write();
            let place = active.iter().position(mine);
            place.map(|place| active.swap_remove(place))
        };
        if found.is_none() {
            return;
        }
        if self.card.pair_given_back(pair) {
            self.holders.give_back(pair, client);
        } else {
            tracing::warn!(
                client,
                pair,
                "a queue pair does not come to rest; it is lost until the card is reset"
            );
            self.lost.lock().push((pair, client));
        }
    }

    /// Gives back all that a client holds.
    pub(crate) fn give_back_all(&self, client: u32) {
        let held: Vec<u32> = {
            let active = self.active.read();
            let mine = active.iter().filter(|slot| slot.client.number() == client);
            mine.map(|slot| slot.pair).collect()
        };
        held.into_iter()
            .for_each(|pair| self.give_back(pair, client));
    }

    /// The kernels were reset: what was lost is found again.
    pub(crate) fn find_lost(&self) {
        for (pair, client) in self.lost.lock().drain(..) {
            self.holders.give_back(pair, client);
        }
    }

    /// Takes over what was rung; whether anything was.
    pub(crate) fn poll(&self) -> bool {
        let active = self.active.read();
        active
            .iter()
            .fold(false, |any, slot| slot.look(&*self.card) | any)
    }

    /// Takes over what one client has rung.
    pub(crate) fn poll_client(&self, client: u32) {
        let active = self.active.read();
        let mine = active.iter().filter(|slot| slot.client.number() == client);
        mine.for_each(|slot| {
            slot.look(&*self.card);
        });
    }

    /// Has `act` know the client that holds a pair.
    pub(crate) fn with_holder(&self, pair: u32, act: impl FnOnce(&Client)) {
        let active = self.active.read();
        if let Some(slot) = active.iter().find(|slot| slot.pair == pair) {
            act(&slot.client);
        }
    }

    /// Whether any is held.
    pub(crate) fn are_held(&self) -> bool {
        !self.active.read().is_empty()
    }
}

impl Slot {
    #[inline]
    fn look(&self, card: &dyn Card) -> bool {
        let word = self.client.pages().doorbell(self.pair);
        word.load(Ordering::Acquire) != self.seen.load(Ordering::Relaxed)
            && self.client.is_reached()
            && self.take_over(card)
    }

    fn take_over(&self, card: &dyn Card) -> bool {
        let mut taken = self.taken.lock();
        let before = *taken;
        let word = self.client.pages().doorbell(self.pair);
        let word = DoorbellWord(word.load(Ordering::Acquire));
        if word == before {
            return false;
        }
        let ring = |doorbell| card.ring(self.pair, doorbell);
        if word.head() != before.head() {
            ring(Doorbell::Head(word.head()));
        }
        // Of a client that does not keep to the places there are, the last ones count.
        let pushes = word.pushed().wrapping_sub(before.pushed());
        for left in (0..pushes.min(bypass::PUSH_PLACES)).rev() {
            let place = word.pushed().wrapping_sub(left + 1);
            ring(Doorbell::Push(self.client.pages().push(self.pair, place)));
        }
        if word.tail() != before.tail() {
            ring(Doorbell::Tail(word.tail()));
        }
        if word.asks_for_interrupt(before) {
            ring(Doorbell::Interrupt(word.head()));
        }
        *taken = word;
        self.seen.store(word.0, Ordering::Relaxed);
        self.client.answer_doorbell(self.pair, word);
        true
    }
}
