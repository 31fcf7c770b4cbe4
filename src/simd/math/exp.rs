//! eˣ. Maximum error 0.9 ULP.
//!
//! 1. x is clamped to [−104, 89], outside of which the result is 0 or ∞.
//! 2. x = n ln 2 + r with n the nearest integer to x / ln 2, so |r| ≤ ln 2 / 2. ln 2 is split in two, h + l, h so short
//!    that n h is exact (Cody & Waite 1980).
//! 3. eʳ = 1 + ((x − n h) + (r² P(r) − n l)), P of degree 4: the rounding of r touches its square alone.
//! 4. The result is eʳ · 2^⌊n/2⌋ · 2^(n − ⌊n/2⌋): in two steps, so that it may be subnormal or overflow, and only the
//!    last one rounds.

use super::{Simd, abs, keep_nan, polynomials};

/// Adding 1.5 · 2²³ to a small float rounds it to an integer n, which then is the low bits of the sum; the lowest nine
/// bits of this constant itself are 0, so a shift by 23 leaves n alone.
const ROUND: f32 = 12_582_912.0;

/// eˣ; subnormal results are right, +∞ gives +∞, −∞ gives 0, NaN itself.
#[inline(always)]
pub fn exp<S: Simd>(simd: S, x: S::F32) -> S::F32 {
    let clamped = simd.max(simd.min(x, simd.splat(89.0)), simd.splat(-104.0));
    let ([fraction], [shifted]) = reduce::<S, 0, false, 1>(simd, [clamped]);
    let shifted = simd.to_bits(shifted);
    let n = simd.sub_u32(shifted, simd.splat_u32(ROUND.to_bits()));
    let half = simd.shr_signed::<1>(n);
    let rest = simd.add_u32(simd.sub_u32(n, half), simd.splat_u32(127));
    let value = simd.mul(scale(simd, fraction, half), simd.from_bits(simd.shl::<23>(rest)));
    keep_nan(simd, x, value)
}

/// e^−|x|, 0 where |x| ≥ 87 or x is NaN. Maximum error 0.9 ULP below 87.
#[inline(always)]
pub fn exp_minus_magnitude<S: Simd>(simd: S, x: S::F32) -> S::F32 {
    let (magnitude, most) = (abs(simd, x), simd.splat(87.0));
    let [value] = exp_minus_shifted::<S, 0, 1>(simd, [simd.min(magnitude, most)]);
    simd.select(simd.less(magnitude, most), value, simd.splat(0.0))
}

/// eˣ · 2^`SHIFT` for an x where that is a normal number; anything for NaN.
#[inline(always)]
pub(super) fn exp_shifted<S: Simd, const SHIFT: i32>(simd: S, x: S::F32) -> S::F32 {
    let ([fraction], [shifted]) = reduce::<S, SHIFT, false, 1>(simd, [x]);
    scale(simd, fraction, simd.to_bits(shifted))
}

/// e⁻ˣ · 2^`SHIFT` of N vectors, as [`exp_shifted`].
#[inline(always)]
pub(super) fn exp_minus_shifted<S: Simd, const SHIFT: i32, const N: usize>(
    simd: S,
    x: [S::F32; N],
) -> [S::F32; N] {
    let (fraction, shifted) = reduce::<S, SHIFT, true, N>(simd, x);
    each!(simd, v in N, scale(simd, fraction[v], simd.to_bits(shifted[v])))
}

/// (eʳ, [`ROUND`] plus n + `SHIFT`) with x = n ln 2 + r, or −x where `NEGATE`, at no cost.
#[inline(always)]
fn reduce<S: Simd, const SHIFT: i32, const NEGATE: bool, const N: usize>(
    simd: S,
    x: [S::F32; N],
) -> ([S::F32; N], [S::F32; N]) {
    const LOG2_E: f32 = std::f32::consts::LOG2_E;
    const LN_2_HIGH: f32 = 0.693_145_75; // 15 bits: its product with |n| ≤ 150 is exact.
    const LN_2_LOW: f32 = 1.428_606_8e-6;
    let round = simd.splat(ROUND + SHIFT as f32);
    let log2_e = simd.splat(if NEGATE { -LOG2_E } else { LOG2_E });
    let shifted = each!(simd, v in N, simd.add(simd.mul(x[v], log2_e), round));
    let n = each!(simd, v in N, simd.sub(shifted[v], round));
    let high = each!(simd, v in N, if NEGATE {
        simd.sub(simd.mul(n[v], simd.splat(-LN_2_HIGH)), x[v])
    } else {
        simd.sub(x[v], simd.mul(n[v], simd.splat(LN_2_HIGH)))
    });
    let low = each!(simd, v in N, simd.mul(n[v], simd.splat(LN_2_LOW)));
    let r = each!(simd, v in N, simd.sub(high[v], low[v]));
    // Relative error of eʳ 2^−28.3.
    let p = polynomials(simd, r, [0.499_999_94, 0.166_665_21, 0.041_668_26, 0.008_368_665, 0.001_382_116_9]);
    let curve = each!(simd, v in N, simd.sub(simd.mul(simd.mul(r[v], r[v]), p[v]), low[v]));
    (each!(simd, v in N, simd.add(simd.add(high[v], curve[v]), simd.splat(1.0))), shifted)
}

/// x · 2ⁿ where both are normal, n in the lowest nine bits of `n`.
#[inline(always)]
fn scale<S: Simd>(simd: S, x: S::F32, n: S::U32) -> S::F32 {
    simd.from_bits(simd.add_u32(simd.to_bits(x), simd.shl::<23>(n)))
}
