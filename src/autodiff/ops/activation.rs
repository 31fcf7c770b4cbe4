//! Derivatives of activation functions by what these gave: f′(x) is a function of y = f(x) for each.

use super::broadcast::{BLOCK, in_blocks, map, map_reference};
use crate::autodiff::op::Op;
use crate::autodiff::{Activation, Operation, Shape, Var, View};
use crate::kernels::elementwise;

/// g · f′, with f′ from the output: operands y = f(x) and g, of one shape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::autodiff) struct ActivationGradient(pub(super) Activation);

impl ActivationGradient {
    /// g · f′ at the place where the activation gave `y`.
    pub(super) fn apply<'t>(activation: Activation, y: Var<'t>, g: Var<'t>) -> Var<'t> {
        match activation {
            Activation::Identity => g,
            _ => g.tape().push(Op::ActivationGradient(ActivationGradient(activation)), &[y, g]),
        }
    }
}

/// (1 − e⁻ʸ) g. Below 1/16 the difference would cancel, and four terms of its series are exact to the last place.
fn softplus_gradient(y: &[f32], g: &[f32], out: &mut [f32]) {
    for (out, y) in out.iter_mut().zip(y) {
        *out = -y;
    }
    elementwise::exp(out);
    for ((out, y), g) in out.iter_mut().zip(y).zip(g) {
        let series = y * (1.0 - y * (1.0 / 2.0) * (1.0 - y * (1.0 / 3.0) * (1.0 - y * (1.0 / 4.0))));
        *out = g * if *y < 0.0625 { series } else { 1.0 - *out };
    }
}

impl Operation for ActivationGradient {
    fn name(&self) -> &'static str {
        "activation_gradient"
    }

    fn shape(&self, operands: &[Shape]) -> Result<Shape, String> {
        match operands {
            [y, g] if y == g => Ok(*y),
            _ => Err(format!("an output of shape {} with a gradient of shape {}", operands[0], operands[1])),
        }
    }

    fn forward(&self, operands: &[View<'_, f32>], out: &mut [f32]) {
        let (both, shape) = ([operands[0], operands[1]], operands[0].shape);
        match self.0 {
            Activation::Identity => out.copy_from_slice(both[1].values),
            Activation::Relu => map(both, shape, out, |[y, g]| if y > 0.0 { g } else { 0.0 }),
            Activation::LeakyRelu(slope) => map(both, shape, out, |[y, g]| if y > 0.0 { g } else { slope * g }),
            Activation::Tanh => map(both, shape, out, |[y, g]| g * (1.0 - y * y)),
            Activation::Sigmoid => map(both, shape, out, |[y, g]| g * (y * (1.0 - y))),
            Activation::Softplus => in_blocks(BLOCK, out, &|start, out| {
                let block = start..start + out.len();
                softplus_gradient(&both[0].values[block.clone()], &both[1].values[block], out);
            }),
        }
    }

    fn reference(&self, operands: &[View<'_, f64>], out: &mut [f64]) {
        map_reference([operands[0], operands[1]], operands[0].shape, out, |[y, g]| {
            g * match self.0 {
                Activation::Identity => 1.0,
                Activation::Relu => f64::from(y > 0.0),
                Activation::LeakyRelu(slope) => {
                    if y > 0.0 {
                        1.0
                    } else {
                        slope.into()
                    }
                }
                Activation::Tanh => 1.0 - y * y,
                Activation::Sigmoid => y * (1.0 - y),
                Activation::Softplus => -(-y).exp_m1(),
            }
        });
    }

    fn gradient<'t>(
        &self,
        wanted: usize,
        operands: &[Var<'t>],
        _: Var<'t>,
        of_result: Var<'t>,
    ) -> Option<Var<'t>> {
        let (y, g) = (operands[0], operands[1]);
        if wanted == 1 {
            return Some(ActivationGradient::apply(self.0, y, of_result));
        }
        let slope = match self.0 {
            Activation::Identity | Activation::Relu | Activation::LeakyRelu(_) => return None,
            Activation::Tanh => y * -2.0,
            Activation::Sigmoid => y * -2.0 + 1.0,
            Activation::Softplus => (-y).exp(),
        };
        Some(of_result * g * slope)
    }
}
