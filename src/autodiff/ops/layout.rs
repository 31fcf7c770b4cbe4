//! Moving numbers about: no arithmetic, but for the sum of what is scattered to one place.

use super::broadcast::{broadcast_strides, in_blocks, map, rows_of_a_block, walk};
use super::split_at;
use crate::autodiff::op::Op;
use crate::autodiff::{MOST_AXES, Operation, Shape, Var, View};
use crate::simd::{Simd, Vectorised, dispatch};

/// Moving numbers about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::autodiff) enum Layout {
    /// The same numbers in another shape.
    Reshape(Shape),
    /// Repeated along missing axes and axes of length 1.
    BroadcastTo(Shape),
    /// Axis i of the result is axis `order[i]` of the operand.
    Transpose { order: Shape },
    /// `length` of an axis, from `start` on.
    Slice { axis: usize, start: usize, length: usize },
    /// Zeros before and after, along an axis.
    Pad { axis: usize, before: usize, after: usize },
    /// All operands one after another along an axis.
    Concat { axis: usize },
    /// Rows of a table: operands table `[rows, ..]` and indices `[m]`.
    Gather,
    /// The sum of the rows that go to each index: operands values `[m, ..]` and indices `[m]`.
    ScatterAdd { rows: usize },
    /// The same numbers, through which no derivative passes.
    StopGradient,
}

/// The index that a number stands for. An f32 holds each up to 2²⁴ exactly.
///
/// # Panics
/// When it is not a whole number below `rows`: where it came from is data, which a caller checks before.
pub(super) fn row_index(operation: &str, value: f64, rows: usize) -> usize {
    assert!(
        value >= 0.0 && value < rows as f64 && value.fract() == 0.0,
        "{operation}: index {value}: wanted a whole number from 0 to {} below {rows}",
        rows.saturating_sub(1)
    );
    value as usize
}

/// Strided copies: `count` stretches of `length` from `source`, whose starts are `source_stride` apart, to `target`.
fn stretches<T: Copy>(source: (&[T], usize), target: (&mut [T], usize), length: usize, count: usize) {
    // A few numbers are copied before a function that copies many has begun.
    match length {
        1 => short_stretches::<T, 1>(source, target, count),
        2 => short_stretches::<T, 2>(source, target, count),
        3 => short_stretches::<T, 3>(source, target, count),
        4 => short_stretches::<T, 4>(source, target, count),
        _ => {
            for index in 0..count {
                let from = &source.0[index * source.1..][..length];
                target.0[index * target.1..][..length].copy_from_slice(from);
            }
        }
    }
}

/// The same of a length that is known.
fn short_stretches<T: Copy, const LENGTH: usize>(
    (source, source_stride): (&[T], usize),
    (target, target_stride): (&mut [T], usize),
    count: usize,
) {
    for index in 0..count {
        let from = source[index * source_stride..].first_chunk::<LENGTH>().expect("a stretch");
        *target[index * target_stride..].first_chunk_mut().expect("a stretch") = *from;
    }
}

/// `[rows, cols]` to rows `first` and on of `[cols, rows]`.
struct Turn<'a> {
    source: &'a [f32],
    rows: usize,
    cols: usize,
    first: usize,
    out: &'a mut [f32],
}

/// Columns and rows that are turned together: a cache line of either.
const SIDE: usize = 16;
/// The side of the tile that fits the registers.
const TILE: usize = 8;

impl Turn<'_> {
    /// The tile at this row and column of the source, cut off at its ends.
    #[inline(always)]
    fn tile<S: Simd>(&mut self, simd: S, row: usize, column: usize, columns: usize) {
        let (rows, cols) = (self.rows, self.cols);
        if row + TILE <= rows && column + TILE <= columns {
            let (source, out) =
                (&self.source[row * cols + self.first + column..], &mut self.out[column * rows + row..]);
            assert!(source.len() > 7 * cols + 7 && out.len() > 7 * rows + 7);
            // SAFETY: eight rows of eight floats at these strides lie within both, as just asserted.
            unsafe { simd.transpose_tile(source.as_ptr(), cols, out.as_mut_ptr(), rows) };
            return;
        }
        for c in column..columns.min(column + TILE) {
            for r in row..rows.min(row + TILE) {
                self.out[c * rows + r] = self.source[r * cols + self.first + c];
            }
        }
    }
}

impl Vectorised for Turn<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let columns = self.out.len() / self.rows;
        for column in (0..columns).step_by(SIDE) {
            for row in (0..self.rows).step_by(TILE) {
                self.tile(simd, row, column, columns);
                self.tile(simd, row, column + TILE, columns);
            }
        }
    }
}

/// `[rows, cols]` to `[cols, rows]`.
fn transpose_matrix(source: &[f32], rows: usize, cols: usize, out: &mut [f32]) {
    in_blocks(rows_of_a_block(rows).next_multiple_of(SIDE) * rows, out, &|start, out| {
        dispatch(Turn { source, rows, cols, first: start / rows, out });
    });
}

impl Layout {
    /// The result of each kind, for numbers of any type.
    fn place<T: Copy + Default + Into<f64> + std::ops::AddAssign>(&self, operands: &[View<'_, T>], out: &mut [T]) {
        let View { values, shape } = operands[0];
        match *self {
            Layout::Reshape(_) | Layout::StopGradient => out.copy_from_slice(values),
            Layout::BroadcastTo(wide) => {
                walk(wide, [broadcast_strides(shape, wide)], &mut |element, [at]| out[element] = values[at]);
            }
            Layout::Transpose { order } => {
                let own = row_major_strides(shape);
                let (mut strides, mut turned) = ([0; MOST_AXES], shape);
                for (axis, &from) in order.iter().enumerate() {
                    strides[axis] = own[from];
                    turned = turned.with(axis, shape[from]);
                }
                walk(turned, [strides], &mut |element, [at]| out[element] = values[at]);
            }
            Layout::Slice { axis, start, length } => {
                let (outer, whole, inner) = split_at(shape, axis);
                if !out.is_empty() {
                    let source = (&values[start * inner..], whole * inner);
                    stretches(source, (out, length * inner), length * inner, outer);
                }
            }
            Layout::Pad { axis, before, after } => {
                let (outer, length, inner) = split_at(shape, axis);
                out.fill(T::default());
                if !values.is_empty() {
                    let target = (&mut out[before * inner..], (before + length + after) * inner);
                    stretches((values, length * inner), target, length * inner, outer);
                }
            }
            Layout::Concat { axis } => {
                let whole: usize = operands.iter().map(|view| view.shape[axis]).sum();
                let mut start = 0;
                for View { values, shape } in operands.iter().filter(|view| !view.values.is_empty()) {
                    let (outer, length, inner) = split_at(*shape, axis);
                    let target = (&mut out[start * inner..], whole * inner);
                    stretches((*values, length * inner), target, length * inner, outer);
                    start += length;
                }
            }
            Layout::Gather => {
                let (rows, width) = (shape[0], shape[1..].iter().product::<usize>());
                for (row, index) in operands[1].values.iter().enumerate() {
                    let from = row_index("gather", (*index).into(), rows) * width;
                    out[row * width..][..width].copy_from_slice(&values[from..][..width]);
                }
            }
            Layout::ScatterAdd { rows } => {
                let width = shape[1..].iter().product::<usize>();
                out.fill(T::default());
                for (row, index) in operands[1].values.iter().enumerate() {
                    let to = row_index("scatter_add", (*index).into(), rows) * width;
                    for (sum, value) in out[to..][..width].iter_mut().zip(&values[row * width..]) {
                        *sum += *value;
                    }
                }
            }
        }
    }
}

fn row_major_strides(shape: Shape) -> [usize; MOST_AXES] {
    let mut strides = [1; MOST_AXES];
    for axis in (0..shape.len().saturating_sub(1)).rev() {
        strides[axis] = strides[axis + 1] * shape[axis + 1];
    }
    strides
}

fn axis_of(shape: Shape, axis: usize) -> Result<usize, String> {
    shape.get(axis).copied().ok_or_else(|| format!("no axis {axis} in {shape}"))
}

fn rows_and_indices(rows: Shape, indices: Shape) -> Result<(), String> {
    if rows.is_empty() || indices.len() != 1 {
        return Err(format!("rows {rows} and indices {indices}: wanted [rows, ..] and [m]"));
    }
    Ok(())
}

impl Operation for Layout {
    fn name(&self) -> &'static str {
        match self {
            Layout::Reshape(_) => "reshape",
            Layout::BroadcastTo(_) => "broadcast_to",
            Layout::Transpose { .. } => "transpose",
            Layout::Slice { .. } => "slice",
            Layout::Pad { .. } => "pad",
            Layout::Concat { .. } => "concat",
            Layout::Gather => "gather",
            Layout::ScatterAdd { .. } => "scatter_add",
            Layout::StopGradient => "stop_gradient",
        }
    }

    fn shape(&self, operands: &[Shape]) -> Result<Shape, String> {
        let Some(&from) = operands.first() else { return Err("no operands".to_owned()) };
        match *self {
            Layout::Reshape(to) if to.elements() == from.elements() => Ok(to),
            Layout::Reshape(to) => Err(format!("{} elements of {from} into {to}", from.elements())),
            Layout::BroadcastTo(to) if from.broadcast(to) == Some(to) => Ok(to),
            Layout::BroadcastTo(to) => Err(format!("{from} does not spread to {to}")),
            Layout::Transpose { order } => {
                if order.len() != from.len() || !(0..from.len()).all(|axis| order.contains(&axis)) {
                    return Err(format!("axes {order} of {from}: wanted each axis once"));
                }
                Ok(order.iter().enumerate().fold(from, |to, (axis, &old)| to.with(axis, from[old])))
            }
            Layout::Slice { axis, start, length } => {
                let whole = axis_of(from, axis)?;
                if start.checked_add(length).is_none_or(|end| end > whole) {
                    return Err(format!("{length} from {start} on along axis {axis} of {from}"));
                }
                Ok(from.with(axis, length))
            }
            Layout::Pad { axis, before, after } => Ok(from.with(axis, before + axis_of(from, axis)? + after)),
            Layout::Concat { axis } => {
                let mut whole = 0;
                for shape in operands {
                    whole += axis_of(*shape, axis)?;
                    if shape.len() != from.len() || shape.with(axis, from[axis]) != from {
                        return Err(format!("{from} and {shape} along axis {axis}: other axes differ"));
                    }
                }
                Ok(from.with(axis, whole))
            }
            Layout::Gather => {
                rows_and_indices(from, operands[1])?;
                Ok(from.with(0, operands[1][0]))
            }
            Layout::ScatterAdd { rows } => {
                rows_and_indices(from, operands[1])?;
                if from[0] != operands[1][0] {
                    return Err(format!("rows {from} to indices {}: wanted one index a row", operands[1]));
                }
                Ok(from.with(0, rows))
            }
            Layout::StopGradient => Ok(from),
        }
    }

    fn forward(&self, operands: &[View<'_, f32>], out: &mut [f32]) {
        let View { values, shape } = operands[0];
        match *self {
            Layout::BroadcastTo(wide) => map([operands[0]], wide, out, |[x]| x),
            Layout::Transpose { order } if *order == [1, 0] => transpose_matrix(values, shape[0], shape[1], out),
            _ => self.place(operands, out),
        }
    }

    fn reference(&self, operands: &[View<'_, f64>], out: &mut [f64]) {
        self.place(operands, out);
    }

    fn gradient<'t>(&self, wanted: usize, operands: &[Var<'t>], _: Var<'t>, g: Var<'t>) -> Option<Var<'t>> {
        let from = operands[wanted].shape();
        Some(match *self {
            Layout::Reshape(_) => g.reshape(from),
            Layout::BroadcastTo(_) => g.sum_to(from),
            Layout::Transpose { order } => {
                let back = order.iter().enumerate().fold(order, |back, (axis, &old)| back.with(old, axis));
                g.transpose(&back)
            }
            Layout::Slice { axis, start, length } => g.pad(axis, start, from[axis] - start - length),
            Layout::Pad { axis, before, .. } => g.slice(axis, before, from[axis]),
            Layout::Concat { axis } => {
                let start = operands[..wanted].iter().map(|operand| operand.shape()[axis]).sum();
                g.slice(axis, start, from[axis])
            }
            Layout::Gather if wanted == 0 => {
                g.tape().push(Op::Layout(Layout::ScatterAdd { rows: from[0] }), &[g, operands[1]])
            }
            Layout::ScatterAdd { .. } if wanted == 0 => g.gather(operands[1]),
            Layout::Gather | Layout::ScatterAdd { .. } | Layout::StopGradient => return None,
        })
    }
}
