//! One client's function: its configuration space, its DMA channels and interrupts, and the way to the shared card.

mod bus;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::thread::JoinHandle;

use parking_lot::{Condvar, Mutex};
use vfio_user::{BAR0_REGION, BAR1_REGION, BAR2_REGION, CONFIG_REGION, Function, Link};
use xdma::{AxiError, Bus, HostFault, TransferFault, Xdma};

use crate::bypass::{self, DoorbellWord};
use crate::card::{Card, CardError};
use crate::config_space::ConfigSpace;
use crate::holders::Holders;
use crate::identity as id;
use crate::kind::ShellKind;
use crate::link::{ClientLink, DmaPiece, LinkState};
use crate::page::StatusPage;
use crate::pages::BypassPages;
use crate::pairs::Pairs;

/// Longest image that a client may bring.
const MAX_IMAGE: usize = 256 << 20;

const MEMORY_BYTES_HIGH: u32 = id::REG_MEMORY_BYTES + 4;
const MEMORY_ADDRESS_HIGH: u32 = id::REG_MEMORY_ADDRESS + 4;
const MEMORY_RELEASE_HIGH: u32 = id::REG_MEMORY_RELEASE + 4;
const MEMORY_HOST_HIGH: u32 = id::REG_MEMORY_HOST + 4;
const WRITE_BACK_HIGH: u32 = id::REG_WRITE_BACK + 4;

/// Word that reads give where nothing answers, as on a PCIe link.
const NOTHING: u32 = u32::MAX;

/// What the threads of one client share.
pub(crate) struct Client {
    /// Never 0.
    number: u32,
    link: Arc<Link>,
    card: Arc<dyn Card>,
    holders: Arc<Holders>,
    pairs: Arc<Pairs>,
    dma: Xdma,
    bus_master: AtomicBool,
    watch: ClientLink,
    page: StatusPage,
    pages: BypassPages,
    /// Where doorbell words are written back; 0: nowhere.
    write_back: AtomicU64,
    host_faults: AtomicU32,
    /// Image that the client brings, as far as it has come.
    staged: Mutex<Vec<u8>>,
    /// What the command registers read.
    command: AtomicU32,
    /// Why the last command failed.
    text: Mutex<String>,
    memory: Mutex<MemoryRequest>,
    work: Mutex<Work>,
    changed: Condvar,
}

/// What the client's own thread has to do.
#[derive(Debug, Default)]
struct Work {
    dma: bool,
    command: Option<Command>,
    stop: bool,
}

/// The registers that ask for memory.
#[derive(Debug, Default)]
struct MemoryRequest {
    bank: u32,
    bytes_low: u32,
    host: u64,
    address: u64,
    release_low: u32,
}

/// What takes its time.
#[derive(Debug, Clone, Copy)]
enum Command {
    Program(usize),
    Reset,
    ResetUnit(u32),
}

impl Client {
    /// Signals a line of the card's user logic.
    pub(crate) fn user_interrupt(&self, line: usize, level: bool) {
        self.dma.set_user_interrupt(self, line, level);
    }

    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    /// Takes over how the link is.
    pub(crate) fn set_link(&self, state: LinkState) {
        self.watch.set(state, &self.page);
        if state == LinkState::Removed {
            self.link.disconnect();
        }
    }

    /// Whether the host reaches the function.
    pub(crate) fn is_reached(&self) -> bool {
        !self.watch.is_down()
    }

    /// Whether the function reaches the host's memory.
    fn reaches_host(&self) -> bool {
        self.bus_master.load(Ordering::Relaxed) && !self.watch.is_down()
    }

    /// The page that the client maps.
    pub(crate) fn page(&self) -> &StatusPage {
        &self.page
    }

    /// The pages that the client maps to ring doorbells.
    pub(crate) fn pages(&self) -> &BypassPages {
        &self.pages
    }

    /// Makes the client's side of a pair new.
    pub(crate) fn begin_pair(&self, pair: u32) {
        self.pages.doorbell(pair).store(0, Ordering::Release);
        self.page.set(id::REG_PAIR_STATE + 4 * pair, 0);
    }

    /// A doorbell word has been taken over.
    pub(crate) fn answer_doorbell(&self, pair: u32, word: DoorbellWord) {
        let address = self.write_back.load(Ordering::Relaxed);
        if address != 0 {
            let address = address.wrapping_add(u64::from(pair) * bypass::DOORBELL_STRIDE);
            // Posted: a fault is counted where the memory is.
            let _ = self.at_once(|link| link.write_at_once(address, &word.0.to_le_bytes()));
        }
        if word.0 & DoorbellWord::ANSWER != 0 {
            self.pair_interrupt(pair);
        }
    }

    /// Sends a pair's message.
    pub(crate) fn pair_interrupt(&self, pair: u32) {
        self.message(bypass::FIRST_PAIR_VECTOR + pair % bypass::PAIR_VECTORS);
    }

    /// An access to the host's memory that waits for nobody.
    fn at_once<E>(&self, access: impl FnOnce(&Link) -> Result<(), E>) -> Result<(), HostFault> {
        if !self.reaches_host() {
            return Err(HostFault);
        }
        access(&self.link).map_err(|_| HostFault)
    }

    fn count_host_fault(&self, result: Result<(), HostFault>) -> Result<(), HostFault> {
        if result.is_err() {
            let faults = self.host_faults.fetch_add(1, Ordering::Relaxed);
            self.page.set(id::REG_HOST_FAULTS, faults.wrapping_add(1));
        }
        result
    }

    /// Takes over all that the client has rung, and wakes the card.
    fn ring(&self) {
        self.pairs.poll_client(self.number);
        self.card.wake();
    }

    fn read_user(self: &Arc<Self>, offset: u64) -> u32 {
        if offset >= u64::from(id::BYTES) {
            return self.card.read_register(offset).unwrap_or_else(|_| {
                self.watch.refused(&self.page);
                NOTHING
            });
        }
        match offset as u32 {
            offset @ 0..id::PAGE => self.page.read(offset),
            id::REG_DMA_FAULTS => self.link.faults() as u32,
            id::REG_RESET | id::REG_PROGRAM | id::REG_RESET_UNIT => {
                self.command.load(Ordering::Acquire)
            }
            id::REG_TEXT_BYTES => self.text.lock().len() as u32,
            id::REG_MEMORY_ADDRESS => self.memory.lock().address as u32,
            MEMORY_ADDRESS_HIGH => (self.memory.lock().address >> 32) as u32,
            offset if let Some(pair) = pair_of(offset) => self.pairs.take(pair, self),
            offset => holder_unit(offset).map_or(0, |unit| {
                let holder = self.holders.take(unit, self.number);
                if holder == 0 {
                    self.card.taken(unit);
                }
                holder
            }),
        }
    }

    fn write_user(&self, offset: u64, value: u32) {
        if offset >= u64::from(id::BYTES) {
            // Posted: the error response gets lost, as on a PCIe link. The count does not.
            if self.card.write_register(offset, value).is_err() {
                self.watch.refused(&self.page);
            }
            return;
        }
        match offset as u32 {
            id::REG_RESET if value & 1 != 0 => self.begin(Command::Reset),
            id::REG_PROGRAM => self.begin(Command::Program(value as usize)),
            id::REG_RESET_UNIT => self.begin(Command::ResetUnit(value)),
            id::REG_MEMORY_BANK => self.memory.lock().bank = value,
            id::REG_MEMORY_BYTES => self.memory.lock().bytes_low = value,
            MEMORY_BYTES_HIGH => {
                let mut request = self.memory.lock();
                let bytes = u64::from(value) << 32 | u64::from(request.bytes_low);
                let host = request.host;
                let given = self.card.allocate(self.number, request.bank, bytes, host);
                request.address = given.unwrap_or(u64::MAX);
            }
            id::REG_MEMORY_RELEASE => self.memory.lock().release_low = value,
            MEMORY_RELEASE_HIGH => {
                let low = self.memory.lock().release_low;
                self.card
                    .release(self.number, u64::from(value) << 32 | u64::from(low));
            }
            id::REG_MEMORY_HOST => set_low(&mut self.memory.lock().host, value),
            MEMORY_HOST_HIGH => set_high(&mut self.memory.lock().host, value),
            id::REG_WRITE_BACK | WRITE_BACK_HIGH => {
                let mut address = self.write_back.load(Ordering::Relaxed);
                if offset as u32 == WRITE_BACK_HIGH {
                    set_high(&mut address, value);
                } else {
                    set_low(&mut address, value);
                }
                self.write_back.store(address, Ordering::Relaxed);
            }
            id::REG_RING => self.ring(),
            offset => {
                if let Some(pair) = pair_of(offset).filter(|_| value == self.number) {
                    self.pairs.give_back(pair, self.number);
                }
                if let Some(unit) = holder_unit(offset).filter(|_| value == self.number)
                    && self.holders.give_back(unit, self.number)
                {
                    if unit == id::PROGRAMMING {
                        *self.staged.lock() = Vec::new();
                    }
                    self.card.given_back(unit, false);
                }
            }
        }
    }

    fn begin(&self, command: Command) {
        self.command.store(id::command::BUSY, Ordering::Release);
        self.tell(|work| work.command = Some(command));
    }

    fn tell(&self, what: impl FnOnce(&mut Work)) {
        what(&mut self.work.lock());
        self.changed.notify_one();
    }

    /// The client's own thread: DMA and programming, which take their time.
    fn serve(&self) {
        loop {
            let command = {
                let mut work = self.work.lock();
                while !work.dma && work.command.is_none() && !work.stop {
                    self.changed.wait(&mut work);
                }
                if work.stop {
                    return;
                }
                work.dma = false;
                work.command.take()
            };
            if let Some(command) = command {
                self.follow(command);
            }
            while self.dma.work(self) {
                if self.work.lock().stop {
                    return;
                }
            }
        }
    }

    fn follow(&self, command: Command) {
        let result = match command {
            Command::Reset => {
                // What the engines wait for is reset, too.
                self.dma.release();
                self.card.reset()
            }
            Command::ResetUnit(unit) => self.card.reset_unit(unit),
            Command::Program(0) => self.card.unload(),
            Command::Program(bytes) => {
                let mut image = std::mem::take(&mut *self.staged.lock());
                image.truncate(bytes);
                if image.len() == bytes {
                    self.card.program(image)
                } else {
                    Err(CardError(format!(
                        "an image of {bytes} bytes was to be programmed, and {} of them have come",
                        image.len()
                    )))
                }
            }
        };
        let word = match result {
            Ok(()) => id::command::DONE,
            Err(error) => {
                tracing::info!(client = self.number, ?command, %error, "a command failed");
                *self.text.lock() = error.to_string();
                id::command::FAILED
            }
        };
        self.command.store(word, Ordering::Release);
    }

    /// Before a piece of DMA: how many bytes of it move.
    fn begin_piece(&self, to_card: bool, address: u64, len: usize) -> Result<usize, TransferFault> {
        let piece = DmaPiece {
            to_card,
            address,
            len,
        };
        self.watch.begin(&*self.card, piece)
    }

    /// Takes in a part of an image, from who holds the right to program: so there is one at a time.
    fn stage(
        &self,
        offset: u64,
        len: usize,
        access: &mut dyn FnMut(&mut [u8]),
    ) -> Result<(), AxiError> {
        if self.holders.holder(id::PROGRAMMING) != self.number {
            return Err(AxiError::Decode);
        }
        let start = usize::try_from(offset).map_err(|_| AxiError::Decode)?;
        let end = start
            .checked_add(len)
            .filter(|&end| end <= MAX_IMAGE)
            .ok_or(AxiError::Decode)?;
        let mut staged = self.staged.lock();
        if staged.len() < end {
            staged.resize(end, 0);
        }
        access(&mut staged[start..end]);
        Ok(())
    }

    fn memory(
        &self,
        address: u64,
        len: usize,
        access: &mut dyn FnMut(&mut [u8]),
    ) -> Result<(), AxiError> {
        match address.checked_sub(id::IMAGE_ADDRESS) {
            Some(offset) => self.stage(offset, len, access),
            None => self.card.memory(address, len, access),
        }
    }

    fn reset(&self) {
        self.dma.reset();
        *self.staged.lock() = Vec::new();
        self.command.store(id::command::DONE, Ordering::Release);
        // Kernels write to the host for as long as a pair works.
        self.pairs.give_back_all(self.number);
        self.write_back.store(0, Ordering::Relaxed);
        for unit in self.holders.held_by(self.number) {
            // It is reset before it can be another's, whose work that would undo.
            self.card.given_back(unit, true);
            self.holders.give_back(unit, self.number);
        }
        self.card.release_all(self.number);
    }
}

fn set_low(word: &mut u64, value: u32) {
    *word = *word & !0xFFFF_FFFF | u64::from(value);
}

fn set_high(word: &mut u64, value: u32) {
    *word = *word & 0xFFFF_FFFF | u64::from(value) << 32;
}

/// The pair of a semaphore's register.
fn pair_of(offset: u32) -> Option<u32> {
    let index = offset.checked_sub(id::REG_PAIR)? / 4;
    (index < bypass::PAIRS).then_some(index)
}

/// The unit of a semaphore's register.
fn holder_unit(offset: u32) -> Option<u32> {
    let index = offset.checked_sub(id::REG_HOLDER)? / 4;
    (index < id::HOLDERS).then_some(index)
}

/// What the vfio-user server calls.
pub(crate) struct CardFunction {
    client: Arc<Client>,
    config: ConfigSpace,
    thread: Option<JoinHandle<()>>,
    left: Box<dyn Fn(u32) + Send>,
}

impl CardFunction {
    /// `left` is called with the client's number when it has left.
    pub(crate) fn new(
        number: u32,
        link: Arc<Link>,
        kind: ShellKind,
        card: Arc<dyn Card>,
        holders: Arc<Holders>,
        pairs: Arc<Pairs>,
        left: Box<dyn Fn(u32) + Send>,
    ) -> std::io::Result<(Self, Arc<Client>)> {
        let ShellKind::Xdma(layout) = kind;
        let client = Arc::new(Client {
            number,
            link,
            card,
            holders,
            pairs,
            dma: Xdma::new(layout),
            bus_master: AtomicBool::new(false),
            watch: ClientLink::default(),
            page: StatusPage::new(number)?,
            pages: BypassPages::new()?,
            write_back: AtomicU64::new(0),
            host_faults: AtomicU32::new(0),
            staged: Mutex::default(),
            command: AtomicU32::new(id::command::DONE),
            text: Mutex::default(),
            memory: Mutex::default(),
            work: Mutex::default(),
            changed: Condvar::new(),
        });
        let of_thread = Arc::clone(&client);
        let thread = std::thread::Builder::new()
            .name(format!("card client {number}"))
            .spawn(move || of_thread.serve())?;
        let function = Self {
            client: Arc::clone(&client),
            config: ConfigSpace::new(),
            thread: Some(thread),
            left,
        };
        Ok((function, client))
    }

    /// Registers are 32 bits wide: other accesses are taken apart as the bridge does.
    fn read_words(offset: u64, bytes: &mut [u8], read: impl Fn(u64) -> u32) {
        let mut at = offset;
        let mut rest = bytes;
        while !rest.is_empty() {
            let within = (at % 4) as usize;
            let count = rest.len().min(4 - within);
            let word = read(at - within as u64).to_le_bytes();
            let (head, tail) = rest.split_at_mut(count);
            head.copy_from_slice(&word[within..within + count]);
            rest = tail;
            at += count as u64;
        }
    }

    /// Whole words only: what the kernels and the DMA subsystem take.
    fn write_words(
        offset: u64,
        bytes: &[u8],
        write: impl Fn(u64, u32),
    ) -> Result<(), rustix::io::Errno> {
        if !offset.is_multiple_of(4) || !bytes.len().is_multiple_of(4) {
            return Err(rustix::io::Errno::INVAL);
        }
        for (index, word) in bytes.chunks_exact(4).enumerate() {
            let word = u32::from_le_bytes(word.try_into().expect("four bytes"));
            write(offset + 4 * index as u64, word);
        }
        Ok(())
    }
}

impl Function for CardFunction {
    fn read(
        &mut self,
        region: u32,
        offset: u64,
        bytes: &mut [u8],
    ) -> Result<(), rustix::io::Errno> {
        let client = &self.client;
        if client.watch.is_down() {
            bytes.fill(0xFF);
            return Ok(());
        }
        match region {
            CONFIG_REGION => self.config.read(offset as usize, bytes),
            BAR0_REGION => Self::read_words(offset, bytes, |offset| client.read_user(offset)),
            BAR1_REGION => Self::read_words(offset, bytes, |offset| {
                client.dma.read(&**client, offset as u32)
            }),
            BAR2_REGION => Self::read_words(offset, bytes, |offset| client.pages.read(offset)),
            _ => return Err(rustix::io::Errno::INVAL),
        }
        Ok(())
    }

    fn write(&mut self, region: u32, offset: u64, bytes: &[u8]) -> Result<(), rustix::io::Errno> {
        let client = &*self.client;
        if client.watch.is_down() {
            return Ok(());
        }
        match region {
            CONFIG_REGION => {
                if self.config.starts_reset(offset as usize, bytes) {
                    self.reset();
                    return Ok(());
                }
                self.config.write(offset as usize, bytes);
                client
                    .bus_master
                    .store(self.config.is_bus_master(), Ordering::Relaxed);
                Ok(())
            }
            BAR0_REGION => Self::write_words(offset, bytes, |offset, word| {
                client.write_user(offset, word)
            }),
            BAR1_REGION => {
                Self::write_words(offset, bytes, |offset, word| {
                    client.dma.write(client, offset as u32, word)
                })?;
                if client.dma.is_busy() {
                    client.tell(|work| work.dma = true);
                }
                Ok(())
            }
            BAR2_REGION => {
                Self::write_words(offset, bytes, |offset, word| {
                    client.pages.write(offset, word);
                })?;
                if offset < bypass::PUSHES {
                    client.ring();
                }
                Ok(())
            }
            _ => Err(rustix::io::Errno::INVAL),
        }
    }

    fn reset(&mut self) {
        self.client.card.train_link();
        self.client.reset();
        self.config = ConfigSpace::new();
        self.client.bus_master.store(false, Ordering::Relaxed);
    }
}

impl Drop for CardFunction {
    fn drop(&mut self) {
        self.client.tell(|work| work.stop = true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        self.client.reset();
        (self.left)(self.client.number);
    }
}
