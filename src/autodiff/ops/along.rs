//! Largest values, logarithms of sums of exponentials and what is made of them, along one axis.

use super::broadcast::{in_blocks, rows_of_a_block};
use super::split_at;
use crate::autodiff::{Operation, Shape, Var, View};
use crate::kernels::elementwise;

/// What is done along an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::autodiff) enum Along {
    /// The largest value, NaN where one is; the axis stays, with length 1. Equal ones share the derivative equally.
    Max { axis: usize },
    /// ln Σ eˣ; the axis stays, with length 1. −∞ where all are, and for no values.
    LogSumExp { axis: usize },
    /// eˣ / Σ eˣ. Zeros where all are −∞.
    Softmax { axis: usize },
    /// x − ln Σ eˣ. −∞ where all are.
    LogSoftmax { axis: usize },
}

/// Values exponentiated at a time, in a buffer on the stack.
const CHUNK: usize = 256;

/// Values `stride` apart.
#[derive(Clone, Copy)]
struct Line<'a> {
    values: &'a [f32],
    stride: usize,
    length: usize,
}

impl Line<'_> {
    fn at(self, index: usize) -> f32 {
        self.values[index * self.stride]
    }

    fn max(self) -> f32 {
        let larger = |a: f32, b: f32| if b > a || b.is_nan() { b } else { a };
        (0..self.length).fold(f32::NEG_INFINITY, |max, index| larger(max, self.at(index)))
    }

    /// Σ e^(x − `max`), calling `each` with the exponentials on the way.
    fn sum_of_exponentials(self, max: f32, mut each: impl FnMut(usize, f32)) -> f64 {
        let mut buffer = [0.0; CHUNK];
        let mut sum = 0.0;
        for start in (0..self.length).step_by(CHUNK) {
            let chunk = &mut buffer[..CHUNK.min(self.length - start)];
            for (index, value) in chunk.iter_mut().enumerate() {
                *value = self.at(start + index) - max;
            }
            elementwise::exp(chunk);
            for (index, value) in chunk.iter().enumerate() {
                sum += f64::from(*value);
                each(start + index, *value);
            }
        }
        sum
    }

    fn log_sum_exp(self) -> f32 {
        let max = self.max();
        if !max.is_finite() {
            return max;
        }
        (f64::from(max) + self.sum_of_exponentials(max, |_, _| ()).ln()) as f32
    }

    fn softmax_into(self, out: &mut [f32]) {
        let max = self.max();
        if max == f32::NEG_INFINITY {
            return (0..self.length).for_each(|index| out[index * self.stride] = 0.0);
        }
        let sum = self.sum_of_exponentials(max, |index, value| out[index * self.stride] = value);
        let factor = (1.0 / sum) as f32;
        for index in 0..self.length {
            out[index * self.stride] *= factor;
        }
    }

    fn log_softmax_into(self, out: &mut [f32]) {
        let max = self.max();
        if max == f32::NEG_INFINITY {
            return (0..self.length).for_each(|index| out[index * self.stride] = max);
        }
        let log_sum = self.sum_of_exponentials(max, |_, _| ()).ln() as f32;
        for index in 0..self.length {
            out[index * self.stride] = (self.at(index) - max) - log_sum;
        }
    }
}

/// One number for each line along `axis`.
fn reduce(view: View<'_, f32>, axis: usize, out: &mut [f32], reduce: impl Fn(Line<'_>) -> f32 + Sync) {
    let (_, length, inner) = split_at(view.shape, axis);
    in_blocks(rows_of_a_block(length), out, |first, out| {
        for (line, out) in out.iter_mut().enumerate() {
            let line = first + line;
            let start = line / inner * length * inner + line % inner;
            let values = view.values.get(start..).unwrap_or(&[]);
            *out = reduce(Line { values, stride: inner, length });
        }
    });
}

/// A line along `axis` for each of the operand's.
fn replace(view: View<'_, f32>, axis: usize, out: &mut [f32], replace: impl Fn(Line<'_>, &mut [f32]) + Sync) {
    let (_, length, inner) = split_at(view.shape, axis);
    let slab = length * inner;
    in_blocks(rows_of_a_block(slab) * slab, out, |start, out| {
        let slabs = view.values[start..start + out.len()].chunks_exact(slab);
        for (values, out) in slabs.zip(out.chunks_exact_mut(slab)) {
            for line in 0..inner {
                replace(Line { values: &values[line..], stride: inner, length }, &mut out[line..]);
            }
        }
    });
}

impl Along {
    fn axis(self) -> usize {
        match self {
            Along::Max { axis }
            | Along::LogSumExp { axis }
            | Along::Softmax { axis }
            | Along::LogSoftmax { axis } => axis,
        }
    }

    /// A line in f64.
    fn line_reference(self, line: &[f64], out: impl FnMut((usize, f64))) {
        let max = line.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = line.iter().map(|x| if max.is_finite() { (x - max).exp() } else { 0.0 }).sum();
        let log_sum_exp = if max.is_finite() { max + sum.ln() } else { max };
        match self {
            Along::Max { .. } => std::iter::once(max).enumerate().for_each(out),
            Along::LogSumExp { .. } => std::iter::once(log_sum_exp).enumerate().for_each(out),
            Along::Softmax { .. } if max == f64::NEG_INFINITY => {
                line.iter().map(|_| 0.0).enumerate().for_each(out)
            }
            Along::Softmax { .. } => line.iter().map(|x| (x - log_sum_exp).exp()).enumerate().for_each(out),
            Along::LogSoftmax { .. } if max == f64::NEG_INFINITY => line.iter().copied().enumerate().for_each(out),
            Along::LogSoftmax { .. } => line.iter().map(|x| x - log_sum_exp).enumerate().for_each(out),
        }
    }
}

impl Operation for Along {
    fn name(&self) -> &'static str {
        match self {
            Along::Max { .. } => "max_axis",
            Along::LogSumExp { .. } => "logsumexp",
            Along::Softmax { .. } => "softmax",
            Along::LogSoftmax { .. } => "log_softmax",
        }
    }

    fn shape(&self, operands: &[Shape]) -> Result<Shape, String> {
        let (from, axis) = (operands[0], self.axis());
        let Some(&length) = from.get(axis) else { return Err(format!("no axis {axis} in {from}")) };
        match self {
            Along::Max { .. } if length == 0 => Err(format!("of no values along axis {axis} of {from}")),
            Along::Max { .. } | Along::LogSumExp { .. } => Ok(from.with(axis, 1)),
            Along::Softmax { .. } | Along::LogSoftmax { .. } => Ok(from),
        }
    }

    fn forward(&self, operands: &[View<'_, f32>], out: &mut [f32]) {
        match *self {
            Along::Max { axis } => reduce(operands[0], axis, out, |line| line.max()),
            Along::LogSumExp { axis } => reduce(operands[0], axis, out, |line| line.log_sum_exp()),
            Along::Softmax { axis } => replace(operands[0], axis, out, |line, out| line.softmax_into(out)),
            Along::LogSoftmax { axis } => replace(operands[0], axis, out, |line, out| line.log_softmax_into(out)),
        }
    }

    fn reference(&self, operands: &[View<'_, f64>], out: &mut [f64]) {
        let View { values, shape } = operands[0];
        let (outer, length, inner) = split_at(shape, self.axis());
        let result_length = if out.len() == values.len() { length } else { 1 };
        for outer in 0..outer {
            for inner_index in 0..inner {
                let line: Vec<f64> =
                    (0..length).map(|index| values[(outer * length + index) * inner + inner_index]).collect();
                self.line_reference(&line, |(index, value)| {
                    out[(outer * result_length + index) * inner + inner_index] = value;
                });
            }
        }
    }

    fn gradient<'t>(&self, _: usize, operands: &[Var<'t>], result: Var<'t>, g: Var<'t>) -> Option<Var<'t>> {
        let x = operands[0];
        let along = |var: Var<'t>| var.sum_to(var.shape().with(self.axis(), 1));
        Some(match *self {
            Along::Max { .. } => {
                let largest = x.equal(result);
                g / along(largest) * largest
            }
            Along::LogSumExp { axis } => g * x.softmax(axis),
            Along::Softmax { .. } => result * (g - along(g * result)),
            Along::LogSoftmax { axis } => g - x.softmax(axis) * along(g),
        })
    }
}
