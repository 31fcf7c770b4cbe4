//! An operation on the tape: a shape, a forward pass on slices, and a gradient written in operations.

use super::{Shape, Var};
use std::fmt::Debug;

/// One operand of a forward pass: its values, row-major, and their shape.
#[derive(Clone, Copy, Debug)]
pub struct View<'a, T> {
    /// The values, `shape.elements()` of them.
    pub values: &'a [T],
    /// Their shape.
    pub shape: Shape,
}

/// An operation. The tape's own are of this kind, and so is a user's: pass it to [`Tape::apply`](super::Tape::apply), and check its
/// gradient with [`check_gradients`](super::check_gradients).
///
/// The same operands give the same bits whatever the number of threads: split work by fixed blocks, never by threads.
pub trait Operation: Debug + Send + Sync {
    /// Its name, as messages say it.
    fn name(&self) -> &'static str;

    /// The shape of the result.
    ///
    /// # Errors
    /// Why operands of these shapes do not go together, naming the shapes: the tape panics with it at the caller's line.
    fn shape(&self, operands: &[Shape]) -> Result<Shape, String>;

    /// The result, every element of which is written; `out` holds anything before.
    fn forward(&self, operands: &[View<'_, f32>], out: &mut [f32]);

    /// The same in f64, as plainly as it can be written: the reference that values and gradients are tested against. By
    /// default the forward pass with its operands rounded to f32, good to about six digits.
    fn reference(&self, operands: &[View<'_, f64>], out: &mut [f64]) {
        let rounded: Vec<Vec<f32>> =
            operands.iter().map(|view| view.values.iter().map(|value| *value as f32).collect()).collect();
        let views: Vec<View<'_, f32>> =
            operands.iter().zip(&rounded).map(|(view, values)| View { values, shape: view.shape }).collect();
        let mut single = vec![0.0f32; out.len()];
        self.forward(&views, &mut single);
        for (out, value) in out.iter_mut().zip(single) {
            *out = f64::from(value);
        }
    }

    /// Derivative of a scalar with respect to operand `wanted`, in that operand's shape, from `gradient`, its derivative with
    /// respect to the result. `None` where it is zero everywhere, as for an index or a mask.
    ///
    /// # Panics
    /// By default, naming the operation, which then cannot be differentiated.
    #[track_caller]
    fn gradient<'t>(
        &self,
        wanted: usize,
        operands: &[Var<'t>],
        result: Var<'t>,
        gradient: Var<'t>,
    ) -> Option<Var<'t>> {
        let _ = (wanted, operands, result, gradient);
        panic!("the operation `{}` has no gradient", self.name());
    }
}
