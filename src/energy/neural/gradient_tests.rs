//! The gradients: on the tape, of the likelihood by quadrature, and what the replay buffer hands to them.

use super::objective::{denoising, two_phases};
use super::recipe::{Method, StepSize, TwoPhase};
use super::replay::Replay;
use super::tests::{random, shaped};
use super::trainer::loss;
use super::{NeuralConfig, NeuralEnergy};
use crate::autodiff::{Activation, check_parameter_gradients};
use crate::data::Batches;
use crate::random::Seed;
use crate::train::tape::{BatchProgram, Group, Pieces};

fn gradient_program(energy: &NeuralEnergy, method: Method, batch: usize) -> BatchProgram {
    let parameters: Vec<_> = energy.store.parameters().collect();
    BatchProgram::record(&energy.store, &parameters, &[Group { examples: batch, pieces: Pieces::One }], &|piece| {
        loss(energy, method, piece)
    })
}

#[test]
fn both_losses_have_the_slopes_of_central_differences() {
    for activation in [Activation::Tanh, Activation::Softplus] {
        let energy = random(shaped(2, &[5, 4], activation), 0.6, Seed(1));
        let mut numbers = [0.0; 24];
        Seed(2).lanes("numbers", 0).fill_normal(&mut numbers);
        let (first, second) = numbers.split_at(12);
        check_parameter_gradients(&energy.store, |tape| {
            let (data, chains) = (tape.constant([6, 2], first), tape.constant([6, 2], second));
            two_phases(&energy.network, data, chains, 0.1)
        })
        .unwrap();
        check_parameter_gradients(&energy.store, |tape| {
            denoising(&energy.network, tape.constant([6, 2], first), tape.constant([6, 2], second), 0.3)
        })
        .unwrap();
    }
}

/// Of the normal distribution with precision κ the loss is known: s(ũ) = −κũ, so ½|σ s + ε|² = ½|ε (1 − κσ²) − κσu|².
#[test]
fn the_loss_of_score_matching_is_its_formula() {
    let energy = NeuralEnergy::new(NeuralConfig { confinement: 0.7, ..NeuralConfig::new(2) }, Seed(1)).unwrap();
    let mut program = gradient_program(&energy, Method::DenoisingScoreMatching { noise: 0.5 }, 2);
    let (u, noise) = ([0.3, -1.2, 2.0, 0.1], [1.5, 0.2, -0.4, 0.9]);
    program.input_mut("data").copy_from_slice(&u);
    program.input_mut("noise").copy_from_slice(&noise);
    let loss = program.run(&energy.store, &mut energy.store.gradients());
    let square = |(u, e): (&f32, &f32)| (e * (1.0 - 0.7 * 0.25) - 0.7 * 0.5 * u).powi(2);
    let wanted = 0.25 * u.iter().zip(&noise).map(square).sum::<f32>();
    assert!((loss - f64::from(wanted)).abs() < 1e-6, "{loss} {wanted}");
}

/// ∂E/∂θ at u of one hidden layer of tanh, in the order of the store: W, b, v, c.
fn slopes_at(energy: &NeuralEnergy, u: f64) -> Vec<f64> {
    let get = |name: &str| energy.store.get(energy.store.find(name).unwrap()).to_vec();
    let (w, b, v) = (get("network.0.weight"), get("network.0.bias"), get("network.2.weight"));
    let tanh: Vec<f64> = w.iter().zip(&b).map(|(&w, &b)| (f64::from(w) * u + f64::from(b)).tanh()).collect();
    let inner: Vec<f64> = tanh.iter().zip(&v).map(|(t, &v)| f64::from(v) * (1.0 - t * t)).collect();
    let weights = inner.iter().map(|inner| inner * u);
    weights.chain(inner.iter().copied()).chain(tanh.iter().copied()).chain([1.0]).collect()
}

/// The two-phase gradient with chains that have come to the model against ∂(−ln p)/∂θ by quadrature: each parameter within 5.2
/// standard errors, which are those of so many independent draws by the same quadrature: α = 2·10⁻⁷ for each of 13.
#[test]
fn two_phases_are_the_slope_of_the_log_likelihood() {
    const CHAINS: usize = 8192;
    let config = NeuralConfig { hidden: vec![4], ..NeuralConfig::new(1) };
    let energy = random(config, 0.9, Seed(11));
    let data = [-1.5f32, -0.5, 0.2, 0.3, 2.0];
    let mut chains = energy.chains(CHAINS, Seed(12)).unwrap();
    chains.langevin(&energy, 0.9, 80).unwrap();
    let phases = TwoPhase { chains: Some(CHAINS), regulariser: 0.0, ..TwoPhase::default() };
    let mut program = gradient_program(&energy, Method::TwoPhase(phases), data.len());
    program.input_mut("data").copy_from_slice(&data);
    program.input_mut("chains").copy_from_slice(&chains.positions());
    let mut gradients = energy.store.gradients();
    program.run(&energy.store, &mut gradients);
    let estimated: Vec<f64> =
        energy.store.parameters().flat_map(|p| gradients.get(p).to_vec()).map(f64::from).collect();

    let grid: Vec<f32> = (0..16_000).map(|i| i as f32 * 1e-3 - 8.0).collect();
    let weights: Vec<f64> = energy.energies(&grid).into_iter().map(|energy| (-energy).exp()).collect();
    let total: f64 = weights.iter().sum();
    let (mut exact, mut squares) = (vec![0.0; estimated.len()], vec![0.0; estimated.len()]);
    for (&u, weight) in grid.iter().zip(&weights) {
        for (place, slope) in slopes_at(&energy, f64::from(u)).into_iter().enumerate() {
            exact[place] -= weight / total * slope;
            squares[place] += weight / total * slope * slope;
        }
    }
    let errors: Vec<f64> = squares
        .iter()
        .zip(&exact)
        .map(|(square, mean)| ((square - mean * mean).max(0.0) / CHAINS as f64).sqrt())
        .collect();
    for &u in &data {
        let slopes = slopes_at(&energy, f64::from(u));
        exact.iter_mut().zip(slopes).for_each(|(exact, slope)| *exact += slope / data.len() as f64);
    }
    for ((estimated, exact), error) in estimated.iter().zip(&exact).zip(&errors) {
        // Sums of 8,192 numbers of size 1 in f32 products besides.
        assert!((estimated - exact).abs() <= 5.2 * error + 1e-5, "{estimated} {exact} ± {error}");
    }
    assert!(exact.iter().any(|exact| exact.abs() > 0.1), "a gradient worth the name: {exact:?}");
}

#[test]
fn each_update_moves_the_chains_that_are_its_turn() {
    let energy = random(shaped(2, &[4], Activation::Tanh), 0.5, Seed(1));
    let phases = TwoPhase {
        chains: Some(4),
        buffer: Some(12),
        restart: 0.0,
        step: StepSize::Fixed(0.1),
        ..TwoPhase::default()
    };
    let mut replay = Replay::new(&energy, phases, 99, Seed(5)).unwrap();
    let order = Batches::new(12, 4, Seed(5).derive("replay order", 0));
    let (mut out, start) = ([0.0; 8], replay.buffer().to_vec());
    for step in 0..3 {
        let before = replay.buffer().to_vec();
        replay.draw(&energy, step, &mut out).unwrap();
        let mut taken = [0; 4];
        order.fill(step, &mut taken);
        for chain in 0..12 {
            let row = 2 * chain..2 * chain + 2;
            match taken.iter().position(|&taken| taken == chain) {
                Some(slot) => assert_eq!(replay.buffer()[row], out[2 * slot..2 * slot + 2]),
                None => assert_eq!(replay.buffer()[row.clone()], before[row]),
            }
        }
    }
    // Ten steps of 0.1 go on from where a chain was; all twelve have been moved once.
    for (after, before) in replay.buffer().chunks_exact(2).zip(start.chunks_exact(2)) {
        assert!(after != before && (0..2).all(|j| (after[j] - before[j]).abs() < 3.0), "{before:?} {after:?}");
    }
}

/// Far away, only chains that start anew come back within an update of short steps.
#[test]
fn the_restart_share_is_what_returns_from_far_away() {
    let energy = NeuralEnergy::new(NeuralConfig::new(1), Seed(1)).unwrap();
    let returned = |restart: f64| {
        let step = StepSize::Fixed(0.01);
        let phases =
            TwoPhase { chains: Some(4096), buffer: Some(4096), restart, steps: 1, step, ..TwoPhase::default() };
        let mut replay = Replay::new(&energy, phases, 1, Seed(6)).unwrap();
        let mut snapshot = crate::store::Snapshot::default();
        replay.save(&mut snapshot);
        snapshot.put_f32("replay.buffer", &[4096, 1], &[50.0; 4096]);
        replay.load(&snapshot).unwrap();
        replay.draw(&energy, 0, &mut [0.0; 4096]).unwrap();
        replay.buffer().iter().filter(|u| u.abs() < 10.0).count() as f64
    };
    assert_eq!((returned(0.0), returned(1.0)), (0.0, 4096.0));
    // 4.9 standard errors: α = 10⁻⁶.
    assert!((returned(0.25) - 1024.0).abs() < 4.9 * 768f64.sqrt());
}

#[test]
fn a_tuned_step_follows_the_acceptance_and_a_fixed_one_does_not() {
    let tuned = StepSize::Tuned { start: 0.2, acceptance: 0.6 };
    assert!(tuned.next(0.2, 0.9) > 0.2 && tuned.next(0.2, 0.3) < 0.2);
    assert_eq!(tuned.next(0.2, 0.6), 0.2);
    assert!(tuned.next(1e-4, 0.0) >= 1e-4 && tuned.next(10.0, 1.0) <= 10.0);
    assert_eq!((StepSize::Fixed(0.3).start(), StepSize::Fixed(0.3).next(0.3, 0.0)), (0.3, 0.3));
}
