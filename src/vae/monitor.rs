//! Figures that are watched while a variational autoencoder trains, and the causes of a collapsed one.
//!
//! A latent dimension is *active* where its posterior mean tells examples apart: Var_x(μⱼ(x)) > 0.01 (Burda et al. 2016); of an inverse
//! autoregressive flow, where its steps take μ(x) does. A
//! model without active dimensions has collapsed: q(z | x) is the prior, and the decoder draws every example alike.
//!
//! One cause can be read off the data. A linear decoder with noise of variance σ² learns those principal directions in
//! which the data vary by more than σ², and no others (Tipping & Bishop 1999): pixels scaled to [0, 1] vary by less than 1
//! in every direction, so that with unit noise nothing is worth encoding.

use super::MaskRecipe;
use super::evaluator::Evaluator;
use super::rows::Rows;
use super::{Vae, VaeError};
use crate::data::Dataset;
use crate::random::Seed;
use std::fmt;

/// Rows at a time, with one draw each.
const BATCH: usize = 256;
/// Var_x(μ) of an active dimension, at least.
const ACTIVE: f64 = 0.01;
/// Rows that the largest principal variance is estimated from, and steps of the power method.
const PRINCIPAL_ROWS: usize = 1024;
const PRINCIPAL_STEPS: usize = 100;

/// Figures of a model on some rows, from one draw for each. Nats an example.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Figures {
    /// E_q [log p(x | z)] of the examples.
    pub reconstruction: f64,
    /// KL(q(z | x) ‖ p(z)).
    pub divergence: f64,
    /// KL(q(zⱼ | x) ‖ p(zⱼ)) of each latent dimension, `[latent]`; empty where one of the two is a flow, and dimensions depend on one another.
    pub divergences: Vec<f64>,
    /// Var_x(μⱼ(x)) of each latent dimension, `[latent]`.
    pub mean_variances: Vec<f64>,
    /// The part of the rows with a label whose most probable class by q(y | x) it is; `None` where the model knows no classes, or no row has a
    /// label.
    pub accuracy: Option<f64>,
}

impl Figures {
    /// The reconstruction less the divergence.
    pub fn elbo(&self) -> f64 {
        self.reconstruction - self.divergence
    }

    /// Latent dimensions whose posterior mean tells examples apart.
    pub fn active_units(&self) -> usize {
        self.mean_variances.iter().filter(|&&variance| variance > ACTIVE).count()
    }
}

/// Records the pass that [`figures_of`] runs, of rows of that shape of which a part is hidden where there is such a recipe.
pub(super) fn evaluator(vae: &Vae, masks: Option<(MaskRecipe, (usize, usize))>) -> Evaluator {
    Evaluator::with_masks(vae, BATCH, 1, masks)
}

/// The figures of a model of the evaluator's shape, with noise that is the same every time.
pub(super) fn figures_of(vae: &Vae, evaluator: &mut Evaluator, rows: Rows<'_>) -> Figures {
    let latent = vae.config.latent;
    let (mut reconstruction, mut divergence) = (0.0, 0.0);
    let mut divergences = if evaluator.divides_divergence() { vec![0.0; latent] } else { Vec::new() };
    let [mut labelled, mut right] = [0usize; 2];
    let (mut sums, mut squares) = (vec![0.0; latent], vec![0.0; latent]);
    for first in (0..rows.len()).step_by(BATCH) {
        let count = BATCH.min(rows.len() - first);
        evaluator.load(rows, first..first + count);
        evaluator.start_streams(first..first + count, Seed(0));
        evaluator.draw(&vae.store);
        for row in 0..count {
            reconstruction += evaluator.log_likelihoods(row).sum::<f64>();
            if let Some(label) = rows.label(first + row).filter(|_| vae.reads_labels()) {
                labelled += 1;
                right += usize::from(evaluator.most_probable(row) == label);
            }
            let [mean, log_variance] = evaluator.normal(row);
            for (divergence, (&mean, &s)) in divergences.iter_mut().zip(mean.iter().zip(log_variance)) {
                let (mean, s) = (f64::from(mean), f64::from(s));
                *divergence += 0.5 * (mean * mean + (s.exp_m1() - s));
            }
            if !evaluator.divides_divergence() {
                divergence += evaluator.divergences(row).sum::<f64>();
            }
            for (unit, &mean) in evaluator.centre(row).iter().enumerate() {
                sums[unit] += f64::from(mean);
                squares[unit] += f64::from(mean).powi(2);
            }
        }
    }
    let n = rows.len() as f64;
    divergences.iter_mut().for_each(|divergence| *divergence /= n);
    let divergence = if evaluator.divides_divergence() { divergences.iter().sum() } else { divergence / n };
    let mean_variances = sums.iter().zip(&squares).map(|(sum, square)| square / n - (sum / n).powi(2)).collect();
    let accuracy = (labelled > 0).then(|| right as f64 / labelled as f64);
    Figures { reconstruction: reconstruction / n, divergence, divergences, mean_variances, accuracy }
}

/// The cause of a model that uses none of its latent dimensions.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum CollapseCause {
    /// The noise of p(x | z) has a larger variance than the data in any direction.
    Noise {
        /// The variance of the noise.
        noise: f64,
        /// The largest variance of the data along any direction.
        largest: f64,
    },
    /// Nothing that can be read off the data.
    Training,
}

/// No latent dimension tells examples apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Collapse {
    /// Latent dimensions, none of them active.
    pub latent: usize,
    /// Why.
    pub cause: CollapseCause,
}

impl fmt::Display for Collapse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0 of {} latent dimensions are active: the decoder ignores them; ", self.latent)?;
        match self.cause {
            CollapseCause::Noise { noise, largest } => write!(
                f,
                "noise of variance {noise:.2} covers all that the data vary (by {largest:.2} at most in any direction): \
                 keep the data's raw scale, or learn the noise"
            ),
            CollapseCause::Training => {
                f.write_str("a warm-up of β, a β below 1 or a narrower decoder usually helps")
            }
        }
    }
}

impl Vae {
    /// Figures of the model on `data`, grey levels included: of bits with a grey level as probability, the expectation.
    ///
    /// # Errors
    /// Where the data has no rows, is not as wide as the model, or is outside of its likelihood's support.
    pub fn figures(&self, data: &Dataset<'_>) -> Result<Figures, VaeError> {
        self.check_data(data)?;
        self.check_labels(data)?;
        Ok(figures_of(self, &mut evaluator(self, None), Rows::Data(data)))
    }

    /// Whether the model ignores its latent variable on `data`, and why.
    ///
    /// # Errors
    /// As for [`figures`](Self::figures).
    pub fn collapse(&self, data: &Dataset<'_>) -> Result<Option<Collapse>, VaeError> {
        if self.figures(data)?.active_units() > 0 {
            return Ok(None);
        }
        let cause = match self.noise_variance().map(f64::from) {
            Some(noise) => {
                let largest = largest_principal_variance(data);
                if largest < noise { CollapseCause::Noise { noise, largest } } else { CollapseCause::Training }
            }
            None => CollapseCause::Training,
        };
        Ok(Some(Collapse { latent: self.config.latent, cause }))
    }
}

/// The largest eigenvalue of the covariance of the first rows, by the power method.
fn largest_principal_variance(data: &Dataset<'_>) -> f64 {
    let (rows, width) = (data.len().min(PRINCIPAL_ROWS), data.width());
    let mut x = vec![0.0f32; rows * width];
    Rows::Data(data).read(0..rows, &mut x);
    let mut mean = vec![0.0; width];
    for row in x.chunks_exact(width) {
        mean.iter_mut().zip(row).for_each(|(mean, &x)| *mean += f64::from(x) / rows as f64);
    }
    x.chunks_exact_mut(width).for_each(|row| row.iter_mut().zip(&mean).for_each(|(x, &mean)| *x -= mean as f32));

    let mut direction = vec![0.0f32; width];
    Seed(0).lanes("power method", 0).fill_normal(&mut direction);
    let mut largest = 0.0;
    for _ in 0..PRINCIPAL_STEPS {
        let norm = direction.iter().map(|&d| f64::from(d) * f64::from(d)).sum::<f64>().sqrt();
        if norm == 0.0 {
            return 0.0;
        }
        direction.iter_mut().for_each(|d| *d = (f64::from(*d) / norm) as f32);
        let mut next = vec![0.0f64; width];
        for row in x.chunks_exact(width) {
            let along: f64 = row.iter().zip(&direction).map(|(&x, &d)| f64::from(x) * f64::from(d)).sum();
            next.iter_mut().zip(row).for_each(|(next, &x)| *next += along * f64::from(x) / rows as f64);
        }
        largest = next.iter().zip(&direction).map(|(next, &d)| next * f64::from(d)).sum();
        direction.iter_mut().zip(&next).for_each(|(d, &next)| *d = next as f32);
    }
    largest
}
