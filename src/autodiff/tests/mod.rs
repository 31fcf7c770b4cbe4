//! Operations against references: central differences, f64, their parts, other numbers of threads.

mod bijection;
mod convolution;
mod derivatives;
mod fused;
mod large;
mod refusals;

use super::check::weighted_sum;
use super::{Shape, Tape, Var, View, check_gradients};
use crate::random::Seed;
use crate::store::Store;

/// A tensor of these lengths with uniform values between the two.
fn uniform(name: &str, lengths: &[usize], low: f32, high: f32) -> (Shape, Vec<f32>) {
    let shape = Shape::new(lengths);
    let mut values = vec![0.0; shape.elements()];
    Seed(1).lanes(name, 0).fill_uniform(&mut values);
    (shape, values.iter().map(|u| low + (high - low) * u).collect())
}

/// Every node of the tape against its f64 reference on the same operands. A result may differ by 64 roundings of its
/// largest operand, squared (for products), summed over as many as the operand has a row.
fn check_values(tape: &Tape<'_>) {
    let recording = tape.recording.borrow();
    for (index, node) in recording.nodes.iter().enumerate() {
        let Some(operation) = node.op.operation() else { continue };
        let exact: Vec<Vec<f64>> = node
            .operands
            .iter()
            .map(|operand| recording.values[*operand].iter().copied().map(f64::from).collect())
            .collect();
        let views: Vec<View<'_, f64>> = node
            .operands
            .iter()
            .zip(&exact)
            .map(|(operand, values)| View { values, shape: recording.nodes[*operand].shape })
            .collect();
        let mut expected = vec![f64::NAN; node.shape.elements()];
        operation.reference(&views, &mut expected);
        let largest = |values: &[f64]| values.iter().filter(|x| x.is_finite()).fold(1.0f64, |m, x| m.max(x.abs()));
        let size = largest(&expected) + exact.iter().map(|values| largest(values)).fold(1.0, f64::max).powi(2);
        let bound = 64.0 * size * 2f64.powi(-24);
        for (element, (value, expected)) in recording.values[index].iter().zip(&expected).enumerate() {
            let value = f64::from(*value);
            let same = value == *expected || value.is_nan() && expected.is_nan();
            assert!(
                same || (value - expected).abs() <= bound,
                "{} {}, element {element}: {value}, reference {expected} ± {bound:e}",
                operation.name(),
                node.shape
            );
        }
    }
}

/// Values, first and second derivatives of what `build` makes of uniform inputs of these lengths and ranges.
#[track_caller]
fn verify(
    name: &str,
    inputs: &[(&[usize], f32, f32)],
    build: impl for<'t> Fn(&'t Tape<'t>, &[Var<'t>]) -> Var<'t>,
) {
    let inputs: Vec<(Shape, Vec<f32>)> = inputs
        .iter()
        .enumerate()
        .map(|(index, (lengths, low, high))| uniform(&format!("{name} {index}"), lengths, *low, *high))
        .collect();
    if let Err(mismatch) = check_gradients(&inputs, &build) {
        panic!("{name}, first derivative: {mismatch}");
    }
    if let Err(mismatch) = check_gradients(&inputs, |tape, vars| first_derivatives(tape, vars, &build)) {
        panic!("{name}, second derivative: {mismatch}");
    }
    let store = Store::new();
    let tape = Tape::new(&store);
    let mut vars = Vec::new();
    for (index, (shape, values)) in inputs.iter().enumerate() {
        vars.push(tape.input_with(&index.to_string(), *shape, values));
    }
    let loss = weighted_sum(&tape, first_derivatives(&tape, &vars, &build));
    tape.gradient(loss, &vars);
    check_values(&tape);
}

/// All first derivatives, one after another.
fn first_derivatives<'t>(
    tape: &'t Tape<'t>,
    vars: &[Var<'t>],
    build: &impl Fn(&'t Tape<'t>, &[Var<'t>]) -> Var<'t>,
) -> Var<'t> {
    let loss = weighted_sum(tape, build(tape, vars));
    let flat: Vec<Var<'t>> =
        tape.gradient(loss, vars).into_iter().map(|var| var.reshape(var.shape().elements())).collect();
    flat[0].concat(&flat[1..], 0)
}
