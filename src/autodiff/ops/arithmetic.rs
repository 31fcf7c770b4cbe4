//! Element-wise arithmetic of two operands, which are repeated to a common shape.

use super::broadcast::{map, map_reference, meet};
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
    /// The larger one, NaN where one is; of two equal ones `a`, which gets the derivative.
    Maximum,
    /// The smaller one, NaN where one is; of two equal ones `a`, which gets the derivative.
    Minimum,
}

impl Operation for Arithmetic {
    fn name(&self) -> &'static str {
        match self {
            Arithmetic::Add => "add",
            Arithmetic::Sub => "sub",
            Arithmetic::Mul => "mul",
            Arithmetic::Div => "div",
            Arithmetic::Maximum => "maximum",
            Arithmetic::Minimum => "minimum",
        }
    }

    fn shape(&self, operands: &[Shape]) -> Result<Shape, String> {
        meet(operands)
    }

    fn forward(&self, operands: &[View<'_, f32>], out: &mut [f32]) {
        let operands = [operands[0], operands[1]];
        let shape = operands[0].shape.broadcast(operands[1].shape).expect("checked when it was recorded");
        match self {
            Arithmetic::Add => map(operands, shape, out, |[a, b]| a + b),
            Arithmetic::Sub => map(operands, shape, out, |[a, b]| a - b),
            Arithmetic::Mul => map(operands, shape, out, |[a, b]| a * b),
            Arithmetic::Div => map(operands, shape, out, |[a, b]| a / b),
            Arithmetic::Maximum => map(operands, shape, out, |[a, b]| if b > a || b.is_nan() { b } else { a }),
            Arithmetic::Minimum => map(operands, shape, out, |[a, b]| if b < a || b.is_nan() { b } else { a }),
        }
    }

    fn reference(&self, operands: &[View<'_, f64>], out: &mut [f64]) {
        let operands = [operands[0], operands[1]];
        let shape = operands[0].shape.broadcast(operands[1].shape).expect("checked when it was recorded");
        map_reference(operands, shape, out, |[a, b]| match self {
            Arithmetic::Add => a + b,
            Arithmetic::Sub => a - b,
            Arithmetic::Mul => a * b,
            Arithmetic::Div => a / b,
            Arithmetic::Maximum => a.max(b),
            Arithmetic::Minimum => a.min(b),
        });
    }

    fn gradient<'t>(&self, wanted: usize, operands: &[Var<'t>], result: Var<'t>, g: Var<'t>) -> Option<Var<'t>> {
        let (a, b) = (operands[0], operands[1]);
        let zero = g.tape().scalar(0.0);
        let wide = match (self, wanted) {
            (Arithmetic::Add, _) | (Arithmetic::Sub, 0) => g,
            (Arithmetic::Sub, _) => -g,
            (Arithmetic::Mul, 0) => g * b,
            (Arithmetic::Mul, _) => g * a,
            (Arithmetic::Div, 0) => g / b,
            (Arithmetic::Div, _) => -(g * result / b),
            (Arithmetic::Maximum, 0) => b.greater(a).select(zero, g),
            (Arithmetic::Maximum, _) => b.greater(a).select(g, zero),
            (Arithmetic::Minimum, 0) => a.greater(b).select(zero, g),
            (Arithmetic::Minimum, _) => a.greater(b).select(g, zero),
        };
        Some(wide.sum_to(operands[wanted].shape()))
    }
}
