//! Element-wise arithmetic of two operands, which are repeated to a common shape.

use super::{broadcast_strides, walk};
use crate::autodiff::{Operation, Shape, Var, View};

/// Element-wise arithmetic of two operands, which are repeated to a common shape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::autodiff) enum Arithmetic {
    /// a + b
    Add,
    /// a − b
    Sub,
    /// a · b
    Mul,
    /// a / b
    Div,
}

impl Arithmetic {
    fn each<T: Copy>(operands: &[View<'_, T>], out: &mut [T], function: impl Fn(T, T) -> T) {
        let (a, b) = (operands[0], operands[1]);
        if a.shape == b.shape {
            for (out, (a, b)) in out.iter_mut().zip(a.values.iter().zip(b.values)) {
                *out = function(*a, *b);
            }
            return;
        }
        let shape = a.shape.broadcast(b.shape).expect("checked when it was recorded");
        let strides = [broadcast_strides(a.shape, shape), broadcast_strides(b.shape, shape)];
        walk(shape, strides, |element, [at, bt]| out[element] = function(a.values[at], b.values[bt]));
    }
}

impl Operation for Arithmetic {
    fn name(&self) -> &'static str {
        match self {
            Arithmetic::Add => "add",
            Arithmetic::Sub => "sub",
            Arithmetic::Mul => "mul",
            Arithmetic::Div => "div",
        }
    }

    fn shape(&self, operands: &[Shape]) -> Result<Shape, String> {
        let (a, b) = (operands[0], operands[1]);
        a.broadcast(b).ok_or_else(|| format!("shapes {a} and {b} do not go together"))
    }

    fn forward(&self, operands: &[View<'_, f32>], out: &mut [f32]) {
        match self {
            Arithmetic::Add => Self::each(operands, out, |a, b| a + b),
            Arithmetic::Sub => Self::each(operands, out, |a, b| a - b),
            Arithmetic::Mul => Self::each(operands, out, |a, b| a * b),
            Arithmetic::Div => Self::each(operands, out, |a, b| a / b),
        }
    }

    fn reference(&self, operands: &[View<'_, f64>], out: &mut [f64]) {
        match self {
            Arithmetic::Add => Self::each(operands, out, |a, b| a + b),
            Arithmetic::Sub => Self::each(operands, out, |a, b| a - b),
            Arithmetic::Mul => Self::each(operands, out, |a, b| a * b),
            Arithmetic::Div => Self::each(operands, out, |a, b| a / b),
        }
    }

    fn gradient<'t>(&self, wanted: usize, operands: &[Var<'t>], result: Var<'t>, g: Var<'t>) -> Option<Var<'t>> {
        let (a, b) = (operands[0], operands[1]);
        let wide = match (self, wanted) {
            (Arithmetic::Add, _) | (Arithmetic::Sub, 0) => g,
            (Arithmetic::Sub, _) => g.tape().scalar(0.0) - g,
            (Arithmetic::Mul, 0) => g * b,
            (Arithmetic::Mul, _) => g * a,
            (Arithmetic::Div, 0) => g / b,
            (Arithmetic::Div, _) => g.tape().scalar(0.0) - g * result / b,
        };
        Some(wide.sum_to(operands[wanted].shape()))
    }
}
