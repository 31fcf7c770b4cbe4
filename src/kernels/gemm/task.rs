//! A task: a rectangle of the product from one operand that is packed and one that it packs itself.

use super::pack::{Pack, Panel, block_of};
use super::tile::{ColumnPanel, Finish, InPlaceTile, LARGEST, RowPanel, Side, TileShape, reading};
use super::{Activation, Epilogue, MatrixRef, Output};
use crate::simd::{Isa, Simd, Vectorised, dispatch_on};
use std::ops::Range;

/// Tiles beside one another up to which rows are read where they lie.
const IN_PLACE: usize = 8;

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
    /// The output `[m, n]`, and the distance of its rows.
    pub(super) c: *mut f32,
    pub(super) stride: usize,
    pub(super) epilogue: Epilogue<'a>,
}

impl Vectorised for Task<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        self.on::<S, false>(simd);
    }
}

/// A task whose rows are read where they lie: compiled apart, as with more ways to read one function keeps sums in memory.
struct InPlace<'a>(Task<'a>);

impl Vectorised for InPlace<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        self.0.on::<S, true>(simd);
    }
}

/// A block of the depth, and what its tiles share.
struct Block<'a> {
    depth: Range<usize>,
    finish: Finish<'a>,
}

impl Task<'_> {
    /// Computes the rectangle.
    pub(super) fn run_on(self, isa: Isa) {
        let few = self.columns.len() <= IN_PLACE * TileShape::of(isa).columns;
        if few && self.side == Side::Columns && self.rows_of.col_stride == 1 {
            dispatch_on(isa, InPlace(self));
        } else {
            dispatch_on(isa, self);
        }
    }

    #[inline(always)]
    fn on<S: Simd, const IN_PLACE: bool>(self, simd: S) {
        // Asked in constants, so that no tile is compiled for an instruction set that has another.
        if const { matches!(S::ISA, Isa::Portable) } {
            self.blocks::<S, 6, 4, 2, 1, IN_PLACE>(simd);
        } else if const { matches!(S::ISA, Isa::Avx2) } {
            self.blocks::<S, 6, 4, 2, 2, IN_PLACE>(simd);
        } else {
            self.blocks::<S, 12, 8, 4, 2, IN_PLACE>(simd);
        }
    }

    #[inline(always)]
    fn blocks<
        S: Simd,
        const TALL: usize,
        const MIDDLE: usize,
        const SHORT: usize,
        const COLS: usize,
        const IN_PLACE: bool,
    >(
        mut self,
        simd: S,
    ) {
        let k = self.rows_of.cols;
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
            self.tiles::<S, TALL, MIDDLE, SHORT, COLS, IN_PLACE>(simd, &Block { depth, finish }, &mut spare);
            self.packed = &self.packed[self.layer.min(self.packed.len())..];
        }
    }

    /// All tiles of a block: by one packed panel after the other, all of the task's own, which the first round packs.
    #[inline(always)]
    fn tiles<
        S: Simd,
        const TALL: usize,
        const MIDDLE: usize,
        const SHORT: usize,
        const COLS: usize,
        const IN_PLACE: bool,
    >(
        &mut self,
        simd: S,
        block: &Block,
        spare: &mut [f32; LARGEST],
    ) {
        let shape = const { TileShape::of(S::ISA) };
        let deep = block.depth.len();
        let (outer, inner) = match self.side {
            Side::Rows => (self.rows.clone(), self.columns.clone()),
            Side::Columns => (self.columns.clone(), self.rows.clone()),
        };
        let (outer_width, inner_width) = (shape.width(self.side), shape.width(self.side.other()));
        let (mut line, mut slot) = (outer.start, 0);
        while line < outer.end {
            let packed = self.packed[slot..].as_ptr();
            let (mut other, mut own_slot) = (inner.start, 0);
            while other < inner.end {
                let (row, column) = match self.side {
                    Side::Rows => (line, other),
                    Side::Columns => (other, line),
                };
                let rows = (self.rows.end - row).min(TALL);
                let columns = (self.columns.end - column).min(shape.columns);
                let mut direct = None;
                // Of a row that is missing nothing can be read.
                let in_place = IN_PLACE && shape.panel(Side::Rows, rows) == rows;
                if slot == 0 && !in_place {
                    direct = self.direct(shape, rows, column, columns, block);
                    if direct.is_none() {
                        let panel = match self.side {
                            Side::Rows => {
                                let width = shape.panel(Side::Columns, columns);
                                panel(self.columns_of, column, columns, width, block)
                            }
                            Side::Columns => {
                                let height = shape.panel(Side::Rows, rows);
                                panel(self.rows_of, row, rows, height, block)
                            }
                        };
                        // A call a panel: inlined, packing would be there twice more.
                        simd.run(Pack { panel, out: &mut self.own[own_slot..] });
                    }
                }
                let own = self.own[own_slot..].as_mut_ptr();
                let (a, b) = match self.side {
                    Side::Rows => (packed, own),
                    Side::Columns => (own.cast_const(), packed.cast_mut()),
                };
                let rows_at = if in_place {
                    let MatrixRef { values, row_stride, .. } = self.rows_of;
                    let start = row * row_stride + block.depth.start;
                    // Panics where the last row reaches beyond the matrix.
                    let values = &values[start..start + (rows - 1) * row_stride + deep];
                    RowPanel { first: values.as_ptr(), stride: row_stride }
                } else {
                    RowPanel { first: a, stride: 0 }
                };
                let place = Place { row, column, rows, columns };
                // SAFETY: a panel of `block` · its width floats is at `slot` and `own_slot`; `direct` is checked where it is
                // made.
                unsafe {
                    self.tile::<S, TALL, MIDDLE, SHORT, COLS, IN_PLACE>(
                        simd,
                        place,
                        deep,
                        rows_at,
                        in_place,
                        b,
                        direct,
                        &block.finish,
                        spare,
                    );
                }
                other += inner_width;
                own_slot += inner_width * self.block;
            }
            line += outer_width;
            slot += outer_width * self.block;
        }
    }

    /// A full column panel whose columns lie side by side: the first tile that reads it packs it. Its first element, and the
    /// distance of its rows.
    #[inline(always)]
    fn direct(
        &self,
        shape: TileShape,
        rows: usize,
        column: usize,
        columns: usize,
        block: &Block,
    ) -> Option<(*const f32, usize)> {
        let width = shape.panel(Side::Columns, columns);
        let fits = self.side == Side::Rows && self.columns_of.row_stride == 1;
        (fits && columns == width && shape.panel(Side::Rows, rows) == shape.rows).then(|| {
            let values = panel(self.columns_of, column, columns, width, block).values();
            (values.as_ptr(), self.columns_of.col_stride)
        })
    }

    /// One tile of the output, from the panels `a` and `b`.
    ///
    /// # Safety
    /// The panels are as wide as the tile and `deep`, or `direct` is a column panel like that and `b` room for it; `place` lies
    /// within the task's rectangle.
    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    unsafe fn tile<
        S: Simd,
        const TALL: usize,
        const MIDDLE: usize,
        const SHORT: usize,
        const COLS: usize,
        const IN_PLACE: bool,
    >(
        &self,
        simd: S,
        Place { row, column, rows, columns }: Place,
        deep: usize,
        a: RowPanel,
        in_place: bool,
        b: *mut f32,
        direct: Option<(*const f32, usize)>,
        finish: &Finish,
        spare: &mut [f32; LARGEST],
    ) {
        let shape = const { TileShape::of(S::ISA) };
        let (height, width) = (shape.panel(Side::Rows, rows), shape.panel(Side::Columns, columns));
        let (first, row_stride) = direct.unwrap_or((b, width));
        let (direct, b) = (direct.is_some(), ColumnPanel { first, stride: row_stride, packed: b });
        let n = self.stride;
        let c = self.c.wrapping_add(row * n + column);
        // A tile that reaches beyond the rectangle goes through a spare one.
        let (inside, present) = (rows == height && columns == width, columns);
        let (out, stride) = if inside { (c, n) } else { (spare.as_mut_ptr(), width) };
        // SAFETY: `out` holds `height` rows of `width` floats: the rectangle does or the spare tile does. `c` holds `rows ×
        // columns` of this task's rectangle. The caller vouches for the panels.
        unsafe {
            if !inside && finish.add {
                copy(simd, c, n, out, stride, rows, present);
            }
            let columns = column..column + columns;
            macro_rules! tile {
                ($cols:expr) => {
                    match (height == TALL, height == MIDDLE) {
                        (true, _) if IN_PLACE && in_place => tile!($cols, TALL),
                        (_, true) if IN_PLACE && in_place => tile!($cols, MIDDLE),
                        _ if IN_PLACE && in_place => tile!($cols, SHORT),
                        (true, _) if !IN_PLACE && direct => tile!($cols, TALL, reading::PACKING),
                        (true, _) => tile!($cols, TALL, reading::PACKED),
                        (_, true) => tile!($cols, MIDDLE, reading::PACKED),
                        _ => tile!($cols, SHORT, reading::PACKED),
                    }
                };
                ($cols:expr, $rows:expr) => {
                    InPlaceTile::<{ $rows }, { $cols }>::new(finish, deep, (a, b), (out, stride), columns.clone())
                        .run_apart(simd)
                };
                ($cols:expr, $rows:expr, $reading:expr) => {
                    finish.tile::<S, { $rows }, { $cols }, { $reading }, IN_PLACE>(
                        simd,
                        deep,
                        a,
                        b,
                        out,
                        stride,
                        columns.clone(),
                    )
                };
            }
            if const { COLS == 2 } && width == S::LANES {
                tile!(1)
            } else {
                tile!(COLS)
            }
            let all = IN_PLACE && finish.is_brief();
            if !all && (finish.bias.is_some() || finish.activation != Activation::Identity) {
                finish.finish(simd, out, stride, height, columns);
            }
            if !inside {
                copy(simd, out, stride, c, n, rows, present);
            }
        }
    }
}

/// A tile's rectangle of the output.
#[derive(Clone, Copy)]
struct Place {
    row: usize,
    column: usize,
    rows: usize,
    columns: usize,
}

/// The panel of a block from `line` on.
#[inline(always)]
fn panel<'a>(matrix: MatrixRef<'a>, line: usize, present: usize, width: usize, block: &Block) -> Panel<'a> {
    Panel { matrix, line, present, width, depth: block.depth.start, deep: block.depth.len() }
}

/// Copies `rows` × `columns` floats between two strided places.
///
/// # Safety
/// Both hold that many, and they do not overlap.
#[inline(always)]
pub(in crate::kernels) unsafe fn copy<S: Simd>(
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
