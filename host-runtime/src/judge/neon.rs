//! NEON: 16 descriptors at once, in order.

use std::arch::aarch64::*;

use super::Slots;
use super::block;
use super::counts::Counts;
use super::lanes::{Lanes, NibbleMap, Nibbles, Zip, transpose_words};
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
    block::judge::<Neon, NibbleMap<Neon>>(rules, descriptors, slots, counts);
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

    #[inline(always)]
    fn splat(byte: u8) -> Self {
        Self(neon!(vdupq_n_u8(byte)))
    }

    #[inline(always)]
    fn planes(block: &[Descriptor]) -> [Self; Descriptor::SIZE] {
        assert_eq!(block.len(), Self::COUNT);
        let start = block.as_ptr().cast::<u8>();
        let mut words = [[Self::splat(0); 8]; 3];
        for row in 0..8 {
            let mut parts = [Self::splat(0); 3];
            for (part, loaded) in parts.iter_mut().enumerate() {
                // SAFETY: the last load ends at byte 7 * 48 + 3 * 16 = 16 * 24 of the block, whose length is
                // asserted; the load needs no alignment.
                loaded.0 = unsafe { vld1q_u8(start.add(48 * row + 16 * part)) };
            }
            let [a, b, c] = parts;
            // Two descriptors are three vectors: eight bytes of the one are beside eight bytes of the other.
            neon!({
                let pair = |x: uint8x8_t, y: uint8x8_t| vcombine_u8(vzip1_u8(x, y), vzip2_u8(x, y));
                words[0][row] = Self(pair(vget_low_u8(a.0), vget_high_u8(b.0)));
                words[1][row] = Self(pair(vget_high_u8(a.0), vget_low_u8(c.0)));
                words[2][row] = Self(pair(vget_low_u8(b.0), vget_high_u8(c.0)));
            });
        }
        let mut planes = [Self::splat(0); Descriptor::SIZE];
        for (planes, words) in planes.chunks_exact_mut(8).zip(words) {
            planes.copy_from_slice(&transpose_words(words));
        }
        planes
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
    fn sum(planes: &[Self]) -> (Self, Self) {
        neon!({
            let mut first = vdupq_n_u16(0);
            let mut second = vdupq_n_u16(0);
            for plane in planes {
                first = vaddw_u8(first, vget_low_u8(plane.0));
                second = vaddw_high_u8(second, plane.0);
            }
            let (first, second) = (vreinterpretq_u8_u16(first), vreinterpretq_u8_u16(second));
            (
                Self(vuzp1q_u8(first, second)),
                Self(vuzp2q_u8(first, second)),
            )
        })
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

impl Nibbles for Neon {
    #[inline(always)]
    fn table(entries: &[u8; 16]) -> Self {
        Self(vector(*entries))
    }

    #[inline(always)]
    fn lookup(table: Self, index: Self) -> Self {
        Self(neon!(vqtbl1q_u8(table.0, index.0)))
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
    fn zip16<const LOW: bool>(self, other: Self) -> Self {
        neon!({
            let (a, b) = (vreinterpretq_u16_u8(self.0), vreinterpretq_u16_u8(other.0));
            Self(vreinterpretq_u8_u16(if LOW {
                vzip1q_u16(a, b)
            } else {
                vzip2q_u16(a, b)
            }))
        })
    }

    #[inline(always)]
    fn zip32<const LOW: bool>(self, other: Self) -> Self {
        neon!({
            let (a, b) = (vreinterpretq_u32_u8(self.0), vreinterpretq_u32_u8(other.0));
            Self(vreinterpretq_u8_u32(if LOW {
                vzip1q_u32(a, b)
            } else {
                vzip2q_u32(a, b)
            }))
        })
    }

    #[inline(always)]
    fn zip64<const LOW: bool>(self, other: Self) -> Self {
        neon!({
            let (a, b) = (vreinterpretq_u64_u8(self.0), vreinterpretq_u64_u8(other.0));
            Self(vreinterpretq_u8_u64(if LOW {
                vzip1q_u64(a, b)
            } else {
                vzip2q_u64(a, b)
            }))
        })
    }
}
