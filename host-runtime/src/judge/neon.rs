//! NEON: 16 descriptors at once, in order.

use std::arch::aarch64::*;

use super::Slots;
use super::block;
use super::counts::Counts;
use super::lanes::{Lanes, LookUp, NibbleMap, Zip, transpose_half};
use super::linear::Nibbles;
use super::rules::Rules;
use crate::tcp::{Descriptor, Detail};

/// Judges with NEON.
#[target_feature(enable = "neon")]
pub(super) fn judge(
    rules: &Rules,
    descriptors: &[Descriptor],
    slots: Slots<'_>,
    counts: &mut Counts,
) {
    block::judge::<Neon, NibbleMap>(rules, descriptors, slots, counts);
}

#[derive(Clone, Copy)]
struct Neon(uint8x16_t);

/// An expression of intrinsics that touch no memory.
macro_rules! neon {
    ($e:expr) => {{
        // SAFETY: this is inlined into `judge`, whose caller saw that the CPU has its features.
        #[allow(unused_unsafe)]
        unsafe {
            $e
        }
    }};
}

#[inline(always)]
fn vector(bytes: [u8; 16]) -> uint8x16_t {
    // SAFETY: the array is as long as the vector; the load needs no alignment.
    unsafe { vld1q_u8(bytes.as_ptr()) }
}

/// The 16 bytes from byte `FIRST` on of each descriptor.
#[inline(always)]
fn sixteens<const FIRST: usize>(block: &[Descriptor; 16]) -> [Neon; 16] {
    const { assert!(FIRST + 16 <= Descriptor::SIZE) };
    let mut rows = [Neon::splat(0); 16];
    for (row, descriptor) in rows.iter_mut().zip(block) {
        // SAFETY: the load is of 16 bytes from `FIRST` on, all of the descriptor; it needs no alignment.
        row.0 = unsafe { vld1q_u8(descriptor.0.as_ptr().add(FIRST)) };
    }
    rows
}

impl Neon {
    #[inline(always)]
    fn bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        // SAFETY: the array is as long as the vector; the store needs no alignment.
        unsafe { vst1q_u8(bytes.as_mut_ptr(), self.0) };
        bytes
    }
}

impl Lanes for Neon {
    const COUNT: usize = 16;
    /// All ones for yes.
    type Mask = uint8x16_t;
    type Rows<'a> = &'a [Descriptor; 16];

    #[inline(always)]
    fn splat(byte: u8) -> Self {
        Self(neon!(vdupq_n_u8(byte)))
    }

    #[inline(always)]
    fn rows(block: &[Descriptor]) -> &[Descriptor; Self::COUNT] {
        block.try_into().expect("a whole block")
    }

    #[inline(always)]
    fn third<const THIRD: usize>(rows: &Self::Rows<'_>) -> [Self; 8] {
        match THIRD {
            0 => transpose_half::<_, false>(&sixteens::<0>(rows)),
            1 => transpose_half::<_, false>(&sixteens::<8>(rows)),
            _ => transpose_half::<_, true>(&sixteens::<8>(rows)),
        }
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        Self(neon!(veorq_u8(self.0, other.0)))
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        Self(neon!(vorrq_u8(self.0, other.0)))
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        Self(neon!(vandq_u8(self.0, other.0)))
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        Self(neon!(vmaxq_u8(self.0, other.0)))
    }

    #[inline(always)]
    fn eq(self, other: Self) -> uint8x16_t {
        neon!(vceqq_u8(self.0, other.0))
    }

    #[inline(always)]
    fn le(self, other: Self) -> uint8x16_t {
        neon!(vcleq_u8(self.0, other.0))
    }

    #[inline(always)]
    fn keep(self, mask: uint8x16_t) -> Self {
        Self(neon!(vandq_u8(self.0, mask)))
    }

    #[inline(always)]
    fn drop(self, mask: uint8x16_t) -> Self {
        Self(neon!(vbicq_u8(self.0, mask)))
    }

    #[inline(always)]
    fn add([first, second]: [Self; 2], plane: Self) -> [Self; 2] {
        neon!({
            let (first, second) = (
                vreinterpretq_u16_u8(first.0),
                vreinterpretq_u16_u8(second.0),
            );
            [
                Self(vreinterpretq_u8_u16(vaddw_u8(first, vget_low_u8(plane.0)))),
                Self(vreinterpretq_u8_u16(vaddw_high_u8(second, plane.0))),
            ]
        })
    }

    #[inline(always)]
    fn sum([first, second]: [Self; 2]) -> (Self, Self) {
        neon!((
            Self(vuzp1q_u8(first.0, second.0)),
            Self(vuzp2q_u8(first.0, second.0)),
        ))
    }

    #[inline(always)]
    fn risk_table([safe, low, medium, high, critical]: [u8; 5]) -> Self {
        // By one less than the risk bits, of which the highest is 16.
        let mut table = [0; 16];
        [table[0], table[1], table[3], table[7], table[15]] = [safe, low, medium, high, critical];
        Self(vector(table))
    }

    #[inline(always)]
    fn by_risk(table: Self, risk: Self) -> Self {
        // A look-up past the table gives zero: where the bits are 0 or above 16.
        Self(neon!(vqtbl1q_u8(table.0, vsubq_u8(risk.0, vdupq_n_u8(1)))))
    }

    #[inline(always)]
    fn both(a: uint8x16_t, b: uint8x16_t) -> uint8x16_t {
        neon!(vandq_u8(a, b))
    }

    #[inline(always)]
    fn only(a: uint8x16_t, b: uint8x16_t) -> uint8x16_t {
        neon!(vbicq_u8(a, b))
    }

    #[inline(always)]
    fn count(mask: uint8x16_t) -> u64 {
        neon!(vaddvq_u8(vshrq_n_u8::<7>(mask))).into()
    }

    #[inline(always)]
    fn store(self, bytes: &mut [u8]) {
        bytes.copy_from_slice(&self.bytes());
    }

    #[inline(always)]
    fn store_words([a, b, c, d]: [Self; 4], words: &mut [Detail]) {
        neon!({
            let zip = |x: uint8x16_t, y: uint8x16_t| {
                [
                    vreinterpretq_u16_u8(vzip1q_u8(x, y)),
                    vreinterpretq_u16_u8(vzip2q_u8(x, y)),
                ]
            };
            let ([p, r], [q, s]) = (zip(a.0, b.0), zip(c.0, d.0));
            let ordered = [
                vzip1q_u16(p, q),
                vzip2q_u16(p, q),
                vzip1q_u16(r, s),
                vzip2q_u16(r, s),
            ];
            for (words, four) in words.chunks_exact_mut(4).zip(ordered) {
                bytemuck::cast_slice_mut::<_, u8>(words)
                    .copy_from_slice(&Self(vreinterpretq_u8_u16(four)).bytes());
            }
        });
    }
}

impl LookUp for Neon {
    #[inline(always)]
    fn look_up(table: &Nibbles, index: Self) -> Self {
        Self(neon!(vqtbl1q_u8(vector(table.0[0]), index.0)))
    }

    #[inline(always)]
    fn split(self) -> (Self, Self) {
        neon!((
            Self(vandq_u8(self.0, vdupq_n_u8(0x0f))),
            Self(vshrq_n_u8::<4>(self.0))
        ))
    }
}

impl Zip for Neon {
    #[inline(always)]
    fn zip_low(self, other: Self) -> Self {
        Self(neon!(vzip1q_u8(self.0, other.0)))
    }

    #[inline(always)]
    fn zip_high(self, other: Self) -> Self {
        Self(neon!(vzip2q_u8(self.0, other.0)))
    }
}
