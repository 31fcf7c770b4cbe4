//! AVX2 with FMA: eight lanes, sixteen registers.

use super::{Isa, Simd, Vectorised};
use std::arch::x86_64::*;

/// The token of AVX2 with FMA.
#[derive(Clone, Copy, Debug)]
pub struct Avx2 {
    _made_here: (),
}

impl Avx2 {
    /// The token, where this CPU has the instructions.
    #[inline]
    pub fn new() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Avx2 { _made_here: () })
    }
}

/// The one place where code is compiled for the instruction set: everything inlined into it is.
#[target_feature(enable = "avx2,fma")]
fn trampoline<K: Vectorised>(simd: Avx2, kernel: K) -> K::Output {
    kernel.run(simd)
}

/// Calls an intrinsic that has no precondition but the instruction set.
macro_rules! with_token {
    ($call:expr) => {
        // SAFETY: a token exists only where the CPU has the instructions.
        unsafe { $call }
    };
}

impl Simd for Avx2 {
    type F32 = __m256;
    type U32 = __m256i;
    type Mask = __m256;
    type U16 = __m256i;

    const LANES: usize = 8;
    const INDEX_BITS: usize = 3;
    const TABLE: usize = 8;
    // Eight 16-bit entries fill the half register that a byte shuffle reaches; its index names both bytes.
    const FIXED_BITS: usize = 3;
    const FIXED_STEPS: usize = 1;
    const FIXED_INDEX: [u16; 2] = [0x0202, 0x0100];
    const ISA: Isa = Isa::Avx2;

    #[inline]
    fn run<K: Vectorised>(self, kernel: K) -> K::Output {
        with_token!(trampoline(self, kernel))
    }

    #[inline(always)]
    fn splat(self, x: f32) -> Self::F32 {
        with_token!(_mm256_set1_ps(x))
    }

    #[inline(always)]
    unsafe fn load(self, pointer: *const f32) -> Self::F32 {
        // SAFETY: the token proves the instructions; the caller vouches for the pointer.
        unsafe { _mm256_loadu_ps(pointer) }
    }

    #[inline(always)]
    unsafe fn store(self, pointer: *mut f32, x: Self::F32) {
        // SAFETY: the token proves the instructions; the caller vouches for the pointer.
        unsafe { _mm256_storeu_ps(pointer, x) }
    }

    #[inline(always)]
    fn add(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        with_token!(_mm256_add_ps(a, b))
    }

    #[inline(always)]
    fn sub(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        with_token!(_mm256_sub_ps(a, b))
    }

    #[inline(always)]
    fn mul(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        with_token!(_mm256_mul_ps(a, b))
    }

    #[inline(always)]
    fn div(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        with_token!(_mm256_div_ps(a, b))
    }

    #[inline(always)]
    fn mul_add(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32 {
        with_token!(_mm256_fmadd_ps(a, b, c))
    }

    #[inline(always)]
    fn min(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        with_token!(_mm256_min_ps(a, b))
    }

    #[inline(always)]
    fn max(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        with_token!(_mm256_max_ps(a, b))
    }

    #[inline(always)]
    fn sqrt(self, x: Self::F32) -> Self::F32 {
        with_token!(_mm256_sqrt_ps(x))
    }

    #[inline(always)]
    fn less(self, a: Self::F32, b: Self::F32) -> Self::Mask {
        with_token!(_mm256_cmp_ps::<_CMP_LT_OQ>(a, b))
    }

    #[inline(always)]
    fn equal(self, a: Self::F32, b: Self::F32) -> Self::Mask {
        with_token!(_mm256_cmp_ps::<_CMP_EQ_OQ>(a, b))
    }

    #[inline(always)]
    fn select(self, mask: Self::Mask, a: Self::F32, b: Self::F32) -> Self::F32 {
        with_token!(_mm256_blendv_ps(b, a, mask))
    }

    #[inline(always)]
    fn select_u32(self, mask: Self::Mask, a: Self::U32) -> Self::U32 {
        with_token!(_mm256_and_si256(_mm256_castps_si256(mask), a))
    }

    #[inline(always)]
    fn to_bits(self, x: Self::F32) -> Self::U32 {
        with_token!(_mm256_castps_si256(x))
    }

    #[inline(always)]
    fn from_bits(self, x: Self::U32) -> Self::F32 {
        with_token!(_mm256_castsi256_ps(x))
    }

    #[inline(always)]
    fn to_float(self, x: Self::U32) -> Self::F32 {
        with_token!(_mm256_cvtepi32_ps(x))
    }

    #[inline(always)]
    fn round(self, x: Self::F32) -> Self::U32 {
        with_token!(_mm256_cvtps_epi32(x))
    }

    #[inline(always)]
    fn splat_u32(self, x: u32) -> Self::U32 {
        with_token!(_mm256_set1_epi32(x as i32))
    }

    #[inline(always)]
    unsafe fn load_u32(self, pointer: *const u32) -> Self::U32 {
        // SAFETY: the token proves the instructions; the caller vouches for the pointer.
        unsafe { _mm256_loadu_si256(pointer.cast()) }
    }

    #[inline(always)]
    unsafe fn store_u32(self, pointer: *mut u32, x: Self::U32) {
        // SAFETY: the token proves the instructions; the caller vouches for the pointer.
        unsafe { _mm256_storeu_si256(pointer.cast(), x) }
    }

    #[inline(always)]
    fn add_u32(self, a: Self::U32, b: Self::U32) -> Self::U32 {
        with_token!(_mm256_add_epi32(a, b))
    }

    #[inline(always)]
    fn sub_u32(self, a: Self::U32, b: Self::U32) -> Self::U32 {
        with_token!(_mm256_sub_epi32(a, b))
    }

    #[inline(always)]
    fn and(self, a: Self::U32, b: Self::U32) -> Self::U32 {
        with_token!(_mm256_and_si256(a, b))
    }

    #[inline(always)]
    fn or(self, a: Self::U32, b: Self::U32) -> Self::U32 {
        with_token!(_mm256_or_si256(a, b))
    }

    #[inline(always)]
    fn xor(self, a: Self::U32, b: Self::U32) -> Self::U32 {
        with_token!(_mm256_xor_si256(a, b))
    }

    #[inline(always)]
    fn shl<const N: i32>(self, x: Self::U32) -> Self::U32 {
        with_token!(_mm256_slli_epi32::<N>(x))
    }

    #[inline(always)]
    fn shr<const N: i32>(self, x: Self::U32) -> Self::U32 {
        with_token!(_mm256_srli_epi32::<N>(x))
    }

    #[inline(always)]
    fn shr_signed<const N: i32>(self, x: Self::U32) -> Self::U32 {
        with_token!(_mm256_srai_epi32::<N>(x))
    }

    #[inline(always)]
    fn shl_by(self, x: Self::U32, count: u32) -> Self::U32 {
        with_token!(_mm256_sll_epi32(x, _mm_cvtsi32_si128(count as i32)))
    }

    #[inline(always)]
    fn rotate_left<const N: i32>(self, x: Self::U32) -> Self::U32 {
        // Two shifts and an or: AVX2 has no rotation.
        let count = N as u32;
        with_token!(_mm256_or_si256(
            _mm256_sll_epi32(x, _mm_cvtsi32_si128(count as i32)),
            _mm256_srl_epi32(x, _mm_cvtsi32_si128(32 - count as i32)),
        ))
    }

    #[inline(always)]
    unsafe fn transpose_tile(
        self,
        source: *const f32,
        source_stride: usize,
        target: *mut f32,
        target_stride: usize,
    ) {
        // SAFETY: the token proves the instructions; the caller vouches for the rows.
        unsafe { transpose_tile(source, source_stride, target, target_stride) }
    }

    #[inline(always)]
    fn splat_u16(self, x: u16) -> Self::U16 {
        with_token!(_mm256_set1_epi16(x as i16))
    }

    #[inline(always)]
    unsafe fn load_u16(self, pointer: *const u16) -> Self::U16 {
        // SAFETY: the token proves the instructions; the caller vouches for the pointer.
        unsafe { _mm256_loadu_si256(pointer.cast()) }
    }

    #[inline(always)]
    fn add_u16(self, a: Self::U16, b: Self::U16) -> Self::U16 {
        with_token!(_mm256_add_epi16(a, b))
    }

    #[inline(always)]
    unsafe fn load_table_u16(self, pointer: *const u16) -> Self::U16 {
        // SAFETY: the token proves the instructions; the caller vouches for the pointer.
        unsafe { _mm256_broadcastsi128_si256(_mm_loadu_si128(pointer.cast())) }
    }

    #[inline(always)]
    fn lookup_u16(self, table: Self::U16, index: Self::U16) -> Self::U16 {
        with_token!(_mm256_shuffle_epi8(table, index))
    }

    #[inline(always)]
    fn next_index(self, index: Self::U16) -> Self::U16 {
        index
    }

    #[inline(always)]
    fn widen(self, x: Self::U16) -> [Self::F32; 2] {
        with_token!([
            _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(_mm256_castsi256_si128(x))),
            _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(_mm256_extracti128_si256::<1>(x))),
        ])
    }

    #[inline(always)]
    unsafe fn load_table(self, pointer: *const u32) -> Self::U32 {
        // SAFETY: a table is a vector.
        unsafe { self.load_u32(pointer) }
    }

    #[inline(always)]
    fn lookup(self, table: Self::U32, index: Self::U32) -> Self::U32 {
        with_token!(_mm256_permutevar8x32_epi32(table, index))
    }
}

/// Eight rows of eight floats, transposed: pairs, then quads, then halves change places.
///
/// # Safety
/// The CPU has AVX2; `source` may be read and `target` written for eight rows of eight floats at their strides.
#[inline(always)]
pub(super) unsafe fn transpose_tile(
    source: *const f32,
    source_stride: usize,
    target: *mut f32,
    target_stride: usize,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let row = |index: usize| _mm256_loadu_ps(source.add(index * source_stride));
        let (r0, r1, r2, r3, r4, r5, r6, r7) = (row(0), row(1), row(2), row(3), row(4), row(5), row(6), row(7));
        let (p0, p1) = (_mm256_unpacklo_ps(r0, r1), _mm256_unpackhi_ps(r0, r1));
        let (p2, p3) = (_mm256_unpacklo_ps(r2, r3), _mm256_unpackhi_ps(r2, r3));
        let (p4, p5) = (_mm256_unpacklo_ps(r4, r5), _mm256_unpackhi_ps(r4, r5));
        let (p6, p7) = (_mm256_unpacklo_ps(r6, r7), _mm256_unpackhi_ps(r6, r7));
        let (q0, q1) = (_mm256_shuffle_ps::<0x44>(p0, p2), _mm256_shuffle_ps::<0xee>(p0, p2));
        let (q2, q3) = (_mm256_shuffle_ps::<0x44>(p1, p3), _mm256_shuffle_ps::<0xee>(p1, p3));
        let (q4, q5) = (_mm256_shuffle_ps::<0x44>(p4, p6), _mm256_shuffle_ps::<0xee>(p4, p6));
        let (q6, q7) = (_mm256_shuffle_ps::<0x44>(p5, p7), _mm256_shuffle_ps::<0xee>(p5, p7));
        _mm256_storeu_ps(target, _mm256_permute2f128_ps::<0x20>(q0, q4));
        _mm256_storeu_ps(target.add(target_stride), _mm256_permute2f128_ps::<0x20>(q1, q5));
        _mm256_storeu_ps(target.add(2 * target_stride), _mm256_permute2f128_ps::<0x20>(q2, q6));
        _mm256_storeu_ps(target.add(3 * target_stride), _mm256_permute2f128_ps::<0x20>(q3, q7));
        _mm256_storeu_ps(target.add(4 * target_stride), _mm256_permute2f128_ps::<0x31>(q0, q4));
        _mm256_storeu_ps(target.add(5 * target_stride), _mm256_permute2f128_ps::<0x31>(q1, q5));
        _mm256_storeu_ps(target.add(6 * target_stride), _mm256_permute2f128_ps::<0x31>(q2, q6));
        _mm256_storeu_ps(target.add(7 * target_stride), _mm256_permute2f128_ps::<0x31>(q3, q7));
    }
}
