//! Importance sampling against means known in closed form, and k̂ against tails whose shape is known.

use super::diagnostics::{pareto_shape, pareto_threshold};
use super::*;
use crate::random::{Seed, Stream};
use rand::RngExt;

/// λ e^(−λx), whose weights under a proposal of rate μ > λ have a tail of shape (μ − λ) / μ.
struct Exponential(f64);

impl Sampler for Exponential {
    type Point = f64;
    fn draw(&self, stream: &mut Stream) -> f64 {
        -(1.0 - stream.random::<f64>()).ln() / self.0
    }
    fn log_density(&self, x: &f64) -> f64 {
        self.0.ln() - self.0 * x
    }
}

const BOXES: [f64; 4] = [90.0, 5.0, 3.0, 2.0];
const WEIGHTS: [f64; 4] = [1.0, 2.0, 3.0, 4.0];

fn fruit(q: &[f64], seed: u64) -> ImportanceEstimate {
    let q = Categorical::new(q).unwrap();
    let sampling = ImportanceSampling { draws: 40_000, seed: Seed(seed) };
    sampling.mean(|&kind| Ok((BOXES[kind] / 100.0).ln()), &q, |&kind| WEIGHTS[kind]).unwrap()
}

#[test]
fn the_fruit_boxes_have_the_variances_of_the_book() {
    let best: Vec<f64> = BOXES.iter().zip(WEIGHTS).map(|(n, f)| n * f).collect();
    for (q, variance) in [(&[1.0; 4][..], 1.969), (&BOXES, 0.321), (&best, 0.0)] {
        let estimate = fruit(q, 1);
        assert!((estimate.value - 1.17).abs() <= 4.9 * estimate.error + 1e-12, "{estimate}");
        // A variance of n bounded draws errs by less than √(2.5 / n) of itself here (kurtosis below 3.5 uniform, 17
        // by number: √(16 / n)); five of those.
        let found = estimate.error.powi(2) * 40_000.0;
        assert!(
            (found - variance).abs() <= 5.0 * (16.0f64 / 40_000.0).sqrt() * variance + 1e-3,
            "{found} {variance}"
        );
    }
    assert!(fruit(&best, 1).to_string().contains("reliable"), "{}", fruit(&best, 1));
}

#[test]
fn reported_errors_of_both_estimators_are_standard_errors() {
    // 400 seeds: Σ z² is χ² with 400 degrees, two-sided α = 10⁻⁵ is 400 ± 4.42 √800 and the mean is within 4.42 / 20.
    let target = Exponential(1.0);
    let z = |weighting: Weighting, seed: u64| {
        let sampling = ImportanceSampling { draws: 4000, seed: Seed(seed) };
        let (log_p, f) = (|x: &f64| Ok(target.log_density(x) + 3.0), |x: &f64| x * x);
        let q = Exponential(0.6);
        let estimate = match weighting {
            Weighting::Plain => sampling.mean(log_p, &q, f),
            Weighting::SelfNormalised => sampling.self_normalised_mean(log_p, &q, f),
        };
        let estimate = estimate.unwrap();
        let truth = if weighting == Weighting::Plain { 2.0 * 3.0f64.exp() } else { 2.0 };
        let log_z = (estimate.log_normaliser.value - 3.0) / estimate.log_normaliser.error;
        assert!(log_z.abs() < 5.5, "{}", estimate.log_normaliser);
        (estimate.value - truth) / estimate.error
    };
    for weighting in [Weighting::Plain, Weighting::SelfNormalised] {
        let zs: Vec<f64> = (0..400).map(|seed| z(weighting, seed)).collect();
        let (sum, squares) = zs.iter().fold((0.0, 0.0), |(s, q), z| (s + z, q + z * z));
        assert!((sum / 400.0f64).abs() < 4.42 / 20.0, "{weighting:?} {sum}");
        assert!((squares - 400.0f64).abs() < 4.42 * 800.0f64.sqrt(), "{weighting:?} {squares}");
    }
}

#[test]
fn the_best_self_normalised_proposal_is_not_the_plain_one() {
    // Σ p² (f − μ)² / q by hand, and by draws.
    let p: Vec<f64> = BOXES.iter().map(|n| n / 100.0).collect();
    let plain: Vec<f64> = (0..4).map(|i| p[i] * WEIGHTS[i]).collect();
    let own: Vec<f64> = (0..4).map(|i| p[i] * (WEIGHTS[i] - 1.17f64).abs()).collect();
    let variance = |q: &[f64]| {
        let total: f64 = q.iter().sum();
        (0..4).map(|i| (p[i] * (WEIGHTS[i] - 1.17)).powi(2) / (q[i] / total)).sum::<f64>()
    };
    assert!(variance(&own) < variance(&p).min(variance(&plain)));
    for q in [&p, &plain, &own] {
        let sampling = ImportanceSampling { draws: 40_000, seed: Seed(3) };
        let q_of = Categorical::new(q).unwrap();
        let estimate = sampling.self_normalised_mean(|&kind| Ok(p[kind].ln()), &q_of, |&kind| WEIGHTS[kind]);
        let estimate = estimate.unwrap();
        assert!((estimate.value - 1.17).abs() <= 4.9 * estimate.error, "{estimate}");
        let found = estimate.error.powi(2) * 40_000.0;
        assert!((found / variance(q) - 1.0).abs() < 5.0 * (20.0f64 / 40_000.0).sqrt(), "{found} {}", variance(q));
    }
}

#[test]
fn the_tail_of_exponential_weights_has_its_known_shape() {
    for rate in [2.0, 4.0, 10.0] {
        let sampling = ImportanceSampling { draws: 1_000_000, seed: Seed(4) };
        let estimate =
            sampling.mean(|x| Ok(Exponential(1.0).log_density(x)), &Exponential(rate), |_| 1.0).unwrap();
        let (k, known) = (estimate.shape_of_weights.unwrap(), (rate - 1.0) / rate);
        println!("rate {rate}: k̂ = {k:.3}, known {known:.3}; {estimate}");
        // Its standard deviation is about (1 + k) / √3000 ≤ 0.035.
        assert!((k - known).abs() < 0.1, "rate {rate}: {k}");
        let heavy = matches!(estimate.reliability(), Reliability::Unreliable { .. });
        assert_eq!(heavy, rate > 3.0, "{estimate}");
    }
}

#[test]
fn the_verdict_says_why() {
    let sampling = ImportanceSampling { draws: 100_000, seed: Seed(5) };
    let log_p = |x: &f64| Ok(Exponential(1.0).log_density(x));
    let estimate = sampling.self_normalised_mean(log_p, &Exponential(10.0), |x| *x).unwrap();
    let said = estimate.to_string();
    assert!(said.contains("unreliable: k̂ = ") && said.contains(" > 0.70: a few draws carry w"), "{said}");
    let few = ImportanceSampling { draws: 20, seed: Seed(5) }.mean(log_p, &Exponential(0.9), |x| *x).unwrap();
    assert_eq!(few.reliability(), Reliability::Unknown { of: "w·|f|", draws: 20 });
    assert_eq!((pareto_threshold(100), pareto_threshold(1_000_000)), (0.5, 0.7));
    assert_eq!(pareto_shape(&[0.0; 100]), Some(f64::NEG_INFINITY));
    assert_eq!(pareto_shape(&[]), None);
}

#[test]
fn what_cannot_be_weighed_is_said() {
    let sampling = ImportanceSampling { draws: 3000, seed: Seed(6) };
    let q = Exponential(1.0);
    let nan = sampling.mean(|_| Ok(f64::NAN), &q, |x| *x);
    assert!(matches!(nan, Err(SamplingError::NonFinite { what: "the log-density", step: 0, .. })), "{nan:?}");
    let infinite = sampling.mean(|_| Ok(0.0), &q, |_| f64::INFINITY);
    assert!(matches!(infinite, Err(SamplingError::NonFinite { what: "the function", .. })), "{infinite:?}");
    let apart = sampling.mean(|_| Ok(f64::NEG_INFINITY), &q, |x| *x);
    assert_eq!(apart, Err(SamplingError::NoOverlap { draws: 3000 }));
    let fatal = DensityError::Fatal("no data".to_owned());
    assert_eq!(sampling.mean(|_| Err(fatal.clone()), &q, |x| *x), Err(SamplingError::Density(fatal.clone())));
    let none = ImportanceSampling { draws: 0, ..sampling }.mean(|_| Ok(0.0), &q, |x| *x);
    assert_eq!(none.unwrap_err().to_string(), "the number of draws is 0, but must be at least 1");
    let half = |x: &f64| match *x < 0.5 {
        true => Err(DensityError::Recoverable("too small".to_owned())),
        false => Ok(q.log_density(x)),
    };
    let estimate = sampling.mean(half, &q, |_| 1.0).unwrap();
    assert!((estimate.value - (-0.5f64).exp()).abs() < 4.9 * estimate.error);
    assert_eq!(estimate.recoverable_errors, (3000.0 * (1.0 - estimate.value)).round() as u64);
}

#[test]
fn draws_do_not_depend_on_the_number_of_threads() {
    let run = || {
        let sampling = ImportanceSampling { draws: 5000, seed: Seed(7) };
        sampling.mean(|x| Ok(Exponential(1.0).log_density(x)), &Exponential(0.5), |x| *x).unwrap()
    };
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    assert_eq!(pool(1).install(run), pool(3).install(run));
}
