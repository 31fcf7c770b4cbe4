//! Fills: words, uniform, normal and Bernoulli draws into slices. Each takes whole blocks of steps of the sixteen lanes and
//! drops what is left of the last one, so the state after a fill depends on its length alone. All of them give the
//! same bits on every instruction set.

use super::draw::Draw;
use super::normal::Normal;
use super::{Lanes, LanesVector};
use crate::simd::{Kernel, Simd, dispatch};

/// Fills `out` block by block, where a block is 16 · `VECTORS` words.
pub(super) struct Fill<'a, D, const VECTORS: usize> {
    pub(super) lanes: &'a mut Lanes,
    pub(super) out: &'a mut [u32],
    pub(super) draw: D,
}

impl<D: Draw<VECTORS>, const VECTORS: usize> Kernel for Fill<'_, D, VECTORS> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let whole = self.out.len() / (16 * VECTORS);
        let mut last = [[0u32; 16]; VECTORS];
        let first = self.out.as_mut_ptr();
        for offset in (0..16).step_by(S::LANES) {
            // SAFETY: the state has 16 lanes and `offset + LANES ≤ 16`.
            let mut lanes = unsafe { LanesVector::load(simd, self.lanes.as_ptr(), offset) };
            for block in 0..whole {
                let vectors = self.draw.draw(simd, &mut lanes);
                for vector in 0..VECTORS {
                    // SAFETY: `whole` blocks of 16 · VECTORS words lie in `out`.
                    unsafe {
                        simd.store_u32(first.add((block * VECTORS + vector) * 16 + offset), vectors[vector])
                    };
                }
            }
            if self.out.len() > whole * 16 * VECTORS {
                let vectors = self.draw.draw(simd, &mut lanes);
                for vector in 0..VECTORS {
                    // SAFETY: each row of `last` has 16 lanes.
                    unsafe { simd.store_u32(last[vector].as_mut_ptr().add(offset), vectors[vector]) };
                }
            }
            // SAFETY: as for the load; the state is borrowed mutably.
            unsafe { lanes.store(simd, self.lanes.as_mut_ptr(), offset) };
        }
        let rest = &mut self.out[whole * 16 * VECTORS..];
        rest.copy_from_slice(&last.as_flattened()[..rest.len()]);
    }
}

/// The words themselves.
#[derive(Clone, Copy)]
struct Words;

impl Draw<1> for Words {
    #[inline(always)]
    fn draw<S: Simd>(self, simd: S, lanes: &mut LanesVector<S>) -> [S::U32; 1] {
        [lanes.next(simd)]
    }
}

/// The upper 24 bits times 2⁻²⁴.
#[derive(Clone, Copy)]
struct Uniform;

impl Draw<1> for Uniform {
    #[inline(always)]
    fn draw<S: Simd>(self, simd: S, lanes: &mut LanesVector<S>) -> [S::U32; 1] {
        let integer = simd.to_float(simd.shr::<8>(lanes.next(simd)));
        [simd.to_bits(simd.mul(integer, simd.splat(1.0 / 16_777_216.0)))]
    }
}

/// 32 steps to a word a lane, the first step in the lowest bit: 1 where the upper 24 bits are below the threshold.
#[derive(Clone, Copy)]
struct Bernoulli {
    threshold: u32,
}

impl Draw<1> for Bernoulli {
    #[inline(always)]
    fn draw<S: Simd>(self, simd: S, lanes: &mut LanesVector<S>) -> [S::U32; 1] {
        let (threshold, top) = (simd.splat_u32(self.threshold), simd.splat_u32(1 << 31));
        let mut bits = simd.splat_u32(0);
        for _ in 0..32 {
            // Both are at most 2²⁴: the difference is negative exactly where the draw is below the threshold.
            let difference = simd.sub_u32(simd.shr::<8>(lanes.next(simd)), threshold);
            bits = simd.or(simd.shr::<1>(bits), simd.and(difference, top));
        }
        [bits]
    }
}

impl Lanes {
    /// Raw words: one step gives sixteen, lane 0 first.
    pub fn fill_words(&mut self, out: &mut [u32]) {
        dispatch(Fill { lanes: self, out, draw: Words });
    }

    /// Uniform draws from [0, 1), multiples of 2⁻²⁴; sixteen a step.
    pub fn fill_uniform(&mut self, out: &mut [f32]) {
        dispatch(Fill { lanes: self, out: bytemuck::cast_slice_mut(out), draw: Uniform });
    }

    /// Standard normal draws by the method of Box and Muller (1958): two steps give 32, the cosines first. They reach
    /// ±6.66 standard deviations, √(2 · 32 ln 2), as the radius has a 32-bit uniform; mass beyond that: 3 · 10⁻¹¹.
    pub fn fill_normal(&mut self, out: &mut [f32]) {
        dispatch(Fill { lanes: self, out: bytemuck::cast_slice_mut(out), draw: Normal });
    }

    /// Bit-packed draws, each 1 with probability `p` rounded up to a multiple of 2⁻²⁴: never for p ≤ 0 or NaN, always for p ≥ 1.
    ///
    /// The draw is u < p with u the uniform of [`fill_uniform`](Self::fill_uniform). Step `s` gives bit `s mod 32` of the
    /// words `out[(s / 32) · 16 + lane]`: one block of 16 rows of a [`BitMatrix`](crate::tensor::BitMatrix), units ascending.
    pub fn fill_bernoulli(&mut self, p: f32, out: &mut [u32]) {
        // A NaN stays one through the clamp, and the cast makes it 0.
        let threshold = (p.clamp(0.0, 1.0) * 16_777_216.0).ceil() as u32;
        dispatch(Fill { lanes: self, out, draw: Bernoulli { threshold } });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;
    use crate::simd::{Isa, dispatch_on};

    const LENGTHS: [usize; 10] = [0, 1, 15, 16, 17, 31, 32, 33, 100, 1000];

    /// `draw` on every instruction set from the same state.
    fn on_every_set<D: Draw<V>, const V: usize>(draw: D, length: usize) -> Vec<(Isa, Vec<u32>, Lanes)> {
        let sets = Isa::ALL.into_iter().filter(|isa| isa.is_supported());
        sets.map(|isa| {
            let (mut lanes, mut out) = (Seed(5).lanes("fill", 0), vec![0; length + 1]);
            // One word into the allocation: unaligned for every vector.
            dispatch_on(isa, Fill { lanes: &mut lanes, out: &mut out[1..], draw });
            (isa, out[1..].to_vec(), lanes)
        })
        .collect()
    }

    #[test]
    fn the_first_words_of_a_stream_never_change() {
        let mut words = [0; 20];
        Seed(1).lanes("test", 0).fill_words(&mut words);
        assert_eq!(
            (words[0], words[1], words[15], words[16]),
            (1_352_503_633, 2_865_651_606, 1_975_543_035, 3_181_824_383)
        );
    }

    #[test]
    fn words_uniforms_and_bits_equal_the_naive_ones() {
        for length in LENGTHS {
            let mut naive = Seed(5).lanes("fill", 0);
            let words: Vec<u32> = (0..length.div_ceil(16)).flat_map(|_| naive.next_words()).collect();
            for (isa, out, lanes) in on_every_set(Words, length) {
                assert_eq!(out, words[..length], "{isa}");
                assert_eq!(lanes, naive, "{isa}");
            }
            let uniform: Vec<u32> = words.iter().map(|w| ((w >> 8) as f32 / 16_777_216.0).to_bits()).collect();
            for (isa, out, lanes) in on_every_set(Uniform, length) {
                assert_eq!(out, uniform[..length], "{isa}");
                assert_eq!(lanes, naive, "{isa}");
            }
            for threshold in [0, 1, 5_000_000, 1 << 24] {
                let mut naive = Seed(5).lanes("fill", 0);
                let mut bits = vec![0u32; length.next_multiple_of(16)];
                for step in 0..length.div_ceil(16) * 32 {
                    for (lane, word) in naive.next_words().into_iter().enumerate() {
                        bits[step / 32 * 16 + lane] |= u32::from(word >> 8 < threshold) << (step % 32);
                    }
                }
                for (isa, out, lanes) in on_every_set(Bernoulli { threshold }, length) {
                    assert_eq!(out, bits[..length], "{isa}");
                    assert_eq!(lanes, naive, "{isa}");
                }
            }
        }
    }

    #[test]
    fn normals_are_the_same_on_every_set_and_follow_the_formula() {
        for length in LENGTHS {
            let mut naive = Seed(5).lanes("fill", 0);
            let mut exact = Vec::new();
            for _ in 0..length.div_ceil(32) {
                let (radii, angles) = (naive.next_words(), naive.next_words());
                let radius =
                    radii.map(|w| (-2.0 * ((f64::from(w >> 1) + 0.5) / 2f64.powi(31)).ln()).max(0.0).sqrt());
                // The angle whose quarter turn the two upper bits choose, as (cos, sin).
                let direction = |w: u32| {
                    let (s, c) =
                        (f64::from((w << 2) as i32) * std::f64::consts::FRAC_PI_2 / 2f64.powi(32)).sin_cos();
                    let c = if w >> 30 & 1 == 1 { -c } else { c };
                    if w >> 31 == 1 { (s, c) } else { (c, s) }
                };
                exact.extend((0..16).map(|lane| radius[lane] * direction(angles[lane]).0));
                exact.extend((0..16).map(|lane| radius[lane] * direction(angles[lane]).1));
            }
            let results = on_every_set(Normal, length);
            for (isa, out, lanes) in &results {
                assert_eq!(out, &results[0].1, "{isa}");
                assert_eq!(lanes, &naive, "{isa}");
                for (&bits, exact) in out.iter().zip(&exact) {
                    // u is rounded twice, by 2⁻²⁴ together, which moves a radius r by 2⁻²⁴ / r, and one near 0 by
                    // 2^−11.5; the functions add a few units in the last place.
                    let value = f64::from(f32::from_bits(bits));
                    let bound = (2f64.powi(-24) / exact.abs()).min(2f64.powf(-11.5))
                        + 2f64.powi(-22) * exact.abs().max(1.0);
                    assert!((value - exact).abs() <= bound, "{value} {exact}");
                }
            }
        }
    }

    #[test]
    fn bernoulli_frequencies_are_right() {
        // Bernstein's bound at α = 10⁻⁶ over the five values: true of rare draws too.
        let l = (2.0 / 2e-7f64).ln();
        for (index, p) in [1e-6f32, 0.01, 0.3, 0.5, 0.999].into_iter().enumerate() {
            let mut out = vec![0; 1 << 17];
            Seed(6).lanes("frequency", index as u64).fill_bernoulli(p, &mut out);
            let n = out.len() as f64 * 32.0;
            let exact = (f64::from(p) * 2f64.powi(24)).ceil() / 2f64.powi(24);
            let ones: u32 = out.iter().map(|w| w.count_ones()).sum();
            let error = l / 3.0 + (l * l / 9.0 + 2.0 * l * n * exact * (1.0 - exact)).sqrt();
            assert!((f64::from(ones) - n * exact).abs() <= error, "{ones} of {n} at {p}");
        }
        for (p, word) in [(0.0, 0), (-1.0, 0), (f32::NAN, 0), (1.0, !0), (2.0, !0), (f32::INFINITY, !0)] {
            let mut out = [7; 100];
            Seed(6).lanes("certain", 0).fill_bernoulli(p, &mut out);
            assert_eq!(out, [word; 100], "{p}");
        }
    }

    #[test]
    #[ignore = "a measurement"]
    fn throughput() {
        let mut lanes = Seed(1).lanes("speed", 0);
        let (mut floats, mut words) = (vec![0f32; 8192], vec![0u32; 8192]);
        let mut time = |name: &str, per: f64, f: &mut dyn FnMut(&mut Lanes)| {
            let best = (0..300).map(|_| {
                let start = std::time::Instant::now();
                (0..10).for_each(|_| f(&mut lanes));
                start.elapsed().as_secs_f64() / 10.0
            });
            println!("{name}: {:.2} Gelem/s", per * 1e-9 / best.fold(f64::INFINITY, f64::min));
        };
        time("words", 8192.0, &mut |lanes| lanes.fill_words(&mut words));
        time("bernoulli", 8192.0 * 32.0, &mut |lanes| lanes.fill_bernoulli(0.3, &mut words));
        time("uniform", 8192.0, &mut |lanes| lanes.fill_uniform(&mut floats));
        time("normal", 8192.0, &mut |lanes| lanes.fill_normal(&mut floats));
    }
}
