//! The gradient against central differences of the exact log-likelihood, and against its own sums by the book.

use super::gradient::{Grey, Statistics};
use super::machine::stride;
use super::reference::{Reference, machine, rows};
use super::stack::{Side, Stack};
use super::trainer::RbmTrainer;
use super::*;
use crate::data::{Binarization, Dataset};
use crate::random::Seed;
use crate::random::Streams;
use crate::tensor::BitMatrix;
use crate::train::{Batch, Fit, Learner, Progress, Trainer, Training};

const V: usize = 6;
const H: usize = 4;
const STATES: [usize; 8] = [0, 5, 63, 17, 17, 40, 9, 62];

fn data() -> Dataset<'static> {
    let values: Vec<f32> = STATES.iter().flat_map(|&s| (0..V).map(move |unit| (s >> unit & 1) as f32)).collect();
    Dataset::from_f32(values, &[STATES.len(), V]).expect("zeros and ones")
}

fn exact(centering: Centering) -> Recipe {
    Recipe { method: Method::Exact, centering, learning_rate: 1.0, average_decay: 0.0, ..Recipe::default() }
}

/// One step of the exact gradient at rate 1 over all rows; the change is the gradient.
fn step(rbm: &Rbm, centering: Centering, data: &Dataset<'_>) -> Rbm {
    let training = Training { batch: data.len(), ..Training::default() };
    let mut trainer = RbmTrainer::new(rbm.clone(), exact(centering), data, &training).expect("a valid recipe");
    let rows: Vec<usize> = (0..data.len()).collect();
    trainer.step(&Batch { data, rows: &rows }, &start()).expect("finite numbers");
    trainer.last().clone()
}

fn start() -> Progress {
    Progress { step: 0, steps: 1_000_000, ..Progress::default() }
}

/// d/dx of the mean log-likelihood for every parameter: weights `[visible][hidden]`, then a, then b.
fn central_differences(rbm: &Rbm) -> (Vec<Vec<f64>>, Vec<f64>, Vec<f64>) {
    let mut reference = Reference::of(rbm);
    let h = 1e-5;
    let mut slope = |place: &dyn Fn(&mut Reference) -> &mut f64| {
        let middle = *place(&mut reference);
        *place(&mut reference) = middle + h;
        let above = reference.mean_log_likelihood(&STATES);
        *place(&mut reference) = middle - h;
        let below = reference.mean_log_likelihood(&STATES);
        *place(&mut reference) = middle;
        (above - below) / (2.0 * h)
    };
    let weights = (0..V).map(|i| (0..H).map(|j| slope(&|r| &mut r.weights[i][j])).collect()).collect();
    let a = (0..V).map(|i| slope(&|r| &mut r.a[i])).collect();
    let b = (0..H).map(|j| slope(&|r| &mut r.b[j])).collect();
    (weights, a, b)
}

/// Differences of f32 parameters of size 1 carry a few ε; the model's side sums 64 or 16 states in f32.
const TOLERANCE: f64 = 2e-5;

fn close(got: f64, want: f64, what: &str) {
    assert!((got - want).abs() < TOLERANCE, "{what}: {got} {want}");
}

#[test]
fn the_plain_gradient_is_the_slope_of_the_exact_log_likelihood() {
    let before = machine(V, H, 0.8, 1);
    let after = step(&before, Centering::Plain, &data());
    let (weights, a, b) = central_differences(&before);
    let change = |after: &[f32], before: &[f32], k: usize| f64::from(after[k]) - f64::from(before[k]);
    for i in 0..V {
        for j in 0..H {
            close(change(after.weights(), before.weights(), i * H + j), weights[i][j], "weight");
        }
        close(change(after.visible_bias(), before.visible_bias(), i), a[i], "visible bias");
    }
    for j in 0..H {
        close(change(after.hidden_bias(), before.hidden_bias(), j), b[j], "hidden bias");
    }
}

#[test]
fn the_centered_gradient_follows_from_the_plain_one() {
    let before = machine(V, H, 0.8, 2);
    let after = step(&before, Centering::Centered, &data());
    let (g, dv, dh) = central_differences(&before);
    let mu: Vec<f64> =
        (0..V).map(|i| STATES.iter().map(|s| (s >> i & 1) as f64).sum::<f64>() / STATES.len() as f64).collect();
    // The hidden offset starts at ½ and has moved by a hundredth to the batch's mean.
    let reference = Reference::of(&before);
    let lambda: Vec<f64> = (0..H)
        .map(|j| {
            let mean = STATES.iter().map(|&s| reference.p_hidden(s, j)).sum::<f64>() / STATES.len() as f64;
            0.5 + 0.01 * (mean - 0.5)
        })
        .collect();
    let centered = |i: usize, j: usize| g[i][j] - mu[i] * dh[j] - dv[i] * lambda[j];
    for i in 0..V {
        for j in 0..H {
            let got = f64::from(after.weights()[i * H + j]) - f64::from(before.weights()[i * H + j]);
            close(got, centered(i, j), "weight");
        }
        let want = dv[i] - (0..H).map(|j| centered(i, j) * lambda[j]).sum::<f64>();
        close(f64::from(after.visible_bias()[i]) - f64::from(before.visible_bias()[i]), want, "visible bias");
    }
    for j in 0..H {
        let want = dh[j] - (0..V).map(|i| centered(i, j) * mu[i]).sum::<f64>();
        close(f64::from(after.hidden_bias()[j]) - f64::from(before.hidden_bias()[j]), want, "hidden bias");
    }
}

/// The same machine with some units called by their other state.
fn flipped(rbm: &Rbm, visible: usize, hidden: usize) -> Rbm {
    let sign = |set: usize, unit: usize| if set >> unit & 1 == 1 { -1.0f32 } else { 1.0 };
    let w = |i: usize, j: usize| rbm.weights()[i * H + j];
    let weights: Vec<f32> =
        (0..V * H).map(|k| sign(visible, k / H) * sign(hidden, k % H) * w(k / H, k % H)).collect();
    let a: Vec<f32> = (0..V)
        .map(|i| {
            let carried: f32 = (0..H).filter(|j| hidden >> j & 1 == 1).map(|j| w(i, j)).sum();
            sign(visible, i) * (rbm.visible_bias()[i] + carried)
        })
        .collect();
    let b: Vec<f32> = (0..H)
        .map(|j| {
            let carried: f32 = (0..V).filter(|i| visible >> i & 1 == 1).map(|i| w(i, j)).sum();
            sign(hidden, j) * (rbm.hidden_bias()[j] + carried)
        })
        .collect();
    Rbm::from_parameters(V, H, &weights, &a, &b).expect("finite numbers")
}

#[test]
fn a_centered_step_commutes_with_flipping_any_units() {
    let rbm = machine(V, H, 0.8, 3);
    for (visible, hidden) in [(0b000001, 0), (0, 0b0100), (0b101010, 0b0011), (0b111111, 0b1111)] {
        let values: Vec<f32> =
            STATES.iter().flat_map(|&s| (0..V).map(move |unit| ((s ^ visible) >> unit & 1) as f32)).collect();
        let other = Dataset::from_f32(values, &[STATES.len(), V]).expect("zeros and ones");
        let stepped = flipped(&step(&rbm, Centering::Centered, &data()), visible, hidden);
        let flipped = step(&flipped(&rbm, visible, hidden), Centering::Centered, &other);
        for (x, y) in [
            (stepped.weights(), flipped.weights()),
            (stepped.visible_bias(), flipped.visible_bias()),
            (stepped.hidden_bias(), flipped.hidden_bias()),
        ] {
            assert!(x.iter().zip(y).all(|(x, y)| (x - y).abs() < 1e-5), "{x:?} {y:?}");
        }
    }
}

#[test]
fn statistics_are_the_sums_over_rows() {
    for (visible, hidden, data_rows, model_rows) in [(50, 37, 20, 45), (33, 5, 128, 128), (7, 70, 1, 3)] {
        let rbm = machine(visible, hidden, 0.6, 4);
        let bits = BitMatrix::from_fn(data_rows, visible, |r, u| (r * 7 + u * 5 + r * u) % 4 == 0);
        let mut chains = BitMatrix::from_fn(model_rows, hidden, |r, u| (r * 3 + u * 11 + r * u) % 3 == 0);
        let mut streams = Streams::new(Seed(1), "test", model_rows);
        let mut stack = Stack::new(&rbm, data_rows, model_rows);
        let mut statistics = Statistics::new(visible, hidden, true);
        stack.lay(Side::Data, &bits);
        stack.draw_visible(&rbm, rbm.towards_visible(), &chains, &mut streams);
        let model = stack.model_visible();
        stack.mean_and_draw_hidden(&rbm, &mut chains, &mut streams);
        stack.sum_means(&mut statistics);
        stack.sum_products(hidden, &mut statistics.products);

        let (data_means, model_means) = (rbm.mean_hidden(&bits), rbm.mean_hidden(&model));
        let average = |rows: &BitMatrix, means: &[f32], i: Option<usize>, j: Option<usize>| -> f64 {
            let term = |row| {
                let v = i.map_or(1.0, |i| f64::from(u8::from(rows.get(row, i))));
                v * j.map_or(1.0, |j| f64::from(means[row * hidden + j]))
            };
            (0..rows.rows()).map(term).sum::<f64>() / rows.rows() as f64
        };
        let difference = |i, j| average(&bits, &data_means, i, j) - average(&model, &model_means, i, j);
        // Sums of at most 128 + 128 products of at most 1/rows each.
        let bound = 256.0 * f64::from(f32::EPSILON);
        for j in 0..hidden {
            for i in 0..visible {
                let got = f64::from(statistics.products[j * stride(visible) + i]);
                assert!((got - difference(Some(i), Some(j))).abs() < bound);
            }
            assert!((f64::from(statistics.hidden[j]) - difference(None, Some(j))).abs() < bound);
            let data = average(&bits, &data_means, None, Some(j));
            assert!((f64::from(statistics.data_hidden[j]) - data).abs() < bound);
        }
        for i in 0..visible {
            assert!((f64::from(statistics.visible[i]) - difference(Some(i), None)).abs() < bound);
        }
    }
}

#[test]
fn grey_levels_of_zero_and_one_give_the_binary_gradient() {
    let rbm = machine(V, H, 0.8, 5);
    let bits = rows(&STATES, V);
    let (mut binary, mut grey) = (Statistics::new(V, H, true), Statistics::new(V, H, true));
    let mut stack = Stack::new(&rbm, STATES.len(), 0);
    stack.lay(Side::Data, &bits);
    stack.mean_hidden(&rbm);
    stack.sum_means(&mut binary);
    stack.sum_products(H, &mut binary.products);
    let mut levels = Grey::new(&rbm, STATES.len());
    for (row, out) in levels.levels.chunks_exact_mut(stride(V)).enumerate() {
        bits.row_into(row, &mut out[..V]);
    }
    levels.add(&rbm, &mut grey);
    for (x, y) in [
        (&binary.products, &grey.products),
        (&binary.visible, &grey.visible),
        (&binary.hidden, &grey.hidden),
        (&binary.data_hidden, &grey.data_hidden),
    ] {
        assert!(x.iter().zip(y.iter()).all(|(x, y)| (x - y).abs() < 1e-6), "{x:?} {y:?}");
    }
}

#[test]
fn training_is_the_same_on_any_number_of_threads() {
    let digits = Dataset::digits().train();
    let grey = digits.binarized(Binarization::None);
    for (data, method) in
        [(&digits, Method::Pcd { k: 2 }), (&digits, Method::Cd { k: 1 }), (&grey, Method::Pcd { k: 1 })]
    {
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            let mut rbm = Rbm::new(64, 40, Seed(1));
            let training = Training { batch: 50, steps: Some(30), ..Training::default() };
            let recipe = Recipe { method, ..Recipe::default() };
            pool.install(|| rbm.fit(data, &recipe, &training)).expect("finite numbers");
            rbm
        };
        let one = run(1);
        for threads in [2, 4, 8] {
            assert_eq!(run(threads), one, "{threads} threads, {method:?}");
        }
    }
}
