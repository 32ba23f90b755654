//! A simulated card behind the PCIe shell: clocked by a thread of its own for as long as a client holds a compute unit,
//! as a card's clock runs whether anybody waits or not.

mod clock;
mod pairs;
mod windows;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread::JoinHandle;

use card_shell::identity::PROGRAMMING;
use card_shell::{
    AxiError, Card, CardError, CardEvents, CardSize, CardStatus, Disturbance, DmaPiece, Doorbell,
    LinkState,
};
use parking_lot::{Condvar, Mutex};

use self::pairs::Pairs;
use self::windows::Windows;
use super::SimOptions;
use super::board::{MemoryBanks, bytes_of};
use super::device::{SimConfig, SimDevice};
use super::dma;
use crate::backend::Reliability;
use crate::backend::residency::Device;
use crate::card_id::CardId;
use crate::faults::{ErrorResponse, Transfer};
use crate::image::Image;
use crate::memory::BankAllocator;
use crate::trust::TrustOptions;
use crate::{Error, Result};

/// Clocks that go on after the last register access or the last unit that was given back, so that what a driver without
/// semaphores started comes to its end: a few milliseconds.
const AFTERGLOW: u64 = 1 << 16;

/// A simulated card to put behind a shell.
pub(crate) struct ServedSim {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    id: CardId,
    config: SimConfig,
    size: CardSize,
    state: Mutex<State>,
    wake: Condvar,
    /// What clients have rung, and the kernels have not been told.
    rung: Mutex<Vec<(u32, Doorbell)>>,
    windows: Arc<Windows>,
}

#[derive(Default)]
struct State {
    image: Option<Arc<Image>>,
    device: Option<SimDevice>,
    generation: u32,
    sequence: u64,
    broken: bool,
    /// Units that clients hold.
    held: u32,
    /// Clocks to go without any held.
    afterglow: u64,
    /// What is free of each bank, and what clients were given, by address.
    allocators: Vec<BankAllocator>,
    given: BTreeMap<u64, Given>,
    /// Levels that the clients were told of.
    interrupts: Vec<bool>,
    /// What memory and link had found when clients were last told.
    found: Reliability,
    pairs: Pairs,
    /// Clocks since it was looked whether pairs were stopped.
    unwatched: u64,
    events: Option<Arc<dyn CardEvents>>,
    /// A client has woken the card since it fell asleep.
    woken: bool,
    stop: bool,
}

/// Memory that a client was given.
struct Given {
    client: u32,
    bank: usize,
    bytes: u64,
}

/// All of each bank.
fn allocators(image: &Image, card: Option<MemoryBanks>) -> Vec<BankAllocator> {
    let banks = image.banks().iter();
    banks
        .map(|bank| BankAllocator::new(bank.base, bytes_of(bank, card)))
        .collect()
}

impl State {
    fn release(&mut self, address: u64) {
        if let Some(given) = self.given.remove(&address)
            && let Some(allocator) = self.allocators.get_mut(given.bank)
        {
            allocator.release(address, given.bytes);
        }
    }
}

impl ServedSim {
    pub(crate) fn start(
        id: CardId,
        options: SimOptions,
        trust: TrustOptions,
        banks: Option<MemoryBanks>,
        size: CardSize,
    ) -> Result<Self> {
        let config = SimConfig {
            options,
            trust,
            banks,
            memory: Arc::default(),
            clocks: Arc::new(AtomicU64::new(0)),
            clocking: Arc::default(),
        };
        let shared = Arc::new(Shared::new(id, size, config));
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name(format!("{id} clock"))
            .spawn(move || of_thread.serve())
            .map_err(|source| Error::CardUnusable {
                card: id,
                reason: format!("no thread could be started for it: {source}"),
                advice: "end other programs, or raise the limit on processes".to_owned(),
            })?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Loads an image, before there are clients.
    pub(crate) fn load(&self, image: &Arc<Image>) -> Result<()> {
        self.shared.load(image)
    }
}

impl Drop for ServedSim {
    fn drop(&mut self) {
        self.shared.state.lock().stop = true;
        self.shared.wake.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn new(id: CardId, size: CardSize, config: SimConfig) -> Self {
        Self {
            id,
            size,
            config,
            state: Mutex::default(),
            wake: Condvar::new(),
            rung: Mutex::default(),
            windows: Arc::default(),
        }
    }

    /// Tells clients of what memory and link found.
    fn tell_found(&self, state: &mut State) {
        let memory = state.device.as_ref().map(|device| device.memory());
        let ecc = memory.map_or_else(Default::default, |memory| memory.ecc_counters());
        let found = Reliability {
            corrected: ecc.corrected,
            uncorrected: ecc.uncorrected,
            replays: self.config.options.faults.replays(),
        };
        if state.found != found {
            state.found = found;
            self.changed(state);
        }
    }

    fn break_down(&self, state: &mut State, error: &Error) {
        tracing::error!(%error, "the simulated card stopped");
        state.broken = true;
        self.changed(state);
    }

    /// Tells of a new status.
    fn changed(&self, state: &mut State) {
        state.sequence += 1;
        if let Some(events) = &state.events {
            events.status_changed(&status_of(state, &self.config, self.size));
        }
        self.wake.notify_all();
    }

    fn tell_interrupts(&self, state: &mut State) {
        let (Some(device), Some(events)) = (&state.device, &state.events) else {
            return;
        };
        for (unit, told) in state.interrupts.iter_mut().enumerate() {
            let level = device.interrupt(unit);
            if std::mem::replace(told, level) != level {
                events.interrupt(unit as u32, level);
            }
        }
    }

    fn load(&self, image: &Arc<Image>) -> Result<()> {
        let mut device = SimDevice::new(self.id, &self.config, image)?;
        device.connect_hosts(image, &(Arc::clone(&self.windows) as _));
        let pairs = Pairs::new(self.id, &mut device)?;
        let mut state = self.state.lock();
        self.take_all_back(&mut state, image);
        state.pairs = pairs;
        state.interrupts = vec![false; image.units().len()];
        state.image = Some(Arc::clone(image));
        state.device = Some(device);
        state.broken = false;
        state.generation = state.generation.wrapping_add(1);
        self.changed(&mut state);
        Ok(())
    }

    /// All memory is free again, and what was rung was for kernels that are no more.
    fn take_all_back(&self, state: &mut State, image: &Image) {
        self.windows.close_all();
        state.allocators = allocators(image, self.config.banks);
        state.given.clear();
        self.rung.lock().clear();
    }

    /// The unit with these registers, and where in them the address is.
    fn register<T>(
        &self,
        address: u64,
        access: impl FnOnce(&mut SimDevice, &mut Pairs, usize, u32) -> Result<T>,
    ) -> Result<T, AxiError> {
        let mut state = self.state.lock();
        let state = &mut *state;
        let image = state.image.clone().ok_or(AxiError::Decode)?;
        let within = |unit: usize| {
            let offset = address.checked_sub(image.units()[unit].base);
            offset.filter(|&offset| offset < image.register_window(unit))
        };
        let found = (0..image.units().len()).find_map(|unit| Some((unit, within(unit)?)));
        let (unit, offset) = found.ok_or(AxiError::Decode)?;
        let device = state.device.as_mut().ok_or(AxiError::Decode)?;
        let result = match access(device, &mut state.pairs, unit, offset as u32) {
            Ok(value) => Ok(value),
            Err(Error::Bus { .. }) => Err(AxiError::Slave),
            Err(error) => {
                self.break_down(state, &error);
                Err(AxiError::Slave)
            }
        };
        self.tell_interrupts(state);
        state.afterglow = AFTERGLOW;
        self.wake.notify_all();
        result
    }
}

fn status_of(state: &State, config: &SimConfig, size: CardSize) -> CardStatus {
    let image = state.image.as_deref();
    CardStatus {
        size,
        sequence: state.sequence,
        image: image.map(|image| *image.uuid().as_bytes()),
        image_bytes: image.map_or(0, |image| image.xclbin().as_bytes().len() as u32),
        generation: state.generation,
        broken: state.broken,
        clock_mhz: image.map_or(0, |image| config.options.clock_of(image).into()),
        units: image.map_or(0, |image| image.units().len() as u32),
        corrected: state.found.corrected as u32,
        uncorrected: state.found.uncorrected as u32,
        replays: state.found.replays as u32,
        pairs: state.pairs.count(),
        takes_pushes: state
            .device
            .as_ref()
            .is_some_and(|device| device.queues.all_take_pushes()),
    }
}

fn card_error(error: &Error) -> CardError {
    CardError(error.to_string())
}

impl Card for ServedSim {
    fn status(&self) -> CardStatus {
        status_of(
            &self.shared.state.lock(),
            &self.shared.config,
            self.shared.size,
        )
    }

    fn read_register(&self, address: u64) -> Result<u32, AxiError> {
        self.shared.register(address, |device, _, unit, offset| {
            device.read_register(unit, offset)
        })
    }

    fn write_register(&self, address: u64, value: u32) -> Result<(), AxiError> {
        self.shared
            .register(address, |device, pairs, unit, offset| {
                pairs.sees_write(device, unit, offset, value);
                device.write_register(unit, offset, value)
            })
    }

    fn memory(
        &self,
        address: u64,
        len: usize,
        access: &mut dyn FnMut(&mut [u8]),
    ) -> Result<(), AxiError> {
        let memory = {
            let state = self.shared.state.lock();
            let (Some(device), Some(image)) = (&state.device, &state.image) else {
                return Err(AxiError::Decode);
            };
            // The hosts' memory is behind a bridge, which the DMA engine does not reach.
            let mut hosts = image.banks().iter().filter(|bank| bank.is_host());
            if hosts.any(|bank| address.wrapping_sub(bank.base) < bank.size) {
                return Err(AxiError::Decode);
            }
            Arc::clone(device.memory())
        };
        let start = memory
            .host_pointer(address, len)
            .map_err(|_| AxiError::Decode)?;
        // SAFETY: `len` bytes within a bank, which `memory` keeps mapped. Kernels access them by raw copies at the same
        // time, as on a card: what is seen then is only defined where the driver has ordered the two.
        access(unsafe { std::slice::from_raw_parts_mut(start.as_ptr(), len) });
        Ok(())
    }

    fn check_memory(&self, piece: &DmaPiece) -> Result<(), AxiError> {
        let mut state = self.shared.state.lock();
        let device = state.device.as_ref().ok_or(AxiError::Decode)?;
        let memory = device.memory();
        let checked = match piece.to_card {
            true => memory.check_write(piece.address, piece.len),
            false => memory.check_read(piece.address, piece.len),
        };
        self.shared.tell_found(&mut state);
        checked.map_err(|_| AxiError::Slave)
    }

    fn disturb(&self, piece: &DmaPiece) -> Option<Disturbance> {
        let transfer = Transfer {
            to_card: piece.to_card,
            address: piece.address,
            len: piece.len,
        };
        let strike = self.shared.config.options.faults.transfer(transfer)?;
        let mut state = self.shared.state.lock();
        if let Some(device) = &mut state.device {
            dma::upset(device.memory(), &strike, transfer);
            if let Err(error) = device.suffer_now() {
                self.shared.break_down(&mut state, &error);
            }
        }
        self.shared.tell_found(&mut state);
        Some(Disturbance {
            response: strike.response.map(|response| match response {
                ErrorResponse::Slverr => AxiError::Slave,
                ErrorResponse::Decerr => AxiError::Decode,
            }),
            parity: strike.flip == Some(false),
            short: strike.short,
            hang: strike.hang,
        })
    }

    fn train_link(&self) {
        let faults = &self.shared.config.options.faults;
        if faults.link() == crate::faults::LinkState::Lost {
            faults.restore_link();
        }
    }

    fn image(&self) -> Option<Arc<[u8]>> {
        let image = self.shared.state.lock().image.clone()?;
        Some(image.xclbin().as_bytes().into())
    }

    fn program(&self, image: Vec<u8>) -> Result<(), CardError> {
        let image = bitstreams::Xclbin::parse(image)
            .map_err(Error::from)
            .and_then(Image::new);
        let image = image.map_err(|error| card_error(&error))?;
        self.shared.load(&image).map_err(|error| card_error(&error))
    }

    fn unload(&self) -> Result<(), CardError> {
        let mut state = self.shared.state.lock();
        state.allocators.clear();
        state.given.clear();
        state.interrupts.clear();
        state.pairs = Pairs::default();
        self.shared.windows.close_all();
        self.shared.rung.lock().clear();
        state.image = None;
        state.device = None;
        *self.shared.config.memory.lock() = None;
        state.broken = false;
        state.generation = state.generation.wrapping_add(1);
        self.shared.changed(&mut state);
        Ok(())
    }

    fn reset(&self) -> Result<(), CardError> {
        let mut state = self.shared.state.lock();
        let Some(device) = &mut state.device else {
            return Ok(());
        };
        device.reset().map_err(|error| card_error(&error))?;
        if let Some(image) = state.image.clone() {
            self.shared.take_all_back(&mut state, &image);
        }
        state.pairs.forget();
        state.broken = false;
        state.generation = state.generation.wrapping_add(1);
        self.shared.tell_interrupts(&mut state);
        self.shared.changed(&mut state);
        Ok(())
    }

    fn reset_unit(&self, unit: u32) -> Result<(), CardError> {
        let mut guard = self.shared.state.lock();
        let state = &mut *guard;
        let units = state.interrupts.len();
        let device = state.device.as_mut().filter(|_| (unit as usize) < units);
        let device = device.ok_or_else(|| {
            CardError(format!(
                "there is no compute unit {unit}; there are {units}"
            ))
        })?;
        device
            .reset_unit(unit as usize)
            .map_err(|error| card_error(&error))?;
        if state.pairs.are_of(unit as usize) {
            // Its queues are gone: all who knew the card have to learn that.
            state.pairs.forget();
            state.generation = state.generation.wrapping_add(1);
            self.shared.changed(state);
        }
        self.shared.tell_interrupts(state);
        Ok(())
    }

    fn allocate(&self, client: u32, bank: u32, bytes: u64, host: u64) -> Option<u64> {
        let mut state = self.shared.state.lock();
        let image = state.image.clone()?;
        let is_host = image.banks().get(bank as usize)?.is_host();
        let memory = match &state.events {
            Some(events) if is_host => Some(events.host_memory(client)?),
            _ => None,
        };
        let address = state.allocators.get_mut(bank as usize)?.allocate(bytes)?;
        let given = Given {
            client,
            bank: bank as usize,
            bytes,
        };
        state.given.insert(address, given);
        if let Some(memory) = memory {
            self.shared.windows.open(address, bytes, memory, host);
        }
        Some(address)
    }

    fn release(&self, client: u32, address: u64) {
        let mut state = self.shared.state.lock();
        if state
            .given
            .get(&address)
            .is_some_and(|given| given.client == client)
        {
            self.shared.windows.close(address);
            state.release(address);
        }
    }

    fn release_all(&self, client: u32) {
        let mut state = self.shared.state.lock();
        let mine = state
            .given
            .iter()
            .filter(|(_, given)| given.client == client);
        let addresses: Vec<u64> = mine.map(|(&address, _)| address).collect();
        for address in addresses {
            self.shared.windows.close(address);
            state.release(address);
        }
    }

    fn taken(&self, unit: u32) {
        if unit != PROGRAMMING {
            self.shared.state.lock().held += 1;
            self.shared.wake.notify_all();
        }
    }

    fn given_back(&self, unit: u32, left: bool) {
        if unit == PROGRAMMING {
            return;
        }
        let has_pairs = {
            let mut state = self.shared.state.lock();
            state.held = state.held.saturating_sub(1);
            state.afterglow = AFTERGLOW;
            state.pairs.are_of(unit as usize)
        };
        // A unit with queues is held to set a policy, and works for others beside.
        let left = left && !has_pairs;
        // What a client left behind may work on into memory that is another one's by now.
        if left && let Err(error) = self.reset_unit(unit) {
            tracing::warn!(%error, "a unit that a client left could not be reset");
        }
    }

    fn pair_taken(&self, pair: u32) {
        let mut state = self.shared.state.lock();
        self.shared.with_device(&mut state, |device, pairs, _, _| {
            pairs.take(pair, device);
            Ok(())
        });
    }

    fn pair_given_back(&self, pair: u32) -> bool {
        let mut rests = true;
        let mut state = self.shared.state.lock();
        // What its holder rang last is nothing to the next one. Nothing is added any more: the shell looks at this pair no longer.
        self.shared.rung.lock().retain(|&(rung, _)| rung != pair);
        if !state.broken {
            self.shared.with_device(&mut state, |device, pairs, _, _| {
                rests = pairs.give_back(pair, device)?;
                Ok(())
            });
        }
        rests
    }

    fn ring(&self, pair: u32, doorbell: Doorbell) {
        self.shared.rung.lock().push((pair, doorbell));
    }

    fn wake(&self) {
        // With the lock, so that it is asleep or will look once more.
        self.shared.state.lock().woken = true;
        self.shared.wake.notify_all();
    }

    fn connect(&self, events: Arc<dyn CardEvents>) {
        self.shared.state.lock().events = Some(Arc::clone(&events));
        let faults = &self.shared.config.options.faults;
        let told = |link| match link {
            crate::faults::LinkState::Up => LinkState::Up,
            crate::faults::LinkState::Lost => LinkState::Down,
            crate::faults::LinkState::Removed => LinkState::Removed,
        };
        events.link_changed(told(faults.link()));
        faults.observe(move |link| events.link_changed(told(link)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_rung_for_a_pair_that_is_given_back_is_not_for_its_next_holder() {
        let config = SimConfig {
            options: SimOptions::default(),
            trust: TrustOptions::default(),
            banks: None,
            memory: Arc::default(),
            clocks: Arc::default(),
            clocking: Arc::default(),
        };
        let id = CardId::Served("rung".parse().unwrap());
        // Without the thread that takes over what is rung: it may be late.
        let card = ServedSim {
            shared: Arc::new(Shared::new(id, CardSize::default(), config)),
            thread: None,
        };
        card.ring(3, Doorbell::Head(64));
        card.ring(4, Doorbell::Head(1));
        card.ring(3, Doorbell::Tail(64));
        assert!(card.pair_given_back(3));
        assert_eq!(*card.shared.rung.lock(), [(4, Doorbell::Head(1))]);
    }
}
