//! A task: a rectangle of the product from one operand that is packed and one that it packs itself.

use super::pack::{Panel, block_of};
use super::tile::{ColumnPanel, Finish, LARGEST, Side, TileShape};
use super::{Activation, Epilogue, MatrixRef, Output};
use crate::simd::{Isa, Kernel, Simd};
use std::ops::Range;

/// A rectangle of the output and a stretch of the depth.
pub(super) struct Task<'a> {
    /// `[m, k]`.
    pub(super) rows_of: MatrixRef<'a>,
    /// `[n, k]`.
    pub(super) columns_of: MatrixRef<'a>,
    pub(super) rows: Range<usize>,
    pub(super) columns: Range<usize>,
    /// A whole number of blocks, or up to the end.
    pub(super) depth: Range<usize>,
    /// Length of a block of the depth.
    pub(super) block: usize,
    /// The side that is packed.
    pub(super) side: Side,
    /// Its panels from the rectangle's first on, and after `layer` floats those of the next block of the depth.
    pub(super) packed: &'a [f32],
    pub(super) layer: usize,
    /// Room for the panels of the other side, a block deep.
    pub(super) own: &'a mut [f32],
    /// The whole output, `[m, n]`.
    pub(super) c: *mut f32,
    pub(super) epilogue: Epilogue<'a>,
}

impl Kernel for Task<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        match S::ISA {
            Isa::Portable => self.blocks::<S, 6, 4, 2, 1>(simd),
            Isa::Avx2 => self.blocks::<S, 6, 4, 2, 2>(simd),
            Isa::Avx512 => self.blocks::<S, 12, 8, 4, 2>(simd),
        }
    }
}

/// A tile's place: a panel of either side, and whether this is the first time the own one is needed.
#[derive(Clone, Copy)]
struct Place {
    row: usize,
    column: usize,
    /// Number of the packed panel.
    packed: usize,
    /// Number of the task's own panel.
    own: usize,
}

impl Task<'_> {
    #[inline(always)]
    fn blocks<S: Simd, const TALL: usize, const MIDDLE: usize, const SHORT: usize, const COLS: usize>(
        mut self,
        simd: S,
    ) {
        let k = self.rows_of.cols;
        let shape = const { TileShape::of(S::ISA) };
        let (outer, inner) = match self.side {
            Side::Rows => (self.rows.clone(), self.columns.clone()),
            Side::Columns => (self.columns.clone(), self.rows.clone()),
        };
        let outer_step = shape.width(self.side);
        let inner_step = shape.rows + shape.columns - outer_step;
        let mut spare = [0.0f32; LARGEST];
        // A depth of 0 has one block, of nothing.
        for index in 0..self.depth.len().div_ceil(self.block).max(1) {
            let depth = block_of(&self.depth, index, self.block);
            let last = depth.end == k;
            let finish = Finish {
                scale: self.epilogue.scale,
                add: depth.start > 0 || self.epilogue.output == Output::Accumulate,
                bias: self.epilogue.bias.filter(|_| last),
                activation: if last { self.epilogue.activation } else { Activation::Identity },
            };
            for (packed, line) in outer.clone().step_by(outer_step).enumerate() {
                for (own, other) in inner.clone().step_by(inner_step).enumerate() {
                    let (row, column) = match self.side {
                        Side::Rows => (line, other),
                        Side::Columns => (other, line),
                    };
                    let place = Place { row, column, packed, own };
                    self.place::<S, TALL, MIDDLE, SHORT, COLS>(simd, place, &depth, finish, &mut spare);
                }
            }
            self.packed = &self.packed[self.layer.min(self.packed.len())..];
        }
    }

    /// One tile: packs its own panel where this is the first tile that needs it.
    #[inline(always)]
    fn place<S: Simd, const TALL: usize, const MIDDLE: usize, const SHORT: usize, const COLS: usize>(
        &mut self,
        simd: S,
        Place { row, column, packed, own }: Place,
        depth: &Range<usize>,
        finish: Finish,
        spare: &mut [f32; LARGEST],
    ) {
        let shape = const { TileShape::of(S::ISA) };
        let rows = (self.rows.end - row).min(TALL);
        let columns = (self.columns.end - column).min(shape.columns);
        let (height, width) = (shape.panel(Side::Rows, rows), shape.panel(Side::Columns, columns));
        let deep = depth.len();
        let a = Panel { matrix: self.rows_of, line: row, present: rows, width: height, depth: depth.start, deep };
        let b = Panel { matrix: self.columns_of, line: column, present: columns, width, depth: depth.start, deep };
        let (packed_panel, own_panel) = match self.side {
            Side::Rows => (a, b),
            Side::Columns => (b, a),
        };
        // A full column panel whose columns lie side by side is packed by the first tile that reads it.
        let direct = packed == 0
            && self.side == Side::Rows
            && b.matrix.row_stride == 1
            && columns == width
            && height == TALL;
        let own = &mut self.own[own * shape.width(self.side.other()) * self.block..][..own_panel.width * deep];
        if packed == 0 && !direct {
            own_panel.pack(simd, own);
        }
        let packed = &self.packed[packed * shape.width(self.side) * self.block..][..packed_panel.width * deep];
        let (a, b_packed) = match self.side {
            Side::Rows => (packed.as_ptr(), own.as_mut_ptr()),
            Side::Columns => (own.as_ptr(), packed.as_ptr().cast_mut()),
        };
        let b = if direct {
            ColumnPanel { first: b.values().as_ptr(), stride: b.matrix.col_stride, packed: b_packed }
        } else {
            ColumnPanel { first: b_packed, stride: width, packed: b_packed }
        };
        let n = self.columns_of.rows;
        let c = self.c.wrapping_add(row * n + column);
        // A tile that reaches beyond the rectangle goes through a spare one.
        let inside = rows == height && columns == width;
        let (out, stride) = if inside { (c, n) } else { (spare.as_mut_ptr(), width) };
        // SAFETY: `out` holds `height` rows of `width` floats: the rectangle does or the spare tile does. The panels are as
        // long as the slices above, and `c` holds `rows × columns` of this task's rectangle.
        unsafe {
            if !inside && finish.add {
                copy(simd, c, n, out, stride, rows, columns);
            }
            if COLS == 2 && width == S::LANES {
                match (height == TALL, height == MIDDLE) {
                    (true, _) if direct => finish.tile::<S, TALL, 1, true>(simd, deep, a, b, out, stride),
                    (true, _) => finish.tile::<S, TALL, 1, false>(simd, deep, a, b, out, stride),
                    (_, true) => finish.tile::<S, MIDDLE, 1, false>(simd, deep, a, b, out, stride),
                    _ => finish.tile::<S, SHORT, 1, false>(simd, deep, a, b, out, stride),
                }
            } else {
                match (height == TALL, height == MIDDLE) {
                    (true, _) if direct => finish.tile::<S, TALL, COLS, true>(simd, deep, a, b, out, stride),
                    (true, _) => finish.tile::<S, TALL, COLS, false>(simd, deep, a, b, out, stride),
                    (_, true) => finish.tile::<S, MIDDLE, COLS, false>(simd, deep, a, b, out, stride),
                    _ => finish.tile::<S, SHORT, COLS, false>(simd, deep, a, b, out, stride),
                }
            }
            if finish.bias.is_some() || finish.activation != Activation::Identity {
                finish.finish(simd, out, stride, height, column..column + columns);
            }
            if !inside {
                copy(simd, out, stride, c, n, rows, columns);
            }
        }
    }
}

/// Copies `rows` × `columns` floats between two strided places.
///
/// # Safety
/// Both hold that many, and they do not overlap.
#[inline(always)]
unsafe fn copy<S: Simd>(
    simd: S,
    from: *const f32,
    from_stride: usize,
    to: *mut f32,
    to_stride: usize,
    rows: usize,
    columns: usize,
) {
    for row in 0..rows {
        let (from, to) = (from.wrapping_add(row * from_stride), to.wrapping_add(row * to_stride));
        let (vectors, fours) = (columns - columns % S::LANES, columns - columns % 4);
        // SAFETY: the caller's promise covers `columns` floats of each row.
        unsafe {
            for column in (0..vectors).step_by(S::LANES) {
                simd.store(to.add(column), simd.load(from.add(column)));
            }
            for column in (vectors..fours).step_by(4) {
                to.add(column)
                    .cast::<[f32; 4]>()
                    .write_unaligned(from.add(column).cast::<[f32; 4]>().read_unaligned());
            }
            for column in fours..columns {
                *to.add(column) = *from.add(column);
            }
        }
    }
}
