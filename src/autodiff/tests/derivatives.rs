//! Every operation: values against f64, first and second derivatives against central differences.

use super::verify;
use crate::autodiff::{Activation, Orientation, Staircase, Tape, Var};
use std::sync::Arc;

const ACTIVATIONS: [Activation; 6] = [
    Activation::Identity,
    Activation::Relu,
    Activation::LeakyRelu(0.2),
    Activation::Tanh,
    Activation::Sigmoid,
    Activation::Softplus,
];

type Function = for<'t> fn(Var<'t>) -> Var<'t>;
type AlongAxis = for<'t> fn(Var<'t>, usize) -> Var<'t>;

/// Pairs of shapes that meet: the same, scalars, rows, columns, both repeated, empty, more axes.
const PAIRS: [(&[usize], &[usize]); 11] = [
    (&[3, 4], &[3, 4]),
    (&[3, 4], &[]),
    (&[], &[5]),
    (&[3, 4], &[4]),
    (&[3, 4], &[3, 1]),
    (&[3, 1], &[1, 4]),
    (&[2, 1, 3, 2], &[4, 1, 2]),
    (&[2, 3, 1], &[2, 3, 4]),
    (&[1], &[1, 1]),
    (&[0, 3], &[1, 3]),
    (&[2, 0], &[]),
];

#[test]
fn arithmetic() {
    for (a, b) in PAIRS {
        let apart = [(a, -2.0, 2.0), (b, 0.5, 2.0)];
        verify("add", &apart, |_, x| x[0] + x[1]);
        verify("sub", &apart, |_, x| x[0] - x[1]);
        verify("mul", &apart, |_, x| x[0] * x[1]);
        verify("div", &apart, |_, x| x[0] / x[1]);
        verify("maximum", &[(a, -2.0, 2.0), (b, -2.0, 2.0)], |_, x| x[0].square().maximum(x[1]));
        verify("minimum", &[(a, -2.0, 2.0), (b, -2.0, 2.0)], |_, x| x[0].square().minimum(x[1]));
    }
}

#[test]
fn arithmetic_with_numbers() {
    let x: [(&[usize], f32, f32); 1] = [(&[2, 3], 0.5, 2.0)];
    verify("after", &x, |_, x| ((x[0] + 1.5) * 3.0 - 0.25) / 7.0);
    verify("before", &x, |_, x| 1.5 + 2.0 * (0.25 - x[0]) + 3.0 / x[0]);
    verify("negated", &x, |_, x| -x[0].square());
}

#[test]
fn functions() {
    let functions: [(&str, f32, f32, Function); 13] = [
        ("relu", -2.0, 2.0, |x| x.relu()),
        ("leaky_relu", -2.0, 2.0, |x| x.leaky_relu(0.2)),
        ("tanh", -2.0, 2.0, |x| x.tanh()),
        ("sigmoid", -4.0, 4.0, |x| x.sigmoid()),
        ("softplus", -4.0, 4.0, |x| x.softplus()),
        ("exp", -2.0, 2.0, |x| x.exp()),
        ("ln", 0.5, 3.0, |x| x.ln()),
        ("sqrt", 0.5, 3.0, |x| x.sqrt()),
        ("square", -2.0, 2.0, |x| x.square()),
        ("abs", -2.0, 2.0, |x| x.abs()),
        ("reciprocal", 0.5, 2.0, |x| x.reciprocal()),
        ("clamp", -2.0, 2.0, |x| x.clamp(-1.0, 0.5)),
        ("sign", -2.0, 2.0, |x| x.sign() * x),
    ];
    for shape in [&[][..], &[0], &[1], &[3, 4], &[2, 0, 3], &[2, 1, 17]] {
        for (name, low, high, function) in functions {
            verify(name, &[(shape, low, high)], |_, x| function(x[0]));
        }
    }
}

#[test]
fn products_in_every_orientation() {
    for [m, k, n] in [[2, 3, 4], [1, 1, 1], [3, 0, 2], [0, 2, 3], [4, 5, 1]] {
        for left in [Orientation::Plain, Orientation::Transposed] {
            for right in [Orientation::Plain, Orientation::Transposed] {
                let a = if left == Orientation::Plain { [m, k] } else { [k, m] };
                let b = if right == Orientation::Plain { [k, n] } else { [n, k] };
                verify("matmul", &[(&a, -1.0, 1.0), (&b, -1.0, 1.0)], |_, x| {
                    x[0].matmul_oriented(left, x[1], right)
                });
            }
        }
    }
}

#[test]
fn linear_layers() {
    for activation in ACTIVATIONS {
        for [batch, inputs, outputs] in [[3, 4, 2], [1, 1, 1], [0, 2, 3], [2, 0, 3]] {
            let shapes: [(&[usize], f32, f32); 3] =
                [(&[batch, inputs], -1.0, 1.0), (&[outputs, inputs], -1.0, 1.0), (&[outputs], -1.0, 1.0)];
            verify("linear", &shapes, |_, x| x[0].linear(x[1], x[2], activation));
        }
    }
}

/// Zero beyond the limits.
fn masked<'t>(tape: &'t Tape<'t>, weight: Var<'t>, staircase: &Staircase) -> Var<'t> {
    weight * tape.constant(weight.shape(), &staircase.stored_mask())
}

#[test]
fn masked_layers() {
    let limits = [vec![0, 1, 1, 3], vec![2, 0, 2], vec![0; 2], vec![]];
    for (inputs, limits) in [4, 2, 3, 2].into_iter().zip(limits) {
        let staircase = Arc::new(Staircase::new(inputs, limits));
        let (outputs, stored) = (staircase.outputs(), staircase.stored_length());
        for activation in ACTIVATIONS {
            for (batch, bias) in [(3, &[outputs][..]), (2, &[2, outputs]), (0, &[outputs])] {
                let shapes: [(&[usize], f32, f32); 3] =
                    [(&[batch, inputs], -1.0, 1.0), (&[stored], -1.0, 1.0), (bias, -1.0, 1.0)];
                verify("masked_linear", &shapes, |tape, x| {
                    x[0].masked_linear(masked(tape, x[1], &staircase), &staircase, x[2], activation)
                });
            }
        }
    }
}

#[test]
fn sums_over_any_axes() {
    let cases: [(&[usize], &[usize]); 13] = [
        (&[3, 4], &[]),
        (&[3, 4], &[4]),
        (&[3, 4], &[1, 4]),
        (&[3, 4], &[3, 1]),
        (&[2, 3, 4], &[3, 1]),
        (&[2, 3, 4], &[1, 4]),
        (&[2, 3, 2, 2], &[3, 1, 1]),
        (&[2, 3, 1, 2], &[2, 1, 1, 2]),
        (&[2, 3, 2, 2], &[2, 1, 2, 1]),
        (&[0, 3], &[3]),
        (&[3, 0], &[3, 1]),
        (&[3, 0], &[]),
        (&[1, 1], &[1]),
    ];
    for (wide, narrow) in cases {
        verify("sum_to", &[(wide, -1.0, 1.0)], |_, x| x[0].square().sum_to(narrow));
        verify("broadcast_to", &[(narrow, -1.0, 1.0)], |_, x| x[0].broadcast_to(wide).square());
    }
}

#[test]
fn reductions_along_an_axis() {
    let reductions: [(&str, AlongAxis); 6] = [
        ("sum_axis", |x, axis| x.square().sum_axis(axis)),
        ("mean_axis", |x, axis| x.square().mean_axis(axis)),
        ("max_axis", |x, axis| x.square().max_axis(axis)),
        ("logsumexp", |x, axis| x.logsumexp(axis)),
        ("softmax", |x, axis| x.softmax(axis)),
        ("log_softmax", |x, axis| x.log_softmax(axis)),
    ];
    for (name, reduction) in reductions {
        for shape in [&[3, 4][..], &[1, 3], &[2, 3, 2], &[5], &[0, 2]] {
            for axis in (0..shape.len()).filter(|axis| shape[*axis] > 0) {
                verify(name, &[(shape, -2.0, 2.0)], |_, x| reduction(x[0], axis));
            }
        }
    }
    verify("sum", &[(&[3, 4], -2.0, 2.0)], |_, x| x[0].square().sum());
    verify("mean", &[(&[3, 4], -2.0, 2.0)], |_, x| x[0].square().mean());
    verify("logsumexp of nothing", &[(&[2, 0], -2.0, 2.0)], |_, x| x[0].logsumexp(1).exp());
}

#[test]
fn layout() {
    let x: [(&[usize], f32, f32); 1] = [(&[2, 3, 4], -1.0, 1.0)];
    verify("reshape", &x, |_, x| x[0].square().reshape([4, 6]));
    for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0], [2, 1, 0]] {
        verify("transpose", &x, |_, x| x[0].square().transpose(&order));
    }
    for axis in 0..3 {
        verify("slice", &x, |_, x| x[0].square().slice(axis, 1, 1));
        verify("slice to nothing", &x, |_, x| x[0].square().slice(axis, 2, 0));
        verify("pad", &x, |_, x| x[0].square().pad(axis, 1, 2));
    }
    for shape in [[5, 3], [1, 4], [0, 2], [18, 35]] {
        verify("transposed matrix", &[(&shape, -1.0, 1.0)], |_, x| x[0].t().square());
    }
    let three: [(&[usize], f32, f32); 3] = [(&[2, 3], -1.0, 1.0), (&[2, 0], -1.0, 1.0), (&[2, 2], -1.0, 1.0)];
    verify("concat columns", &three, |_, x| x[0].concat(&x[1..], 1).square());
    let three: [(&[usize], f32, f32); 3] = [(&[2, 3], -1.0, 1.0), (&[0, 3], -1.0, 1.0), (&[1, 3], -1.0, 1.0)];
    verify("concat rows", &three, |_, x| x[0].concat(&x[1..], 0).square());
    verify("pad nothing", &[(&[0, 2], 0.0, 1.0)], |_, x| x[0].pad(0, 2, 1));
}

fn indices<'t>(tape: &'t Tape<'t>) -> Var<'t> {
    tape.constant([5], &[2.0, 0.0, 2.0, 1.0, 2.0])
}

#[test]
fn rows_by_their_indices() {
    verify("gather", &[(&[3, 2], -1.0, 1.0)], |tape, x| x[0].square().gather(indices(tape)));
    verify("gather scalars", &[(&[4], -1.0, 1.0)], |tape, x| x[0].square().gather(indices(tape)));
    verify("gather nothing", &[(&[0, 2], -1.0, 1.0)], |tape, x| x[0].gather(tape.constant([0], &[])));
    verify("scatter_add", &[(&[5, 2], -1.0, 1.0)], |tape, x| x[0].square().scatter_add(indices(tape), 4));
    verify("one_hot", &[(&[5, 3], -1.0, 1.0)], |tape, x| x[0].square() * indices(tape).one_hot(3));
}

#[test]
fn choices() {
    for (a, b) in PAIRS {
        let both = [(a, -1.0, 1.0), (b, -1.0, 1.0)];
        verify("select", &both, |_, x| x[0].greater(x[1]).select(x[0].square(), x[1].exp()));
        verify("select by one", &both, |tape, x| tape.scalar(1.0).select(x[0].square(), x[1].exp()));
        verify("equal", &both, |_, x| x[0].equal(x[0]) * x[1].square());
    }
}

#[test]
fn stopped() {
    verify("stopped elsewhere", &[(&[3], -1.0, 1.0)], |_, x| x[0].square() + 0.0 * x[0].stop_gradient());
}

#[test]
fn bernoulli() {
    let cases: [(&[usize], &[usize]); 7] = [
        (&[3, 5], &[3, 5]),
        (&[2, 3, 17], &[3, 17]),
        (&[4, 3], &[3]),
        (&[16], &[16]),
        (&[2, 0], &[2, 0]),
        (&[0, 3], &[3]),
        (&[2, 2, 1], &[2, 1]),
    ];
    for (logits, targets) in cases {
        verify("cross-entropy", &[(logits, -3.0, 3.0), (targets, 0.0, 1.0)], |_, x| {
            x[0].bernoulli_cross_entropy(x[1])
        });
    }
}

#[test]
fn gaussians() {
    let cases: [[&[usize]; 3]; 7] = [
        [&[3, 4], &[3, 4], &[3, 4]],
        [&[3, 4], &[2, 3, 4], &[]],
        [&[3, 4], &[4], &[4]],
        [&[4], &[4], &[3, 4]],
        [&[3, 1], &[], &[1, 4]],
        [&[2, 3, 2], &[3, 2], &[3, 2]],
        [&[2, 0], &[2, 0], &[]],
    ];
    for [x, mean, s] in cases {
        let all = [(x, -1.0, 1.0), (mean, -1.0, 1.0), (s, -1.0, 1.0)];
        verify("log-density", &all, |_, x| x[0].gaussian_log_density(x[1], x[2]));
        verify("reparameterise", &all, |_, x| x[1].reparameterise(x[2], x[0]));
        verify("kl", &[(x, -1.0, 1.0), (s, -1.0, 1.0)], |_, x| x[0].gaussian_kl(x[1]));
    }
}
