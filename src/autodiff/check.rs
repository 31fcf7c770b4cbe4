//! Derivatives against central differences.

use super::interpret::{interpret, interpret_with};
use super::op::Op;
use super::operation::{Operation, View};
use super::tape::Recording;
use super::{Shape, Tape, Var};
use crate::random::Seed;
use crate::store::Store;
use rand::RngExt;
use std::collections::BTreeSet;
use std::fmt;

/// An element of an input where the tape's derivative is not that of central differences, or where these are too coarse to
/// [tell](Self::is_inconclusive).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct GradientMismatch {
    /// Which input.
    pub input: usize,
    /// Which of its elements.
    pub element: usize,
    /// The derivative by the rules on the tape.
    pub gradient: f64,
    /// The derivative by central differences.
    pub difference: f64,
    /// How far apart the two may be.
    pub bound: f64,
}

impl GradientMismatch {
    /// Whether the two agree, but only since the bound is more than three per cent of the slope: a wrong rule might too.
    pub fn is_inconclusive(&self) -> bool {
        (self.gradient - self.difference).abs() <= self.bound
    }
}

impl fmt::Display for GradientMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let GradientMismatch { input, element, gradient, difference, bound } = self;
        write!(
            f,
            "input {input}, element {element}: the gradient is {gradient}, central differences give {difference} ± {bound:.1e}"
        )?;
        if self.is_inconclusive() {
            f.write_str(", too coarse to tell: write the reference in f64, or choose another input")?;
        }
        Ok(())
    }
}

impl std::error::Error for GradientMismatch {}

/// Steps of the differences, for |x| up to 1: powers of two, so that x + h is exact. About ∛ε each, where the error of a
/// central difference (of order h²) and its rounding (of order ε / h) meet.
const FINE_STEP: f64 = 1.0 / 131_072.0;
const COARSE_STEP: f64 = 1.0 / 256.0;

/// Roundings, of the size of the largest contribution, that one evaluation in f64 is granted.
const ROUNDINGS: f64 = 32.0;
/// Roundings of its result that a reference in f32 is granted.
const COARSE_ROUNDINGS: f64 = 8.0;
/// Draws of the roundings of references in f32, of which the worst counts.
const DRAWS: u64 = 4;

/// Roundings of the slope that the constants of a user's rule are granted: on the tape they are f32.
const RULE_ROUNDINGS: f64 = 2.0;

/// The bound, in parts of the slope, that tells a right rule from a wrong one.
const CONCLUSIVE: f64 = 0.03;
/// Slopes of this part of the result's size are taken for zero, to which no bound can be small.
const NEGLIGIBLE: f64 = 1e-6;

/// Fixed unequal weights from ½ to 1½, so that no element's derivative hides behind another's.
fn weight(element: usize) -> f64 {
    0.5 + (element * 37 % 64) as f64 / 64.0
}

/// Σ wᵢ yᵢ with the weights of [`weight`].
pub(super) fn weighted_sum<'t>(tape: &'t Tape<'t>, result: Var<'t>) -> Var<'t> {
    let weights: Vec<f32> = (0..result.shape().elements()).map(|element| weight(element) as f32).collect();
    (result * tape.constant(result.shape(), &weights)).sum()
}

/// Compares the derivatives of what `build` makes of `inputs` with central differences, element by element. A result of
/// more than one element is summed with fixed unequal weights first.
///
/// Both are computed in f64, through [`Operation::reference`]. With D(h) = (f(x + h) − f(x − h)) / 2h = f′ + c h² + O(h⁴),
/// the error of D(h/2) is about a third of |D(h) − D(h/2)|. All of it is allowed, and the roundings of f besides, divided by
/// h; a user's rule, whose constants are f32, may be off by 2 · 10⁻⁷ of the slope.
///
/// The step h is 2⁻¹⁷, or 2⁻⁸ where an operation is a user's whose reference knows no more than f32 (as by default), each
/// times the power of two next to |x| where that is above 1. Wrong rules that such coarse differences let pass are found
/// once the operation has a reference in f64.
///
/// At a kink nearer than the step, such as relu's at 0, D(h) and D(h/2) differ: choose other inputs.
///
/// # Errors
/// Names the first element where the two are further apart, or where they may be further apart than three per cent of the
/// slope.
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
/// Names the first element where the two are further apart, or where they may be further apart than three per cent of the
/// slope.
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
    let recording = &*tape.recording.borrow();
    let gradients = interpret(recording, &[], &gradients);
    let differences = Differences::of(recording, result.index(), vars);
    for (input, (var, gradients)) in vars.iter().zip(&gradients).enumerate() {
        let mut values: Vec<f64> = recording.values[var.index()].iter().copied().map(f64::from).collect();
        for (element, &gradient) in gradients.iter().enumerate() {
            let (difference, bound) = differences.slope(var.index(), &mut values, element);
            let apart = (gradient - difference).abs();
            let slope = gradient.abs().max(difference.abs());
            let conclusive = bound <= CONCLUSIVE * slope || bound <= NEGLIGIBLE * differences.size;
            // Not `apart > bound`: a NaN agrees with nothing.
            let agree = apart <= bound;
            if !agree || !conclusive {
                return Err(GradientMismatch { input, element, gradient, difference, bound });
            }
        }
    }
    Ok(())
}

/// Central differences of Σ wᵢ yᵢ, where y are the elements of one node.
struct Differences<'r> {
    recording: &'r Recording,
    result: usize,
    /// 1 + Σ wᵢ |yᵢ|.
    size: f64,
    /// Roundings of the slope, in parts of it.
    rule: f64,
    /// Of each element, by how much references that know no more than f32 may be off; empty where there are none.
    coarse: Vec<f64>,
}

impl<'r> Differences<'r> {
    fn of(recording: &'r Recording, result: usize, vars: &[Var<'_>]) -> Self {
        let values = interpret(recording, &[], &[result]).swap_remove(0);
        let size = 1.0 + values.iter().enumerate().map(|(i, y)| weight(i) * y.abs()).sum::<f64>();
        let single = SingleNodes::of(recording, result, vars);
        let mut coarse = Vec::new();
        if !single.nodes.is_empty() {
            coarse.resize(values.len(), 0.0f64);
            for draw in 0..DRAWS {
                let rounded = single.rounded(recording, result, draw);
                for (worst, (rounded, value)) in coarse.iter_mut().zip(rounded.iter().zip(&values)) {
                    *worst = worst.max((rounded - value).abs());
                }
            }
        }
        let users = recording.nodes.iter().any(|node| matches!(node.op, Op::User(_)));
        let rule = if users { RULE_ROUNDINGS * f64::from(f32::EPSILON) } else { 0.0 };
        Differences { recording, result, size, rule, coarse }
    }

    /// The slope in element `element` of the leaf `leaf` that holds `values`, and how far from it the true one may be.
    fn slope(&self, leaf: usize, values: &mut [f64], element: usize) -> (f64, f64) {
        let x = values[element];
        let step = if self.coarse.is_empty() { FINE_STEP } else { COARSE_STEP };
        let step = step * x.abs().max(1.0).log2().ceil().exp2();
        let mut at = |x: f64| {
            values[element] = x;
            interpret(self.recording, &[(leaf, values)], &[self.result]).swap_remove(0)
        };
        // Only what moves with x adds its roundings.
        let (mut slopes, mut coarse) = ([0.0; 2], 0.0);
        for (slope, step) in slopes.iter_mut().zip([step, step / 2.0]) {
            let (above, below) = (at(x + step), at(x - step));
            coarse = 0.0;
            for (i, (above, below)) in above.iter().zip(&below).enumerate().filter(|(_, (a, b))| a != b) {
                *slope += weight(i) * (above - below) / (2.0 * step);
                coarse += self.coarse.get(i).map_or(0.0, |coarse| weight(i) * coarse);
            }
        }
        values[element] = x;
        let [wide, narrow] = slopes;
        let size = 1.5 * self.size + (1.0 + x.abs()) * narrow.abs();
        let rounding = 2.0 * (ROUNDINGS * f64::EPSILON * size + coarse) / step;
        (narrow, (wide - narrow).abs() + rounding + self.rule * narrow.abs())
    }
}

/// The users' operations whose reference knows no more than single precision: f32.
struct SingleNodes {
    nodes: BTreeSet<usize>,
    /// Of each node, whether it changes as the inputs do. The others may hold indices or masks.
    moves: Vec<bool>,
}

impl SingleNodes {
    /// Those that `result` depends on.
    fn of(recording: &Recording, result: usize, vars: &[Var<'_>]) -> Self {
        let mut moves = vec![false; recording.nodes.len()];
        vars.iter().for_each(|var| moves[var.index()] = true);
        for (index, node) in recording.nodes.iter().enumerate() {
            moves[index] |= node.operands.iter().any(|&operand| moves[operand]);
        }
        let mut single = SingleNodes { nodes: BTreeSet::new(), moves };
        interpret_with(recording, &[], &[result], &mut |index, operation, operands, out| {
            let node = &recording.nodes[index];
            if matches!(node.op, Op::User(_)) && single.moves[index] {
                let with = |nudge: f64, out: &mut [f64]| {
                    let near = |value: f64| if value == 0.0 { COARSE_STEP } else { f64::from(value as f32) };
                    single.reference(operation, &node.operands, operands, out, &mut |x| near(x) * (1.0 + nudge));
                };
                let mut nudged = vec![0.0; out.len()];
                with(0.0, out);
                // Far less than f32 resolves.
                with(1.0 / (1u64 << 34) as f64, &mut nudged);
                if out.iter().zip(&nudged).all(|(a, b)| a.to_bits() == b.to_bits()) {
                    single.nodes.insert(index);
                }
            }
            operation.reference(operands, out);
        });
        single
    }

    /// The reference of an operation on operands of which those that move are changed.
    fn reference(
        &self,
        operation: &dyn Operation,
        nodes: &[usize],
        operands: &[View<'_, f64>],
        out: &mut [f64],
        change: &mut dyn FnMut(f64) -> f64,
    ) {
        let changed: Vec<Vec<f64>> = nodes
            .iter()
            .zip(operands)
            .map(|(&node, view)| {
                let mut values = view.values.to_vec();
                if self.moves[node] {
                    values.iter_mut().for_each(|value| *value = change(*value));
                }
                values
            })
            .collect();
        let views: Vec<View<'_, f64>> =
            operands.iter().zip(&changed).map(|(view, values)| View { values, shape: view.shape }).collect();
        operation.reference(&views, out);
    }

    /// The values of `result` where each of the nodes is off by some roundings of f32, up or down by the draw, and so are
    /// its operands where f32 does not hold them.
    fn rounded(&self, recording: &Recording, result: usize, draw: u64) -> Vec<f64> {
        let mut coins = Seed(draw).stream("roundings", 0);
        let mut rounded = |value: f64, half_units: f64| {
            let up = f64::from(coins.random::<bool>()) * 2.0 - 1.0;
            value * (1.0 + up * half_units * f64::from(f32::EPSILON) / 2.0)
        };
        interpret_with(recording, &[], &[result], &mut |index, operation, operands, out| {
            if !self.nodes.contains(&index) {
                return operation.reference(operands, out);
            }
            self.reference(operation, &recording.nodes[index].operands, operands, out, &mut |x| {
                if f64::from(x as f32) == x { x } else { rounded(x, 1.0) }
            });
            out.iter_mut().for_each(|value| *value = rounded(*value, COARSE_ROUNDINGS));
        })
        .swap_remove(0)
    }
}
