//! Cards that are PCIe functions with our shell, driven from user space: served ones by vfio-user, those on the bus by the
//! kernel's VFIO.
//!
//! Many processes share a card. Its memory is given out by the card, its compute units are held by semaphores in the
//! identity block for the length of a run, and what a process had goes back when it ends.

mod dma;
mod doorbells;
mod error;
mod host;
mod pair;
mod presence;
mod refusals;
mod runs;
mod transport;
mod unit;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use card_shell::identity as id;
use parking_lot::{Mutex, MutexGuard};
use vfio::PciAddress;
use vfio_user::{BAR0_REGION, CONFIG_REGION};

use self::dma::DmaEngine;
use self::doorbells::Doorbells;
pub use self::error::PcieError;
use self::host::{HostBuffers, HostSides};
use self::presence::{check_presence, lost};
use self::refusals::Refusals;
use self::transport::{DmaSpace, Mapped, Transport, Vfio, VfioUser};
use self::unit::{Doorbell, Unit};
use crate::backend::pair::Pair;
use crate::backend::{
    Backend, EndedRun, Patience, Reliability, RunId, RunOutcome, RunRequest, SimulatedTime, Waited,
};
use crate::card::CardCore;
use crate::card_id::CardId;
use crate::image::Image;
use crate::lease::CardResources;
use crate::memory::MappedMemory;
use crate::queue::QueueOptions;
use crate::store::CardStore;
use crate::{Error, Result};

/// Longest that an answer of the card or a transfer takes, unless who opens the card says otherwise.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest that loading an image or a reset takes.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(120);

/// Longest that another process' programming is waited for.
const PROGRAMMING_TIMEOUT: Duration = Duration::from_secs(150);

/// The command register, and above it the status, of which writing zeros clears nothing; and its bits (PCI Local Bus
/// Specification 3.0, 6.2.2).
const COMMAND: u64 = 4;
const MEMORY_SPACE: u32 = 1 << 1;
const BUS_MASTER: u32 = 1 << 2;

/// Longest text that says why a command failed.
const MOST_TEXT: u32 = 1 << 16;

/// Pause between looks at what another process does.
const PAUSE: Duration = Duration::from_micros(200);

/// A PCIe card behind the backend line.
#[derive(Debug)]
pub(crate) struct PcieBackend {
    id: CardId,
    transport: Arc<dyn Transport>,
    /// The identity block's page that tells.
    page: Arc<Mapped>,
    refusals: Arc<Refusals>,
    space: Arc<DmaSpace>,
    dma: Mutex<DmaEngine>,
    /// Memory of this process in the card's banks of host memory.
    host: HostBuffers,
    host_sides: HostSides,
    /// From the first queue on.
    doorbells: Mutex<Option<Arc<Doorbells>>>,
    closed: AtomicBool,
    doorbell: Doorbell,
    state: Mutex<State>,
    /// Registers that take more than one access.
    requests: Mutex<()>,
    /// Keeps this process among the card's holders; `None` for one that only looks.
    _store: Option<CardStore>,
}

#[derive(Debug, Default)]
struct State {
    image: Option<(u32, Arc<Image>)>,
    units: HashMap<usize, Unit>,
    next_run: u64,
    unit_of: HashMap<RunId, usize>,
    ended: HashMap<RunId, Result<RunOutcome>>,
}

impl PcieBackend {
    /// Opens the card that is served at `socket`.
    pub(crate) fn open_served(
        id: CardId,
        socket: &std::path::Path,
        store: Option<CardStore>,
        answer_timeout: Option<Duration>,
    ) -> Result<Self> {
        let patience = answer_timeout.unwrap_or(ANSWER_TIMEOUT);
        Self::open(id, store, || {
            Ok(Arc::new(VfioUser::connect(socket, patience)?))
        })
    }

    /// Opens the card on the bus.
    pub(crate) fn open_pci(
        id: CardId,
        address: PciAddress,
        store: CardStore,
        answer_timeout: Option<Duration>,
    ) -> Result<Self> {
        let patience = answer_timeout.unwrap_or(ANSWER_TIMEOUT);
        Self::open(id, Some(store), || {
            Ok(Arc::new(Vfio::open(address, patience)?))
        })
    }

    fn open(
        id: CardId,
        store: Option<CardStore>,
        connect: impl FnOnce() -> Result<Arc<dyn Transport>, PcieError>,
    ) -> Result<Self> {
        let open = || -> Result<_, PcieError> {
            let transport = connect()?;
            let page = transport
                .map(BAR0_REGION, id::PAGE as usize)?
                .filter(|page| page.word(id::REG_MAGIC) == id::MAGIC)
                .ok_or_else(|| PcieError::NotOurs("it has no identity block".to_owned()))?;
            if page.word(id::REG_VERSION) != id::VERSION {
                return Err(PcieError::NotOurs(format!(
                    "its shell has version {}, and this driver knows {}",
                    page.word(id::REG_VERSION),
                    id::VERSION
                )));
            }
            // The card may access memory now: nobody else tells it.
            let command = transport.read(CONFIG_REGION, COMMAND)? & 0xFFFF;
            transport.write(CONFIG_REGION, COMMAND, command | MEMORY_SPACE | BUS_MASTER)?;
            let space = DmaSpace::new(Arc::clone(&transport));
            let page = Arc::new(page);
            let dma = DmaEngine::new(Arc::clone(&transport), &space, Arc::clone(&page))?;
            let doorbell = Doorbell::new(&*transport)?;
            Ok((transport, page, space, dma, doorbell))
        };
        let (transport, page, space, dma, doorbell) = open().map_err(|source| Error::Pcie {
            card: id,
            action: "be opened",
            source,
        })?;
        Ok(Self {
            id,
            transport,
            refusals: Arc::new(Refusals::new(Arc::clone(&page))),
            page,
            space,
            dma: Mutex::new(dma),
            host: HostBuffers::default(),
            host_sides: HostSides::default(),
            doorbells: Mutex::default(),
            closed: AtomicBool::new(false),
            doorbell,
            state: Mutex::default(),
            requests: Mutex::new(()),
            _store: store,
        })
    }

    fn failed(&self, action: &'static str) -> impl Fn(PcieError) -> Error {
        let card = self.id;
        move |source| {
            if source.is_loss() {
                return lost(card, &source);
            }
            Error::Pcie {
                card,
                action,
                source,
            }
        }
    }

    fn read_user(&self, offset: u32) -> Result<u32, PcieError> {
        let word = self.transport.read(BAR0_REGION, offset.into())?;
        // No register of the identity block reads all ones together with its first.
        if word == u32::MAX && self.page.word(id::REG_MAGIC) != id::MAGIC {
            return Err(PcieError::Removed);
        }
        Ok(word)
    }

    fn write_user(&self, offset: u32, value: u32) -> Result<(), PcieError> {
        self.transport.write(BAR0_REGION, offset.into(), value)
    }

    fn client(&self) -> u32 {
        self.page.word(id::REG_CLIENT)
    }

    /// Reads the loaded image, if it is not the one known.
    fn look_at_image(&self, state: &mut State) -> Result<Option<Arc<Image>>, PcieError> {
        loop {
            let generation = self.page.word(id::REG_GENERATION);
            let words: Vec<u8> = (0..4)
                .flat_map(|index| self.page.word(id::REG_IMAGE + 4 * index).to_le_bytes())
                .collect();
            if self.page.word(id::REG_STATUS) & id::status::PROGRAMMED == 0 {
                return Ok(None);
            }
            if let Some((known, image)) = &state.image
                && *known == generation
            {
                return Ok(Some(Arc::clone(image)));
            }
            let same = state
                .image
                .take()
                .filter(|(_, image)| image.uuid().as_bytes()[..] == words[..]);
            // Nothing that was known of the units holds any more.
            for (_, mut unit) in state.units.drain() {
                for run in unit.give_up() {
                    state.unit_of.remove(&run);
                    state.ended.insert(run, Err(self.stale_run()));
                }
            }
            let image = match same {
                Some((_, image)) => image,
                None => {
                    let mut bytes = vec![0; self.page.word(id::REG_IMAGE_BYTES) as usize];
                    self.dma.lock().read_card(id::IMAGE_ADDRESS, &mut bytes)?;
                    if self.page.word(id::REG_GENERATION) != generation {
                        continue;
                    }
                    let image = bitstreams::Xclbin::parse(bytes)
                        .map_err(Error::from)
                        .and_then(Image::new);
                    image.map_err(|error| PcieError::NotOurs(error.to_string()))?
                }
            };
            state.image = Some((generation, Arc::clone(&image)));
            return Ok(Some(image));
        }
    }

    /// Has the card follow a command, and waits for its end.
    fn command(&self, register: u32, value: u32, what: &'static str) -> Result<(), PcieError> {
        let _turn = self.requests.lock();
        self.write_user(register, value)?;
        let begin = Instant::now();
        loop {
            match self.read_user(register)? {
                id::command::DONE => return Ok(()),
                id::command::BUSY if begin.elapsed() < COMMAND_TIMEOUT => std::thread::sleep(PAUSE),
                id::command::BUSY => {
                    return Err(PcieError::TimedOut {
                        what,
                        after: COMMAND_TIMEOUT,
                    });
                }
                other => {
                    if other == u32::MAX {
                        check_presence(&*self.transport)?;
                    }
                    let bytes = self.read_user(id::REG_TEXT_BYTES)?.min(MOST_TEXT);
                    let mut text = vec![0; bytes as usize];
                    self.dma.lock().read_card(id::TEXT_ADDRESS, &mut text)?;
                    return Err(PcieError::Refused(
                        String::from_utf8_lossy(&text).into_owned(),
                    ));
                }
            }
        }
    }

    /// Holds the right to program while `work` does.
    fn alone<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let register = id::REG_HOLDER + 4 * id::PROGRAMMING;
        let begin = Instant::now();
        while self
            .read_user(register)
            .map_err(self.failed("be programmed"))?
            != 0
        {
            if begin.elapsed() >= PROGRAMMING_TIMEOUT {
                return Err(Error::WrongState {
                    card: self.id,
                    reason: "another process has been programming it for minutes; end that, or use another card".to_owned(),
                });
            }
            std::thread::sleep(PAUSE);
        }
        let result = work();
        let given_back = self.write_user(register, self.client());
        let value = result?;
        given_back.map_err(self.failed("be programmed"))?;
        Ok(value)
    }

    fn load(&self, image: &Image) -> Result<()> {
        let bytes = image.xclbin().as_bytes();
        let program = || {
            self.dma.lock().write_card(id::IMAGE_ADDRESS, bytes)?;
            self.command(id::REG_PROGRAM, bytes.len() as u32, "load an image")
        };
        program().map_err(self.failed("be programmed"))
    }

    /// What the card tells of its size.
    pub(crate) fn resources(&self) -> CardResources {
        let word = |offset| u64::from(self.page.word(offset));
        let known = |number| (number != 0).then_some(number);
        CardResources {
            memory: known(word(id::REG_SIZE_MEMORY + 4) << 32 | word(id::REG_SIZE_MEMORY)),
            luts: known(word(id::REG_SIZE_LUTS)),
            dsps: known(word(id::REG_SIZE_DSPS)),
        }
    }

    /// Takes the image out of the card, and with it all that its memory holds.
    pub(crate) fn empty(&self) -> Result<()> {
        let unload = || self.command(id::REG_PROGRAM, 0, "unload its image");
        self.alone(|| unload().map_err(self.failed("be cleared")))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    fn unknown_run(&self) -> Error {
        Error::WrongState {
            card: self.id,
            reason: "that run is not known, or was told to have ended already".to_owned(),
        }
    }
}

impl Backend for PcieBackend {
    fn image(&self) -> Option<Arc<Image>> {
        let found = self.look_at_image(&mut self.lock());
        found.unwrap_or_else(|error| {
            tracing::warn!(card = %self.id, %error, "its image could not be read");
            None
        })
    }

    fn try_image(&self) -> Result<Option<Arc<Image>>> {
        // The page is this process' own memory: it tells nothing of a card that is gone.
        check_presence(&*self.transport).map_err(self.failed("be reached"))?;
        self.look_at_image(&mut self.lock())
            .map_err(self.failed("tell its image"))
    }

    fn generation(&self) -> u64 {
        self.page.word(id::REG_GENERATION).into()
    }

    fn program(&self, image: Arc<Image>) -> Result<()> {
        if !self.lock().unit_of.is_empty() {
            return Err(Error::WrongState {
                card: self.id,
                reason: "a run goes on; wait for it, or abort it".to_owned(),
            });
        }
        self.alone(|| self.load(&image))
    }

    fn program_empty(&self, image: Arc<Image>) -> Result<()> {
        self.alone(|| match self.image() {
            Some(_) => Ok(()),
            None => self.load(&image),
        })
    }

    fn reset(&self) -> Result<()> {
        self.command(id::REG_RESET, 1, "reset its kernels")
            .map_err(self.failed("be reset"))?;
        self.refusals.forget();
        Ok(())
    }

    fn reset_unit(&self, unit: usize) -> Result<()> {
        self.end_unit(unit, None, true)
    }

    fn renew(&self) -> Result<()> {
        let image = self.try_image()?;
        let image = image.ok_or(Error::NotProgrammed { card: self.id })?;
        // A DMA engine that hangs takes no image. What else a reset does not help, a new image may.
        match self.reset() {
            Err(error @ Error::DeviceLost { .. }) => return Err(error),
            Err(error) => tracing::debug!(%error, "the card is loaded without a reset"),
            Ok(()) => {}
        }
        self.alone(|| self.load(&image))
    }

    fn allocate(&self, bank: usize, len: u64) -> Result<Option<u64>> {
        self.give_memory(bank, len).map(Some)
    }

    fn release(&self, address: u64) {
        self.take_memory(address);
    }

    fn host_side(&self, len: usize) -> Option<MappedMemory> {
        self.map_host_side(len)
    }

    fn write_memory(&self, address: u64, bytes: &[u8]) -> Result<()> {
        self.write_bytes(address, bytes)
    }

    fn read_memory(&self, address: u64, bytes: &mut [u8]) -> Result<()> {
        self.read_bytes(address, bytes)
    }

    fn copy_memory(&self, from: u64, to: u64, len: usize) -> Result<()> {
        // The DMA engine has no way within the card.
        let mut bytes = vec![0; len];
        self.read_memory(from, &mut bytes)?;
        self.write_memory(to, &bytes)
    }

    fn map_memory(&self, address: u64, len: usize) -> Result<Option<MappedMemory>> {
        Ok(self.host.map(address, len))
    }

    fn read_register(&self, unit: usize, offset: u32) -> Result<u32> {
        let image = self.try_image()?;
        let image = image.ok_or(Error::NotProgrammed { card: self.id })?;
        let address = image.units()[unit].base + u64::from(offset);
        let read = self.read_kernel(address);
        read.and_then(|word| self.refusals.check(address).map(|()| word))
            .map_err(self.failed("read a register"))
    }

    fn write_register(&self, unit: usize, offset: u32, value: u32) -> Result<()> {
        let image = self.try_image()?;
        let image = image.ok_or(Error::NotProgrammed { card: self.id })?;
        let address = image.units()[unit].base + u64::from(offset);
        let written = self.transport.write(BAR0_REGION, address, value);
        written
            .and_then(|()| self.refusals.check(address))
            .map_err(self.failed("write a register"))
    }

    fn submit(&self, request: RunRequest) -> Result<RunId> {
        let mut state = self.lock();
        let image = self
            .look_at_image(&mut state)
            .map_err(self.failed("start a run"))?;
        let image = image.ok_or(Error::NotProgrammed { card: self.id })?;
        let index = request.unit;
        let run = RunId(state.next_run);
        state.next_run += 1;
        let unit = state
            .units
            .entry(index)
            .or_insert_with(|| Unit::new(index, &self.transport, &self.refusals, &image));
        unit.submit(run, request);
        state.unit_of.insert(run, index);
        self.advance(&mut state);
        Ok(run)
    }

    fn wait(&self, run: RunId, patience: &Patience) -> Result<Waited> {
        let ended = self.advance_until(patience, |state| match state.ended.remove(&run) {
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
        let ended = self.advance_until(patience, |state| {
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
        let mut state = self.lock();
        if state.ended.remove(&run).is_some() {
            return Ok(());
        }
        let Some(&index) = state.unit_of.get(&run) else {
            return Ok(());
        };
        let Some(unit) = state.units.get_mut(&index) else {
            return Ok(());
        };
        if unit.withdraw(run) {
            state.unit_of.remove(&run);
            return Ok(());
        }
        drop(state);
        // While it is reset the unit is still held: nobody else begins on it before.
        self.end_unit(index, Some(run), false)
    }

    fn reliability(&self) -> Option<Reliability> {
        let word = |offset| u64::from(self.page.word(offset));
        let found = Reliability {
            corrected: word(id::REG_CORRECTED),
            uncorrected: word(id::REG_UNCORRECTED),
            replays: word(id::REG_REPLAYS),
        };
        (self.page.word(id::REG_MAGIC) == id::MAGIC).then_some(found)
    }

    fn simulated_time(&self) -> Option<SimulatedTime> {
        None
    }

    fn open_pair(&self, core: &Arc<CardCore>, options: &QueueOptions) -> Result<Box<dyn Pair>> {
        Ok(Box::new(self.open_queue_pair(core, options)?))
    }

    fn close(&self, _keep: bool) -> Result<()> {
        self.closed.store(true, Ordering::Release);
        if let Some(doorbells) = &*self.doorbells.lock() {
            doorbells.closed.store(true, Ordering::Release);
        }
        // What a card holds lives in the card.
        Ok(())
    }
}
