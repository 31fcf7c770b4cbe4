//! Single-precision matrix product with a fused epilogue, in the manner of BLIS (Van Zee & van de Geijn 2015).
//!
//! The operand with fewer lines (rows of a, columns of b) is packed first, into panels that the tile kernel reads in
//! order. Then the lines of the other one are cut into tasks that run in parallel: each packs its own lines while it
//! multiplies them by all of the first, one tile of registers after the other. So a product waits twice for all
//! threads, and what a task packs is still in its cache.
//!
//! An element of the product is summed over the depth in ascending order whatever tile it falls into, and the blocks
//! of the depth depend on the depth alone: the bits are the same for any number of threads on one instruction set.
//! The packed panels live in buffers of the threads that only grow, so a steady state allocates nothing.

mod pack;
mod product;
mod task;
mod tile;

pub use super::activation::Activation;
use crate::simd::Isa;
use product::Product;
pub use product::{Scratch, with_scratch};

/// Multiply-adds below which one thread does it all. So few are mostly narrow, and take 30 µs: three times what waking another
/// one costs.
const PARALLEL_FROM: usize = 3 << 18;

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
    // A column is also a row: so its elements lie side by side, as the vectors of a tile want them.
    let (a, b) = if n == 1 && epilogue.bias.is_none() { (b.transposed(), a.transposed()) } else { (a, b) };
    Product { isa, a, b, epilogue, parallel: m * n * k >= PARALLEL_FROM }.run(c);
}

#[cfg(test)]
mod tests;
