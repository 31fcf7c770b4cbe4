//! Shapes of several blocks, which run in parallel: values against f64, and the same bits for any number of threads.

use super::{check_values, uniform};
use crate::autodiff::{Activation, Tape, Var};
use crate::store::Store;

/// Everything that runs in parallel, with its derivatives.
fn record<'t>(tape: &'t Tape<'t>) -> Vec<Var<'t>> {
    let input = |name: &str, shape: &[usize]| {
        let (shape, values) = uniform(name, shape, -1.0, 1.0);
        tape.input_with(name, shape, &values)
    };
    let (a, b) = (input("a", &[301, 401]), input("b", &[301, 401]));
    let (row, column) = (input("row", &[401]), input("column", &[301, 1]));
    let scalar = input("scalar", &[]);
    let pairs = [a + b, a * row, a - column, row / (column + 3.0), a.maximum(scalar), scalar * b];
    let functions = [a.tanh(), a.sigmoid(), a.softplus(), a.exp(), a.abs().sqrt(), a.leaky_relu(0.1), -a];
    let chosen = a.greater(b).select(a, row);
    let moved = [a.t(), a.reshape([7, 43, 401]).transpose(&[1, 0, 2]), a.slice(0, 1, 299), a.concat(&[b], 1)];
    let thin = input("thin", &[20_000, 5]);
    let sums = [a.sum_axis(0), a.sum_axis(1), a.sum(), thin.sum_axis(0), thin.sum_axis(1), thin.sum()];
    let wide = input("wide", &[3, 50_000]);
    let deep = input("deep", &[30, 11, 301]).square();
    let sums = [&sums[..], &[wide.sum_axis(0), wide.sum_axis(1), deep.sum_to([11, 1]), deep.sum_axis(1)]].concat();
    let lines = [a.logsumexp(1), a.logsumexp(0), a.max_axis(1), thin.softmax(1), a.log_softmax(0)];
    let (weight, bias) = (input("weight", &[64, 401]), input("bias", &[64]));
    let layers = [Activation::LeakyRelu(0.2), Activation::Softplus].map(|f| a.linear(weight, bias, f));
    let logits = input("logits", &[3, 301, 401]);
    let likelihoods = [
        logits.bernoulli_cross_entropy(a.square()),
        logits.gaussian_log_density(a, row),
        a.gaussian_kl(b),
        a.reparameterise(b, logits),
    ];
    let mut all = vec![chosen];
    for results in [&pairs[..], &functions, &moved, &sums, &lines, &layers, &likelihoods] {
        all.extend_from_slice(results);
    }
    let terms: Vec<Var<'t>> = all.iter().map(|result| result.square().mean()).collect();
    let loss = terms[1..].iter().fold(terms[0], |sum, term| sum + *term);
    all.extend(tape.gradient(loss, &[a, b, row, column, scalar, thin, wide, weight, bias, logits]));
    all
}

#[test]
fn values_of_many_blocks() {
    let store = Store::new();
    let tape = Tape::new(&store);
    record(&tape);
    check_values(&tape);
}

#[test]
fn the_same_bits_for_any_number_of_threads() {
    let bits = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let store = Store::new();
            let tape = Tape::new(&store);
            record(&tape);
            let recording = tape.recording.borrow();
            recording.values.iter().map(|values| values.iter().map(|x| x.to_bits()).collect()).collect()
        })
    };
    let one: Vec<Vec<u32>> = bits(1);
    for threads in [2, 3] {
        assert!(bits(threads) == one, "{threads} threads");
    }
}
