//! Bijections of components: values, first derivatives, inverses. They have no second derivative.

use super::{check_values, uniform};
use crate::autodiff::check::weighted_sum;
use crate::autodiff::{Shape, Tape, Var, check_gradients};
use crate::store::Store;

type Apply = for<'t> fn(Var<'t>, Var<'t>) -> Var<'t>;

/// Each with its parameters a component, and its inverse.
const BIJECTIONS: [(usize, Apply, Apply); 3] = [
    (2, |x, p| x.affine_transform(p), |y, p| y.affine_inverse(p)),
    (8, |x, p| x.rational_quadratic(p, 3, 2.0), |y, p| y.rational_quadratic_inverse(p, 3, 2.0)),
    (23, |x, p| x.rational_quadratic(p, 8, 1.5), |y, p| y.rational_quadratic_inverse(p, 8, 1.5)),
];

/// x that reaches out of every box, and parameters.
fn inputs(each: usize, rows: usize, width: usize) -> [(Shape, Vec<f32>); 2] {
    [
        uniform("bijection x", &[rows, width], -2.3, 2.3),
        uniform("bijection parameters", &[rows, width * each], -1.0, 1.0),
    ]
}

#[test]
fn values_and_first_derivatives() {
    for (each, forward, inverse) in BIJECTIONS {
        // The last as of an affine map alone: of so many splines some are as steep as none that the bound is for.
        let shapes = [(1, 1), (5, 3), (37, 1), (2, 40), (0, 2), (1, 300)];
        for (rows, width) in shapes.into_iter().filter(|(_, width)| each == 2 || *width < 300) {
            for apply in [forward, inverse] {
                let inputs = inputs(each, rows, width);
                if let Err(mismatch) = check_gradients(&inputs, |_, x| apply(x[0], x[1])) {
                    panic!("{each} parameters, [{rows}, {width}]: {mismatch}");
                }
                let store = Store::new();
                let tape = Tape::new(&store);
                let vars: Vec<Var<'_>> = inputs
                    .iter()
                    .enumerate()
                    .map(|(index, (shape, values))| tape.input_with(&index.to_string(), *shape, values))
                    .collect();
                tape.gradient(weighted_sum(&tape, apply(vars[0], vars[1])), &vars);
                check_values(&tape);
            }
        }
    }
}

#[test]
fn inverses_undo_and_log_determinants_cancel() {
    let store = Store::new();
    let tape = Tape::new(&store);
    for (each, forward, inverse) in BIJECTIONS {
        let [(shape, x), (wide, parameters)] = inputs(each, 9, 4);
        let x = tape.input_with(&format!("x {each}"), shape, &x);
        let parameters = tape.input_with(&format!("parameters {each}"), wide, &parameters);
        let there = forward(x, parameters);
        let back = inverse(there.slice(1, 0, 4), parameters);
        for (back, x) in back.slice(1, 0, 4).value().iter().zip(x.value().iter()) {
            assert!((back - x).abs() < 1e-5, "{back} for {x}");
        }
        for total in (there.slice(1, 4, 1) + back.slice(1, 4, 1)).value().iter() {
            assert!(total.abs() < 1e-4, "{total}");
        }
    }
}

#[test]
#[should_panic(expected = "wanted [n, d], [n, 23 d]")]
fn other_shapes_are_named() {
    let store = Store::new();
    let tape = Tape::new(&store);
    tape.input("x", [3, 2]).rational_quadratic(tape.input("parameters", [3, 45]), 8, 3.0);
}

#[test]
#[should_panic(expected = "affine_transform_gradient")]
fn a_second_derivative_is_refused_by_name() {
    let store = Store::new();
    let tape = Tape::new(&store);
    let (x, parameters) = (tape.input("x", [3, 2]), tape.input("parameters", [3, 4]));
    let first = tape.gradient(x.affine_transform(parameters).sum(), &[x])[0];
    tape.gradient(first.square().sum(), &[x]);
}
