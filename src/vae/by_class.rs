//! A model that knows classes, summed over them: ln p(x) = ln Σ_y p(y) p(x | y), and the posterior p(y | x) that is Bayes' theorem's.
//!
//! With z₁ … z_k from q(z | x, y), by the same noise for all classes, w_y,i estimates p(x | y) without bias, and so does the mean over i of
//! v_i = Σ_y p(y) w_y,i for p(x): its logarithm is on average a lower bound, as without classes. p(y | x) is estimated by the shares that
//! classes have in Σ_i v_i.

use super::classification::best;
use super::evaluator::{DRAWS, Evaluator};
use super::likelihood::{BATCH, Figure, Independent, Moments};
use super::rows::Rows;
use super::{ImportanceSampling, Vae, VaeError, VaeScore};
use crate::data::Dataset;
use crate::random::{Seed, Stream};
use crate::sampling::{Estimate, Kind, LogMeanExp, Warning, WeightSums, Work};
use rand::Rng;

/// Resamplings of the draws for the errors of posteriors.
const RESAMPLED: usize = 50;
/// Classes with a smaller share of the posterior have no say in whether its error is known.
const NEGLIGIBLE: f64 = 0.01;

/// A model that knows classes on some rows.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ClassScore {
    /// Of ln p(x), whatever the class: to be compared with models that know none. The ELBO is that of rows without labels.
    pub score: VaeScore,
    /// KL(q(y | x) ‖ p(y)), which is in that ELBO beside its divergence.
    pub label_divergence: f64,
    /// Of ln p(x | y) for the labels of the rows that have one.
    pub given_label: Option<Estimate>,
    /// q(y | x), `[rows, classes]`.
    pub q: Vec<f64>,
    /// p(y | x) by Bayes' theorem, `[rows, classes]`.
    pub posterior: Vec<f64>,
    /// Standard error of the largest probability of each row's posterior, by resampling the draws: infinite where it is not known, as weights
    /// of a class that matters rest on fewer than ten draws.
    pub posterior_errors: Vec<f64>,
    /// Effective draws of a row given each class, a mean over the rows, `[classes]`.
    pub effective: Vec<f64>,
}

impl ClassScore {
    /// The part of the rows whose most probable class by q(y | x) is another than by the posterior.
    pub fn classes_differ(&self) -> f64 {
        let classes = self.effective.len();
        let rows = self.q.chunks_exact(classes).zip(self.posterior.chunks_exact(classes));
        let differ = rows.clone().filter(|(q, posterior)| best(q) != best(posterior)).count();
        differ as f64 / rows.len() as f64
    }
}

/// The draws of one row.
#[derive(Clone)]
struct Draws {
    /// ln w_y,i, `[classes, k]`.
    log_weights: Vec<f64>,
    /// Σ_y q(y | x) of ln p(x | y, z_i), and of what each draw makes of the divergence, `[k]`.
    parts: [Vec<f64>; 2],
}

impl Vae {
    /// ln p(x) of each row, `[rows]`, and what there is to say of classes; `sampling.samples` draws for each class.
    ///
    /// # Errors
    /// As [`log_likelihood`](Self::log_likelihood), and where the model knows no classes, or a label is of none.
    pub fn score_by_class(
        &self,
        data: &Dataset<'_>,
        sampling: &ImportanceSampling,
        work: &Work,
    ) -> Result<(Vec<f64>, ClassScore), VaeError> {
        sampling.check()?;
        self.check_scored(data)?;
        self.check_labels(data)?;
        let (classes, k) = (self.classes(), sampling.samples);
        let log_prior = self.log_label_prior().ok_or(VaeError::NoClasses)?;
        let mut evaluator = Evaluator::new(self, BATCH, DRAWS);
        work.plan((data.len() as u64).saturating_mul((k * classes) as u64));
        let blank = Draws { log_weights: vec![0.0; classes * k], parts: [vec![0.0; k], vec![0.0; k]] };
        let mut draws = vec![blank; BATCH];
        let mut found = Found::new(self, data.len(), k);
        for first in (0..data.len()).step_by(BATCH) {
            let range = first..data.len().min(first + BATCH);
            evaluator.load(Rows::Data(data), range.clone());
            draws.iter_mut().for_each(|draws| draws.parts.iter_mut().for_each(|part| part.fill(0.0)));
            for class in 0..classes {
                evaluator.set_class(class as u16);
                evaluator.start_streams(range.clone(), sampling.seed);
                for drawn in (0..k).step_by(DRAWS) {
                    evaluator.draw(&self.store);
                    let wanted = DRAWS.min(k - drawn);
                    for (row, draws) in draws[..range.len()].iter_mut().enumerate() {
                        draws.take(&evaluator, row, class, drawn..drawn + wanted);
                    }
                    work.add((range.len() * wanted) as u64);
                }
            }
            for (row, draws) in draws[..range.len()].iter().enumerate() {
                let log_q: Vec<f64> = evaluator.log_q(row).iter().map(|&log_q| f64::from(log_q)).collect();
                let label = data.label(first + row).filter(|_| self.reads_labels());
                found.add(draws, &log_q, &log_prior, label, evaluator.row(row));
            }
        }
        Ok(found.scores(self, sampling))
    }

    /// ln p(y), `[classes]`, where the model knows classes.
    pub fn log_label_prior(&self) -> Option<Vec<f64>> {
        let parameter = self.network.label_prior_parameter()?;
        Some(self.store.get(parameter).iter().map(|&log_p| f64::from(log_p)).collect())
    }
}

impl Draws {
    /// The evaluator's draws of a row of its batch, given this class.
    fn take(&mut self, evaluator: &Evaluator, row: usize, class: usize, range: std::ops::Range<usize>) {
        let k = self.parts[0].len();
        let q = f64::from(evaluator.log_q(row)[class]).exp();
        let weights = &mut self.log_weights[class * k..][range.clone()];
        weights.iter_mut().zip(evaluator.log_weights(row)).for_each(|(weight, found)| *weight = found);
        let [likelihoods, divergences] = &mut self.parts;
        let add = |sums: &mut [f64], terms: &mut dyn Iterator<Item = f64>| {
            sums[range.clone()].iter_mut().zip(terms).for_each(|(sum, term)| *sum += q * term);
        };
        add(likelihoods, &mut evaluator.log_likelihoods(row));
        add(divergences, &mut evaluator.divergences(row));
    }
}

/// What rows have come to.
struct Found {
    classes: usize,
    likelihood: Figure,
    given_label: Figure,
    elbo: Figure,
    reconstruction: Moments,
    divergence: Moments,
    label_divergence: Moments,
    effective: Moments,
    of_class: Vec<Moments>,
    unknown: usize,
    independent: Independent,
    q: Vec<f64>,
    posterior: Vec<f64>,
    errors: Vec<f64>,
    /// How often resampling takes each draw, `[RESAMPLED, k]`.
    resampled: Vec<f64>,
}

impl Found {
    fn new(vae: &Vae, rows: usize, k: usize) -> Self {
        let classes = vae.classes();
        let mut stream = Stream::new(Seed(0).lanes("resampling", 0));
        let mut resampled = vec![0.0; RESAMPLED * k];
        for counts in resampled.chunks_exact_mut(k) {
            (0..k).for_each(|_| counts[((u64::from(stream.next_u32()) * k as u64) >> 32) as usize] += 1.0);
        }
        Found {
            classes,
            likelihood: Figure::default(),
            given_label: Figure::default(),
            elbo: Figure::default(),
            reconstruction: Moments::default(),
            divergence: Moments::default(),
            label_divergence: Moments::default(),
            effective: Moments::default(),
            of_class: vec![Moments::default(); classes],
            unknown: 0,
            independent: Independent::new(vae.config.visible),
            q: Vec::with_capacity(rows * classes),
            posterior: Vec::with_capacity(rows * classes),
            errors: Vec::with_capacity(rows),
            resampled,
        }
    }

    fn add(&mut self, draws: &Draws, log_q: &[f64], log_prior: &[f64], label: Option<u16>, x: &[f32]) {
        let k = draws.parts[0].len();
        let of_class: Vec<LogMeanExp> = draws.log_weights.chunks_exact(k).map(LogMeanExp::of).collect();
        for (moments, mean) in self.of_class.iter_mut().zip(&of_class) {
            moments.add(mean.effective_sample_size);
        }
        // p(y) w_y,i over the largest of them, and v_i.
        let joint = |class: usize, draw: usize| log_prior[class] + draws.log_weights[class * k + draw];
        let places = || (0..self.classes).flat_map(|class| (0..k).map(move |draw| (class, draw)));
        let largest = places().map(|(class, draw)| joint(class, draw)).fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = places().map(|(class, draw)| (joint(class, draw) - largest).exp()).collect();
        let mut all = WeightSums::NONE;
        for draw in 0..k {
            let v: f64 = (0..self.classes).map(|class| weights[class * k + draw]).sum();
            all.add(largest + v.ln());
        }
        let all = all.log_mean();
        self.likelihood.add(all.value, all.error);
        self.effective.add(all.effective_sample_size);
        self.unknown += usize::from(!all.error_is_known());
        if let Some(label) = label {
            let given = of_class[usize::from(label)];
            self.given_label.add(given.value, given.error);
        }
        let (mut elbo, mut reconstruction) = (Moments::default(), Moments::default());
        let label_divergence: f64 = log_q.iter().zip(log_prior).map(|(q, p)| q.exp() * (q - p)).sum();
        for (likelihood, divergence) in draws.parts[0].iter().zip(&draws.parts[1]) {
            elbo.add(likelihood - divergence - label_divergence);
            reconstruction.add(*likelihood);
        }
        self.elbo.add(elbo.mean(), elbo.error());
        self.reconstruction.add(reconstruction.mean());
        self.divergence.add(reconstruction.mean() - elbo.mean() - label_divergence);
        self.label_divergence.add(label_divergence);
        self.independent.add(x, |_| false);
        self.q.extend(log_q.iter().map(|log_q| log_q.exp()));

        let posterior = shares(&weights, k, |draws| draws.iter().sum());
        let top = best(&posterior);
        let few = |class: &usize| {
            posterior[*class] > NEGLIGIBLE && of_class[*class].effective_sample_size < LogMeanExp::FEWEST_EFFECTIVE
        };
        self.errors.push(match (0..self.classes).find(few) {
            Some(_) => f64::INFINITY,
            None => {
                let of_top = |counts: &[f64]| {
                    let dot = |draws: &[f64]| draws.iter().zip(counts).map(|(w, count)| w * count).sum();
                    shares(&weights, k, dot)[top]
                };
                let (mut sum, mut squares) = (0.0, 0.0);
                for counts in self.resampled.chunks_exact(k) {
                    let share = of_top(counts) - posterior[top];
                    (sum, squares) = (sum + share, squares + share * share);
                }
                let n = RESAMPLED as f64;
                ((squares - sum * sum / n) / (n - 1.0)).max(0.0).sqrt()
            }
        });
        self.posterior.extend(posterior);
    }

    fn scores(self, vae: &Vae, sampling: &ImportanceSampling) -> (Vec<f64>, ClassScore) {
        let (samples, rows) = (sampling.samples, self.likelihood.values.len());
        let baseline = self.independent.baseline(vae.config.likelihood);
        let method = |of: &str| format!("{of}, {samples} samples an example and class");
        let mut log_likelihood = self.likelihood.estimate(Kind::Lower, method("importance sampling"));
        (log_likelihood.baseline, log_likelihood.effective_sample_size) = (baseline, Some(self.effective.mean()));
        if self.unknown > rows / 2 && samples > 1 {
            let warning = Warning::FewEffectiveSamples { effective: self.effective.mean(), samples };
            log_likelihood.warnings.push(warning);
        }
        let mut elbo = self.elbo.estimate(Kind::Lower, method("ELBO"));
        elbo.baseline = baseline;
        let labelled = !self.given_label.values.is_empty();
        let given = labelled
            .then(|| self.given_label.estimate(Kind::Lower, method("given the label, importance sampling")));
        let score = ClassScore {
            score: VaeScore {
                log_likelihood,
                elbo,
                reconstruction: self.reconstruction.mean(),
                divergence: self.divergence.mean(),
            },
            label_divergence: self.label_divergence.mean(),
            given_label: given,
            q: self.q,
            posterior: self.posterior,
            posterior_errors: self.errors,
            effective: self.of_class.iter().map(Moments::mean).collect(),
        };
        (self.likelihood.values, score)
    }
}

/// The shares of classes in weights `[classes, k]` that `sum` adds up, `[classes]`.
fn shares(weights: &[f64], k: usize, sum: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    let sums: Vec<f64> = weights.chunks_exact(k).map(sum).collect();
    let all: f64 = sums.iter().sum();
    sums.into_iter().map(|sum| sum / all).collect()
}
