//! Fused operations against their parts, and values at the edges.

use super::uniform;
use crate::autodiff::{Activation, Tape, Var};
use crate::store::Store;

/// The two agree, and so do their derivatives, to 64 roundings of the largest value.
fn same(shapes: &[&[usize]], fused: for<'t> fn(&[Var<'t>]) -> Var<'t>, parts: for<'t> fn(&[Var<'t>]) -> Var<'t>) {
    let store = Store::new();
    let tape = Tape::new(&store);
    let mut vars = Vec::new();
    for (index, shape) in shapes.iter().enumerate() {
        let (shape, values) = uniform(&format!("fused {index}"), shape, 0.0, 1.0);
        vars.push(tape.input_with(&index.to_string(), shape, &values));
    }
    let (fused, parts) = (fused(&vars), parts(&vars));
    assert_eq!(fused.shape(), parts.shape());
    let gradient = |result| tape.gradient(Var::square(result).sum(), &vars);
    let mut pairs = vec![(fused, parts)];
    pairs.extend(gradient(fused).into_iter().zip(gradient(parts)));
    for (a, b) in pairs {
        let size = b.value().iter().fold(1.0f32, |size, x| size.max(x.abs()));
        for (a, b) in a.value().iter().zip(b.value().iter()) {
            assert!((a - b).abs() <= 64.0 * f32::EPSILON * size, "{a} and {b}");
        }
    }
}

#[test]
fn fused_operations_are_their_parts() {
    let linear: [&[usize]; 3] = [&[7, 33], &[5, 33], &[5]];
    same(&linear, |x| x[0].linear(x[1], x[2], Activation::Tanh), |x| (x[0].matmul(x[1].t()) + x[2]).tanh());
    same(
        &linear,
        |x| x[0].linear(x[1], x[2], Activation::LeakyRelu(0.1)),
        |x| (x[0].matmul(x[1].t()) + x[2]).leaky_relu(0.1),
    );
    same(
        &[&[3, 4, 21], &[4, 21]],
        |x| x[0].bernoulli_cross_entropy(x[1]),
        |x| {
            let p = x[0].sigmoid();
            -(x[1] * p.ln() + (1.0 - x[1]) * (1.0 - p).ln()).sum_axis(2)
        },
    );
    same(
        &[&[4, 9], &[4, 9]],
        |x| x[0].gaussian_kl(x[1]),
        |x| (x[1].exp() + x[0].square() - 1.0 - x[1]).sum_axis(1) * 0.5,
    );
    same(
        &[&[4, 9], &[3, 4, 9], &[]],
        |x| x[0].gaussian_log_density(x[1], x[2]),
        |x| {
            let log_two_pi = std::f32::consts::TAU.ln();
            (((x[0] - x[1]).square() / x[2].exp() + x[2] + log_two_pi) * -0.5).sum_axis(2)
        },
    );
    same(
        &[&[4, 9], &[4, 9], &[3, 4, 9]],
        |x| x[0].reparameterise(x[1], x[2]),
        |x| x[0] + (x[1] * 0.5).exp() * x[2],
    );
    same(&[&[4, 9]], |x| x[0].logsumexp(1), |x| x[0].exp().sum_axis(1).ln());
    same(&[&[4, 9]], |x| x[0].log_softmax(0), |x| x[0].softmax(0).ln());
}

#[test]
fn edges() {
    let store = Store::new();
    let tape = Tape::new(&store);
    let low = f32::NEG_INFINITY;
    let rows = tape.input_with("rows", [3, 2], &[low, low, low, 1.0, 1000.0, 1000.0]);
    let log_sums = rows.logsumexp(1);
    assert_eq!(log_sums.value()[..], [low, 1.0, 1000.0 + std::f32::consts::LN_2]);
    assert_eq!(rows.softmax(1).value()[..], [0.0, 0.0, 0.0, 1.0, 0.5, 0.5]);
    assert_eq!(rows.log_softmax(1).value()[..4], [low, low, low, 0.0]);
    assert_eq!(tape.gradient(log_sums.slice(0, 0, 1).sum(), &[rows])[0].value()[..], [0.0; 6]);
    let ties = tape.input_with("ties", [3], &[2.0, 1.0, 2.0]);
    assert_eq!(tape.gradient(ties.max_axis(0), &[ties])[0].value()[..], [0.5, 0.0, 0.5]);
    let logits = tape.input_with("logits", [2], &[1e30, -1e30]);
    assert_eq!(logits.bernoulli_cross_entropy(tape.constant([2], &[1.0, 0.0])).value()[..], [0.0]);
    let nan = tape.constant([2], &[f32::NAN, 1.0]);
    let number = tape.constant([2], &[1.0, f32::NAN]);
    for result in [nan.maximum(number), nan.minimum(number), nan.max_axis(0), nan.relu().slice(0, 0, 1)] {
        assert!(result.value().iter().all(|x| x.is_nan()));
    }
    let x = tape.input_with("x", [2], &[3.0, -1.0]);
    assert_eq!(tape.gradient((x * x.stop_gradient()).sum(), &[x])[0].value()[..], [3.0, -1.0]);
    assert_eq!((1.0 - x).value()[..], [-2.0, 2.0]);
    assert_eq!((x / 3.0).value()[..], [1.0, -1.0 / 3.0]);
    assert_eq!(x.transpose(&[0]).sign().value()[..], [1.0, -1.0]);
}

/// The likelihood of what is nearly certain: 1 + e^−|l| rounds to 1, or to the next number.
#[test]
fn small_surprises_keep_their_digits() {
    let store = Store::new();
    let tape = Tape::new(&store);
    for (index, l) in [-30.0f32, -20.0, -17.0, -15.0, -12.0, -8.0, -3.0].into_iter().enumerate() {
        // Of 200, the stretches of sums and products are of both kinds: whole, and cut short.
        let logits = tape.input_with(&index.to_string(), [200], &[l; 200]);
        let exact = 200.0 * f64::from(l).exp().ln_1p();
        for (sign, target) in [(1.0, 0.0), (-1.0, 1.0)] {
            let got = (logits * sign).bernoulli_cross_entropy(tape.full([200], target)).value()[0];
            let error = (f64::from(got) / exact - 1.0).abs();
            // Of a product of eight factors, each rounding moves the logarithm by 2⁻²⁴; eight of them, of a sum of 8 e^l.
            let bound = 4.0 * f64::from(f32::EPSILON) + 8.0 * 2f64.powi(-24) / (8.0 * f64::from(l).exp()).min(1.0);
            let bound = if l < -17.0 { 4.0 * f64::from(f32::EPSILON) } else { bound };
            assert!(error <= bound, "{l}: {got}, wanted {exact}: {error}");
        }
    }
}

/// In f32 the small terms would be lost.
#[test]
fn sums_accumulate_in_f64() {
    let store = Store::new();
    let tape = Tape::new(&store);
    let mut values = vec![1.0; 65_537];
    (values[0], values[65_536]) = (16_777_216.0, -16_777_216.0);
    let x = tape.constant([65_537], &values);
    assert_eq!(x.sum().value()[..], [65_535.0]);
    assert_eq!(x.reshape([65_537, 1]).broadcast_to([65_537, 2]).sum_axis(0).value()[..], [65_535.0; 2]);
    assert_eq!(x.broadcast_to([2, 65_537]).sum_axis(1).value()[..], [65_535.0; 2]);
    assert_eq!(x.reshape([1, 65_537, 1]).broadcast_to([2, 65_537, 3]).sum_axis(1).value()[..], [65_535.0; 6]);
}
