//! Sums over axes. Accumulated in f64.

use super::{broadcast_strides, walk};
use crate::autodiff::{Operation, Shape, Var, View};

/// Reductions over axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::autodiff) enum Reduction {
    /// Summed over the axes along which this shape is repeated to reach the operand's.
    SumTo(Shape),
}

impl Reduction {
    fn sums(narrow: Shape, wide: Shape, values: impl Fn(usize) -> f64) -> Vec<f64> {
        let mut sums = vec![0.0; narrow.elements()];
        walk(wide, [broadcast_strides(narrow, wide)], |element, [at]| sums[at] += values(element));
        sums
    }
}

impl Operation for Reduction {
    fn name(&self) -> &'static str {
        match self {
            Reduction::SumTo(_) => "sum_to",
        }
    }

    fn shape(&self, operands: &[Shape]) -> Result<Shape, String> {
        let Reduction::SumTo(to) = self;
        match to.broadcast(operands[0]) {
            Some(wide) if wide == operands[0] => Ok(*to),
            _ => Err(format!("{} is not {to} repeated", operands[0])),
        }
    }

    fn forward(&self, operands: &[View<'_, f32>], out: &mut [f32]) {
        let (Reduction::SumTo(to), View { values, shape }) = (self, operands[0]);
        for (out, sum) in out.iter_mut().zip(Self::sums(*to, shape, |at| f64::from(values[at]))) {
            *out = sum as f32;
        }
    }

    fn reference(&self, operands: &[View<'_, f64>], out: &mut [f64]) {
        let (Reduction::SumTo(to), View { values, shape }) = (self, operands[0]);
        out.copy_from_slice(&Self::sums(*to, shape, |at| values[at]));
    }

    fn gradient<'t>(&self, _: usize, operands: &[Var<'t>], _: Var<'t>, g: Var<'t>) -> Option<Var<'t>> {
        Some(g.broadcast_to(operands[0].shape()))
    }
}
