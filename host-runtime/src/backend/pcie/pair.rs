//! A queue pair of a PCIe card, from the host's side: rings in this process' memory, which the card's kernel reaches by
//! DMA, doorbells in a mapped page, and an interrupt for who sleeps.
//!
//! Polling and submitting look at mapped pages alone: they call the system only to wake a card that sleeps.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use card_shell::bypass::{self, DoorbellWord};
use card_shell::identity as id;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::PcieBackend;
use super::doorbells::Doorbells;
use super::error::PcieError;
use super::presence::lost;
use crate::backend::Backend;
use crate::backend::pair::{Pair, PairFault, Route};
use crate::cancel::CancelToken;
use crate::card::CardCore;
use crate::card_id::CardId;
use crate::image::{BankInfo, Image};
use crate::memory::DeviceBuffer;
use crate::queue::driver;
use crate::queue::registers as queue_reg;
use crate::queue::rings::{CardRings, Shape};
use crate::queue::{
    Completion, KERNEL, QueueOptions, QueuePath, StopCause, Submission, take_place,
};
use crate::tcp::{Policy, PolicySlot};
use crate::{Error, Result};

/// Pushes are preferred up to so many submissions.
const PUSHED: usize = 2;

/// Looks before a thread that waits sleeps.
const LOOKS: u32 = 200;

/// Longest sleep between looks whether the wait was cancelled.
const NAP: Duration = Duration::from_millis(10);

/// A pair in use.
#[derive(Debug)]
pub(super) struct PciePair {
    claim: Claim,
    path: QueuePath,
    takes_pushes: bool,
    rings: CardRings,
    /// What was rung last.
    word: DoorbellWord,
    /// Accesses of kernels to this process' memory that had failed before.
    faults: u32,
    event: Option<Arc<OwnedFd>>,
    /// Why ringing failed.
    failed: Option<PcieError>,
    /// The card's address of the rings.
    _memory: DeviceBuffer,
}

/// A pair that this process holds.
#[derive(Debug)]
struct Claim {
    core: Arc<CardCore>,
    doorbells: Arc<Doorbells>,
    generation: u32,
    /// Counted over all units of the card.
    index: u32,
    unit: usize,
    /// Within its unit.
    pair: u32,
    timeout: Duration,
    given_back: bool,
}

impl PcieBackend {
    /// The card's doorbells, from the first queue on.
    fn doorbells(&self) -> Result<Arc<Doorbells>> {
        let mut doorbells = self.doorbells.lock();
        if let Some(doorbells) = &*doorbells {
            return Ok(Arc::clone(doorbells));
        }
        let new = Doorbells::new(&self.transport, &self.page, &self.space)
            .map_err(self.failed("be given queues"))?;
        Ok(Arc::clone(doorbells.insert(Arc::new(new))))
    }

    pub(super) fn open_queue_pair(
        &self,
        core: &Arc<CardCore>,
        options: &QueueOptions,
    ) -> Result<PciePair> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::WrongState {
                card: self.id,
                reason: "it was closed; open it again".to_owned(),
            });
        }
        // A program without co-simulation carries no image.
        #[cfg(feature = "cosim")]
        if self.image().is_none() {
            tracing::info!(card = %self.id, "programming the image with {KERNEL}");
            self.program_empty(Image::queue_image()?)?;
        }
        let image = core.image()?;
        let claim = self.claim_pair(core, &image, options)?;
        let takes_pushes = claim.doorbells.status(id::REG_STATUS) & id::status::PUSHES != 0;
        if options.path == QueuePath::Push && !takes_pushes {
            return Err(Error::QueueUnsupported {
                card: self.id,
                reason: format!("its {KERNEL} has no port {}", queue_reg::PUSH_PORT),
                advice: "open the queue with QueuePath::Ring".to_owned(),
            });
        }
        let is_host = |bank: &BankInfo| bank.size > 0 && bank.is_host();
        let bank = image.banks().iter().position(is_host);
        let bank = bank.ok_or_else(|| Error::QueueUnsupported {
            card: self.id,
            reason: "its image has no bank of host memory for the rings".to_owned(),
            advice: "build it with a bank HOST[0]".to_owned(),
        })?;
        let shape = Shape::new(options.entries);
        let memory = DeviceBuffer::new(Arc::clone(core), bank, shape.bytes())?;
        let mapped = memory.map()?.ok_or_else(|| Error::WrongState {
            card: self.id,
            reason: "it was reset or programmed while a queue was opened; open it again".to_owned(),
        })?;
        let rings = CardRings::new(mapped, shape);
        claim.enable(shape, memory.address())?;
        Ok(PciePair {
            faults: claim.doorbells.status(id::REG_HOST_FAULTS),
            claim,
            path: options.path,
            takes_pushes,
            rings,
            word: DoorbellWord::default(),
            event: None,
            failed: None,
            _memory: memory,
        })
    }

    /// Takes the first pair that is free.
    fn claim_pair(
        &self,
        core: &Arc<CardCore>,
        image: &Image,
        options: &QueueOptions,
    ) -> Result<Claim> {
        let doorbells = self.doorbells()?;
        let generation = doorbells.status(id::REG_GENERATION);
        let units = image.units().iter().enumerate();
        let units = units.filter(|(_, unit)| image.kernels()[unit.kernel].name == KERNEL);
        let mut pairs = Vec::new();
        for (unit, _) in units {
            let count = driver::count_pairs(self.id, |offset| self.read_register(unit, offset))?;
            pairs.extend((0..count).map(|pair| (unit, pair)));
        }
        if pairs.is_empty() {
            return Err(Error::KernelMissing {
                card: self.id,
                kernel: KERNEL.to_owned(),
                available: image.kernel_names(),
            });
        }
        // One thread of this process at a time, so that each learns of the others' pairs.
        let mut users = doorbells.users.lock();
        let mut others = Vec::new();
        for (index, &(unit, pair)) in (0..).zip(&pairs) {
            let taken = match users.get(&index) {
                Some(user) => Some(user.clone()),
                None => {
                    let holder = self.read_user(id::REG_PAIR + 4 * index);
                    match holder.map_err(self.failed("give out a queue pair"))? {
                        0 => None,
                        holder => Some(format!("another process (client {holder} of the card)")),
                    }
                }
            };
            others.push(taken);
            if others[index as usize].is_none() {
                take_place(&mut others, options, self.id)?;
                let user = others[index as usize].take().unwrap_or_default();
                users.insert(index, user);
                doorbells.begin(index);
                drop(users);
                return Ok(Claim {
                    core: Arc::clone(core),
                    doorbells,
                    generation,
                    index,
                    unit,
                    pair: pair as u32,
                    timeout: options.timeout,
                    given_back: false,
                });
            }
        }
        // All are taken: that says by whom.
        let taken = take_place(&mut others, options, self.id);
        Err(taken.expect_err("no place is free"))
    }
}

impl Claim {
    fn card(&self) -> CardId {
        self.core.id()
    }

    fn failed(&self, source: PcieError) -> Error {
        if source.is_loss() {
            return lost(self.card(), &source);
        }
        Error::Pcie {
            card: self.card(),
            action: "serve a queue",
            source,
        }
    }

    fn is_stale(&self) -> bool {
        self.doorbells.closed.load(Ordering::Acquire)
            || self.doorbells.status(id::REG_GENERATION) != self.generation
    }

    fn register(&self, offset: u32) -> u32 {
        driver::pair_register(self.pair, offset)
    }

    /// Tells the kernel where the rings are.
    fn enable(&self, shape: Shape, address: u64) -> Result<()> {
        let backend = self.core.backend();
        for (offset, value) in driver::enabling(shape, address) {
            backend.write_register(self.unit, self.register(offset), value)?;
        }
        let control = backend.read_register(self.unit, self.register(queue_reg::CONTROL))?;
        if self.is_stale() {
            return Err(Error::QueueStale {
                card: self.card(),
                outstanding: 0,
            });
        }
        if control & queue_reg::ENABLED == 0 {
            return Err(Error::QueueStopped {
                card: self.card(),
                pair: self.index as usize,
                cause: StopCause::from_code(queue_reg::stop_code(control)),
                outstanding: 0,
            });
        }
        Ok(())
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.given_back
            && let Err(error) = self.doorbells.give_back(self.index)
        {
            tracing::debug!(card = %self.card(), pair = self.index, %error, "a queue pair was not given back");
        }
        self.doorbells.users.lock().remove(&self.index);
    }
}

impl PciePair {
    /// Rings with what there is to tell.
    fn ring(&mut self, word: DoorbellWord) {
        let before = std::mem::replace(&mut self.word, word);
        if before != word
            && let Err(error) = self.claim.doorbells.ring(self.claim.index, before, word)
        {
            // Whoever asks for the answers hears of it.
            self.failed.get_or_insert(error);
        }
    }

    /// The word with these indices and the completion head.
    fn word(&mut self, tail: u16, pushed: u16) -> DoorbellWord {
        let head = self.rings.tell_head();
        self.word.with(tail, head, pushed)
    }

    /// How many submissions may be pushed, when so many shall be.
    fn push_room(&mut self, wanted: usize, outstanding: usize) -> usize {
        // The word that counts the pushes brings the completion head, which counts first.
        let places = self.rings.places_left(outstanding);
        let mut room = 0;
        for look in 0..2 {
            let taken = self.claim.doorbells.taken(self.claim.index).pushed();
            let waiting = self.word.pushed().wrapping_sub(taken);
            room = places.min(PUSHED * usize::from(bypass::PUSH_PLACES.saturating_sub(waiting)));
            if room >= wanted.min(places) || look > 0 {
                break;
            }
            if let Err(error) = self.claim.doorbells.take_over() {
                self.failed.get_or_insert(error);
                break;
            }
        }
        room
    }

    fn pushes(&self, count: usize) -> bool {
        match self.path {
            QueuePath::Ring => false,
            QueuePath::Push => true,
            QueuePath::Auto => self.takes_pushes && count <= PUSHED,
        }
    }

    fn push(&mut self, submissions: &[Submission]) {
        let mut pushed = self.word.pushed();
        for two in submissions.chunks(PUSHED) {
            let second = two
                .get(1)
                .map_or(Submission::none(), Submission::without_push_bit);
            let push = [two[0].without_push_bit(), second];
            if let Err(error) = self.claim.doorbells.push(self.claim.index, pushed, &push) {
                self.failed.get_or_insert(error);
                return;
            }
            pushed = pushed.wrapping_add(1);
        }
        let word = self.word(self.word.tail(), pushed);
        self.ring(word);
    }

    /// Looks whether the pair is still alive.
    fn check(&mut self) -> Result<(), PairFault> {
        // All ones say nothing of generations.
        if self.claim.doorbells.status(id::REG_MAGIC) != id::MAGIC {
            return Err(self.claim.failed(PcieError::Removed).into());
        }
        if self.claim.is_stale() {
            return Err(PairFault::Stale);
        }
        if let Some(error) = self.failed.take() {
            return Err(self.claim.failed(error).into());
        }
        let doorbells = &self.claim.doorbells;
        if doorbells.is_lost() {
            let gone = PcieError::Served(vfio_user::Error::Closed);
            return Err(self.claim.failed(gone).into());
        }
        if doorbells.status(id::REG_STATUS) & id::status::BROKEN != 0 {
            return Err(self.claim.failed(PcieError::Stopped).into());
        }
        let state = doorbells.status(id::REG_PAIR_STATE + 4 * self.claim.index);
        if state & id::PAIR_STOPPED != 0 {
            let cause = StopCause::from_code(state as u8);
            return Err(PairFault::Stopped(cause));
        }
        let faults = doorbells
            .status(id::REG_HOST_FAULTS)
            .wrapping_sub(self.faults);
        if faults != 0 {
            let faults = PcieError::HostFaults { faults };
            return Err(self.claim.failed(faults).into());
        }
        Ok(())
    }

    /// Sleeps until the pair interrupts, for a moment at most.
    fn sleep(&mut self, at_most: Duration) -> Result<(), PairFault> {
        let event = match &self.event {
            Some(event) => Arc::clone(event),
            None => {
                let event = self.claim.doorbells.event(self.claim.index);
                let event = event.map_err(|error| self.claim.failed(error))?;
                Arc::clone(self.event.insert(event))
            }
        };
        let word = self.word(self.word.tail(), self.word.pushed());
        self.ring(word.asking_for_interrupt());
        if self.rings.is_ready() {
            return Ok(());
        }
        let bound = Timespec {
            tv_sec: 0,
            tv_nsec: at_most.min(NAP).as_nanos() as i64,
        };
        let mut files = [PollFd::new(&*event, PollFlags::IN)];
        if poll(&mut files, Some(&bound)) == Ok(1) {
            let _ = rustix::io::read(&*event, &mut [0; 8]);
        }
        Ok(())
    }
}

impl Pair for PciePair {
    fn index(&self) -> usize {
        self.claim.index as usize
    }

    fn submit(&mut self, submissions: &[Submission], outstanding: usize) -> (usize, Route) {
        if self.pushes(submissions.len()) {
            let room = self.push_room(submissions.len(), outstanding);
            let submissions = &submissions[..submissions.len().min(room)];
            if !submissions.is_empty() {
                self.push(submissions);
            }
            if !submissions.is_empty() || self.path == QueuePath::Push {
                return (submissions.len(), Route::Push);
            }
        }
        let tail = self.rings.submit(submissions);
        let word = self.word(tail, self.word.pushed());
        self.ring(word);
        (submissions.len(), Route::Ring)
    }

    fn take(&mut self, completions: &mut [Completion]) -> usize {
        let count = self.rings.take(completions);
        if count > 0 && self.rings.head_to_tell().is_some() {
            let word = self.word(self.word.tail(), self.word.pushed());
            self.ring(word);
        }
        count
    }

    fn progress(&mut self, _outstanding: usize) -> Result<(), PairFault> {
        self.check()
    }

    fn wait(
        &mut self,
        _outstanding: usize,
        deadline: Instant,
        cancel: &CancelToken,
    ) -> Result<(), PairFault> {
        for _ in 0..LOOKS {
            if self.rings.is_ready() {
                return Ok(());
            }
            std::hint::spin_loop();
        }
        loop {
            self.check()?;
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || cancel.is_cancelled() {
                return Ok(());
            }
            self.sleep(left)?;
            if self.rings.is_ready() {
                return Ok(());
            }
        }
    }

    fn release(&mut self) -> Result<()> {
        self.claim.given_back = true;
        let (doorbells, index) = (&self.claim.doorbells, self.claim.index);
        let rests = doorbells.give_back_for_good(index);
        match rests.map_err(|error| self.claim.failed(error))? {
            true => Ok(()),
            false => Err(Error::CardStopped {
                card: self.claim.card(),
                reason: "it still works on a queue pair that was stopped".to_owned(),
            }),
        }
    }

    fn set_policy(&mut self, slot: PolicySlot, policy: &Policy) -> Result<u8, PairFault> {
        self.check()?;
        let claim = &self.claim;
        let backend = claim.core.backend();
        let unit = claim.unit as u32;
        let held = claim.doorbells.hold_unit(unit, claim.timeout);
        let _held = held.map_err(|error| claim.failed(error))?;
        for (offset, value) in driver::setting(slot, policy) {
            backend.write_register(claim.unit, offset, value)?;
        }
        let version = backend.read_register(claim.unit, driver::policy_version(slot))?;
        Ok(version as u8)
    }
}
