//! Addresses and byte lanes of the beats of one burst (IHI 0022, A3.4.1 and A3.4.3).

use super::error::Rule;
use crate::memory::BANK_ALIGN;

/// `AxBURST`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Fixed,
    Incrementing,
    Wrapping,
}

/// A burst under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Burst {
    /// Address of the next beat.
    pub(super) address: u64,
    /// Beats that have not moved yet.
    pub(super) left: u32,
    /// Log2 of the bytes in a beat.
    pub(super) size: u8,
    pub(super) kind: Kind,
    /// First address and size of the container of a wrapping burst.
    wrap: (u64, u64),
}

impl Burst {
    /// From the signals of an address channel. Reserved types count as incrementing ones.
    #[inline]
    pub(super) fn new(address: u64, len: u8, size: u8, burst: u8) -> Self {
        let left = u32::from(len) + 1;
        let kind = match burst {
            0 => Kind::Fixed,
            2 => Kind::Wrapping,
            _ => Kind::Incrementing,
        };
        let container = u64::from(left) << size;
        Self {
            address,
            left,
            size,
            kind,
            wrap: (address - address % container, container),
        }
    }

    /// Lowest address and bytes of all the burst touches.
    pub(super) fn span(&self) -> (u64, u64) {
        let beat = 1 << self.size;
        let aligned = self.address & !(beat - 1);
        match self.kind {
            Kind::Fixed => (self.address, aligned + beat - self.address),
            Kind::Incrementing => (
                self.address,
                (u64::from(self.left) << self.size) - (self.address - aligned),
            ),
            Kind::Wrapping => self.wrap,
        }
    }

    /// Bytes of the next beat: its first address and how many, up to the beat's end.
    #[inline]
    pub(super) fn beat(&self) -> (u64, usize) {
        let beat = 1u64 << self.size;
        (self.address, (beat - (self.address & (beat - 1))) as usize)
    }

    /// Goes to the next beat.
    #[inline]
    pub(super) fn advance(&mut self) {
        self.left -= 1;
        let beat = 1u64 << self.size;
        match self.kind {
            Kind::Fixed => {}
            Kind::Incrementing => self.address = (self.address & !(beat - 1)).wrapping_add(beat),
            Kind::Wrapping => {
                let (base, container) = self.wrap;
                let next = self.address + beat;
                self.address = if next == base + container { base } else { next };
            }
        }
    }

    /// The rule that the burst breaks on a bus of `width` (log2 of its bytes), if it does.
    #[inline]
    pub(super) fn broken_rule(&self, burst: u8, width: u8) -> Option<Rule> {
        let beat = 1u64 << self.size;
        if self.size > width {
            return Some(Rule::BurstSize);
        }
        match self.kind {
            _ if burst > 2 => Some(Rule::BurstType),
            Kind::Fixed if self.left > 16 => Some(Rule::FixedLength),
            Kind::Wrapping if !matches!(self.left, 2 | 4 | 8 | 16) => Some(Rule::WrapLength),
            Kind::Wrapping if !self.address.is_multiple_of(beat) => Some(Rule::WrapAlignment),
            Kind::Incrementing => {
                let (first, bytes) = self.span();
                (first % BANK_ALIGN + bytes > BANK_ALIGN).then_some(Rule::Boundary)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(mut burst: Burst) -> Vec<(u64, usize)> {
        let mut all = Vec::new();
        while burst.left > 0 {
            all.push(burst.beat());
            burst.advance();
        }
        all
    }

    #[test]
    fn beats_of_each_type_have_the_addresses_of_the_specification() {
        assert_eq!(
            addresses(Burst::new(0x1006, 2, 2, 1)),
            [(0x1006, 2), (0x1008, 4), (0x100c, 4)]
        );
        assert_eq!(
            addresses(Burst::new(0x1001, 1, 1, 0)),
            [(0x1001, 1), (0x1001, 1)]
        );
        assert_eq!(
            addresses(Burst::new(0x1038, 3, 3, 2)),
            [(0x1038, 8), (0x1020, 8), (0x1028, 8), (0x1030, 8)]
        );
    }

    #[test]
    fn spans_cover_exactly_what_is_touched() {
        assert_eq!(Burst::new(0x1006, 2, 2, 1).span(), (0x1006, 10));
        assert_eq!(Burst::new(0x1001, 1, 1, 0).span(), (0x1001, 1));
        assert_eq!(Burst::new(0x1038, 3, 3, 2).span(), (0x1020, 32));
    }

    #[test]
    fn each_broken_rule_is_told_and_legal_bursts_pass() {
        let check =
            |address, len, size, burst| Burst::new(address, len, size, burst).broken_rule(burst, 6);
        assert_eq!(check(0, 63, 6, 1), None);
        assert_eq!(check(64, 63, 6, 1), Some(Rule::Boundary));
        assert_eq!(check(65, 62, 6, 1), None);
        assert_eq!(check(0, 0, 7, 1), Some(Rule::BurstSize));
        assert_eq!(check(0, 0, 6, 3), Some(Rule::BurstType));
        assert_eq!(check(0, 15, 6, 0), None);
        assert_eq!(check(0, 16, 6, 0), Some(Rule::FixedLength));
        assert_eq!(check(0, 2, 6, 2), Some(Rule::WrapLength));
        assert_eq!(check(8, 3, 6, 2), Some(Rule::WrapAlignment));
        assert_eq!(check(0xfc0, 3, 6, 2), None);
    }
}
