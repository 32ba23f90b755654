//! What an instruction set must offer: a vector with one byte of many descriptors, and the few operations on it that
//! judging needs. Everything is inlined into one function compiled for the instruction set.

use super::linear::{Linear, Nibbles};
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
    /// A block, prepared for being transposed by thirds.
    type Rows<'a>;

    /// The same byte everywhere.
    fn splat(byte: u8) -> Self;
    /// Panics unless there are `COUNT` descriptors.
    fn rows(block: &[Descriptor]) -> Self::Rows<'_>;
    /// Plane `i` is byte `8 * THIRD + i` of each descriptor, in their order.
    fn third<const THIRD: usize>(rows: &Self::Rows<'_>) -> [Self; 8];
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
    /// Adds a plane to sums of 16 bits, which are zero at first and lie in two vectors in whatever way suits.
    fn add(sums: [Self; 2], plane: Self) -> [Self; 2];
    /// Low and high bytes of such sums of at most 257 planes.
    fn sum(sums: [Self; 2]) -> (Self, Self);
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

    /// Writes the bytes. Panics unless there is room for `COUNT`.
    fn store(self, bytes: &mut [u8]);
    /// Writes a word of four bytes for each descriptor. Panics unless there is room for `COUNT`.
    fn store_words(bytes: [Self; 4], words: &mut [Detail]);
}

/// The most lanes of any instruction set.
pub(super) const MOST_LANES: usize = 64;

/// How an instruction set evaluates a [`Linear`] map.
pub(super) trait Map<V> {
    /// Low and high bytes of what a plane contributes from a position.
    fn apply(linear: &Linear, position: usize, plane: V) -> (V, V);
}

/// Vectors that look up nibbles.
pub(super) trait LookUp: Lanes {
    /// Looks bytes 0..16 up.
    fn look_up(table: &Nibbles, index: Self) -> Self;
    /// Each byte's low and high nibble.
    fn split(self) -> (Self, Self);
}

/// A linear map by look-ups of nibbles: four at each position.
pub(super) struct NibbleMap;

impl<V: LookUp> Map<V> for NibbleMap {
    #[inline(always)]
    fn apply(linear: &Linear, position: usize, plane: V) -> (V, V) {
        let [a, b, c, d] = &linear.nibbles[position];
        let (x, y) = plane.split();
        (
            V::look_up(a, x).xor(V::look_up(c, y)),
            V::look_up(b, x).xor(V::look_up(d, y)),
        )
    }
}

/// Vectors of parts of 16 bytes that interleave within each part.
pub(super) trait Zip: Copy {
    /// The low halves' bytes in turn.
    fn zip_low(self, other: Self) -> Self;
    /// The high halves' bytes in turn.
    fn zip_high(self, other: Self) -> Self;
}

/// Transposes 16 rows of 16 bytes (in each part), but only their `HIGH` halves or the low ones: column by column, in
/// the order of the rows.
#[inline(always)]
pub(super) fn transpose_half<V: Zip, const HIGH: bool>(rows: &[V; 16]) -> [V; 8] {
    let mut columns = [rows[0]; 8];
    for (row, column) in columns.iter_mut().enumerate() {
        *column = if HIGH {
            rows[row].zip_high(rows[row + 8])
        } else {
            rows[row].zip_low(rows[row + 8])
        };
    }
    // Each round halves the columns that a vector has bytes of, and doubles the rows.
    for group in [8, 4, 2] {
        let from = columns;
        for first in (0..8).step_by(group) {
            for one in first..first + group / 2 {
                let other = one + group / 2;
                columns[one] = from[one].zip_low(from[other]);
                columns[other] = from[one].zip_high(from[other]);
            }
        }
    }
    columns
}
