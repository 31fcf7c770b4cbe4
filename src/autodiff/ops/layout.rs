//! Moving numbers about: no arithmetic.

use super::{broadcast_strides, walk};
use crate::autodiff::{Operation, Shape, Var, View};

/// Moving numbers about: no arithmetic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::autodiff) enum Layout {
    /// The same numbers in another shape.
    Reshape(Shape),
    /// Repeated along missing axes and axes of length 1.
    BroadcastTo(Shape),
}

impl Layout {
    fn place<T: Copy>(&self, operands: &[View<'_, T>], out: &mut [T]) {
        let View { values, shape } = operands[0];
        match self {
            Layout::Reshape(_) => out.copy_from_slice(values),
            Layout::BroadcastTo(wide) => {
                walk(*wide, [broadcast_strides(shape, *wide)], |element, [at]| out[element] = values[at]);
            }
        }
    }
}

impl Operation for Layout {
    fn name(&self) -> &'static str {
        match self {
            Layout::Reshape(_) => "reshape",
            Layout::BroadcastTo(_) => "broadcast_to",
        }
    }

    fn shape(&self, operands: &[Shape]) -> Result<Shape, String> {
        let from = operands[0];
        match self {
            Layout::Reshape(to) if to.elements() == from.elements() => Ok(*to),
            Layout::Reshape(to) => Err(format!("{} elements of {from} into {to}", from.elements())),
            Layout::BroadcastTo(to) if from.broadcast(*to) == Some(*to) => Ok(*to),
            Layout::BroadcastTo(to) => Err(format!("{from} does not spread to {to}")),
        }
    }

    fn forward(&self, operands: &[View<'_, f32>], out: &mut [f32]) {
        self.place(operands, out);
    }

    fn reference(&self, operands: &[View<'_, f64>], out: &mut [f64]) {
        self.place(operands, out);
    }

    fn gradient<'t>(&self, _: usize, operands: &[Var<'t>], _: Var<'t>, g: Var<'t>) -> Option<Var<'t>> {
        let from = operands[0].shape();
        Some(match self {
            Layout::Reshape(_) => g.reshape(from),
            Layout::BroadcastTo(_) => g.sum_to(from),
        })
    }
}
