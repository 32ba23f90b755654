//! Error correction of a card's memory: single bits corrected and double bits detected in each word of 64 bits, as memory
//! controllers with eight check bits a word do.
//!
//! The check bits are not stored. The bytes of the banks stay what was written, and the bits that have flipped since are
//! kept beside them: there are few, and a memory without any pays for one load an access. What a code of distance four
//! does follows from how many bits of a word have flipped; more than two it does not promise to find, so there are never
//! more.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Bytes of a word with check bits of its own.
pub const ECC_WORD: u64 = 8;

/// What the error correction of a memory has found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EccCounters {
    /// Words with one flipped bit that were put right.
    pub corrected: u64,
    /// Accesses that found a word with two flipped bits.
    pub uncorrected: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Ecc {
    /// Some word has a flipped bit.
    dirty: AtomicBool,
    /// The flipped bits, by the word's address.
    flipped: Mutex<BTreeMap<u64, u64>>,
    corrected: AtomicU64,
    uncorrected: AtomicU64,
}

/// The first word that has two flipped bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Uncorrectable(pub(crate) u64);

impl Ecc {
    /// Flips a bit (0 to 63) of the word at `address`, unless two are flipped already.
    pub(crate) fn flip(&self, address: u64, bit: u32) {
        let mut flipped = self.lock();
        let bits = flipped.entry(address & !(ECC_WORD - 1)).or_default();
        if bits.count_ones() < 2 {
            *bits ^= 1 << (bit % 64);
        }
        flipped.retain(|_, bits| *bits != 0);
        self.dirty.store(!flipped.is_empty(), Ordering::Relaxed);
    }

    pub(crate) fn counters(&self) -> EccCounters {
        EccCounters {
            corrected: self.corrected.load(Ordering::Relaxed),
            uncorrected: self.uncorrected.load(Ordering::Relaxed),
        }
    }

    /// Whether some word among these bytes has a flipped bit.
    #[inline]
    pub(crate) fn touches(&self, address: u64, bytes: u64) -> bool {
        self.dirty.load(Ordering::Relaxed)
            && self.lock().range(words(address, bytes)).next().is_some()
    }

    /// Bytes are read: what can be put right is, in memory too.
    #[inline]
    pub(crate) fn read(&self, address: u64, bytes: u64) -> Result<(), Uncorrectable> {
        if self.dirty.load(Ordering::Relaxed) {
            self.correct(words(address, bytes))
        } else {
            Ok(())
        }
    }

    /// Bytes are written: words that are written as a whole are as new, of others the rest is read.
    #[inline]
    pub(crate) fn write(&self, address: u64, bytes: u64) -> Result<(), Uncorrectable> {
        if !self.dirty.load(Ordering::Relaxed) || bytes == 0 {
            return Ok(());
        }
        let end = address.saturating_add(bytes);
        let whole = address.next_multiple_of(ECC_WORD)..end & !(ECC_WORD - 1);
        if !whole.is_empty() {
            self.heal(whole.clone());
        }
        self.correct(words(address, bytes))
    }

    /// As new.
    pub(crate) fn clear(&self) {
        self.heal(0..u64::MAX);
    }

    #[cold]
    fn heal(&self, range: std::ops::Range<u64>) {
        let mut flipped = self.lock();
        flipped.retain(|word, _| !range.contains(word));
        self.dirty.store(!flipped.is_empty(), Ordering::Relaxed);
    }

    #[cold]
    fn correct(&self, range: std::ops::Range<u64>) -> Result<(), Uncorrectable> {
        let mut flipped = self.lock();
        let found: Vec<(u64, u64)> = flipped
            .range(range)
            .map(|(word, bits)| (*word, *bits))
            .collect();
        let mut first = None;
        for (word, bits) in found {
            if bits.count_ones() == 1 {
                flipped.remove(&word);
                self.corrected.fetch_add(1, Ordering::Relaxed);
            } else if first.is_none() {
                first = Some(word);
                self.uncorrected.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.dirty.store(!flipped.is_empty(), Ordering::Relaxed);
        first.map_or(Ok(()), |word| Err(Uncorrectable(word)))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, u64>> {
        // Nothing is left half done by a panic.
        self.flipped.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The words that hold these bytes.
fn words(address: u64, bytes: u64) -> std::ops::Range<u64> {
    address & !(ECC_WORD - 1)..address.saturating_add(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bit_is_put_right_and_counted_once() {
        let ecc = Ecc::default();
        ecc.flip(0x1004, 63);
        assert!(ecc.touches(0x1000, 1) && !ecc.touches(0x0FF8, 8) && !ecc.touches(0x1008, 64));
        assert_eq!(ecc.read(0x1007, 1), Ok(()));
        assert_eq!(ecc.read(0x1000, 8), Ok(()));
        assert_eq!(ecc.counters().corrected, 1);
        assert_eq!(ecc.counters().uncorrected, 0);
    }

    #[test]
    fn two_bits_are_an_error_until_the_word_is_written_as_a_whole() {
        let ecc = Ecc::default();
        ecc.flip(0x1000, 1);
        ecc.flip(0x1000, 2);
        ecc.flip(0x1000, 3);
        assert_eq!(ecc.read(0, 0x2000), Err(Uncorrectable(0x1000)));
        assert_eq!(ecc.write(0x1001, 7), Err(Uncorrectable(0x1000)));
        assert_eq!(ecc.write(0x0FFC, 12), Ok(()));
        assert_eq!(ecc.read(0x1000, 8), Ok(()));
        let found = EccCounters {
            corrected: 0,
            uncorrected: 2,
        };
        assert_eq!(ecc.counters(), found);
    }

    #[test]
    fn a_bit_that_flips_back_was_never_wrong() {
        let ecc = Ecc::default();
        ecc.flip(8, 5);
        ecc.flip(8, 5);
        assert!(!ecc.touches(0, 64));
        assert_eq!(ecc.counters(), EccCounters::default());
    }
}
