//! Sums over axes. Accumulated in f64, in an order that the shapes alone decide.
//!
//! The axes of the operand fall into stretches that are summed and stretches that are kept. Where the last stretch is
//! summed, contiguous runs are added up by [`reduce::sum`]; where it is kept, rows of up to [`COLUMNS`] sums are added up
//! one below the other, long columns as a balanced tree.

use super::broadcast::{BLOCK, Runs, broadcast_strides, in_blocks, rows_of_a_block, walk};
use crate::autodiff::{MOST_AXES, Operation, Shape, Var, View};
use crate::kernels::reduce;
use crate::parallel::join;
use crate::simd::{Kernel, Simd, dispatch};

/// Reductions over axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::autodiff) enum Reduction {
    /// Summed over the axes along which this shape is repeated to reach the operand's.
    SumTo(Shape),
}

/// Columns summed at a time: 2 KB of running sums.
const COLUMNS: usize = 256;
/// Rows that one pass adds up before the tree does.
const ROWS: usize = 512;

/// Values of a row below which entering a kernel costs more than adding them up.
const SHORT: usize = 32;

/// Adds up `rows` rows of up to `COLUMNS` columns.
struct ColumnSums<'a> {
    values: &'a [f32],
    stride: usize,
    columns: usize,
    rows: usize,
}

impl Kernel for ColumnSums<'_> {
    type Output = [f64; COLUMNS];

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> [f64; COLUMNS] {
        let mut sums = [0.0; COLUMNS];
        let row = |row: usize| &self.values[row * self.stride..][..self.columns];
        // Four rows at a time: the sums are read and written a quarter as often.
        let fours = self.rows - self.rows % 4;
        for first in (0..fours).step_by(4) {
            let [a, b, c, d] = [row(first), row(first + 1), row(first + 2), row(first + 3)];
            for (column, sum) in sums[..self.columns].iter_mut().enumerate() {
                let upper = f64::from(a[column]) + f64::from(b[column]);
                let lower = f64::from(c[column]) + f64::from(d[column]);
                *sum += upper + lower;
            }
        }
        for last in fours..self.rows {
            for (sum, value) in sums.iter_mut().zip(row(last)) {
                *sum += f64::from(*value);
            }
        }
        sums
    }
}

fn column_sums(values: &[f32], stride: usize, columns: usize, rows: usize) -> [f64; COLUMNS] {
    if rows <= ROWS {
        return dispatch(ColumnSums { values, stride, columns, rows });
    }
    let upper = rows.div_ceil(ROWS) / 2 * ROWS;
    let (mut sums, below) = join(
        || column_sums(values, stride, columns, upper),
        || column_sums(&values[upper * stride..], stride, columns, rows - upper),
    );
    for (sum, below) in sums.iter_mut().zip(below) {
        *sum += below;
    }
    sums
}

/// `[summed, kept]` to `[kept]`.
fn sum_columns(values: &[f32], rows: usize, out: &mut [f32]) {
    let width = out.len();
    let sum = |start: usize, out: &mut [f32]| {
        let values = if rows == 0 { values } else { &values[start..] };
        let sums = column_sums(values, width, out.len(), rows);
        for (out, sum) in out.iter_mut().zip(sums) {
            *out = sum as f32;
        }
    };
    if width * rows >= 4 * BLOCK {
        in_blocks(COLUMNS, out, &sum);
    } else {
        out.chunks_mut(COLUMNS).enumerate().for_each(|(block, out)| sum(block * COLUMNS, out));
    }
}

/// Any other pattern: each sum by itself, over contiguous runs where the last axis is summed.
fn sum_each(narrow: Shape, wide: Shape, values: &[f32], out: &mut [f32]) {
    let kept = Runs::longest(wide, [narrow]);
    let run = if kept.steps == [0] { kept.length } else { 1 };
    let own = broadcast_strides(wide, wide);
    let into = broadcast_strides(narrow, wide);
    let (mut outer, mut summed) = (Shape::SCALAR, Shape::SCALAR);
    let (mut outer_strides, mut summed_strides) = ([0; MOST_AXES], [0; MOST_AXES]);
    let mut left_of_run = wide.elements() / run.max(1);
    for (axis, &length) in wide.iter().enumerate() {
        if left_of_run == 1 {
            break;
        }
        left_of_run /= length;
        if length == 1 {
            continue;
        }
        let (shape, strides) =
            if into[axis] != 0 { (&mut outer, &mut outer_strides) } else { (&mut summed, &mut summed_strides) };
        strides[shape.len()] = own[axis];
        *shape = shape.and(length);
    }
    walk(outer, [outer_strides], &mut |element, [start]| {
        let mut sum = 0.0;
        walk(summed, [summed_strides], &mut |_, [at]| sum += reduce::sum(&values[start + at..][..run]));
        out[element] = sum as f32;
    });
}

fn sum_to(narrow: Shape, wide: Shape, values: &[f32], out: &mut [f32]) {
    if values.is_empty() {
        return out.fill(0.0);
    }
    let pattern = Runs::longest(wide, [narrow]);
    let run = pattern.length;
    let runs = values.len() / run;
    match (pattern.steps, out.len()) {
        (_, 1) => out[0] = reduce::sum(values) as f32,
        // [kept, summed]
        ([0], rows) if rows == runs && run < SHORT => in_blocks(rows_of_a_block(run), out, &|first, out| {
            for (out, row) in out.iter_mut().zip(values[first * run..].chunks_exact(run)) {
                *out = row.iter().copied().map(f64::from).sum::<f64>() as f32;
            }
        }),
        ([0], rows) if rows == runs => in_blocks(rows_of_a_block(run), out, &|first, out| {
            for (row, out) in out.iter_mut().enumerate() {
                *out = reduce::sum(&values[(first + row) * run..][..run]) as f32;
            }
        }),
        // [summed, kept]
        ([1], columns) if columns == run => sum_columns(values, runs, out),
        _ => sum_each(narrow, wide, values, out),
    }
}

impl Operation for Reduction {
    fn name(&self) -> &'static str {
        "sum_to"
    }

    fn shape(&self, operands: &[Shape]) -> Result<Shape, String> {
        let Reduction::SumTo(to) = self;
        match to.broadcast(operands[0]) {
            Some(wide) if wide == operands[0] => Ok(*to),
            _ => Err(format!("{} is not {to} repeated", operands[0])),
        }
    }

    fn forward(&self, operands: &[View<'_, f32>], out: &mut [f32]) {
        let Reduction::SumTo(to) = self;
        sum_to(*to, operands[0].shape, operands[0].values, out);
    }

    fn reference(&self, operands: &[View<'_, f64>], out: &mut [f64]) {
        let (Reduction::SumTo(to), View { values, shape }) = (self, operands[0]);
        out.fill(0.0);
        walk(shape, [broadcast_strides(*to, shape)], &mut |element, [at]| out[at] += values[element]);
    }

    fn gradient<'t>(&self, _: usize, operands: &[Var<'t>], _: Var<'t>, g: Var<'t>) -> Option<Var<'t>> {
        Some(g.broadcast_to(operands[0].shape()))
    }
}
