//! ln(1 + eˣ). Maximum error 2 ULP.
//!
//! max(x, 0) + ln(1 + e) with e = e^−|x| in [0, 1]. With s = e / (2 + e), ln(1 + e) = 2 artanh s =
//! e − (e²/2 − s (e²/2 + R(s²))), R(z) = 2z/3 + 2z²/5 + … fitted with 5 terms for z ≤ 1/9. The leading e is exact, so a
//! small e keeps all its digits.

use super::exp::exp_minus_shifted;
use super::{Simd, abs, keep_nan, polynomial};

/// ln(1 + eˣ), the integral of the logistic function; −∞ gives 0, +∞ itself, NaN itself.
#[inline(always)]
pub fn softplus<S: Simd>(simd: S, x: S::F32) -> S::F32 {
    let zero = simd.splat(0.0);
    let magnitude = simd.min(abs(simd, x), simd.splat(104.0));
    let [scaled] = exp_minus_shifted::<S, 64, 1>(simd, [magnitude]);
    let e = simd.mul(scaled, simd.splat(f32::from_bits((127 - 64) << 23)));
    let s = simd.div(e, simd.add(e, simd.splat(2.0)));
    let z = simd.mul(s, s);
    // Relative error of ln(1 + e) 2^−33.
    let p = polynomial(simd, z, [0.666_666_75, 0.399_989_5, 0.286_152_18, 0.214_437_19, 0.242_463_44]);
    let half_square = simd.mul(simd.mul(e, e), simd.splat(0.5));
    let small = simd.sub(half_square, simd.mul(s, simd.add(half_square, simd.mul(z, p))));
    keep_nan(simd, x, simd.add(simd.max(x, zero), simd.sub(e, small)))
}
