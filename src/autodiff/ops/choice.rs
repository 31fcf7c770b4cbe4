//! Comparisons and choices. A mask is 0 or 1 and has no derivative.

use super::broadcast::{map, map_reference, meet};
use super::layout::row_index;
use crate::autodiff::{MOST_AXES, Operation, Shape, Var, View};

/// Comparisons and choices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::autodiff) enum Choice {
    /// 1 where a > b, else 0.
    Greater,
    /// 1 where a = b, else 0.
    Equal,
    /// a where the mask is not 0, else b: operands mask, a, b.
    Select,
    /// Indices `[..]` as rows `[.., classes]` with a single 1.
    OneHot { classes: usize },
}

impl Operation for Choice {
    fn name(&self) -> &'static str {
        match self {
            Choice::Greater => "greater",
            Choice::Equal => "equal",
            Choice::Select => "select",
            Choice::OneHot { .. } => "one_hot",
        }
    }

    fn shape(&self, operands: &[Shape]) -> Result<Shape, String> {
        match self {
            Choice::Greater | Choice::Equal | Choice::Select => meet(operands),
            Choice::OneHot { classes } if operands[0].len() < MOST_AXES => Ok(operands[0].and(*classes)),
            Choice::OneHot { .. } => Err(format!("{} has no room for another axis", operands[0])),
        }
    }

    fn forward(&self, operands: &[View<'_, f32>], out: &mut [f32]) {
        let joint = |operands: &[View<'_, f32>]| {
            operands.iter().fold(Shape::SCALAR, |joint, view| joint.broadcast(view.shape).expect("checked"))
        };
        match *self {
            Choice::Greater => {
                map([operands[0], operands[1]], joint(operands), out, |[a, b]| f32::from(a > b));
            }
            Choice::Equal => {
                map([operands[0], operands[1]], joint(operands), out, |[a, b]| f32::from(a == b));
            }
            Choice::Select => {
                let all = [operands[0], operands[1], operands[2]];
                map(all, joint(operands), out, |[mask, a, b]| if mask != 0.0 { a } else { b });
            }
            Choice::OneHot { classes } => {
                out.fill(0.0);
                for (row, index) in operands[0].values.iter().enumerate() {
                    out[row * classes + row_index("one_hot", f64::from(*index), classes)] = 1.0;
                }
            }
        }
    }

    fn reference(&self, operands: &[View<'_, f64>], out: &mut [f64]) {
        let shape =
            operands.iter().fold(Shape::SCALAR, |joint, view| joint.broadcast(view.shape).expect("checked"));
        match *self {
            Choice::Greater => {
                map_reference([operands[0], operands[1]], shape, out, |[a, b]| f64::from(a > b));
            }
            Choice::Equal => {
                map_reference([operands[0], operands[1]], shape, out, |[a, b]| f64::from(a == b));
            }
            Choice::Select => {
                let all = [operands[0], operands[1], operands[2]];
                map_reference(all, shape, out, |[mask, a, b]| if mask != 0.0 { a } else { b });
            }
            Choice::OneHot { classes } => {
                out.fill(0.0);
                for (row, index) in operands[0].values.iter().enumerate() {
                    out[row * classes + row_index("one_hot", *index, classes)] = 1.0;
                }
            }
        }
    }

    fn gradient<'t>(&self, wanted: usize, operands: &[Var<'t>], _: Var<'t>, g: Var<'t>) -> Option<Var<'t>> {
        let zero = g.tape().scalar(0.0);
        let wide = match (self, wanted) {
            (Choice::Select, 1) => operands[0].select(g, zero),
            (Choice::Select, 2) => operands[0].select(zero, g),
            _ => return None,
        };
        Some(wide.sum_to(operands[wanted].shape()))
    }
}
