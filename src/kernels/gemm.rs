//! The dense matrix product, by the book.

/// A matrix `[rows, columns]` in a slice, perhaps transposed.
#[derive(Clone, Copy, Debug)]
pub struct MatrixRef<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> MatrixRef<'a> {
    /// A row-major matrix.
    pub fn new(values: &'a [f32], rows: usize, columns: usize) -> Self {
        MatrixRef { values, rows, columns, row_stride: columns, column_stride: 1 }
    }

    /// The same values with rows and columns exchanged.
    pub fn transposed(self) -> Self {
        MatrixRef {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

/// Whether the product replaces what the output holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Accumulate {
    /// It does.
    #[default]
    Overwrite,
    /// It is added.
    Add,
}

/// What is done with the product.
#[derive(Clone, Copy, Debug, Default)]
pub struct Epilogue {
    /// Whether the output is replaced.
    pub accumulate: Accumulate,
}

/// The product of `a` `[m, k]` and `b` `[k, n]` into `c` `[m, n]`.
pub fn gemm(a: MatrixRef<'_>, b: MatrixRef<'_>, c: &mut [f32], epilogue: Epilogue) {
    for i in 0..a.rows {
        for j in 0..b.columns {
            let term = |k| {
                a.values[i * a.row_stride + k * a.column_stride] * b.values[k * b.row_stride + j * b.column_stride]
            };
            let sum: f32 = (0..a.columns).map(term).sum();
            let out = &mut c[i * b.columns + j];
            *out = if epilogue.accumulate == Accumulate::Add { *out + sum } else { sum };
        }
    }
}
