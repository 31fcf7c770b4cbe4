//! Standard normal draws (Box & Muller 1958): √(−2 ln u) times the cosine and the sine of a uniform angle.
//!
//! The first word of a lane gives u = (⌊w/2⌋ + ½) 2⁻³¹, rounded to a float, in [2⁻³², 1]: small ones keep all their
//! bits, so the tails reach 6.66 standard deviations. Of the second word, 30 bits give an angle φ in [−π/4, π/4], where
//! short polynomials are good to 2⁻²⁸; one bit gives the sign of the cosine and one swaps the two: together they turn
//! φ around the whole circle.

use super::LanesVector;
use super::draw::Draw;
use crate::simd::{Simd, math};

/// Two steps to 32 draws.
#[derive(Clone, Copy)]
pub(super) struct Normal;

impl Draw<2> for Normal {
    #[inline(always)]
    fn draw<S: Simd>(self, simd: S, lanes: &mut LanesVector<S>) -> [S::U32; 2] {
        let (radius_word, angle_word) = (lanes.next(simd), lanes.next(simd));
        let u = simd.add(simd.to_float(simd.shr::<1>(radius_word)), simd.splat(0.5));
        let u = simd.mul(u, simd.splat(1.0 / 2_147_483_648.0));
        let radius = simd.sqrt(simd.mul(math::ln(simd, u), simd.splat(-2.0)));

        let quarter = std::f32::consts::FRAC_PI_2 / 4_294_967_296.0;
        let (sine, cosine) =
            sin_cos(simd, simd.mul(simd.to_float(simd.shl::<2>(angle_word)), simd.splat(quarter)));
        let sign = simd.and(simd.shl::<1>(angle_word), simd.splat_u32(1 << 31));
        let cosine = simd.from_bits(simd.xor(simd.to_bits(cosine), sign));
        let swap = simd.less(simd.to_float(angle_word), simd.splat(0.0));
        let (a, b) = (simd.select(swap, sine, cosine), simd.select(swap, cosine, sine));
        [simd.to_bits(simd.mul(radius, a)), simd.to_bits(simd.mul(radius, b))]
    }
}

/// (sin x, cos x) for |x| ≤ π/4, by minimax polynomials with absolute error 2⁻²⁸.
#[inline(always)]
fn sin_cos<S: Simd>(simd: S, x: S::F32) -> (S::F32, S::F32) {
    let z = simd.mul(x, x);
    let s = math::polynomial(simd, z, [-0.166_666_55, 0.008_332_192, -0.000_195_187_91]);
    let c = math::polynomial(simd, z, [-0.5, 0.041_666_646, -0.001_388_730_1, 2.443_066_8e-5]);
    let sine = simd.add(simd.mul(simd.mul(s, z), x), x);
    (sine, simd.add(simd.mul(c, z), simd.splat(1.0)))
}

#[cfg(test)]
mod tests {
    use crate::random::Seed;

    /// Mass of the standard normal between `a` and `b`, by Simpson's rule on 2,000 intervals.
    fn mass(a: f64, b: f64) -> f64 {
        let density = |x: f64| (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
        let h = (b - a) / 2000.0;
        let weight = |i: i32| if i == 0 || i == 2000 { 1.0 } else { f64::from(2 + 2 * (i % 2)) };
        (0..=2000).map(|i| weight(i) * density(a + h * f64::from(i))).sum::<f64>() * h / 3.0
    }

    #[test]
    fn moments_and_the_whole_histogram_are_normal() {
        const N: usize = 1 << 25;
        // Bins of ¼ from −5 to 5, and the two tails beyond, where 9.6 draws each are expected.
        let mut counts = [0u64; 42];
        let mut sums = [0.0; 5];
        let mut lanes = Seed(2).lanes("normal", 0);
        let mut draws = vec![0.0f32; 1 << 15];
        for _ in 0..N / draws.len() {
            lanes.fill_normal(&mut draws);
            for pair in draws.chunks_exact(32) {
                for (i, &x) in pair.iter().enumerate() {
                    let x = f64::from(x);
                    counts[((x + 5.0) * 4.0 + 1.0).floor().clamp(0.0, 41.0) as usize] += 1;
                    let powers = [x, x * x - 1.0, x * x * x, x * x * x * x - 3.0, x * f64::from(pair[i ^ 16])];
                    sums.iter_mut().zip(powers).for_each(|(sum, power)| *sum += power);
                }
            }
        }
        // Two-sided α = 10⁻⁶ over five moments; their variances are 1, 2, 15, 96, and 2 for a product counted twice.
        for (sum, variance) in sums.into_iter().zip([1.0, 2.0, 15.0, 96.0, 2.0f64]) {
            assert!((sum / N as f64).abs() <= 5.2 * (variance / N as f64).sqrt(), "{sums:?}");
        }
        let chi_square: f64 = (0..42)
            .map(|bin| {
                let low = if bin == 0 { -9.0 } else { -5.25 + 0.25 * f64::from(bin) };
                let high = if bin == 41 { 9.0 } else { -5.0 + 0.25 * f64::from(bin) };
                let expected = mass(low, high) * N as f64;
                (counts[bin as usize] as f64 - expected).powi(2) / expected
            })
            .sum();
        // Wilson & Hilferty's quantile of χ² with 41 degrees of freedom at α = 10⁻⁶.
        let v = 2.0 / (9.0 * 41.0f64);
        assert!(chi_square <= 41.0 * (1.0 - v + 4.7534 * v.sqrt()).powi(3), "{chi_square}");
    }
}
