//! e^(−|x|) for samplers: half the work of `exp`, for a probability that is compared with 24 random bits.
//!
//! 1. t = −|x| / ln 2, no less than −126, so the result is normal: below e^−87.3 it stays there.
//! 2. t = n + f with n the nearest integer: the difference is exact.
//! 3. 2ᶠ = 1 + f P(f), P of degree 4 by weighted least squares towards the least largest relative error, 1.1e-7.
//! 4. n is added to the exponent.
//!
//! The roundings of t and of 1 / ln 2 cost |t| 2⁻²³ ln 2, so the relative error is below 2⁻²² + |x| 2⁻²³; the absolute one, of the result
//! and of the probability made from it, is below 2⁻²¹. Exactly 1 at 0.

use super::{Simd, polynomial};

/// e^(−|x|), at least 2⁻¹²⁶; NaN for the NaNs that arithmetic makes.
#[inline(always)]
pub fn decay<S: Simd>(simd: S, x: S::F32) -> S::F32 {
    // Adding 1.5 · 2²³ rounds to an integer, which is then the low bits of the sum.
    const ROUND: f32 = 12_582_912.0;
    let negative = simd.from_bits(simd.or(simd.to_bits(x), simd.splat_u32(0x8000_0000)));
    let t = simd.max(simd.splat(-126.0), simd.mul(negative, simd.splat(std::f32::consts::LOG2_E)));
    let shifted = simd.add(t, simd.splat(ROUND));
    let f = simd.sub(t, simd.sub(shifted, simd.splat(ROUND)));
    // Three units in the last place below ln 2.
    let linear = f32::from_bits(0x3f31_7215);
    let p = polynomial(simd, f, [linear, 0.240_222_42, 0.055_507_336, 0.009_671_513, 0.001_326_472_7]);
    let power = simd.add(simd.mul(f, p), simd.splat(1.0));
    simd.from_bits(simd.add_u32(simd.to_bits(power), simd.shl::<23>(simd.to_bits(shifted))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{Isa, Vectorised, dispatch_on};

    struct Decay([f32; 16]);

    impl Vectorised for Decay {
        type Output = [f32; 16];

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> [f32; 16] {
            let mut out = [0.0; 16];
            for lane in (0..16).step_by(S::LANES) {
                // SAFETY: `lane + S::LANES ≤ 16`.
                unsafe {
                    let x = simd.load(self.0.as_ptr().add(lane));
                    simd.store(out.as_mut_ptr().add(lane), decay(simd, x));
                }
            }
            out
        }
    }

    #[test]
    fn the_error_is_the_stated_one_and_the_bits_are_the_same_everywhere() {
        for start in 0..200_000u32 {
            let x: [f32; 16] =
                std::array::from_fn(|lane| (start * 16 + lane as u32) as f32 * (120.0 / 3.2e6) - 20.0);
            let portable = dispatch_on(Isa::Portable, Decay(x));
            for (x, value) in x.iter().zip(portable) {
                let exact = (-f64::from(x.abs())).exp();
                let bound = exact * (2f64.powi(-22) + f64::from(x.abs()) * 2f64.powi(-23)) + 2f64.powi(-126);
                assert!((f64::from(value) - exact).abs() <= bound, "e^-|{x}| = {value}");
            }
            for isa in Isa::ALL.into_iter().filter(|isa| isa.is_supported()) {
                assert_eq!(dispatch_on(isa, Decay(x)).map(f32::to_bits), portable.map(f32::to_bits));
            }
        }
        let edges = [0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 1e30, -1e30, 1e-40];
        let mut x = [0.0; 16];
        x[..8].copy_from_slice(&edges);
        for isa in Isa::ALL.into_iter().filter(|isa| isa.is_supported()) {
            let out = dispatch_on(isa, Decay(x));
            assert_eq!((out[0], out[1], out[7]), (1.0, 1.0, 1.0));
            assert!(out[2] == 2f32.powi(-126) && out[3] == out[2] && out[5] == out[2] && out[6] == out[2]);
            assert!(out[4].is_nan());
        }
    }
}
