//! The transforms that a flow is composed of.

use super::Dropout;
use crate::autodiff::Var;
use crate::store::Store;
use std::fmt::Debug;

/// Rows after a transform, and the logarithm of what it did to volumes.
#[derive(Clone, Copy, Debug)]
pub struct Transformed<'t> {
    /// The transformed rows `[rows, width]`.
    pub value: Var<'t>,
    /// ln |det ∂y/∂x| of each row, `[rows]`; `[]` where it is the same for all.
    pub log_determinant: Var<'t>,
}

/// An invertible, differentiable map y = g(x) of rows of real numbers, from the data's side x to the base's side y: with
/// p(x) = p(y) |det ∂y/∂x|, maximum likelihood runs it forward and sampling runs it backward. Its parameters are in the
/// store of the flow. A transform of your own is of this kind too: see [`Flow::of_transforms`](super::Flow::of_transforms).
pub trait Transform: Debug + Send + Sync {
    /// y and ln |det ∂y/∂x| for x `[rows, width]`, recorded on the tape. `context` `[rows, context]` is what the flow is
    /// conditioned on, labels as a one among zeros; `None` where it is not.
    fn forward<'t>(&self, x: Var<'t>, context: Option<Var<'t>>) -> Transformed<'t>;

    /// Hidden units of its networks that a training step may leave out. By default it has none.
    fn hidden_units(&self) -> usize {
        0
    }

    /// As [`forward`](Self::forward), in a training step that leaves out hidden units: each hidden layer goes through
    /// [`Dropout::apply`], [`hidden_units`](Self::hidden_units) of them in all. By default nothing is left out.
    fn forward_dropping<'t>(
        &self,
        x: Var<'t>,
        context: Option<Var<'t>>,
        dropout: &Dropout<'t>,
    ) -> Transformed<'t> {
        let _ = dropout;
        self.forward(x, context)
    }

    /// x and ln |det ∂x/∂y| for y `[rows, width]`, recorded on the tape, where one pass gives them; `None` where they are only
    /// to be had one component after the other.
    fn inverse<'t>(&self, y: Var<'t>, context: Option<Var<'t>>) -> Option<Transformed<'t>>;

    /// x for y, in place in `rows` `[rows, width]`, where no single pass gives it: [`inverse`](Self::inverse) is `None`. `context`
    /// `[rows, context]` is empty where the flow is not conditioned.
    fn invert_in_turn(&self, store: &Store, rows: &mut [f32], context: &[f32]) {
        let _ = (store, rows, context);
        unreachable!("a transform without an inverse on the tape inverts its components in turn");
    }

    /// Sets the parameters that start with the data, from rows `[rows, width]` as they reach this transform: called once, before the
    /// first step of the first training. By default there are none.
    fn begin_with(&self, store: &mut Store, rows: &[f32]) {
        let _ = (store, rows);
    }
}
