//! Seeded random stalls that need no state: whether a channel stalls is a function of seed, port and clock,
//! so a restored or replayed run sees the same ones.

/// How likely each channel is to stall in a clock, from 0 (never) to below 1.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Stalls {
    /// `ARREADY` of memory ports.
    pub ar: f64,
    /// `RVALID` of memory ports.
    pub r: f64,
    /// `AWREADY` of memory ports.
    pub aw: f64,
    /// `WREADY` of memory ports.
    pub w: f64,
    /// `BVALID` of memory ports.
    pub b: f64,
    /// All channels of AXI4 slave ports: the engine's valids towards, and readys from, the kernel.
    pub slave: f64,
    /// All channels of AXI4-Lite ports: the engine's valids towards, and readys from, the kernel.
    pub lite: f64,
    /// Streams between units: the engine's TREADY towards the sender, and its TVALID of a new beat.
    pub t: f64,
}

impl Stalls {
    /// The same probability on every channel.
    pub fn all(probability: f64) -> Self {
        Self {
            ar: probability,
            r: probability,
            aw: probability,
            w: probability,
            b: probability,
            slave: probability,
            lite: probability,
            t: probability,
        }
    }
}

/// Bits of [`StallSource::draw`].
pub(super) const AR: u32 = 1;
pub(super) const R: u32 = 2;
pub(super) const AW: u32 = 4;
pub(super) const W: u32 = 8;
pub(super) const B: u32 = 16;
/// The same bits for a stream.
pub(super) const TREADY: u32 = AR;
pub(super) const TVALID: u32 = R;

/// Random bits spent on one channel: five channels share one 64-bit draw.
const BITS: u32 = 12;

/// The stalls of one port.
#[derive(Debug, Clone)]
pub(super) struct StallSource {
    key: u64,
    thresholds: [u64; 5],
    any: bool,
}

impl StallSource {
    /// `probabilities` in the order AR, R, AW, W, B; `port` tells the ports of an engine apart.
    pub(super) fn new(seed: u64, port: u64, probabilities: [f64; 5]) -> Self {
        // A channel that always stalls is a hung bus, not a slow one.
        let scale = f64::from(1u32 << BITS);
        let thresholds = probabilities.map(|p| (p.clamp(0.0, 0.999) * scale) as u64);
        Self {
            key: mix(seed ^ mix(port)),
            thresholds,
            any: thresholds.iter().any(|threshold| *threshold > 0),
        }
    }

    /// The channels that stall in clock `now`, as bits.
    #[inline(always)]
    pub(super) fn draw(&self, now: u64) -> u32 {
        if self.any { self.draw_random(now) } else { 0 }
    }

    fn draw_random(&self, now: u64) -> u32 {
        let mut random = mix(self
            .key
            .wrapping_add(now.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        let mut stalled = 0;
        for (channel, threshold) in self.thresholds.iter().enumerate() {
            let value = random & ((1 << BITS) - 1);
            stalled |= u32::from(value < *threshold) << channel;
            random >>= BITS;
        }
        stalled
    }
}

/// The output function of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators).
pub(super) fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stalls_are_as_frequent_as_asked_and_differ_between_channels_and_ports() {
        let source = StallSource::new(7, 0, [0.0, 0.25, 0.5, 0.75, 0.5]);
        let other = StallSource::new(7, 1, [0.0, 0.25, 0.5, 0.75, 0.5]);
        let clocks = 100_000;
        let draws: Vec<u32> = (0..clocks).map(|now| source.draw(now)).collect();
        for (bit, expected) in [(AR, 0.0), (R, 0.25), (AW, 0.5), (W, 0.75), (B, 0.5)] {
            let share =
                draws.iter().filter(|draw| **draw & bit != 0).count() as f64 / clocks as f64;
            assert!((share - expected).abs() < 0.01, "{bit}: {share}");
        }
        let agreeing = draws
            .iter()
            .filter(|draw| (**draw & AW != 0) == (**draw & B != 0))
            .count();
        assert!((0.48..0.52).contains(&(agreeing as f64 / clocks as f64)));
        assert!((0..100).any(|now| source.draw(now) != other.draw(now)));
    }

    #[test]
    fn a_channel_never_stalls_for_ever() {
        let source = StallSource::new(1, 0, [1.0; 5]);
        assert!((0..100_000).any(|now| source.draw(now) & R == 0));
    }
}
