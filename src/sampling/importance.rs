//! Importance sampling: means under a distribution that can be evaluated but not drawn from.
//!
//! Draw x₁ … x_S from a proposal q and weigh them, w = p(x) / q(x), for E_p f = E_q[w f]:
//!
//! - plain, for a normalised p: μ̂ = Σ w f / S, unbiased, with variance (E_q[w² f²] − μ²) / S;
//! - self-normalised, for a p known up to a constant: μ̂ = Σ w f / Σ w, consistent, with variance about
//!   E_q[w² (f − μ)²] / (E_q\[w\]² S).
//!
//! The proposal of least variance is therefore not the target. For plain importance sampling it is q ∝ p·|f|, which has
//! variance 0 where f keeps one sign; for self-normalised importance sampling it is q ∝ p·|f − μ|. A proposal q ∝ p only
//! makes the weights constant, and leaves the variance of f itself (Owen 2013, "Monte Carlo theory, methods and
//! examples", ch. 9; Hesterberg 1988).

use super::diagnostics::{pareto_shape, pareto_threshold};
use super::{DensityError, LogMeanExp, Sampler, SamplingError};
use crate::Setting;
use crate::parallel::map;
use crate::random::Seed;
use std::fmt;

/// Draws that share a stream.
const BLOCK: usize = 1024;

/// How importance sampling is done.
///
/// The mean weight of a fruit, from four kinds of boxes with 90, 5, 3 and 2 fruits that weigh 1, 2, 3 and 4. Three
/// proposals side by side: all kinds alike, by number, and by number times weight, which is best.
///
/// ```
/// use helmholtz::sampling::{Categorical, ImportanceSampling};
///
/// let (n, f) = ([90.0, 5.0, 3.0, 2.0], [1.0, 2.0, 3.0, 4.0]);
/// let p = |kind: usize| n[kind] / 100.0;
/// let (alike, good) = ([1.0; 4], n);
/// let best: Vec<f64> = n.iter().zip(f).map(|(n, f)| n * f).collect();
///
/// let mut variances = Vec::new();
/// for weights in [&alike[..], &good, &best] {
///     let q = Categorical::new(weights)?;
///     let estimate = ImportanceSampling::default().mean(|&kind| Ok(p(kind).ln()), &q, |&kind| f[kind])?;
///     println!("{estimate}");
///     assert!((estimate.value - 1.17).abs() <= 5.0 * estimate.error + 1e-12);
///
///     // The variance of a draw, Σ p² f² / q − μ², by hand.
///     let total: f64 = weights.iter().sum();
///     let square = |kind: usize| (p(kind) * f[kind]).powi(2) / (weights[kind] / total);
///     variances.push((0..4).map(square).sum::<f64>() - 1.17 * 1.17);
/// }
/// let near = |variance: f64, known: f64| (variance - known).abs() < 5e-4;
/// assert!(near(variances[0], 1.969) && near(variances[1], 0.321) && near(variances[2], 0.0));
/// # Ok::<(), helmholtz::sampling::SamplingError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImportanceSampling {
    /// Draws from the proposal.
    pub draws: usize,
    /// The seed of its streams.
    pub seed: Seed,
}

impl Default for ImportanceSampling {
    /// 10,000 draws.
    fn default() -> Self {
        ImportanceSampling { draws: 10_000, seed: Seed(0) }
    }
}

/// Which of the two estimators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weighting {
    /// Σ w f / S.
    Plain,
    /// Σ w f / Σ w.
    SelfNormalised,
}

/// One draw and its weight.
struct Weighed {
    log_weight: f64,
    f: f64,
    recoverable: bool,
}

impl ImportanceSampling {
    /// E_p f by plain importance sampling. `log_target` is log p, `q` the proposal, both normalised; of a p known up to
    /// a constant Z, the result is Z · E_p f.
    ///
    /// # Errors
    /// [`SamplingError`] where there are no draws, no draw has a weight, a density or `f` is NaN or infinite, or the
    /// target gives up for good. Points where it gives up for once weigh nothing and are counted.
    pub fn mean<S: Sampler>(
        &self,
        log_target: impl Fn(&S::Point) -> Result<f64, DensityError> + Sync,
        q: &S,
        f: impl Fn(&S::Point) -> f64 + Sync,
    ) -> Result<ImportanceEstimate, SamplingError> {
        Ok(ImportanceEstimate::of(&self.weigh(&log_target, q, &f)?, Weighting::Plain))
    }

    /// E_p f by self-normalised importance sampling. `log_target` and `q` may lack their normalisers.
    ///
    /// # Errors
    /// As [`mean`](Self::mean).
    pub fn self_normalised_mean<S: Sampler>(
        &self,
        log_target: impl Fn(&S::Point) -> Result<f64, DensityError> + Sync,
        q: &S,
        f: impl Fn(&S::Point) -> f64 + Sync,
    ) -> Result<ImportanceEstimate, SamplingError> {
        Ok(ImportanceEstimate::of(&self.weigh(&log_target, q, &f)?, Weighting::SelfNormalised))
    }

    fn weigh<S: Sampler>(
        &self,
        log_target: &(impl Fn(&S::Point) -> Result<f64, DensityError> + Sync),
        q: &S,
        f: &(impl Fn(&S::Point) -> f64 + Sync),
    ) -> Result<Vec<Weighed>, SamplingError> {
        Setting::at_least_one("the number of draws", self.draws)?;
        let block = |index: usize| -> Result<Vec<Weighed>, SamplingError> {
            let mut stream = self.seed.stream("importance sampling", index as u64);
            let draws = index * BLOCK..self.draws.min((index + 1) * BLOCK);
            draws.map(|step| weigh_one(&q.draw(&mut stream), step, log_target, q, f)).collect()
        };
        // Blocks are put together in order, so that of several failures the first is reported.
        let blocks = map(self.draws.div_ceil(BLOCK), block);
        let mut weighed = Vec::with_capacity(self.draws);
        for block in blocks {
            weighed.extend(block?);
        }
        if weighed.iter().all(|draw| draw.log_weight == f64::NEG_INFINITY) {
            return Err(SamplingError::NoOverlap { draws: self.draws });
        }
        Ok(weighed)
    }
}

fn weigh_one<S: Sampler>(
    point: &S::Point,
    step: usize,
    log_target: &impl Fn(&S::Point) -> Result<f64, DensityError>,
    q: &S,
    f: &impl Fn(&S::Point) -> f64,
) -> Result<Weighed, SamplingError> {
    let (log_p, recoverable) = match log_target(point) {
        Ok(log_p) => (log_p, false),
        Err(DensityError::Recoverable(_)) => (f64::NEG_INFINITY, true),
        Err(fatal) => return Err(SamplingError::Density(fatal)),
    };
    if log_p.is_nan() || log_p == f64::INFINITY {
        return Err(SamplingError::NonFinite { what: "the log-density", value: log_p, step });
    }
    let log_q = q.log_density(point);
    if !log_q.is_finite() {
        return Err(SamplingError::NonFinite { what: "the proposal's log-density", value: log_q, step });
    }
    // Where the target is zero, f need not even be defined.
    let f = if log_p == f64::NEG_INFINITY { 0.0 } else { f(point) };
    if !f.is_finite() {
        return Err(SamplingError::NonFinite { what: "the function", value: f, step });
    }
    Ok(Weighed { log_weight: log_p - log_q, f, recoverable })
}

/// A mean by importance sampling that knows its error, and whether it should be taken at its word.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ImportanceEstimate {
    /// The mean of f.
    pub value: f64,
    /// Its standard error, from the draws' own variance: infinite of one draw, far too small where
    /// [`reliability`](Self::reliability) says so.
    pub error: f64,
    /// How it was made.
    pub weighting: Weighting,
    /// Draws it is made of.
    pub draws: usize,
    /// (Σw)² / Σw².
    pub effective_sample_size: f64,
    /// ln of the mean weight: log Z of the target where the proposal is normalised.
    pub log_normaliser: LogMeanExp,
    /// k̂ of the weights w: [`pareto_shape`].
    pub shape_of_weights: Option<f64>,
    /// k̂ of w·|f|.
    pub shape_of_terms: Option<f64>,
    /// Points where the target gave up for once, taken for density zero.
    pub recoverable_errors: u64,
}

impl ImportanceEstimate {
    fn of(weighed: &[Weighed], weighting: Weighting) -> Self {
        let n = weighed.len() as f64;
        let log_weights: Vec<f64> = weighed.iter().map(|draw| draw.log_weight).collect();
        let log_terms: Vec<f64> = weighed.iter().map(|draw| draw.log_weight + draw.f.abs().ln()).collect();
        let log_normaliser = LogMeanExp::of(&log_weights);
        // Weights relative to their mean, so that neither sum can overflow.
        let relative = |draw: &Weighed| (draw.log_weight - log_normaliser.value).exp();
        let ratio = weighed.iter().map(|draw| relative(draw) * draw.f).sum::<f64>() / n;
        let (scale, residual): (f64, &dyn Fn(&Weighed) -> f64) = match weighting {
            Weighting::Plain => (log_normaliser.value.exp(), &|draw| relative(draw) * draw.f - ratio),
            Weighting::SelfNormalised => (1.0, &|draw| relative(draw) * (draw.f - ratio)),
        };
        let squares: f64 = weighed.iter().map(|draw| residual(draw).powi(2)).sum();
        ImportanceEstimate {
            value: scale * ratio,
            error: if n > 1.0 { scale * (squares / (n - 1.0) / n).sqrt() } else { f64::INFINITY },
            weighting,
            draws: weighed.len(),
            effective_sample_size: log_normaliser.effective_sample_size,
            log_normaliser,
            shape_of_weights: pareto_shape(&log_weights),
            shape_of_terms: pareto_shape(&log_terms),
            recoverable_errors: weighed.iter().filter(|draw| draw.recoverable).count() as u64,
        }
    }

    /// Whether the error can be taken at its word. A plain mean rests on the tail of w·|f|, a self-normalised one on
    /// that of w as well.
    pub fn reliability(&self) -> Reliability {
        let terms = (self.shape_of_terms, "w·|f|");
        let weights = (self.shape_of_weights, "w");
        let tails = match self.weighting {
            Weighting::Plain => vec![terms],
            Weighting::SelfNormalised => vec![terms, weights],
        };
        let threshold = pareto_threshold(self.draws);
        let mut heaviest: Option<(f64, &'static str)> = None;
        for (shape, of) in tails {
            match (shape, heaviest) {
                (None, _) => return Reliability::Unknown { of, draws: self.draws },
                (Some(shape), Some((largest, _))) if shape <= largest => {}
                (Some(shape), _) => heaviest = Some((shape, of)),
            }
        }
        match heaviest {
            Some((shape, of)) if shape > threshold => Reliability::Unreliable { shape, threshold, of },
            Some((shape, _)) => Reliability::Reliable { shape, threshold },
            None => Reliability::Unknown { of: "w", draws: self.draws },
        }
    }
}

impl fmt::Display for ImportanceEstimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = match self.weighting {
            Weighting::Plain => "importance sampling",
            Weighting::SelfNormalised => "self-normalised importance sampling",
        };
        write!(
            f,
            "{:.6} ± {:.6} ({how}, {} draws, {:.1} effective; {})",
            self.value,
            self.error,
            self.draws,
            self.effective_sample_size,
            self.reliability()
        )
    }
}

/// Whether an importance sampler's figure can be trusted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reliability {
    /// No tail is too heavy for so many draws.
    Reliable {
        /// The larger k̂.
        shape: f64,
        /// The largest it may be.
        threshold: f64,
    },
    /// A tail is too heavy: the largest weights have not been seen yet.
    Unreliable {
        /// k̂.
        shape: f64,
        /// The largest it may be.
        threshold: f64,
        /// Of what.
        of: &'static str,
    },
    /// Too few draws to judge.
    Unknown {
        /// Of what.
        of: &'static str,
        /// Draws there were.
        draws: usize,
    },
}

impl fmt::Display for Reliability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Reliability::Reliable { shape, .. } if shape == f64::NEG_INFINITY => {
                f.write_str("reliable: the weights are bounded")
            }
            Reliability::Reliable { shape, threshold } => write!(f, "reliable: k̂ = {shape:.2} ≤ {threshold:.2}"),
            Reliability::Unreliable { shape, threshold, of } => write!(
                f,
                "unreliable: k̂ = {shape:.2} > {threshold:.2}: a few draws carry {of}, and larger ones are likely yet \
                 to come; a proposal with heavier tails helps"
            ),
            Reliability::Unknown { of, draws } => {
                write!(f, "unknown: {draws} draws leave too few in the tail of {of} to judge it")
            }
        }
    }
}
