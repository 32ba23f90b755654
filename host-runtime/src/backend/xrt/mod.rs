//! Cards that the installed XRT drives: a real Alveo card, or what XRT's emulation stands for.
//!
//! XRT owns the memory and its addresses. Compute units are opened for this program alone, because XRT lets only such
//! ones' registers be used, and runs are started and observed there: that is what counters and policy slots need. A
//! kernel cannot be reset through XRT; one that hangs costs the image, which must be loaded anew.

mod library;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};

use self::library::{Address, BufferObject, ComputeUnit, Device, HOME_VARIABLE, OpenError};
use crate::backend::pair::Pair;
use crate::backend::polled_unit::{PolledUnit, Registers as _};
use crate::backend::{
    Backend, BusError, EndedRun, Patience, RunId, RunOutcome, RunRequest, SimulatedTime, Waited,
};
use crate::card::CardCore;
use crate::card_id::CardId;
use crate::image::Image;
use crate::memory::MappedMemory;
use crate::queue::QueueOptions;
use crate::store::CardStore;
use crate::{Error, Result};

pub(crate) use self::library::is_installed;

/// How long a run that is aborted may take to end by itself.
const LAST_CHANCE: Duration = Duration::from_secs(1);

/// Looks at a unit's registers without pause before pauses begin, and their length then.
const EAGER_POLLS: u32 = 2000;
const PAUSE: Duration = Duration::from_micros(50);

type Unit = PolledUnit<ComputeUnit>;

/// A card behind XRT.
#[derive(Debug)]
pub(crate) struct XrtBackend {
    id: CardId,
    device: Arc<Device>,
    store: CardStore,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    image: Option<Arc<Image>>,
    generation: u64,
    units: HashMap<usize, Unit>,
    /// Units that hang, and are not used again with this image.
    lost: HashSet<usize>,
    /// By their first address.
    buffers: BTreeMap<u64, Arc<Mutex<BufferObject>>>,
    next_run: u64,
    unit_of: HashMap<RunId, usize>,
    ended: HashMap<RunId, Result<RunOutcome>>,
}

impl XrtBackend {
    /// `address` is the card's on the PCI bus, if that is known; else it is found by its index.
    pub(crate) fn open(
        id: CardId,
        index: u16,
        address: Option<String>,
        store: CardStore,
    ) -> Result<Self> {
        let address = address.map_or(Address::Index(index), Address::Pcie);
        let device = Device::open(&address).map_err(|error| match error {
            OpenError::Library(reason) => Error::CardUnusable {
                card: id,
                reason: format!("XRT cannot be loaded: {reason}"),
                advice: "install XRT and set its environment (setup.sh), or use sim:0".to_owned(),
            },
            OpenError::Device(error) => Error::CardUnusable {
                card: id,
                reason: format!("XRT does not open the device ({error}); its own message says why"),
                advice: format!(
                    "see what `xbutil examine` lists, and that {HOME_VARIABLE} names XRT's folder"
                ),
            },
        })?;
        let stored = store.load()?;
        let backend = Self {
            id,
            device,
            store,
            state: Mutex::new(State {
                generation: stored.record.generation,
                ..State::default()
            }),
        };
        backend.adopt(stored.image)?;
        Ok(backend)
    }

    /// Takes the image that the card was last programmed with for what it holds, unless XRT knows better.
    fn adopt(&self, image: Option<Vec<u8>>) -> Result<()> {
        let Some(image) = image else { return Ok(()) };
        let image = Image::new(bitstreams::Xclbin::parse(image)?)?;
        if self.device.image().is_some_and(|held| held != image.uuid()) {
            tracing::info!(card = %self.id, "somebody else programmed the card");
            return Ok(());
        }
        // A card that holds it does nothing; this process' XRT learns of it.
        self.load(&image)?;
        self.state().image = Some(image);
        Ok(())
    }

    fn load(&self, image: &Image) -> Result<()> {
        self.device
            .load(image.xclbin().as_bytes())
            .map_err(|error| self.failed("load the image", error))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    fn failed(&self, action: impl Into<String>, source: io::Error) -> Error {
        Error::Xrt {
            card: self.id,
            action: action.into(),
            source,
        }
    }

    /// The buffer that holds all of these bytes, and where in it they are.
    fn buffer(&self, address: u64, len: usize) -> Result<(Arc<Mutex<BufferObject>>, usize)> {
        let state = self.state();
        let found = state.buffers.range(..=address).next_back();
        let (buffer, offset) = found
            .map(|(first, buffer)| (Arc::clone(buffer), (address - first) as usize))
            .ok_or_else(|| self.no_memory(address, len))?;
        drop(state);
        let fits = offset
            .checked_add(len)
            .is_some_and(|end| end <= buffer.lock().len());
        if fits {
            Ok((buffer, offset))
        } else {
            Err(self.no_memory(address, len))
        }
    }

    fn no_memory(&self, address: u64, len: usize) -> Error {
        Error::Bus {
            card: self.id,
            source: BusError::Memory { address, len },
        }
    }

    /// Opens a compute unit at its first use.
    fn with_unit<T>(
        &self,
        state: &mut State,
        index: usize,
        what: &str,
        use_it: impl FnOnce(&mut Unit) -> io::Result<T>,
    ) -> Result<T> {
        let image = state
            .image
            .clone()
            .ok_or(Error::NotProgrammed { card: self.id })?;
        let info = &image.units()[index];
        if state.lost.contains(&index) {
            return Err(Error::WrongState {
                card: self.id,
                reason: format!(
                    "{} hangs, and XRT cannot reset it; program the card again",
                    info.name
                ),
            });
        }
        let unit = match state.units.entry(index) {
            std::collections::hash_map::Entry::Occupied(unit) => unit.into_mut(),
            std::collections::hash_map::Entry::Vacant(place) => {
                let registers = self
                    .device
                    .open_unit(image.uuid(), &xrt_name(&info.name))
                    .map_err(|error| self.failed(format!("open {} alone", info.name), error))?;
                place.insert(Unit::new(registers, image.control(index), false))
            }
        };
        use_it(unit).map_err(|error| self.failed(format!("{what} {}", info.name), error))
    }

    /// Looks at every unit, and keeps what has ended.
    fn poll(&self, state: &mut State) {
        let busy: HashSet<usize> = state.unit_of.values().copied().collect();
        for index in busy {
            loop {
                match self.with_unit(state, index, "work on", Unit::poll) {
                    Ok(Some((run, outcome))) => {
                        state.unit_of.remove(&run);
                        state.ended.insert(run, Ok(outcome));
                    }
                    Ok(None) => break,
                    Err(error) => {
                        let runs = state.units.get_mut(&index).map(Unit::give_up);
                        let text = error.to_string();
                        for run in runs.into_iter().flatten() {
                            state.unit_of.remove(&run);
                            let error = Error::WrongState {
                                card: self.id,
                                reason: text.clone(),
                            };
                            state.ended.insert(run, Err(error));
                        }
                        break;
                    }
                }
            }
        }
    }

    /// Polls until `found` finds something, or patience ends.
    fn poll_until<T>(
        &self,
        patience: &Patience,
        mut found: impl FnMut(&mut State) -> Option<T>,
    ) -> Option<T> {
        let begin = Instant::now();
        for polls in 0_u32.. {
            {
                let mut state = self.state();
                self.poll(&mut state);
                if let Some(found) = found(&mut state) {
                    return Some(found);
                }
            }
            if begin.elapsed() >= patience.timeout || patience.cancel.is_cancelled() {
                break;
            }
            if polls > EAGER_POLLS {
                std::thread::sleep(PAUSE);
            } else {
                std::thread::yield_now();
            }
        }
        None
    }

    fn unknown_run(&self) -> Error {
        Error::WrongState {
            card: self.id,
            reason: "that run is not known, or was told to have ended already".to_owned(),
        }
    }
}

/// How XRT names one compute unit: `kernel:{instance}`.
fn xrt_name(unit: &str) -> String {
    unit.split_once(':').map_or_else(
        || unit.to_owned(),
        |(kernel, unit)| format!("{kernel}:{{{unit}}}"),
    )
}

impl Backend for XrtBackend {
    fn image(&self) -> Option<Arc<Image>> {
        self.state().image.clone()
    }

    fn generation(&self) -> u64 {
        self.state().generation
    }

    fn program(&self, image: Arc<Image>) -> Result<()> {
        let mut state = self.state();
        if !state.unit_of.is_empty() {
            return Err(Error::WrongState {
                card: self.id,
                reason: "a run goes on; wait for it, or abort it".to_owned(),
            });
        }
        // XRT refuses another image while there are buffers and open units. They are gone whatever comes.
        state.units.clear();
        state.buffers.clear();
        state.generation += 1;
        self.load(&image)?;
        state.lost.clear();
        self.store
            .commit(state.generation, Some(image.xclbin().as_bytes()), None)?;
        state.image = Some(image);
        Ok(())
    }

    fn program_empty(&self, image: Arc<Image>) -> Result<()> {
        if self.state().image.is_some() {
            return Ok(());
        }
        self.program(image)
    }

    fn reset(&self) -> Result<()> {
        Err(Error::WrongState {
            card: self.id,
            reason: "XRT cannot reset kernels alone; program the card again, or reset all of it with XRT's `xbutil reset`".to_owned(),
        })
    }

    fn reset_unit(&self, _unit: usize) -> Result<()> {
        self.reset()
    }

    fn renew(&self) -> Result<()> {
        let image = {
            let mut state = self.state();
            let image = state.image.clone();
            let given_up: Vec<RunId> = state.unit_of.drain().map(|(run, _)| run).collect();
            for run in given_up {
                let card = self.id;
                let what = "run";
                state.ended.insert(run, Err(Error::Stale { card, what }));
            }
            image
        };
        self.program(image.ok_or(Error::NotProgrammed { card: self.id })?)
    }

    fn allocate(&self, bank: usize, len: u64) -> Result<Option<u64>> {
        let image = self.image().ok_or(Error::NotProgrammed { card: self.id })?;
        let group = u32::try_from(bank).unwrap_or(u32::MAX);
        let length = usize::try_from(len).unwrap_or(usize::MAX);
        let buffer = self
            .device
            .allocate(group, length.max(1))
            .map_err(|error| {
                let name = &image.banks()[bank].name;
                if error.kind() == io::ErrorKind::OutOfMemory {
                    return Error::OutOfMemory {
                        card: self.id,
                        bank: name.clone(),
                        asked: len,
                        largest_free: 0,
                    };
                }
                self.failed(format!("allocate {len} bytes in bank {name}"), error)
            })?;
        let address = buffer.address();
        self.state()
            .buffers
            .insert(address, Arc::new(Mutex::new(buffer)));
        Ok(Some(address))
    }

    fn release(&self, address: u64) {
        self.state().buffers.remove(&address);
    }

    fn write_memory(&self, address: u64, bytes: &[u8]) -> Result<()> {
        let (buffer, offset) = self.buffer(address, bytes.len())?;
        let written = buffer.lock().write(offset, bytes);
        written.map_err(|error| self.failed("copy to the card", error))
    }

    fn read_memory(&self, address: u64, bytes: &mut [u8]) -> Result<()> {
        let (buffer, offset) = self.buffer(address, bytes.len())?;
        let read = buffer.lock().read(offset, bytes);
        read.map_err(|error| self.failed("copy from the card", error))
    }

    fn copy_memory(&self, from: u64, to: u64, len: usize) -> Result<()> {
        let (source, source_offset) = self.buffer(from, len)?;
        let (target, offset) = self.buffer(to, len)?;
        if Arc::ptr_eq(&source, &target) {
            // XRT copies between two buffers only.
            let mut bytes = vec![0; len];
            self.read_memory(from, &mut bytes)?;
            return self.write_memory(to, &bytes);
        }
        // In the order of their addresses, so that two copies do not wait for each other.
        let copied = if from < to {
            let source = source.lock();
            target.lock().copy_from(offset, &source, source_offset, len)
        } else {
            let mut target = target.lock();
            target.copy_from(offset, &source.lock(), source_offset, len)
        };
        copied.map_err(|error| self.failed("copy within the card", error))
    }

    fn map_memory(&self, _address: u64, _len: usize) -> Result<Option<MappedMemory>> {
        Ok(None)
    }

    fn read_register(&self, unit: usize, offset: u32) -> Result<u32> {
        let mut state = self.state();
        self.with_unit(&mut state, unit, "read a register of", |unit| {
            unit.registers().read(offset)
        })
    }

    fn write_register(&self, unit: usize, offset: u32, value: u32) -> Result<()> {
        let mut state = self.state();
        self.with_unit(&mut state, unit, "write a register of", |unit| {
            unit.registers().write(offset, value)
        })
    }

    fn submit(&self, request: RunRequest) -> Result<RunId> {
        let mut state = self.state();
        let index = request.unit;
        let run = RunId(state.next_run);
        state.next_run += 1;
        self.with_unit(&mut state, index, "start", |unit| unit.submit(run, request))?;
        state.unit_of.insert(run, index);
        Ok(run)
    }

    fn wait(&self, run: RunId, patience: &Patience) -> Result<Waited> {
        let ended = self.poll_until(patience, |state| match state.ended.remove(&run) {
            Some(ended) => Some(ended),
            None if state.unit_of.contains_key(&run) => None,
            None => Some(Err(self.unknown_run())),
        });
        match ended {
            Some(ended) => Ok(Waited::Done(ended?)),
            None => Ok(Waited::Pending(String::new())),
        }
    }

    fn wait_any(
        &self,
        runs: &dyn Fn() -> Vec<RunId>,
        patience: &Patience,
    ) -> Result<Vec<EndedRun>> {
        let ended = self.poll_until(patience, |state| {
            let runs = runs();
            let ended: Vec<EndedRun> = runs
                .iter()
                .filter_map(|run| Some((*run, state.ended.remove(run)?)))
                .collect();
            (runs.is_empty() || !ended.is_empty()).then_some(ended)
        });
        Ok(ended.unwrap_or_default())
    }

    fn abort(&self, run: RunId) -> Result<()> {
        let begun = {
            let mut state = self.state();
            if state.ended.remove(&run).is_some() {
                return Ok(());
            }
            let Some(&index) = state.unit_of.get(&run) else {
                return Ok(());
            };
            if let Some(unit) = state.units.get_mut(&index)
                && !unit.is_running(run)
                && unit.withdraw(run)
            {
                state.unit_of.remove(&run);
                return Ok(());
            }
            index
        };
        let patience = Patience {
            timeout: LAST_CHANCE,
            cancel: crate::CancelToken::new(),
        };
        if let Waited::Done(_) = self.wait(run, &patience)? {
            return Ok(());
        }
        let mut state = self.state();
        state.lost.insert(begun);
        let runs = state.units.get_mut(&begun).map(Unit::give_up);
        for given_up in runs.into_iter().flatten() {
            state.unit_of.remove(&given_up);
            if given_up != run {
                let unit = state
                    .image
                    .as_ref()
                    .map_or_else(String::new, |image| image.units()[begun].name.clone());
                let error = Error::Aborted {
                    card: self.id,
                    unit,
                };
                state.ended.insert(given_up, Err(error));
            }
        }
        Ok(())
    }

    fn open_pair(&self, _core: &Arc<CardCore>, _options: &QueueOptions) -> Result<Box<dyn Pair>> {
        Err(Error::QueueUnsupported {
            card: self.id,
            reason: "XRT gives programs no doorbells, and most of its platforms give kernels no way to the host's memory"
                .to_owned(),
            advice: "validate in batches (`Validator`), or open a queue on software:0".to_owned(),
        })
    }

    fn simulated_time(&self) -> Option<SimulatedTime> {
        None
    }

    fn close(&self, _keep: bool) -> Result<()> {
        // What a card holds is kept when it is programmed.
        Ok(())
    }
}
