//! Gradients against central differences, expectations against enumeration, resume byte for byte, and what can be learned.

use super::reference::{Reference, machine};
use super::*;
use crate::data::{Binarization, Dataset};
use crate::random::Seed;
use crate::store::Snapshot;
use crate::train::{Batch, Fit, Learner, Progress, Trainer, Training};

const STATES: [usize; 6] = [0, 5, 11, 11, 14, 3];
const V: usize = 4;

fn data() -> Dataset<'static> {
    let values: Vec<u8> = STATES.iter().flat_map(|&s| (0..V).map(move |unit| (s >> unit & 1) as u8)).collect();
    Dataset::from_u8(values, &[STATES.len(), V], 1).expect("zeros and ones")
}

fn trainer(machine: &BoltzmannMachine, recipe: Recipe, data: &Dataset<'_>, batch: usize) -> BoltzmannTrainer {
    let training = Training { batch, ..Training::default() };
    BoltzmannTrainer::new(machine.clone(), recipe, data, &training).expect("a valid recipe")
}

/// All gradients of one batch, `[units, units]`, the biases' on the diagonal.
fn gradient(trainer: &mut BoltzmannTrainer, data: &Dataset<'_>, rows: &[usize]) -> Vec<f64> {
    trainer.expectations(&Batch { data, rows }).expect("a batch");
    let n = trainer.last().len();
    (0..n * n).map(|place| trainer.gradient(place / n, place % n)).collect()
}

#[test]
fn the_exact_gradient_is_that_of_the_exact_log_likelihood() {
    let data = data();
    let rows: Vec<usize> = (0..STATES.len()).collect();
    for units in [Units::Binary, Units::Spin] {
        for hidden in [0, 3] {
            let machine = machine([V, hidden], units, 0.8, 4, |_, _| true);
            let n = machine.len();
            let got = gradient(&mut trainer(&machine, Recipe::exact(), &data, 6), &data, &rows);
            let difference = |change: &dyn Fn(&mut Reference, f64)| {
                let value = |step: f64| {
                    let mut reference = Reference::of(&machine);
                    change(&mut reference, step);
                    reference.log_likelihood(V, &STATES)
                };
                (value(1e-5) - value(-1e-5)) / 2e-5
            };
            for i in 0..n {
                for j in 0..i {
                    let want = difference(&|reference, step| {
                        reference.w[i][j] += step;
                        reference.w[j][i] += step;
                    });
                    // The form with units 0 and 1 has biases rounded to f32.
                    assert!((got[i * n + j] - want).abs() < 1e-6, "{units} {i} {j}: {} {want}", got[i * n + j]);
                }
                let want = difference(&|reference, step| reference.b[i] += step);
                assert!((got[i * n + i] - want).abs() < 1e-6, "{units} {i}: {} {want}", got[i * n + i]);
            }
        }
    }
}

#[test]
fn sampled_expectations_are_the_exact_ones() {
    let data = data();
    let rows: Vec<usize> = (0..12_000).map(|row| row % STATES.len()).collect();
    for units in [Units::Binary, Units::Spin] {
        let machine = machine([V, 3], units, 0.6, 5, |_, _| true);
        let exact = gradient(&mut trainer(&machine, Recipe::exact(), &data, 12_000), &data, &rows);
        for model in [ModelTerm::Persistent { k: 100 }, ModelTerm::Restarted { k: 100 }] {
            let recipe = Recipe { data: DataTerm::Gibbs { sweeps: 60 }, model, ..Recipe::default() };
            let mut trainer = trainer(&machine, recipe, &data, 12_000);
            for _ in 0..2 {
                // A difference of two means of 12,000 values within ±1 (±4 for pairs of spins in units of theirs): their
                // standard error is at most √2 · 1 / √12,000 = 0.013; 49 entries, 8 draws, α = 1e-5: 5.6 of them.
                for (got, want) in gradient(&mut trainer, &data, &rows).iter().zip(&exact) {
                    assert!((got - want).abs() < 5.6 * 0.013, "{units} {model:?}: {got} {want}");
                }
            }
        }
    }
}

/// Two spins that hold each other, in a field: from fair coins one sweep leaves them nearly even, while chains that go on end up
/// along the field.
#[test]
fn restarted_chains_start_at_fair_coins_every_time() {
    const ROWS: usize = 4000;
    let (w, b) = (3.0f64, 0.5f64);
    let weights = [0.0, w as f32, w as f32, 0.0];
    let machine = BoltzmannMachine::from_parameters(2, 0, Units::Spin, &weights, &[b as f32; 2]).unwrap();
    let data = Dataset::from_u8(vec![0, 1], &[1, 2], 1).unwrap();
    let recipe = Recipe { model: ModelTerm::Restarted { k: 1 }, ..Recipe::default() };
    let mut trainer = trainer(&machine, recipe, &data, ROWS);
    let rows = vec![0; ROWS];
    (0..300).for_each(|_| drop(gradient(&mut trainer, &data, &rows)));
    let got = gradient(&mut trainer, &data, &rows);
    let on = |field: f64| 1.0 / (1.0 + (-2.0 * field).exp());
    let first = 0.5 * (on(b + w) + on(b - w));
    let second = first * on(b + w) + (1.0 - first) * on(b - w);
    // The data's spins are −1 and 1. Standard error of a mean of spins at most 1 / √4,000 = 0.016; α = 1e-5: 4.5 of them.
    for (unit, (spin, probability)) in [(-1.0, first), (1.0, second)].into_iter().enumerate() {
        let model = spin - got[3 * unit];
        assert!((model - (2.0 * probability - 1.0)).abs() < 4.5 * 0.016, "unit {unit}: {model}, {probability}");
    }
}

#[test]
fn mean_field_is_exact_where_hidden_units_are_independent() {
    let data = data();
    let rows: Vec<usize> = (0..STATES.len()).collect();
    let machine = machine([V, 3], Units::Spin, 0.9, 6, |i, j| i < V || j < V);
    let recipe = Recipe { data: DataTerm::MeanField { sweeps: 1 }, model: ModelTerm::Exact, ..Recipe::default() };
    let exact = gradient(&mut trainer(&machine, Recipe::exact(), &data, 6), &data, &rows);
    let got = gradient(&mut trainer(&machine, recipe, &data, 6), &data, &rows);
    let n = machine.len();
    for i in 0..n {
        for j in 0..=i {
            assert!((got[i * n + j] - exact[i * n + j]).abs() < 1e-5);
        }
    }
}

#[test]
fn training_continued_from_a_snapshot_is_training_unbroken() {
    let digits = Dataset::digits().train();
    for (recipe, hidden, binarization) in [
        (Recipe { momentum: 0.5, ..Recipe::default() }, 0, Binarization::Sample),
        (Recipe { data: DataTerm::Gibbs { sweeps: 2 }, ..Recipe::default() }, 10, Binarization::Threshold),
        (
            Recipe {
                data: DataTerm::MeanField { sweeps: 3 },
                model: ModelTerm::Restarted { k: 2 },
                ..Recipe::default()
            },
            10,
            Binarization::Sample,
        ),
    ] {
        let data = digits.binarized(binarization);
        let begin = |seed| trainer(&BoltzmannMachine::new(64, hidden, Units::Spin, Seed(seed)), recipe, &data, 20);
        let run = |trainer: &mut BoltzmannTrainer, steps: std::ops::Range<u64>| {
            for step in steps {
                let rows: Vec<usize> = (0..20).map(|row| (step as usize * 20 + row) % data.len()).collect();
                let progress = Progress { step, steps: 10, ..Progress::default() };
                trainer.step(&Batch { data: &data, rows: &rows }, &progress).expect("finite numbers");
            }
        };
        let saved = |trainer: &BoltzmannTrainer| {
            let mut snapshot = Snapshot::default();
            trainer.save(&mut snapshot);
            snapshot
        };
        let mut unbroken = begin(1);
        run(&mut unbroken, 0..10);
        let mut first = begin(1);
        run(&mut first, 0..5);
        let mut second = begin(2);
        second.load(&saved(&first)).expect("a snapshot of such a run");
        run(&mut second, 5..10);
        assert_eq!(saved(&second), saved(&unbroken));
    }
}

#[test]
fn parity_needs_a_hidden_unit() {
    // The even-parity strings of three bits: no pair of them is correlated, so pairs alone learn nothing.
    let even = Dataset::from_u8(vec![0, 0, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0], &[4, 3], 1).expect("bits");
    let recipe = Recipe { learning_rate: 1.0, momentum: 0.9, ..Recipe::exact() };
    let training = Training { steps: Some(2000), batch: 4, ..Training::default() };
    let trained = |hidden, seed| {
        let mut machine = BoltzmannMachine::new(3, hidden, Units::Binary, Seed(seed));
        machine.fit(&even, &recipe, &training).expect("finite numbers");
        Reference::of(&machine).log_likelihood(3, &[0, 6, 5, 3])
    };
    let without = trained(0, 1);
    assert!((without + 8f64.ln()).abs() < 1e-6, "{without}");
    let with = trained(1, 1);
    assert!((with + 4f64.ln()).abs() < 0.02, "{with}");
}

#[test]
fn recipes_that_make_no_sense_are_named() {
    let data = data();
    let said = |machine: BoltzmannMachine, recipe: Recipe, batch: usize| {
        let training = Training { batch, ..Training::default() };
        BoltzmannTrainer::new(machine, recipe, &data, &training).expect_err("wrong").to_string()
    };
    let machine = |visible, hidden| BoltzmannMachine::new(visible, hidden, Units::Binary, Seed(1));
    let bad = Recipe { learning_rate: f32::NAN, ..Recipe::default() };
    assert_eq!(said(machine(4, 0), bad, 2), "the learning rate is NaN, but must be a positive number");
    assert_eq!(said(machine(5, 0), Recipe::default(), 2), "the data has 4 values a row, the model 5");
    assert_eq!(said(machine(4, 0), Recipe::default(), 0), "the batch size is 0, but must be at least 1");
    assert_eq!(said(machine(4, 30), Recipe::exact(), 2), "the machine has 34 units; at most 20 are enumerated");
    let none = Recipe { model: ModelTerm::Persistent { k: 0 }, ..Recipe::default() };
    assert_eq!(said(machine(4, 0), none, 2), "k, the sweeps a step, is 0, but must be at least 1");
    let grey = Dataset::digits().binarized(Binarization::None);
    let error = BoltzmannTrainer::new(machine(64, 0), Recipe::default(), &grey, &Training::default());
    assert_eq!(
        error.expect_err("grey").to_string(),
        "the data is grey levels, and the model gives a likelihood to bits"
    );
}
