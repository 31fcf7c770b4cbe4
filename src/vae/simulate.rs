//! The model's likelihood of its own data, from both sides.
//!
//! An example x decoded from a draw z₀ of the prior comes with an exact draw of its posterior: z₀ itself. With z₁ … z_k from
//! q(z | x), w(z) = p(x, z) / q(z | x) and the mean ŵ of w(z₀) … w(z_k): were z₀ drawn from q too, E\[ŵ\] = p(x); drawn from
//! p(z | x), which has w(z₀) / p(x) times q's density there, any function f has, ŵ being symmetric,
//! E[f(ŵ)] = E_q[f(ŵ) w(z₀) / p(x)] = E_q[f(ŵ) ŵ / p(x)]. So
//!
//! - f(ŵ) = 1 / ŵ gives E[1 / ŵ] = 1 / p(x): P(log ŵ < log p(x) − b) ≤ e⁻ᵇ, by Markov's inequality;
//! - f(ŵ) = log ŵ gives E[log ŵ] − log p(x) = E_q[(ŵ / p(x)) log (ŵ / p(x))] ≥ 0, a divergence: an upper bound.
//!
//! The lower bound without z₀ and this one close in on log p(x) as k grows (bidirectional Monte Carlo: Grosse, Ghahramani &
//! Adams 2015; the importance-weighted upper bound: Sobolev & Vetrov 2019). How far apart they are says how far the figures
//! of [`log_likelihood`](Vae::log_likelihood) can be trusted where data are like the model's own.

use super::evaluator::{DRAWS, Evaluator};
use super::generate::Observation;
use super::likelihood::{BATCH, Figure, score_rows};
use super::rows::Rows;
use super::{ImportanceSampling, Vae, VaeError};
use crate::sampling::{Estimate, Kind, Work, mean_and_error};

/// The mean log-likelihood of a model's own data from both sides, nats an example.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SimulatedBounds {
    /// By importance sampling alone.
    pub lower: Estimate,
    /// With the exact draw among the weights.
    pub upper: Estimate,
    /// How far the upper bound lies above the lower one on average.
    pub gap: f64,
    /// Standard error of `gap`, by its scatter over the examples: both bounds of an example share its draws.
    pub gap_error: f64,
}

impl Vae {
    /// Draws `examples` from the model and bounds their mean log-likelihood from both sides; of a model that knows classes, of these in turn, and
    /// the likelihood is that given the class.
    ///
    /// # Errors
    /// Where there are no examples or draws.
    pub fn simulated_bounds(
        &self,
        examples: usize,
        sampling: &ImportanceSampling,
    ) -> Result<SimulatedBounds, VaeError> {
        self.simulated_bounds_counted(examples, sampling, &Work::new())
    }

    /// [`simulated_bounds`](Self::simulated_bounds) whose draws are counted: another thread may tell how far they are.
    ///
    /// # Errors
    /// As [`simulated_bounds`](Self::simulated_bounds).
    pub fn simulated_bounds_counted(
        &self,
        examples: usize,
        sampling: &ImportanceSampling,
        work: &Work,
    ) -> Result<SimulatedBounds, VaeError> {
        sampling.check()?;
        if examples == 0 {
            return Err(VaeError::setting("the number of simulated examples", 0, "at least 1"));
        }
        let z = self.draw_prior(examples, sampling.seed);
        let (width, classes) = (self.config.visible, self.classes());
        let labels: Vec<u16> = (0..examples).map(|row| (row % classes.max(1)) as u16).collect();
        let shares = if classes > 0 { self.shares_of(&labels)? } else { Vec::new() };
        let x = self.observe(&z, &shares, Observation::Drawn, sampling.seed);
        let rows = match classes {
            0 => Rows::Given { values: &x, width },
            _ => Rows::OfClasses { values: &x, width, classes: &labels },
        };

        let exact = self.log_weights_at(rows, &z);
        let mut evaluator = Evaluator::new(self, BATCH, DRAWS);
        let (mut lower, mut upper) = (Figure::default(), Figure::default());
        score_rows(self, &mut evaluator, rows, sampling, work, |row, mut scored| {
            let w = scored.weights.log_mean();
            lower.add(w.value, w.error);
            scored.weights.add(exact[row]);
            let w = scored.weights.log_mean();
            upper.add(w.value, w.error);
        });
        let k = sampling.samples;
        let gaps: Vec<f64> = upper.values.iter().zip(&lower.values).map(|(upper, lower)| upper - lower).collect();
        let (gap, gap_error) = mean_and_error(&gaps);
        Ok(SimulatedBounds {
            gap,
            gap_error,
            lower: lower.estimate(Kind::Lower, format!("importance sampling, {k} samples an example, own data")),
            upper: upper.estimate(Kind::Upper, format!("the exact draw and {k} samples an example, own data")),
        })
    }

    /// ln w(z) = ln p(x, z) − ln q(z | x) of each row at its given z `[rows, latent]`: the noise that leads there is
    /// (z₀ − μ) e^(−s/2), z₀ being z or what the steps take there.
    pub(super) fn log_weights_at(&self, rows: Rows<'_>, z: &[f32]) -> Vec<f64> {
        let latent = self.config.latent;
        let mut evaluator = Evaluator::new(self, BATCH, 1);
        let mut log_weights = Vec::with_capacity(rows.len());
        let mut noise = vec![0.0; latent];
        for first in (0..rows.len()).step_by(BATCH) {
            let count = BATCH.min(rows.len() - first);
            evaluator.load(rows, first..first + count);
            evaluator.run(&self.store);
            let mut begun = z[first * latent..][..count * latent].to_vec();
            if let Some(steps) = self.network.posterior() {
                let features = evaluator.features();
                steps.invert(&self.store, &mut begun, &features[..count * (features.len() / BATCH)]);
            }
            for (row, z) in begun.chunks_exact(latent).enumerate() {
                let [mean, log_variance] = evaluator.normal(row);
                for (index, noise) in noise.iter_mut().enumerate() {
                    *noise = (z[index] - mean[index]) * (-0.5 * log_variance[index]).exp();
                }
                evaluator.set_noise(row, &noise);
            }
            evaluator.run(&self.store);
            log_weights.extend((0..count).filter_map(|row| evaluator.log_weights(row).next()));
        }
        log_weights
    }
}
