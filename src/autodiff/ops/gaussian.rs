//! Gaussians with diagonal covariance: log-density, divergence from the standard one, reparameterised draws.

use super::broadcast::{Runs, in_blocks, map_reference, meet, parts, rows_of_a_block};
use super::sixteen::{LANES, add, exp, fold, sixteen, write};
use crate::autodiff::{Operation, Shape, Var, View};
use crate::simd::{Kernel, Simd, dispatch};

/// Gaussians given by mean μ and log-variance s = ln σ². All operands are repeated to a common shape `[.., n]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::autodiff) enum Gaussian {
    /// −½ Σ (ln 2π + s + (x − μ)² e⁻ˢ) over the last axis: operands x, μ, s.
    LogDensity,
    /// KL(N(μ, σ²) ‖ N(0, 1)) = ½ Σ (eˢ + μ² − 1 − s) over the last axis: operands μ, s.
    Kl,
    /// μ + e^(s/2) ε: operands μ, s, ε.
    Reparameterise,
}

const LN_2_PI: f64 = 1.837_877_066_409_345_3;

/// Rows from row `first` on, of each element of which `term` is made, with e^`exponent`.
struct Rows<'a, E, T, const N: usize> {
    operands: [&'a [f32]; N],
    runs: &'a Runs<N>,
    first: usize,
    exponent: E,
    term: T,
}

impl<E: Fn([f32; N]) -> f32, T: Fn([f32; N], f32) -> f32, const N: usize> Rows<'_, E, T, N> {
    /// The terms of a row's sixteen elements from `start` on; those past its end mean nothing.
    #[inline(always)]
    fn terms<S: Simd>(&self, simd: S, at: [usize; N], start: usize) -> [f32; LANES] {
        let length = self.runs.length;
        let mut x = [[0.0; LANES]; N];
        for operand in 0..N {
            let values = &self.operands[operand][at[operand]..];
            x[operand] = match self.runs.steps[operand] {
                0 => [values[0]; LANES],
                _ => *sixteen(&values[..length], start, 0.0, &mut [0.0; LANES]),
            };
        }
        let (mut exponents, mut terms) = ([0.0; LANES], [0.0; LANES]);
        for lane in 0..LANES {
            exponents[lane] = (self.exponent)(lane_of(&x, lane));
        }
        let exponentials = exp(simd, &exponents);
        for lane in 0..LANES {
            terms[lane] = (self.term)(lane_of(&x, lane), exponentials[lane]);
        }
        terms
    }
}

/// One number of each operand.
#[inline(always)]
fn lane_of<const N: usize>(x: &[[f32; LANES]; N], lane: usize) -> [f32; N] {
    let mut numbers = [0.0; N];
    for operand in 0..N {
        numbers[operand] = x[operand][lane];
    }
    numbers
}

/// The sum of each row.
struct Summed<'a, R>(R, &'a mut [f32]);

impl<E: Fn([f32; N]) -> f32, T: Fn([f32; N], f32) -> f32, const N: usize> Kernel
    for Summed<'_, Rows<'_, E, T, N>>
{
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Summed(rows, out) = self;
        let length = rows.runs.length;
        let mut walk = rows.runs.walk_from(rows.first);
        for out in out {
            let at = walk.next_run();
            let mut sums = [0.0; LANES];
            for start in (0..length).step_by(LANES) {
                add(&mut sums, rows.terms(simd, at, start), length - start);
            }
            *out = fold(sums, |a, b| a + b) as f32;
        }
    }
}

/// All terms.
struct Written<'a, R>(R, &'a mut [f32]);

impl<E: Fn([f32; N]) -> f32, T: Fn([f32; N], f32) -> f32, const N: usize> Kernel
    for Written<'_, Rows<'_, E, T, N>>
{
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Written(rows, out) = self;
        let length = rows.runs.length;
        let mut walk = rows.runs.walk_from(rows.first);
        for out in out.chunks_exact_mut(length) {
            let at = walk.next_run();
            for start in (0..length).step_by(LANES) {
                write(rows.terms(simd, at, start), out, start);
            }
        }
    }
}

/// Σ `term` over the last axis, in f64.
fn sum_rows<const N: usize>(
    operands: [View<'_, f32>; N],
    out: &mut [f32],
    exponent: impl Fn([f32; N]) -> f32 + Copy + Sync,
    term: impl Fn([f32; N], f32) -> f32 + Copy + Sync,
) {
    let joint = joint(&operands);
    let (shapes, operands) = parts(operands);
    let runs = Runs::rows(joint, shapes);
    in_blocks(rows_of_a_block(runs.length), out, &|first, out| {
        dispatch(Summed(Rows { operands, runs: &runs, first, exponent, term }, out));
    });
}

fn joint<T>(operands: &[View<'_, T>]) -> Shape {
    operands.iter().fold(Shape::SCALAR, |joint, view| joint.broadcast(view.shape).expect("checked"))
}

/// Σ `term` over the last axis, in f64.
fn sum_rows_reference<const N: usize>(
    operands: [View<'_, f64>; N],
    out: &mut [f64],
    term: impl Fn([f64; N]) -> f64,
) {
    let shape = joint(&operands);
    let mut terms = vec![0.0; shape.elements()];
    map_reference(operands, shape, &mut terms, term);
    let width = shape[shape.len() - 1];
    for (row, out) in out.iter_mut().enumerate() {
        *out = terms[row * width..][..width].iter().sum();
    }
}

impl Operation for Gaussian {
    fn name(&self) -> &'static str {
        match self {
            Gaussian::LogDensity => "gaussian_log_density",
            Gaussian::Kl => "gaussian_kl",
            Gaussian::Reparameterise => "reparameterise",
        }
    }

    fn shape(&self, operands: &[Shape]) -> Result<Shape, String> {
        let wide = meet(operands)?;
        match self {
            Gaussian::Reparameterise => Ok(wide),
            _ if wide.is_empty() => Err("scalars alone: wanted a last axis to sum over".to_owned()),
            _ => Ok(Shape::new(&wide[..wide.len() - 1])),
        }
    }

    fn forward(&self, operands: &[View<'_, f32>], out: &mut [f32]) {
        match self {
            Gaussian::LogDensity => {
                let all = [operands[0], operands[1], operands[2]];
                sum_rows(
                    all,
                    out,
                    |[_, _, s]| -s,
                    |[x, mean, s], precision| -0.5 * (LN_2_PI as f32 + s + (x - mean) * (x - mean) * precision),
                );
            }
            Gaussian::Kl => {
                let both = [operands[0], operands[1]];
                sum_rows(both, out, |[_, s]| s, |[mean, s], variance| 0.5 * (mean * mean + (variance - 1.0 - s)));
            }
            Gaussian::Reparameterise => {
                let all = [operands[0], operands[1], operands[2]];
                let (shapes, operands) = parts(all);
                let runs = Runs::rows(joint(&all), shapes);
                let length = runs.length;
                in_blocks(rows_of_a_block(length) * length, out, &|start, out| {
                    let (exponent, first) = (|[_, s, _]: [f32; 3]| 0.5 * s, start / length);
                    let term = |[mean, _, noise]: [f32; 3], deviation: f32| mean + deviation * noise;
                    dispatch(Written(Rows { operands, runs: &runs, first, exponent, term }, out));
                });
            }
        }
    }

    fn reference(&self, operands: &[View<'_, f64>], out: &mut [f64]) {
        match self {
            Gaussian::LogDensity => {
                let all = [operands[0], operands[1], operands[2]];
                sum_rows_reference(all, out, |[x, mean, s]| {
                    -0.5 * (LN_2_PI + s + (x - mean) * (x - mean) * (-s).exp())
                });
            }
            Gaussian::Kl => {
                let both = [operands[0], operands[1]];
                sum_rows_reference(both, out, |[mean, s]| 0.5 * (s.exp() + mean * mean - 1.0 - s));
            }
            Gaussian::Reparameterise => {
                let all = [operands[0], operands[1], operands[2]];
                map_reference(all, joint(&all), out, |[mean, s, noise]| mean + (0.5 * s).exp() * noise);
            }
        }
    }

    fn gradient<'t>(&self, wanted: usize, operands: &[Var<'t>], _: Var<'t>, g: Var<'t>) -> Option<Var<'t>> {
        let shapes: Vec<Shape> = operands.iter().map(|var| var.shape()).collect();
        let wide = meet(&shapes).expect("checked when it was recorded");
        let row = |var: Var<'t>| var.reshape(var.shape().and(1));
        let part = match self {
            Gaussian::LogDensity => {
                let (x, mean, s) = (operands[0], operands[1], operands[2]);
                let (difference, precision) = (x - mean, (-s).exp());
                match wanted {
                    0 => -(row(g) * (difference * precision)),
                    1 => row(g) * (difference * precision),
                    _ => row(g) * (difference.square() * precision - 1.0) * 0.5,
                }
            }
            Gaussian::Kl if wanted == 0 => row(g) * operands[0],
            Gaussian::Kl => row(g) * (operands[1].exp() - 1.0) * 0.5,
            Gaussian::Reparameterise => {
                let (deviation, noise) = ((operands[1] * 0.5).exp(), operands[2]);
                match wanted {
                    0 => g,
                    1 => g * (deviation * noise) * 0.5,
                    _ => g * deviation,
                }
            }
        };
        Some(part.broadcast_to(wide).sum_to(shapes[wanted]))
    }
}
