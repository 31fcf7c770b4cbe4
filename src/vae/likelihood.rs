//! Log-likelihoods by importance sampling (Rezende et al. 2014; Burda et al. 2016).
//!
//! With z₁ … z_k drawn from q(z | x), the mean of w = p(x | z) p(z) / q(z | x) estimates p(x) without bias, so by Jensen's
//! inequality E[log (1/k) Σᵢ wᵢ] ≤ log p(x): a lower bound, tighter with every draw, above the ELBO E[log w]. Weights are
//! summed as they come, rows some at a time: memory does not grow with draws, and with examples by a few numbers each.

use super::evaluator::{DRAWS, Evaluator};
use super::rows::Rows;
use super::{Likelihood, Vae, VaeError};
use crate::Setting;
use crate::data::Dataset;
use crate::random::Seed;
use crate::sampling::{
    Estimate, Kind, Warning, WeightSums, Work, error_of_mean, independent_bernoulli, independent_gaussian,
};

/// Rows at a time: with [`DRAWS`] draws each, 1,024 rows of the decoder.
pub(super) const BATCH: usize = 32;

/// The settings by which the likelihood of an example is estimated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportanceSampling {
    /// Draws of the latent variable for each example.
    pub samples: usize,
    /// The seed of the examples' streams.
    pub seed: Seed,
}

impl Default for ImportanceSampling {
    /// 500 draws.
    fn default() -> Self {
        ImportanceSampling { samples: 500, seed: Seed(0) }
    }
}

impl ImportanceSampling {
    pub(super) fn check(&self) -> Result<(), Setting> {
        Setting::at_least_one("the number of importance samples", self.samples)
    }
}

/// The log-likelihood of a model, and what its bounds are made of. Nats an example.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct VaeScore {
    /// By importance sampling.
    pub log_likelihood: Estimate,
    /// The ELBO from the same draws, with the divergence in closed form where there is one.
    pub elbo: Estimate,
    /// Its first term, E_q [log p(x | z)].
    pub reconstruction: f64,
    /// Its second term, KL(q(z | x) ‖ p(z)).
    pub divergence: f64,
}

impl VaeScore {
    /// The distance of the ELBO below the importance-weighted figure, nats: on average at most KL(q(z | x) ‖ p(z | x)), what q lacks of
    /// the true posterior, as that figure is a lower bound itself.
    pub fn gap(&self) -> f64 {
        self.log_likelihood.value - self.elbo.value
    }
}

/// Numbers of which mean and variance are wanted, as they come (Welford 1962).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    pub(super) fn add(&mut self, value: f64) {
        self.count += 1.0;
        let from_old_mean = value - self.mean;
        self.mean += from_old_mean / self.count;
        self.squares += from_old_mean * (value - self.mean);
    }

    pub(super) fn mean(&self) -> f64 {
        self.mean
    }

    /// The standard error of the mean; infinite where one number cannot tell.
    pub(super) fn error(&self) -> f64 {
        if self.count > 1.0 { (self.squares / (self.count - 1.0) / self.count).sqrt() } else { f64::INFINITY }
    }
}

/// A mean over examples, each of which has a Monte Carlo error of its own, infinite where it is not known.
#[derive(Clone, Debug, Default)]
pub(super) struct Figure {
    pub(super) values: Vec<f64>,
    errors: Vec<f64>,
}

impl Figure {
    pub(super) fn add(&mut self, value: f64, error: f64) {
        self.values.push(value);
        self.errors.push(error);
    }

    pub(super) fn estimate(&self, kind: Kind, method: String) -> Estimate {
        Estimate::of(&self.values, kind, method).with_monte_carlo_error(error_of_mean(&self.values, &self.errors))
    }
}

/// The figures of one example after its draws.
pub(super) struct Scored<'e> {
    pub(super) weights: WeightSums,
    pub(super) log_likelihoods: Moments,
    /// ln p(x | z) less what each draw makes of the divergence.
    pub(super) elbo: Moments,
    /// The example.
    pub(super) x: &'e [f32],
}

/// Draws for every row, and calls `each` with the row's number and what came of it, in order. Draws are planned and counted in
/// `work`.
pub(super) fn score_rows(
    vae: &Vae,
    evaluator: &mut Evaluator,
    rows: Rows<'_>,
    sampling: &ImportanceSampling,
    work: &Work,
    mut each: impl FnMut(usize, Scored<'_>),
) {
    let batch = evaluator.batch();
    work.plan((rows.len() as u64).saturating_mul(sampling.samples as u64));
    for first in (0..rows.len()).step_by(batch) {
        let count = batch.min(rows.len() - first);
        evaluator.load(rows, first..first + count);
        evaluator.start_streams(first..first + count, sampling.seed);
        let mut scored = [(WeightSums::NONE, Moments::default(), Moments::default()); BATCH];
        for drawn in (0..sampling.samples).step_by(DRAWS) {
            evaluator.draw(&vae.store);
            let wanted = DRAWS.min(sampling.samples - drawn);
            for (row, (weights, log_likelihoods, elbo)) in scored[..count].iter_mut().enumerate() {
                evaluator.log_weights(row).take(wanted).for_each(|w| weights.add(w));
                for (l, divergence) in evaluator.log_likelihoods(row).zip(evaluator.divergences(row)).take(wanted)
                {
                    log_likelihoods.add(l);
                    elbo.add(l - divergence);
                }
            }
            work.add((count * wanted) as u64);
        }
        for (row, (weights, log_likelihoods, elbo)) in scored[..count].iter().copied().enumerate() {
            each(first + row, Scored { weights, log_likelihoods, elbo, x: evaluator.row(row) });
        }
    }
}

/// Rows whose variance is below this part of their mean square differ by rounding alone.
const SAME: f64 = 1e-12;

/// Sums from which the figure of independent values follows, of the values of each column that are there.
pub(super) struct Independent {
    sums: Vec<f64>,
    squares: Vec<f64>,
    counts: Vec<f64>,
    rows: f64,
}

impl Independent {
    /// Of no rows yet, of `width` values each.
    pub(super) fn new(width: usize) -> Self {
        let zeros = || vec![0.0; width];
        Independent { sums: zeros(), squares: zeros(), counts: zeros(), rows: 0.0 }
    }

    pub(super) fn add(&mut self, x: &[f32], is_missing: impl Fn(usize) -> bool) {
        self.rows += 1.0;
        for (column, &x) in x.iter().enumerate().filter(|(column, _)| !is_missing(*column)) {
            self.sums[column] += f64::from(x);
            self.squares[column] += f64::from(x) * f64::from(x);
            self.counts[column] += 1.0;
        }
    }

    /// `None` for noise as wide as the rows' own where all of them are the same to rounding.
    pub(super) fn baseline(&self, likelihood: Likelihood) -> Option<f64> {
        let columns = self.sums.iter().zip(&self.squares).zip(&self.counts);
        let columns: Vec<[f64; 3]> = columns
            .filter(|(_, count)| **count > 0.0)
            .map(|((sum, square), count)| [sum / count, square / count, count / self.rows])
            .collect();
        let total = |of: &dyn Fn(&[f64; 3]) -> f64| columns.iter().map(of).sum::<f64>();
        let variance = |[mean, square, _]: &[f64; 3]| square - mean * mean;
        // Values of a row, and by how much they vary in all.
        let width = total(&|column| column[2]);
        let varies = total(&|column| column[2] * variance(column));
        let of_one = |variance: f64, noise: Option<f64>| independent_gaussian(1, variance, noise);
        match likelihood {
            Likelihood::Bernoulli => Some(total(&|column| column[2] * independent_bernoulli(&[column[0]]))),
            Likelihood::Gaussian => Some(total(&|column| column[2] * of_one(variance(column), Some(1.0)))),
            Likelihood::GaussianLearned if varies <= SAME * total(&|column| column[2] * column[1]) => None,
            Likelihood::GaussianLearned => Some(width * of_one(varies / width, None)),
            Likelihood::GaussianColumns if columns.iter().any(|column| variance(column) <= SAME * column[1]) => {
                None
            }
            Likelihood::GaussianColumns => Some(total(&|column| column[2] * of_one(variance(column), None))),
        }
    }
}

impl Vae {
    /// The mean log-likelihood of `data` by importance sampling: a lower bound in expectation.
    ///
    /// # Errors
    /// Where the data has no rows, is not as wide as the model or outside of its likelihood's support, is grey where the
    /// model is one of bits, or where there are no draws.
    pub fn log_likelihood(&self, data: &Dataset<'_>, sampling: &ImportanceSampling) -> Result<Estimate, VaeError> {
        Ok(self.score(data, sampling)?.log_likelihood)
    }

    /// The mean ELBO of `data`, from 32 draws for each example.
    ///
    /// # Errors
    /// As [`log_likelihood`](Self::log_likelihood).
    pub fn elbo(&self, data: &Dataset<'_>) -> Result<Estimate, VaeError> {
        Ok(self.score(data, &ImportanceSampling { samples: DRAWS, ..ImportanceSampling::default() })?.elbo)
    }

    /// Log-likelihood and ELBO of `data` from the same draws.
    ///
    /// # Errors
    /// As [`log_likelihood`](Self::log_likelihood).
    pub fn score(&self, data: &Dataset<'_>, sampling: &ImportanceSampling) -> Result<VaeScore, VaeError> {
        Ok(self.log_likelihoods(data, sampling)?.1)
    }

    /// The log-likelihood of each row of `data`, `[rows]`, nats, summed over the classes where there are some, and the score that it is a part of.
    ///
    /// # Errors
    /// As [`log_likelihood`](Self::log_likelihood).
    pub fn log_likelihoods(
        &self,
        data: &Dataset<'_>,
        sampling: &ImportanceSampling,
    ) -> Result<(Vec<f64>, VaeScore), VaeError> {
        self.log_likelihoods_counted(data, sampling, &Work::new())
    }

    /// [`log_likelihoods`](Self::log_likelihoods) whose draws are counted: another thread may tell how far they are.
    ///
    /// # Errors
    /// As [`log_likelihood`](Self::log_likelihood).
    pub fn log_likelihoods_counted(
        &self,
        data: &Dataset<'_>,
        sampling: &ImportanceSampling,
        work: &Work,
    ) -> Result<(Vec<f64>, VaeScore), VaeError> {
        sampling.check()?;
        self.check_scored(data)?;
        if self.config.completes {
            return Err(VaeError::Completes);
        }
        if self.classes() > 0 {
            let (rows, score) = self.score_by_class(data, sampling, work)?;
            return Ok((rows, score.score));
        }
        let mut evaluator = Evaluator::new(self, BATCH, DRAWS);
        let (mut likelihood, mut elbo) = (Figure::default(), Figure::default());
        let (mut reconstruction, mut divergence, mut effective) =
            (Moments::default(), Moments::default(), Moments::default());
        // Examples whose weights rest on too few draws to know an error.
        let mut unknown = 0;
        let mut independent = Independent::new(self.config.visible);
        score_rows(self, &mut evaluator, Rows::Data(data), sampling, work, |index, row| {
            let w = row.weights.log_mean();
            likelihood.add(w.value, w.error);
            elbo.add(row.elbo.mean(), row.elbo.error());
            reconstruction.add(row.log_likelihoods.mean());
            divergence.add(row.log_likelihoods.mean() - row.elbo.mean());
            effective.add(w.effective_sample_size);
            unknown += usize::from(!w.error_is_known());
            independent.add(row.x, |column| data.is_missing(index, column));
        });

        let samples = sampling.samples;
        let baseline = independent.baseline(self.config.likelihood);
        let mut log_likelihood =
            likelihood.estimate(Kind::Lower, format!("importance sampling, {samples} samples an example"));
        (log_likelihood.baseline, log_likelihood.effective_sample_size) = (baseline, Some(effective.mean()));
        if unknown > data.len() / 2 && samples > 1 {
            let warning = Warning::FewEffectiveSamples { effective: effective.mean(), samples };
            log_likelihood.warnings.push(warning);
        }
        let mut elbo = elbo.estimate(Kind::Lower, format!("ELBO, {samples} samples an example"));
        elbo.baseline = baseline;
        let (reconstruction, divergence) = (reconstruction.mean(), divergence.mean());
        Ok((likelihood.values, VaeScore { log_likelihood, elbo, reconstruction, divergence }))
    }
}
