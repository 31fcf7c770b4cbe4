//! Masked linear layers, of whose weights only a staircase is stored: see [`Staircase`].

use super::ActivationGradient;
use crate::autodiff::op::Op;
use crate::autodiff::{Activation, Operation, Shape, Var, View};
use crate::kernels::gemm::{
    Epilogue, MatrixRef, Output, staircase_input_gradient, staircase_product, staircase_weight_gradient,
};
use crate::kernels::staircase::Staircase;
use std::sync::Arc;

/// Products with a matrix W `[out, in]` that is stored as a staircase, in one axis.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::autodiff) struct Masked {
    pub(in crate::autodiff) staircase: Arc<Staircase>,
    pub(in crate::autodiff) product: MaskedProduct,
}

/// Which product.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::autodiff) enum MaskedProduct {
    /// activation(x Wᵀ + b): operands x `[batch, in]`, W, b `[out]` or `[batch, out]`.
    Linear(Activation),
    /// g W: operands g `[batch, out]`, W.
    InputGradient,
    /// gᵀ x where W is not zero by construction: operands g `[batch, out]`, x `[batch, in]`.
    WeightGradient,
}

impl Masked {
    /// The multiply-adds of a batch.
    pub(in crate::autodiff) fn multiply_adds(&self, batch: usize) -> usize {
        batch * self.staircase.stored_length()
    }

    fn apply<'t>(&self, product: MaskedProduct, operands: &[Var<'t>]) -> Var<'t> {
        let masked = Masked { staircase: Arc::clone(&self.staircase), product };
        operands[0].tape().push(Op::Masked(masked), operands)
    }

    /// x Wᵀ
    fn plain<'t>(&self, x: Var<'t>, weight: Var<'t>) -> Var<'t> {
        let bias = x.tape().full(self.staircase.outputs(), 0.0);
        self.apply(MaskedProduct::Linear(Activation::Identity), &[x, weight, bias])
    }

    fn input_gradient<'t>(&self, g: Var<'t>, weight: Var<'t>) -> Var<'t> {
        self.apply(MaskedProduct::InputGradient, &[g, weight])
    }

    fn weight_gradient<'t>(&self, g: Var<'t>, x: Var<'t>) -> Var<'t> {
        self.apply(MaskedProduct::WeightGradient, &[g, x])
    }

    /// Calls `visit` with row, column and place of every element of W that is not zero by construction.
    fn elements(&self, mut visit: impl FnMut(usize, usize, usize)) {
        for row in 0..self.staircase.outputs() {
            self.staircase.row(row).enumerate().for_each(|(column, place)| visit(row, column, place));
        }
    }
}

fn matrix(view: View<'_, f32>) -> MatrixRef<'_> {
    MatrixRef::row_major(view.values, view.shape[0], view.shape[1])
}

impl Operation for Masked {
    fn name(&self) -> &'static str {
        match self.product {
            MaskedProduct::Linear(_) => "masked_linear",
            MaskedProduct::InputGradient => "masked_input_gradient",
            MaskedProduct::WeightGradient => "masked_weight_gradient",
        }
    }

    fn shape(&self, operands: &[Shape]) -> Result<Shape, String> {
        let (outputs, inputs) = (self.staircase.outputs(), self.staircase.inputs());
        let stored = self.staircase.stored_length();
        match self.product {
            MaskedProduct::Linear(activation) => {
                activation.check()?;
                match (&*operands[0], &*operands[1], &*operands[2]) {
                    ([batch, x], [weight], bias)
                        if (*x, *weight) == (inputs, stored)
                            && (bias == [outputs] || bias == [*batch, outputs]) =>
                    {
                        Ok(Shape::from([*batch, outputs]))
                    }
                    (x, weight, bias) => Err(format!(
                        "x {x:?}, weight {weight:?}, bias {bias:?}: wanted [batch, {inputs}], [{stored}], [{outputs}] \
                         or [batch, {outputs}]"
                    )),
                }
            }
            MaskedProduct::InputGradient => match (&*operands[0], &*operands[1]) {
                ([batch, g], [weight]) if (*g, *weight) == (outputs, stored) => Ok(Shape::from([*batch, inputs])),
                (g, weight) => {
                    Err(format!("gradient {g:?}, weight {weight:?}: wanted [batch, {outputs}], [{stored}]"))
                }
            },
            MaskedProduct::WeightGradient => match (&*operands[0], &*operands[1]) {
                ([batch, g], [same, x]) if batch == same && (*g, *x) == (outputs, inputs) => {
                    Ok(Shape::from(stored))
                }
                (g, x) => Err(format!("gradient {g:?}, x {x:?}: wanted [batch, {outputs}], [batch, {inputs}]")),
            },
        }
    }

    fn forward(&self, operands: &[View<'_, f32>], out: &mut [f32]) {
        let first = matrix(operands[0]);
        match self.product {
            MaskedProduct::Linear(activation) => {
                let bias = operands[2];
                let shared = bias.shape.len() == 1;
                if !shared {
                    out.copy_from_slice(bias.values);
                }
                let epilogue = Epilogue {
                    output: if shared { Output::Overwrite } else { Output::Accumulate },
                    bias: shared.then_some(bias.values),
                    activation,
                    ..Epilogue::default()
                };
                staircase_product(first, &self.staircase, operands[1].values, out, epilogue);
            }
            MaskedProduct::InputGradient => {
                staircase_input_gradient(first, &self.staircase, operands[1].values, out);
            }
            MaskedProduct::WeightGradient => {
                staircase_weight_gradient(first, matrix(operands[1]), &self.staircase, out);
            }
        }
    }

    fn reference(&self, operands: &[View<'_, f64>], out: &mut [f64]) {
        let (outputs, inputs) = (self.staircase.outputs(), self.staircase.inputs());
        let (a, b) = (operands[0].values, operands[1].values);
        out.fill(0.0);
        for batch in 0..operands[0].shape[0] {
            let (x, y) = (batch * inputs, batch * outputs);
            self.elements(|row, column, place| match self.product {
                MaskedProduct::Linear(_) => out[y + row] += a[x + column] * b[place],
                MaskedProduct::InputGradient => out[x + column] += a[y + row] * b[place],
                MaskedProduct::WeightGradient => out[place] += a[y + row] * b[x + column],
            });
        }
        if let MaskedProduct::Linear(activation) = self.product {
            let bias = operands[2].values;
            for (element, y) in out.iter_mut().enumerate() {
                *y = activation.reference(*y + bias[element % bias.len()]);
            }
        }
    }

    fn gradient<'t>(&self, wanted: usize, operands: &[Var<'t>], result: Var<'t>, g: Var<'t>) -> Option<Var<'t>> {
        let (a, b) = (operands[0], operands[1]);
        // What is no weight has no part in a result, so its slope is none either.
        let weights = || g * g.tape().constant(g.shape(), &self.staircase.stored_mask());
        Some(match (self.product, wanted) {
            (MaskedProduct::Linear(activation), _) => {
                let inner = ActivationGradient::apply(activation, result, g);
                match wanted {
                    0 => self.input_gradient(inner, b),
                    1 => self.weight_gradient(inner, a),
                    _ => inner.sum_to(operands[2].shape()),
                }
            }
            (MaskedProduct::InputGradient, 0) => self.plain(g, b),
            (MaskedProduct::InputGradient, _) => self.weight_gradient(a, g),
            (MaskedProduct::WeightGradient, 0) => self.plain(b, weights()),
            (MaskedProduct::WeightGradient, _) => self.input_gradient(a, weights()),
        })
    }
}
