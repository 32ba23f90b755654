//! What an instruction set must offer: a vector with one byte of many descriptors, and the few operations on it that
//! judging needs. Everything is inlined into one function compiled for the instruction set.

use super::linear::{Linear, POSITIONS, VARIABLE};
use crate::tcp::{Descriptor, Detail};

/// One byte of each of [`COUNT`](Lanes::COUNT) descriptors.
///
/// Implementations run instructions that not every CPU has. They are private to this module tree, and generic code over
/// them is reached only through functions compiled for their features, which only [`super::Judge`] calls, and only
/// where the CPU has them.
pub(super) trait Lanes: Copy {
    /// Descriptors in a block; at most [`MOST_LANES`].
    const COUNT: usize;
    /// A yes or no for each descriptor.
    type Mask: Copy;

    /// The same byte everywhere.
    fn splat(byte: u8) -> Self;
    /// Plane `i` is byte `i` of each descriptor, in any one order. Panics unless there are `COUNT` descriptors.
    fn planes(block: &[Descriptor]) -> [Self; Descriptor::SIZE];
    /// Bitwise, as the three after it.
    fn xor(self, other: Self) -> Self;
    fn or(self, other: Self) -> Self;
    fn and(self, other: Self) -> Self;
    /// The larger of each two bytes, unsigned.
    fn max(self, other: Self) -> Self;
    /// Where the bytes are equal.
    fn eq(self, other: Self) -> Self::Mask;
    /// Where the bytes are at most the other's, unsigned.
    fn le(self, other: Self) -> Self::Mask;
    /// The bytes where the mask says yes, zero elsewhere.
    fn keep(self, mask: Self::Mask) -> Self;
    /// The bytes where the mask says no, zero elsewhere.
    fn drop(self, mask: Self::Mask) -> Self;
    /// The sum over planes, as low and high bytes; at most 257 planes.
    fn sum(planes: &[Self]) -> (Self, Self);
    /// A table of what goes with each of the five risk bits, and zero with any other value of them.
    fn risk_table(entries: [u8; 5]) -> Self;
    /// Looks bytes 0..32 up in such a table.
    fn by_risk(table: Self, risk: Self) -> Self;

    /// Yes where both say so.
    fn both(a: Self::Mask, b: Self::Mask) -> Self::Mask;
    /// Yes where only the first says so.
    fn only(a: Self::Mask, b: Self::Mask) -> Self::Mask;
    /// How many say yes.
    fn count(mask: Self::Mask) -> u64;

    /// Writes the bytes in the descriptors' order. Panics unless there is room for `COUNT`.
    fn store(self, bytes: &mut [u8]);
    /// Writes a word of four bytes for each descriptor, in their order. Panics unless there is room for `COUNT`.
    fn store_words(bytes: [Self; 4], words: &mut [Detail]);
}

/// The most lanes of any instruction set.
pub(super) const MOST_LANES: usize = 64;

/// A [`Linear`] map as an instruction set evaluates it.
pub(super) trait Map<V>: Sized {
    fn new(linear: &Linear) -> Self;
    /// Low and high bytes of the contribution of the variable planes.
    fn apply(&self, planes: &[V; Descriptor::SIZE]) -> (V, V);
}

/// Vectors that look up nibbles.
pub(super) trait Nibbles: Lanes {
    /// A table of 16.
    fn table(entries: &[u8; 16]) -> Self;
    /// Looks bytes 0..16 up in such a table.
    fn lookup(table: Self, index: Self) -> Self;
    /// Each byte's low and high nibble.
    fn split(self) -> (Self, Self);
}

/// A linear map by look-ups of nibbles: four at each position.
pub(super) struct NibbleMap<V>([[V; 4]; POSITIONS]);

impl<V: Nibbles> Map<V> for NibbleMap<V> {
    #[inline(always)]
    fn new(linear: &Linear) -> Self {
        let nibbles = linear.nibbles();
        let mut tables = [[V::splat(0); 4]; POSITIONS];
        for position in 0..POSITIONS {
            for table in 0..4 {
                tables[position][table] = V::table(&nibbles[position][table]);
            }
        }
        Self(tables)
    }

    #[inline(always)]
    fn apply(&self, planes: &[V; Descriptor::SIZE]) -> (V, V) {
        let mut low = V::splat(0);
        let mut high = V::splat(0);
        for position in 0..POSITIONS {
            let [a, b, c, d] = self.0[position];
            let (x, y) = planes[VARIABLE.start + position].split();
            low = low.xor(V::lookup(a, x)).xor(V::lookup(c, y));
            high = high.xor(V::lookup(b, x)).xor(V::lookup(d, y));
        }
        (low, high)
    }
}

/// Vectors of 128-bit parts whose elements interleave within each part: `LOW` halves of both, or the high ones.
pub(super) trait Zip: Copy {
    fn zip16<const LOW: bool>(self, other: Self) -> Self;
    fn zip32<const LOW: bool>(self, other: Self) -> Self;
    fn zip64<const LOW: bool>(self, other: Self) -> Self;
}

/// Transposes eight vectors of eight 16-bit elements (in each 128-bit part).
#[inline(always)]
pub(super) fn transpose_words<V: Zip>(rows: [V; 8]) -> [V; 8] {
    let [a, b, c, d, e, f, g, h] = rows;
    // Words 0..4 of all rows, then 4..8.
    let [a0, c0, e0, g0] = [
        a.zip16::<true>(b),
        c.zip16::<true>(d),
        e.zip16::<true>(f),
        g.zip16::<true>(h),
    ];
    let [a4, c4, e4, g4] = [
        a.zip16::<false>(b),
        c.zip16::<false>(d),
        e.zip16::<false>(f),
        g.zip16::<false>(h),
    ];
    let (a01, e01) = (a0.zip32::<true>(c0), e0.zip32::<true>(g0));
    let (a23, e23) = (a0.zip32::<false>(c0), e0.zip32::<false>(g0));
    let (a45, e45) = (a4.zip32::<true>(c4), e4.zip32::<true>(g4));
    let (a67, e67) = (a4.zip32::<false>(c4), e4.zip32::<false>(g4));
    [
        a01.zip64::<true>(e01),
        a01.zip64::<false>(e01),
        a23.zip64::<true>(e23),
        a23.zip64::<false>(e23),
        a45.zip64::<true>(e45),
        a45.zip64::<false>(e45),
        a67.zip64::<true>(e67),
        a67.zip64::<false>(e67),
    ]
}
