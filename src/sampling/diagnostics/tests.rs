//! The diagnostics against ArviZ's on the same chains, and where they are undefined.

use super::arviz::{CHAINS, SHAPES};
use super::*;
use crate::random::Seed;

/// Knuth's linear congruential generator, the upper 53 bits.
struct Uniforms(u64);

impl Uniforms {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// As benches/peers/arviz_chains.py makes them, operation by operation.
fn chains_of(index: usize) -> Vec<Vec<f64>> {
    let mut uniforms = Uniforms(index as u64 + 1);
    let (count, draws) = (1 + index % 6, 20 + index * 13 % 381);
    let correlation = (index * 7 % 25) as f64 * 0.0625 - 0.5;
    let chain = |chain: usize| {
        let mut x = 0.0;
        let draw = |_| {
            x = correlation * x + (uniforms.next() + uniforms.next() + uniforms.next() - 1.5);
            match (index % 5, chain) {
                (1, _) => x * x * x,
                (2, 0) => x + 0.5,
                (3, 1) => x * 3.0,
                (4, _) => (x * 8.0).floor(),
                _ => x,
            }
        };
        (0..draws).map(draw).collect()
    };
    (0..count).map(chain).collect()
}

#[test]
fn every_figure_is_arvizs() {
    for (index, known) in CHAINS.iter().enumerate() {
        let chains = chains_of(index);
        let summary = Summary::of(&chains);
        let found = [
            summary.r_hat,
            summary.ess_bulk,
            summary.ess_tail,
            summary.mean_error,
            summary.sd_error,
            summary.quantile_errors[0],
            summary.quantile_errors[1],
        ];
        for (which, (found, known)) in found.iter().zip(known).enumerate() {
            // ArviZ has no R̂ of a single chain; ours is that of its halves.
            if known.is_nan() {
                assert!(which == 0 && chains.len() == 1 && found.is_finite());
            } else {
                assert!((found - known).abs() <= 1e-6 * known, "set {index}, figure {which}: {found} {known}");
            }
        }
    }
}

#[test]
fn tail_shapes_are_arvizs() {
    for (index, known) in SHAPES.iter().enumerate() {
        let mut uniforms = Uniforms(1000 + index as u64);
        let log_weight = |_| -0.2 * (index as f64 + 1.0) * uniforms.next().ln();
        let log_weights: Vec<f64> = (0..500 + 700 * index).map(log_weight).collect();
        let shape = pareto_shape(&log_weights).unwrap();
        assert!((shape - known).abs() < 1e-6, "{shape} {known}");
    }
}

#[test]
fn of_constant_chains_nothing_is_known() {
    let chains = vec![vec![2.5; 100]; 4];
    let defined = [r_hat(&chains), ess_bulk(&chains), ess_tail(&chains), ess_mean(&chains), ess_sd(&chains)];
    assert_eq!(defined, [None; 5]);
    let defined =
        [mcse_mean(&chains), mcse_sd(&chains), mcse_quantile(&chains, 0.5), autocorrelation_time(&chains)];
    assert_eq!(defined, [None; 4]);
    assert!(Summary::of(&chains).ess_bulk.is_nan());
    // Constant each, but not the same: they have never met.
    let stuck = [vec![0.0; 100], vec![1.0; 100]];
    assert!(r_hat(&stuck).unwrap() > 1e6);
    assert!(ess_bulk(&stuck).unwrap() < 5.0);
}

#[test]
fn too_little_or_unfinished_says_nothing() {
    assert_eq!(ess_mean(&[[1.0, 2.0, 3.0]]), None);
    assert_eq!(r_hat(&[[1.0, 2.0, f64::NAN, 3.0]]), None);
    assert_eq!(ess_bulk::<Vec<f64>>(&[]), None);
    assert_eq!(quantile(&[[4.0, 1.0, 3.0, 2.0]], 0.5), Some(2.5));
}

#[test]
#[should_panic(expected = "chains of 5 and of 4 draws")]
fn chains_of_two_lengths_panic() {
    r_hat(&[vec![0.0; 4], vec![0.0; 5]]);
}

#[test]
fn the_time_of_an_autoregression_is_the_books_and_never_below_its_bound() {
    // x′ = φ x + e has τ = (1 + φ) / (1 − φ).
    for correlation in [-0.9, 0.0, 0.5, 0.9f64] {
        let chain = |index| {
            let mut stream = Seed(1).stream("autoregression", index);
            let mut x = stream.normal() / (1.0 - correlation * correlation).sqrt();
            let draw = |_| {
                x = correlation * x + stream.normal();
                x
            };
            (0..25_000).map(draw).collect::<Vec<f64>>()
        };
        let chains: Vec<_> = (0..4).map(chain).collect();
        let (time, known) = (autocorrelation_time(&chains).unwrap(), (1.0 + correlation) / (1.0 - correlation));
        let bound = 1.0 / 1e5f64.log10();
        // A sum of T lags of S draws has a relative variance of about 2 (2T + 1) / S (Madras & Sokal 1988), T = 10τ.
        let allowed = 4.5 * (2.0 * (20.0 * known.max(1.0) + 1.0) / 1e5).sqrt();
        assert!((time / known.max(bound) - 1.0).abs() < allowed, "{correlation}: {time} {known}");
    }
}
