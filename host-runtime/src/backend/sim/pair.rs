//! A queue pair of a simulated card, from the host's side. Rings lie in the card's bank of host memory, which is this
//! process's own; doorbells are posted to whoever clocks the engine next. Whoever asks for an answer clocks it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use super::Shared;
use super::device::SimDevice;
use super::queues::{Mailbox, Place, Posted};
use crate::backend::Patience;
use crate::backend::pair::{Pair, PairFault, Route};
use crate::backend::residency::Seat;
use crate::cancel::CancelToken;
use crate::card::CardCore;
use crate::image::Image;
use crate::memory::DeviceBuffer;
use crate::queue::driver;
use crate::queue::registers as queue_reg;
use crate::queue::rings::{CardRings, Shape};
use crate::queue::{
    Completion, KERNEL, QueueOptions, QueuePath, StopCause, Submission, take_place,
};
use crate::tcp::{Policy, PolicySlot};
use crate::{Error, Result};

/// Clocks for which a poll drives the card at most, before it asks whether the pair still runs.
const POLL_CLOCKS: u64 = 512;

/// How long a thread that waits sleeps at most while another one drives the engine.
const DRIVER_POLL: Duration = Duration::from_millis(1);

/// Looks at a pair that was stopped before it is given up.
const DRAIN_LOOKS: u32 = 10_000;

/// Pushes are preferred up to so many submissions.
const PUSHED: usize = 2;

/// A pair in use.
pub(super) struct SimPair {
    shared: Arc<Shared>,
    mailbox: Arc<Mailbox>,
    place: Place,
    /// Counted over all units of the card.
    index: usize,
    path: QueuePath,
    takes_pushes: bool,
    timeout: Duration,
    rings: CardRings,
    heard: Arc<AtomicU16>,
    /// The card's address of the rings; given back when the card uses it no more. `None`: the pair was given back.
    memory: Option<DeviceBuffer>,
}

impl std::fmt::Debug for SimPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimPair")
            .field("index", &self.index)
            .finish_non_exhaustive()
    }
}

pub(super) fn pair_register(place: Place, offset: u32) -> u32 {
    driver::pair_register(place.pair, offset)
}

/// The bank for rings: one of host memory if the image has it.
fn ring_bank(image: &Image) -> Option<usize> {
    let banks = || {
        let banks = image.banks().iter().enumerate();
        banks.filter(|(_, bank)| bank.size > 0)
    };
    banks()
        .find(|(_, bank)| bank.is_host())
        .or_else(|| banks().next())
        .map(|(index, _)| index)
}

impl SimPair {
    pub(super) fn open(
        shared: &Arc<Shared>,
        core: &Arc<CardCore>,
        options: &QueueOptions,
    ) -> Result<Self> {
        let patience = Patience {
            timeout: options.timeout,
            cancel: CancelToken::new(),
        };
        let claim = Claim::take(shared, options, &patience)?;
        let image = core.image()?;
        let bank = ring_bank(&image).ok_or_else(|| Error::QueueUnsupported {
            card: core.id(),
            reason: "its image has no memory for rings".to_owned(),
            advice: "build it with a bank, best HOST[0]".to_owned(),
        })?;
        let shape = Shape::new(options.entries);
        let memory = DeviceBuffer::new(Arc::clone(core), bank, shape.bytes())?;
        let mapped = memory
            .map()?
            .expect("simulated memory is the process's own");
        let rings = CardRings::new(mapped, shape);
        claim.enable(shape, memory.address(), &patience)?;
        Ok(claim.into_pair(options, rings, memory))
    }

    /// The device with the seat, unless it is not the one any more that the pair belongs to.
    fn check<'a>(
        mailbox: &Mailbox,
        seat: &'a mut Seat<'_, SimDevice>,
    ) -> Result<&'a mut SimDevice, PairFault> {
        if mailbox.is_retired() {
            return Err(PairFault::Stale);
        }
        Ok(seat.device()?)
    }

    fn sit(&self) -> Result<Seat<'_, SimDevice>, PairFault> {
        self.shared.check_link()?;
        let patience = Patience {
            timeout: self.timeout,
            cancel: CancelToken::new(),
        };
        self.shared
            .residency
            .sit_patiently(&patience)
            .map_err(|error| self.stale_or(error))
    }

    /// What is told of a card that was closed.
    fn stale_or(&self, error: Error) -> PairFault {
        if self.mailbox.is_retired() {
            return PairFault::Stale;
        }
        PairFault::Card(error)
    }

    fn tell_head(&mut self) {
        if let Some(head) = self.rings.head_to_tell() {
            self.mailbox.post(self.place, [Posted::Head(head)]);
        }
    }

    /// How many submissions may be pushed, when so many shall be. A card that has not heard yet of what was taken is given
    /// the time to.
    fn push_room(&self, wanted: usize, outstanding: usize) -> usize {
        let room = || {
            let heard = self.heard.load(Ordering::Acquire);
            self.rings.push_room(outstanding, heard)
        };
        if room() < wanted
            && let Ok(mut seat) = self.sit()
            && let Ok(device) = Self::check(&self.mailbox, &mut seat)
            && let Err(error) = device.let_registers_settle()
        {
            // Whoever asks for the answers hears of it.
            tracing::debug!(%error, "the card does not take its doorbells");
        }
        room()
    }

    /// Whether these go by push.
    fn pushes(&self, count: usize) -> bool {
        match self.path {
            QueuePath::Ring => false,
            QueuePath::Push => true,
            QueuePath::Auto => self.takes_pushes && count <= PUSHED,
        }
    }
}

impl Pair for SimPair {
    fn index(&self) -> usize {
        self.index
    }

    fn submit(&mut self, submissions: &[Submission], outstanding: usize) -> (usize, Route) {
        if self.pushes(submissions.len()) {
            let room = self.push_room(submissions.len(), outstanding);
            let submissions = &submissions[..submissions.len().min(room)];
            let pushes = submissions.chunks(PUSHED).map(|two| {
                let second = two
                    .get(1)
                    .map_or(Submission::none(), Submission::without_push_bit);
                Posted::Push([two[0].without_push_bit(), second])
            });
            self.mailbox.post(self.place, pushes);
            if !submissions.is_empty() || self.path == QueuePath::Push {
                return (submissions.len(), Route::Push);
            }
        }
        let tail = self.rings.submit(submissions);
        self.mailbox.post(self.place, [Posted::Tail(tail)]);
        (submissions.len(), Route::Ring)
    }

    fn take(&mut self, completions: &mut [Completion]) -> usize {
        let count = self.rings.take(completions);
        if count > 0 {
            self.tell_head();
        }
        count
    }

    fn progress(&mut self, outstanding: usize) -> Result<(), PairFault> {
        if self.mailbox.is_retired() {
            return Err(PairFault::Stale);
        }
        self.shared.check_link()?;
        let now = Patience {
            timeout: Duration::ZERO,
            cancel: CancelToken::new(),
        };
        let seat = self.shared.residency.try_sit(&now);
        let Some(mut seat) = seat.map_err(|error| self.stale_or(error))? else {
            // Another thread drives.
            return Ok(());
        };
        let device = Self::check(&self.mailbox, &mut seat)?;
        if outstanding == 0 {
            return Ok(device.let_registers_settle()?);
        }
        let rings = &self.rings;
        let ready = || rings.is_ready();
        let reached = self.shared.drive_until(&mut seat, POLL_CLOCKS, &ready)?;
        if !reached {
            let device = seat.device()?;
            let unit = device.queues.unit_of(self.place);
            let control =
                device.read_register(unit, pair_register(self.place, queue_reg::CONTROL))?;
            if control & (queue_reg::ENABLED | queue_reg::UNDER_WAY) == 0 {
                let code = queue_reg::stop_code(control);
                return Err(PairFault::Stopped(StopCause::from_code(code)));
            }
        }
        seat.bump();
        Ok(())
    }

    fn wait(
        &mut self,
        outstanding: usize,
        deadline: Instant,
        cancel: &CancelToken,
    ) -> Result<(), PairFault> {
        loop {
            self.progress(outstanding)?;
            if self.rings.is_ready() || cancel.is_cancelled() {
                return Ok(());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            // A thread that drives lets the others have the seat after each look.
            if self.shared.residency.is_busy() {
                self.mailbox.sleep(DRIVER_POLL.min(left));
            }
        }
    }

    fn release(&mut self) -> Result<()> {
        let Some(memory) = self.memory.take() else {
            return Ok(());
        };
        let released = release(&self.shared, &self.mailbox, self.place, self.timeout);
        if released.is_err() {
            // The card may still write there: neither the pair nor the memory is given to anybody else.
            let mailbox = Arc::clone(&self.mailbox);
            memory.give_up(move || mailbox.is_retired());
        }
        released
    }

    fn set_policy(&mut self, slot: PolicySlot, policy: &Policy) -> Result<u8, PairFault> {
        let mut seat = self.sit()?;
        let device = Self::check(&self.mailbox, &mut seat)?;
        let unit = device.queues.unit_of(self.place);
        for (offset, value) in driver::setting(slot, policy) {
            device.write_register(unit, offset, value)?;
        }
        Ok(device.read_register(unit, driver::policy_version(slot))? as u8)
    }
}

impl Drop for SimPair {
    fn drop(&mut self) {
        if let Err(error) = self.release() {
            tracing::warn!(pair = self.index, %error, "the queue pair does not end; it is lost until the card is reset");
        }
    }
}

/// Stops a pair and gives it back, once nothing of it is under way.
fn release(shared: &Shared, mailbox: &Mailbox, place: Place, timeout: Duration) -> Result<()> {
    let patience = Patience {
        timeout,
        cancel: CancelToken::new(),
    };
    // Of a card that is lost there is nothing to give back.
    if mailbox.is_retired() || shared.check_link().is_err() {
        return Ok(());
    }
    let mut seat = shared.residency.sit_patiently(&patience)?;
    if mailbox.is_retired() {
        return Ok(());
    }
    if stop_pair(seat.device()?, place)? {
        return Ok(());
    }
    Err(Error::CardStopped {
        card: shared.residency.id(),
        reason: "it still works on a queue pair that was stopped".to_owned(),
    })
}

/// Stops a pair, and gives it back once nothing of it is under way; whether it came to that.
pub(super) fn stop_pair(device: &mut SimDevice, place: Place) -> Result<bool> {
    let unit = device.queues.unit_of(place);
    let control = pair_register(place, queue_reg::CONTROL);
    device.write_register(unit, control, 0)?;
    for _ in 0..DRAIN_LOOKS {
        let under_way = device.read_register(unit, control)? & queue_reg::UNDER_WAY != 0;
        device.let_registers_settle()?;
        if !under_way && !device.queues.awaits_push(place) {
            device.queues.release(place);
            return Ok(true);
        }
    }
    Ok(false)
}

/// A pair that was taken and is not enabled yet.
struct Claim {
    shared: Arc<Shared>,
    mailbox: Arc<Mailbox>,
    place: Place,
    index: usize,
    takes_pushes: bool,
    heard: Arc<AtomicU16>,
    timeout: Duration,
    /// It became a pair.
    kept: bool,
}

impl Claim {
    fn take(shared: &Arc<Shared>, options: &QueueOptions, patience: &Patience) -> Result<Self> {
        let card = shared.residency.id();
        let mut seat = shared.residency.sit_patiently(patience)?;
        if seat.image().is_none() {
            tracing::info!(%card, "programming the image with {KERNEL}");
            seat.program_empty(Image::queue_image()?)?;
        }
        let device = seat.device()?;
        let units = device.queues.units();
        if units.is_empty() {
            let image = seat.image();
            return Err(Error::KernelMissing {
                card,
                kernel: KERNEL.to_owned(),
                available: image.map_or_else(String::new, |image| image.kernel_names()),
            });
        }
        let mut pairs = Vec::new();
        for unit in units {
            pairs.push(driver::count_pairs(card, |offset| {
                device.read_register(unit, offset)
            })?);
        }
        device.queues.set_pairs(&pairs);
        let mut users = device.queues.users();
        let index = take_place(&mut users, options, card)?;
        let place = device.queues.take(index, users[index].take());
        let claim = Self {
            shared: Arc::clone(shared),
            mailbox: Arc::clone(device.queues.mailbox()),
            place,
            index,
            takes_pushes: device.queues.takes_pushes(place),
            heard: device.queues.heard(place),
            timeout: options.timeout,
            kept: false,
        };
        drop(seat);
        if options.path == QueuePath::Push && !claim.takes_pushes {
            return Err(Error::QueueUnsupported {
                card,
                reason: format!("its {KERNEL} has no port {}", queue_reg::PUSH_PORT),
                advice: "open the queue with QueuePath::Ring".to_owned(),
            });
        }
        Ok(claim)
    }

    /// Tells the kernel where the rings are.
    fn enable(&self, shape: Shape, address: u64, patience: &Patience) -> Result<()> {
        let card = self.shared.residency.id();
        let mut seat = self.shared.residency.sit_patiently(patience)?;
        if self.mailbox.is_retired() {
            let outstanding = 0;
            return Err(Error::QueueStale { card, outstanding });
        }
        let device = seat.device()?;
        let unit = device.queues.unit_of(self.place);
        for (offset, value) in driver::enabling(shape, address) {
            device.write_register(unit, pair_register(self.place, offset), value)?;
        }
        let control = device.read_register(unit, pair_register(self.place, queue_reg::CONTROL))?;
        if control & queue_reg::ENABLED == 0 {
            return Err(Error::QueueStopped {
                card,
                pair: self.index,
                cause: StopCause::from_code(queue_reg::stop_code(control)),
                outstanding: 0,
            });
        }
        Ok(())
    }

    fn into_pair(
        mut self,
        options: &QueueOptions,
        rings: CardRings,
        memory: DeviceBuffer,
    ) -> SimPair {
        self.kept = true;
        SimPair {
            shared: Arc::clone(&self.shared),
            mailbox: Arc::clone(&self.mailbox),
            place: self.place,
            index: self.index,
            path: options.path,
            takes_pushes: self.takes_pushes,
            timeout: options.timeout,
            rings,
            heard: Arc::clone(&self.heard),
            memory: Some(memory),
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.kept
            && let Err(error) = release(&self.shared, &self.mailbox, self.place, self.timeout)
        {
            tracing::warn!(pair = self.index, %error, "the queue pair is lost until the card is reset");
        }
    }
}
