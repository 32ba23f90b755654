//! The bypass BAR: doorbells and push windows of queue pairs, in pages that a driver maps, so that it works a queue by
//! stores alone. XDMA's third BAR, which goes past the DMA engine (PG195, "PCIe to DMA Bypass"), is such a window.
//!
//! The shell looks at the doorbell words of pairs that are held, and takes over what changed: first the completion head,
//! then pushes, then the submission tail. Then it writes the word back to the host, where
//! [`REG_WRITE_BACK`](crate::identity::REG_WRITE_BACK) says: what was rung before is on its way to the kernel, and places
//! in the push window may be used again. Stores to these pages and accesses by messages have no order between them;
//! [`REG_RING`](crate::identity::REG_RING) makes one.

/// Pairs that there can be.
pub const PAIRS: u32 = 64;

/// Bytes of the BAR.
pub const BYTES: u64 = 512 << 10;
/// Bytes from its beginning that can be mapped: all that mean something.
pub const MAPPABLE: u64 = PUSHES + PAIRS as u64 * PUSH_STRIDE;

/// Bytes from one pair's [`DoorbellWord`] to the next. The first lies at the beginning of the BAR.
pub const DOORBELL_STRIDE: u64 = 8;

/// Where the push windows begin.
pub const PUSHES: u64 = 0x1000;
/// Bytes of each pair's window.
pub const PUSH_STRIDE: u64 = 0x1000;
/// Bytes of a push.
pub const PUSH_BYTES: u64 = 64;
/// Places in a window: push *i* lies in place *i* modulo this.
pub const PUSH_PLACES: u16 = (PUSH_STRIDE / PUSH_BYTES) as u16;

/// The first MSI-X vector of pairs: pair *p* has this one plus *p* modulo [`PAIR_VECTORS`].
pub const FIRST_PAIR_VECTOR: u32 = 16;
/// See [`FIRST_PAIR_VECTOR`].
pub const PAIR_VECTORS: u32 = 16;

/// All that a host tells of a pair, in a word that is stored at once (or low half first).
///
/// Bits 15:0 submission tail, 31:16 completion head, 47:32 pushes so far, 48 changes for each interrupt that is wanted, 49
/// answer by an interrupt too. What the others hold is the host's business, but that a change of them is answered like any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DoorbellWord(pub u64);

impl DoorbellWord {
    /// Each change of it asks for one interrupt: once a completion is there that is not below the completion head.
    pub const INTERRUPT: u64 = 1 << 48;
    /// The shell shall answer this word by an interrupt beside the write-back: a driver tests its interrupt so.
    pub const ANSWER: u64 = 1 << 49;

    /// Submission tail.
    pub const fn tail(self) -> u16 {
        self.0 as u16
    }

    /// Completion head.
    pub const fn head(self) -> u16 {
        (self.0 >> 16) as u16
    }

    /// How many pushes there have been.
    pub const fn pushed(self) -> u16 {
        (self.0 >> 32) as u16
    }

    /// Whether this asks for an interrupt, after the word before.
    pub const fn asks_for_interrupt(self, before: Self) -> bool {
        (self.0 ^ before.0) & Self::INTERRUPT != 0
    }

    /// The same word, asking for an interrupt.
    #[must_use]
    pub const fn asking_for_interrupt(self) -> Self {
        Self(self.0 ^ Self::INTERRUPT)
    }

    /// With other indices.
    #[must_use]
    pub const fn with(self, tail: u16, head: u16, pushed: u16) -> Self {
        let indices = tail as u64 | (head as u64) << 16 | (pushed as u64) << 32;
        Self(self.0 & !0xFFFF_FFFF_FFFF | indices)
    }
}

const _: () = assert!(MAPPABLE <= BYTES && BYTES.is_power_of_two());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_keeps_its_parts_apart() {
        let word = DoorbellWord(DoorbellWord::INTERRUPT | 1 << 63).with(0xFFFF, 0x1234, 0x8001);
        assert_eq!(
            (word.tail(), word.head(), word.pushed()),
            (0xFFFF, 0x1234, 0x8001)
        );
        assert!(word.asking_for_interrupt().asks_for_interrupt(word));
        let word = word.with(1, 2, 3);
        assert_eq!(
            word.0,
            1 << 63 | DoorbellWord::INTERRUPT | 3 << 32 | 2 << 16 | 1
        );
    }
}
