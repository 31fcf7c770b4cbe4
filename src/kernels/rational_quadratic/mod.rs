//! The monotonic rational-quadratic spline (Durkan, Bekasov, Murray & Papamakarios 2019), its inverse and its derivatives.
//!
//! A strictly increasing map of the line onto itself: inside of [−B, B] a quotient of two quadratic polynomials in each of K
//! bins, outside the identity, with slopes that agree where pieces meet. Of K widths, K heights and K − 1 inner slopes, all
//! unconstrained numbers:
//!
//! - widths are 2B (ε + (1 − Kε) softmax), and so are heights; their sums are the knots (x₀, y₀) = (−B, −B) to (B, B);
//! - slopes at inner knots are ε + softplus(r + c), with c such that r = 0 gives 1; at both ends they are 1. ε = 10⁻³.
//!
//! With ξ = (x − x₀) / w in a bin of width w and height h that begins at (x₀, y₀) with the slope δ₀ and ends with δ₁, s = h / w,
//! q = ξ (1 − ξ) and D = s + (δ₀ + δ₁ − 2s) q:
//!
//! - y = y₀ + h (s ξ² + δ₀ q) / D;
//! - dy/dx = s² M / D² with M = δ₁ ξ² + 2 s q + δ₀ (1 − ξ)²;
//! - the inverse solves a quadratic equation by the root that does not cancel, ξ = 2c / (−b − √(b² − 4ac)).
//!
//! All parameters zero is the identity. Arguments are clamped into the box before the formula, so that what lies outside
//! brings no infinity into it, and selects the identity afterwards. The same bits on every instruction set.

mod lanes;
mod reference;
#[cfg(test)]
mod tests;

pub(crate) use reference::{derivatives_reference, reference};

use super::vector::Vector;
use crate::simd::{Simd, Vectorised, dispatch};
use lanes::{Bins, backward, evaluate};

/// Bins at the most.
pub const MOST_BINS: usize = 32;
/// ε, the least width and height, as a share of the box, and the least slope.
pub const LEAST: f32 = 1e-3;
/// c = ln(e^(1 − ε) − 1): softplus(c) = 1 − ε.
pub const LEVEL: f32 = 0.539_742_4;

/// The shape of a spline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spline {
    /// K, 1 to [`MOST_BINS`].
    pub bins: usize,
    /// B > 0: the box is [−B, B]².
    pub bound: f32,
}

impl Spline {
    /// Parameters of a component: K widths, K heights, K − 1 inner slopes.
    pub fn parameters(self) -> usize {
        3 * self.bins - 1
    }

    /// Why no spline has this shape, if none has.
    ///
    /// # Errors
    /// Names what is wrong.
    pub fn check(self) -> Result<(), String> {
        match self {
            Spline { bins, .. } if !(1..=MOST_BINS).contains(&bins) => {
                Err(format!("a spline of {bins} bins: wanted 1 to {MOST_BINS}"))
            }
            Spline { bound, .. } if !(bound > 0.0 && bound.is_finite()) => {
                Err(format!("a spline on ±{bound}: wanted a positive number"))
            }
            _ => Ok(()),
        }
    }
}

/// The direction in which a spline is gone through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From x to y.
    Forward,
    /// From y to x.
    Inverse,
}

/// Values `y` of the spline, or of its inverse, at `x`, and the logarithms of its slopes there, all `[n]`; `parameters`
/// `[n, spline.parameters()]` are those of each.
///
/// # Panics
/// Where the lengths differ from these.
pub fn transform(
    spline: Spline,
    direction: Direction,
    x: &[f32],
    parameters: &[f32],
    y: &mut [f32],
    log_slopes: &mut [f32],
) {
    let n = x.len();
    assert!(y.len() == n && log_slopes.len() == n && parameters.len() == n * spline.parameters());
    dispatch(Transform { spline, direction, x, parameters, y, log_slopes });
}

struct Transform<'a> {
    spline: Spline,
    direction: Direction,
    x: &'a [f32],
    parameters: &'a [f32],
    y: &'a mut [f32],
    log_slopes: &'a mut [f32],
}

impl Vectorised for Transform<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let count = self.spline.parameters();
        for first in (0..self.x.len()).step_by(S::LANES) {
            let here = S::LANES.min(self.x.len() - first);
            let x = Vector::load(simd, &self.x[first..first + here]);
            let parameters = &self.parameters[first * count..][..here * count];
            let bins = Bins::of(simd, self.spline, parameters);
            let (y, log_slope) = evaluate(&bins, self.direction, x);
            y.store(&mut self.y[first..first + here]);
            log_slope.store(&mut self.log_slopes[first..first + here]);
        }
    }
}

/// Derivatives of Σ `of_y` · y + `of_log_slope` · ln slope, both `[n]`, with respect to x, `[n]` into `of_x`, and to the
/// parameters, into `of_parameters` `[n, spline.parameters()]`; x and `parameters` as for [`transform`].
///
/// # Panics
/// Where the lengths differ from these.
#[expect(clippy::too_many_arguments, reason = "two functions of one point, and their two derivatives")]
pub fn derivatives(
    spline: Spline,
    direction: Direction,
    x: &[f32],
    parameters: &[f32],
    of_y: &[f32],
    of_log_slope: &[f32],
    of_x: &mut [f32],
    of_parameters: &mut [f32],
) {
    let n = x.len();
    assert!(of_y.len() == n && of_log_slope.len() == n && of_x.len() == n);
    assert!(parameters.len() == n * spline.parameters() && of_parameters.len() == parameters.len());
    dispatch(Derivatives { spline, direction, x, parameters, of_y, of_log_slope, of_x, of_parameters });
}

struct Derivatives<'a> {
    spline: Spline,
    direction: Direction,
    x: &'a [f32],
    parameters: &'a [f32],
    of_y: &'a [f32],
    of_log_slope: &'a [f32],
    of_x: &'a mut [f32],
    of_parameters: &'a mut [f32],
}

impl Vectorised for Derivatives<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let count = self.spline.parameters();
        for first in (0..self.x.len()).step_by(S::LANES) {
            let here = S::LANES.min(self.x.len() - first);
            let own = first..first + here;
            let x = Vector::load(simd, &self.x[own.clone()]);
            let gradient =
                [&self.of_y[own.clone()], &self.of_log_slope[own.clone()]].map(|g| Vector::load(simd, g));
            let parameters = &self.parameters[first * count..][..here * count];
            let bins = Bins::of(simd, self.spline, parameters);
            let out = &mut self.of_parameters[first * count..][..here * count];
            backward(&bins, self.direction, x, gradient, out).store(&mut self.of_x[own]);
        }
    }
}
