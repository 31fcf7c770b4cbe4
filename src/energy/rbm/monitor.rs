//! What is watched while an RBM trains: cheap figures on a fixed part of the data.

use super::exact::Enumeration;
use super::{Rbm, RbmChains, metrics};
use crate::data::{Binarization, Dataset};
use crate::random::Seed;
use crate::tensor::BitMatrix;
use crate::train::Metrics;
use rand::RngExt;

/// Rows looked at.
const ROWS: usize = 1024;

/// Units of the smaller layer up to which the exact log-likelihood is cheap enough to be watched.
const CHEAP_UNITS: usize = 16;

/// Sets the figures of `rbm`: on the first rows of `train`, and of `held_out` where there is one.
pub(super) fn report(
    rbm: &Rbm,
    train: &Dataset<'_>,
    held_out: Option<&Dataset<'_>>,
    seed: Seed,
    metrics: &mut Metrics,
) {
    let seen = first_rows(train);
    let unseen = held_out.map(first_rows);
    let energy = mean(&rbm.free_energy(&seen));
    if let Ok(enumeration) = Enumeration::of(rbm, CHEAP_UNITS) {
        let log_z = enumeration.log_z();
        let rows = unseen.as_ref().unwrap_or(&seen);
        metrics.set(metrics::LOG_LIKELIHOOD, -mean(&rbm.free_energy(rows)) - log_z);
    }
    metrics.set(metrics::PSEUDO_LIKELIHOOD, pseudo_likelihood(rbm, unseen.as_ref().unwrap_or(&seen), seed));
    metrics.set(metrics::RECONSTRUCTION_ERROR, reconstruction_error(rbm, &seen, seed));
    if let Some(unseen) = &unseen {
        metrics.set(metrics::FREE_ENERGY_GAP, mean(&rbm.free_energy(unseen)) - energy);
    }
    let norm: f64 = rbm.weights().iter().map(|&w| f64::from(w) * f64::from(w)).sum();
    metrics.set(metrics::WEIGHT_NORM, norm.sqrt());
    metrics.set(metrics::DEAD_HIDDEN, dead_hidden(rbm, &seen) as f64);
}

/// Sets the figures of the running average of the weights that stand beside those of the weights themselves, on the
/// same rows and with the same random numbers.
pub(super) fn report_average(
    average: &Rbm,
    train: &Dataset<'_>,
    held_out: Option<&Dataset<'_>>,
    seed: Seed,
    metrics: &mut Metrics,
) {
    let rows = first_rows(held_out.unwrap_or(train));
    if let Ok(enumeration) = Enumeration::of(average, CHEAP_UNITS) {
        metrics.set(metrics::AVERAGE_LOG_LIKELIHOOD, -mean(&average.free_energy(&rows)) - enumeration.log_z());
    }
    metrics.set(metrics::AVERAGE_PSEUDO_LIKELIHOOD, pseudo_likelihood(average, &rows, seed));
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The first rows as bits; grey levels are thresholded for the purpose.
fn first_rows(data: &Dataset<'_>) -> BitMatrix {
    let data = if data.is_grey() { data.binarized(Binarization::Threshold) } else { data.clone() };
    data.to_bits_range(0..data.len().min(ROWS))
}

/// The stochastic pseudo-log-likelihood, nats a row: V ln p(vᵢ | all other units), i drawn for each row.
fn pseudo_likelihood(rbm: &Rbm, rows: &BitMatrix, seed: Seed) -> f64 {
    let mut stream = seed.stream("pseudo-likelihood", 0);
    let mut flipped = rows.clone();
    for row in 0..rows.rows() {
        let unit = stream.random_range(0..rows.units());
        flipped.set(row, unit, !rows.get(row, unit));
    }
    let rise =
        rbm.free_energy(&flipped).into_iter().zip(rbm.free_energy(rows)).map(|(flipped, own)| flipped - own);
    // ln σ(x), stable on both sides.
    let log_sigmoid = |x: f64| x.min(0.0) - (-x.abs()).exp().ln_1p();
    rows.units() as f64 * rise.map(log_sigmoid).sum::<f64>() / rows.rows() as f64
}

/// Mean squared difference a pixel between the rows and their reconstructions through drawn hidden units.
fn reconstruction_error(rbm: &Rbm, rows: &BitMatrix, seed: Seed) -> f64 {
    let mut chains = RbmChains::from_visible(rows.clone(), rbm.hidden(), seed.derive("reconstruction", 0));
    chains.gibbs(rbm, 1);
    let means = rbm.mean_visible(chains.hidden());
    let pairs = means.iter().zip(rows.to_f32());
    pairs.map(|(mean, value)| f64::from(mean - value).powi(2)).sum::<f64>() / means.len().max(1) as f64
}

/// Hidden units whose mean over the rows is below 0.001 or above 0.999: they say nothing about any row.
fn dead_hidden(rbm: &Rbm, rows: &BitMatrix) -> usize {
    let means = rbm.mean_hidden(rows);
    let mut sums = vec![0.0f64; rbm.hidden()];
    for row in means.chunks_exact(rbm.hidden()) {
        for (sum, &mean) in sums.iter_mut().zip(row) {
            *sum += f64::from(mean);
        }
    }
    sums.iter().filter(|&&sum| !(0.001..=0.999).contains(&(sum / rows.rows() as f64))).count()
}
