//! Transition matrices, and annealing where the truth is known: where it must be right, and where it must own up.

use super::reference::{Reference, machine, rows};
use super::*;
use crate::data::Dataset;
use crate::energy::independent::biases_of;
use crate::random::Seed;
use crate::sampling::chi_squared::{chi_squared_quantile, chi_squared_quantile_below};
use crate::sampling::{Kind, LogMeanExp, Warning};
use crate::train::{Fit, Training};

/// Machines of at most 8 units: V, H, scale of the parameters.
const SMALL: [(usize, usize, f32); 5] = [(1, 1, 2.0), (5, 3, 1.0), (3, 5, 2.5), (4, 4, 5.0), (7, 1, 0.3)];

/// The kernels on joint states `[v + h · 2^V]` that draw all hidden units given the visible ones, and the reverse,
/// from the conditionals `p_hidden(v, j)` and `p_visible(h, i)`.
fn half_sweeps(
    [visible, hidden]: [usize; 2],
    p_hidden: impl Fn(usize, usize) -> f64,
    p_visible: impl Fn(usize, usize) -> f64,
) -> [Vec<Vec<f64>>; 2] {
    let states = 1usize << (visible + hidden);
    let split = |s: usize| (s & ((1 << visible) - 1), s >> visible);
    let layer = |units: usize, state: usize, p: &dyn Fn(usize) -> f64| -> f64 {
        (0..units).map(|unit| if state >> unit & 1 == 1 { p(unit) } else { 1.0 - p(unit) }).product()
    };
    let matrix = |entry: &dyn Fn((usize, usize), (usize, usize)) -> f64| -> Vec<Vec<f64>> {
        (0..states).map(|s| (0..states).map(|t| entry(split(s), split(t))).collect()).collect()
    };
    [
        matrix(&|(v, _), (to_v, h)| if v == to_v { layer(hidden, h, &|j| p_hidden(v, j)) } else { 0.0 }),
        matrix(&|(_, h), (v, to_h)| if h == to_h { layer(visible, v, &|i| p_visible(h, i)) } else { 0.0 }),
    ]
}

fn times(a: &[Vec<f64>], b: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let row = |a: &Vec<f64>| {
        let mut out = vec![0.0; b.len()];
        for (&a, b) in a.iter().zip(b).filter(|(a, _)| **a != 0.0) {
            out.iter_mut().zip(b).for_each(|(out, b)| *out += a * b);
        }
        out
    };
    a.iter().map(row).collect()
}

fn assert_invariant(pi: &[f64], kernel: &[Vec<f64>], what: &str) {
    for (to, want) in pi.iter().enumerate() {
        let after: f64 = pi.iter().zip(kernel).map(|(pi, row)| pi * row[to]).sum();
        assert!((after - want).abs() < 1e-13, "{what}: {after} {want}");
    }
}

fn assert_reversible(pi: &[f64], kernel: &[Vec<f64>], what: &str) {
    for s in 0..pi.len() {
        for t in 0..s {
            let (there, back) = (pi[s] * kernel[s][t], pi[t] * kernel[t][s]);
            assert!((there - back).abs() < 1e-13, "{what}: {s} → {t}, {there} {back}");
        }
    }
}

#[test]
fn a_sweep_leaves_the_joint_distribution_alone_and_its_palindrome_is_reversible() {
    for (visible, hidden, scale) in SMALL {
        let reference = Reference::of(&machine(visible, hidden, scale, 21));
        let [draw_hidden, draw_visible] =
            half_sweeps([visible, hidden], |v, j| reference.p_hidden(v, j), |h, i| reference.p_visible(h, i));
        let joint = reference.joint();
        let sweep = times(&draw_hidden, &draw_visible);
        let palindrome = times(&sweep, &draw_hidden);
        let what = format!("{visible} × {hidden}");
        for kernel in [&draw_hidden, &draw_visible, &sweep, &palindrome] {
            assert_invariant(&joint, kernel, &what);
        }
        for kernel in [&draw_hidden, &draw_visible, &palindrome] {
            assert_reversible(&joint, kernel, &what);
        }
        // On visible states alone, hidden units summed out, a sweep is reversible too.
        let v_states = 1 << visible;
        let marginal: Vec<f64> = (0..v_states).map(|v| joint.iter().skip(v).step_by(v_states).sum()).collect();
        let alone: Vec<Vec<f64>> = (0..v_states)
            .map(|v| (0..v_states).map(|to| sweep[v].iter().skip(to).step_by(v_states).sum()).collect())
            .collect();
        assert_invariant(&marginal, &alone, &what);
        assert_reversible(&marginal, &alone, &what);
    }
}

#[test]
fn the_kernels_own_conditionals_are_the_references_in_every_state() {
    // A sum of n ≤ 8 weights and a bias rounds at most n + 3 times, σ moves by a quarter of that, and itself by 5u.
    let u = 0.5 * f64::from(f32::EPSILON);
    for (visible, hidden, scale) in SMALL {
        let rbm = machine(visible, hidden, scale, 21);
        let reference = Reference::of(&rbm);
        let bound = |n: usize| (n + 3) as f64 * u * (n + 1) as f64 * f64::from(scale) / 4.0 + 5.01 * u;
        let up = rbm.mean_hidden(&rows(&(0..1 << visible).collect::<Vec<_>>(), visible));
        let down = rbm.mean_visible(&rows(&(0..1 << hidden).collect::<Vec<_>>(), hidden));
        for (index, &p) in up.iter().enumerate() {
            let want = reference.p_hidden(index / hidden, index % hidden);
            assert!((f64::from(p) - want).abs() <= bound(visible), "{p} {want}");
        }
        for (index, &p) in down.iter().enumerate() {
            let want = reference.p_visible(index / visible, index % visible);
            assert!((f64::from(p) - want).abs() <= bound(hidden), "{p} {want}");
        }
        // So a sweep from those conditionals moves the joint distribution by no more than all its units' errors.
        let kernels = half_sweeps(
            [visible, hidden],
            |v, j| f64::from(up[v * hidden + j]),
            |h, i| f64::from(down[h * visible + i]),
        );
        let (joint, sweep) = (reference.joint(), times(&kernels[0], &kernels[1]));
        let moved: f64 = (0..joint.len())
            .map(|to| (joint.iter().zip(&sweep).map(|(pi, row)| pi * row[to]).sum::<f64>() - joint[to]).abs())
            .sum();
        let limit = 2.0 * (hidden as f64 * bound(visible) + visible as f64 * bound(hidden));
        assert!(moved <= limit, "{moved} {limit}");
    }
}

#[test]
fn annealing_a_trained_machine_agrees_with_its_enumeration() {
    let digits = Dataset::digits();
    let mut rbm = Rbm::new(64, 20, Seed(1));
    let training =
        Training { epochs: 60, batch: 20, evaluate_every: 0, checkpoint_every: 0, ..Training::default() };
    rbm.fit(&digits.train(), &Recipe::default(), &training).expect("finite numbers");
    let test = digits.test();
    let exact = rbm.log_likelihood(&test, &Ais::default()).expect("binary data");
    assert_eq!(exact.kind, Kind::Exact);
    let trained = exact.baseline.is_some_and(|baseline| exact.value > baseline + 2.0);
    assert!(trained, "a machine that learned nothing shows nothing: {exact}");
    let within = (0..20)
        .filter(|&seed| {
            let ais = Ais { chains: 128, temperatures: 1000, seed: Seed(seed) };
            let estimate = rbm.annealed_log_likelihood(&test, &ais).expect("binary data");
            assert_eq!(estimate.kind, Kind::Upper);
            (estimate.value - exact.value).abs() <= 3.0 * estimate.monte_carlo_error
        })
        .count();
    assert!(within >= 19, "{within} of 20 seeds within 3 reported errors");
}

#[test]
fn reported_errors_are_standard_errors() {
    // Σ z² over independent seeds is χ²: errors reported too large fail as errors reported too small do.
    const SEEDS: u64 = 64;
    let rbm = machine(8, 6, 0.8, 11);
    let exact = rbm.exact_log_z(20).expect("a small machine");
    let base: Vec<f32> = (0..8).map(|i| 0.3 * i as f32 - 1.0).collect();
    let squares = (0..SEEDS).map(|seed| {
        let ais = Ais { chains: 1024, temperatures: 30, seed: Seed(seed) };
        let estimate: LogMeanExp = ais.log_z(&rbm, &base).expect("valid settings");
        ((estimate.value - exact) / estimate.error).powi(2)
    });
    let statistic: f64 = squares.sum();
    let (least, most) = (chi_squared_quantile_below(SEEDS as f64, 5e-6), chi_squared_quantile(SEEDS as f64, 5e-6));
    assert!((least..most).contains(&statistic), "Σ z² = {statistic:.1}, not in {least:.1}..{most:.1}");
}

#[test]
fn a_mode_that_annealing_cannot_find_is_found_by_holding_a_unit_and_stays_optimistic() {
    // Every unit coupled to every other and held down by its bias: all off weighs e⁰, all on e⁹⁶, and the way between
    // leads over states of e⁻⁹⁶. The data is all off, so free annealing never sees the mode that has all the mass.
    let (visible, hidden, coupling, bias) = (24usize, 24usize, 1.0f64, -10.0f64);
    let rbm = Rbm::from_parameters(
        visible,
        hidden,
        &vec![coupling as f32; visible * hidden],
        &vec![bias as f32; visible],
        &vec![bias as f32; hidden],
    )
    .expect("finite numbers");
    // ln Σₖ C(V, k) e^(ka) (1 + e^(b + kw))^H: states with k visible units on are alike.
    let mut log_choose = 0.0f64;
    let terms: Vec<f64> = (0..=visible)
        .map(|k| {
            if k > 0 {
                log_choose += ((visible - k + 1) as f64 / k as f64).ln();
            }
            let x = bias + k as f64 * coupling;
            log_choose + k as f64 * bias + hidden as f64 * (x.max(0.0) + (-x.abs()).exp().ln_1p())
        })
        .collect();
    let log_z = LogMeanExp::of(&terms).value + (terms.len() as f64).ln();
    assert!((90.0..100.0).contains(&log_z), "{log_z}");

    let data = Dataset::from_u8(vec![0; 40 * visible], &[40, visible], 1).expect("zeros");
    let truth = -rbm.free_energy(&data.to_bits())[0] - log_z;
    for seed in 0..3 {
        let ais = Ais { chains: 64, temperatures: 1000, seed: Seed(seed) };
        let estimate = rbm.log_likelihood(&data, &ais).expect("binary data");
        // Annealing alone gave 0.00 ± 0.02.
        let alone = ais.log_z(&rbm, &biases_of(&data.to_bits())).expect("valid settings");
        assert!(log_z - alone.value > 50.0 && alone.error < 1.0, "{alone}");
        // A normal deviate beyond 4.5: α = 7e-6.
        assert!((estimate.value - truth).abs() < 4.5 * estimate.monte_carlo_error, "{estimate} {truth}");
        let said = estimate.warnings.iter().any(|warning| matches!(warning, Warning::IsolatedMode { .. }));
        assert!(said, "{estimate}");
        assert_eq!(estimate.kind, Kind::Upper);
        let said = estimate.to_string();
        assert!(said.contains("optimistic"), "{said}");
        assert!(!said.contains("exact") && !said.contains("conservative") && !said.contains("bound"), "{said}");
    }
}

#[test]
fn annealing_errs_upwards_of_log_z_as_rarely_as_markov_allows() {
    // P(log Ẑ > log Z + b) ≤ e⁻ᵇ: of 400 hasty runs, more than 400 e⁻² + 5 sd above by 2 would be a wrong sign.
    let rbm = machine(10, 8, 2.5, 22);
    let exact = rbm.exact_log_z(20).expect("a small machine");
    let above = (0..400)
        .filter(|&seed| {
            let ais = Ais { chains: 1, temperatures: 3, seed: Seed(seed) };
            ais.log_weights(&rbm, &[0.0; 10]).expect("valid settings")[0] + 18.0 * std::f64::consts::LN_2
                > exact + 2.0
        })
        .count();
    let p = (-2.0f64).exp();
    assert!(above as f64 <= 400.0 * p + 5.0 * (400.0 * p * (1.0 - p)).sqrt(), "{above} of 400");
}

#[test]
fn rows_have_the_log_likelihoods_whose_mean_is_the_score() {
    let bars = Dataset::bars(3).expect("bars");
    let rbm = machine(9, 5, 0.7, 6);
    for exact_up_to in [20, 0] {
        let ais = Ais { chains: 8, temperatures: 50, ..Ais::default() };
        let scoring = Scoring { exact_up_to, ..Scoring::with_ais(ais) };
        let (rows, score) = rbm.log_likelihoods(&bars, &scoring).expect("bits");
        assert_eq!(rows.len(), bars.len());
        let mean = rows.iter().sum::<f64>() / rows.len() as f64;
        assert!((mean - score.estimate.value).abs() < 1e-12);
        // Bars and stripes are on in half of the rows, pixel by pixel.
        assert!((score.estimate.baseline.expect("a baseline") + 9.0 * 2f64.ln()).abs() < 1e-12);
    }
}
