//! Vector functions over slices of any length and alignment: the same bits on every instruction set.
//!
//! Largest errors, in units in the last place over all floats: `exp` 0.9, `ln` 0.85, `sigmoid` 2.5, `tanh` 1.35,
//! `softplus` 2.

use crate::simd::{Isa, Kernel, Simd, dispatch, math};

/// A function of one vector, and of several that are independent.
trait Function {
    fn apply<S: Simd>(simd: S, x: S::F32) -> S::F32;

    #[inline(always)]
    fn apply_each<S: Simd, const N: usize>(simd: S, mut x: [S::F32; N]) -> [S::F32; N] {
        for x in &mut x {
            *x = Self::apply(simd, *x);
        }
        x
    }
}

/// `Function` over `length` floats from `source` to `out`, which may be the same.
struct Map<F> {
    source: *const f32,
    out: *mut f32,
    length: usize,
    function: std::marker::PhantomData<F>,
}

impl<F: Function> Kernel for Map<F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        // The 32 registers of AVX-512 hold the steps of several vectors; 16 hold one vector's and the constants.
        let grouped = if const { matches!(S::ISA, Isa::Avx512) } { self.groups::<S, 4>(simd, 0) } else { 0 };
        let whole = self.groups::<S, 1>(simd, grouped);
        let rest = self.length - whole;
        if rest == 0 {
            return;
        }
        let mut last = [0.0f32; 16];
        // SAFETY: `rest < LANES ≤ 16` floats are left at `whole`; the array holds a whole vector.
        unsafe {
            std::ptr::copy_nonoverlapping(self.source.add(whole), last.as_mut_ptr(), rest);
            let y = F::apply(simd, simd.load(last.as_ptr()));
            simd.store(last.as_mut_ptr(), y);
            std::ptr::copy_nonoverlapping(last.as_ptr(), self.out.add(whole), rest);
        }
    }
}

impl<F: Function> Map<F> {
    /// N vectors at a time from float `start` on, as long as there are so many. Returns where the rest begins.
    #[inline(always)]
    fn groups<S: Simd, const N: usize>(&self, simd: S, start: usize) -> usize {
        let end = self.length - (self.length - start) % (N * S::LANES);
        for start in (start..end).step_by(N * S::LANES) {
            let mut vectors = [simd.splat(0.0); N];
            // SAFETY: `start + N · LANES ≤ length`, and both pointers hold `length` floats.
            unsafe {
                for v in 0..N {
                    vectors[v] = simd.load(self.source.add(start + v * S::LANES));
                }
                let values = F::apply_each(simd, vectors);
                for v in 0..N {
                    simd.store(self.out.add(start + v * S::LANES), values[v]);
                }
            }
        }
        end
    }
}

fn in_place<F: Function>(values: &mut [f32]) {
    let out = values.as_mut_ptr();
    dispatch(Map::<F> { source: out, out, length: values.len(), function: std::marker::PhantomData });
}

#[track_caller]
fn into<F: Function>(source: &[f32], out: &mut [f32]) {
    assert_eq!(source.len(), out.len(), "{} values into a slice of {}", source.len(), out.len());
    let (source, length) = (source.as_ptr(), source.len());
    dispatch(Map::<F> { source, out: out.as_mut_ptr(), length, function: std::marker::PhantomData });
}

struct Exp;
impl Function for Exp {
    #[inline(always)]
    fn apply<S: Simd>(simd: S, x: S::F32) -> S::F32 {
        math::exp(simd, x)
    }
}

/// eˣ of each value, in place.
pub fn exp(values: &mut [f32]) {
    in_place::<Exp>(values);
}

/// eˣ of each value of `source` into `out`. Panics where their lengths differ.
#[track_caller]
pub fn exp_into(source: &[f32], out: &mut [f32]) {
    into::<Exp>(source, out);
}

struct Ln;
impl Function for Ln {
    #[inline(always)]
    fn apply<S: Simd>(simd: S, x: S::F32) -> S::F32 {
        math::ln(simd, x)
    }
}

/// ln x of each value, in place.
pub fn ln(values: &mut [f32]) {
    in_place::<Ln>(values);
}

/// ln x of each value of `source` into `out`. Panics where their lengths differ.
#[track_caller]
pub fn ln_into(source: &[f32], out: &mut [f32]) {
    into::<Ln>(source, out);
}

struct Sigmoid;
impl Function for Sigmoid {
    #[inline(always)]
    fn apply<S: Simd>(simd: S, x: S::F32) -> S::F32 {
        math::sigmoid(simd, x)
    }

    #[inline(always)]
    fn apply_each<S: Simd, const N: usize>(simd: S, x: [S::F32; N]) -> [S::F32; N] {
        math::sigmoids(simd, x)
    }
}

/// 1 / (1 + e⁻ˣ) of each value, in place.
pub fn sigmoid(values: &mut [f32]) {
    in_place::<Sigmoid>(values);
}

/// 1 / (1 + e⁻ˣ) of each value of `source` into `out`. Panics where their lengths differ.
#[track_caller]
pub fn sigmoid_into(source: &[f32], out: &mut [f32]) {
    into::<Sigmoid>(source, out);
}

struct Tanh;
impl Function for Tanh {
    #[inline(always)]
    fn apply<S: Simd>(simd: S, x: S::F32) -> S::F32 {
        math::tanh(simd, x)
    }
}

/// tanh x of each value, in place.
pub fn tanh(values: &mut [f32]) {
    in_place::<Tanh>(values);
}

/// tanh x of each value of `source` into `out`. Panics where their lengths differ.
#[track_caller]
pub fn tanh_into(source: &[f32], out: &mut [f32]) {
    into::<Tanh>(source, out);
}

struct Softplus;
impl Function for Softplus {
    #[inline(always)]
    fn apply<S: Simd>(simd: S, x: S::F32) -> S::F32 {
        math::softplus(simd, x)
    }
}

/// ln(1 + eˣ) of each value, in place.
pub fn softplus(values: &mut [f32]) {
    in_place::<Softplus>(values);
}

/// ln(1 + eˣ) of each value of `source` into `out`. Panics where their lengths differ.
#[track_caller]
pub fn softplus_into(source: &[f32], out: &mut [f32]) {
    into::<Softplus>(source, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every length and start gives what one value alone gives, and nothing outside the slice is touched.
    fn check(in_place: fn(&mut [f32]), into: fn(&[f32], &mut [f32])) {
        let source: Vec<f32> = (0..80).map(|i| i as f32 * 0.3 + 0.1).collect();
        let alone: Vec<f32> = source
            .iter()
            .map(|&x| {
                let mut value = [x];
                in_place(&mut value);
                value[0]
            })
            .collect();
        for start in 0..4 {
            for length in 0..70 {
                let range = start..start + length;
                let mut values = source.clone();
                in_place(&mut values[range.clone()]);
                let mut expected = source.clone();
                expected[range.clone()].copy_from_slice(&alone[range.clone()]);
                assert_eq!(values, expected);
                let mut out = source.clone();
                into(&source[range.clone()], &mut out[range]);
                assert_eq!(out, expected);
            }
        }
    }

    #[test]
    fn any_length_and_start() {
        check(exp, exp_into);
        check(ln, ln_into);
        check(sigmoid, sigmoid_into);
        check(tanh, tanh_into);
        check(softplus, softplus_into);
    }

    #[test]
    #[should_panic(expected = "3 values into a slice of 2")]
    fn a_wrong_length_is_named() {
        exp_into(&[0.0; 3], &mut [0.0; 2]);
    }

    #[test]
    #[ignore = "a measurement"]
    fn throughput() {
        for (name, function) in [
            ("exp", exp as fn(&mut [f32])),
            ("ln", ln),
            ("sigmoid", sigmoid),
            ("tanh", tanh),
            ("softplus", softplus),
        ] {
            let mut values = vec![0.7f32; 4096];
            let mut best = f64::INFINITY;
            for _ in 0..200 {
                let start = std::time::Instant::now();
                for _ in 0..20 {
                    function(std::hint::black_box(&mut values));
                }
                best = best.min(start.elapsed().as_secs_f64() / (20.0 * 4096.0));
                values.fill(0.7);
            }
            println!("{name}: {:.2} Gelem/s", 1e-9 / best);
        }
    }
}
