//! Functions of one operand, element by element.

use super::ActivationGradient;
use super::broadcast::{BLOCK, in_blocks, map, map_reference};
use crate::autodiff::op::Op;
use crate::autodiff::{Activation, Operation, Shape, Var, View};
use crate::kernels::elementwise;

/// Functions of one operand, element by element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::autodiff) enum Function {
    /// −x
    Negate,
    /// c · x
    Scale(f32),
    /// x + c
    Shift(f32),
    /// An activation function: the same as in a fused linear layer.
    Activation(Activation),
    /// eˣ
    Exp,
    /// ln x
    Ln,
    /// √x
    Sqrt,
    /// x²
    Square,
    /// |x|; derivative 0 at 0.
    Abs,
    /// 1 / x
    Reciprocal,
    /// −1, 0 or 1; derivative 0.
    Sign,
    /// x between the two; its derivative is 1 there, ends included.
    Clamp(f32, f32),
    /// 1 where x is between the two, ends included, else 0; derivative 0.
    Inside(f32, f32),
}

/// In blocks, through a kernel that takes slices.
fn through(kernel: fn(&[f32], &mut [f32]), source: &[f32], out: &mut [f32]) {
    in_blocks(BLOCK, out, &|start, out| kernel(&source[start..start + out.len()], out));
}

impl Operation for Function {
    fn name(&self) -> &'static str {
        match self {
            Function::Negate => "negate",
            Function::Scale(_) => "scale",
            Function::Shift(_) => "shift",
            Function::Activation(activation) => activation.name(),
            Function::Exp => "exp",
            Function::Ln => "ln",
            Function::Sqrt => "sqrt",
            Function::Square => "square",
            Function::Abs => "abs",
            Function::Reciprocal => "reciprocal",
            Function::Sign => "sign",
            Function::Clamp(..) => "clamp",
            Function::Inside(..) => "inside",
        }
    }

    fn shape(&self, operands: &[Shape]) -> Result<Shape, String> {
        match *self {
            Function::Activation(activation) => activation.check()?,
            Function::Clamp(low, high) if low > high || low.is_nan() || high.is_nan() => {
                return Err(format!("from {low} to {high} is no interval"));
            }
            _ => {}
        }
        Ok(operands[0])
    }

    fn forward(&self, operands: &[View<'_, f32>], out: &mut [f32]) {
        let (x, shape) = ([operands[0]], operands[0].shape);
        match *self {
            Function::Negate => map(x, shape, out, |[x]| -x),
            Function::Scale(c) => map(x, shape, out, |[x]| c * x),
            Function::Shift(c) => map(x, shape, out, |[x]| x + c),
            Function::Activation(activation) => match activation {
                Activation::Identity => out.copy_from_slice(x[0].values),
                Activation::Relu => map(x, shape, out, |[x]| if x < 0.0 { 0.0 } else { x }),
                Activation::LeakyRelu(slope) => map(x, shape, out, |[x]| if x < 0.0 { slope * x } else { x }),
                Activation::Tanh => through(elementwise::tanh_into, x[0].values, out),
                Activation::Sigmoid => through(elementwise::sigmoid_into, x[0].values, out),
                Activation::Softplus => through(elementwise::softplus_into, x[0].values, out),
            },
            Function::Exp => through(elementwise::exp_into, x[0].values, out),
            Function::Ln => through(elementwise::ln_into, x[0].values, out),
            Function::Sqrt => map(x, shape, out, |[x]| x.sqrt()),
            Function::Square => map(x, shape, out, |[x]| x * x),
            Function::Abs => map(x, shape, out, |[x]| x.abs()),
            Function::Reciprocal => map(x, shape, out, |[x]| 1.0 / x),
            Function::Sign => map(x, shape, out, |[x]| if x == 0.0 { x } else { x.signum() }),
            Function::Clamp(low, high) => map(x, shape, out, |[x]| {
                let x = if x < low { low } else { x };
                if x > high { high } else { x }
            }),
            Function::Inside(low, high) => map(x, shape, out, |[x]| f32::from(low <= x && x <= high)),
        }
    }

    fn reference(&self, operands: &[View<'_, f64>], out: &mut [f64]) {
        map_reference([operands[0]], operands[0].shape, out, |[x]| match *self {
            Function::Negate => -x,
            Function::Scale(c) => f64::from(c) * x,
            Function::Shift(c) => x + f64::from(c),
            Function::Activation(activation) => activation.reference(x),
            Function::Exp => x.exp(),
            Function::Ln => x.ln(),
            Function::Sqrt => x.sqrt(),
            Function::Square => x * x,
            Function::Abs => x.abs(),
            Function::Reciprocal => x.recip(),
            Function::Sign if x == 0.0 => 0.0,
            Function::Sign => x.signum(),
            Function::Clamp(low, high) => x.clamp(low.into(), high.into()),
            Function::Inside(low, high) => f64::from(f64::from(low) <= x && x <= f64::from(high)),
        });
    }

    fn gradient<'t>(&self, _: usize, operands: &[Var<'t>], result: Var<'t>, g: Var<'t>) -> Option<Var<'t>> {
        let x = operands[0];
        Some(match *self {
            Function::Negate => -g,
            Function::Scale(c) => g * c,
            Function::Shift(_) => g,
            Function::Activation(activation) => ActivationGradient::apply(activation, result, g),
            Function::Exp => g * result,
            Function::Ln => g / x,
            Function::Sqrt => g / result * 0.5,
            Function::Square => g * x * 2.0,
            Function::Abs => g * x.sign(),
            Function::Reciprocal => -(g * result.square()),
            Function::Sign | Function::Inside(..) => return None,
            Function::Clamp(low, high) => x.tape().push(Op::Function(Function::Inside(low, high)), &[x]) * g,
        })
    }
}
