//! Operands of a product.

/// A matrix `[rows, cols]` in a slice: element (i, j) is `values[i · row_stride + j · col_stride]`. Strides make a
/// transpose free, as packing reads through them.
#[derive(Clone, Copy, Debug)]
pub struct MatrixRef<'a> {
    pub(super) values: &'a [f32],
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) row_stride: usize,
    pub(super) col_stride: usize,
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
