//! AVX2: 32 descriptors at once, with GFNI's bit matrices for the CRCs where the CPU has them and look-ups of nibbles
//! where not.

use std::arch::x86_64::*;

use super::Slots;
use super::block;
use super::counts::Counts;
use super::lanes::{Lanes, LookUp, Map, NibbleMap, Zip, transpose_half};
use super::linear::{Linear, Matrix, Nibbles};
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
    block::judge::<Avx2, NibbleMap>(rules, descriptors, slots, counts);
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
fn both_halves(half: [u8; 16]) -> __m256i {
    // SAFETY: the array is as long as the vector, and the load needs no alignment; the rest is as in `avx2!`.
    unsafe { _mm256_broadcastsi128_si256(_mm_loadu_si128(half.as_ptr().cast())) }
}

/// The 16 bytes from byte `FIRST` on of descriptors `i` and `16 + i`, for each `i`.
#[inline(always)]
fn sixteens<const FIRST: usize>(block: &[Descriptor; 32]) -> [Avx2; 16] {
    const { assert!(FIRST + 16 <= Descriptor::SIZE) };
    let mut rows = [Avx2::splat(0); 16];
    for (row, both) in rows.iter_mut().enumerate() {
        let (low, high) = (block[row].0.as_ptr(), block[16 + row].0.as_ptr());
        // SAFETY: the loads are of 16 bytes from `FIRST` on, all of one descriptor; they need no alignment.
        both.0 = unsafe {
            _mm256_set_m128i(
                _mm_loadu_si128(high.add(FIRST).cast()),
                _mm_loadu_si128(low.add(FIRST).cast()),
            )
        };
    }
    rows
}

impl Avx2 {
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
    type Rows<'a> = &'a [Descriptor; 32];

    #[inline(always)]
    fn splat(byte: u8) -> Self {
        Self(avx2!(_mm256_set1_epi8(byte as i8)))
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
    fn add([words, odd]: [Self; 2], plane: Self) -> [Self; 2] {
        // Sums of words are those of the even bytes, and 256 times those of the odd ones, modulo 2^16.
        avx2!([
            Self(_mm256_add_epi16(words.0, plane.0)),
            Self(_mm256_add_epi16(odd.0, _mm256_srli_epi16::<8>(plane.0))),
        ])
    }

    #[inline(always)]
    fn sum([Self(words), Self(odd)]: [Self; 2]) -> (Self, Self) {
        avx2!({
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
        bytes.copy_from_slice(&self.bytes());
    }

    #[inline(always)]
    fn store_words([a, b, c, d]: [Self; 4], words: &mut [Detail]) {
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

impl LookUp for Avx2 {
    #[inline(always)]
    fn look_up(table: &Nibbles, index: Self) -> Self {
        // SAFETY: the table is as long as the vector, and aligned as it must be.
        let table = unsafe { _mm256_load_si256(table.0.as_ptr().cast()) };
        Self(avx2!(_mm256_shuffle_epi8(table, index.0)))
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
    fn zip_low(self, other: Self) -> Self {
        Self(avx2!(_mm256_unpacklo_epi8(self.0, other.0)))
    }

    #[inline(always)]
    fn zip_high(self, other: Self) -> Self {
        Self(avx2!(_mm256_unpackhi_epi8(self.0, other.0)))
    }
}

/// A linear map by GFNI: two matrices at each position.
struct MatrixMap;

impl Map<Avx2> for MatrixMap {
    #[inline(always)]
    fn apply(linear: &Linear, position: usize, plane: Avx2) -> (Avx2, Avx2) {
        let [low, high] = &linear.matrices[position];
        let (low, high) = (matrix(low), matrix(high));
        avx2!((
            Avx2(_mm256_gf2p8affine_epi64_epi8::<0>(plane.0, low)),
            Avx2(_mm256_gf2p8affine_epi64_epi8::<0>(plane.0, high)),
        ))
    }
}

#[inline(always)]
fn matrix(matrix: &Matrix) -> __m256i {
    // SAFETY: a matrix is longer than the vector, and aligned as it must be.
    unsafe { _mm256_load_si256(matrix.0.as_ptr().cast()) }
}
