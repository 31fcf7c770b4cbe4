//! x eˢ + t with a scale and a shift for each x, its inverse, and their derivatives. The same bits on every instruction set.

use super::rational_quadratic::Direction;
use super::vector::Vector;
use crate::simd::{Simd, Vectorised, dispatch};

/// y = x eˢ + t, or in the other direction (x − t) e⁻ˢ, from x, log-scales s and shifts t, all `[n]`.
///
/// # Panics
/// Where the lengths differ.
pub(crate) fn affine(direction: Direction, x: &[f32], s: &[f32], t: &[f32], y: &mut [f32]) {
    assert!(x.len() == y.len() && s.len() == y.len() && t.len() == y.len());
    dispatch(Affine { direction, x, s, t, y });
}

struct Affine<'a> {
    direction: Direction,
    x: &'a [f32],
    s: &'a [f32],
    t: &'a [f32],
    y: &'a mut [f32],
}

impl Vectorised for Affine<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        for first in (0..self.x.len()).step_by(S::LANES) {
            let own = first..self.x.len().min(first + S::LANES);
            let x = Vector::load(simd, &self.x[own.clone()]);
            let s = Vector::load(simd, &self.s[own.clone()]);
            let t = Vector::load(simd, &self.t[own.clone()]);
            let y = match self.direction {
                Direction::Forward => x * s.exp() + t,
                Direction::Inverse => (x - t) * (-s).exp(),
            };
            y.store(&mut self.y[own]);
        }
    }
}

/// The derivatives of Σ `of_y` · y + `of_log_slope` · ln slope by x, s and t, into the three of `out`, all `[n]`; ln slope is s, or
/// −s in the other direction.
///
/// # Panics
/// Where the lengths differ.
pub(crate) fn affine_derivatives(
    direction: Direction,
    [x, s, t]: [&[f32]; 3],
    [of_y, of_log_slope]: [&[f32]; 2],
    out: [&mut [f32]; 3],
) {
    assert!([s, t, of_y, of_log_slope, &*out[0], &*out[1], &*out[2]].iter().all(|other| other.len() == x.len()));
    dispatch(Derivatives { direction, operands: [x, s, t], gradient: [of_y, of_log_slope], out });
}

struct Derivatives<'a> {
    direction: Direction,
    operands: [&'a [f32]; 3],
    gradient: [&'a [f32]; 2],
    out: [&'a mut [f32]; 3],
}

impl Vectorised for Derivatives<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let [of_x, of_s, of_t] = self.out;
        let [x, s, t] = self.operands;
        for first in (0..x.len()).step_by(S::LANES) {
            let own = first..x.len().min(first + S::LANES);
            let (x, s) = (Vector::load(simd, &x[own.clone()]), Vector::load(simd, &s[own.clone()]));
            let g = Vector::load(simd, &self.gradient[0][own.clone()]);
            let of_log = Vector::load(simd, &self.gradient[1][own.clone()]);
            let by = match self.direction {
                Direction::Forward => {
                    let scaled = g * s.exp();
                    [scaled, scaled * x + of_log, g]
                }
                Direction::Inverse => {
                    let t = Vector::load(simd, &t[own.clone()]);
                    let scaled = g * (-s).exp();
                    [scaled, -(scaled * (x - t) + of_log), -scaled]
                }
            };
            by[0].store(&mut of_x[own.clone()]);
            by[1].store(&mut of_s[own.clone()]);
            by[2].store(&mut of_t[own]);
        }
    }
}
