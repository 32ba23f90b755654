//! A device that lives in this process while it has the turn, and in the state folder otherwise. Both the
//! simulated card and the software device are kept this way, so several processes share one.
//!
//! Lock order: the mutex here first, then the store's locks.

use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::backend::Patience;
use crate::cancel::CancelToken;
use crate::card::CLOSE_TIMEOUT;
use crate::card_id::CardId;
use crate::image::Image;
use crate::store::{CardStore, Record, Turn};
use crate::{Error, Result};

/// Longest wait for a turn by calls that take no timeout of their own.
const TURN_TIMEOUT: Duration = Duration::from_secs(60);

/// After this many looks without use the turn is given back, so that an idle program holds nothing.
const IDLE_POLLS: u32 = 25;

/// How often a process that has the turn looks whether another one wants it, when it is not working itself.
const YIELD_POLL: Duration = Duration::from_millis(2);

/// That of calls that take no timeout of their own.
fn patience() -> Patience {
    Patience {
        timeout: TURN_TIMEOUT,
        cancel: CancelToken::new(),
    }
}

/// What stands for a card while its process has the turn.
pub(crate) trait Device: Send + Sized + 'static {
    /// What the process that opens the card decides about it.
    type Config: Clone + Send + Sync + 'static;

    /// A freshly programmed device.
    fn new(id: CardId, config: &Self::Config, image: &Arc<Image>) -> Result<Self>;

    /// Goes back to the state after programming.
    fn reset(&mut self) -> Result<()>;

    /// Takes over the state of [`Device::save`].
    fn restore(&mut self, saved: &[u8]) -> Result<()>;

    /// All that outlives the process.
    fn save(&mut self) -> Result<Vec<u8>>;

    /// Whether nothing is going on, so that it can be saved.
    fn is_quiet(&self) -> bool;

    /// Whether something in it lives in this process's memory: it keeps the turn, and is not saved, as long as it does.
    fn is_tied(&self) -> bool {
        false
    }

    /// Whether another process may go on from what can be saved of it.
    fn can_leave(&self) -> bool {
        self.is_quiet() && !self.is_tied()
    }
}

/// What is known of the card by whoever holds the mutex.
pub(crate) struct Resident<D: Device> {
    turn: Option<Turn>,
    /// What `image` and `device` correspond to, but for the changes `dirty` tells of.
    record: Record,
    image: Option<Arc<Image>>,
    device: Option<D>,
    dirty: bool,
    /// Set by every use, for the thread that gives the turn back.
    used: bool,
    closed: bool,
}

/// The card of one opening.
pub(crate) struct Residency<D: Device> {
    id: CardId,
    config: D::Config,
    store: CardStore,
    resident: Mutex<Resident<D>>,
    holding: Arc<Holding>,
}

/// The device, with the turn.
pub(crate) struct Seat<'a, D: Device> {
    residency: &'a Residency<D>,
    resident: MutexGuard<'a, Resident<D>>,
}

impl<D: Device> std::fmt::Debug for Residency<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Residency")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl<D: Device> Residency<D> {
    pub(crate) fn open(id: CardId, store: CardStore, config: D::Config) -> Result<Arc<Self>> {
        let mut resident = Resident {
            turn: None,
            record: Record::default(),
            image: None,
            device: None,
            dirty: false,
            used: false,
            closed: false,
        };
        let stored = store.load()?;
        if let Some(image) = stored.image {
            resident.image = Some(Image::new(bitstreams::Xclbin::parse(image)?)?);
            resident.record = Record {
                model: None,
                ..stored.record
            };
        } else {
            resident.record = stored.record;
        }
        let holding = Arc::default();
        let residency = Arc::new(Self {
            id,
            config,
            store,
            resident: Mutex::new(resident),
            holding,
        });
        Self::spawn_yielder(&residency)?;
        Ok(residency)
    }

    pub(crate) fn id(&self) -> CardId {
        self.id
    }

    pub(crate) fn image(&self) -> Option<Arc<Image>> {
        self.resident.lock().image.clone()
    }

    pub(crate) fn generation(&self) -> u64 {
        self.resident.lock().record.generation
    }

    /// Takes the turn and brings the device up to what is stored.
    pub(crate) fn sit(&self) -> Result<Seat<'_, D>> {
        self.sit_patiently(&patience())
    }

    /// As [`Residency::sit`], also if the image that the card holds is not trusted: it is about to be replaced, and nothing
    /// of it was loaded.
    pub(crate) fn sit_to_program(&self) -> Result<Seat<'_, D>> {
        let mut seat = Seat {
            residency: self,
            resident: self.resident.lock(),
        };
        match seat.take_turn(&patience()) {
            Err(Error::Untrusted { .. } | Error::Trust(_)) => {
                seat.take_turn_without_device(&patience())?
            }
            taken => taken?,
        }
        Ok(seat)
    }

    /// As [`Residency::sit`], whatever is stored: the device is about to be made anew.
    pub(crate) fn sit_to_renew(&self) -> Result<Seat<'_, D>> {
        let mut seat = Seat {
            residency: self,
            resident: self.resident.lock(),
        };
        if seat.resident.turn.is_none() {
            seat.check_open()?;
            seat.take_turn_without_device(&patience())?;
        }
        Ok(seat)
    }

    pub(crate) fn sit_patiently(&self, patience: &Patience) -> Result<Seat<'_, D>> {
        let mut seat = Seat {
            residency: self,
            resident: self.resident.lock(),
        };
        seat.take_turn(patience)?;
        Ok(seat)
    }

    /// The device if this process has it and nobody works on it now.
    pub(crate) fn try_sit(&self, patience: &Patience) -> Result<Option<Seat<'_, D>>> {
        let Some(resident) = self.resident.try_lock() else {
            return Ok(None);
        };
        let mut seat = Seat {
            residency: self,
            resident,
        };
        seat.take_turn(patience)?;
        Ok(Some(seat))
    }

    /// Whether somebody works on the device now.
    pub(crate) fn is_busy(&self) -> bool {
        self.resident.is_locked()
    }

    /// Stores the device and lets go of it. `keep` false: what was stored before stays.
    pub(crate) fn close(&self, keep: bool) -> Result<()> {
        let Some(resident) = self.resident.try_lock_for(CLOSE_TIMEOUT) else {
            return Err(Error::WrongState {
                card: self.id,
                reason: "it is still working and could not be closed; wait for its runs to end"
                    .to_owned(),
            });
        };
        let mut seat = Seat {
            residency: self,
            resident,
        };
        self.holding.set(HoldingState::Closed);
        let stored = if keep && !seat.resident.closed {
            seat.store()
        } else {
            Ok(())
        };
        seat.resident.closed = true;
        seat.resident.device = None;
        seat.resident.turn = None;
        stored
    }

    /// Closes what was not closed before, as far as that works.
    pub(crate) fn close_on_drop(&self) {
        if let Err(error) = self.close(true) {
            tracing::error!(%error, "the card's state could not be stored");
        }
    }

    /// A thread that hands the turn on while the program does something else than work on the card: at once to a
    /// process that waits for it, else when it was not used for a while.
    fn spawn_yielder(residency: &Arc<Self>) -> Result<()> {
        let weak: Weak<Self> = Arc::downgrade(residency);
        let holding = Arc::clone(&residency.holding);
        let card = residency.id;
        let serve = move || {
            while holding.wait() {
                let mut idle = 0;
                while let Some(residency) = weak.upgrade() {
                    if residency.yield_turn(&mut idle) {
                        break;
                    }
                    drop(residency);
                    std::thread::sleep(YIELD_POLL);
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name(format!("{card} turns"))
            .spawn(serve);
        thread.map(|_| ()).map_err(|source| Error::CardUnusable {
            card,
            reason: format!("no thread could be started for it: {source}"),
            advice: "end other programs, or raise the limit on processes".to_owned(),
        })
    }

    /// Hands the turn on if it is time; whether it is gone. `idle` counts calls since the card was last used.
    fn yield_turn(&self, idle: &mut u32) -> bool {
        let Some(mut resident) = self.resident.try_lock() else {
            *idle = 0;
            return false;
        };
        *idle = if std::mem::take(&mut resident.used) {
            0
        } else {
            *idle + 1
        };
        let Some(turn) = &resident.turn else {
            return true;
        };
        let due = *idle >= IDLE_POLLS || turn.is_wanted();
        if due && resident.device.as_ref().is_none_or(D::can_leave) {
            let mut seat = Seat {
                residency: self,
                resident,
            };
            match seat.hand_on() {
                Ok(()) => return true,
                Err(error) => {
                    tracing::error!(%error, "the card's state could not be stored; it keeps the turn");
                    *idle = 0;
                }
            }
        }
        false
    }
}

/// Tells the yielding thread that there is a turn to hand on, or that the card was closed.
#[derive(Debug, Default)]
struct Holding {
    state: Mutex<HoldingState>,
    changed: Condvar,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum HoldingState {
    #[default]
    NoTurn,
    Turn,
    Closed,
}

impl Holding {
    /// Waits for the next turn; `false` when the card was closed.
    fn wait(&self) -> bool {
        let mut state = self.state.lock();
        while *state == HoldingState::NoTurn {
            self.changed.wait(&mut state);
        }
        let open = *state == HoldingState::Turn;
        if open {
            *state = HoldingState::NoTurn;
        }
        open
    }

    fn set(&self, new: HoldingState) {
        let mut state = self.state.lock();
        if *state != HoldingState::Closed {
            *state = new;
            self.changed.notify_one();
        }
    }
}

impl<D: Device> Seat<'_, D> {
    fn check_open(&self) -> Result<()> {
        if self.resident.closed {
            return Err(Error::WrongState {
                card: self.residency.id,
                reason: "it was closed; open it again".to_owned(),
            });
        }
        Ok(())
    }

    fn take_turn(&mut self, patience: &Patience) -> Result<()> {
        self.check_open()?;
        self.resident.used = true;
        if self.resident.turn.is_some() {
            return Ok(());
        }
        let store = &self.residency.store;
        let turn = store.take_turn(patience.timeout, &patience.cancel)?;
        if store.record()? != self.resident.record || self.resident.device.is_none() {
            self.refresh()?;
        }
        self.resident.turn = Some(turn);
        self.residency.holding.set(HoldingState::Turn);
        Ok(())
    }

    /// Takes the turn to replace image and device: what is stored is not loaded.
    fn take_turn_without_device(&mut self, patience: &Patience) -> Result<()> {
        let store = &self.residency.store;
        let turn = store.take_turn(patience.timeout, &patience.cancel)?;
        self.resident.device = None;
        self.resident.record = store.record()?;
        self.resident.dirty = false;
        self.resident.turn = Some(turn);
        self.residency.holding.set(HoldingState::Turn);
        Ok(())
    }

    /// Makes the device what is stored.
    fn refresh(&mut self) -> Result<()> {
        let Self {
            residency,
            resident,
        } = self;
        let stored = residency.store.load()?;
        let mut fresh = false;
        if stored.record.image != resident.record.image || resident.device.is_none() {
            resident.device = None;
            resident.image = None;
            if let Some(bytes) = stored.image {
                let image = Image::new(bitstreams::Xclbin::parse(bytes)?)?;
                // Known also if it cannot be loaded.
                resident.image = Some(Arc::clone(&image));
                resident.device = Some(D::new(residency.id, &residency.config, &image)?);
                fresh = true;
            }
        }
        if let Some(device) = &mut resident.device {
            match &stored.model {
                Some(saved) => device.restore(saved)?,
                // A new one has been reset; once more would cost clocks, and shift all that are counted.
                None if fresh => {}
                None => device.reset()?,
            }
        }
        resident.record = stored.record;
        resident.dirty = false;
        Ok(())
    }

    /// The device, to change it.
    pub(crate) fn device(&mut self) -> Result<&mut D> {
        self.resident.dirty = true;
        self.resident.device.as_mut().ok_or(Error::NotProgrammed {
            card: self.residency.id,
        })
    }

    pub(crate) fn generation(&self) -> u64 {
        self.resident.record.generation
    }

    pub(crate) fn image(&self) -> Option<Arc<Image>> {
        self.resident.image.clone()
    }

    /// Stores the device if it changed.
    pub(crate) fn store(&mut self) -> Result<()> {
        let Self {
            residency,
            resident,
        } = self;
        if !resident.dirty || resident.turn.is_none() {
            return Ok(());
        }
        if let Some(device) = resident.device.as_mut().filter(|device| device.can_leave()) {
            let saved = device.save()?;
            resident.record = residency.store.commit_model(&resident.record, &saved)?;
        }
        resident.dirty = false;
        Ok(())
    }

    /// Whether another process waits for the turn.
    pub(crate) fn is_wanted(&self) -> bool {
        self.resident.turn.as_ref().is_some_and(Turn::is_wanted)
    }

    /// Stores the device and gives the turn to who waits for it.
    pub(crate) fn hand_on(&mut self) -> Result<()> {
        self.store()?;
        self.resident.turn = None;
        Ok(())
    }

    /// Lets other threads of this process have the seat for a moment if they wait for it.
    pub(crate) fn bump(&mut self) {
        MutexGuard::bump(&mut self.resident);
    }

    /// Replaces image and device; on failure all stays as it was.
    pub(crate) fn program(&mut self, image: Arc<Image>) -> Result<()> {
        let Self {
            residency,
            resident,
        } = self;
        if resident
            .device
            .as_ref()
            .is_some_and(|device| !device.is_quiet())
        {
            return Err(Error::WrongState {
                card: residency.id,
                reason: "a run is going on; wait for it or abort it before programming".to_owned(),
            });
        }
        let device = match D::new(residency.id, &residency.config, &image) {
            Ok(device) => device,
            Err(error) => {
                if resident.device.is_none() {
                    // Whoever sits next has what is stored loaded, or hears why it is not.
                    resident.turn = None;
                }
                return Err(error);
            }
        };
        let generation = resident.record.generation + 1;
        resident.record =
            residency
                .store
                .commit(generation, Some(image.xclbin().as_bytes()), None)?;
        resident.image = Some(image);
        resident.device = Some(device);
        resident.dirty = true;
        Ok(())
    }

    /// Programs a card that holds no image, now that nobody else can: another process may have done so since this one
    /// looked, and its handles must not become stale.
    pub(crate) fn program_empty(&mut self, image: Arc<Image>) -> Result<()> {
        if self.resident.image.is_some() {
            return Ok(());
        }
        self.program(image)
    }

    /// The device, if this process has it.
    pub(crate) fn present(&mut self) -> Option<&mut D> {
        self.resident.device.as_mut()
    }

    /// Makes the device anew from the stored image, which is forgotten if it cannot be read; older handles become stale.
    pub(crate) fn renew(&mut self) -> Result<()> {
        self.resident.device = None;
        let renewed = self
            .residency
            .store
            .discard_model_state()
            .and_then(|()| self.refresh());
        match &renewed {
            Ok(()) => self.resident.dirty = true,
            // Whoever sits next tries again, or hears why it cannot be done.
            Err(_) => self.resident.turn = None,
        }
        renewed
    }

    /// Resets the device and makes older handles stale.
    pub(crate) fn reset(&mut self) -> Result<()> {
        let Self {
            residency,
            resident,
        } = self;
        let device = resident
            .device
            .as_mut()
            .ok_or(Error::NotProgrammed { card: residency.id })?;
        device.reset()?;
        let saved = device.save()?;
        let record = Record {
            generation: resident.record.generation + 1,
            ..resident.record.clone()
        };
        resident.record = residency.store.commit_model(&record, &saved)?;
        resident.dirty = false;
        Ok(())
    }
}
