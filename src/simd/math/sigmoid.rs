//! σ(x) = 1 / (1 + e⁻ˣ). Maximum error 2.5 ULP.
//!
//! Computed as 2⁻⁶⁴ / (2⁻⁶⁴ + e⁻ˣ 2⁻⁶⁴), so that e⁻ˣ never overflows and the quotient may be subnormal: that alone rounds it.
//! x is clamped to [−104, 30], outside of which the result is 0 or 1.

use super::exp::exp_minus_shifted;
use super::{Simd, keep_nan};

/// The logistic function 1 / (1 + e⁻ˣ); −∞ gives 0, +∞ gives 1, NaN itself.
#[inline(always)]
pub fn sigmoid<S: Simd>(simd: S, x: S::F32) -> S::F32 {
    let [value] = sigmoids(simd, [x]);
    value
}

/// The same of N vectors.
#[inline(always)]
pub fn sigmoids<S: Simd, const N: usize>(simd: S, x: [S::F32; N]) -> [S::F32; N] {
    let clamped = each!(simd, v in N, simd.max(simd.min(x[v], simd.splat(30.0)), simd.splat(-104.0)));
    let scaled = exp_minus_shifted::<S, -64, N>(simd, clamped);
    let unit = simd.splat(f32::from_bits((127 - 64) << 23));
    let below = each!(simd, v in N, simd.add(unit, scaled[v]));
    each!(simd, v in N, keep_nan(simd, x[v], simd.div(unit, below[v])))
}
