//! One DMA channel: its registers, and the engine that follows a list of DMA descriptors.

use std::collections::VecDeque;

use parking_lot::Mutex;

use crate::descriptor::{DESCRIPTOR_BYTES, DmaDescriptor};
use crate::model::{AxiError, Bus, TransferFault};
use crate::registers::{channel, control, sgdma, status, write_back};

/// Most bytes that are moved before the engine looks whether it is reset or stopped.
const PIECE: u32 = 1 << 20;

/// Bytes that go to one address at a time where addresses do not increment: the width of the data path.
const BEAT: u32 = 64;

/// Bytes of which a block of adjacent descriptors must not leave ("Descriptors": 4 KiB boundary).
const BLOCK: u64 = 4096;

/// Which way a channel moves data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelDirection {
    /// H2C: from the host to the card.
    HostToCard,
    /// C2H: from the card to the host.
    CardToHost,
}

#[derive(Debug, Default)]
struct State {
    control: u32,
    status: u32,
    completed: u32,
    write_back: u64,
    interrupt_enable: u32,
    first: u64,
    first_adjacent: u32,

    /// The engine is busy.
    running: bool,
    /// Counts starts and resets: what was begun before is not finished after.
    epoch: u64,
    /// Address of the descriptor to fetch, and how many more lie right behind it.
    next: u64,
    next_adjacent: u32,
    fetched: VecDeque<DmaDescriptor>,
    /// Bytes of the descriptor in front that are moved.
    moved: u32,
    /// It waits for an answer that does not come.
    stuck: bool,
}

/// A channel of an [`Xdma`](crate::Xdma).
#[derive(Debug)]
pub(crate) struct Channel {
    direction: ChannelDirection,
    state: Mutex<State>,
}

/// What the engine does next, without the registers locked.
enum Task {
    Fetch { address: u64, count: usize },
    Move { host: u64, card: u64, len: u32 },
    Complete,
}

impl State {
    /// Sets status bits whose logging is enabled.
    fn log(&mut self, bits: u32) {
        self.status |= bits & self.control & control::LOG_ALL;
    }

    fn start(&mut self) {
        self.status = 0;
        self.completed = 0;
        self.running = true;
        self.epoch += 1;
        self.next = self.first;
        self.next_adjacent = self.first_adjacent;
        self.fetched.clear();
        self.moved = 0;
    }

    fn set_control(&mut self, value: u32) {
        let before = self.control;
        self.control = value;
        if value & control::RUN != 0 && before & control::RUN == 0 {
            self.start();
        } else if value & control::RUN == 0 && before & control::RUN != 0 && !self.running {
            self.log(status::IDLE_STOPPED);
        }
    }
}

impl Channel {
    pub(crate) fn new(direction: ChannelDirection) -> Self {
        Self {
            direction,
            state: Mutex::default(),
        }
    }

    /// Whether it asks for an interrupt.
    pub(crate) fn interrupts(&self) -> bool {
        let state = self.state.lock();
        state.status & state.interrupt_enable != 0
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.state.lock().running
    }

    pub(crate) fn read(&self, offset: u32) -> u32 {
        let mut state = self.state.lock();
        match offset {
            channel::CONTROL => state.control,
            channel::STATUS => state.status | u32::from(state.running),
            channel::STATUS_READ_CLEAR => {
                std::mem::take(&mut state.status) | u32::from(state.running)
            }
            channel::COMPLETED => state.completed,
            // Bytes of alignment of addresses and of lengths: 1; 64 address bits.
            channel::ALIGNMENTS => 1 << 16 | 1 << 8 | 64,
            channel::WRITE_BACK_LOW => state.write_back as u32,
            channel::WRITE_BACK_HIGH => (state.write_back >> 32) as u32,
            channel::INTERRUPT_ENABLE => state.interrupt_enable,
            _ => 0,
        }
    }

    pub(crate) fn write(&self, offset: u32, value: u32) {
        let mut state = self.state.lock();
        let control = state.control;
        match offset {
            channel::CONTROL => state.set_control(value),
            channel::CONTROL_SET => state.set_control(control | value),
            channel::CONTROL_CLEAR => state.set_control(control & !value),
            channel::STATUS => state.status &= !value,
            channel::WRITE_BACK_LOW => set_low(&mut state.write_back, value),
            channel::WRITE_BACK_HIGH => set_high(&mut state.write_back, value),
            channel::INTERRUPT_ENABLE => state.interrupt_enable = value & status::LOGGED,
            channel::INTERRUPT_ENABLE_SET => state.interrupt_enable |= value & status::LOGGED,
            channel::INTERRUPT_ENABLE_CLEAR => state.interrupt_enable &= !value,
            _ => {}
        }
    }

    pub(crate) fn read_sgdma(&self, offset: u32) -> u32 {
        let state = self.state.lock();
        match offset {
            sgdma::FIRST_LOW => state.first as u32,
            sgdma::FIRST_HIGH => (state.first >> 32) as u32,
            sgdma::FIRST_ADJACENT => state.first_adjacent,
            _ => 0,
        }
    }

    pub(crate) fn write_sgdma(&self, offset: u32, value: u32) {
        let mut state = self.state.lock();
        match offset {
            sgdma::FIRST_LOW => set_low(&mut state.first, value),
            sgdma::FIRST_HIGH => set_high(&mut state.first, value),
            sgdma::FIRST_ADJACENT => state.first_adjacent = value & DmaDescriptor::MAX_ADJACENT,
            _ => {}
        }
    }

    pub(crate) fn reset(&self) {
        let mut state = self.state.lock();
        let epoch = state.epoch + 1;
        *state = State {
            epoch,
            ..State::default()
        };
    }

    /// Ends what waits for an answer that does not come.
    pub(crate) fn release(&self) {
        let mut state = self.state.lock();
        if std::mem::take(&mut state.stuck) {
            state.running = false;
            state.epoch += 1;
            state.fetched.clear();
        }
    }

    /// Does one step of what there is to do; whether there was something. `halted`: no descriptors are fetched.
    pub(crate) fn work(&self, bus: &dyn Bus, halted: bool) -> bool {
        let (task, epoch) = {
            let state = self.state.lock();
            if !state.running || state.stuck {
                return false;
            }
            match self.next_task(&state) {
                Task::Fetch { .. } if halted => return false,
                task => (task, state.epoch),
            }
        };
        match task {
            Task::Fetch { address, count } => {
                let mut descriptors = vec![DmaDescriptor::default(); count];
                let fetched = bus.read_host(address, bytemuck::cast_slice_mut(&mut descriptors));
                self.after(bus, epoch, |state| match fetched {
                    Ok(()) => {
                        state.fetched.extend(descriptors);
                        self.check_front(state)
                    }
                    Err(_) => Some(status::DESCRIPTOR_UNSUPPORTED),
                });
            }
            Task::Move { host, card, len } => {
                let moved = self.transfer(bus, host, card, len);
                if moved == Err(TransferFault::Hang) {
                    let mut state = self.state.lock();
                    state.stuck = state.epoch == epoch;
                    return false;
                }
                self.after(bus, epoch, |state| {
                    match moved.map_err(|fault| self.error_bit(fault)) {
                        // Writes to the host are posted: the engine does not learn that one was lost.
                        Ok(()) | Err(None) => {
                            state.moved += len;
                            None
                        }
                        Err(error) => error,
                    }
                });
            }
            Task::Complete => self.complete(bus, epoch),
        }
        true
    }

    fn next_task(&self, state: &State) -> Task {
        let Some(descriptor) = state.fetched.front() else {
            let block = (BLOCK - state.next % BLOCK) / DESCRIPTOR_BYTES as u64;
            let count = u64::from(state.next_adjacent + 1).min(block.max(1));
            return Task::Fetch {
                address: state.next,
                count: count as usize,
            };
        };
        let left = descriptor.bytes() - state.moved;
        if left == 0 {
            return Task::Complete;
        }
        let fixed = state.control & control::NON_INCREMENTING != 0;
        let len = left.min(if fixed { BEAT } else { PIECE });
        let (source, destination) = (
            descriptor.source_address(),
            descriptor.destination_address(),
        );
        let (host, card) = match self.direction {
            ChannelDirection::HostToCard => (source, destination),
            ChannelDirection::CardToHost => (destination, source),
        };
        let moved = u64::from(state.moved);
        Task::Move {
            host: host.wrapping_add(moved),
            card: if fixed {
                card
            } else {
                card.wrapping_add(moved)
            },
            len,
        }
    }

    fn transfer(&self, bus: &dyn Bus, host: u64, card: u64, len: u32) -> Result<(), TransferFault> {
        match self.direction {
            ChannelDirection::HostToCard => bus.host_to_card(host, card, len as usize),
            ChannelDirection::CardToHost => bus.card_to_host(card, host, len as usize),
        }
    }

    /// The status bit of a fault; none if the engine does not learn of it.
    fn error_bit(&self, fault: TransferFault) -> Option<u32> {
        Some(match (self.direction, fault) {
            (ChannelDirection::HostToCard, TransferFault::Host(_)) => status::H2C_READ_UNSUPPORTED,
            (ChannelDirection::HostToCard, TransferFault::Card(AxiError::Decode)) => {
                status::H2C_WRITE_DECODE
            }
            (ChannelDirection::HostToCard, TransferFault::Card(AxiError::Slave)) => {
                status::H2C_WRITE_SLAVE
            }
            (ChannelDirection::CardToHost, TransferFault::Card(AxiError::Decode)) => {
                status::C2H_READ_DECODE
            }
            (ChannelDirection::CardToHost, TransferFault::Card(AxiError::Slave)) => {
                status::C2H_READ_SLAVE
            }
            (ChannelDirection::HostToCard, TransferFault::Parity) => status::H2C_READ_PARITY,
            // There is no bit of its own: the data path answers the engine's read with an error.
            (ChannelDirection::CardToHost, TransferFault::Parity) => status::C2H_READ_SLAVE,
            (ChannelDirection::CardToHost, TransferFault::Host(_)) | (_, TransferFault::Hang) => {
                return None;
            }
        })
    }

    /// Takes in what became of a task, unless the engine was started anew or reset meanwhile. An error, as status bits,
    /// stops the engine.
    fn after(&self, bus: &dyn Bus, epoch: u64, take_in: impl FnOnce(&mut State) -> Option<u32>) {
        let stopped = {
            let mut state = self.state.lock();
            if state.epoch != epoch {
                return;
            }
            take_in(&mut state).map(|bits| {
                state.log(bits);
                state.running = false;
                write_back::ERROR | state.completed & write_back::COUNT
            })
        };
        if let Some(word) = stopped {
            self.write_back(bus, word);
        }
    }

    /// A descriptor without the magic number stops the engine.
    fn check_front(&self, state: &State) -> Option<u32> {
        state
            .fetched
            .front()
            .is_some_and(|descriptor| !descriptor.is_valid())
            .then_some(status::MAGIC_STOPPED)
    }

    fn complete(&self, bus: &dyn Bus, epoch: u64) {
        let mut tell = None;
        self.after(bus, epoch, |state| {
            let descriptor = state.fetched.pop_front().unwrap_or_default();
            state.moved = 0;
            state.completed = state.completed.wrapping_add(1);
            if descriptor.control & DmaDescriptor::COMPLETED != 0 {
                state.log(status::DESCRIPTOR_COMPLETED);
                tell = Some(state.completed & write_back::COUNT);
            }
            if descriptor.control & DmaDescriptor::STOP != 0 {
                state.log(status::DESCRIPTOR_STOPPED);
                state.running = false;
                return None;
            }
            if state.control & control::RUN == 0 {
                state.log(status::IDLE_STOPPED);
                state.running = false;
                return None;
            }
            if state.fetched.is_empty() {
                state.next = descriptor.next_address();
                state.next_adjacent = descriptor.adjacent();
            }
            self.check_front(state)
        });
        if let Some(word) = tell {
            self.write_back(bus, word);
        }
    }

    /// Writes the poll-mode word to the host, if that is enabled. A fault is the host's own business: it is counted where
    /// the memory is.
    fn write_back(&self, bus: &dyn Bus, word: u32) {
        let (enabled, address) = {
            let state = self.state.lock();
            (
                state.control & control::POLL_WRITE_BACK != 0,
                state.write_back,
            )
        };
        if enabled {
            let _ = bus.write_host(address, &word.to_le_bytes());
        }
    }
}

fn set_low(word: &mut u64, value: u32) {
    *word = *word & !0xFFFF_FFFF | u64::from(value);
}

fn set_high(word: &mut u64, value: u32) {
    *word = *word & 0xFFFF_FFFF | u64::from(value) << 32;
}
