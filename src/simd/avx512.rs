//! AVX-512: sixteen lanes, thirty-two registers, a one-instruction lookup of sixteen entries.

use super::{Isa, Simd, Vectorised};
use std::arch::x86_64::*;

/// The token of AVX-512 (F, BW, DQ, VL).
#[derive(Clone, Copy, Debug)]
pub struct Avx512 {
    _made_here: (),
}

impl Avx512 {
    /// The token, where this CPU has the instructions.
    #[inline]
    pub fn new() -> Option<Self> {
        (is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma"))
        .then_some(Avx512 { _made_here: () })
    }
}

/// The one place where code is compiled for the instruction set: everything inlined into it is.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn trampoline<K: Vectorised>(simd: Avx512, kernel: K) -> K::Output {
    kernel.run(simd)
}

/// Calls an intrinsic that has no precondition but the instruction set.
macro_rules! with_token {
    ($call:expr) => {
        // SAFETY: a token exists only where the CPU has the instructions.
        unsafe { $call }
    };
}

impl Simd for Avx512 {
    type F32 = __m512;
    type U32 = __m512i;
    type Mask = __mmask16;
    type U16 = __m512i;

    const LANES: usize = 16;
    const INDEX_BITS: usize = 4;
    const TABLE: usize = 16;
    const FIXED_BITS: usize = 5;
    const FIXED_STEPS: usize = 3;
    const FIXED_INDEX: [u16; 2] = [1, 0];
    const ISA: Isa = Isa::Avx512;

    #[inline]
    fn run<K: Vectorised>(self, kernel: K) -> K::Output {
        with_token!(trampoline(self, kernel))
    }

    #[inline(always)]
    fn splat(self, x: f32) -> Self::F32 {
        with_token!(_mm512_set1_ps(x))
    }

    #[inline(always)]
    unsafe fn load(self, pointer: *const f32) -> Self::F32 {
        // SAFETY: the token proves the instructions; the caller vouches for the pointer.
        unsafe { _mm512_loadu_ps(pointer) }
    }

    #[inline(always)]
    unsafe fn store(self, pointer: *mut f32, x: Self::F32) {
        // SAFETY: the token proves the instructions; the caller vouches for the pointer.
        unsafe { _mm512_storeu_ps(pointer, x) }
    }

    #[inline(always)]
    fn add(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        with_token!(_mm512_add_ps(a, b))
    }

    #[inline(always)]
    fn sub(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        with_token!(_mm512_sub_ps(a, b))
    }

    #[inline(always)]
    fn mul(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        with_token!(_mm512_mul_ps(a, b))
    }

    #[inline(always)]
    fn div(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        with_token!(_mm512_div_ps(a, b))
    }

    #[inline(always)]
    fn mul_add(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32 {
        with_token!(_mm512_fmadd_ps(a, b, c))
    }

    #[inline(always)]
    fn min(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        with_token!(_mm512_min_ps(a, b))
    }

    #[inline(always)]
    fn max(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        with_token!(_mm512_max_ps(a, b))
    }

    #[inline(always)]
    fn sqrt(self, x: Self::F32) -> Self::F32 {
        with_token!(_mm512_sqrt_ps(x))
    }

    #[inline(always)]
    fn less(self, a: Self::F32, b: Self::F32) -> Self::Mask {
        with_token!(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b))
    }

    #[inline(always)]
    fn equal(self, a: Self::F32, b: Self::F32) -> Self::Mask {
        with_token!(_mm512_cmp_ps_mask::<_CMP_EQ_OQ>(a, b))
    }

    #[inline(always)]
    fn select(self, mask: Self::Mask, a: Self::F32, b: Self::F32) -> Self::F32 {
        with_token!(_mm512_mask_blend_ps(mask, b, a))
    }

    #[inline(always)]
    fn select_u32(self, mask: Self::Mask, a: Self::U32) -> Self::U32 {
        with_token!(_mm512_maskz_mov_epi32(mask, a))
    }

    #[inline(always)]
    fn to_bits(self, x: Self::F32) -> Self::U32 {
        with_token!(_mm512_castps_si512(x))
    }

    #[inline(always)]
    fn from_bits(self, x: Self::U32) -> Self::F32 {
        with_token!(_mm512_castsi512_ps(x))
    }

    #[inline(always)]
    fn to_float(self, x: Self::U32) -> Self::F32 {
        with_token!(_mm512_cvtepi32_ps(x))
    }

    #[inline(always)]
    fn round(self, x: Self::F32) -> Self::U32 {
        with_token!(_mm512_cvtps_epi32(x))
    }

    #[inline(always)]
    fn splat_u32(self, x: u32) -> Self::U32 {
        with_token!(_mm512_set1_epi32(x as i32))
    }

    #[inline(always)]
    unsafe fn load_u32(self, pointer: *const u32) -> Self::U32 {
        // SAFETY: the token proves the instructions; the caller vouches for the pointer.
        unsafe { _mm512_loadu_si512(pointer.cast()) }
    }

    #[inline(always)]
    unsafe fn store_u32(self, pointer: *mut u32, x: Self::U32) {
        // SAFETY: the token proves the instructions; the caller vouches for the pointer.
        unsafe { _mm512_storeu_si512(pointer.cast(), x) }
    }

    #[inline(always)]
    fn add_u32(self, a: Self::U32, b: Self::U32) -> Self::U32 {
        with_token!(_mm512_add_epi32(a, b))
    }

    #[inline(always)]
    fn sub_u32(self, a: Self::U32, b: Self::U32) -> Self::U32 {
        with_token!(_mm512_sub_epi32(a, b))
    }

    #[inline(always)]
    fn and(self, a: Self::U32, b: Self::U32) -> Self::U32 {
        with_token!(_mm512_and_si512(a, b))
    }

    #[inline(always)]
    fn or(self, a: Self::U32, b: Self::U32) -> Self::U32 {
        with_token!(_mm512_or_si512(a, b))
    }

    #[inline(always)]
    fn xor(self, a: Self::U32, b: Self::U32) -> Self::U32 {
        with_token!(_mm512_xor_si512(a, b))
    }

    #[inline(always)]
    fn shl<const N: i32>(self, x: Self::U32) -> Self::U32 {
        with_token!(_mm512_sll_epi32(x, _mm_cvtsi32_si128(N)))
    }

    #[inline(always)]
    fn shr<const N: i32>(self, x: Self::U32) -> Self::U32 {
        with_token!(_mm512_srl_epi32(x, _mm_cvtsi32_si128(N)))
    }

    #[inline(always)]
    fn shr_signed<const N: i32>(self, x: Self::U32) -> Self::U32 {
        with_token!(_mm512_sra_epi32(x, _mm_cvtsi32_si128(N)))
    }

    #[inline(always)]
    fn shl_by(self, x: Self::U32, count: u32) -> Self::U32 {
        with_token!(_mm512_sll_epi32(x, _mm_cvtsi32_si128(count as i32)))
    }

    #[inline(always)]
    fn rotate_left<const N: i32>(self, x: Self::U32) -> Self::U32 {
        with_token!(_mm512_rol_epi32::<N>(x))
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
        unsafe { super::avx2::transpose_tile(source, source_stride, target, target_stride) }
    }

    #[inline(always)]
    fn splat_u16(self, x: u16) -> Self::U16 {
        with_token!(_mm512_set1_epi16(x as i16))
    }

    #[inline(always)]
    unsafe fn load_u16(self, pointer: *const u16) -> Self::U16 {
        // SAFETY: the token proves the instructions; the caller vouches for the pointer.
        unsafe { _mm512_loadu_si512(pointer.cast()) }
    }

    #[inline(always)]
    fn add_u16(self, a: Self::U16, b: Self::U16) -> Self::U16 {
        with_token!(_mm512_add_epi16(a, b))
    }

    #[inline(always)]
    unsafe fn load_table_u16(self, pointer: *const u16) -> Self::U16 {
        // SAFETY: the token proves the instructions; the caller vouches for the pointer.
        unsafe { _mm512_loadu_si512(pointer.cast()) }
    }

    #[inline(always)]
    fn lookup_u16(self, table: Self::U16, index: Self::U16) -> Self::U16 {
        with_token!(_mm512_permutexvar_epi16(index, table))
    }

    #[inline(always)]
    fn next_index(self, index: Self::U16) -> Self::U16 {
        with_token!(_mm512_srl_epi16(index, _mm_cvtsi32_si128(5)))
    }

    #[inline(always)]
    fn widen(self, x: Self::U16) -> [Self::F32; 2] {
        with_token!([
            _mm512_cvtepi32_ps(_mm512_cvtepi16_epi32(_mm512_castsi512_si256(x))),
            _mm512_cvtepi32_ps(_mm512_cvtepi16_epi32(_mm512_extracti64x4_epi64::<1>(x))),
        ])
    }

    #[inline(always)]
    unsafe fn load_table(self, pointer: *const u32) -> Self::U32 {
        // SAFETY: a table is a vector.
        unsafe { self.load_u32(pointer) }
    }

    #[inline(always)]
    fn lookup(self, table: Self::U32, index: Self::U32) -> Self::U32 {
        with_token!(_mm512_permutexvar_epi32(index, table))
    }
}
