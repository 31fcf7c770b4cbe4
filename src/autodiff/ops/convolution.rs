//! Convolutions: the three products that are each other's gradients. See [`kernels::conv`](crate::kernels::conv).

use super::ActivationGradient;
use crate::autodiff::op::Op;
use crate::autodiff::{Activation, Operation, Shape, Var, View};
use crate::kernels::conv::{self, Convolution};
use crate::kernels::gemm::Epilogue;

/// A product of two of x `[batch, height, width, in]`, y `[batch, height, width, out]` and w `[out, in, height, width]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::autodiff) struct Convolve {
    pub(in crate::autodiff) sizes: Convolution,
    pub(in crate::autodiff) product: Convolved,
}

/// Which product.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::autodiff) enum Convolved {
    /// y = activation(x ∗ w + b): operands x, w, b `[out]`.
    Forward(Activation),
    /// x = activation(y ∗ᵀ w + b): operands y, w, b `[in]`.
    Transposed(Activation),
    /// w: operands x, y.
    Weights,
}

impl Convolve {
    fn images(&self, batch: usize, of_x: bool) -> Shape {
        let ([height, width], channels) = match of_x {
            true => (self.sizes.input, self.sizes.channels[0]),
            false => (self.sizes.output, self.sizes.channels[1]),
        };
        Shape::from([batch, height, width, channels])
    }

    fn kernel(&self) -> Shape {
        let ([inputs, outputs], [height, width]) = (self.sizes.channels, self.sizes.kernel);
        Shape::from([outputs, inputs, height, width])
    }

    fn apply<'t>(&self, product: Convolved, operands: &[Var<'t>]) -> Var<'t> {
        operands[0].tape().push(Op::Convolve(Convolve { product, ..*self }), operands)
    }

    fn forward_plain<'t>(&self, x: Var<'t>, w: Var<'t>) -> Var<'t> {
        let bias = x.tape().full(self.sizes.channels[1], 0.0);
        self.apply(Convolved::Forward(Activation::Identity), &[x, w, bias])
    }

    fn transposed_plain<'t>(&self, y: Var<'t>, w: Var<'t>) -> Var<'t> {
        let bias = y.tape().full(self.sizes.channels[0], 0.0);
        self.apply(Convolved::Transposed(Activation::Identity), &[y, w, bias])
    }

    fn weights<'t>(&self, x: Var<'t>, y: Var<'t>) -> Var<'t> {
        self.apply(Convolved::Weights, &[x, y])
    }

    /// The multiply-adds of a batch.
    pub(in crate::autodiff) fn multiply_adds(&self, batch: usize) -> usize {
        batch * self.sizes.multiply_adds()
    }
}

impl Operation for Convolve {
    fn name(&self) -> &'static str {
        match self.product {
            Convolved::Forward(_) => "conv2d",
            Convolved::Transposed(_) => "conv_transpose2d",
            Convolved::Weights => "conv2d_weight",
        }
    }

    fn shape(&self, operands: &[Shape]) -> Result<Shape, String> {
        let batch = operands[0].first().copied().unwrap_or(0);
        let (x, y, w) = (self.images(batch, true), self.images(batch, false), self.kernel());
        let (wanted, result) = match self.product {
            Convolved::Forward(activation) => {
                activation.check()?;
                (vec![x, w, Shape::from(self.sizes.channels[1])], y)
            }
            Convolved::Transposed(activation) => {
                activation.check()?;
                (vec![y, w, Shape::from(self.sizes.channels[0])], x)
            }
            Convolved::Weights => (vec![x, y], w),
        };
        if operands == wanted { Ok(result) } else { Err(format!("{operands:?}: wanted {wanted:?}")) }
    }

    fn forward(&self, operands: &[View<'_, f32>], out: &mut [f32]) {
        let (a, b) = (operands[0].values, operands[1].values);
        let epilogue = |activation| Epilogue { bias: Some(operands[2].values), activation, ..Epilogue::default() };
        match self.product {
            Convolved::Forward(activation) => conv::convolve(&self.sizes, a, b, out, epilogue(activation)),
            Convolved::Transposed(activation) => {
                conv::convolve_transposed(&self.sizes, a, b, out, epilogue(activation));
            }
            Convolved::Weights => conv::convolve_weights(&self.sizes, a, b, out),
        }
    }

    fn reference(&self, operands: &[View<'_, f64>], out: &mut [f64]) {
        let sizes = &self.sizes;
        let [of_x, of_y] = sizes.sizes();
        let (a, b) = (operands[0].values, operands[1].values);
        out.fill(0.0);
        for image in 0..operands[0].shape[0] {
            sizes.for_each_product(|x, y, w| {
                let (x, y) = (image * of_x + x, image * of_y + y);
                match self.product {
                    Convolved::Forward(_) => out[y] += a[x] * b[w],
                    Convolved::Transposed(_) => out[x] += a[y] * b[w],
                    Convolved::Weights => out[w] += a[x] * b[y],
                }
            });
        }
        if let Convolved::Forward(activation) | Convolved::Transposed(activation) = self.product {
            let bias = operands[2].values;
            for (element, y) in out.iter_mut().enumerate() {
                *y = activation.reference(*y + bias[element % bias.len()]);
            }
        }
    }

    fn gradient<'t>(&self, wanted: usize, operands: &[Var<'t>], result: Var<'t>, g: Var<'t>) -> Option<Var<'t>> {
        let (a, b) = (operands[0], operands[1]);
        let inner = |activation| ActivationGradient::apply(activation, result, g);
        Some(match (self.product, wanted) {
            (Convolved::Forward(activation), 0) => self.transposed_plain(inner(activation), b),
            (Convolved::Forward(activation), 1) => self.weights(a, inner(activation)),
            (Convolved::Transposed(activation), 0) => self.forward_plain(inner(activation), b),
            (Convolved::Transposed(activation), 1) => self.weights(inner(activation), a),
            (Convolved::Forward(activation) | Convolved::Transposed(activation), _) => {
                inner(activation).sum_to(operands[2].shape())
            }
            (Convolved::Weights, 0) => self.transposed_plain(b, g),
            (Convolved::Weights, _) => self.forward_plain(a, g),
        })
    }
}
