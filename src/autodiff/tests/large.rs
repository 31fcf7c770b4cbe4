//! Shapes of several blocks, which run in parallel: values against f64, and the same bits for any number of threads.

use super::{check_values, uniform};
use crate::autodiff::ops::{Along, Arithmetic, Bernoulli, Choice, Function, Gaussian, Layout, Reduction};
use crate::autodiff::{Activation, Operation, Shape, Staircase, Tape, Var, View};
use crate::store::Store;
use std::sync::Arc;

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
    let staircase = Arc::new(Staircase::new(401, (0..300).map(|row| row * 4 / 3).collect()));
    let stairs = input("stairs", &[staircase.stored_length()]);
    let stairs = stairs * tape.constant(stairs.shape(), &staircase.stored_mask());
    let steps = input("steps", &[300]);
    let masked = [a.masked_linear(stairs, &staircase, steps, Activation::Tanh)];
    let logits = input("logits", &[3, 301, 401]);
    let likelihoods = [
        logits.bernoulli_cross_entropy(a.square()),
        logits.gaussian_log_density(a, row),
        a.gaussian_kl(b),
        a.reparameterise(b, logits),
    ];
    let mut all = vec![chosen];
    for results in [&pairs[..], &functions, &moved, &sums, &lines, &layers, &masked, &likelihoods] {
        all.extend_from_slice(results);
    }
    let terms: Vec<Var<'t>> = all.iter().map(|result| result.square().mean()).collect();
    let loss = terms[1..].iter().fold(terms[0], |sum, term| sum + *term);
    all.extend(tape.gradient(loss, &[a, b, row, column, scalar, thin, wide, weight, bias, stairs, steps, logits]));
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

/// Nanoseconds an element of one operation on operands of these shapes.
fn nanoseconds(operation: &dyn Operation, shapes: &[&[usize]]) -> f64 {
    let operands: Vec<_> = shapes.iter().map(|shape| uniform("speed", shape, -1.0, 1.0)).collect();
    let views: Vec<_> = operands.iter().map(|(shape, values)| View { values, shape: *shape }).collect();
    let shapes: Vec<Shape> = operands.iter().map(|(shape, _)| *shape).collect();
    let mut out = vec![0.0; operation.shape(&shapes).unwrap().elements()];
    let mut best = f64::INFINITY;
    for _ in 0..30 {
        let start = std::time::Instant::now();
        operation.forward(&views, std::hint::black_box(&mut out));
        best = best.min(start.elapsed().as_secs_f64());
    }
    let elements = shapes.iter().map(|shape| shape.elements()).max().unwrap_or(1);
    best * 1e9 / elements as f64
}

#[test]
#[ignore = "a measurement"]
fn throughput() {
    let big: &[usize] = &[5000, 784];
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let report = |name: &str, operation: &dyn Operation, shapes: &[&[usize]]| {
        let (one, all) = (pool.install(|| nanoseconds(operation, shapes)), nanoseconds(operation, shapes));
        println!("{name}: {one:.3} ns an element on one thread, {all:.3} on all");
    };
    report("copy", &Layout::Reshape(big.into()), &[big]);
    report("softplus", &Function::Activation(Activation::Softplus), &[big]);
    report("sigmoid", &Function::Activation(Activation::Sigmoid), &[big]);
    report("cross-entropy", &Bernoulli::CrossEntropy, &[big, big]);
    report("its gradient", &Bernoulli::CrossEntropyGradient, &[big, big, &[5000]]);
    report("add", &Arithmetic::Add, &[big, big]);
    report("add a row", &Arithmetic::Add, &[big, &[784]]);
    report("mul a column", &Arithmetic::Mul, &[big, &[5000, 1]]);
    report("mul a scalar", &Arithmetic::Mul, &[big, &[]]);
    report("select", &Choice::Select, &[big, big, &[]]);
    report("relu", &Function::Activation(Activation::Relu), &[big]);
    report("sum", &Reduction::SumTo(Shape::SCALAR), &[big]);
    report("sum of columns", &Reduction::SumTo([784].into()), &[big]);
    report("sum of rows", &Reduction::SumTo([5000, 1].into()), &[big]);
    report("sums of short rows", &Reduction::SumTo([500_000, 1].into()), &[&[500_000, 8]]);
    report("sums of channels", &Reduction::SumTo([64, 1].into()), &[&[100, 64, 600]]);
    report("transpose", &Layout::Transpose { order: [1, 0].into() }, &[big]);
    report("logsumexp", &Along::LogSumExp { axis: 1 }, &[big]);
    report("softmax", &Along::Softmax { axis: 1 }, &[big]);
    report("log-density", &Gaussian::LogDensity, &[big, big, &[784]]);
    report("kl", &Gaussian::Kl, &[big, big]);
    report("reparameterise", &Gaussian::Reparameterise, &[big, big, big]);
    for [rows, columns] in [[128, 784], [128, 200], [128, 20]] {
        let small: &[usize] = &[rows, columns];
        println!("{rows} × {columns}");
        report("  add", &Arithmetic::Add, &[small, small]);
        report("  sum of columns", &Reduction::SumTo([columns].into()), &[small]);
        report("  cross-entropy", &Bernoulli::CrossEntropy, &[small, small]);
        report("  kl", &Gaussian::Kl, &[small, small]);
    }
}
