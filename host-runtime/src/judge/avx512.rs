//! AVX-512 with VBMI and GFNI: 64 descriptors at once, in order. Comparisons give mask registers.

use std::arch::x86_64::*;

use bytemuck::Pod;

use super::Slots;
use super::block;
use super::counts::Counts;
use super::lanes::{Lanes, Map};
use super::linear::{Linear, Matrix};
use super::rules::Rules;
use crate::tcp::{Descriptor, Detail};

/// Judges with AVX-512.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,gfni,popcnt")]
pub(super) fn judge(
    rules: &Rules,
    descriptors: &[Descriptor],
    slots: Slots<'_>,
    counts: &mut Counts,
) {
    block::judge::<Avx512, MatrixMap>(rules, descriptors, slots, counts);
}

#[derive(Clone, Copy)]
struct Avx512(__m512i);

/// An expression of intrinsics that touch no memory.
macro_rules! avx512 {
    ($e:expr) => {{
        // SAFETY: this is inlined into `judge`, whose caller saw that the CPU has its features.
        unsafe { $e }
    }};
}

/// Eight descriptors are 24 quadwords in three vectors. Quadword `third` of descriptor `d` lies at place
/// `(3 d + third) % 8` of vector `(3 d + third) / 8`; as 3 and 8 have no common factor, no two lie at one place, and
/// two blends gather them. This is the blend's mask: the places that come from that vector.
const fn places(third: usize, vector: usize) -> u8 {
    let mut mask = 0;
    let mut descriptor = 0;
    while descriptor < 8 {
        let quadword = 3 * descriptor + third;
        if quadword / 8 == vector {
            mask |= 1 << (quadword % 8);
        }
        descriptor += 1;
    }
    mask
}

/// The byte shuffle after those blends, by third and by row of four: byte `b` of the eight quadwords, in the order of
/// the descriptors, into quadword `b ^ row`, where the blends of [`transpose_quadwords`] want it.
static BY_BYTE: [[[u8; 64]; 4]; 3] = {
    let mut shuffles = [[[0; 64]; 4]; 3];
    let mut at = 0;
    while at < 3 * 4 * 64 {
        let (third, row, to) = (at / 256, at / 64 % 4, at % 64);
        let (byte, descriptor) = ((to / 8) ^ row, to % 8);
        shuffles[third][row][to] = (8 * ((3 * descriptor + third) % 8) + byte) as u8;
        at += 1;
    }
    shuffles
};

/// The shuffle of two vectors that makes each column: in half a vector, row `r` lies at place `r ^ column` of four.
static IN_ORDER: [[u64; 8]; 8] = {
    let mut shuffles = [[0; 8]; 8];
    let mut at = 0;
    while at < 8 * 8 {
        let (column, row) = (at / 8, at % 8);
        shuffles[column][row] = (8 * (row / 4) + 4 * (column / 4) + (row ^ column) % 4) as u64;
        at += 1;
    }
    shuffles
};

#[inline(always)]
fn gather<const THIRD: usize>([a, b, c]: [__m512i; 3], row: usize) -> __m512i {
    avx512!({
        let ab = _mm512_mask_blend_epi64(const { places(THIRD, 1) }, a, b);
        let all = _mm512_mask_blend_epi64(const { places(THIRD, 2) }, ab, c);
        _mm512_permutexvar_epi8(vector(&BY_BYTE[THIRD][row % 4]), all)
    })
}

#[inline(always)]
fn vector<T: Pod>(elements: &T) -> __m512i {
    const { assert!(size_of::<T>() == 64) };
    // SAFETY: the elements are as long as the vector; the load needs no alignment.
    unsafe { _mm512_loadu_si512(std::ptr::from_ref(elements).cast()) }
}

#[inline(always)]
fn bytes(vector: __m512i) -> [u8; 64] {
    let mut bytes = [0; 64];
    // SAFETY: the array is as long as the vector; the store needs no alignment.
    unsafe { _mm512_storeu_si512(bytes.as_mut_ptr().cast(), vector) };
    bytes
}

/// Transposes eight vectors of eight quadwords, whose row `r` has its element `e` at place `e ^ (r % 4)`.
///
/// Shuffles have one port and blends two, so two of the three rounds are blends: elements that go to different columns
/// already lie at different places, and the third round brings each column into order.
#[inline(always)]
fn transpose_quadwords(rows: [__m512i; 8]) -> [__m512i; 8] {
    let [a, b, c, d, e, f, g, h] = rows;
    let (first, second) = (blend_four([a, b, c, d]), blend_four([e, f, g, h]));
    let mut columns = rows;
    for (column, shuffle) in IN_ORDER.iter().enumerate() {
        let four = column % 4;
        columns[column] = avx512!(_mm512_permutex2var_epi64(
            first[four],
            vector(shuffle),
            second[four]
        ));
    }
    columns
}

/// Of four rows, elements `i` and `i + 4` into the halves of vector `i`, row `r` at place `r ^ i` of each.
#[inline(always)]
fn blend_four([a, b, c, d]: [__m512i; 4]) -> [__m512i; 4] {
    const ODD: u8 = 0b1010_1010;
    const UPPER: u8 = 0b1100_1100;
    avx512!({
        let (ab_even, ab_odd) = (
            _mm512_mask_blend_epi64(ODD, a, b),
            _mm512_mask_blend_epi64(ODD, b, a),
        );
        let (cd_even, cd_odd) = (
            _mm512_mask_blend_epi64(ODD, c, d),
            _mm512_mask_blend_epi64(ODD, d, c),
        );
        [
            _mm512_mask_blend_epi64(UPPER, ab_even, cd_even),
            _mm512_mask_blend_epi64(UPPER, ab_odd, cd_odd),
            _mm512_mask_blend_epi64(UPPER, cd_even, ab_even),
            _mm512_mask_blend_epi64(UPPER, cd_odd, ab_odd),
        ]
    })
}

/// Transposes four vectors of four 128-bit parts.
#[inline(always)]
fn quarter(a: __m512i, b: __m512i, c: __m512i, d: __m512i) -> [__m512i; 4] {
    avx512!({
        let (ab_even, ab_odd) = (
            _mm512_shuffle_i64x2::<0x88>(a, b),
            _mm512_shuffle_i64x2::<0xdd>(a, b),
        );
        let (cd_even, cd_odd) = (
            _mm512_shuffle_i64x2::<0x88>(c, d),
            _mm512_shuffle_i64x2::<0xdd>(c, d),
        );
        [
            _mm512_shuffle_i64x2::<0x88>(ab_even, cd_even),
            _mm512_shuffle_i64x2::<0x88>(ab_odd, cd_odd),
            _mm512_shuffle_i64x2::<0xdd>(ab_even, cd_even),
            _mm512_shuffle_i64x2::<0xdd>(ab_odd, cd_odd),
        ]
    })
}

impl Lanes for Avx512 {
    const COUNT: usize = 64;
    type Mask = __mmask64;
    /// By third, eight vectors of eight descriptors, as [`transpose_quadwords`] takes them.
    type Rows<'a> = [[__m512i; 8]; 3];

    #[inline(always)]
    fn splat(byte: u8) -> Self {
        Self(avx512!(_mm512_set1_epi8(byte as i8)))
    }

    #[inline(always)]
    fn rows(block: &[Descriptor]) -> [[__m512i; 8]; 3] {
        assert_eq!(block.len(), Self::COUNT);
        let start = block.as_ptr().cast::<u8>();
        let mut thirds = [[avx512!(_mm512_setzero_si512()); 8]; 3];
        let [first, second, third] = &mut thirds;
        for (row, ((first, second), third)) in first.iter_mut().zip(second).zip(third).enumerate() {
            let mut loaded = [avx512!(_mm512_setzero_si512()); 3];
            for (part, loaded) in loaded.iter_mut().enumerate() {
                // SAFETY: the last load ends at byte 7 * 192 + 3 * 64 = 64 * 24 of the block, whose length is
                // asserted; the load needs no alignment.
                *loaded = unsafe { _mm512_loadu_si512(start.add(192 * row + 64 * part).cast()) };
            }
            *first = gather::<0>(loaded, row);
            *second = gather::<1>(loaded, row);
            *third = gather::<2>(loaded, row);
        }
        thirds
    }

    #[inline(always)]
    fn third<const THIRD: usize>(rows: &Self::Rows<'_>) -> [Self; 8] {
        let mut planes = [Self::splat(0); 8];
        for (plane, column) in planes.iter_mut().zip(transpose_quadwords(rows[THIRD])) {
            plane.0 = column;
        }
        planes
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        Self(avx512!(_mm512_xor_si512(self.0, other.0)))
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        Self(avx512!(_mm512_or_si512(self.0, other.0)))
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        Self(avx512!(_mm512_and_si512(self.0, other.0)))
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        Self(avx512!(_mm512_max_epu8(self.0, other.0)))
    }

    #[inline(always)]
    fn eq(self, other: Self) -> __mmask64 {
        avx512!(_mm512_cmpeq_epu8_mask(self.0, other.0))
    }

    #[inline(always)]
    fn le(self, other: Self) -> __mmask64 {
        avx512!(_mm512_cmple_epu8_mask(self.0, other.0))
    }

    #[inline(always)]
    fn keep(self, mask: __mmask64) -> Self {
        Self(avx512!(_mm512_maskz_mov_epi8(mask, self.0)))
    }

    #[inline(always)]
    fn drop(self, mask: __mmask64) -> Self {
        self.keep(!mask)
    }

    #[inline(always)]
    fn add([words, odd]: [Self; 2], plane: Self) -> [Self; 2] {
        // Sums of words are those of the even bytes, and 256 times those of the odd ones, modulo 2^16.
        avx512!([
            Self(_mm512_add_epi16(words.0, plane.0)),
            Self(_mm512_add_epi16(odd.0, _mm512_srli_epi16::<8>(plane.0))),
        ])
    }

    #[inline(always)]
    fn sum([Self(words), Self(odd)]: [Self; 2]) -> (Self, Self) {
        avx512!({
            let even = _mm512_sub_epi16(words, _mm512_slli_epi16::<8>(odd));
            let low_bytes = _mm512_set1_epi16(0xff);
            let low = _mm512_or_si512(
                _mm512_and_si512(even, low_bytes),
                _mm512_slli_epi16::<8>(odd),
            );
            let high = _mm512_or_si512(
                _mm512_srli_epi16::<8>(even),
                _mm512_andnot_si512(low_bytes, odd),
            );
            (Self(low), Self(high))
        })
    }

    #[inline(always)]
    fn risk_table(entries: [u8; 5]) -> Self {
        let mut table = [0; 64];
        for (bit, entry) in entries.into_iter().enumerate() {
            table[1 << bit] = entry;
        }
        Self(vector(&table))
    }

    #[inline(always)]
    fn by_risk(table: Self, risk: Self) -> Self {
        Self(avx512!(_mm512_permutexvar_epi8(risk.0, table.0)))
    }

    #[inline(always)]
    fn both(a: __mmask64, b: __mmask64) -> __mmask64 {
        a & b
    }

    #[inline(always)]
    fn only(a: __mmask64, b: __mmask64) -> __mmask64 {
        a & !b
    }

    #[inline(always)]
    fn count(mask: __mmask64) -> u64 {
        mask.count_ones().into()
    }

    #[inline(always)]
    fn store(self, to: &mut [u8]) {
        to.copy_from_slice(&bytes(self.0));
    }

    #[inline(always)]
    fn store_words([a, b, c, d]: [Self; 4], words: &mut [Detail]) {
        avx512!({
            let (low, high) = (
                _mm512_unpacklo_epi8(a.0, b.0),
                _mm512_unpacklo_epi8(c.0, d.0),
            );
            let (p, q) = (
                _mm512_unpacklo_epi16(low, high),
                _mm512_unpackhi_epi16(low, high),
            );
            let (low, high) = (
                _mm512_unpackhi_epi8(a.0, b.0),
                _mm512_unpackhi_epi8(c.0, d.0),
            );
            let (r, s) = (
                _mm512_unpacklo_epi16(low, high),
                _mm512_unpackhi_epi16(low, high),
            );
            for (words, sixteen) in words.chunks_exact_mut(16).zip(quarter(p, q, r, s)) {
                bytemuck::cast_slice_mut::<_, u8>(words).copy_from_slice(&bytes(sixteen));
            }
        });
    }
}

/// A linear map by GFNI: two matrices at each position.
struct MatrixMap;

impl Map<Avx512> for MatrixMap {
    #[inline(always)]
    fn apply(linear: &Linear, position: usize, plane: Avx512) -> (Avx512, Avx512) {
        let [low, high] = &linear.matrices[position];
        let (low, high) = (matrix(low), matrix(high));
        avx512!((
            Avx512(_mm512_gf2p8affine_epi64_epi8::<0>(plane.0, low)),
            Avx512(_mm512_gf2p8affine_epi64_epi8::<0>(plane.0, high)),
        ))
    }
}

#[inline(always)]
fn matrix(matrix: &Matrix) -> __m512i {
    // SAFETY: a matrix is as long as the vector, and aligned as it must be.
    unsafe { _mm512_load_si512(matrix.0.as_ptr().cast()) }
}
