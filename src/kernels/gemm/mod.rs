//! Single-precision matrix product with a fused epilogue, in the manner of BLIS (Van Zee & van de Geijn 2015).
//!
//! The loops, from the outside: blocks of 4,096 columns; blocks of the depth; blocks of 2,048 rows, for which both operands are
//! packed into panels that the tile kernel reads in order; then a grid of tasks, some row panels by some column panels
//! each, that run in parallel; within a task one tile of registers after the other.
//!
//! An element of the product is summed over the depth in ascending order whatever tile it falls into, and the blocks
//! of the depth depend on the depth alone: the bits are the same for any number of threads on one instruction set.
//! The packed panels live in a buffer of the calling thread that only grows, so a steady state allocates nothing.

mod pack;
mod tile;

use crate::simd::{Isa, dispatch_on};
use crate::tensor::AlignedVec;
use pack::{Panels, pack_group};
use rayon::prelude::*;
use std::cell::RefCell;
use tile::{Task, TileShape};

/// Deepest block. A row panel takes 12 · 512 · 4 bytes = 24 KB of L1; a task's 16 row panels 384 KB and its two column
/// panels 128 KB: half of a 1 MB L2. The product is read and written once per 512 multiply-adds.
const DEPTH: usize = 512;
/// Rows packed at a time: bounds the buffer to 4 MB.
const ROWS: usize = 2048;
/// Columns packed at a time: bounds the buffer to 8 MB.
const COLUMNS: usize = 4096;
/// Row panels of a task, at most.
const ROW_GROUP: usize = 16;
/// Column panels of a task, at most.
const COLUMN_GROUP: usize = 2;
/// Multiply-adds below which one thread does it all: about 20 µs, twice what waking another one costs.
const PARALLEL_FROM: usize = 1 << 20;

/// A matrix `[rows, cols]` in a slice: element (i, j) is `values[i · row_stride + j · col_stride]`. Strides make a
/// transpose free, as packing reads through them.
#[derive(Clone, Copy, Debug)]
pub struct MatrixRef<'a> {
    values: &'a [f32],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

impl<'a> MatrixRef<'a> {
    /// A row-major matrix. Panics where `values` has not `rows · cols` elements.
    #[track_caller]
    pub fn row_major(values: &'a [f32], rows: usize, cols: usize) -> Self {
        assert_eq!(values.len(), rows * cols, "a {rows} × {cols} matrix in {} values", values.len());
        MatrixRef { values, rows, cols, row_stride: cols, col_stride: 1 }
    }

    /// A matrix with strides. Panics where its last element lies beyond `values`.
    #[track_caller]
    pub fn strided(values: &'a [f32], rows: usize, cols: usize, row_stride: usize, col_stride: usize) -> Self {
        if rows > 0 && cols > 0 {
            let last = (rows - 1) * row_stride + (cols - 1) * col_stride;
            assert!(
                last < values.len(),
                "a {rows} × {cols} matrix with strides {row_stride} and {col_stride} in {} values",
                values.len()
            );
        }
        MatrixRef { values, rows, cols, row_stride, col_stride }
    }

    /// The transpose: `[cols, rows]`, the same memory.
    pub fn transposed(self) -> Self {
        MatrixRef {
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
            ..self
        }
    }

    /// Rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns.
    pub fn cols(&self) -> usize {
        self.cols
    }
}

/// What happens to what the output held before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Output {
    /// It is overwritten, never read.
    #[default]
    Overwrite,
    /// The product is added to it.
    Accumulate,
}

/// The function applied to each element of the result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    /// x.
    #[default]
    Identity,
    /// 1 / (1 + e⁻ˣ).
    Sigmoid,
    /// tanh x.
    Tanh,
    /// max(x, 0), a NaN staying one.
    Relu,
    /// ln(1 + eˣ).
    Softplus,
}

/// What is done to the product on its way out: `c = activation(scale · a b [+ c] + bias)`.
#[derive(Clone, Copy, Debug)]
pub struct Epilogue<'a> {
    /// Factor of the product.
    pub scale: f32,
    /// Overwrite, or add to what is there.
    pub output: Output,
    /// Added to each row, `[n]`.
    pub bias: Option<&'a [f32]>,
    /// Applied last.
    pub activation: Activation,
}

impl Default for Epilogue<'_> {
    /// The product alone.
    fn default() -> Self {
        Epilogue { scale: 1.0, output: Output::Overwrite, bias: None, activation: Activation::Identity }
    }
}

/// `c = activation(scale · a b [+ c] + bias)` with a `[m, k]`, b `[k, n]`, c `[m, n]` row-major; any of them may be 0.
///
/// Each element differs from the exact one by at most about (k + 3) ε (|a| |b| + |c| + |bias|) before the activation,
/// ε = 2⁻²⁴. Large products run on the current rayon pool; the bits do not depend on its threads.
///
/// # Panics
/// Where the shapes do not fit.
#[track_caller]
pub fn gemm(a: MatrixRef, b: MatrixRef, c: &mut [f32], epilogue: Epilogue) {
    gemm_on(Isa::current(), a, b, c, epilogue);
}

#[track_caller]
fn gemm_on(isa: Isa, a: MatrixRef, b: MatrixRef, c: &mut [f32], epilogue: Epilogue) {
    let (m, n, k) = (a.rows, b.cols, a.cols);
    assert_eq!(k, b.rows, "the product of {m} × {k} and {} × {n} matrices", b.rows);
    assert_eq!(c.len(), m * n, "a {m} × {k} by {k} × {n} product into {} values", c.len());
    if let Some(bias) = epilogue.bias {
        assert_eq!(bias.len(), n, "a bias of {} values for a {m} × {n} product", bias.len());
    }
    if m == 0 || n == 0 {
        return;
    }
    let mut scratch = take_scratch();
    Product { isa, shape: TileShape::of(isa), a, b, epilogue, parallel: m * n * k >= PARALLEL_FROM }
        .run(c, &mut scratch);
    SCRATCH.with_borrow_mut(|spare| spare.push(scratch));
}

thread_local! {
    /// Packing buffers that no product of this thread uses now. More than one where the thread, waiting for a task of one
    /// product, works on another.
    static SCRATCH: RefCell<Vec<AlignedVec<f32>>> = const { RefCell::new(Vec::new()) };
}

fn take_scratch() -> AlignedVec<f32> {
    SCRATCH.with_borrow_mut(Vec::pop).unwrap_or_default()
}

struct Product<'a> {
    isa: Isa,
    shape: TileShape,
    a: MatrixRef<'a>,
    b: MatrixRef<'a>,
    epilogue: Epilogue<'a>,
    parallel: bool,
}

/// A pointer into the output, of which each task writes a rectangle of its own.
#[derive(Clone, Copy)]
struct Shared(*mut f32);
// SAFETY: the rectangles of the tasks are disjoint.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    fn at(self, offset: usize) -> *mut f32 {
        self.0.wrapping_add(offset)
    }
}

/// `length` cut into the fewest equal pieces of at most `limit`: the length of a piece.
fn even_piece(length: usize, limit: usize) -> usize {
    length.div_ceil(length.div_ceil(limit).max(1)).max(1)
}

impl Product<'_> {
    fn run(&self, c: &mut [f32], scratch: &mut AlignedVec<f32>) {
        let (m, n, k) = (self.a.rows, self.b.cols, self.a.cols);
        let TileShape { rows: tile_rows, columns: tile_columns } = self.shape;
        let depth_block = even_piece(k, DEPTH);
        let a_length = m.min(ROWS).next_multiple_of(tile_rows) * depth_block;
        // Panels start on cache lines.
        let b_start = a_length.next_multiple_of(16);
        let needed = b_start + n.min(COLUMNS).next_multiple_of(tile_columns) * depth_block;
        if scratch.len() < needed {
            scratch.resize(needed);
        }
        let (a_packed, b_packed) = scratch.split_at_mut(b_start);
        let c = Shared(c.as_mut_ptr());
        for column in (0..n).step_by(COLUMNS) {
            let columns = (n - column).min(COLUMNS);
            let mut depth = 0;
            loop {
                let deep = (k - depth).min(depth_block);
                for row in (0..m).step_by(ROWS) {
                    let rows = (m - row).min(ROWS);
                    let a = Panels { matrix: self.a, first: row, count: rows, depth, deep, width: tile_rows };
                    // A column panel is a row panel of the transpose.
                    let b = self.b.transposed();
                    let b = Panels { matrix: b, first: column, count: columns, depth, deep, width: tile_columns };
                    let mut pack_a = || self.pack(a, ROW_GROUP, a_packed);
                    if row == 0 {
                        let mut pack_b = || self.pack(b, COLUMN_GROUP, b_packed);
                        if self.parallel {
                            rayon::join(pack_a, pack_b);
                        } else {
                            pack_a();
                            pack_b();
                        }
                    } else {
                        pack_a();
                    }
                    let block = Block { row, rows, column, columns, depth, deep };
                    self.multiply(block, a_packed, b_packed, c);
                }
                depth += deep;
                if depth >= k {
                    break;
                }
            }
        }
    }

    /// Packs all the panels of one operand, in groups that run in parallel.
    fn pack(&self, panels: Panels, group: usize, out: &mut [f32]) {
        let length = panels.count.next_multiple_of(panels.width) * panels.deep;
        let group_length = (group * panels.width * panels.deep).max(1);
        let pack = |(index, out): (usize, &mut [f32])| pack_group(panels, index * group, &self.shape, out);
        if self.parallel {
            out[..length].par_chunks_mut(group_length).enumerate().for_each(pack);
        } else {
            out[..length].chunks_mut(group_length).enumerate().for_each(pack);
        }
    }

    /// All tiles of one block, the operands being packed.
    fn multiply(&self, block: Block, a: &[f32], b: &[f32], c: Shared) {
        let (m_panels, n_panels) =
            (block.rows.div_ceil(self.shape.rows), block.columns.div_ceil(self.shape.columns));
        let row_group = even_piece(m_panels, ROW_GROUP);
        let column_group = even_piece(n_panels, COLUMN_GROUP);
        let (down, across) = (m_panels.div_ceil(row_group), n_panels.div_ceil(column_group));
        let n = self.b.cols;
        let last = block.depth + block.deep == self.a.cols;
        let task = |index: usize| {
            let (row_panel, column_panel) = (index % down * row_group, index / down * column_group);
            let (row, column) = (row_panel * self.shape.rows, column_panel * self.shape.columns);
            let task = Task {
                a: &a[row * block.deep..],
                b: &b[column * block.deep..],
                c: c.at((block.row + row) * n + block.column + column),
                stride: n,
                rows: (block.rows - row).min(row_group * self.shape.rows),
                columns: (block.columns - column).min(column_group * self.shape.columns),
                deep: block.deep,
                scale: self.epilogue.scale,
                add: block.depth > 0 || self.epilogue.output == Output::Accumulate,
                bias: self.epilogue.bias.filter(|_| last).map(|bias| &bias[block.column + column..]),
                activation: if last { self.epilogue.activation } else { Activation::Identity },
            };
            dispatch_on(self.isa, task);
        };
        if self.parallel {
            (0..down * across).into_par_iter().for_each(task);
        } else {
            (0..down * across).for_each(task);
        }
    }
}

/// A block of the product: which rows and columns of the output, which part of the depth.
#[derive(Clone, Copy)]
struct Block {
    row: usize,
    rows: usize,
    column: usize,
    columns: usize,
    depth: usize,
    deep: usize,
}

#[cfg(test)]
mod tests;
