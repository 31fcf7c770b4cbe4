//! Enumeration, transition matrices, χ² and central differences against the machine by the book.

use super::reference::{Reference, machine, rows, state};
use super::*;
use crate::data::Dataset;
use crate::random::Seed;
use crate::sampling::chi_squared::{chi_squared, chi_squared_quantile};
use crate::tensor::BitMatrix;

/// One error in 100,000 runs of all χ² tests together; each takes an equal part.
const ALPHA: f64 = 1e-5 / 16.0;

#[test]
fn free_energy_is_the_sum_over_hidden_states() {
    for (visible, hidden) in [(1, 1), (5, 3), (3, 9), (10, 4)] {
        let rbm = machine(visible, hidden, 1.5, 1);
        let reference = Reference::of(&rbm);
        let states: Vec<usize> = (0..1 << visible).collect();
        for (v, energy) in rbm.free_energy(&rows(&states, visible)).into_iter().enumerate() {
            let want = reference.free_energy(v);
            // f32 activations: a few ulp of each of at most 10 + 10 terms below 16.
            assert!((energy - want).abs() < 40.0 * 16.0 * f64::from(f32::EPSILON), "{energy} {want}");
        }
    }
}

#[test]
fn conditionals_are_the_books() {
    let rbm = machine(37, 70, 0.7, 2);
    let visible = BitMatrix::from_fn(40, 37, |r, u| (r * 5 + u * 11 + r * u) % 3 == 0);
    let hidden = BitMatrix::from_fn(40, 70, |r, u| (r * 3 + u * 7 + r * u) % 5 < 2);
    let (weights, stride) = (rbm.weights(), 70);
    // |σ(x) − σ(y)| ≤ |x − y| / 4; the sum of n terms below 0.7 errs by n² ε 0.7 at most.
    let bound = |n: f64| n * n * 0.7 * f64::from(f32::EPSILON) / 4.0 + 1e-6;
    for (row, means) in rbm.mean_hidden(&visible).chunks(70).enumerate() {
        for (j, &mean) in means.iter().enumerate() {
            let x: f64 =
                (0..37).filter(|&i| visible.get(row, i)).map(|i| f64::from(weights[i * stride + j])).sum();
            let want = reference::sigmoid(x + f64::from(rbm.hidden_bias()[j]));
            assert!((f64::from(mean) - want).abs() < bound(37.0));
        }
    }
    for (row, means) in rbm.mean_visible(&hidden).chunks(37).enumerate() {
        for (i, &mean) in means.iter().enumerate() {
            let x: f64 = (0..70).filter(|&j| hidden.get(row, j)).map(|j| f64::from(weights[i * stride + j])).sum();
            let want = reference::sigmoid(x + f64::from(rbm.visible_bias()[i]));
            assert!((f64::from(mean) - want).abs() < bound(70.0));
        }
    }
}

#[test]
fn log_z_by_enumeration_is_the_books() {
    for (visible, hidden) in [(1, 1), (4, 9), (9, 4), (11, 3)] {
        let rbm = machine(visible, hidden, 1.0, 3);
        let want = Reference::of(&rbm).log_z();
        let log_z = rbm.exact_log_z(20).expect("a small machine");
        assert!((log_z - want).abs() < 1e-5, "{log_z} {want}");
    }
    let free = Rbm::from_parameters(784, 20, &vec![0.0; 784 * 20], &[0.0; 784], &[0.0; 20]).expect("zeros");
    assert!((free.exact_log_z(20).expect("20 units") - 804.0 * std::f64::consts::LN_2).abs() < 1e-4);
    assert_eq!(machine(30, 26, 0.1, 1).exact_log_z(25), Err(RbmError::TooManyUnits { units: 26, limit: 25 }));
}

/// The second largest eigenvalue of a sweep's transition matrix on visible states, by power iteration on the
/// component orthogonal to π.
pub(super) fn second_eigenvalue(reference: &Reference) -> f64 {
    let (v_states, h_states) = (1usize << reference.visible, 1usize << reference.hidden);
    let probability = |p: f64, on: bool| if on { p } else { 1.0 - p };
    let up: Vec<Vec<f64>> = (0..v_states)
        .map(|v| {
            let ps: Vec<f64> = (0..reference.hidden).map(|j| reference.p_hidden(v, j)).collect();
            (0..h_states)
                .map(|h| ps.iter().enumerate().map(|(j, &p)| probability(p, h >> j & 1 == 1)).product())
                .collect()
        })
        .collect();
    let down: Vec<Vec<f64>> = (0..h_states)
        .map(|h| {
            let ps: Vec<f64> = (0..reference.visible).map(|i| reference.p_visible(h, i)).collect();
            (0..v_states)
                .map(|v| ps.iter().enumerate().map(|(i, &p)| probability(p, v >> i & 1 == 1)).product())
                .collect()
        })
        .collect();
    let joint = reference.joint();
    let pi: Vec<f64> = (0..v_states).map(|v| (0..h_states).map(|h| joint[v + h * v_states]).sum()).collect();
    // The matrix leaves π unchanged.
    let apply = |x: &[f64]| -> Vec<f64> {
        let middle: Vec<f64> = (0..h_states).map(|h| (0..v_states).map(|v| x[v] * up[v][h]).sum()).collect();
        (0..v_states).map(|v| (0..h_states).map(|h| middle[h] * down[h][v]).sum()).collect()
    };
    for (after, before) in apply(&pi).iter().zip(&pi) {
        assert!((after - before).abs() < 1e-13);
    }
    let mut x: Vec<f64> = (0..v_states).map(|v| ((v * 37 + 11) % 17) as f64 - 8.0).collect();
    let mut eigenvalue = 0.0;
    for _ in 0..300 {
        let shift: f64 = x.iter().sum();
        x.iter_mut().zip(&pi).for_each(|(x, pi)| *x -= shift * pi);
        let norm = x.iter().map(|x| x * x).sum::<f64>().sqrt();
        x.iter_mut().for_each(|x| *x /= norm);
        x = apply(&x);
        eigenvalue = x.iter().map(|x| x * x).sum::<f64>().sqrt();
    }
    eigenvalue
}

/// Draws one joint state a chain after enough sweeps that the start is forgotten to 1e-4 of a standard error.
fn joint_counts(rbm: &Rbm, chains: usize, seed: Seed, eigenvalue: f64) -> Vec<u64> {
    let sweeps = ((1e-7f64).ln() / eigenvalue.clamp(0.1, 0.999).ln()).ceil() as usize;
    let mut chains = rbm.chains(chains, seed);
    chains.gibbs(rbm, sweeps);
    let mut counts = vec![0; 1 << (rbm.visible() + rbm.hidden())];
    for chain in 0..chains.len() {
        // The visible state was drawn given the hidden one, which has its marginal: the pair is a draw of the joint.
        counts[state(chains.visible(), chain) + (state(chains.hidden(), chain) << rbm.visible())] += 1;
    }
    counts
}

#[test]
fn gibbs_draws_the_joint_distribution() {
    // Many and few chains take different ways through the kernels; large weights make slow machines.
    for (visible, hidden, scale, chains, seed) in [
        (4, 3, 1.0, 40_000, 1),
        (3, 5, 2.0, 40_000, 2),
        (5, 4, 3.0, 20_000, 3),
        (4, 4, 1.5, 496, 4),
        (2, 2, 4.0, 200, 5),
    ] {
        let rbm = machine(visible, hidden, scale, seed);
        let reference = Reference::of(&rbm);
        let counts = joint_counts(&rbm, chains, Seed(seed), second_eigenvalue(&reference));
        let (statistic, degrees) = chi_squared(&counts, &reference.joint());
        let limit = chi_squared_quantile(degrees, ALPHA);
        assert!(statistic < limit, "χ² {statistic:.1} > {limit:.1} of {visible} × {hidden}");
    }
}

#[test]
fn exact_draws_have_the_exact_distribution() {
    for (visible, hidden) in [(6, 3), (3, 6)] {
        let rbm = machine(visible, hidden, 2.0, 6);
        let draws = rbm.sample_exact(50_000, Seed(3)).expect("a small machine");
        let mut counts = vec![0; 1 << visible];
        (0..draws.rows()).for_each(|row| counts[state(&draws, row)] += 1);
        let joint = Reference::of(&rbm).joint();
        let marginal: Vec<f64> =
            (0..1 << visible).map(|v| joint.iter().skip(v).step_by(1 << visible).sum()).collect();
        let (statistic, degrees) = chi_squared(&counts, &marginal);
        assert!(statistic < chi_squared_quantile(degrees, ALPHA), "χ² {statistic:.1} of {degrees}");
    }
}

#[test]
fn clamped_units_stay_and_the_others_follow_their_conditional() {
    let rbm = machine(5, 4, 1.5, 7);
    let start = BitMatrix::from_fn(30_000, 5, |_, unit| unit == 0 || unit == 3);
    let mut chains = RbmChains::from_visible(start, 4, Seed(11));
    chains.clamp(&[true, true, false, true, false]);
    chains.gibbs(&rbm, 200);
    let mut counts = [0; 4];
    for chain in 0..chains.len() {
        let v = state(chains.visible(), chain);
        assert_eq!(v & 0b01011, 0b01001, "a clamped unit moved");
        counts[(v >> 2 & 1) | (v >> 4 & 1) << 1] += 1;
    }
    let reference = Reference::of(&rbm);
    let weights: Vec<f64> =
        (0..4).map(|free| (-reference.free_energy(0b01001 | (free & 1) << 2 | (free >> 1) << 4)).exp()).collect();
    let total: f64 = weights.iter().sum();
    let probabilities: Vec<f64> = weights.iter().map(|weight| weight / total).collect();
    let (statistic, degrees) = chi_squared(&counts, &probabilities);
    assert!(statistic < chi_squared_quantile(degrees, ALPHA), "χ² {statistic:.1}");
}

#[test]
fn a_clamped_unit_draws_too() {
    // Clamping a unit to where it would be anyway must not move the draws of the others.
    let rbm = machine(40, 20, 0.5, 8);
    let mut free = rbm.chains(64, Seed(1));
    let mut clamped = free.clone();
    free.gibbs(&rbm, 1);
    let mut hold = vec![false; 40];
    hold[7] = true;
    clamped.clamp(&hold);
    clamped.gibbs(&rbm, 1);
    for chain in 0..64 {
        for unit in (0..40).filter(|&unit| unit != 7) {
            assert_eq!(free.visible().get(chain, unit), clamped.visible().get(chain, unit));
        }
    }
}

#[test]
fn chains_are_the_same_on_any_number_of_threads_and_in_any_company() {
    let rbm = machine(100, 45, 0.4, 9);
    let run = |threads: usize, count: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| {
            let mut chains = rbm.chains(count, Seed(5));
            chains.gibbs(&rbm, 7);
            chains
        })
    };
    // 600 chains are divided by chains, 80 by outputs.
    let many = run(1, 600);
    for threads in [2, 4, 8] {
        assert_eq!(run(threads, 600).visible(), many.visible());
        assert_eq!(run(threads, 600).hidden(), many.hidden());
    }
    // 5 are too few for tables.
    for (threads, count) in [(1, 80), (2, 80), (4, 80), (8, 80), (2, 5)] {
        let few = run(threads, count);
        for chain in 0..count {
            assert!((0..100).all(|unit| few.visible().get(chain, unit) == many.visible().get(chain, unit)));
        }
    }
}

#[test]
fn annealing_is_right_where_the_truth_is_known() {
    let free = Rbm::from_parameters(30, 20, &[0.0; 600], &[0.0; 30], &[0.0; 20]).expect("zeros");
    let ais = Ais { chains: 16, temperatures: 10, seed: Seed(1) };
    let log_z = ais.log_z(&free, &[0.0; 30]).expect("valid settings");
    assert!((log_z.value - 50.0 * std::f64::consts::LN_2).abs() < 1e-4 && log_z.error < 1e-6);

    let rbm = machine(24, 12, 1.2, 10);
    let exact = rbm.exact_log_z(20).expect("a small machine");
    let base = vec![0.0; 24];
    let within = (0..20)
        .filter(|&seed| {
            let ais = Ais { chains: 128, temperatures: 300, seed: Seed(seed) };
            let estimate = ais.log_z(&rbm, &base).expect("valid settings");
            (estimate.value - exact).abs() <= 3.0 * estimate.error
        })
        .count();
    assert!(within >= 19, "{within} of 20 seeds within 3 reported errors");
}

#[test]
fn annealing_weights_are_unbiased() {
    let rbm = machine(8, 6, 0.8, 11);
    let exact = rbm.exact_log_z(20).expect("a small machine");
    let base: Vec<f32> = (0..8).map(|i| 0.3 * i as f32 - 1.0).collect();
    let ais = Ais { chains: 20_000, temperatures: 20, seed: Seed(2) };
    let log_weights = ais.log_weights(&rbm, &base).expect("valid settings");
    let (mean, _) = crate::sampling::mean_and_error(&log_weights);
    let variance = log_weights.iter().map(|w| (w - mean).powi(2)).sum::<f64>() / 2e4;
    assert!(variance < 0.25, "the test means nothing for log-weights of variance {variance}");
    let estimate = ais.log_z(&rbm, &base).expect("valid settings");
    assert!(
        (estimate.value - exact).abs() < 4.5 * estimate.error,
        "{} {exact} ± {}",
        estimate.value,
        estimate.error
    );
}

#[test]
fn log_likelihood_of_rows_is_the_books() {
    let rbm = machine(9, 5, 1.0, 12);
    let states = [0usize, 3, 77, 511, 77];
    let values: Vec<f32> = states.iter().flat_map(|&s| (0..9).map(move |unit| (s >> unit & 1) as f32)).collect();
    let data = Dataset::from_f32(values, &[5, 9]).expect("zeros and ones");
    let estimate = rbm.log_likelihood(&data, &Ais::default()).expect("binary data");
    let want = Reference::of(&rbm).mean_log_likelihood(&states);
    assert!((estimate.value - want).abs() < 1e-4, "{} {want}", estimate.value);
    assert_eq!(estimate.kind, crate::sampling::Kind::Exact);
    assert!(estimate.baseline.is_some_and(|baseline| baseline < 0.0));
}
