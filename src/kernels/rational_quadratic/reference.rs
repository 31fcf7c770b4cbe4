//! The spline in f64, as plainly as it can be written, and its derivatives by dual numbers.

use super::{Direction, LEAST, Spline};
use std::ops::{Add, Div, Mul, Sub};

/// A number with its derivative: x + x′ε, ε² = 0.
#[derive(Clone, Copy, Debug)]
struct Dual(f64, f64);

impl Dual {
    fn constant(x: f64) -> Self {
        Dual(x, 0.0)
    }
    fn exp(self) -> Self {
        Dual(self.0.exp(), self.0.exp() * self.1)
    }
    fn ln(self) -> Self {
        Dual(self.0.ln(), self.1 / self.0)
    }
    fn sqrt(self) -> Self {
        Dual(self.0.sqrt(), 0.5 * self.1 / self.0.sqrt())
    }
}

impl Add for Dual {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Dual(self.0 + other.0, self.1 + other.1)
    }
}

impl Sub for Dual {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Dual(self.0 - other.0, self.1 - other.1)
    }
}

impl Mul for Dual {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        Dual(self.0 * other.0, self.1 * other.0 + self.0 * other.1)
    }
}

impl Div for Dual {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        let quotient = self.0 / other.0;
        Dual(quotient, (self.1 - quotient * other.1) / other.0)
    }
}

/// The knots along an axis, from its unconstrained parameters.
fn knots(spline: Spline, raw: &[Dual]) -> Vec<Dual> {
    let bound = f64::from(spline.bound);
    let largest = raw.iter().fold(f64::NEG_INFINITY, |largest, raw| largest.max(raw.0));
    let weights: Vec<Dual> = raw.iter().map(|&raw| (raw - Dual::constant(largest)).exp()).collect();
    let sum = weights.iter().fold(Dual::constant(0.0), |sum, &weight| sum + weight);
    let least = f64::from(LEAST);
    let mut knots = vec![Dual::constant(-bound)];
    for weight in weights {
        let share = Dual::constant(least) + Dual::constant(1.0 - raw.len() as f64 * least) * weight / sum;
        knots.push(knots[knots.len() - 1] + Dual::constant(2.0 * bound) * share);
    }
    knots
}

/// Value and log-slope at x of the spline with these parameters.
fn at(spline: Spline, direction: Direction, x: Dual, parameters: &[Dual]) -> (Dual, Dual) {
    let bound = f64::from(spline.bound);
    if !(x.0 > -bound && x.0 < bound) {
        return (x, Dual::constant(0.0));
    }
    let (number, one, two) = (spline.bins, Dual::constant(1.0), Dual::constant(2.0));
    let across = knots(spline, &parameters[..number]);
    let up = knots(spline, &parameters[number..2 * number]);
    let least = f64::from(LEAST);
    let level = Dual::constant((1.0 - least).exp_m1().ln());
    let slope = |knot: usize| {
        if knot == 0 || knot == number {
            return one;
        }
        Dual::constant(least) + (one + (parameters[2 * number + knot - 1] + level).exp()).ln()
    };
    let along = if direction == Direction::Forward { &across } else { &up };
    let bin = (0..number).rev().find(|&bin| x.0 >= along[bin].0).unwrap_or(0);
    let (w, h) = (across[bin + 1] - across[bin], up[bin + 1] - up[bin]);
    let (d0, d1, s) = (slope(bin), slope(bin + 1), h / w);
    let bend = d0 + d1 - two * s;
    let xi = match direction {
        Direction::Forward => (x - across[bin]) / w,
        Direction::Inverse => {
            let rise = x - up[bin];
            let (a, b, c) = (h * (s - d0) + rise * bend, h * d0 - rise * bend, s * rise);
            two * c / (b + (b * b + Dual::constant(4.0) * a * c).sqrt())
        }
    };
    let q = xi * (one - xi);
    let denominator = s + bend * q;
    let slope = s * s * (d1 * xi * xi + two * s * q + d0 * (one - xi) * (one - xi)) / (denominator * denominator);
    match direction {
        Direction::Forward => (up[bin] + h * (s * xi * xi + d0 * q) / denominator, slope.ln()),
        Direction::Inverse => (across[bin] + w * xi, Dual::constant(0.0) - slope.ln()),
    }
}

/// Value and log-slope at `x` of the spline with these parameters.
pub(crate) fn reference(spline: Spline, direction: Direction, x: f64, parameters: &[f64]) -> (f64, f64) {
    let parameters: Vec<Dual> = parameters.iter().copied().map(Dual::constant).collect();
    let (value, log_slope) = at(spline, direction, Dual::constant(x), &parameters);
    (value.0, log_slope.0)
}

/// The derivatives of g_y y + g_l ln slope by x, then by each parameter.
pub(crate) fn derivatives_reference(
    spline: Spline,
    direction: Direction,
    x: f64,
    parameters: &[f64],
    [of_value, of_log_slope]: [f64; 2],
) -> Vec<f64> {
    let derivative = |wanted: usize| {
        let moved = |index: usize, x: f64| Dual(x, f64::from(u8::from(index == wanted)));
        let parameters: Vec<Dual> =
            parameters.iter().enumerate().map(|(index, &parameter)| moved(index + 1, parameter)).collect();
        let (value, log_slope) = at(spline, direction, moved(0, x), &parameters);
        of_value * value.1 + of_log_slope * log_slope.1
    };
    (0..=parameters.len()).map(derivative).collect()
}
