//! The memory behind one AXI4 master port of a kernel: reads and writes answered in order, with latency,
//! stalls and injected errors, and the protocol checked on the way.
//!
//! A step sees the signals as they are at the coming rising edge, does the transfers that happen there, and
//! sets what the engine drives after it.

use std::collections::VecDeque;

use super::burst::Burst;
use super::error::{Channel, Rule, Violation};
use super::interconnect::{Access, Interconnect};
use super::stall::{self, StallSource};
use crate::frame::{AxiMaster, AxiMasterOut, MAX_DATA_BYTES};
use crate::interface::MasterInterface;

/// Fills the byte lanes of a read beat that carry no data, so that a kernel that takes them is found out.
const UNUSED_LANE: u8 = 0xee;

/// `RRESP` and `BRESP`.
const OKAY: u8 = 0;
pub(super) const DECERR: u8 = 3;

/// A burst with its way to the memory.
#[derive(Clone, Copy)]
struct Transfer {
    burst: Burst,
    id: u32,
    /// Clock from which it may be answered.
    ready_at: u64,
    /// See [`Interconnect::route`]; null where there is no memory.
    origin: *mut u8,
    bank: usize,
    /// Some address of it has an injected error.
    faulty: bool,
    /// Worst response so far.
    response: u8,
}

/// A write whose beats have all arrived.
struct Written {
    id: u32,
    ready_at: u64,
    response: u8,
}

/// Payload of an address channel that waits.
type Address = (u64, u32, u8, u8, u8);

/// One AXI4 master port.
pub(super) struct MasterPort {
    /// Compute unit and port.
    pub(super) name: String,
    /// Bytes from the frame's start.
    pub(super) offset: usize,
    /// Data bus in bytes, and log2 of it.
    bytes: usize,
    width: u8,
    /// Banks that it reaches.
    banks: Box<[usize]>,
    stalls: StallSource,
    read_latency: u64,
    write_latency: u64,
    outstanding: usize,
    reads: VecDeque<Transfer>,
    /// Bursts whose data has not all arrived; then those that wait for their response.
    writes: VecDeque<Transfer>,
    written: VecDeque<Written>,
    held_ar: Option<Address>,
    held_aw: Option<Address>,
    held_w: Option<Box<HeldBeat>>,
}

struct HeldBeat {
    last: u8,
    strobes: [u64; 2],
    data: [u8; MAX_DATA_BYTES],
}

/// How a port answers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    pub(super) read_latency: u64,
    pub(super) write_latency: u64,
    pub(super) outstanding: usize,
}

// SAFETY: `origin` points into the `DeviceMemory` that the engine keeps alive, which may be reached from any
// thread.
unsafe impl Send for MasterPort {}

impl MasterPort {
    pub(super) fn new(
        name: String,
        interface: &MasterInterface,
        banks: Box<[usize]>,
        stalls: StallSource,
        timing: Timing,
    ) -> Self {
        let bytes = interface.data_width as usize / 8;
        let outstanding = timing.outstanding.max(1);
        Self {
            name,
            offset: interface.offset,
            bytes,
            width: bytes.ilog2() as u8,
            banks,
            stalls,
            read_latency: timing.read_latency,
            write_latency: timing.write_latency,
            outstanding,
            reads: VecDeque::with_capacity(outstanding),
            writes: VecDeque::with_capacity(outstanding),
            written: VecDeque::with_capacity(outstanding),
            held_ar: None,
            held_aw: None,
            held_w: None,
        }
    }

    /// Forgets everything under way and drives idle values.
    pub(super) fn reset(&mut self, axi: &mut AxiMaster) {
        self.reads.clear();
        self.writes.clear();
        self.written.clear();
        self.held_ar = None;
        self.held_aw = None;
        self.held_w = None;
        // SAFETY: plain integers, for which zero is a value.
        axi.input = unsafe { std::mem::zeroed() };
    }

    /// The channel whose valid is high, which it must not be in reset.
    pub(super) fn valid_in_reset(&self, axi: &AxiMaster) -> Option<Channel> {
        let out = &axi.out;
        [
            (out.arvalid, Channel::Ar),
            (out.awvalid, Channel::Aw),
            (out.wvalid, Channel::W),
        ]
        .into_iter()
        .find_map(|(valid, channel)| (valid != 0).then_some(channel))
    }

    /// Nothing is under way or offered.
    pub(super) fn is_quiet(&self, axi: &AxiMaster) -> bool {
        let busy = axi.out.arvalid
            | axi.out.awvalid
            | axi.out.wvalid
            | axi.input.rvalid
            | axi.input.bvalid;
        busy == 0 && self.reads.is_empty() && self.writes.is_empty() && self.written.is_empty()
    }

    /// One clock.
    #[inline]
    pub(super) fn step<const CHECK: bool>(
        &mut self,
        axi: &mut AxiMaster,
        fabric: &mut Interconnect,
    ) -> Result<(), Box<Violation>> {
        let stalled = self.stalls.draw(fabric.now);
        self.step_read::<CHECK>(axi, fabric, stalled)?;
        self.step_write::<CHECK>(axi, fabric, stalled)
    }

    #[inline(always)]
    fn step_read<const CHECK: bool>(
        &mut self,
        axi: &mut AxiMaster,
        fabric: &mut Interconnect,
        stalled: u32,
    ) -> Result<(), Box<Violation>> {
        if axi.input.rvalid & axi.out.rready != 0 {
            fabric.progress();
            axi.input.rvalid = 0;
            let front = &mut self.reads[0];
            front.burst.advance();
            if front.burst.left == 0 {
                self.reads.pop_front();
            }
        }
        let out = &axi.out;
        if CHECK && let Some(held) = self.held_ar.take() {
            check_held(held, (out.arvalid != 0).then(|| read_address(out)))
                .map_err(|(rule, detail)| self.violation(rule, Channel::Ar, fabric.now, detail))?;
        }
        if out.arvalid != 0 {
            if axi.input.arready != 0 {
                fabric.progress();
                let transfer = self.accept::<CHECK>(
                    read_address(out),
                    Channel::Ar,
                    self.read_latency,
                    fabric,
                )?;
                self.reads.push_back(transfer);
            } else if CHECK {
                self.held_ar = Some(read_address(out));
            }
        }
        if axi.input.rvalid == 0
            && stalled & stall::R == 0
            && let Some(front) = self.reads.front_mut()
            && front.ready_at <= fabric.now + 1
            && fabric.grant(front.bank, 1 << front.burst.size)
        {
            axi.input.rvalid = 1;
            axi.input.rid = front.id;
            axi.input.rlast = u8::from(front.burst.left == 1);
            axi.input.rresp =
                fabric.response(front.origin, front.faulty, &front.burst, Access::Read);
            let (address, bytes) = front.burst.beat();
            let data = &mut axi.input.rdata[..self.bytes];
            let lane = address as usize & (self.bytes - 1);
            if bytes != self.bytes || axi.input.rresp != OKAY {
                data.fill(UNUSED_LANE);
            }
            if axi.input.rresp == OKAY {
                let from = front.origin.wrapping_add(address as usize);
                // SAFETY: `accept` found the whole burst inside a bank that `origin` stands for, and a beat
                // never leaves the bus word of its lane.
                unsafe { copy_beat(from, data.as_mut_ptr().add(lane), bytes, self.bytes) };
            }
        }
        axi.input.arready =
            u8::from(self.reads.len() < self.outstanding && stalled & stall::AR == 0);
        Ok(())
    }

    #[inline(always)]
    fn step_write<const CHECK: bool>(
        &mut self,
        axi: &mut AxiMaster,
        fabric: &mut Interconnect,
        stalled: u32,
    ) -> Result<(), Box<Violation>> {
        if axi.input.bvalid & axi.out.bready != 0 {
            fabric.progress();
            axi.input.bvalid = 0;
            self.written.pop_front();
        }
        let out = &axi.out;
        if CHECK && let Some(held) = self.held_aw.take() {
            check_held(held, (out.awvalid != 0).then(|| write_address(out)))
                .map_err(|(rule, detail)| self.violation(rule, Channel::Aw, fabric.now, detail))?;
        }
        if CHECK && self.held_w.is_some() {
            self.check_held_beat(out, fabric.now)?;
        }
        if out.awvalid != 0 {
            if axi.input.awready != 0 {
                fabric.progress();
                let transfer = self.accept::<CHECK>(write_address(out), Channel::Aw, 0, fabric)?;
                self.writes.push_back(transfer);
            } else if CHECK {
                self.held_aw = Some(write_address(out));
            }
        }
        if out.wvalid != 0 {
            if axi.input.wready != 0 {
                fabric.progress();
                self.take_beat::<CHECK>(out, fabric)?;
                axi.input.wready = 0;
            } else if CHECK && self.held_w.is_none() {
                self.hold_beat(out);
            }
        }
        if axi.input.bvalid == 0
            && stalled & stall::B == 0
            && let Some(front) = self.written.front()
            && front.ready_at <= fabric.now + 1
        {
            axi.input.bvalid = 1;
            axi.input.bid = front.id;
            axi.input.bresp = front.response;
        }
        let under_way = self.writes.len() + self.written.len();
        axi.input.awready = u8::from(under_way < self.outstanding && stalled & stall::AW == 0);
        // A ready that stays up keeps the bandwidth it was granted.
        if stalled & stall::W != 0 {
            axi.input.wready = 0;
        } else if axi.input.wready == 0
            && let Some(front) = self.writes.front()
        {
            axi.input.wready = u8::from(fabric.grant(front.bank, 1 << front.burst.size));
        }
        Ok(())
    }

    /// Takes a burst in: checks it and finds its memory.
    #[inline]
    fn accept<const CHECK: bool>(
        &self,
        (address, id, len, size, burst): Address,
        channel: Channel,
        latency: u64,
        fabric: &Interconnect,
    ) -> Result<Transfer, Box<Violation>> {
        let transfer = Burst::new(address, len, size.min(self.width), burst);
        let (first, bytes) = transfer.span();
        let describe = || {
            format!(
                "address {address:#x}, {} beats of {} bytes, type {burst}",
                u32::from(len) + 1,
                1u32 << size
            )
        };
        if CHECK {
            let asked = Burst::new(address, len, size, burst);
            if let Some(rule) = asked.broken_rule(burst, self.width) {
                return Err(self.violation(rule, channel, fabric.now, describe()));
            }
        }
        let route = fabric.route(&self.banks, first, bytes);
        if CHECK && route.is_none() {
            let detail = format!("{}; connected to {}", describe(), fabric.names(&self.banks));
            return Err(self.violation(Rule::OutsideBank, channel, fabric.now, detail));
        }
        let (origin, bank) = route.unwrap_or((std::ptr::null_mut(), 0));
        Ok(Transfer {
            burst: transfer,
            id,
            ready_at: fabric.now + latency.max(1),
            origin,
            bank,
            faulty: fabric.has_fault(first, bytes),
            response: OKAY,
        })
    }

    /// Takes a write beat; `wready` is only high while a burst waits for data.
    #[inline]
    fn take_beat<const CHECK: bool>(
        &mut self,
        out: &AxiMasterOut,
        fabric: &mut Interconnect,
    ) -> Result<(), Box<Violation>> {
        let (now, bus) = (fabric.now, self.bytes);
        let front = &mut self.writes[0];
        let last = front.burst.left == 1;
        if CHECK && (out.wlast != 0) != last {
            let rule = if last {
                Rule::LastMissing
            } else {
                Rule::LastEarly
            };
            let detail = format!("{} beats are due, this one included", front.burst.left);
            return Err(self.violation(rule, Channel::W, now, detail));
        }
        let (address, bytes) = front.burst.beat();
        let lane = address as usize & (bus - 1);
        let response = fabric.response(front.origin, front.faulty, &front.burst, Access::Write);
        front.response = front.response.max(response);
        let strobes = u128::from(out.wstrb[0]) | u128::from(out.wstrb[1]) << 64;
        let lanes = ones(bytes) << lane;
        let origin = front.origin;
        if CHECK && strobes & !lanes != 0 {
            let detail = format!("WSTRB {strobes:#x}, lanes {lanes:#x} of address {address:#x}");
            return Err(self.violation(Rule::Strobe, Channel::W, now, detail));
        }
        if response == OKAY {
            let to = origin.wrapping_add(address as usize);
            let from = &out.wdata[lane..];
            if strobes & lanes == lanes {
                // SAFETY: `accept` found the whole burst inside a bank that `origin` stands for, and a beat
                // never leaves the bus word of its lane.
                unsafe { copy_beat(from.as_ptr(), to, bytes, bus) };
            } else {
                for (index, byte) in from[..bytes].iter().enumerate() {
                    if strobes >> (lane + index) & 1 != 0 {
                        // SAFETY: as above; `index` is inside the beat.
                        unsafe { to.wrapping_add(index).write(*byte) };
                    }
                }
            }
        }
        let front = &mut self.writes[0];
        front.burst.advance();
        if last {
            let done = Written {
                id: front.id,
                ready_at: now + self.write_latency.max(1),
                response: front.response,
            };
            self.writes.pop_front();
            self.written.push_back(done);
        }
        Ok(())
    }

    #[cold]
    fn hold_beat(&mut self, out: &AxiMasterOut) {
        self.held_w = Some(Box::new(HeldBeat {
            last: out.wlast,
            strobes: out.wstrb,
            data: out.wdata,
        }));
    }

    #[cold]
    fn check_held_beat(&mut self, out: &AxiMasterOut, now: u64) -> Result<(), Box<Violation>> {
        let held = self.held_w.take().expect("the caller looked");
        if out.wvalid == 0 {
            return Err(self.violation(Rule::ValidDropped, Channel::W, now, String::new()));
        }
        let same = held.last == out.wlast
            && held.strobes == out.wstrb
            && held.data[..self.bytes] == out.wdata[..self.bytes];
        if same {
            return Ok(());
        }
        let detail = format!(
            "WLAST {} to {}, WSTRB {:x?} to {:x?}, or data",
            held.last, out.wlast, held.strobes, out.wstrb
        );
        Err(self.violation(Rule::PayloadChanged, Channel::W, now, detail))
    }

    #[cold]
    fn violation(
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

    /// What each channel waits for, for the watchdog.
    pub(super) fn waiting(&self, axi: &AxiMaster) -> String {
        let (out, input) = (&axi.out, &axi.input);
        let line = |channel: Channel, valid: u8, ready: u8, waits: String| {
            let state = match (valid, ready) {
                (0, 0) => "idle",
                (0, _) => "waits for VALID",
                (_, 0) => "waits for READY",
                _ => "transfers",
            };
            format!(
                "  {}.{channel}: VALID {valid} READY {ready}, {state}{waits}\n",
                self.name
            )
        };
        let due = |what: &str, count: usize| match count {
            0 => String::new(),
            count => format!("; {count} {what}"),
        };
        let beats: u32 = self
            .writes
            .front()
            .map_or(0, |transfer| transfer.burst.left);
        line(
            Channel::Ar,
            out.arvalid,
            input.arready,
            due("bursts outstanding", self.reads.len()),
        ) + &line(
            Channel::R,
            input.rvalid,
            out.rready,
            due("bursts to be answered", self.reads.len()),
        ) + &line(
            Channel::Aw,
            out.awvalid,
            input.awready,
            due("bursts outstanding", self.writes.len() + self.written.len()),
        ) + &line(
            Channel::W,
            out.wvalid,
            input.wready,
            due("beats due in the first burst", beats as usize),
        ) + &line(
            Channel::B,
            input.bvalid,
            out.bready,
            due("bursts to be answered", self.written.len()),
        )
    }
}

fn read_address(out: &AxiMasterOut) -> Address {
    (out.araddr, out.arid, out.arlen, out.arsize, out.arburst)
}

fn write_address(out: &AxiMasterOut) -> Address {
    (out.awaddr, out.awid, out.awlen, out.awsize, out.awburst)
}

#[cold]
fn check_held(held: Address, now: Option<Address>) -> Result<(), (Rule, String)> {
    match now {
        None => Err((Rule::ValidDropped, format!("address {:#x}", held.0))),
        Some(now) if now != held => Err((
            Rule::PayloadChanged,
            format!("(address, id, len, size, burst) {held:x?} to {now:x?}"),
        )),
        Some(_) => Ok(()),
    }
}

/// The lowest `count` bits, up to 128.
#[inline]
fn ones(count: usize) -> u128 {
    if count >= 128 {
        u128::MAX
    } else {
        (1 << count) - 1
    }
}

/// Copies a beat; a full word of the common widths becomes a few vector moves.
///
/// # Safety
///
/// As for `ptr::copy_nonoverlapping` of `bytes` bytes; `bytes` is at most `bus`.
#[inline(always)]
unsafe fn copy_beat(from: *const u8, to: *mut u8, bytes: usize, bus: usize) {
    // SAFETY: the caller's promise; each arm copies exactly `bytes`.
    unsafe {
        match (bytes == bus, bus) {
            (true, 64) => std::ptr::copy_nonoverlapping(from, to, 64),
            (true, 32) => std::ptr::copy_nonoverlapping(from, to, 32),
            (true, 16) => std::ptr::copy_nonoverlapping(from, to, 16),
            _ => std::ptr::copy_nonoverlapping(from, to, bytes),
        }
    }
}
