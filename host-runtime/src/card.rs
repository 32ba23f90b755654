//! A card that a program has opened.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::backend::pcie::PcieBackend;
use crate::backend::{
    Backend, Reliability, SimulatedTime, software::SoftwareBackend, xrt::XrtBackend,
};
use crate::card_id::CardId;
use crate::image::Image;
use crate::kernel::Kernel;
use crate::memory::{BankAllocator, Buffer, DeviceBuffer};
use crate::recovery::{self, Guard, Recoveries, Recovery};
use crate::run_queue::RunQueue;
use crate::store::lease::Passage;
use crate::store::{CardStore, Health};
use crate::{Error, Result};

pub use crate::store::Access;

#[cfg(feature = "cosim")]
pub use crate::backend::sim::{SimOptions, Waves};

/// How a card is opened. The default shares it.
#[derive(Debug, Clone, Default)]
pub struct OpenOptions {
    /// Alone, or beside others.
    pub access: Access,
    /// What the card is opened for, shown to others that look who holds it.
    pub purpose: String,
    /// Folder of simulated cards' state; `None`: the user's (`FPGA_STATE_DIR`, else the XDG state home).
    pub state_folder: Option<std::path::PathBuf>,
    /// Whose images may run.
    pub trust: crate::trust::TrustOptions,
    /// How far the runtime may climb the ladder out of trouble by itself.
    pub recovery: Recovery,
    /// How long a PCIe card may take for an answer or a transfer; one that takes longer is lost, as far as this opening is
    /// concerned. `None`: 10 seconds.
    pub answer_timeout: Option<Duration>,
    /// What only a simulated card can do.
    #[cfg(feature = "cosim")]
    pub simulation: SimOptions,
}

/// A card. Clones are the same opening of it; the last one to go closes it.
#[derive(Debug, Clone)]
pub struct Card {
    core: Arc<CardCore>,
}

/// What a card holds and how it is shaped.
#[derive(Debug, Clone, serde::Serialize)]
pub struct CardInfo {
    /// Its name.
    pub card: CardId,
    /// What it is, for a person.
    pub description: String,
    /// Counts programmings and resets.
    pub generation: u64,
    /// The loaded image.
    pub image: Option<ImageInfo>,
    /// What the ladder out of trouble did on it.
    pub recoveries: Recoveries,
}

/// The loaded image of a card.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ImageInfo {
    /// Identity.
    pub uuid: uuid::Uuid,
    /// Platform it was made for.
    pub platform: String,
    /// Kernel clock, MHz.
    pub clock_mhz: u16,
    /// Compute units, `kernel:instance`.
    pub units: Vec<String>,
    /// Memory banks.
    pub banks: Vec<crate::image::BankInfo>,
}

impl From<&Image> for ImageInfo {
    fn from(image: &Image) -> Self {
        Self {
            uuid: image.uuid(),
            platform: image.platform().to_owned(),
            clock_mhz: image.clock_mhz(),
            units: image.units().iter().map(|unit| unit.name.clone()).collect(),
            banks: image.banks().to_vec(),
        }
    }
}

impl Card {
    /// Opens a card, shared.
    ///
    /// # Errors
    /// What [`Card::open_with`] says.
    pub fn open(id: CardId) -> Result<Self> {
        Self::open_with(id, &OpenOptions::default())
    }

    /// Opens a card.
    ///
    /// # Errors
    /// [`Error::CardBusy`] if others exclude this use, [`Error::CardLeased`] if others have leased the card,
    /// [`Error::LeaseEnded`] and [`Error::NotCleared`] around the end of a lease, [`Error::StateFolder`] and [`Error::StateDamaged`] for
    /// a simulated card whose state cannot be used, [`Error::CardUnusable`] if this build has no such card,
    /// [`Error::DeviceLost`], [`Error::NotRecovered`] if a recovery was cut short that `options` do not let end.
    pub fn open_with(id: CardId, options: &OpenOptions) -> Result<Self> {
        let card = Self::open_unsettled(id, options)?;
        recovery::settle(&card.core, options.recovery)?;
        Ok(card)
    }

    /// Opens a card also if it is lost, or in the midst of a recovery.
    pub(crate) fn open_unsettled(id: CardId, options: &OpenOptions) -> Result<Self> {
        let store = Self::store(id, options)?;
        Self::with_store(id, store, options)
    }

    /// Gets past the card's leases, and takes part in the card.
    fn store(id: CardId, options: &OpenOptions) -> Result<CardStore> {
        let state_folder = options.state_folder.as_deref();
        let clear = || crate::lease::clear(id, state_folder);
        let passage = Passage::find(id, state_folder, &clear)?;
        // VFIO gives a card to one process at a time: the others are told who has it.
        let access = match id {
            CardId::Pci(_) => Access::Exclusive,
            _ => options.access,
        };
        let options = OpenOptions {
            access,
            ..options.clone()
        };
        CardStore::open(id, &options, passage)
    }

    fn with_store(id: CardId, store: CardStore, options: &OpenOptions) -> Result<Self> {
        let health = Arc::clone(store.health());
        let backend: Box<dyn Backend> = match id {
            CardId::Software(_) => Box::new(SoftwareBackend::open(id, store)?),
            CardId::Xrt(index) => {
                let address = crate::inventory::xrt_address(index);
                Box::new(XrtBackend::open(id, index, address, store)?)
            }
            CardId::Served(name) => {
                let socket = crate::store::served_socket(name, options.state_folder.as_deref())?;
                Box::new(PcieBackend::open_served(
                    id,
                    &socket,
                    Some(store),
                    options.answer_timeout,
                )?)
            }
            CardId::Pci(address) => Box::new(PcieBackend::open_pci(
                id,
                address,
                store,
                options.answer_timeout,
            )?),
            #[cfg(feature = "cosim")]
            CardId::Simulated(_) => {
                Box::new(crate::backend::sim::SimBackend::open(id, store, options)?)
            }
            #[cfg(not(feature = "cosim"))]
            CardId::Simulated(_) => {
                let _ = (store, options);
                return Err(Error::CardUnusable {
                    card: id,
                    reason: "this program was built without co-simulation".to_owned(),
                    advice: "build host-runtime with its feature `cosim`, or use software:0"
                        .to_owned(),
                });
            }
        };
        let guard = Guard::new(id, backend, health);
        Ok(Self::from_core(Arc::new(CardCore::new(
            id,
            guard,
            options.recovery,
        ))))
    }

    pub(crate) fn from_core(core: Arc<CardCore>) -> Self {
        Self { core }
    }

    /// Discards a simulated card's stored state, damaged or not, and opens it as it was when new, but for
    /// the image: that is kept if it can be read.
    pub(crate) fn open_discarding(id: CardId, options: &OpenOptions) -> Result<Self> {
        let store = Self::store(id, options)?;
        store.discard_model_state()?;
        Self::with_store(id, store, options)
    }

    /// The card's name.
    pub fn id(&self) -> CardId {
        self.core.id
    }

    /// What it holds and how it is shaped.
    pub fn info(&self) -> CardInfo {
        CardInfo {
            card: self.core.id,
            description: match self.core.id {
                CardId::Simulated(_) => "simulated card (Verilated RTL)".to_owned(),
                CardId::Software(_) => "software device (no RTL)".to_owned(),
                CardId::Xrt(_) => "card driven by XRT".to_owned(),
                CardId::Served(_) => "served simulated card (PCIe)".to_owned(),
                CardId::Pci(_) => "card on the PCIe bus (VFIO)".to_owned(),
            },
            generation: self.core.backend.generation(),
            image: self.core.backend.image().as_deref().map(ImageInfo::from),
            recoveries: self.recoveries(),
        }
    }

    /// Counts programmings and resets: what was made under another generation is stale.
    pub fn generation(&self) -> u64 {
        self.core.backend.generation()
    }

    /// The loaded image.
    pub fn image(&self) -> Option<Arc<Image>> {
        self.core.backend.image()
    }

    /// Replaces the image. Buffers and kernels made before become stale; a failure leaves all as it was.
    ///
    /// # Errors
    /// [`Error::Untrusted`], [`Error::ImageForAnotherCard`], [`Error::Image`], [`Error::WrongState`] while a run goes on,
    /// or why the image's model could not be loaded.
    pub fn program(&self, image: &Arc<Image>) -> Result<()> {
        self.core.backend.program(Arc::clone(image))
    }

    /// Loads an image into a card that holds none; one that holds an image by now, loaded by whom ever, keeps it. So
    /// several programs may begin on a new card at once.
    ///
    /// # Errors
    /// As [`Card::program`].
    pub fn program_empty(&self, image: &Arc<Image>) -> Result<()> {
        self.core.backend.program_empty(Arc::clone(image))
    }

    /// Resets the loaded image's kernels: registers, policy slots and counters go back to their reset values.
    ///
    /// # Errors
    /// What the card says.
    pub fn reset(&self) -> Result<()> {
        self.core.backend.reset()
    }

    /// A buffer of `len` bytes in the bank of that index.
    ///
    /// # Errors
    /// [`Error::NotProgrammed`], [`Error::BankMissing`], [`Error::OutOfMemory`], [`Error::HostMemory`].
    pub fn allocate(&self, bank: usize, len: usize) -> Result<Buffer> {
        Buffer::new(Arc::clone(&self.core), bank, len)
    }

    /// Memory of `len` bytes in the bank of that index, without a side on the host.
    ///
    /// # Errors
    /// [`Error::NotProgrammed`], [`Error::BankMissing`], [`Error::OutOfMemory`].
    pub fn allocate_device(&self, bank: usize, len: usize) -> Result<DeviceBuffer> {
        DeviceBuffer::new(Arc::clone(&self.core), bank, len)
    }

    /// Copies `bytes` to an address of the card's memory, whichever buffer that is in.
    ///
    /// # Errors
    /// [`Error::NotProgrammed`], [`Error::Bus`] for addresses outside the banks.
    pub fn write_memory(&self, address: u64, bytes: &[u8]) -> Result<()> {
        self.core.backend.write_memory(address, bytes)
    }

    /// Fills `bytes` from an address of the card's memory.
    ///
    /// # Errors
    /// As [`Card::write_memory`].
    pub fn read_memory(&self, address: u64, bytes: &mut [u8]) -> Result<()> {
        self.core.backend.read_memory(address, bytes)
    }

    pub(crate) fn core(&self) -> &Arc<CardCore> {
        &self.core
    }

    /// A queue of runs given by their registers.
    pub fn run_queue(&self) -> RunQueue {
        RunQueue::new(Arc::clone(&self.core))
    }

    /// A kernel of the loaded image. `name` is `kernel` for all its compute units, or `kernel:instance`.
    ///
    /// # Errors
    /// [`Error::NotProgrammed`], [`Error::KernelMissing`].
    pub fn kernel(&self, name: &str) -> Result<Kernel> {
        Kernel::find(Arc::clone(&self.core), name)
    }

    /// What the card's memory and link found, and mostly mended, by themselves; `None` where the card does not tell. Of a
    /// simulated card it is what was found since it was opened.
    pub fn reliability(&self) -> Option<Reliability> {
        self.core.backend.reliability()
    }

    /// Simulated time that has passed since the card was opened; `None` where time is real.
    pub fn simulated_time(&self) -> Option<SimulatedTime> {
        self.core.backend.simulated_time()
    }

    /// Stores what outlives the process, and says whether that worked; dropping the card only tries.
    ///
    /// # Errors
    /// [`Error::StateFolder`].
    pub fn close(self) -> Result<()> {
        self.core.backend.close(true)
    }

    /// Leaves a simulated card's stored state as it was when this use of the card began.
    ///
    /// # Errors
    /// What the card says.
    pub fn abandon(self) -> Result<()> {
        self.core.backend.close(false)
    }
}

/// What cards, kernels, runs and buffers share.
#[derive(Debug)]
pub(crate) struct CardCore {
    id: CardId,
    backend: Guard,
    recovery: Recovery,
    banks: Mutex<Banks>,
}

/// What is free of the memory of one generation of the card.
#[derive(Debug, Default)]
struct Banks {
    /// `None`: not looked at yet.
    generation: Option<u64>,
    allocators: Vec<BankAllocator>,
    /// What nobody holds and the card may still write to.
    given_up: Vec<GivenUp>,
}

/// Memory that is free when `until` says so.
struct GivenUp {
    until: Box<dyn Fn() -> bool + Send + Sync>,
    bank: usize,
    address: u64,
    len: u64,
}

impl std::fmt::Debug for GivenUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GivenUp")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Banks {
    fn release(&mut self, bank: usize, address: u64, len: u64) {
        if let Some(allocator) = self.allocators.get_mut(bank) {
            allocator.release(address, len);
        }
    }

    fn release_given_up(&mut self) {
        let (free, given_up) = std::mem::take(&mut self.given_up)
            .into_iter()
            .partition(|memory: &GivenUp| (memory.until)());
        self.given_up = given_up;
        let free: Vec<GivenUp> = free;
        for memory in free {
            self.release(memory.bank, memory.address, memory.len);
        }
    }
}

impl CardCore {
    pub(crate) fn new(id: CardId, backend: Guard, recovery: Recovery) -> Self {
        Self {
            id,
            backend,
            recovery,
            banks: Mutex::default(),
        }
    }

    pub(crate) fn id(&self) -> CardId {
        self.id
    }

    pub(crate) fn backend(&self) -> &dyn Backend {
        &self.backend
    }

    /// How the card is, for all processes.
    pub(crate) fn health(&self) -> &Health {
        self.backend.health()
    }

    /// The error of a card whose way is gone.
    pub(crate) fn gone(&self) -> Option<Error> {
        self.backend.gone()
    }

    /// This opening's card is lost.
    pub(crate) fn give_up(&self, lost: &Error) {
        self.backend.notice(lost);
    }

    /// How far the runtime may climb by itself.
    pub(crate) fn recovery(&self) -> Recovery {
        self.recovery
    }

    pub(crate) fn image(&self) -> Result<Arc<Image>> {
        self.backend
            .try_image()?
            .ok_or(Error::NotProgrammed { card: self.id })
    }

    /// The current generation's banks: another process may have programmed the card since the last look.
    fn banks(&self) -> MutexGuard<'_, Banks> {
        // The allocators are never left half changed by a panic.
        let mut banks = self.banks.lock().unwrap_or_else(PoisonError::into_inner);
        let generation = Some(self.backend.generation());
        if banks.generation != generation {
            let image = self.backend.image();
            let all = image.iter().flat_map(|image| image.banks());
            banks.allocators = all
                .map(|bank| BankAllocator::new(bank.base, bank.size))
                .collect();
            banks.generation = generation;
            banks.given_up.clear();
        }
        if !banks.given_up.is_empty() {
            banks.release_given_up();
        }
        banks
    }

    pub(crate) fn allocate(&self, bank: usize, len: u64) -> Result<(u64, u64)> {
        let image = self.image()?;
        let mut banks = self.banks();
        let generation = banks.generation.unwrap_or_default();
        let (Some(info), Some(allocator)) =
            (image.banks().get(bank), banks.allocators.get_mut(bank))
        else {
            let names: Vec<_> = image
                .banks()
                .iter()
                .enumerate()
                .map(|(index, bank)| format!("{index} ({})", bank.name))
                .collect();
            return Err(Error::BankMissing {
                card: self.id,
                bank: bank.to_string(),
                available: names.join(", "),
            });
        };
        if let Some(address) = self.backend.allocate(bank, len)? {
            return Ok((address, generation));
        }
        let address = allocator.allocate(len).ok_or_else(|| Error::OutOfMemory {
            card: self.id,
            bank: info.name.clone(),
            asked: len,
            largest_free: allocator.largest_free(),
        })?;
        Ok((address, generation))
    }

    pub(crate) fn release(&self, bank: usize, address: u64, len: u64, generation: u64) {
        let mut banks = self.banks();
        if banks.generation == Some(generation) {
            self.backend.release(address);
        }
        // After a reprogramming the bank is a new one, and all of it is free.
        if banks.generation == Some(generation) {
            banks.release(bank, address, len);
        }
    }

    /// As [`release`](Self::release), of memory to which the card may still write, once `until` says that it does not.
    #[cfg(feature = "cosim")]
    pub(crate) fn release_when(
        &self,
        until: impl Fn() -> bool + Send + Sync + 'static,
        bank: usize,
        address: u64,
        len: u64,
        generation: u64,
    ) {
        let mut banks = self.banks();
        if banks.generation == Some(generation) {
            banks.given_up.push(GivenUp {
                until: Box::new(until),
                bank,
                address,
                len,
            });
        }
    }

    pub(crate) fn check_generation(&self, generation: u64, what: &'static str) -> Result<()> {
        if self.backend.generation() == generation {
            return Ok(());
        }
        // Of a card that is gone nothing reads as it did.
        self.backend.try_image()?;
        Err(Error::Stale {
            card: self.id,
            what,
        })
    }
}

/// Longest that closing a card waits for a turn to store its state.
pub(crate) const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);
