//! Activation functions, and their derivatives expressed by what they gave: f′(x) is a function of y = f(x) for each.

use super::broadcast::{BLOCK, in_blocks, map, map_reference};
use crate::autodiff::op::Op;
use crate::autodiff::{Operation, Shape, Var, View};
use crate::kernels::elementwise;
use crate::kernels::gemm;
use std::fmt;
use std::str::FromStr;

/// The function a layer ends with, applied element by element.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Activation {
    /// x
    #[default]
    Identity,
    /// max(x, 0); derivative 0 at 0.
    Relu,
    /// x, or this slope ≥ 0 times x below 0; its derivative at 0 is the slope.
    LeakyRelu(f32),
    /// tanh x
    Tanh,
    /// 1 / (1 + e⁻ˣ)
    Sigmoid,
    /// ln(1 + eˣ)
    Softplus,
}

impl Activation {
    pub(super) fn name(self) -> &'static str {
        match self {
            Activation::Identity => "identity",
            Activation::Relu => "relu",
            Activation::LeakyRelu(_) => "leaky_relu",
            Activation::Tanh => "tanh",
            Activation::Sigmoid => "sigmoid",
            Activation::Softplus => "softplus",
        }
    }

    /// Refuses a negative slope: the sign of y would no longer tell the sign of x.
    pub(super) fn check(self) -> Result<(), String> {
        match self {
            Activation::LeakyRelu(slope) if slope.is_nan() || slope < 0.0 => {
                Err(format!("a slope of {slope}: wanted one of at least 0"))
            }
            _ => Ok(()),
        }
    }

    /// What the matrix product applies on its way out; a leaky one is left to be applied afterwards.
    pub(super) fn of_the_product(self) -> gemm::Activation {
        match self {
            Activation::Identity | Activation::LeakyRelu(_) => gemm::Activation::Identity,
            Activation::Relu => gemm::Activation::Relu,
            Activation::Tanh => gemm::Activation::Tanh,
            Activation::Sigmoid => gemm::Activation::Sigmoid,
            Activation::Softplus => gemm::Activation::Softplus,
        }
    }

    pub(super) fn reference(self, x: f64) -> f64 {
        match self {
            Activation::Identity => x,
            Activation::Relu => x.max(0.0),
            Activation::LeakyRelu(slope) => x.max(0.0) + f64::from(slope) * x.min(0.0),
            Activation::Tanh => x.tanh(),
            Activation::Sigmoid => 1.0 / (1.0 + (-x).exp()),
            Activation::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
        }
    }
}

/// The name that [`FromStr`] reads: `identity`, `relu`, `leaky-relu:SLOPE`, `tanh`, `sigmoid` or `softplus`.
impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Activation::LeakyRelu(slope) => write!(f, "leaky-relu:{slope}"),
            plain => f.write_str(plain.name()),
        }
    }
}

impl FromStr for Activation {
    type Err = &'static str;
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let plain =
            [Activation::Identity, Activation::Relu, Activation::Tanh, Activation::Sigmoid, Activation::Softplus];
        let leaky = || {
            let slope: f32 = name.strip_prefix("leaky-relu:")?.parse().ok()?;
            (slope >= 0.0 && slope.is_finite()).then_some(Activation::LeakyRelu(slope))
        };
        let found = plain.into_iter().find(|activation| activation.name() == name).or_else(leaky);
        found.ok_or("wanted identity, relu, leaky-relu:SLOPE, tanh, sigmoid or softplus")
    }
}

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
