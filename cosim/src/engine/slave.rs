//! The AXI4 master that writes to a kernel's AXI4 slave port, in bursts and one after the other without waiting for
//! responses, as a card's shell passes on what the host writes into a wide window; checks the kernel's side.

use std::collections::VecDeque;

use super::error::{Channel, Rule, Violation};
use super::interconnect::Interconnect;
use super::stall::{self, StallSource};
use crate::frame::AxiMaster;
use crate::interface::SlaveInterface;
use crate::memory::BANK_ALIGN;

/// Most beats of a burst.
const MAX_BEATS: usize = 256;

/// An incrementing burst to be written to a slave port, in whole beats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BurstWrite {
    /// Byte address; a multiple of the data bus.
    pub address: u64,
    /// The data; a multiple of the data bus, at most 256 beats, not over a 4 KiB boundary.
    pub data: Vec<u8>,
    /// Write strobes by beat, bit *n* for byte *n*; all set for beats that are not listed.
    pub strobes: Vec<u128>,
}

/// What became of a burst.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BurstResult {
    /// `BRESP`: 0 is OKAY, 2 SLVERR, 3 DECERR.
    pub response: u8,
    /// The clock in which the response was taken.
    pub clock: u64,
}

struct Beat {
    /// The clock from which it may be offered.
    begin: u64,
    data: Vec<u8>,
    strobes: u128,
    last: bool,
}

/// One AXI4 slave port.
pub(super) struct SlavePort {
    /// Compute unit and port.
    pub(super) name: String,
    /// Bytes from the frame's start.
    pub(super) offset: usize,
    bytes: usize,
    stalls: StallSource,
    /// Clocks of one way to the host.
    way: u64,
    /// Address, length, and the clock from which each may begin.
    addresses: VecDeque<(u64, u8, u64)>,
    beats: VecDeque<Beat>,
    /// Bursts whose last beat has been taken.
    unanswered: usize,
    results: VecDeque<BurstResult>,
    /// `BRESP` of a response that waits for the engine's ready.
    held: Option<u8>,
}

impl SlavePort {
    /// `way` is how many clocks the host is away.
    pub(super) fn new(
        name: String,
        interface: &SlaveInterface,
        stalls: StallSource,
        way: u64,
    ) -> Self {
        Self {
            name,
            offset: interface.offset,
            bytes: interface.data_width as usize / 8,
            stalls,
            way,
            addresses: VecDeque::new(),
            beats: VecDeque::new(),
            unanswered: 0,
            results: VecDeque::new(),
            held: None,
        }
    }

    /// Queues a burst, or says what is wrong with it.
    pub(super) fn submit(&mut self, burst: &BurstWrite, now: u64) -> Result<(), String> {
        let bytes = self.bytes;
        let beats = burst.data.len() / bytes;
        let (address, size) = (burst.address, burst.data.len() as u64);
        if !burst.data.len().is_multiple_of(bytes)
            || !(1..=MAX_BEATS).contains(&beats)
            || !address.is_multiple_of(bytes as u64)
            || address % BANK_ALIGN + size > BANK_ALIGN
            || burst.strobes.len() > beats
        {
            return Err(format!(
                "a burst of {size} bytes with {} strobes at {address:#x}: give whole beats of {bytes} bytes within 4 KiB",
                burst.strobes.len()
            ));
        }
        let begin = now + self.way;
        self.addresses
            .push_back((address, (beats - 1) as u8, begin));
        let all = u128::MAX >> (128 - bytes);
        for (index, data) in burst.data.chunks(bytes).enumerate() {
            self.beats.push_back(Beat {
                begin,
                data: data.to_vec(),
                strobes: burst.strobes.get(index).copied().unwrap_or(all) & all,
                last: index + 1 == beats,
            });
        }
        Ok(())
    }

    pub(super) fn take_result(&mut self) -> Option<BurstResult> {
        self.results.pop_front()
    }

    pub(super) fn reset(&mut self, axi: &mut AxiMaster) {
        self.addresses.clear();
        self.beats.clear();
        self.unanswered = 0;
        self.results.clear();
        self.held = None;
        // SAFETY: plain integers, for which zero is a value.
        axi.out = unsafe { std::mem::zeroed() };
    }

    pub(super) fn valid_in_reset(&self, axi: &AxiMaster) -> Option<Channel> {
        (axi.input.bvalid != 0).then_some(Channel::B)
    }

    pub(super) fn is_quiet(&self, axi: &AxiMaster) -> bool {
        self.beats.is_empty()
            && self.unanswered == 0
            && axi.out.awvalid | axi.out.wvalid | axi.input.bvalid == 0
    }

    /// One clock.
    #[inline(always)]
    pub(super) fn step<const CHECK: bool>(
        &mut self,
        axi: &mut AxiMaster,
        fabric: &mut Interconnect,
    ) -> Result<(), Box<Violation>> {
        if self.is_quiet(axi) {
            axi.out.bready = 0;
            return Ok(());
        }
        self.step_busy::<CHECK>(axi, fabric)
    }

    fn step_busy<const CHECK: bool>(
        &mut self,
        axi: &mut AxiMaster,
        fabric: &mut Interconnect,
    ) -> Result<(), Box<Violation>> {
        let now = fabric.now;
        let stalled = self.stalls.draw(now);
        let (out, input) = (&mut axi.out, &axi.input);
        if CHECK {
            self.check(input.bvalid != 0, input.bresp, now)?;
        }
        if input.bvalid & out.bready != 0 {
            fabric.progress();
            self.held = None;
            self.unanswered = self.unanswered.saturating_sub(1);
            self.results.push_back(BurstResult {
                response: input.bresp,
                clock: now,
            });
        }
        if out.awvalid & input.awready != 0 {
            fabric.progress();
            out.awvalid = 0;
        }
        if out.wvalid & input.wready != 0 {
            fabric.progress();
            self.unanswered += usize::from(out.wlast);
            out.wvalid = 0;
        }
        if out.awvalid == 0
            && stalled & stall::AW == 0
            && self
                .addresses
                .front()
                .is_some_and(|&(.., begin)| begin <= now)
            && let Some((address, len, _)) = self.addresses.pop_front()
        {
            out.awvalid = 1;
            out.awaddr = address;
            out.awlen = len;
            out.awsize = self.bytes.ilog2() as u8;
            out.awburst = 1;
        }
        if out.wvalid == 0
            && stalled & stall::W == 0
            && self.beats.front().is_some_and(|beat| beat.begin <= now)
            && let Some(beat) = self.beats.pop_front()
        {
            out.wvalid = 1;
            out.wlast = u8::from(beat.last);
            out.wstrb = [beat.strobes as u64, (beat.strobes >> 64) as u64];
            out.wdata[..self.bytes].copy_from_slice(&beat.data);
        }
        out.bready = u8::from(stalled & stall::B == 0);
        Ok(())
    }

    fn check(&mut self, valid: bool, response: u8, now: u64) -> Result<(), Box<Violation>> {
        let violation = |rule, detail| {
            Box::new(Violation {
                rule,
                port: self.name.clone(),
                channel: Channel::B,
                clock: now,
                detail,
            })
        };
        match self.held {
            Some(_) if !valid => return Err(violation(Rule::ValidDropped, String::new())),
            Some(held) if held != response => {
                let detail = format!("BRESP {held} to {response}");
                return Err(violation(Rule::PayloadChanged, detail));
            }
            None if valid && self.unanswered == 0 => {
                return Err(violation(Rule::ResponseWithoutRequest, String::new()));
            }
            _ => {}
        }
        self.held = valid.then_some(response);
        Ok(())
    }

    /// What each channel waits for, for the watchdog.
    pub(super) fn waiting(&self, axi: &AxiMaster) -> String {
        let (out, input) = (&axi.out, &axi.input);
        format!(
            "  {}: AW VALID {} READY {}, W VALID {} READY {}, B VALID {} READY {}; {} beats to write, {} bursts to be answered\n",
            self.name,
            out.awvalid,
            input.awready,
            out.wvalid,
            input.wready,
            input.bvalid,
            out.bready,
            self.beats.len(),
            self.unanswered,
        )
    }
}
