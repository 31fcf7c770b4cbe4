//! Program and optimiser together: a linear regression is trained to the least-squares solution.

use super::{Adam, Decay, Momentum, Optimiser, Rule, Schedule, Sgd};
use crate::autodiff::{Activation, Program};
use crate::nn::{Initialiser, Linear};
use crate::random::Seed;
use crate::store::Store;

const ROWS: usize = 64;
const INPUTS: usize = 5;

/// Solves A x = b, A symmetric and positive definite, by Gaussian elimination.
fn solve<const N: usize>(mut a: [[f64; N]; N], mut b: [f64; N]) -> [f64; N] {
    for pivot in 0..N {
        for row in pivot + 1..N {
            let share = a[row][pivot] / a[pivot][pivot];
            for column in pivot..N {
                a[row][column] -= share * a[pivot][column];
            }
            b[row] -= share * b[pivot];
        }
    }
    for row in (0..N).rev() {
        let known: f64 = (row + 1..N).map(|column| a[row][column] * b[column]).sum();
        b[row] = (b[row] - known) / a[row][row];
    }
    b
}

/// The coefficients that minimise the squared error, the constant last: those of the normal equations, in f64.
fn least_squares(x: &[f32], y: &[f32]) -> [f64; INPUTS + 1] {
    let (mut a, mut b) = ([[0.0; INPUTS + 1]; INPUTS + 1], [0.0; INPUTS + 1]);
    for (row, y) in x.chunks_exact(INPUTS).zip(y) {
        let terms: Vec<f64> = row.iter().map(|x| f64::from(*x)).chain([1.0]).collect();
        for i in 0..=INPUTS {
            b[i] += terms[i] * f64::from(*y);
            for j in 0..=INPUTS {
                a[i][j] += terms[i] * terms[j];
            }
        }
    }
    solve(a, b)
}

#[test]
fn a_regression_reaches_the_least_squares_solution() {
    let (mut x, mut y) = (vec![0.0; ROWS * INPUTS], vec![0.0; ROWS]);
    Seed(1).lanes("x", 0).fill_normal(&mut x);
    Seed(1).lanes("y", 0).fill_normal(&mut y);
    let wanted = least_squares(&x, &y);
    let rules: [(Rule, f32); 3] = [
        (Adam::default().into(), 0.05),
        (Sgd::default().into(), 0.02),
        (Sgd { momentum: Momentum::Nesterov(0.9), ..Sgd::default() }.into(), 0.02),
    ];
    for (rule, rate) in rules {
        let mut store = Store::new();
        let layer = Linear::new(&mut store, "line", INPUTS, 1, Initialiser::FanInUniform, Seed(2));
        let mut program = Program::record(&store, |tape| {
            let (x, y) = (tape.input("x", [ROWS, INPUTS]), tape.input("y", [ROWS, 1]));
            let error = layer.apply(x, Activation::Identity) - y;
            tape.gradients((error * error).sum_to([]) / tape.scalar(ROWS as f32));
        });
        program.input_mut("x").copy_from_slice(&x);
        program.input_mut("y").copy_from_slice(&y);
        let (mut gradients, mut optimiser) = (store.gradients(), Optimiser::new(rule, &store).unwrap());
        let (schedule, steps) = (Schedule { decay: Decay::Cosine, warm_up: 20 }, 1_000);
        for step in 0..steps {
            program.run(&store, &mut gradients);
            optimiser.step(&mut store, &gradients, rate * schedule.factor(step, steps));
        }
        let learnt = store.get(layer.weight).iter().chain(store.get(layer.bias));
        for (learnt, wanted) in learnt.zip(wanted) {
            assert!((f64::from(*learnt) - wanted).abs() < 1e-5, "{rule:?}: {learnt}, wanted {wanted}");
        }
    }
}
