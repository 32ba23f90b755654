//! The memory behind one AXI4 master port of a kernel, and the port's protocol checkers.
//!
//! A step sees the signals as they are at the coming rising edge, does the transfers that happen there, and
//! sets what the engine drives after it.

use super::error::{Channel, Violation};
use super::interconnect::Interconnect;
use super::read::ReadSide;
use super::stall::StallSource;
use super::transfer::PortInfo;
use super::write::WriteSide;
use crate::engine::MemoryTiming;
use crate::frame::AxiMaster;
use crate::interface::MasterInterface;

/// One AXI4 master port.
pub(super) struct MasterPort {
    /// Bytes from the frame's start.
    pub(super) offset: usize,
    info: PortInfo,
    stalls: StallSource,
    read: ReadSide,
    write: WriteSide,
}

impl MasterPort {
    /// `name` is that of compute unit and port, `banks` are those that it reaches.
    pub(super) fn new(
        name: String,
        interface: &MasterInterface,
        banks: Box<[usize]>,
        stalls: StallSource,
        timing: MemoryTiming,
    ) -> Self {
        let bytes = interface.data_width as usize / 8;
        let outstanding = timing.outstanding.max(1);
        Self {
            offset: interface.offset,
            info: PortInfo {
                name,
                bytes,
                width: bytes.ilog2() as u8,
                banks,
                outstanding,
            },
            stalls,
            read: ReadSide::new(timing.read_latency, outstanding),
            write: WriteSide::new(timing.write_latency, outstanding),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.info.name
    }

    /// Forgets everything under way and drives idle values.
    pub(super) fn reset(&mut self, axi: &mut AxiMaster) {
        self.read.reset();
        self.write.reset();
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
        busy == 0 && self.read.outstanding() == 0 && self.write.outstanding() == 0
    }

    /// One clock.
    #[inline(always)]
    pub(super) fn step<const CHECK: bool>(
        &mut self,
        axi: &mut AxiMaster,
        fabric: &mut Interconnect,
    ) -> Result<(), Box<Violation>> {
        let stalled = self.stalls.draw(fabric.now);
        self.read.step::<CHECK>(&self.info, axi, fabric, stalled)?;
        self.write.step::<CHECK>(&self.info, axi, fabric, stalled)
    }

    /// What each channel waits for, for the watchdog.
    pub(super) fn waiting(&self, axi: &AxiMaster) -> String {
        let (out, input) = (&axi.out, &axi.input);
        let due = |what: &str, count: usize| match count {
            0 => String::new(),
            count => format!("; {count} {what}"),
        };
        let (reads, writes) = (self.read.outstanding(), self.write.outstanding());
        let beats = self.write.beats_due() as usize;
        let responses = self.write.responses_due();
        [
            (
                Channel::Ar,
                out.arvalid,
                input.arready,
                due("bursts outstanding", reads),
            ),
            (
                Channel::R,
                input.rvalid,
                out.rready,
                due("bursts to be answered", reads),
            ),
            (
                Channel::Aw,
                out.awvalid,
                input.awready,
                due("bursts outstanding", writes),
            ),
            (
                Channel::W,
                out.wvalid,
                input.wready,
                due("beats due in the first burst", beats),
            ),
            (
                Channel::B,
                input.bvalid,
                out.bready,
                due("bursts to be answered", responses),
            ),
        ]
        .map(|(channel, valid, ready, due)| {
            let state = match (valid, ready) {
                (0, 0) => "idle",
                (0, _) => "waits for VALID",
                (_, 0) => "waits for READY",
                _ => "transfers",
            };
            format!(
                "  {}.{channel}: VALID {valid} READY {ready}, {state}{due}\n",
                self.info.name
            )
        })
        .concat()
    }
}
