//! A burst with its way to the memory, and the copying of its beats.

use super::burst::{Burst, Kind};
use super::error::{Channel, Rule, Violation};
use super::inject::{Site, Strike};
use super::interconnect::{Access, Interconnect};

/// `RRESP` and `BRESP`.
pub(super) const OKAY: u8 = 0;

/// Payload of an address channel: address, id, length, size, burst type.
pub(super) type Address = (u64, u32, u8, u8, u8);

/// What is fixed about a port.
pub(super) struct PortInfo {
    /// Compute unit and port.
    pub(super) name: String,
    /// Data bus in bytes, and log2 of it.
    pub(super) bytes: usize,
    pub(super) width: u8,
    /// Banks that it reaches.
    pub(super) banks: Box<[usize]>,
    /// Bursts under way, in each direction.
    pub(super) outstanding: usize,
}

impl PortInfo {
    #[cold]
    pub(super) fn violation(
        &self,
        rule: Rule,
        channel: Channel,
        clock: u64,
        detail: String,
    ) -> Box<Violation> {
        Box::new(Violation {
            rule,
            port: self.name.clone(),
            channel,
            clock,
            detail,
        })
    }
}

/// A burst under way.
#[derive(Clone, Copy)]
pub(super) struct Transfer {
    /// No beats left means: nothing is under way.
    pub(super) burst: Burst,
    /// Whole words of the bus, one after the other, of a memory that is there: the usual burst.
    pub(super) plain: bool,
    pub(super) id: u32,
    /// Clock from which it may be answered.
    pub(super) ready_at: u64,
    /// See [`Interconnect::route`]; null where there is no memory.
    origin: *mut u8,
    pub(super) bank: usize,
    /// Clocks of one way to it.
    pub(super) way: u64,
    /// Its memory is not the card's own.
    pub(super) remote: bool,
    /// Some address of it has an injected error, or flipped bits.
    pub(super) faulty: bool,
    /// Clocks that its answer comes later; `u64::MAX`: never.
    pub(super) delay: u64,
    /// An error response, and how many beats are left when it is given.
    injected: (u8, u32),
}

// SAFETY: `origin` points into the `DeviceMemory` that the engine keeps alive, which may be reached from any
// thread.
unsafe impl Send for Transfer {}

impl Transfer {
    /// Nothing under way.
    pub(super) fn none() -> Self {
        let mut burst = Burst::new(0, 0, 0, 1);
        burst.left = 0;
        Self {
            burst,
            plain: false,
            id: 0,
            ready_at: 0,
            origin: std::ptr::null_mut(),
            bank: 0,
            way: 0,
            remote: false,
            faulty: false,
            delay: 0,
            injected: (0, 0),
        }
    }

    /// Takes in a burst that was asked for on `channel`: checks it and finds its memory.
    pub(super) fn accept<const CHECK: bool>(
        port: &PortInfo,
        (address, id, len, size, kind): Address,
        channel: Channel,
        latency: u64,
        fabric: &Interconnect,
    ) -> Result<Self, Box<Violation>> {
        let describe = || {
            let beats = u32::from(len) + 1;
            format!(
                "address {address:#x}, {beats} beats of {} bytes, type {kind}",
                1u32 << size
            )
        };
        if CHECK
            && let Some(rule) = Burst::new(address, len, size, kind).broken_rule(kind, port.width)
        {
            return Err(port.violation(rule, channel, fabric.now, describe()));
        }
        let burst = Burst::new(address, len, size.min(port.width), kind);
        let (first, bytes) = burst.span();
        let route = fabric.route(&port.banks, first, bytes);
        if CHECK && route.is_none() {
            let detail = format!("{}; connected to {}", describe(), fabric.names(&port.banks));
            return Err(port.violation(Rule::OutsideBank, channel, fabric.now, detail));
        }
        let (origin, bank) = route.unwrap_or((std::ptr::null_mut(), 0));
        let remote = route.is_some() && fabric.is_remote(bank);
        let site = match channel {
            Channel::Ar => Site::Read,
            _ => Site::Write,
        };
        let strike = fabric.strike(site, &port.name, first, bytes);
        let own = route.is_some() && !remote;
        if let Some(strike) = strike.filter(|strike| strike.upset > 0 && own) {
            fabric.upset(first, bytes, &strike);
        }
        let strike = strike.unwrap_or_default();
        let injected = injected(&strike, burst.left);
        let faulty =
            fabric.has_fault(first, bytes) || injected.0 != OKAY || fabric.has_upset(first, bytes);
        let way = fabric.way(bank);
        let words = burst.kind == Kind::Incrementing
            && burst.size == port.width
            && burst.beat().1 == port.bytes;
        Ok(Self {
            burst,
            plain: words && !faulty && !remote && !origin.is_null(),
            id,
            ready_at: (fabric.now + latency.max(1) + 2 * way).saturating_add(strike.delay),
            origin,
            bank,
            way,
            remote,
            faulty,
            delay: strike.delay,
            injected,
        })
    }

    /// Goes to the next beat on a bus of `bytes`.
    #[inline(always)]
    pub(super) fn advance(&mut self, bytes: usize) {
        if self.plain {
            self.burst.address += bytes as u64;
            self.burst.left -= 1;
        } else {
            self.burst.advance();
        }
    }

    /// The response to the next beat.
    pub(super) fn response(&self, fabric: &Interconnect, access: Access) -> u8 {
        match (self.origin.is_null(), self.faulty) {
            (true, _) => super::interconnect::DECERR,
            (false, false) => OKAY,
            (false, true) => {
                let (code, left) = self.injected;
                let injected = if self.burst.left == left { code } else { OKAY };
                let memory = match access {
                    Access::Read => fabric.read_response(&self.burst),
                    // It depends on the strobes.
                    Access::Write => OKAY,
                };
                injected
                    .max(memory)
                    .max(fabric.fault_response(&self.burst, access))
            }
        }
    }

    /// Where the next beat lies in the memory; only for a beat that is answered OKAY.
    #[inline(always)]
    pub(super) fn memory(&self) -> *mut u8 {
        self.origin.wrapping_add(self.burst.address as usize)
    }
}

/// The error that strikes one of the beats of a burst, and how many are left then.
fn injected(strike: &Strike, beats: u32) -> (u8, u32) {
    match strike.response {
        OKAY => (OKAY, 0),
        code => (code, 1 + (strike.random % u64::from(beats)) as u32),
    }
}

/// Copies one whole word of a bus; the common widths become a few vector moves.
///
/// # Safety
///
/// As for `ptr::copy_nonoverlapping` of `bytes` bytes.
#[inline(always)]
pub(super) unsafe fn copy_word(from: *const u8, to: *mut u8, bytes: usize) {
    // SAFETY: the caller's promise; each arm copies exactly `bytes`.
    unsafe {
        match bytes {
            64 => std::ptr::copy_nonoverlapping(from, to, 64),
            32 => std::ptr::copy_nonoverlapping(from, to, 32),
            16 => std::ptr::copy_nonoverlapping(from, to, 16),
            _ => std::ptr::copy_nonoverlapping(from, to, bytes),
        }
    }
}

/// Compares an address that had to wait with what the port shows a clock later.
pub(super) fn check_held(held: Address, now: Option<Address>) -> Result<(), (Rule, String)> {
    match now {
        None => Err((Rule::ValidDropped, format!("address {:#x}", held.0))),
        Some(now) if now != held => Err((
            Rule::PayloadChanged,
            format!("(address, id, len, size, burst) {held:x?} to {now:x?}"),
        )),
        Some(_) => Ok(()),
    }
}
