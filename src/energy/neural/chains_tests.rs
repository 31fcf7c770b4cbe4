//! Chains against the density they must leave unchanged, by quadrature; one draw a chain.

use super::langevin::{Place, acceptance};
use super::tests::{random, shaped};
use super::{NeuralChains, NeuralConfig, NeuralEnergy, NeuralError, NeuralSampling};
use crate::autodiff::Activation;
use crate::random::Seed;
use crate::sampling::chi_squared::chi_squared;

const CHAINS: usize = 16_384;
/// χ² of 19 degrees of freedom exceeds this with probability 10⁻⁶ (Wilson & Hilferty).
const LIMIT: f64 = 62.2;

/// One number with two uneven humps, and log Z's integrand on a fine grid: an energy whose chains mix within tens of steps.
fn humps() -> NeuralEnergy {
    let mut energy = NeuralEnergy::new(
        NeuralConfig {
            centre: vec![0.5],
            scale: vec![2.0],
            confinement: 1.0,
            hidden: vec![2],
            ..NeuralConfig::new(1)
        },
        Seed(0),
    )
    .unwrap();
    // f rises from the left to the middle and falls from there: E has humps left and right.
    for (name, values) in [
        ("network.0.weight", &[3.0, 3.0][..]),
        ("network.0.bias", &[2.0, -1.5]),
        ("network.2.weight", &[1.0, -1.4]),
    ] {
        let parameter = energy.store.find(name).unwrap();
        energy.store.get_mut(parameter).copy_from_slice(values);
    }
    energy
}

/// χ² of the draws in 20 cells of equal probability, by the density on 200,000 points.
fn statistic_of(energy: &NeuralEnergy, draws: &[f32]) -> f64 {
    let points: Vec<f32> = (0..200_000).map(|i| 0.5 + 2.0 * (i as f32 * 1e-4 - 10.0)).collect();
    let weights: Vec<f64> = energy.energies(&points).into_iter().map(|energy| (-energy).exp()).collect();
    let total: f64 = weights.iter().sum();
    let (mut ends, mut below) = (Vec::new(), 0.0);
    for (point, weight) in points.iter().zip(&weights) {
        below += weight / total;
        if ends.len() < 19 && below >= (ends.len() + 1) as f64 / 20.0 {
            ends.push(*point);
        }
    }
    let mut counts = [0; 20];
    draws.iter().for_each(|draw| counts[ends.partition_point(|end| end < draw)] += 1);
    chi_squared(&counts, &[0.05; 20]).0
}

/// Steps so long that a third of them are refused: dropping the proposal's ratio, or half of the drift, would show.
#[test]
fn langevin_draws_are_of_the_density() {
    let energy = humps();
    let mut chains = energy.chains(CHAINS, Seed(3)).unwrap();
    let acceptance = chains.langevin(&energy, 1.1, 100).unwrap();
    assert!((0.4..0.9).contains(&acceptance), "{acceptance}");
    let statistic = statistic_of(&energy, &chains.positions());
    assert!(statistic < LIMIT, "{statistic}");
    // The test sees what a chain has not yet come to: where it starts.
    let statistic = statistic_of(&energy, &energy.chains(CHAINS, Seed(3)).unwrap().positions());
    assert!(statistic > LIMIT, "{statistic}");
}

#[test]
fn hamiltonian_draws_are_of_the_density() {
    let energy = humps();
    let mut chains = energy.chains(CHAINS, Seed(4)).unwrap();
    let acceptance = chains.hamiltonian(&energy, 0.8, 3, 40).unwrap();
    assert!((0.4..0.95).contains(&acceptance), "{acceptance}");
    let statistic = statistic_of(&energy, &chains.positions());
    assert!(statistic < LIMIT, "{statistic}");
}

#[test]
fn samples_and_what_is_led_to_the_model_are_of_the_density() {
    let energy = humps();
    let sampling = NeuralSampling { steps: 80, seed: Seed(5), ..NeuralSampling::default() };
    let statistic = statistic_of(&energy, &energy.sample(CHAINS, &sampling).unwrap());
    assert!(statistic < LIMIT, "{statistic}");
    let start = energy.chains(CHAINS, Seed(6)).unwrap();
    let untrained = NeuralEnergy::new(energy.config().clone(), Seed(0)).unwrap();
    let statistic = statistic_of(&untrained, &start.positions());
    assert!(statistic < LIMIT, "chains start with draws from the confinement: {statistic}");
}

/// p(a) q(b | a) min(1, r(a, b)) = p(b) q(a | b) min(1, r(b, a)), all of it written out here.
#[test]
fn the_accept_step_is_in_detailed_balance() {
    let energy = random(shaped(3, &[8], Activation::Tanh), 0.8, Seed(5));
    let mut points = [0.0f32; 60];
    Seed(6).lanes("points", 0).fill_normal(&mut points);
    let mut field = super::field::Field::new(&energy, 20);
    field.input_mut().copy_from_slice(&points);
    field.run(&energy.store);
    let confinement = energy.config().confinement;
    let slopes: Vec<f32> = field.slopes().iter().zip(&points).map(|(slope, u)| slope + confinement * u).collect();
    let place = |row: usize| {
        let range = 3 * row..3 * row + 3;
        let value = energy.energy_at(&points[range.clone()], field.values()[row], 1.0);
        Place { u: &points[range.clone()], energy: value, slope: &slopes[range] }
    };
    for (a, b, step) in (0..20).flat_map(|a| (0..20).map(move |b| (a, b, 0.3 + 0.1 * a as f32))) {
        let flow = |from: Place<'_>, to: Place<'_>| {
            let step2 = f64::from(step).powi(2);
            let distance: f64 = (0..3)
                .map(|j| {
                    let mean = f64::from(from.u[j]) - 0.5 * step2 * f64::from(from.slope[j]);
                    (f64::from(to.u[j]) - mean).powi(2)
                })
                .sum();
            -from.energy - distance / (2.0 * step2) + acceptance(from, to, step).ln()
        };
        let (there, back) = (flow(place(a), place(b)), flow(place(b), place(a)));
        assert!((there - back).abs() < 1e-9 * (1.0 + there.abs()), "{there} {back}");
    }
    let nowhere = Place { energy: f64::INFINITY, ..place(1) };
    assert_eq!(acceptance(place(0), nowhere, 0.5), 0.0);
    assert_eq!(acceptance(place(0), Place { energy: f64::NAN, ..nowhere }, 0.5), 0.0);
}

#[test]
fn a_chains_path_depends_on_neither_threads_nor_company() {
    let energy = random(shaped(3, &[8], Activation::Softplus), 0.5, Seed(7));
    let run = |threads: usize, count: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut chains = energy.chains(count, Seed(8)).unwrap();
            chains.langevin(&energy, 0.4, 7).unwrap();
            chains.hamiltonian(&energy, 0.2, 3, 5).unwrap();
            chains.langevin(&energy, 0.4, 2).unwrap();
            chains.positions()
        })
    };
    let alone = run(1, 1);
    for (threads, count) in [(1, 65), (3, 65), (2, 200)] {
        assert_eq!(run(threads, count)[..3], alone, "{threads} threads, {count} chains");
    }
    assert_eq!(run(1, 200), run(4, 200));
    assert_ne!(run(1, 2)[..3], run(1, 2)[3..], "two chains are not one");
    assert_ne!(run(1, 17)[..3], run(1, 17)[48..], "nor are those of two streams");
}

#[test]
fn as_many_chains_restart_as_the_share_says() {
    let energy = random(shaped(2, &[4], Activation::Tanh), 0.5, Seed(7));
    let moved = |share: f64| {
        let mut chains = energy.chains(10_000, Seed(9)).unwrap();
        let before = chains.positions();
        chains.restart(share);
        let after = chains.positions();
        before.chunks_exact(2).zip(after.chunks_exact(2)).filter(|(before, after)| before != after).count() as f64
    };
    assert_eq!((moved(0.0), moved(1.0)), (0.0, 10_000.0));
    // 4.9 standard errors: α = 10⁻⁶.
    assert!((moved(0.2) - 2000.0).abs() < 4.9 * 1600f64.sqrt());
}

#[test]
fn positions_are_set_and_got_in_the_datas_units() {
    let energy = random(shaped(2, &[4], Activation::Tanh), 0.5, Seed(7));
    let mut chains = energy.chains(70, Seed(9)).unwrap();
    let wanted: Vec<f32> = (0..140).map(|i| 0.25 * i as f32 - 3.0).collect();
    chains.set_positions(&wanted);
    assert_eq!(chains.len(), 70);
    assert!(chains.positions().iter().zip(&wanted).all(|(x, wanted)| (x - wanted).abs() < 1e-5));
}

#[test]
fn what_cannot_move_is_refused() {
    let mut energy = random(shaped(2, &[4], Activation::Tanh), 0.5, Seed(7));
    assert!(energy.chains(0, Seed(1)).unwrap_err().to_string().contains("number of chains is 0"));
    let mut chains = energy.chains(70, Seed(1)).unwrap();
    let said = |result: Result<f64, NeuralError>| result.unwrap_err().to_string();
    for step in [0.0, -0.1, f32::NAN, f32::INFINITY] {
        assert!(said(chains.langevin(&energy, step, 1)).contains("the step size is"), "{step}");
        assert!(said(chains.hamiltonian(&energy, step, 1, 1)).contains("the step size is"), "{step}");
    }
    assert!(said(chains.langevin(&energy, 0.1, 0)).contains("number of steps is 0"));
    assert!(said(chains.hamiltonian(&energy, 0.1, 0, 1)).contains("leapfrog steps is 0"));
    assert!(said(chains.hamiltonian(&energy, 0.1, 1, 0)).contains("trajectories is 0"));
    let none = NeuralSampling { steps: 0, ..NeuralSampling::default() };
    assert!(energy.sample(3, &none).is_err() && energy.sample(0, &NeuralSampling::default()).is_err());
    let bias = energy.store.find("network.0.bias").unwrap();
    energy.store.get_mut(bias)[0] = f32::NAN;
    let error = chains.langevin(&energy, 0.1, 1).unwrap_err();
    assert!(error == NeuralError::NonFiniteEnergy { chain: 0 } && error.hint().is_some(), "{error}");
}

#[test]
fn chains_go_to_any_thread() {
    fn shared<T: Send + Sync>() {}
    shared::<NeuralChains>();
    shared::<NeuralEnergy>();
}
