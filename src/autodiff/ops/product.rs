//! Matrix products, and the linear layer made of one.

use super::ActivationGradient;
use crate::autodiff::{Activation, Operation, Shape, Var, View};
use crate::kernels::gemm::{Epilogue, MatrixRef, gemm};

/// Orientation of a matrix in a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Orientation {
    /// As it is.
    Plain,
    /// Transposed: nothing is moved, the product reads it the other way.
    Transposed,
}

use Orientation::{Plain, Transposed};

impl Orientation {
    fn turned(self) -> Self {
        match self {
            Plain => Transposed,
            Transposed => Plain,
        }
    }

    /// Rows and columns of a matrix of this shape, read this way.
    fn size(self, shape: Shape) -> [usize; 2] {
        match self {
            Plain => [shape[0], shape[1]],
            Transposed => [shape[1], shape[0]],
        }
    }

    fn read<'a>(self, view: View<'a, f32>) -> MatrixRef<'a> {
        let matrix = MatrixRef::row_major(view.values, view.shape[0], view.shape[1]);
        match self {
            Plain => matrix,
            Transposed => matrix.transposed(),
        }
    }

    fn at(self, view: View<'_, f64>, row: usize, column: usize) -> f64 {
        match self {
            Plain => view.values[row * view.shape[1] + column],
            Transposed => view.values[column * view.shape[1] + row],
        }
    }
}

/// Matrix products.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::autodiff) enum Product {
    /// The product of two matrices.
    MatMul { left: Orientation, right: Orientation },
    /// activation(x Wᵀ + b) with operands x `[batch, in]`, W `[out, in]`, b `[out]`.
    Linear(Activation),
}

fn reference_product(
    (a, left): (View<'_, f64>, Orientation),
    (b, right): (View<'_, f64>, Orientation),
    out: &mut [f64],
) {
    let ([rows, depth], [_, columns]) = (left.size(a.shape), right.size(b.shape));
    for row in 0..rows {
        for column in 0..columns {
            out[row * columns + column] =
                (0..depth).map(|k| left.at(a, row, k) * right.at(b, k, column)).sum::<f64>();
        }
    }
}

impl Operation for Product {
    fn name(&self) -> &'static str {
        match self {
            Product::MatMul { .. } => "matmul",
            Product::Linear(_) => "linear",
        }
    }

    fn shape(&self, operands: &[Shape]) -> Result<Shape, String> {
        match *self {
            Product::MatMul { left, right } => {
                let (a, b) = (operands[0], operands[1]);
                if a.len() != 2 || b.len() != 2 {
                    return Err(format!("{a} by {b}: wanted two matrices"));
                }
                let ([rows, depth], [same, columns]) = (left.size(a), right.size(b));
                if depth != same {
                    return Err(format!("{a} {left:?} by {b} {right:?}: sums over {depth} and {same}"));
                }
                Ok(Shape::from([rows, columns]))
            }
            Product::Linear(activation) => {
                activation.check()?;
                match (&*operands[0], &*operands[1], &*operands[2]) {
                    ([batch, inputs], [outputs, same], [bias]) if inputs == same && outputs == bias => {
                        Ok(Shape::from([*batch, *outputs]))
                    }
                    (x, weight, bias) => Err(format!(
                        "x {x:?}, weight {weight:?}, bias {bias:?}: wanted [batch, in], [out, in], [out]"
                    )),
                }
            }
        }
    }

    fn forward(&self, operands: &[View<'_, f32>], out: &mut [f32]) {
        let (a, b) = (operands[0], operands[1]);
        match *self {
            Product::MatMul { left, right } => gemm(left.read(a), right.read(b), out, Epilogue::default()),
            Product::Linear(activation) => {
                let bias = Some(operands[2].values);
                let epilogue = Epilogue { bias, activation, ..Epilogue::default() };
                gemm(Plain.read(a), Transposed.read(b), out, epilogue);
            }
        }
    }

    fn reference(&self, operands: &[View<'_, f64>], out: &mut [f64]) {
        let (a, b) = (operands[0], operands[1]);
        match *self {
            Product::MatMul { left, right } => reference_product((a, left), (b, right), out),
            Product::Linear(activation) => {
                reference_product((a, Plain), (b, Transposed), out);
                let outputs = b.shape[0];
                for (element, y) in out.iter_mut().enumerate() {
                    *y = activation.reference(*y + operands[2].values[element % outputs]);
                }
            }
        }
    }

    fn gradient<'t>(&self, wanted: usize, operands: &[Var<'t>], result: Var<'t>, g: Var<'t>) -> Option<Var<'t>> {
        let (a, b) = (operands[0], operands[1]);
        Some(match *self {
            Product::MatMul { left, right } => match (wanted, left, right) {
                (0, Plain, _) => g.matmul_oriented(Plain, b, right.turned()),
                (0, Transposed, _) => b.matmul_oriented(right, g, Transposed),
                (_, _, Plain) => a.matmul_oriented(left.turned(), g, Plain),
                (_, _, Transposed) => g.matmul_oriented(Transposed, a, left),
            },
            Product::Linear(activation) => {
                let inner = ActivationGradient::apply(activation, result, g);
                match wanted {
                    0 => inner.matmul(b),
                    1 => inner.matmul_oriented(Transposed, a, Plain),
                    _ => inner.sum_to(operands[2].shape()),
                }
            }
        })
    }
}
