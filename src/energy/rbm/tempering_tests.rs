//! Parallel tempering against enumeration, on machines whose plain chains are slow; and its place in training.

use super::reference::{Reference, machine, state};
use super::tabulated::Tabulated;
use super::tests::second_eigenvalue;
use super::*;
use crate::data::Dataset;
use crate::random::Seed;
use crate::sampling::chi_squared::{chi_squared, chi_squared_quantile};
use crate::tensor::BitMatrix;
use crate::train::{Batch, Learner, Training, train};

/// One error in 100,000 runs of all χ² tests of this file together.
const ALPHA: f64 = 1e-5 / 16.0;

/// A machine of two modes, a pattern and its complement, whose sweep has a second eigenvalue of 0.93 to 0.96: small
/// random weights, and a coupling of the pattern that bisection finds.
fn slow_machine(visible: usize, hidden: usize, seed: u64) -> Rbm {
    let noise = machine(visible, hidden, 0.3, seed);
    let sign = |unit: usize| if unit % 3 == 1 { -1.0f32 } else { 1.0 };
    let coupled = |strength: f32| {
        let couplings = (0..visible * hidden).map(|at| strength * sign(at / hidden) * sign(at % hidden + 1));
        let weights: Vec<f32> = couplings.zip(noise.weights()).map(|(coupling, noise)| coupling + noise).collect();
        // Half of a unit's weights against it: pattern and complement are alike but for the noise.
        let half = |sums: Vec<f32>, noise: &[f32]| -> Vec<f32> {
            sums.iter().zip(noise).map(|(sum, noise)| noise - 0.5 * sum).collect()
        };
        let visible_sums = weights.chunks(hidden).map(|row| row.iter().sum()).collect();
        let hidden_sums = (0..hidden).map(|j| weights.iter().skip(j).step_by(hidden).sum()).collect();
        let biases = [half(visible_sums, noise.visible_bias()), half(hidden_sums, noise.hidden_bias())];
        Rbm::from_parameters(visible, hidden, &weights, &biases[0], &biases[1]).expect("a machine")
    };
    let (mut low, mut high) = (0.0f32, 10.0f32);
    for _ in 0..40 {
        let strength = 0.5 * (low + high);
        let rbm = coupled(strength);
        match second_eigenvalue(&Reference::of(&rbm)) {
            0.93..0.96 => return rbm,
            eigenvalue if eigenvalue < 0.93 => low = strength,
            _ => high = strength,
        }
    }
    panic!("no coupling makes this machine slow enough and no slower")
}

/// p_β(v) by the book.
fn tempered_marginal(rbm: &Rbm, base: &[f32], beta: f64) -> Vec<f64> {
    let scaled = |values: &[f32]| values.iter().map(|&value| (beta * f64::from(value)) as f32).collect::<Vec<_>>();
    let bias: Vec<f32> = scaled(rbm.visible_bias())
        .iter()
        .zip(base)
        .map(|(bias, &base)| bias + ((1.0 - beta) * f64::from(base)) as f32)
        .collect();
    let (visible, hidden) = (rbm.visible(), rbm.hidden());
    let tempered =
        Rbm::from_parameters(visible, hidden, &scaled(rbm.weights()), &bias, &scaled(rbm.hidden_bias()))
            .expect("a machine");
    let joint = Reference::of(&tempered).joint();
    (0..1 << visible).map(|v| joint.iter().skip(v).step_by(1 << visible).sum()).collect()
}

fn counts(states: &BitMatrix) -> Vec<u64> {
    let mut counts = vec![0; 1 << states.units()];
    (0..states.rows()).for_each(|row| counts[state(states, row)] += 1);
    counts
}

#[test]
fn every_temperature_has_its_own_distribution() {
    // A wrong sign or a stale temperature in the exchange would move the rungs between the ends.
    let rbm = slow_machine(5, 4, 6);
    let base = [0.5, -0.5, 0.2, 0.0, -1.0];
    let mut chains = TemperedChains::new(&rbm, 12_000, 5, &base, Seed(1));
    chains.gibbs(&rbm, 400);
    for (rung, beta) in chains.inverse_temperatures().to_vec().into_iter().enumerate() {
        let (statistic, degrees) =
            chi_squared(&counts(&chains.at_rung(rung)), &tempered_marginal(&rbm, &base, beta));
        let limit = chi_squared_quantile(degrees, ALPHA);
        assert!(statistic < limit, "χ² {statistic:.1} > {limit:.1} at β = {beta}");
    }
}

#[test]
fn tempering_draws_the_joint_distribution_of_slow_machines() {
    for (visible, hidden, replicas, seed) in [(4, 4, 4, 1), (5, 4, 6, 2), (3, 5, 3, 3)] {
        let rbm = slow_machine(visible, hidden, seed);
        let mut chains = rbm.tempered_chains(20_000, replicas, Seed(seed));
        chains.warm_up(&rbm, 64);
        chains.gibbs(&rbm, 300);
        // h ~ p(h | v) of the cold states, then a draw of v given it: the pair is a draw of the joint.
        let mut pairs = RbmChains::from_visible(chains.cold(), hidden, Seed(seed + 100));
        pairs.gibbs(&rbm, 1);
        let mut counts = vec![0; 1 << (visible + hidden)];
        for chain in 0..pairs.len() {
            counts[state(pairs.visible(), chain) + (state(pairs.hidden(), chain) << visible)] += 1;
        }
        let (statistic, degrees) = chi_squared(&counts, &Reference::of(&rbm).joint());
        let limit = chi_squared_quantile(degrees, ALPHA);
        assert!(statistic < limit, "χ² {statistic:.1} > {limit:.1} of {visible} × {hidden}");
        assert!(chains.round_trips() > 0);
    }
}

#[test]
fn swap_rates_and_round_trips_are_those_of_a_flat_ladder() {
    // Without weights all temperatures are one distribution: every exchange is accepted, and with even and odd pairs in
    // turn each replica goes straight up and down, a round trip every 2 R sweeps.
    let rbm = Rbm::from_parameters(20, 10, &[0.0; 200], &[0.3; 20], &[0.0; 10]).expect("a machine");
    let replicas = 6;
    let mut chains = TemperedChains::new(&rbm, 7, replicas, &[0.3; 20], Seed(1));
    chains.gibbs(&rbm, 1000);
    assert!(chains.acceptance().iter().all(|rate| *rate > 0.999), "{:?}", chains.acceptance());
    let expected = 7.0 * replicas as f64 * 1000.0 / (2.0 * replicas as f64);
    let trips = chains.round_trips() as f64;
    // Each of the 42 replicas may be amid its first or last trip.
    assert!((trips - expected).abs() <= 84.0, "{trips} {expected}");
}

#[test]
fn warming_up_evens_the_rejections_out() {
    let rbm = machine(60, 30, 1.0, 4);
    let spread = |rates: Vec<f64>| {
        let (low, high) =
            rates.iter().fold((1.0f64, 0.0f64), |(low, high), &rate| (low.min(rate), high.max(rate)));
        high - low
    };
    let mut even = rbm.tempered_chains(64, 8, Seed(1));
    even.gibbs(&rbm, 400);
    let mut spaced = rbm.tempered_chains(64, 8, Seed(1));
    spaced.warm_up(&rbm, 400);
    spaced.gibbs(&rbm, 400);
    let betas = spaced.inverse_temperatures();
    assert!(betas[0] == 0.0 && betas[7] == 1.0 && betas.is_sorted());
    assert!(spread(spaced.acceptance()) < 0.5 * spread(even.acceptance()), "{:?}", spaced.acceptance());
    assert!(spaced.lowest_acceptance() > even.lowest_acceptance());
}

#[test]
fn ladders_are_the_same_on_any_number_of_threads_and_in_any_company() {
    let rbm = machine(70, 45, 0.5, 9);
    let base = vec![0.1; 70];
    let run = |threads: usize, ladders: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| {
            let mut chains = TemperedChains::new(&rbm, ladders, 5, &base, Seed(5));
            chains.gibbs(&rbm, 30);
            chains
        })
    };
    let many = run(1, 40);
    for threads in [2, 3, 8] {
        let other = run(threads, 40);
        assert_eq!((&other.cold(), other.acceptance()), (&many.cold(), many.acceptance()));
    }
    let few = run(2, 7).cold();
    for ladder in 0..7 {
        assert!((0..70).all(|unit| few.get(ladder, unit) == many.cold().get(ladder, unit)));
    }
    let mut tiles = TemperedChains::new(&rbm, 40, 5, &base, Seed(5));
    tiles.tables = Tabulated::tile_by_tile();
    tiles.gibbs(&rbm, 30);
    assert_eq!((tiles.cold(), tiles.acceptance()), (many.cold(), many.acceptance()));
}

fn recipe() -> Recipe {
    Recipe { method: Method::Pt { replicas: 4, k: 2 }, chains: Some(20), ..Recipe::default() }
}

fn bars() -> Dataset<'static> {
    Dataset::resolve("bars:3").expect("built in")
}

#[test]
fn a_resumed_training_is_the_unbroken_one() {
    let data = bars();
    let training = Training { epochs: 20, batch: 10, ..Training::default() };
    let rbm = Rbm::new(9, 8, Seed(1));
    let trainer = || RbmTrainer::new(rbm.clone(), recipe(), &data, &training).expect("a valid recipe");
    let batches: Vec<usize> = (0..10).collect();
    let step = |trainer: &mut RbmTrainer, step: u64| {
        let progress = crate::train::Progress { step, steps: 60, examples: step * 10, epoch: 0, epochs: 20 };
        trainer.step(&Batch { data: &data, rows: &batches }, &progress).expect("a step");
    };
    let mut unbroken = trainer();
    (0..60).for_each(|index| step(&mut unbroken, index));
    let mut first = trainer();
    (0..31).for_each(|index| step(&mut first, index));
    let mut saved = crate::store::Snapshot::default();
    first.save(&mut saved);
    let mut second = trainer();
    second.load(&saved).expect("a checkpoint");
    (31..60).for_each(|index| step(&mut second, index));
    let (mut a, mut b) = (crate::store::Snapshot::default(), crate::store::Snapshot::default());
    unbroken.save(&mut a);
    second.save(&mut b);
    assert_eq!(a, b);

    // A checkpoint in which a ladder lost a replica is refused.
    saved.put_u32("tempering.rungs", &[20, 4], &[0; 80]);
    assert!(trainer().load(&saved).is_err());
}

#[test]
fn tempered_training_learns_bars() {
    let data = bars();
    let training = Training { epochs: 6000, batch: 14, evaluate_every: 0, ..Training::default() };
    let recipe = Recipe { chains: Some(64), learning_rate: 0.3, ..recipe() };
    let mut trainer = RbmTrainer::new(Rbm::new(9, 16, Seed(2)), recipe, &data, &training).expect("a valid recipe");
    train(&mut trainer, &data, None, &training, None, &mut ()).expect("finite");
    let value = trainer.average().exact_log_likelihood(&data, 20).expect("9 units").value;
    // The best is −2.639; independent pixels reach −6.2.
    assert!(value > -3.2, "{value}");
}

#[test]
fn tempering_refuses_what_it_cannot_do() {
    for recipe in [
        Recipe { method: Method::Pt { replicas: 1, k: 1 }, ..Recipe::default() },
        Recipe { method: Method::Pt { replicas: 4, k: 0 }, ..Recipe::default() },
        Recipe { chain_start: ChainStart::Data, ..recipe() },
        Recipe { chain_start: ChainStart::Random, ..recipe() },
    ] {
        assert!(recipe.check().is_err(), "{recipe:?}");
    }
}
