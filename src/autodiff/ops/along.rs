//! Largest values, logarithms of sums of exponentials and what is made of them, along one axis.

use super::broadcast::{in_blocks, rows_of_a_block};
use super::sixteen::{LANES, add, exp, fold, sixteen, write};
use super::split_at;
use crate::autodiff::{Operation, Shape, Var, View};
use crate::simd::{Simd, Vectorised, dispatch};

/// Reductions and normalisations along an axis.
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

/// Lines along an axis, sixteen numbers at a time: sixteen neighbours of one line where these lie side by side, else one
/// number of each of up to sixteen neighbouring lines.
#[derive(Clone, Copy)]
struct Lines<'a> {
    values: &'a [f32],
    /// Numbers of a line.
    length: usize,
    /// Distance of neighbours in memory.
    stride: usize,
    /// Lines, one where the stride is 1.
    count: usize,
}

/// The larger one, or NaN where one is.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if b > a || b.is_nan() { b } else { a }
}

impl Lines<'_> {
    #[inline(always)]
    fn alone(&self) -> bool {
        self.stride == 1
    }

    /// Starts of the sixteens, and how many numbers each has.
    #[inline(always)]
    fn sixteens(self) -> impl Iterator<Item = (usize, usize)> {
        let (steps, apart) =
            if self.alone() { (self.length.div_ceil(LANES), LANES) } else { (self.length, self.stride) };
        (0..steps).map(move |step| {
            let start = step * apart;
            (start, if self.alone() { LANES.min(self.length - start) } else { self.count })
        })
    }

    #[inline(always)]
    fn read(&self, (start, count): (usize, usize)) -> [f32; LANES] {
        *sixteen(&self.values[..start + count], start, f32::NEG_INFINITY, &mut [0.0; LANES])
    }

    /// The largest of each line, in every lane where there is one line.
    #[inline(always)]
    fn max(self) -> [f32; LANES] {
        let mut max = [f32::NEG_INFINITY; LANES];
        for place in self.sixteens() {
            let x = self.read(place);
            for lane in 0..LANES {
                max[lane] = larger(max[lane], x[lane]);
            }
        }
        if self.alone() { [fold(max, larger); LANES] } else { max }
    }

    /// Shift subtracted before the exponential: the largest, or 0 where that is not finite, so that ±∞ and NaN go
    /// their own way.
    #[inline(always)]
    fn shift(self) -> [f32; LANES] {
        let mut max = self.max();
        for max in &mut max {
            *max = if max.is_finite() { *max } else { 0.0 };
        }
        max
    }

    /// Σ e^(x − `shift`) of each line, calling `each` with the exponentials on the way.
    #[inline(always)]
    fn sum_of_exponentials<S: Simd>(
        self,
        simd: S,
        shift: [f32; LANES],
        mut each: impl FnMut((usize, usize), [f32; LANES]),
    ) -> [f64; LANES] {
        let mut sums = [0.0; LANES];
        for place in self.sixteens() {
            let mut x = self.read(place);
            for lane in 0..LANES {
                x[lane] -= shift[lane];
            }
            let exponentials = exp(simd, &x);
            add(&mut sums, exponentials, LANES);
            each(place, exponentials);
        }
        if self.alone() { [fold(sums, |a, b| a + b); LANES] } else { sums }
    }
}

/// One number for each of some lines.
struct Reduce<'a> {
    kind: Along,
    lines: Lines<'a>,
    out: &'a mut [f32],
}

impl Vectorised for Reduce<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        if let Along::Max { .. } = self.kind {
            let max = self.lines.max();
            return self.out.copy_from_slice(&max[..self.out.len()]);
        }
        let shift = self.lines.shift();
        let sums = self.lines.sum_of_exponentials(simd, shift, |_, _| ());
        for (lane, out) in self.out.iter_mut().enumerate() {
            *out = (f64::from(shift[lane]) + sums[lane].ln()) as f32;
        }
    }
}

/// A line for each of some lines, at the same places of `out`.
struct Replace<'a> {
    kind: Along,
    lines: Lines<'a>,
    out: &'a mut [f32],
}

impl Vectorised for Replace<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Replace { kind, lines, out } = self;
        let shift = lines.shift();
        let softmax = matches!(kind, Along::Softmax { .. });
        let sums = lines.sum_of_exponentials(simd, shift, |(start, count), exponentials| {
            if softmax {
                write(exponentials, &mut out[..start + count], start);
            }
        });
        let (mut factors, mut offsets) = ([0.0; LANES], [0.0; LANES]);
        for lane in (0..LANES).filter(|lane| sums[*lane] != 0.0) {
            (factors[lane], offsets[lane]) = ((1.0 / sums[lane]) as f32, sums[lane].ln() as f32);
        }
        for (start, count) in lines.sixteens() {
            let from = if softmax { &*out } else { lines.values };
            let mut x = *sixteen(&from[..start + count], start, 0.0, &mut [0.0; LANES]);
            for lane in 0..LANES {
                x[lane] = if softmax { x[lane] * factors[lane] } else { (x[lane] - shift[lane]) - offsets[lane] };
            }
            write(x, &mut out[..start + count], start);
        }
    }
}

/// One number for each line along an axis.
fn reduce(kind: Along, view: View<'_, f32>, out: &mut [f32]) {
    let (outer, length, inner) = split_at(view.shape, kind.axis());
    let block = match (outer, inner) {
        (_, 1) => rows_of_a_block(length),
        (1, _) => rows_of_a_block(length * LANES) * LANES,
        _ => rows_of_a_block(length * inner) * inner,
    };
    in_blocks(block, out, &|first, out| {
        let mut done = 0;
        while done < out.len() {
            let (slab, line) = ((first + done) / inner, (first + done) % inner);
            let count = if inner == 1 { 1 } else { LANES.min(inner - line).min(out.len() - done) };
            let values = view.values.get(slab * length * inner + line..).unwrap_or(&[]);
            let lines = Lines { values, length, stride: inner, count };
            dispatch(Reduce { kind, lines, out: &mut out[done..done + count] });
            done += count;
        }
    });
}

/// A line along an axis for each of the operand's.
fn replace(kind: Along, view: View<'_, f32>, out: &mut [f32]) {
    let (_, length, inner) = split_at(view.shape, kind.axis());
    let slab = length * inner;
    in_blocks(rows_of_a_block(slab) * slab, out, &|start, out| {
        let slabs = view.values[start..start + out.len()].chunks_exact(slab);
        for (values, out) in slabs.zip(out.chunks_exact_mut(slab)) {
            let step = if inner == 1 { 1 } else { LANES };
            for line in (0..inner).step_by(step) {
                let lines =
                    Lines { values: &values[line..], length, stride: inner, count: step.min(inner - line) };
                dispatch(Replace { kind, lines, out: &mut out[line..] });
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
        match self {
            Along::Max { .. } | Along::LogSumExp { .. } => reduce(*self, operands[0], out),
            Along::Softmax { .. } | Along::LogSoftmax { .. } => replace(*self, operands[0], out),
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
