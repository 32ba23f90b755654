//! The way between a host and its card, as a delay. Without it the engine stands for a host that sits on the card's own
//! bus; with it every transfer between the two takes its time, and nothing else changes: order and content stay.

use std::collections::VecDeque;
use std::time::Duration;

use super::remote::Remotes;
use crate::frame::MAX_DATA_BYTES;

/// A PCIe link, modelled as one delay in each direction.
///
/// What the host writes to registers and slave ports arrives after one way, and what it reads comes back after two. Reads
/// of the host's memory by a kernel take two ways on top of the memory's own latency, and show the bytes as they are when
/// they arrive; its writes there are seen by the host after one way, and are answered without it, as posted writes are.
/// Banks of the card itself are not affected. Bandwidth is not modelled here, but by
/// [`MemoryTiming::bytes_per_clock`](super::MemoryTiming::bytes_per_clock).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PcieLink {
    /// The delay of one direction, rounded up to clocks.
    pub one_way: Duration,
    /// Banks that are the host's memory, as positions in the memory. Whoever makes an engine for a card fills this in from
    /// what it knows of the card's banks.
    pub host_banks: Vec<usize>,
}

impl PcieLink {
    /// Clocks of one way.
    pub(super) fn clocks(&self, period_ps: u64) -> u64 {
        let picoseconds = self.one_way.as_nanos().saturating_mul(1000);
        let clocks = picoseconds.div_ceil(period_ps.max(1).into());
        u64::try_from(clocks).unwrap_or(u64::MAX)
    }
}

/// A beat on its way to the host's memory.
struct Beat {
    /// The clock in which the host sees it.
    at: u64,
    to: Destination,
    bytes: usize,
    /// One bit for each byte of `data`.
    strobes: u128,
    data: [u8; MAX_DATA_BYTES],
}

enum Destination {
    Memory(*mut u8),
    Remote { bank: usize, address: u64 },
}

/// Beats on their way to the host's memory, in order.
#[derive(Default)]
pub(super) struct UnderWay(VecDeque<Beat>);

impl UnderWay {
    /// Sends bytes that arrive in clock `at`.
    ///
    /// # Safety
    ///
    /// `to` is valid for writes of `bytes` as long as this lives.
    pub(super) unsafe fn send(&mut self, at: u64, to: *mut u8, bytes: &[u8], strobes: u128) {
        self.push(at, Destination::Memory(to), bytes, strobes);
    }

    /// Sends bytes to a remote bank, where they arrive in clock `at`.
    pub(super) fn send_remote(
        &mut self,
        at: u64,
        bank: usize,
        address: u64,
        bytes: &[u8],
        strobes: u128,
    ) {
        self.push(at, Destination::Remote { bank, address }, bytes, strobes);
    }

    fn push(&mut self, at: u64, to: Destination, bytes: &[u8], strobes: u128) {
        let mut data = [0; MAX_DATA_BYTES];
        data[..bytes.len()].copy_from_slice(bytes);
        self.0.push_back(Beat {
            at,
            to,
            bytes: bytes.len(),
            strobes,
            data,
        });
    }

    /// Has what has arrived by clock `now` be seen.
    #[inline(always)]
    pub(super) fn land(&mut self, now: u64, remotes: &Remotes) {
        while self.0.front().is_some_and(|beat| beat.at <= now) {
            self.land_one(remotes);
        }
    }

    #[cold]
    fn land_one(&mut self, remotes: &Remotes) {
        let Some(beat) = self.0.pop_front() else {
            return;
        };
        let start = match beat.to {
            Destination::Memory(to) => to,
            Destination::Remote { bank, address } => {
                // Posted: the answer reaches nobody.
                remotes.write(bank, address, &beat.data[..beat.bytes], beat.strobes);
                return;
            }
        };
        // Aligned words are written as a whole: the host reads some of them while kernels run.
        for (word, data) in beat.data.chunks_exact(8).enumerate() {
            let strobes = (beat.strobes >> (8 * word)) as u8;
            let to = start.wrapping_add(8 * word);
            if strobes == u8::MAX && to.addr().is_multiple_of(8) {
                let value = u64::from_ne_bytes(data.try_into().expect("eight bytes"));
                // SAFETY: `send` promised these bytes; the address is aligned.
                unsafe { to.cast::<u64>().write(value) };
                continue;
            }
            for (byte, value) in data.iter().enumerate() {
                if strobes >> byte & 1 != 0 {
                    // SAFETY: as above.
                    unsafe { to.add(byte).write(*value) };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_are_rounded_up_to_clocks() {
        let link = |nanoseconds| PcieLink {
            one_way: Duration::from_nanos(nanoseconds),
            host_banks: Vec::new(),
        };
        assert_eq!(link(250).clocks(4000), 63);
        assert_eq!(link(248).clocks(4000), 62);
        assert_eq!(link(0).clocks(4000), 0);
    }

    #[test]
    fn bytes_land_in_their_clock_and_only_where_strobes_are_set() {
        let mut memory = [0u64; 4];
        let mut way = UnderWay::default();
        let to = memory.as_mut_ptr().cast::<u8>();
        // SAFETY: the memory outlives `way`, and nothing else refers to it meanwhile.
        unsafe {
            way.send(5, to, &[0x11; 24], 0xFF_00_FF);
            way.send(7, to.wrapping_add(24), &[0x22; 8], 0x81);
        }
        way.land(4, &Remotes::default());
        way.land(6, &Remotes::default());
        way.land(9, &Remotes::default());
        let all = u64::from_ne_bytes([0x11; 8]);
        let edges = u64::from_ne_bytes([0x22, 0, 0, 0, 0, 0, 0, 0x22]);
        assert_eq!(memory, [all, 0, all, edges]);
    }
}
