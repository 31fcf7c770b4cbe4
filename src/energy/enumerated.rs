//! Enumerated states: draws from all of them by their log-weights.

use crate::random::Seed;
use rand::RngExt;

/// `count` independent draws of the index of a log-weight, each as often as its weight has it.
pub(super) fn draw(log_weights: &[f64], count: usize, seed: Seed) -> Vec<usize> {
    let largest = log_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut total = 0.0;
    let cumulative: Vec<f64> = log_weights
        .iter()
        .map(|value| {
            total += (value - largest).exp();
            total
        })
        .collect();
    let mut uniforms = seed.stream("exact draws", 0);
    let draw = |_| {
        let target = uniforms.random::<f64>() * total;
        cumulative.partition_point(|&sum| sum <= target).min(cumulative.len() - 1)
    };
    (0..count).map(draw).collect()
}
