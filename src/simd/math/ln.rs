//! ln x. Maximum error 0.85 ULP.
//!
//! 1. A subnormal x is scaled by 2²⁵ first.
//! 2. x = 2ᵏ m with √½ ≤ m < √2, by integer arithmetic on the bits.
//! 3. With f = m − 1 and s = f / (2 + f), ln m = 2 artanh s = f − f²/2 + s (f²/2 + R(s²)), R(z) = 2z/3 + 2z²/5 + …
//!    fitted with 3 terms (the arrangement of FreeBSD's `logf`: f is exact, and all else is small beside it).
//! 4. The result is k ln 2 + ln m, ln 2 split in two so that k times its first part is exact.

use super::{Simd, keep_nan, polynomial};

const LN_2_HIGH: f32 = 0.693_138_1; // 15 bits: its product with |k| ≤ 150 is exact.
const LN_2_LOW: f32 = 9.058_001e-6;

/// ln x; 0 gives −∞, +∞ itself, a negative number NaN, NaN itself. Subnormal numbers are as good as others.
#[inline(always)]
pub fn ln<S: Simd>(simd: S, x: S::F32) -> S::F32 {
    let one = simd.splat(1.0);
    let subnormal = simd.less(x, simd.splat(f32::MIN_POSITIVE));
    let bits = simd.to_bits(simd.mul(x, simd.select(subnormal, simd.splat(33_554_432.0), one)));
    let k = simd.shr_signed::<23>(simd.sub_u32(bits, simd.splat_u32(std::f32::consts::FRAC_1_SQRT_2.to_bits())));
    let m = simd.from_bits(simd.sub_u32(bits, simd.shl::<23>(k)));
    let k = simd.to_float(simd.sub_u32(k, simd.select_u32(subnormal, simd.splat_u32(25))));

    let f = simd.sub(m, one);
    let s = simd.div(f, simd.add(f, simd.splat(2.0)));
    let z = simd.mul(s, s);
    // Relative error of ln m 2^−30.2.
    let r = simd.mul(z, polynomial(simd, z, [0.666_667_76, 0.399_775_8, 0.298_709_54]));
    let half_square = simd.mul(simd.mul(f, f), simd.splat(0.5));
    let small = simd.add(simd.mul(s, simd.add(half_square, r)), simd.mul(k, simd.splat(LN_2_LOW)));
    let value = simd.add(simd.sub(f, simd.sub(half_square, small)), simd.mul(k, simd.splat(LN_2_HIGH)));

    let zero = simd.splat(0.0);
    let value = simd.select(simd.equal(x, zero), simd.splat(f32::NEG_INFINITY), value);
    let value = simd.select(simd.equal(x, simd.splat(f32::INFINITY)), x, value);
    keep_nan(simd, x, simd.select(simd.less(x, zero), simd.splat(f32::NAN), value))
}
