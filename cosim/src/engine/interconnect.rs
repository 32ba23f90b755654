//! What the ports of an engine share: the clock count, the way to the banks, their bandwidth, injected
//! errors.

use std::ops::Range;
use std::sync::Arc;

use super::burst::Burst;
use super::config::EngineConfig;
use super::inject::{Injector, Occurrence, Site, Strike};
use super::pcie::UnderWay;
use super::remote::{RemoteMemory, Remotes};
use crate::ecc::{ECC_WORD, Uncorrectable};
use crate::memory::DeviceMemory;

/// `RRESP` and `BRESP` where there is no memory.
pub(super) const DECERR: u8 = 3;
/// `RRESP` and `BRESP` where the memory failed.
pub(super) const SLVERR: u8 = 2;

/// Kind of access that an injected error answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read beats.
    Read,
    /// Write bursts.
    Write,
}

/// Error response of an AXI memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorResponse {
    /// The memory failed.
    Slverr,
    /// There is nothing at that address.
    Decerr,
}

impl ErrorResponse {
    /// `RRESP` and `BRESP`.
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Slverr => SLVERR,
            Self::Decerr => DECERR,
        }
    }
}

/// An error that the memory shall answer: reads that touch the range carry it on each beat that does, writes
/// in the response of the burst, and their beats in the range change nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Addresses.
    pub range: Range<u64>,
    /// Reads or writes.
    pub access: Access,
    /// The answer.
    pub response: ErrorResponse,
}

pub(super) struct Interconnect {
    /// Clocks since the engine was made.
    pub(super) now: u64,
    /// Clock of the last handshake that counts as progress.
    pub(super) last_progress: u64,
    memory: Arc<DeviceMemory>,
    /// First address, bytes, and [`DeviceMemory::origin`] of each bank.
    routes: Vec<(u64, u64, *mut u8)>,
    faults: Vec<Fault>,
    injector: Arc<Injector>,
    /// Bytes each bank may still move; empty without a limit.
    credit: Vec<u64>,
    bytes_per_clock: u64,
    /// Clocks of one way to each bank.
    ways: Vec<u64>,
    under_way: UnderWay,
    remotes: Remotes,
}

// SAFETY: the pointers lead into `memory`, which may be reached from any thread.
unsafe impl Send for Interconnect {}

impl Interconnect {
    pub(super) fn new(memory: Arc<DeviceMemory>, config: &EngineConfig) -> Self {
        let bytes_per_clock = config.memory.bytes_per_clock;
        let mut ways = vec![0; memory.banks().len()];
        if let Some(link) = &config.link {
            for &bank in &link.host_banks {
                if let Some(way) = ways.get_mut(bank) {
                    *way = link.clocks(config.clock_period_ps);
                }
            }
        }
        let routes: Vec<_> = memory
            .banks()
            .iter()
            .enumerate()
            .map(|(index, bank)| (bank.base, bank.size, memory.origin(index)))
            .collect();
        Self {
            now: 0,
            last_progress: 0,
            credit: bytes_per_clock.map_or_else(Vec::new, |_| vec![0; routes.len()]),
            bytes_per_clock: u64::from(bytes_per_clock.unwrap_or(0).max(1)),
            routes,
            faults: Vec::new(),
            injector: Arc::clone(&config.injector),
            ways,
            under_way: UnderWay::default(),
            remotes: Remotes::default(),
            memory,
        }
    }

    pub(super) fn memory(&self) -> &Arc<DeviceMemory> {
        &self.memory
    }

    pub(super) fn set_faults(&mut self, faults: Vec<Fault>) {
        self.faults = faults;
    }

    /// The bandwidth of one more clock.
    #[inline(always)]
    pub(super) fn refill(&mut self) {
        // A beat of the widest bus must fit, or it would wait for ever.
        let limit = self
            .bytes_per_clock
            .max(crate::frame::MAX_DATA_BYTES as u64);
        for credit in &mut self.credit {
            *credit = (*credit + self.bytes_per_clock).min(limit);
        }
    }

    /// Takes the bandwidth of a beat, if the bank has it.
    #[inline(always)]
    pub(super) fn grant(&mut self, bank: usize, bytes: u64) -> bool {
        match self.credit.get_mut(bank) {
            None => true,
            Some(credit) if *credit >= bytes => {
                *credit -= bytes;
                true
            }
            Some(_) => false,
        }
    }

    /// Clocks of one way to a bank.
    #[inline]
    pub(super) fn way(&self, bank: usize) -> u64 {
        self.ways.get(bank).copied().unwrap_or(0)
    }

    /// Sends bytes to memory that is so many clocks away.
    ///
    /// # Safety
    ///
    /// `to` is valid for writes of `bytes` as long as the memory lives.
    pub(super) unsafe fn send(&mut self, way: u64, to: *mut u8, bytes: &[u8], strobes: u128) {
        // SAFETY: the caller's promise; what is under way goes with the memory.
        unsafe { self.under_way.send(self.now + way, to, bytes, strobes) };
    }

    /// Has what was sent be seen when its time has come.
    #[inline(always)]
    pub(super) fn land(&mut self) {
        self.under_way.land(self.now, &self.remotes);
    }

    pub(super) fn set_remote(&mut self, bank: usize, memory: Arc<dyn RemoteMemory>) {
        self.remotes.set(bank, memory);
    }

    /// Whether the bank's memory is not the card's own.
    #[inline]
    pub(super) fn is_remote(&self, bank: usize) -> bool {
        self.remotes.has(bank)
    }

    /// Reads bytes of such a bank; the response.
    pub(super) fn read_remote(&self, bank: usize, address: u64, bytes: &mut [u8]) -> u8 {
        self.remotes.read(bank, address, bytes)
    }

    /// Writes bytes to such a bank that is so many clocks away; the response.
    pub(super) fn write_remote(
        &mut self,
        way: u64,
        bank: usize,
        address: u64,
        bytes: &[u8],
        strobes: u128,
    ) -> u8 {
        if way == 0 {
            return self.remotes.write(bank, address, bytes, strobes);
        }
        let at = self.now + way;
        self.under_way
            .send_remote(at, bank, address, bytes, strobes);
        0
    }

    #[inline(always)]
    pub(super) fn progress(&mut self) {
        self.last_progress = self.now;
    }

    /// The bank among `banks` that holds all of a burst, and what to add an address to for a pointer.
    #[inline]
    pub(super) fn route(
        &self,
        banks: &[usize],
        first: u64,
        bytes: u64,
    ) -> Option<(*mut u8, usize)> {
        banks.iter().find_map(|bank| {
            let (base, size, origin) = self.routes[*bank];
            let offset = first.wrapping_sub(base);
            // A span that wraps around the address space is longer than any bank.
            let inside = offset < size && bytes <= size - offset;
            inside.then_some((origin, *bank))
        })
    }

    /// Names of banks, for messages.
    pub(super) fn names(&self, banks: &[usize]) -> String {
        let names: Vec<_> = banks
            .iter()
            .map(|bank| self.memory.banks()[*bank].name.as_str())
            .collect();
        if names.is_empty() {
            "no bank".to_owned()
        } else {
            names.join(", ")
        }
    }

    #[inline]
    pub(super) fn has_fault(&self, first: u64, bytes: u64) -> bool {
        self.faults.iter().any(|fault| touches(fault, first, bytes))
    }

    /// The injected response to the next beat of a burst; OKAY if it is not meant.
    pub(super) fn fault_response(&self, burst: &Burst, access: Access) -> u8 {
        let (first, bytes) = burst.beat();
        let hit = |fault: &&Fault| fault.access == access && touches(fault, first, bytes as u64);
        self.faults
            .iter()
            .find(hit)
            .map_or(0, |fault| fault.response.code())
    }

    pub(super) fn injector(&self) -> &Injector {
        &self.injector
    }

    /// What strikes an event of a port now.
    #[inline]
    pub(super) fn strike(&self, site: Site, port: &str, first: u64, bytes: u64) -> Option<Strike> {
        self.injector.strike(&Occurrence {
            site,
            port,
            first,
            bytes,
            clock: self.now,
        })
    }

    /// Flips bits of one of the words among these bytes of memory.
    pub(super) fn upset(&self, first: u64, bytes: u64, strike: &Strike) {
        let words = bytes.div_ceil(ECC_WORD).max(1);
        let address = first + strike.random % words * ECC_WORD;
        let bit = (strike.random >> 32) as u32 % 64;
        for other in 0..strike.upset {
            // Apart by an odd number of bits: never the same twice.
            self.memory.ecc().flip(address, bit + other * 7);
        }
    }

    /// Whether some word among these bytes has flipped bits.
    #[inline]
    pub(super) fn has_upset(&self, first: u64, bytes: u64) -> bool {
        self.memory.ecc().touches(first, bytes)
    }

    /// The memory's own response to a beat that is read.
    pub(super) fn read_response(&self, burst: &Burst) -> u8 {
        let (first, bytes) = burst.beat();
        response(self.memory.ecc().read(first, bytes as u64))
    }

    /// The memory's own response to bytes that are written; `strobes` has a bit for each.
    pub(super) fn write_response(&self, first: u64, bytes: usize, strobes: u128) -> u8 {
        let written = |from: u64, to: u64| {
            let ones = (u128::MAX >> (128 - (to - from))) << (from - first);
            strobes & ones
        };
        let end = first + bytes as u64;
        let mut at = first;
        let mut worst = 0;
        while at < end {
            let next = (at / ECC_WORD + 1) * ECC_WORD;
            let next = next.min(end);
            let word = written(at, next);
            if word != 0 {
                let (skipped, count) = (word.trailing_zeros(), word.count_ones());
                let begin = first + u64::from(skipped);
                worst = worst.max(response(self.memory.ecc().write(begin, count.into())));
            }
            at = next;
        }
        worst
    }
}

fn response(result: Result<(), Uncorrectable>) -> u8 {
    if result.is_err() { SLVERR } else { 0 }
}

fn touches(fault: &Fault, first: u64, bytes: u64) -> bool {
    first < fault.range.end && fault.range.start < first.saturating_add(bytes)
}
