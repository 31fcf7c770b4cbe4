//! Wrong rules, which the check must find, and right ones.

use super::{GradientMismatch, Operation, Shape, Var, View, check_gradients};
use std::sync::Arc;

/// How the reference of [`Polynomial`] computes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Reference {
    Double,
    Single,
}

/// Σₖ cₖ xᵏ with the derivative that another polynomial has.
#[derive(Clone, Debug)]
struct Polynomial {
    coefficients: [f64; 4],
    rule: [f64; 4],
    reference: Reference,
}

impl Operation for Polynomial {
    fn name(&self) -> &'static str {
        "polynomial"
    }
    fn shape(&self, operands: &[Shape]) -> Result<Shape, String> {
        Ok(operands[0])
    }
    fn forward(&self, operands: &[View<'_, f32>], out: &mut [f32]) {
        let [a, b, c, d] = self.coefficients.map(|c| c as f32);
        for (out, x) in out.iter_mut().zip(operands[0].values) {
            *out = a + x * (b + x * (c + x * d));
        }
    }
    fn reference(&self, operands: &[View<'_, f64>], out: &mut [f64]) {
        let [a, b, c, d] = self.coefficients;
        for (out, x) in out.iter_mut().zip(operands[0].values) {
            *out = match self.reference {
                Reference::Double => a + x * (b + x * (c + x * d)),
                Reference::Single => {
                    let ([a, b, c, d], x) = (self.coefficients.map(|c| c as f32), *x as f32);
                    f64::from(a + x * (b + x * (c + x * d)))
                }
            };
        }
    }
    fn gradient<'t>(&self, _: usize, x: &[Var<'t>], _: Var<'t>, gradient: Var<'t>) -> Option<Var<'t>> {
        let [_, b, c, d] = self.rule.map(|c| c as f32);
        Some(gradient * (x[0] * (x[0] * (3.0 * d) + 2.0 * c) + b))
    }
}

fn checked(
    coefficients: [f64; 4],
    rule: [f64; 4],
    reference: Reference,
    x: &[f32],
) -> Result<(), GradientMismatch> {
    let operation = Polynomial { coefficients, rule, reference };
    let inputs = [(Shape::from([x.len()]), x.to_vec())];
    check_gradients(&inputs, |tape, inputs| tape.apply(Arc::new(operation.clone()), &inputs[..1]))
}

const REFERENCES: [Reference; 2] = [Reference::Double, Reference::Single];
const X: [f32; 6] = [-1.5, -0.3, 0.01, 0.25, 1.0, 3.0];

#[test]
fn right_rules_pass() {
    for reference in REFERENCES {
        for right in [[0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.01, 0.0], [0.0, 1.0, 0.0, 0.3], [0.0, -2.0, 1e-4, 1.0]] {
            assert_eq!(checked(right, right, reference, &X), Ok(()), "{right:?}, {reference:?}");
        }
        // A slope of zero is no slope too small to tell.
        assert_eq!(checked([3.0, 0.0, 0.0, 0.0], [0.0; 4], reference, &[0.0, 1.0]), Ok(()), "{reference:?}");
    }
}

/// The slope 2.01 x of x².
#[test]
fn a_slope_of_one_half_per_cent_too_much_is_found() {
    for reference in REFERENCES {
        let error = checked([0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 1.005, 0.0], reference, &[1.0]).unwrap_err();
        assert!(!error.is_inconclusive() && error.bound < 1e-3, "{error}");
    }
}

#[test]
fn the_flipped_sign_of_a_small_term_is_found() {
    let flipped = |small: f64, reference| {
        checked([0.0, small, 1.0, 0.0], [0.0, -small, 1.0, 0.0], reference, &[1.0]).unwrap_err()
    };
    for (small, reference) in [(1e-2, Reference::Single), (1e-2, Reference::Double), (1e-6, Reference::Double)] {
        let error = flipped(small, reference);
        assert!(!error.is_inconclusive() && error.bound < small, "{error}");
    }
}

/// The slope 0 of 10⁻² x².
#[test]
fn the_zero_slope_of_a_small_function_is_found() {
    for reference in REFERENCES {
        for x in [1.0, 0.1, 0.001] {
            let error = checked([0.0, 0.0, 0.01, 0.0], [0.0; 4], reference, &[x]).unwrap_err();
            assert!(!error.is_inconclusive(), "{reference:?} at {x}: {error}");
        }
    }
}

/// In f32, 1 + 10⁻⁴ x hides its slope, and at a kink there is none; a reference in f64 tells the first.
#[test]
fn differences_too_coarse_to_tell_are_said_to_be() {
    let hidden = [1.0, 1e-4, 0.0, 0.0];
    let error = checked(hidden, hidden, Reference::Single, &[1.0]).unwrap_err();
    assert!(error.is_inconclusive() && error.to_string().contains("too coarse to tell"), "{error}");
    assert_eq!(checked(hidden, hidden, Reference::Double, &[1.0]), Ok(()));
    let kink = [(Shape::from([1]), vec![1e-6])];
    assert!(check_gradients(&kink, |_, x| x[0].relu()).is_err());
}
