//! The read channels of a memory port: AR taken in, R answered in order.

use std::collections::VecDeque;

use super::error::{Channel, Violation};
use super::interconnect::{Access, Interconnect};
use super::stall;
use super::transfer::{Address, OKAY, PortInfo, Transfer, check_held, copy_word};
use crate::frame::{AxiMaster, AxiMasterIn, AxiMasterOut};

/// Fills the byte lanes of a read beat that carry no data, so that a kernel that takes them is found out.
const UNUSED_LANE: u8 = 0xee;

pub(super) struct ReadSide {
    /// The burst that is answered, its next beat not yet transferred.
    current: Transfer,
    queue: VecDeque<Transfer>,
    latency: u64,
    /// An address that waits for ready.
    held: Option<Address>,
}

impl ReadSide {
    pub(super) fn new(latency: u64, outstanding: usize) -> Self {
        Self {
            current: Transfer::none(),
            queue: VecDeque::with_capacity(outstanding),
            latency,
            held: None,
        }
    }

    pub(super) fn reset(&mut self) {
        self.current = Transfer::none();
        self.queue.clear();
        self.held = None;
    }

    /// Bursts that are not fully answered.
    pub(super) fn outstanding(&self) -> usize {
        self.queue.len() + usize::from(self.current.burst.left != 0)
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
        if input.rvalid & out.rready != 0 {
            fabric.progress();
            input.rvalid = 0;
            self.current.advance(port.bytes);
        }
        if out.arvalid != 0 || CHECK && self.held.is_some() {
            self.take_address::<CHECK>(port, out, input.arready != 0, fabric)?;
        }
        if input.rvalid == 0 {
            if self.current.burst.left == 0
                && let Some(next) = self.queue.pop_front()
            {
                self.current = next;
            }
            let current = &self.current;
            if current.burst.left != 0
                && current.ready_at <= fabric.now + 1
                && stalled & stall::R == 0
                && fabric.grant(current.bank, 1 << current.burst.size)
            {
                input.rvalid = 1;
                input.rid = current.id;
                input.rlast = u8::from(current.burst.left == 1);
                if current.plain {
                    input.rresp = OKAY;
                    // SAFETY: `accept` found the whole burst inside the memory.
                    unsafe { copy_word(current.memory(), input.rdata.as_mut_ptr(), port.bytes) };
                } else {
                    self.drive_unusual(port, input, fabric);
                }
            }
        }
        input.arready = u8::from(self.outstanding() < port.outstanding && stalled & stall::AR == 0);
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
        let address = (out.araddr, out.arid, out.arlen, out.arsize, out.arburst);
        let offered = (out.arvalid != 0).then_some(address);
        if CHECK && let Some(held) = self.held.take() {
            check_held(held, offered)
                .map_err(|(rule, detail)| port.violation(rule, Channel::Ar, fabric.now, detail))?;
        }
        if offered.is_some() {
            if ready {
                fabric.progress();
                let transfer =
                    Transfer::accept::<CHECK>(port, address, Channel::Ar, self.latency, fabric)?;
                self.queue.push_back(transfer);
            } else {
                self.held = Some(address);
            }
        }
        Ok(())
    }

    /// A beat of a narrow, unaligned, fixed or wrapping burst, or one with an error.
    #[cold]
    fn drive_unusual(&self, port: &PortInfo, input: &mut AxiMasterIn, fabric: &Interconnect) {
        let current = &self.current;
        input.rresp = current.response(fabric, Access::Read);
        let data = &mut input.rdata[..port.bytes];
        data.fill(UNUSED_LANE);
        if input.rresp == OKAY {
            let (address, bytes) = current.burst.beat();
            let lanes = &mut data[address as usize & (port.bytes - 1)..][..bytes];
            if current.remote {
                input.rresp = fabric.read_remote(current.bank, address, lanes);
                if input.rresp != OKAY {
                    lanes.fill(UNUSED_LANE);
                }
                return;
            }
            // SAFETY: `accept` found the whole burst inside the memory.
            unsafe { std::ptr::copy_nonoverlapping(current.memory(), lanes.as_mut_ptr(), bytes) };
        }
    }
}
