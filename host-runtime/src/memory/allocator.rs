//! Free pieces of one bank, first fit. Buffers are few and large, so a list does.

use std::collections::BTreeMap;

/// Every allocation starts at a multiple of this: a page, so that no two buffers share a burst.
pub(crate) const ALIGNMENT: u64 = 4096;

/// The free pieces of a bank.
#[derive(Debug)]
pub(crate) struct BankAllocator {
    /// Start to length, in bytes; pieces neither touch nor overlap.
    free: BTreeMap<u64, u64>,
}

impl BankAllocator {
    /// A bank that is free from `base` on for `len` bytes.
    pub(crate) fn new(base: u64, len: u64) -> Self {
        let start = base.next_multiple_of(ALIGNMENT);
        let len = len.saturating_sub(start - base) / ALIGNMENT * ALIGNMENT;
        Self {
            free: (len > 0).then_some((start, len)).into_iter().collect(),
        }
    }

    /// Length of the largest free piece, in bytes.
    pub(crate) fn largest_free(&self) -> u64 {
        self.free.values().copied().max().unwrap_or(0)
    }

    /// Takes `len` bytes, rounded up to whole pages; `None` if no piece is large enough.
    pub(crate) fn allocate(&mut self, len: u64) -> Option<u64> {
        let len = Self::rounded(len)?;
        let (&start, &free) = self.free.iter().find(|&(_, &free)| free >= len)?;
        self.free.remove(&start);
        if free > len {
            self.free.insert(start + len, free - len);
        }
        Some(start)
    }

    /// Gives back what `allocate(len)` returned as `start`.
    pub(crate) fn release(&mut self, start: u64, len: u64) {
        let mut start = start;
        let mut len = Self::rounded(len).expect("a length that was allocated");
        if let Some((&before, &free)) = self.free.range(..start).next_back()
            && before + free == start
        {
            self.free.remove(&before);
            start = before;
            len += free;
        }
        if let Some(after) = self.free.remove(&(start + len)) {
            len += after;
        }
        self.free.insert(start, len);
    }

    fn rounded(len: u64) -> Option<u64> {
        len.max(1).checked_next_multiple_of(ALIGNMENT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_full_bank_refuses_and_serves_again_after_a_release() {
        let mut bank = BankAllocator::new(0x1000, 0x3000);
        let first = bank.allocate(0x2000).unwrap();
        assert_eq!(first, 0x1000);
        assert_eq!(bank.allocate(0x1001), None);
        assert_eq!(bank.largest_free(), 0x1000);
        bank.release(first, 0x2000);
        assert_eq!(bank.allocate(0x3000), Some(0x1000));
    }

    #[test]
    fn lengths_near_the_end_of_the_address_space_are_refused() {
        let mut bank = BankAllocator::new(0, 1 << 34);
        assert_eq!(bank.allocate(u64::MAX), None);
    }

    proptest! {
        #[test]
        fn pieces_never_overlap_and_all_comes_back(
            steps in prop::collection::vec((any::<bool>(), 0u64..20_000, any::<prop::sample::Index>()), 1..200)
        ) {
            let (base, len) = (0x1_0000, 0x4_0000);
            let mut bank = BankAllocator::new(base, len);
            let mut taken: Vec<(u64, u64)> = Vec::new();
            for (take, size, index) in steps {
                if take {
                    if let Some(start) = bank.allocate(size) {
                        prop_assert_eq!(start % ALIGNMENT, 0);
                        prop_assert!(start >= base && start + size <= base + len);
                        let end = start + size.max(1);
                        prop_assert!(taken.iter().all(|&(s, l)| end <= s || s + l.max(1) <= start));
                        taken.push((start, size));
                    }
                } else if !taken.is_empty() {
                    let (start, size) = taken.swap_remove(index.index(taken.len()));
                    bank.release(start, size);
                }
            }
            for (start, size) in taken {
                bank.release(start, size);
            }
            prop_assert_eq!(bank.largest_free(), len);
        }
    }
}
