//! The AXI4-Lite master that reads and writes a kernel's registers, one access at a time, and checks the
//! kernel's side of the protocol.

use std::collections::VecDeque;

use super::error::{Channel, Rule, Violation};
use super::inject::Strike;
use super::interconnect::Interconnect;
use super::stall::{self, StallSource};
use crate::frame::AxiLite;
use crate::interface::LiteInterface;

/// A register access to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegisterAccess {
    /// Reads the register at a byte offset.
    Read {
        /// Byte offset.
        address: u64,
    },
    /// Writes the register at a byte offset, all its bytes.
    Write {
        /// Byte offset.
        address: u64,
        /// The value.
        data: u64,
    },
}

/// What became of a register access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegisterResult {
    /// The access.
    pub access: RegisterAccess,
    /// What was read; 0 of a write.
    pub data: u64,
    /// `RRESP` or `BRESP`: 0 is OKAY, 2 SLVERR, 3 DECERR.
    pub response: u8,
}

/// The access under way and which of its handshakes are still to come.
#[derive(Debug, Clone, Copy)]
struct Pending {
    access: RegisterAccess,
    address: bool,
    data: bool,
}

/// An access that has not begun.
#[derive(Debug, Clone, Copy)]
struct Queued {
    access: RegisterAccess,
    /// The clock from which it may; `u64::MAX`: never.
    begin: u64,
    /// An injected error response, with which it ends without reaching the kernel; 0 for none.
    response: u8,
}

/// One AXI4-Lite port.
pub(super) struct LitePort {
    /// Compute unit and port.
    pub(super) name: String,
    /// Bytes from the frame's start.
    pub(super) offset: usize,
    strobes: u8,
    stalls: StallSource,
    /// Clocks of one way to the host.
    way: u64,
    /// With the clock from which each may begin.
    queue: VecDeque<Queued>,
    pending: Option<Pending>,
    /// With the clock from which the host sees each.
    results: VecDeque<(RegisterResult, u64)>,
    /// `RRESP` and `RDATA`, or `BRESP`, of a response that waits for the engine's ready.
    held_r: Option<(u8, u64)>,
    held_b: Option<u8>,
}

impl LitePort {
    /// `way` is how many clocks the host is away.
    pub(super) fn new(
        name: String,
        interface: &LiteInterface,
        stalls: StallSource,
        way: u64,
    ) -> Self {
        Self {
            name,
            offset: interface.offset,
            strobes: ((1u16 << (interface.data_width / 8)) - 1) as u8,
            stalls,
            way,
            queue: VecDeque::new(),
            pending: None,
            results: VecDeque::new(),
            held_r: None,
            held_b: None,
        }
    }

    pub(super) fn submit(&mut self, access: RegisterAccess, now: u64, strike: Option<Strike>) {
        let strike = strike.unwrap_or_default();
        self.queue.push_back(Queued {
            access,
            begin: (now + self.way).saturating_add(strike.delay),
            response: strike.response,
        });
    }

    pub(super) fn take_result(&mut self, now: u64) -> Option<RegisterResult> {
        let due = self.results.front().is_some_and(|&(_, seen)| seen <= now);
        due.then(|| self.results.pop_front())
            .flatten()
            .map(|(result, _)| result)
    }

    pub(super) fn reset(&mut self, axi: &mut AxiLite) {
        self.queue.clear();
        self.pending = None;
        self.results.clear();
        self.held_r = None;
        self.held_b = None;
        // SAFETY: plain integers, for which zero is a value.
        axi.input = unsafe { std::mem::zeroed() };
        axi.input.changed = 1;
    }

    pub(super) fn valid_in_reset(&self, axi: &AxiLite) -> Option<Channel> {
        match (axi.out.rvalid, axi.out.bvalid) {
            (0, 0) => None,
            (0, _) => Some(Channel::B),
            _ => Some(Channel::R),
        }
    }

    pub(super) fn is_quiet(&self, axi: &AxiLite) -> bool {
        self.pending.is_none() && self.queue.is_empty() && axi.out.rvalid | axi.out.bvalid == 0
    }

    /// One clock.
    #[inline(always)]
    pub(super) fn step<const CHECK: bool>(
        &mut self,
        axi: &mut AxiLite,
        fabric: &mut Interconnect,
    ) -> Result<(), Box<Violation>> {
        let idle = self.pending.is_none() && self.queue.is_empty();
        if idle && axi.out.rvalid | axi.out.bvalid == 0 {
            axi.input.changed = 0;
            return Ok(());
        }
        axi.input.changed = 1;
        self.step_busy::<CHECK>(axi, fabric)
    }

    fn step_busy<const CHECK: bool>(
        &mut self,
        axi: &mut AxiLite,
        fabric: &mut Interconnect,
    ) -> Result<(), Box<Violation>> {
        let now = fabric.now;
        let stalled = self.stalls.draw(now);
        if let Some(pending) = &mut self.pending {
            if axi.input.arvalid & axi.out.arready != 0 || axi.input.awvalid & axi.out.awready != 0
            {
                axi.input.arvalid = 0;
                axi.input.awvalid = 0;
                pending.address = false;
            }
            if axi.input.wvalid & axi.out.wready != 0 {
                axi.input.wvalid = 0;
                pending.data = false;
            }
        }
        if CHECK {
            self.check(axi, now)?;
        }
        if axi.out.rvalid & axi.input.rready != 0 {
            self.complete(axi.out.rdata, axi.out.rresp, now + self.way);
            axi.input.rready = 0;
        }
        if axi.out.bvalid & axi.input.bready != 0 {
            // Polling a register is not progress; writing one is.
            fabric.progress();
            self.complete(0, axi.out.bresp, now);
            axi.input.bready = 0;
        }
        if self.pending.is_none()
            && self.queue.front().is_some_and(|queued| queued.begin <= now)
            && let Some(Queued {
                access, response, ..
            }) = self.queue.pop_front()
        {
            if response != 0 {
                let result = RegisterResult {
                    access,
                    data: 0,
                    response,
                };
                self.results.push_back((result, now + self.way));
                return Ok(());
            }
            let data = matches!(access, RegisterAccess::Write { .. });
            self.pending = Some(Pending {
                access,
                address: true,
                data,
            });
        }
        if let Some(pending) = &self.pending {
            self.drive(pending, axi, stalled);
        }
        Ok(())
    }

    fn drive(&self, pending: &Pending, axi: &mut AxiLite, stalled: u32) {
        let input = &mut axi.input;
        let free = |channel: u32| stalled & channel == 0;
        match pending.access {
            RegisterAccess::Read { address } => {
                if pending.address && free(stall::AR) {
                    input.arvalid = 1;
                    input.araddr = address;
                }
                input.rready = u8::from(free(stall::R));
            }
            RegisterAccess::Write { address, data } => {
                if pending.address && free(stall::AW) {
                    input.awvalid = 1;
                    input.awaddr = address;
                }
                if pending.data && free(stall::W) {
                    input.wvalid = 1;
                    input.wdata = data;
                    input.wstrb = self.strobes;
                }
                input.bready = u8::from(free(stall::B));
            }
        }
    }

    fn complete(&mut self, data: u64, response: u8, seen: u64) {
        // Without the checkers a response may come that nobody asked for: it is dropped.
        if let Some(pending) = self.pending.take() {
            let result = RegisterResult {
                access: pending.access,
                data,
                response,
            };
            self.results.push_back((result, seen));
        }
    }

    fn check(&mut self, axi: &AxiLite, now: u64) -> Result<(), Box<Violation>> {
        let violation = |rule, channel, detail: String| {
            Box::new(Violation {
                rule,
                port: self.name.clone(),
                channel,
                clock: now,
                detail,
            })
        };
        let out = &axi.out;
        let read = (out.rvalid != 0).then_some((out.rresp, out.rdata));
        let written = (out.bvalid != 0).then_some(out.bresp);
        if let Some(held) = self.held_r {
            match read {
                None => return Err(violation(Rule::ValidDropped, Channel::R, String::new())),
                Some(now) if now != held => {
                    let detail = format!("(RRESP, RDATA) {held:x?} to {now:x?}");
                    return Err(violation(Rule::PayloadChanged, Channel::R, detail));
                }
                Some(_) => {}
            }
        }
        if let Some(held) = self.held_b {
            match written {
                None => return Err(violation(Rule::ValidDropped, Channel::B, String::new())),
                Some(now) if now != held => {
                    let detail = format!("BRESP {held} to {now}");
                    return Err(violation(Rule::PayloadChanged, Channel::B, detail));
                }
                Some(_) => {}
            }
        }
        let asked = self
            .pending
            .filter(|pending| !pending.address && !pending.data);
        let reading =
            asked.is_some_and(|pending| matches!(pending.access, RegisterAccess::Read { .. }));
        let writing =
            asked.is_some_and(|pending| matches!(pending.access, RegisterAccess::Write { .. }));
        if read.is_some() && !reading {
            return Err(violation(
                Rule::ResponseWithoutRequest,
                Channel::R,
                String::new(),
            ));
        }
        if written.is_some() && !writing {
            return Err(violation(
                Rule::ResponseWithoutRequest,
                Channel::B,
                String::new(),
            ));
        }
        if let Some((1, _)) = read {
            return Err(violation(
                Rule::ExclusiveResponse,
                Channel::R,
                String::new(),
            ));
        }
        if written == Some(1) {
            return Err(violation(
                Rule::ExclusiveResponse,
                Channel::B,
                String::new(),
            ));
        }
        self.held_r = read.filter(|_| axi.input.rready == 0);
        self.held_b = written.filter(|_| axi.input.bready == 0);
        Ok(())
    }

    /// What each channel waits for, for the watchdog.
    pub(super) fn waiting(&self, axi: &AxiLite) -> String {
        let Some(pending) = &self.pending else {
            return format!("  {}: idle\n", self.name);
        };
        let (input, out) = (&axi.input, &axi.out);
        let channels = match pending.access {
            RegisterAccess::Read { .. } => format!(
                "AR VALID {} READY {}, R VALID {} READY {}",
                input.arvalid, out.arready, out.rvalid, input.rready
            ),
            RegisterAccess::Write { .. } => format!(
                "AW VALID {} READY {}, W VALID {} READY {}, B VALID {} READY {}",
                input.awvalid, out.awready, input.wvalid, out.wready, out.bvalid, input.bready
            ),
        };
        format!(
            "  {}: {:x?} under way, {channels}\n",
            self.name, pending.access
        )
    }
}
