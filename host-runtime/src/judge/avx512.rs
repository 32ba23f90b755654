//! AVX-512 with VBMI and GFNI: 64 descriptors at once, in order. Comparisons give mask registers.

use std::arch::x86_64::*;

use super::Slots;
use super::block;
use super::counts::Counts;
use super::lanes::{Lanes, Map};
use super::linear::{Linear, POSITIONS, VARIABLE};
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

/// The byte shuffle after those blends: byte `b` of the eight quadwords, in the order of the descriptors, into
/// quadword `b`.
const fn by_byte(third: usize) -> [u8; 64] {
    let mut index = [0; 64];
    let mut to = 0;
    while to < 64 {
        let (byte, descriptor) = (to / 8, to % 8);
        index[to] = (8 * ((3 * descriptor + third) % 8) + byte) as u8;
        to += 1;
    }
    index
}

#[inline(always)]
fn gather<const THIRD: usize>([a, b, c]: [__m512i; 3]) -> __m512i {
    avx512!({
        let ab = _mm512_mask_blend_epi64(const { places(THIRD, 1) }, a, b);
        let all = _mm512_mask_blend_epi64(const { places(THIRD, 2) }, ab, c);
        _mm512_permutexvar_epi8(vector(const { by_byte(THIRD) }), all)
    })
}

#[inline(always)]
fn vector(bytes: [u8; 64]) -> __m512i {
    // SAFETY: the array is as long as the vector; the load needs no alignment.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

#[inline(always)]
fn bytes(vector: __m512i) -> [u8; 64] {
    let mut bytes = [0; 64];
    // SAFETY: the array is as long as the vector; the store needs no alignment.
    unsafe { _mm512_storeu_si512(bytes.as_mut_ptr().cast(), vector) };
    bytes
}

/// Transposes eight vectors of eight quadwords.
#[inline(always)]
fn transpose_quadwords([a, b, c, d, e, f, g, h]: [__m512i; 8]) -> [__m512i; 8] {
    avx512!({
        let even = quarter(
            _mm512_unpacklo_epi64(a, b),
            _mm512_unpacklo_epi64(c, d),
            _mm512_unpacklo_epi64(e, f),
            _mm512_unpacklo_epi64(g, h),
        );
        let odd = quarter(
            _mm512_unpackhi_epi64(a, b),
            _mm512_unpackhi_epi64(c, d),
            _mm512_unpackhi_epi64(e, f),
            _mm512_unpackhi_epi64(g, h),
        );
        [
            even[0], odd[0], even[1], odd[1], even[2], odd[2], even[3], odd[3],
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

    #[inline(always)]
    fn splat(byte: u8) -> Self {
        Self(avx512!(_mm512_set1_epi8(byte as i8)))
    }

    #[inline(always)]
    fn planes(block: &[Descriptor]) -> [Self; Descriptor::SIZE] {
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
            *first = gather::<0>(loaded);
            *second = gather::<1>(loaded);
            *third = gather::<2>(loaded);
        }
        let mut planes = [Self::splat(0); Descriptor::SIZE];
        for (planes, third) in planes.chunks_exact_mut(8).zip(thirds) {
            for (plane, transposed) in planes.iter_mut().zip(transpose_quadwords(third)) {
                plane.0 = transposed;
            }
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
    fn sum(planes: &[Self]) -> (Self, Self) {
        avx512!({
            // Sums of words are those of the even bytes, and 256 times those of the odd ones, modulo 2^16.
            let mut words = _mm512_setzero_si512();
            let mut odd = _mm512_setzero_si512();
            for plane in planes {
                words = _mm512_add_epi16(words, plane.0);
                odd = _mm512_add_epi16(odd, _mm512_srli_epi16::<8>(plane.0));
            }
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
        Self(vector(table))
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
struct MatrixMap([[__m512i; 2]; POSITIONS]);

impl Map<Avx512> for MatrixMap {
    #[inline(always)]
    fn new(linear: &Linear) -> Self {
        let matrices = linear.matrices();
        let mut map = [[avx512!(_mm512_setzero_si512()); 2]; POSITIONS];
        for position in 0..POSITIONS {
            for half in 0..2 {
                map[position][half] = avx512!(_mm512_set1_epi64(matrices[position][half] as i64));
            }
        }
        Self(map)
    }

    #[inline(always)]
    fn apply(&self, planes: &[Avx512; Descriptor::SIZE]) -> (Avx512, Avx512) {
        avx512!({
            let mut low = _mm512_setzero_si512();
            let mut high = _mm512_setzero_si512();
            for position in 0..POSITIONS {
                let plane = planes[VARIABLE.start + position].0;
                let [a, b] = self.0[position];
                low = _mm512_xor_si512(low, _mm512_gf2p8affine_epi64_epi8::<0>(plane, a));
                high = _mm512_xor_si512(high, _mm512_gf2p8affine_epi64_epi8::<0>(plane, b));
            }
            (Avx512(low), Avx512(high))
        })
    }
}
