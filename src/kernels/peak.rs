//! The yardstick of the benches: how many multiply-adds one core does when nothing but registers is touched.

use crate::simd::{Isa, Simd, Vectorised, dispatch_on};
use std::hint::black_box;
use std::time::Instant;

/// Independent chains of sums: two pipes of five cycles' latency, or four cycles', are kept full by ten.
const CHAINS: usize = 10;
const ROUNDS: usize = 100_000;

struct Chains;

impl Vectorised for Chains {
    type Output = f32;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> f32 {
        let (a, b) = (simd.splat(black_box(0.999)), simd.splat(black_box(0.001)));
        let mut sums = [simd.splat(black_box(1.0)); CHAINS];
        for _ in 0..ROUNDS {
            for sum in &mut sums {
                *sum = simd.mul_add(*sum, a, b);
            }
        }
        let total = sums.into_iter().reduce(|x, y| simd.add(x, y)).unwrap_or(a);
        let mut out = [0.0f32; 16];
        // SAFETY: the array holds a whole vector.
        unsafe { simd.store(out.as_mut_ptr(), total) };
        out.iter().sum()
    }
}

/// One core's register-only AVX2 rate in multiply-adds a second, the portable token's where AVX2 is missing: the best of
/// about 40 ms of trials. AVX-512 has the same peak where a 512-bit operation takes two passes.
pub fn fma_peak_macs_per_second() -> f64 {
    let isa = if Isa::Avx2.is_supported() { Isa::Avx2 } else { Isa::Portable };
    let best = (0..150).map(|_| {
        let start = Instant::now();
        black_box(dispatch_on(isa, Chains));
        start.elapsed().as_secs_f64()
    });
    (ROUNDS * CHAINS * 8) as f64 / best.fold(f64::INFINITY, f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_that_of_a_processor() {
        let rate = fma_peak_macs_per_second();
        assert!((1e8..1e13).contains(&rate), "{rate}");
    }
}
