//! AVX2: 32 descriptors at once, with GFNI's bit matrices for the CRCs where the CPU has them and look-ups of nibbles
//! where not.

use std::arch::x86_64::*;

use super::Slots;
use super::block;
use super::counts::Counts;
use super::lanes::{Lanes, Map, NibbleMap, Nibbles, Zip, transpose_words};
use super::linear::{Linear, POSITIONS, VARIABLE};
use super::rules::Rules;
use crate::tcp::{Descriptor, Detail};

/// Judges with AVX2 alone.
#[target_feature(enable = "avx2,popcnt")]
pub(super) fn judge(
    rules: &Rules,
    descriptors: &[Descriptor],
    slots: Slots<'_>,
    counts: &mut Counts,
) {
    block::judge::<Avx2, NibbleMap<Avx2>>(rules, descriptors, slots, counts);
}

/// Judges with AVX2 and GFNI.
#[target_feature(enable = "avx2,gfni,popcnt")]
pub(super) fn judge_gfni(
    rules: &Rules,
    descriptors: &[Descriptor],
    slots: Slots<'_>,
    counts: &mut Counts,
) {
    block::judge::<Avx2, MatrixMap>(rules, descriptors, slots, counts);
}

#[derive(Clone, Copy)]
struct Avx2(__m256i);

/// An expression of intrinsics that touch no memory.
macro_rules! avx2 {
    ($e:expr) => {{
        // SAFETY: this is inlined into `judge` or `judge_gfni`, whose caller saw that the CPU has their features.
        unsafe { $e }
    }};
}

#[inline(always)]
fn halves(low: [u8; 16], high: [u8; 16]) -> __m256i {
    let both = [low, high];
    // SAFETY: the array is as long as the vector; the load needs no alignment.
    unsafe { _mm256_loadu_si256(both.as_ptr().cast()) }
}

#[inline(always)]
fn both_halves(half: [u8; 16]) -> __m256i {
    // SAFETY: the array is as long as the vector, and the load needs no alignment; the rest is as in `avx2!`.
    unsafe { _mm256_broadcastsi128_si256(_mm_loadu_si128(half.as_ptr().cast())) }
}

impl Avx2 {
    /// Brings the bytes, which are in the order that `planes` leaves, into the order of the descriptors.
    #[inline(always)]
    fn ordered(self) -> Self {
        let four = both_halves([0, 8, 9, 1, 2, 10, 11, 3, 4, 12, 13, 5, 6, 14, 15, 7]);
        Self(avx2!(_mm256_shuffle_epi8(
            _mm256_permute4x64_epi64::<0b11_01_10_00>(self.0),
            four
        )))
    }

    #[inline(always)]
    fn bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        // SAFETY: the array is as long as the vector; the store needs no alignment.
        unsafe { _mm256_storeu_si256(bytes.as_mut_ptr().cast(), self.0) };
        bytes
    }
}

impl Lanes for Avx2 {
    const COUNT: usize = 32;
    /// All ones for yes.
    type Mask = __m256i;

    #[inline(always)]
    fn splat(byte: u8) -> Self {
        Self(avx2!(_mm256_set1_epi8(byte as i8)))
    }

    #[inline(always)]
    fn planes(block: &[Descriptor]) -> [Self; Descriptor::SIZE] {
        assert_eq!(block.len(), Self::COUNT);
        let start = block.as_ptr().cast::<u8>();
        let pairs = halves(
            [0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15],
            [8, 0, 9, 1, 10, 2, 11, 3, 12, 4, 13, 5, 14, 6, 15, 7],
        );
        let mut planes = [Self::splat(0); Descriptor::SIZE];
        // One third of the bytes at a time: all of it fits the registers.
        for (third, planes) in planes.chunks_exact_mut(8).enumerate() {
            let mut words = [Self::splat(0); 8];
            for (row, words) in words.iter_mut().enumerate() {
                // Of four descriptors, the eight bytes of this third lie at 0, 24, 48 and 72.
                // SAFETY: the last load of the last row and third ends at byte 7 * 96 + 2 * 8 + 80 = 32 * 24 of the
                // block, whose length is asserted; the loads need no alignment.
                let (a, b, c) = unsafe {
                    let from = start.add(4 * Descriptor::SIZE * row + 8 * third);
                    (
                        _mm256_loadu_si256(from.cast()),
                        _mm256_loadu_si256(from.add(32).cast()),
                        _mm256_castsi128_si256(_mm_loadu_si128(from.add(64).cast())),
                    )
                };
                words.0 = avx2!({
                    // Descriptors 0 and 3 in the low half, 2 and 1 in the high one; then bytes of 0 beside those of
                    // 3, and of 1 beside those of 2.
                    let ab = _mm256_blend_epi32::<0b0011_0000>(a, b);
                    let abc = _mm256_blend_epi32::<0b0000_1100>(ab, c);
                    _mm256_shuffle_epi8(abc, pairs)
                });
            }
            planes.copy_from_slice(&transpose_words(words));
        }
        planes
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        Self(avx2!(_mm256_xor_si256(self.0, other.0)))
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        Self(avx2!(_mm256_or_si256(self.0, other.0)))
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        Self(avx2!(_mm256_and_si256(self.0, other.0)))
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        Self(avx2!(_mm256_max_epu8(self.0, other.0)))
    }

    #[inline(always)]
    fn eq(self, other: Self) -> __m256i {
        avx2!(_mm256_cmpeq_epi8(self.0, other.0))
    }

    #[inline(always)]
    fn le(self, other: Self) -> __m256i {
        avx2!(_mm256_cmpeq_epi8(_mm256_min_epu8(self.0, other.0), self.0))
    }

    #[inline(always)]
    fn keep(self, mask: __m256i) -> Self {
        Self(avx2!(_mm256_and_si256(mask, self.0)))
    }

    #[inline(always)]
    fn drop(self, mask: __m256i) -> Self {
        Self(avx2!(_mm256_andnot_si256(mask, self.0)))
    }

    #[inline(always)]
    fn sum(planes: &[Self]) -> (Self, Self) {
        avx2!({
            // Sums of words are those of the even bytes, and 256 times those of the odd ones, modulo 2^16.
            let mut words = _mm256_setzero_si256();
            let mut odd = _mm256_setzero_si256();
            for plane in planes {
                words = _mm256_add_epi16(words, plane.0);
                odd = _mm256_add_epi16(odd, _mm256_srli_epi16::<8>(plane.0));
            }
            let even = _mm256_sub_epi16(words, _mm256_slli_epi16::<8>(odd));
            let low_bytes = _mm256_set1_epi16(0xff);
            let low = _mm256_or_si256(
                _mm256_and_si256(even, low_bytes),
                _mm256_slli_epi16::<8>(odd),
            );
            let high = _mm256_or_si256(
                _mm256_srli_epi16::<8>(even),
                _mm256_andnot_si256(low_bytes, odd),
            );
            (Self(low), Self(high))
        })
    }

    #[inline(always)]
    fn risk_table([safe, low, medium, high, critical]: [u8; 5]) -> Self {
        // By one less than the risk bits, of which the highest is 16.
        let mut table = [0; 16];
        [table[0], table[1], table[3], table[7], table[15]] = [safe, low, medium, high, critical];
        Self(both_halves(table))
    }

    #[inline(always)]
    fn by_risk(table: Self, risk: Self) -> Self {
        Self(avx2!({
            // From 0x80 on there is no entry: where the bits are 0 or above 16.
            let index = _mm256_sub_epi8(risk.0, _mm256_set1_epi8(1));
            let index = _mm256_adds_epu8(index, _mm256_set1_epi8(0x70));
            _mm256_shuffle_epi8(table.0, index)
        }))
    }

    #[inline(always)]
    fn both(a: __m256i, b: __m256i) -> __m256i {
        avx2!(_mm256_and_si256(a, b))
    }

    #[inline(always)]
    fn only(a: __m256i, b: __m256i) -> __m256i {
        avx2!(_mm256_andnot_si256(b, a))
    }

    #[inline(always)]
    fn count(mask: __m256i) -> u64 {
        avx2!(_mm256_movemask_epi8(mask)).count_ones().into()
    }

    #[inline(always)]
    fn store(self, bytes: &mut [u8]) {
        bytes.copy_from_slice(&self.ordered().bytes());
    }

    #[inline(always)]
    fn store_words([a, b, c, d]: [Self; 4], words: &mut [Detail]) {
        let [a, b, c, d] = [a.ordered(), b.ordered(), c.ordered(), d.ordered()];
        avx2!({
            let (low, high) = (
                _mm256_unpacklo_epi8(a.0, b.0),
                _mm256_unpacklo_epi8(c.0, d.0),
            );
            let first = [
                _mm256_unpacklo_epi16(low, high),
                _mm256_unpackhi_epi16(low, high),
            ];
            let (low, high) = (
                _mm256_unpackhi_epi8(a.0, b.0),
                _mm256_unpackhi_epi8(c.0, d.0),
            );
            let second = [
                _mm256_unpacklo_epi16(low, high),
                _mm256_unpackhi_epi16(low, high),
            ];
            let [a, b] = first;
            let [c, d] = second;
            let ordered = [
                _mm256_permute2x128_si256::<0x20>(a, b),
                _mm256_permute2x128_si256::<0x20>(c, d),
                _mm256_permute2x128_si256::<0x31>(a, b),
                _mm256_permute2x128_si256::<0x31>(c, d),
            ];
            for (words, four) in words.chunks_exact_mut(8).zip(ordered) {
                bytemuck::cast_slice_mut::<_, u8>(words).copy_from_slice(&Self(four).bytes());
            }
        });
    }
}

impl Nibbles for Avx2 {
    #[inline(always)]
    fn table(entries: &[u8; 16]) -> Self {
        Self(both_halves(*entries))
    }

    #[inline(always)]
    fn lookup(table: Self, index: Self) -> Self {
        Self(avx2!(_mm256_shuffle_epi8(table.0, index.0)))
    }

    #[inline(always)]
    fn split(self) -> (Self, Self) {
        avx2!({
            let nibble = _mm256_set1_epi8(0x0f);
            (
                Self(_mm256_and_si256(self.0, nibble)),
                Self(_mm256_and_si256(_mm256_srli_epi16::<4>(self.0), nibble)),
            )
        })
    }
}

impl Zip for Avx2 {
    #[inline(always)]
    fn zip16<const LOW: bool>(self, other: Self) -> Self {
        Self(if LOW {
            avx2!(_mm256_unpacklo_epi16(self.0, other.0))
        } else {
            avx2!(_mm256_unpackhi_epi16(self.0, other.0))
        })
    }

    #[inline(always)]
    fn zip32<const LOW: bool>(self, other: Self) -> Self {
        Self(if LOW {
            avx2!(_mm256_unpacklo_epi32(self.0, other.0))
        } else {
            avx2!(_mm256_unpackhi_epi32(self.0, other.0))
        })
    }

    #[inline(always)]
    fn zip64<const LOW: bool>(self, other: Self) -> Self {
        Self(if LOW {
            avx2!(_mm256_unpacklo_epi64(self.0, other.0))
        } else {
            avx2!(_mm256_unpackhi_epi64(self.0, other.0))
        })
    }
}

/// A linear map by GFNI: two matrices at each position.
struct MatrixMap([[__m256i; 2]; POSITIONS]);

impl Map<Avx2> for MatrixMap {
    #[inline(always)]
    fn new(linear: &Linear) -> Self {
        let matrices = linear.matrices();
        let mut map = [[avx2!(_mm256_setzero_si256()); 2]; POSITIONS];
        for position in 0..POSITIONS {
            for half in 0..2 {
                map[position][half] = avx2!(_mm256_set1_epi64x(matrices[position][half] as i64));
            }
        }
        Self(map)
    }

    #[inline(always)]
    fn apply(&self, planes: &[Avx2; Descriptor::SIZE]) -> (Avx2, Avx2) {
        avx2!({
            let mut low = _mm256_setzero_si256();
            let mut high = _mm256_setzero_si256();
            for position in 0..POSITIONS {
                let plane = planes[VARIABLE.start + position].0;
                let [a, b] = self.0[position];
                low = _mm256_xor_si256(low, _mm256_gf2p8affine_epi64_epi8::<0>(plane, a));
                high = _mm256_xor_si256(high, _mm256_gf2p8affine_epi64_epi8::<0>(plane, b));
            }
            (Avx2(low), Avx2(high))
        })
    }
}
