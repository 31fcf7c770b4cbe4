//! Derivatives against central differences.

use super::interpret::interpret;
use super::op::Op;
use super::{Shape, Tape, Var};
use crate::store::Store;
use std::fmt;

/// An element of an input where the tape's derivative is not that of central differences.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct GradientMismatch {
    /// Which input.
    pub input: usize,
    /// Which of its elements.
    pub element: usize,
    /// What the rules on the tape give.
    pub gradient: f64,
    /// What central differences give.
    pub difference: f64,
    /// How far apart the two may be.
    pub bound: f64,
}

impl fmt::Display for GradientMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let GradientMismatch { input, element, gradient, difference, bound } = self;
        write!(
            f,
            "input {input}, element {element}: the gradient is {gradient}, central differences give {difference} ± {bound:.1e}"
        )
    }
}

impl std::error::Error for GradientMismatch {}

/// Roundings, of the size of the largest contribution, that one evaluation is granted.
const ROUNDINGS: f64 = 32.0;

/// Σ wᵢ yᵢ with fixed unequal weights from ½ to 1½, so that no element's derivative hides behind another's.
pub(super) fn weighted_sum<'t>(tape: &'t Tape<'t>, result: Var<'t>) -> Var<'t> {
    let weights: Vec<f32> =
        (0..result.shape().elements()).map(|element| 0.5 + (element * 37 % 64) as f32 / 64.0).collect();
    (result * tape.constant(result.shape(), &weights)).sum()
}

/// Compares the derivatives of what `build` makes of `inputs` with central differences, element by element. A result of
/// more than one element is summed with fixed unequal weights first.
///
/// Both are computed in f64, through [`Operation::reference`](super::Operation::reference). With D(h) = (f(x + h) −
/// f(x − h)) / 2h = f′ + c h² + O(h⁴), the error of D(h/2) is about a third of |D(h) − D(h/2)|; all of it is
/// allowed, and 32 roundings of f besides, divided by h. The step is ∛ε max(1, |x|), where the two meet; ε is that of f64,
/// or of f32 where an operation is a user's, whose reference may be no better. At a kink, such as relu's at 0, nothing
/// can be said: choose inputs that are not nearer than the step, 10⁻⁵ or 10⁻².
///
/// # Errors
/// Names the first element where the two are further apart.
///
/// # Examples
/// An operation of one's own:
/// ```
/// use helmholtz::autodiff::{Operation, Shape, Var, View, check_gradients};
/// use std::sync::Arc;
///
/// #[derive(Debug)]
/// struct Cube;
///
/// impl Operation for Cube {
///     fn name(&self) -> &'static str {
///         "cube"
///     }
///     fn shape(&self, operands: &[Shape]) -> Result<Shape, String> {
///         Ok(operands[0])
///     }
///     fn forward(&self, operands: &[View<'_, f32>], out: &mut [f32]) {
///         for (out, x) in out.iter_mut().zip(operands[0].values) {
///             *out = x * x * x;
///         }
///     }
///     fn gradient<'t>(&self, _: usize, operands: &[Var<'t>], _: Var<'t>, gradient: Var<'t>) -> Option<Var<'t>> {
///         Some(gradient * operands[0].square() * 3.0)
///     }
/// }
///
/// let inputs = [(Shape::from([3]), vec![-1.5, 0.25, 2.0])];
/// check_gradients(&inputs, |tape, inputs| tape.apply(Arc::new(Cube), &inputs[..1]))?;
/// # Ok::<(), helmholtz::autodiff::GradientMismatch>(())
/// ```
///
/// # Panics
/// Where recording does, and where an input has another number of values than its shape.
#[track_caller]
pub fn check_gradients(
    inputs: &[(Shape, Vec<f32>)],
    build: impl for<'t> Fn(&'t Tape<'t>, &[Var<'t>]) -> Var<'t>,
) -> Result<(), GradientMismatch> {
    let store = Store::new();
    let tape = Tape::new(&store);
    let mut vars = Vec::new();
    for (index, (shape, values)) in inputs.iter().enumerate() {
        vars.push(tape.input_with(&index.to_string(), *shape, values));
    }
    compare(&tape, &vars, build(&tape, &vars))
}

/// As [`check_gradients`], of what `build` makes of the parameters of `store`: `input` counts them.
///
/// # Errors
/// Names the first element where the two are further apart.
///
/// # Panics
/// Where recording does.
#[track_caller]
pub fn check_parameter_gradients(
    store: &Store,
    build: impl for<'t> Fn(&'t Tape<'t>) -> Var<'t>,
) -> Result<(), GradientMismatch> {
    let tape = Tape::new(store);
    let parameters: Vec<Var<'_>> = store.parameters().map(|parameter| tape.parameter(parameter)).collect();
    compare(&tape, &parameters, build(&tape))
}

/// The derivatives of `result` with respect to the leaves `vars`.
#[track_caller]
fn compare<'t>(tape: &'t Tape<'t>, vars: &[Var<'t>], result: Var<'t>) -> Result<(), GradientMismatch> {
    let loss = weighted_sum(tape, result);
    let gradients: Vec<usize> = tape.gradient(loss, vars).into_iter().map(Var::index).collect();
    let recording = tape.recording.borrow();
    let users = recording.nodes.iter().any(|node| matches!(node.op, Op::User(_)));
    let epsilon = if users { f64::from(f32::EPSILON) } else { f64::EPSILON };
    let gradients = interpret(&recording, &[], &gradients);
    let terms: f64 = interpret(&recording, &[], &[result.index()])[0].iter().map(|term| term.abs()).sum();
    for (input, (var, gradients)) in vars.iter().zip(&gradients).enumerate() {
        let mut moved: Vec<f64> = recording.values[var.index()].iter().copied().map(f64::from).collect();
        for element in 0..moved.len() {
            let (x, gradient) = (moved[element], gradients[element]);
            let mut central = |step: f64| {
                let mut at = |x: f64| {
                    moved[element] = x;
                    interpret(&recording, &[(var.index(), &moved)], &[loss.index()])[0][0]
                };
                let rise = at(x + step) - at(x - step);
                moved[element] = x;
                rise / (2.0 * step)
            };
            let step = epsilon.cbrt() * x.abs().max(1.0);
            let (coarse, difference) = (central(step), central(step / 2.0));
            let size = 1.0 + 1.5 * terms + (1.0 + x.abs()) * difference.abs();
            let bound = (coarse - difference).abs() + 2.0 * ROUNDINGS * epsilon * size / step;
            let agree = (gradient - difference).abs() <= bound;
            if !agree {
                return Err(GradientMismatch { input, element, gradient, difference, bound });
            }
        }
    }
    Ok(())
}
