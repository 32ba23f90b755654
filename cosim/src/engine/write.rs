//! The write channels of a memory port: AW and W taken in, B answered in order.
//!
//! WREADY is only high while a burst waits for data: AXI forbids a master to hold its address back until its
//! data has been taken, so no data is ever without a burst.

use std::collections::VecDeque;

use super::error::{Channel, Rule, Violation};
use super::interconnect::{Access, Interconnect};
use super::stall;
use super::transfer::{Address, OKAY, PortInfo, Transfer, check_held, copy_word};
use crate::frame::{AxiMaster, AxiMasterOut, MAX_DATA_BYTES};

pub(super) struct WriteSide {
    /// The burst that takes data.
    current: Transfer,
    /// The worst response to one of its beats.
    response: u8,
    queue: VecDeque<Transfer>,
    /// Bursts with all their data, which wait for their response.
    written: VecDeque<Written>,
    latency: u64,
    /// An address that waits for ready.
    held_address: Option<Address>,
    /// A beat that waits for ready.
    held_beat: Option<Box<Beat>>,
}

struct Written {
    id: u32,
    ready_at: u64,
    response: u8,
}

#[derive(PartialEq)]
struct Beat {
    last: u8,
    strobes: [u64; 2],
    data: [u8; MAX_DATA_BYTES],
}

impl Beat {
    fn of(out: &AxiMasterOut) -> Self {
        Self {
            last: out.wlast,
            strobes: out.wstrb,
            data: out.wdata,
        }
    }
}

impl WriteSide {
    pub(super) fn new(latency: u64, outstanding: usize) -> Self {
        Self {
            current: Transfer::none(),
            response: OKAY,
            queue: VecDeque::with_capacity(outstanding),
            written: VecDeque::with_capacity(outstanding),
            latency,
            held_address: None,
            held_beat: None,
        }
    }

    pub(super) fn reset(&mut self) {
        self.current = Transfer::none();
        self.queue.clear();
        self.written.clear();
        self.held_address = None;
        self.held_beat = None;
    }

    /// Bursts that wait for data or for their response.
    pub(super) fn outstanding(&self) -> usize {
        self.queue.len() + usize::from(self.current.burst.left != 0) + self.written.len()
    }

    /// Beats that the first burst waits for.
    pub(super) fn beats_due(&self) -> u32 {
        self.current.burst.left
    }

    /// Bursts that wait for their response.
    pub(super) fn responses_due(&self) -> usize {
        self.written.len()
    }

    /// One clock.
    #[inline(always)]
    pub(super) fn step<const CHECK: bool>(
        &mut self,
        port: &PortInfo,
        axi: &mut AxiMaster,
        fabric: &mut Interconnect,
        stalled: u32,
    ) -> Result<(), Box<Violation>> {
        let (out, input) = (&axi.out, &mut axi.input);
        if input.bvalid & out.bready != 0 {
            fabric.progress();
            input.bvalid = 0;
            self.written.pop_front();
        }
        if out.awvalid != 0 || CHECK && self.held_address.is_some() {
            self.take_address::<CHECK>(port, out, input.awready != 0, fabric)?;
        }
        if CHECK && self.held_beat.is_some() {
            self.check_held_beat(port, out, fabric.now)?;
        }
        if out.wvalid & input.wready != 0 {
            fabric.progress();
            self.take_beat::<CHECK>(port, out, fabric)?;
            input.wready = 0;
        } else if CHECK && out.wvalid != 0 && self.held_beat.is_none() {
            self.held_beat = Some(Box::new(Beat::of(out)));
        }
        if input.bvalid == 0
            && let Some(front) = self.written.front()
            && front.ready_at <= fabric.now + 1
            && stalled & stall::B == 0
        {
            input.bvalid = 1;
            input.bid = front.id;
            input.bresp = front.response;
        }
        if self.current.burst.left == 0
            && let Some(next) = self.queue.pop_front()
        {
            self.current = next;
            self.response = OKAY;
        }
        // A ready that stays up keeps the bandwidth it was granted.
        if stalled & stall::W != 0 {
            input.wready = 0;
        } else if input.wready == 0 && self.current.burst.left != 0 {
            input.wready = u8::from(fabric.grant(self.current.bank, 1 << self.current.burst.size));
        }
        input.awready = u8::from(self.outstanding() < port.outstanding && stalled & stall::AW == 0);
        Ok(())
    }

    #[inline(never)]
    fn take_address<const CHECK: bool>(
        &mut self,
        port: &PortInfo,
        out: &AxiMasterOut,
        ready: bool,
        fabric: &mut Interconnect,
    ) -> Result<(), Box<Violation>> {
        let address = (out.awaddr, out.awid, out.awlen, out.awsize, out.awburst);
        let offered = (out.awvalid != 0).then_some(address);
        if CHECK && let Some(held) = self.held_address.take() {
            check_held(held, offered)
                .map_err(|(rule, detail)| port.violation(rule, Channel::Aw, fabric.now, detail))?;
        }
        if offered.is_some() {
            if ready {
                fabric.progress();
                let transfer = Transfer::accept::<CHECK>(port, address, Channel::Aw, 0, fabric)?;
                self.queue.push_back(transfer);
            } else {
                self.held_address = Some(address);
            }
        }
        Ok(())
    }

    /// Takes a beat of the current burst.
    #[inline(always)]
    fn take_beat<const CHECK: bool>(
        &mut self,
        port: &PortInfo,
        out: &AxiMasterOut,
        fabric: &mut Interconnect,
    ) -> Result<(), Box<Violation>> {
        let last = self.current.burst.left == 1;
        if CHECK && (out.wlast != 0) != last {
            let rule = if last {
                Rule::LastMissing
            } else {
                Rule::LastEarly
            };
            let detail = format!(
                "{} beats are due, this one included",
                self.current.burst.left
            );
            return Err(port.violation(rule, Channel::W, fabric.now, detail));
        }
        if self.current.plain
            && port.bytes == 64
            && out.wstrb[0] == u64::MAX
            && self.current.way == 0
        {
            // SAFETY: `accept` found the whole burst inside the memory.
            unsafe { copy_word(out.wdata.as_ptr(), self.current.memory(), 64) };
        } else {
            self.store::<CHECK>(port, out, fabric)?;
        }
        self.current.advance(port.bytes);
        if last {
            self.written.push_back(Written {
                id: self.current.id,
                ready_at: (fabric.now + self.latency.max(1)).saturating_add(self.current.delay),
                response: self.response,
            });
        }
        Ok(())
    }

    /// Stores the bytes of a beat that its strobes and lanes name.
    #[inline(never)]
    fn store<const CHECK: bool>(
        &mut self,
        port: &PortInfo,
        out: &AxiMasterOut,
        fabric: &mut Interconnect,
    ) -> Result<(), Box<Violation>> {
        let (address, bytes) = self.current.burst.beat();
        let lane = address as usize & (port.bytes - 1);
        let strobes = u128::from(out.wstrb[0]) | u128::from(out.wstrb[1]) << 64;
        let lanes = (u128::MAX >> (MAX_DATA_BYTES - bytes)) << lane;
        if CHECK && strobes & !lanes != 0 {
            let detail = format!("WSTRB {strobes:#x}, lanes {lanes:#x} of address {address:#x}");
            return Err(port.violation(Rule::Strobe, Channel::W, fabric.now, detail));
        }
        let response = self.current.response(fabric, Access::Write);
        self.response = self.response.max(response);
        if response != OKAY {
            return Ok(());
        }
        if self.current.faulty {
            let written = (strobes & lanes) >> lane;
            let response = fabric.write_response(address, bytes, written);
            self.response = self.response.max(response);
            if response != OKAY {
                return Ok(());
            }
        }
        let from = &out.wdata[lane..][..bytes];
        if self.current.remote {
            let strobes = (strobes & lanes) >> lane;
            let (way, bank) = (self.current.way, self.current.bank);
            let response = fabric.write_remote(way, bank, address, from, strobes);
            self.response = self.response.max(response);
            return Ok(());
        }
        let to = self.current.memory();
        if self.current.way > 0 {
            let strobes = (strobes & lanes) >> lane;
            // SAFETY: `accept` found the whole burst inside the memory.
            unsafe { fabric.send(self.current.way, to, from, strobes) };
            return Ok(());
        }
        if strobes & lanes == lanes {
            // SAFETY: `accept` found the whole burst inside the memory.
            unsafe { copy_word(from.as_ptr(), to, bytes) };
            return Ok(());
        }
        for (index, byte) in from.iter().enumerate() {
            if strobes >> (lane + index) & 1 != 0 {
                // SAFETY: as above; `index` is inside the beat.
                unsafe { to.wrapping_add(index).write(*byte) };
            }
        }
        Ok(())
    }

    #[cold]
    fn check_held_beat(
        &mut self,
        port: &PortInfo,
        out: &AxiMasterOut,
        now: u64,
    ) -> Result<(), Box<Violation>> {
        let Some(held) = self.held_beat.take() else {
            return Ok(());
        };
        if out.wvalid == 0 {
            return Err(port.violation(Rule::ValidDropped, Channel::W, now, String::new()));
        }
        if *held == Beat::of(out) {
            return Ok(());
        }
        let detail = format!(
            "WLAST {} to {}, WSTRB {:x?} to {:x?}, or the data",
            held.last, out.wlast, held.strobes, out.wstrb
        );
        Err(port.violation(Rule::PayloadChanged, Channel::W, now, detail))
    }
}
