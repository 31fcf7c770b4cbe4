//! tanh x. Maximum error 1.35 ULP.
//!
//! 1. |x| < 0.625: |x| + |x|³ P(x²), P of degree 4.
//! 2. Else 1 − 2 / (e^2|x| + 1), |x| clamped to 10, where it is 1 already.
//! 3. The sign of x is put back, so that −0 stays −0.

use super::exp::exp_shifted;
use super::{Simd, abs, keep_nan, polynomial};

/// The hyperbolic tangent; ±∞ give ±1, NaN itself.
#[inline(always)]
pub fn tanh<S: Simd>(simd: S, x: S::F32) -> S::F32 {
    let (magnitude, one) = (abs(simd, x), simd.splat(1.0));
    let z = simd.mul(magnitude, magnitude);
    // Relative error 2^−27.7.
    let p = polynomial(simd, z, [-0.333_332_8, 0.133_314_06, -0.053_736_515, 0.020_628_167, -0.005_692_296]);
    let small = simd.add(simd.mul(simd.mul(p, z), magnitude), magnitude);

    let clamped = simd.min(magnitude, simd.splat(10.0));
    let e = exp_shifted::<S, 0>(simd, simd.add(clamped, clamped));
    let large = simd.sub(one, simd.div(simd.splat(2.0), simd.add(e, one)));

    let value = simd.select(simd.less(magnitude, simd.splat(0.625)), small, large);
    let sign = simd.and(simd.to_bits(x), simd.splat_u32(0x8000_0000));
    keep_nan(simd, x, simd.from_bits(simd.or(simd.to_bits(value), sign)))
}
