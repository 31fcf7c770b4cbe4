//! Training steps by the book in f64: rates, momentum, decay, averages, chains, streams, resume.

use super::reference::{Reference, machine};
use super::trainer::RbmTrainer;
use super::*;
use crate::data::{Binarization, Dataset, Holdout};
use crate::random::Lanes;
use crate::random::Seed;
use crate::sampling::chi_squared::{chi_squared, chi_squared_quantile};
use crate::store::Snapshot;
use crate::tensor::LANES;
use crate::train::{
    Batch, EarlyStopping, Ending, Fit, Fitting, Learner, Observer, Progress, TrainError, Trainer, Training, train,
};

const V: usize = 6;
const H: usize = 4;
const STATES: [usize; 8] = [0, 5, 63, 17, 17, 40, 9, 62];

fn data() -> Dataset<'static> {
    let values: Vec<u8> = STATES.iter().flat_map(|&s| (0..V).map(move |unit| (s >> unit & 1) as u8)).collect();
    Dataset::from_u8(values, &[STATES.len(), V], 1).expect("zeros and ones")
}

fn at(step: u64, steps: u64) -> Progress {
    Progress { step, steps, ..Progress::default() }
}

fn snapshot(trainer: &RbmTrainer) -> Snapshot {
    let mut snapshot = Snapshot::default();
    trainer.save(&mut snapshot);
    snapshot
}

/// Weights `[V · H]`, then a, then b.
type Parameters = Vec<f64>;

fn parameters(rbm: &Rbm) -> Parameters {
    [rbm.weights(), rbm.visible_bias(), rbm.hidden_bias()].concat().into_iter().map(f64::from).collect()
}

fn reference(parameters: &[f64]) -> Reference {
    let (weights, biases) = parameters.split_at(V * H);
    Reference {
        visible: V,
        hidden: H,
        weights: weights.chunks(H).map(<[f64]>::to_vec).collect(),
        a: biases[..V].to_vec(),
        b: biases[V..].to_vec(),
    }
}

fn bit(state: usize, unit: usize) -> f64 {
    (state >> unit & 1) as f64
}

/// The exact gradient in f64 about the offsets μ and λ, λ moved towards the data's hidden means first; and that λ.
fn gradient(parameters: &[f64], mu: &[f64], lambda: &[f64]) -> (Parameters, Vec<f64>) {
    let machine = reference(parameters);
    let n = STATES.len() as f64;
    let (mut g, mut dv, mut dh, mut data_hidden) = (vec![0.0; V * H], vec![0.0; V], vec![0.0; H], vec![0.0; H]);
    let weighted = STATES.iter().map(|&v| (v, 1.0 / n));
    let joint = machine.joint();
    let marginal = (0..1 << V).map(|v| (v, -joint.iter().skip(v).step_by(1 << V).sum::<f64>()));
    for (v, weight) in weighted.chain(marginal) {
        for j in 0..H {
            let p = machine.p_hidden(v, j);
            (0..V).for_each(|i| g[i * H + j] += weight * bit(v, i) * p);
            dh[j] += weight * p;
            data_hidden[j] += weight.max(0.0) * p;
        }
        (0..V).for_each(|i| dv[i] += weight * bit(v, i));
    }
    let lambda: Vec<f64> = match lambda {
        [] => vec![0.0; H],
        _ => lambda.iter().zip(&data_hidden).map(|(old, mean)| old + 0.01 * (mean - old)).collect(),
    };
    for i in 0..V {
        (0..H).for_each(|j| g[i * H + j] -= mu[i] * dh[j] + dv[i] * lambda[j]);
    }
    let a = (0..V).map(|i| dv[i] - (0..H).map(|j| g[i * H + j] * lambda[j]).sum::<f64>());
    let b = (0..H).map(|j| dh[j] - (0..V).map(|i| g[i * H + j] * mu[i]).sum::<f64>());
    let biases: Vec<f64> = a.chain(b).collect();
    ([g, biases].concat(), lambda)
}

#[test]
fn steps_follow_rate_momentum_decay_and_average_by_the_book() {
    const STEPS: u64 = 6;
    for centering in [Centering::Plain, Centering::Centered] {
        let rbm = machine(V, H, 0.8, 31);
        let recipe = Recipe {
            method: Method::Exact,
            learning_rate: 0.4,
            momentum: 0.7,
            weight_decay: Some(0.05),
            average_decay: 0.25,
            centering,
            ..Recipe::default()
        };
        let data = data();
        let training = Training { batch: STATES.len(), ..Training::default() };
        let mut trainer = RbmTrainer::new(rbm.clone(), recipe, &data, &training).expect("a valid recipe");

        let mut x = parameters(&rbm);
        let (mut average, mut velocity) = (x.clone(), vec![0.0; x.len()]);
        let (mu, mut lambda): (Vec<f64>, Vec<f64>) = match centering {
            Centering::Plain => (vec![0.0; V], vec![]),
            Centering::Centered => (data.means(), vec![0.5; H]),
        };
        let rows: Vec<usize> = (0..STATES.len()).collect();
        for step in 0..STEPS {
            trainer.step(&Batch { data: &data, rows: &rows }, &at(step, STEPS)).expect("finite numbers");
            let (g, moved) = gradient(&x, &mu, &lambda);
            if centering == Centering::Centered {
                lambda = moved;
            }
            let rate = 0.4 * (1.0 - step as f64 / STEPS as f64);
            let keep = 0.25f64.min((1 + step) as f64 / (10 + step) as f64);
            for k in 0..x.len() {
                let decay = if k < V * H { 0.05 * x[k] } else { 0.0 };
                velocity[k] = 0.7 * velocity[k] + rate * (g[k] - decay);
                x[k] += velocity[k];
                average[k] += (1.0 - keep) * (x[k] - average[k]);
            }
            // Each step sums 64 f32 states and rounds parameters of about 1; six steps carry it on.
            for (got, want) in [(trainer.last(), &x), (&trainer.average(), &average)] {
                for (k, (got, want)) in parameters(got).into_iter().zip(want).enumerate() {
                    assert!((got - want).abs() < 1e-5, "{centering:?} step {step} parameter {k}: {got} {want}");
                }
            }
        }
    }
}

#[test]
fn the_last_step_of_a_run_is_the_shortest() {
    let (rbm, data) = (machine(V, H, 0.8, 32), data());
    let recipe = Recipe { method: Method::Exact, ..Recipe::default() };
    let training = Training { batch: STATES.len(), ..Training::default() };
    let change = |step| {
        let mut trainer = RbmTrainer::new(rbm.clone(), recipe, &data, &training).expect("a valid recipe");
        let rows: Vec<usize> = (0..STATES.len()).collect();
        trainer.step(&Batch { data: &data, rows: &rows }, &at(step, 4)).expect("finite numbers");
        let (before, after) = (parameters(&rbm), parameters(trainer.last()));
        before.iter().zip(after).map(|(x, y)| (x - y).abs()).sum::<f64>()
    };
    // The rate falls linearly: a quarter at the last of four steps. f32 rounds the sums at the seventh digit.
    assert!((change(3) / change(0) - 0.25).abs() < 1e-4);
}

#[test]
fn training_continued_from_a_snapshot_is_training_unbroken() {
    let digits = Dataset::digits().train();
    for (method, chain_start, binarization) in [
        (Method::Pcd { k: 1 }, ChainStart::Persistent, Binarization::Sample),
        (Method::Pcd { k: 2 }, ChainStart::Random, Binarization::None),
        (Method::Cd { k: 1 }, ChainStart::Persistent, Binarization::Sample),
    ] {
        let data = digits.binarized(binarization);
        let recipe = Recipe { method, chain_start, momentum: 0.5, average_decay: 0.9, ..Recipe::default() };
        let training = Training { batch: 50, ..Training::default() };
        let begin = |seed| {
            RbmTrainer::new(Rbm::new(64, 24, Seed(seed)), recipe, &data, &training).expect("a valid recipe")
        };
        let run = |trainer: &mut RbmTrainer, steps: std::ops::Range<u64>| {
            for step in steps {
                let rows: Vec<usize> = (0..50).map(|row| (step as usize * 50 + row) % data.len()).collect();
                trainer.step(&Batch { data: &data, rows: &rows }, &at(step, 20)).expect("finite numbers");
            }
        };
        let mut unbroken = begin(1);
        run(&mut unbroken, 0..10);
        let half = snapshot(&unbroken);
        run(&mut unbroken, 10..20);
        // Another machine altogether, that has moved on: nothing of it may be left.
        let mut resumed = begin(2);
        run(&mut resumed, 0..3);
        resumed.load(&half).expect("its own snapshot");
        assert_eq!(snapshot(&resumed), half, "{method:?}");
        run(&mut resumed, 10..20);
        assert_eq!(snapshot(&resumed), snapshot(&unbroken), "{method:?}");
    }
}

fn streams_in(snapshot: &Snapshot, name: &str, blocks: usize) -> Vec<Lanes> {
    let words = snapshot.u32(name, &[blocks, 64]).expect("streams");
    let state = |words: &[u32]| Lanes::from_state(words.try_into().expect("64 words"));
    words.chunks_exact(64).map(state).collect()
}

#[test]
fn no_two_streams_of_a_run_share_their_words() {
    let data = Dataset::digits().train().binarized(Binarization::Sample);
    let training = Training { batch: 40, ..Training::default() };
    let trainer = RbmTrainer::new(Rbm::new(64, 30, Seed(1)), Recipe::default(), &data, &training).expect("valid");
    let start = snapshot(&trainer);
    let mut seen = std::collections::HashSet::new();
    for name in ["chains.streams", "data.streams"] {
        for mut stream in streams_in(&start, name, 3) {
            // Chains have drawn their start by now: a shared stream would meet itself within those words.
            for _ in 0..500 {
                let words = stream.next_words();
                for pair in words.as_chunks::<2>().0 {
                    assert!(seen.insert(*pair), "a stream of {name} repeats another");
                }
            }
        }
    }
}

#[test]
fn a_step_draws_one_word_a_unit_and_half_sweep() {
    let data = data();
    let training = Training { batch: STATES.len(), ..Training::default() };
    let rows: Vec<usize> = (0..STATES.len()).collect();
    for (method, chain_start, words) in [
        (Method::Pcd { k: 1 }, ChainStart::Persistent, V + H),
        (Method::Pcd { k: 3 }, ChainStart::Persistent, 3 * (V + H)),
        (Method::Pcd { k: 2 }, ChainStart::Random, H + 2 * (V + H)),
        (Method::Cd { k: 2 }, ChainStart::Persistent, H + 2 * (V + H)),
    ] {
        let recipe = Recipe { method, chain_start, chains: Some(20), ..Recipe::default() };
        let mut trainer = RbmTrainer::new(machine(V, H, 0.8, 33), recipe, &data, &training).expect("valid");
        let blocks = if matches!(method, Method::Cd { .. }) { 1 } else { 2 };
        let mut want = streams_in(&snapshot(&trainer), "chains.streams", blocks);
        trainer.step(&Batch { data: &data, rows: &rows }, &at(0, 4)).expect("finite numbers");
        for stream in &mut want {
            for _ in 0..words {
                stream.next_words();
            }
        }
        assert!(streams_in(&snapshot(&trainer), "chains.streams", blocks) == want, "{method:?}");
    }
}

#[test]
fn chains_of_a_machine_that_stands_still_reach_its_distribution() {
    // A rate too small to move any parameter: each step is one sweep of the chains, and 400 from fair coins are enough
    // for this slow machine. Random restarts, or a hidden state that is not carried on, would not get there.
    let (v, h) = (4, 3);
    let rbm = machine(v, h, 3.0, 34);
    let data = Dataset::from_u8(vec![0, 1, 1, 0], &[1, v], 1).expect("bits");
    let chains = 20_000;
    let recipe = Recipe {
        learning_rate: 1e-30,
        chains: Some(chains),
        centering: Centering::Plain,
        average_decay: 0.0,
        ..Recipe::default()
    };
    let training = Training { batch: 1, ..Training::default() };
    let mut trainer = RbmTrainer::new(rbm.clone(), recipe, &data, &training).expect("a valid recipe");
    for step in 0..400 {
        trainer.step(&Batch { data: &data, rows: &[0] }, &at(step, 400)).expect("finite numbers");
    }
    assert_eq!(trainer.last(), &rbm);
    let end = snapshot(&trainer);
    let words = end.u32("chains.hidden", &[chains.div_ceil(LANES) * LANES]).expect("chains");
    let mut counts = vec![0; 1 << h];
    words[..chains].iter().for_each(|&word| counts[word as usize] += 1);
    let joint = Reference::of(&rbm).joint();
    let marginal: Vec<f64> = joint.chunks(1 << v).map(|states| states.iter().sum()).collect();
    let (statistic, degrees) = chi_squared(&counts, &marginal);
    let limit = chi_squared_quantile(degrees, 1e-6);
    assert!(statistic < limit, "χ² {statistic:.1} > {limit:.1}");
}

#[test]
fn contrastive_divergence_starts_at_the_data() {
    // Hidden units that copy the visible ones: a chain from the data stays there, and there is nothing to learn.
    let n = 8;
    let weights: Vec<f32> = (0..n * n).map(|k| if k / n == k % n { 80.0 } else { 0.0 }).collect();
    let rbm = Rbm::from_parameters(n, n, &weights, &vec![-40.0; n], &vec![-40.0; n]).expect("finite numbers");
    let values: Vec<u8> = (0..40 * n).map(|k| u8::from(k * 7 % 5 < 2)).collect();
    let data = Dataset::from_u8(values, &[40, n], 1).expect("bits");
    let rows: Vec<usize> = (0..40).collect();
    let training = Training { batch: 40, ..Training::default() };
    for (method, chain_start, stays) in [
        (Method::Cd { k: 3 }, ChainStart::Persistent, true),
        (Method::Pcd { k: 1 }, ChainStart::Data, true),
        (Method::Pcd { k: 1 }, ChainStart::Random, false),
        (Method::Pcd { k: 1 }, ChainStart::Persistent, false),
    ] {
        let recipe = Recipe { method, chain_start, weight_decay: Some(0.0), ..Recipe::default() };
        let mut trainer = RbmTrainer::new(rbm.clone(), recipe, &data, &training).expect("a valid recipe");
        trainer.step(&Batch { data: &data, rows: &rows }, &at(0, 4)).expect("finite numbers");
        let moved = parameters(trainer.last()).iter().zip(parameters(&rbm)).any(|(x, y)| (x - y).abs() > 1e-6);
        assert_eq!(moved, !stays, "{method:?} {chain_start:?}");
    }
}

#[test]
fn sixteen_bit_training_from_the_grid_takes_the_same_step() {
    let data = Dataset::digits().train();
    let (rbm, rounding) = machine(64, 50, 0.5, 36).rounded().expect("fine enough");
    let rows: Vec<usize> = (0..48).collect();
    let training = Training { batch: 48, ..Training::default() };
    for (method, chain_start) in [
        (Method::Pcd { k: 3 }, ChainStart::Persistent),
        (Method::Pcd { k: 1 }, ChainStart::Random),
        (Method::Cd { k: 2 }, ChainStart::Persistent),
    ] {
        let after = |precision, steps: u64| {
            let recipe = Recipe { method, chain_start, precision, ..Recipe::default() };
            let mut trainer = RbmTrainer::new(rbm.clone(), recipe, &data, &training).expect("a valid recipe");
            for step in 0..steps {
                trainer.step(&Batch { data: &data, rows: &rows }, &at(step, 9)).expect("finite numbers");
            }
            snapshot(&trainer)
        };
        // On the grid every sum is exact in both; after the step the weights are off the grid.
        assert_eq!(after(Precision::I16, 1), after(Precision::F32, 1), "{method:?}, 2^-{}", rounding.bits);
        assert_ne!(after(Precision::I16, 9), after(Precision::F32, 9), "{method:?}");
    }
    for method in [Method::Exact, Method::Pt { replicas: 2, k: 1 }] {
        assert!(Recipe { method, precision: Precision::I16, ..Recipe::default() }.check().is_err());
    }
}

#[test]
fn the_exact_gradient_takes_grey_levels() {
    let rbm = machine(V, H, 0.8, 35);
    // The ends of a scale of three levels: grey, though none is between.
    let values: Vec<u8> = STATES.iter().flat_map(|&s| (0..V).map(move |unit| 2 * (s >> unit & 1) as u8)).collect();
    let grey = Dataset::from_u8(values, &[STATES.len(), V], 2).expect("levels").binarized(Binarization::None);
    let stepped = |data: &Dataset<'_>| {
        let recipe = Recipe { method: Method::Exact, learning_rate: 1.0, ..Recipe::default() };
        let training = Training { batch: STATES.len(), ..Training::default() };
        let mut trainer = RbmTrainer::new(rbm.clone(), recipe, data, &training).expect("a valid recipe");
        let rows: Vec<usize> = (0..STATES.len()).collect();
        trainer.step(&Batch { data, rows: &rows }, &at(0, 4)).expect("finite numbers");
        parameters(trainer.last())
    };
    assert!(grey.is_grey());
    for (got, want) in stepped(&grey).into_iter().zip(stepped(&data())) {
        assert!((got - want).abs() < 2e-6, "{got} {want}");
    }
}

/// Keeps the last checkpoint.
#[derive(Default)]
struct Keeper(Snapshot);

impl Observer for Keeper {
    fn checkpoint(&mut self, _: &Progress, snapshot: &Snapshot) -> Result<(), TrainError> {
        self.0 = snapshot.clone();
        Ok(())
    }
}

#[test]
fn a_trained_machine_is_the_same_after_fit_from_a_trainer_and_from_a_checkpoint() {
    let (rows, held_out) = Dataset::digits().train().split_validation(Holdout::Count(200), Seed(1)).expect("rows");
    for (average_decay, patience) in [(0.9, Some(2)), (0.9, None), (0.0, Some(2))] {
        // A rate so high that the figure soon falls again.
        let recipe = Recipe { learning_rate: 1.0, average_decay, ..Recipe::default() };
        let early_stopping = patience.map(EarlyStopping::patience);
        let training = Training { epochs: 100, batch: 50, early_stopping, ..Training::default() };
        let rbm = Rbm::new(64, 12, Seed(1));
        let mut keeper = Keeper::default();
        let mut trainer = rbm.clone().trainer(&recipe, &rows, &training).expect("a valid recipe");
        let summary = train(&mut trainer, &rows, Some(&held_out), &training, None, &mut keeper).expect("finite");
        assert_eq!(summary.ending == Ending::NoImprovement, patience.is_some());
        let mut fitted = rbm.clone();
        let fitting = Fitting { held_out: Some(&held_out), ..Fitting::default() };
        fitted.fit_with(&rows, &recipe, &training, fitting).expect("finite numbers");
        assert_eq!(fitted, trainer.model());
        assert_eq!(fitted, Rbm::from_checkpoint(&keeper.0).expect("a checkpoint"));
        assert_eq!(fitted == *trainer.last(), average_decay == 0.0);
        // The checkpoint of the last step is another machine where the run went back to its best.
        let last = Rbm::from_snapshot(&keeper.0).expect("a checkpoint");
        assert_eq!(last != *trainer.last(), patience.is_some());
    }
}

#[test]
fn codes_of_grey_levels_are_those_of_bits_where_they_are_bits() {
    let rbm = machine(V, H, 0.8, 41);
    let codes = rbm.encode(&data()).expect("bits");
    assert_eq!(codes, rbm.mean_hidden(&data().to_bits()));
    let levels: Vec<f32> = STATES.iter().flat_map(|&s| (0..V).map(move |unit| (s >> unit & 1) as f32)).collect();
    // A row that is no bits makes the others grey levels too.
    let grey = [levels, vec![0.25; V]].concat();
    let grey = Dataset::from_f32(grey, &[STATES.len() + 1, V]).expect("levels").binarized(Binarization::None);
    let of_levels = rbm.encode(&grey).expect("probabilities");
    assert!(codes.iter().zip(&of_levels).all(|(x, y)| (x - y).abs() < 1e-6));
    let logit = |j: usize| rbm.hidden_bias()[j] + 0.25 * (0..V).map(|i| rbm.weights()[i * H + j]).sum::<f32>();
    let last = &of_levels[STATES.len() * H..];
    assert!((0..H).all(|j| (last[j] - 1.0 / (1.0 + (-logit(j)).exp())).abs() < 1e-6));
    assert!(rbm.encode(&Dataset::bars(2).expect("bars")).is_err());
}
