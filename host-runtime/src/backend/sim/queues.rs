//! The device's side of a simulated card's queues: who has which pair, and what hosts have posted on its way to the kernel.
//! Doorbells and pushes are posted, as over PCIe: nobody waits for them. Whoever clocks the engine delivers them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::time::Duration;

use cosim::engine::{BurstWrite, RegisterAccess};
use cosim::{Engine, EngineError};
use parking_lot::{Condvar, Mutex};

use crate::faults::FaultInjector;
use crate::image::Image;
use crate::queue::registers as reg;
use crate::queue::{KERNEL, Submission};

/// One of the card's pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Position in [`Queues::units`].
    unit: usize,
    /// Pair of that unit.
    pub(super) pair: u32,
}

/// What a host writes to a card without waiting for an answer.
#[derive(Debug, Clone, Copy)]
pub(super) enum Posted {
    /// Doorbell of the submission ring.
    Tail(u16),
    /// Doorbell of the completion ring.
    Head(u16),
    /// A push of two submissions.
    Push([Submission; 2]),
}

/// What hosts and those who clock share, from one reset of the card to the next.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    /// The card was reset, programmed or closed.
    retired: AtomicBool,
    posted: Mutex<Vec<(Place, Posted)>>,
    moved: Condvar,
}

impl Mailbox {
    pub(super) fn post(&self, place: Place, posted: impl IntoIterator<Item = Posted>) {
        let mut queue = self.posted.lock();
        queue.extend(posted.into_iter().map(|posted| (place, posted)));
    }

    pub(super) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Acquire)
    }

    /// Sleeps until somebody has clocked, or for that long.
    pub(super) fn sleep(&self, at_most: Duration) {
        let mut posted = self.posted.lock();
        self.moved.wait_for(&mut posted, at_most);
    }
}

/// A compute unit with the kernel `tcp_queue`.
#[derive(Debug)]
struct QueueUnit {
    /// Its position in the engine.
    unit: usize,
    takes_pushes: bool,
    /// Who has each pair; none before the kernel was asked how many it has.
    users: Vec<Option<String>>,
    /// For each pair the completion head that the kernel has heard of.
    heads: Vec<Arc<AtomicU16>>,
    /// Doorbells whose answers are due, in order; of heads, which and whose.
    doorbells: VecDeque<Option<(u32, u16)>>,
    /// Pairs whose pushes' answers are due, in order.
    pushes: VecDeque<u32>,
}

/// All queues of a device.
#[derive(Debug)]
pub(super) struct Queues {
    mailbox: Arc<Mailbox>,
    units: Vec<QueueUnit>,
    faults: FaultInjector,
}

impl Queues {
    pub(super) fn new(
        image: &Image,
        engine: &Engine,
        faults: &FaultInjector,
    ) -> Result<Self, EngineError> {
        let mut units = Vec::new();
        for (unit, info) in image.units().iter().enumerate() {
            if image.kernels()[info.kernel].name != KERNEL {
                continue;
            }
            let slaves = &engine.interfaces(unit)?.slaves;
            units.push(QueueUnit {
                unit,
                takes_pushes: slaves.iter().any(|slave| slave.name == reg::PUSH_PORT),
                users: Vec::new(),
                heads: Vec::new(),
                doorbells: VecDeque::new(),
                pushes: VecDeque::new(),
            });
        }
        Ok(Self {
            mailbox: Arc::default(),
            units,
            faults: faults.clone(),
        })
    }

    pub(super) fn mailbox(&self) -> &Arc<Mailbox> {
        &self.mailbox
    }

    /// Positions in the engine of the units that have queues.
    pub(super) fn units(&self) -> Vec<usize> {
        self.units.iter().map(|unit| unit.unit).collect()
    }

    /// Whether any pair is in use.
    pub(super) fn is_used(&self) -> bool {
        let users = |unit: &QueueUnit| unit.users.iter().any(Option::is_some);
        self.units.iter().any(users)
    }

    /// Forgets all: the kernels have been reset.
    pub(super) fn retire(&mut self) {
        self.mailbox.retired.store(true, Ordering::Release);
        self.mailbox.moved.notify_all();
        self.mailbox = Arc::default();
        for unit in &mut self.units {
            unit.users.fill(None);
            unit.heads.fill_with(Arc::default);
            unit.doorbells.clear();
            unit.pushes.clear();
        }
    }

    /// The kernels were reset and nobody was told: what was on its way to them is not answered any more.
    pub(super) fn lose_posted(&mut self) {
        for unit in &mut self.units {
            unit.doorbells.clear();
            unit.pushes.clear();
        }
    }

    /// Notes how many pairs each unit has, unit by unit.
    pub(super) fn set_pairs(&mut self, pairs: &[usize]) {
        for (unit, &pairs) in self.units.iter_mut().zip(pairs) {
            unit.users.resize(pairs, None);
            unit.heads.resize_with(pairs, Arc::default);
        }
    }

    /// The users of all pairs, to be changed by whoever takes one.
    pub(super) fn users(&self) -> Vec<Option<String>> {
        let users = self.units.iter().flat_map(|unit| unit.users.clone());
        users.collect()
    }

    /// Gives a pair, counted over all units, to a user.
    pub(super) fn take(&mut self, index: usize, user: Option<String>) -> Place {
        let mut pair = index;
        let unit = self
            .units
            .iter()
            .position(|unit| {
                let found = pair < unit.users.len();
                pair -= if found { 0 } else { unit.users.len() };
                found
            })
            .expect("a pair of the card");
        self.units[unit].users[pair] = user;
        self.units[unit].heads[pair] = Arc::default();
        let pair = pair as u32;
        Place { unit, pair }
    }

    /// Gives a pair back.
    pub(super) fn release(&mut self, place: Place) {
        self.units[place.unit].users[place.pair as usize] = None;
    }

    /// The unit's position in the engine.
    pub(super) fn unit_of(&self, place: Place) -> usize {
        self.units[place.unit].unit
    }

    pub(super) fn takes_pushes(&self, place: Place) -> bool {
        self.units[place.unit].takes_pushes
    }

    /// Where to see which completion head the kernel has heard of.
    pub(super) fn heard(&self, place: Place) -> Arc<AtomicU16> {
        Arc::clone(&self.units[place.unit].heads[place.pair as usize])
    }

    /// Puts what was posted on the kernels' buses, in its order.
    pub(super) fn deliver(&mut self, engine: &mut Engine) -> Result<(), EngineError> {
        if self.units.is_empty() {
            return Ok(());
        }
        let posted = std::mem::take(&mut *self.mailbox.posted.lock());
        for (place, posted) in posted {
            if self.faults.loses_doorbell() {
                tracing::debug!(?place, ?posted, "a doorbell is lost");
                continue;
            }
            let QueueUnit {
                unit,
                doorbells,
                pushes,
                ..
            } = &mut self.units[place.unit];
            let doorbell = |base: u32, index: u16| RegisterAccess::Write {
                address: (base + reg::DOORBELL_STRIDE * place.pair).into(),
                data: index.into(),
            };
            match posted {
                Posted::Tail(index) => {
                    engine.submit_register(*unit, doorbell(reg::DOORBELL_TAIL, index))?;
                    doorbells.push_back(None);
                }
                Posted::Head(index) => {
                    engine.submit_register(*unit, doorbell(reg::DOORBELL_HEAD, index))?;
                    doorbells.push_back(Some((place.pair, index)));
                }
                Posted::Push(submissions) => {
                    let burst = BurstWrite {
                        address: reg::PUSH_WINDOW * u64::from(place.pair),
                        data: bytemuck::bytes_of(&submissions).to_vec(),
                        strobes: Vec::new(),
                    };
                    engine.submit_burst(*unit, reg::PUSH_PORT, &burst)?;
                    pushes.push_back(place.pair);
                }
            }
        }
        Ok(())
    }

    /// Takes in the answers of what was delivered. What a kernel refused shows in why the pair stopped.
    pub(super) fn collect(&mut self, engine: &mut Engine) -> Result<(), EngineError> {
        for unit in &mut self.units {
            while !unit.doorbells.is_empty() && engine.register_result(unit.unit)?.is_some() {
                if let Some(Some((pair, head))) = unit.doorbells.pop_front() {
                    unit.heads[pair as usize].store(head, Ordering::Release);
                }
            }
            while !unit.pushes.is_empty()
                && engine.burst_result(unit.unit, reg::PUSH_PORT)?.is_some()
            {
                unit.pushes.pop_front();
            }
        }
        Ok(())
    }

    /// Lets hosts that wait look again.
    pub(super) fn notify(&self) {
        self.mailbox.moved.notify_all();
    }

    /// Whether answers of doorbells are due.
    pub(super) fn awaits_registers(&self) -> bool {
        self.units.iter().any(|unit| !unit.doorbells.is_empty())
    }

    /// Whether every unit takes pushes.
    pub(super) fn all_take_pushes(&self) -> bool {
        self.units.iter().all(|unit| unit.takes_pushes)
    }

    /// Whether a push of a pair has not been answered.
    pub(super) fn awaits_push(&self, place: Place) -> bool {
        self.units[place.unit].pushes.contains(&place.pair)
    }
}

impl Drop for Queues {
    fn drop(&mut self) {
        self.retire();
    }
}
