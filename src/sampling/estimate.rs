//! A mean log-likelihood that knows its errors, its direction and its method, and prints them.

use std::fmt;

/// Which way an estimate errs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// No Monte Carlo in it: enumeration.
    Exact,
    /// A lower bound in expectation: the truth is likely higher.
    Lower,
    /// An upper bound in expectation: the truth is likely lower, the figure is optimistic.
    Upper,
    /// Neither.
    Estimate,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Exact => "exact",
            Kind::Lower => "lower",
            Kind::Upper => "upper",
            Kind::Estimate => "estimate",
        })
    }
}

/// Why an estimate should not be taken at its word.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// A handful of the annealed chains carry all the weight: the reported error may be far too small.
    FewEffectiveChains {
        /// (Σw)² / Σw².
        effective: f64,
        /// Chains there were.
        chains: usize,
    },
    /// The budget ended before the Monte Carlo error asked for was reached.
    TargetMissed {
        /// The error reached, nats.
        error: f64,
        /// The error asked for, nats.
        target: f64,
    },
    /// The optimistic and the conservative estimate are further apart than slow annealing leaves them.
    Disagreement {
        /// The optimistic estimate less the conservative one, nats an example.
        gap: f64,
        /// The most that is let pass, nats.
        allowed: f64,
    },
    /// Chains of the model from random starts live where annealing hardly ever goes, so log Z may lack their share.
    ModeMissed {
        /// How many nats more likely the annealed log Z says they are than annealing makes them.
        gap: f64,
        /// The most that is let pass, nats.
        allowed: f64,
    },
    /// A density of real numbers on rows of a few levels, on which it can grow without bound.
    DiscreteLevels {
        /// Different numbers among those of the rows.
        levels: usize,
    },
    /// A sum over a grid had not come to rest when the grid was as fine as it may be.
    CoarseGrid {
        /// By how much the last refinement moved its logarithm, nats.
        error: f64,
    },
    /// A handful of the draws carry the importance weight of an example: the bound is likely far from tight.
    FewEffectiveSamples {
        /// (Σw)² / Σw², the mean over examples.
        effective: f64,
        /// Draws there were for each.
        samples: usize,
    },
    /// A probability above 1.
    AboveZero {
        /// The log-likelihood, nats an example.
        value: f64,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Warning::FewEffectiveChains { effective, chains } => write!(
                f,
                "the weight of {chains} annealed chains rests on {effective:.1} of them: the Monte Carlo error is \
                 likely larger than reported; more temperatures help"
            ),
            Warning::TargetMissed { error, target } => write!(
                f,
                "the budget of annealing ended at a Monte Carlo error of {error:.2} nats, {target:.2} was asked for"
            ),
            Warning::Disagreement { gap, allowed } if gap < 0.0 => write!(
                f,
                "the conservative figure is {:.1} nats above the optimistic one, more than {allowed:.1}: annealing does not \
                 reach this machine's distribution, and neither figure can be trusted",
                -gap
            ),
            Warning::Disagreement { gap, allowed } => write!(
                f,
                "the optimistic and the conservative figure are {gap:.1} nats apart, more than {allowed:.1}: the truth \
                 may be anywhere between; annealing may miss where the data live"
            ),
            Warning::ModeMissed { gap, allowed } => write!(
                f,
                "chains of the model from random starts end where annealing hardly goes ({gap:.1} nats too rarely, more \
                 than {allowed:.1}): log Z may lack their share, and the truth be lower by as much"
            ),
            Warning::DiscreteLevels { levels } => write!(
                f,
                "the rows are of {levels} different numbers alone, on which a density of real numbers can grow without bound: \
                 the figure says little before noise as wide as their distance has been added to them"
            ),
            Warning::CoarseGrid { error } => write!(
                f,
                "the finest grid still moved log Z by {error:.2} nats: the density has peaks as narrow as its cells, and the \
                 figure may be off by as much"
            ),
            Warning::FewEffectiveSamples { effective, samples } => write!(
                f,
                "the weight of an example's {samples} samples rests on {effective:.1} of them: the truth is likely \
                 higher; more samples help"
            ),
            Warning::AboveZero { value } => {
                write!(
                    f,
                    "a mean log-likelihood of {value:.1} nats would be a probability above 1: log Z is far too low"
                )
            }
        }
    }
}

/// A mean log-likelihood, in nats an example.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Estimate {
    /// The mean log-likelihood, nats an example.
    pub value: f64,
    /// Which way it errs.
    pub kind: Kind,
    /// Standard error from the sampler, nats; 0 where exact.
    pub monte_carlo_error: f64,
    /// Standard error from the finite number of examples, nats.
    pub data_error: f64,
    /// How it was made, in words.
    pub method: String,
    /// The log partition function, nats, where the model has one.
    pub log_z: Option<f64>,
    /// Standard error of `log_z`, nats.
    pub log_z_error: Option<f64>,
    /// Effective number of importance samples, (Σw)² / Σw².
    pub effective_sample_size: Option<f64>,
    /// What the plainest model of its kind would reach on the same data, nats an example: independent pixels with the data's means; of
    /// real numbers, a normal distribution with their mean and covariance.
    pub baseline: Option<f64>,
    /// Examples it is a mean of.
    pub examples: usize,
    /// Why it should not be taken at its word; empty where nothing speaks against it.
    pub warnings: Vec<Warning>,
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} nats ({}, ", self.value, self.method)?;
        match self.kind {
            Kind::Exact => write!(f, "exact; ")?,
            Kind::Lower => write!(f, "conservative; Monte Carlo error {:.2}, ", self.monte_carlo_error)?,
            Kind::Upper => write!(f, "optimistic; Monte Carlo error {:.2}, ", self.monte_carlo_error)?,
            Kind::Estimate => write!(f, "estimate; Monte Carlo error {:.2}, ", self.monte_carlo_error)?,
        }
        write!(f, "data error {:.2})", self.data_error)?;
        self.warnings.iter().try_for_each(|warning| write!(f, "; warning: {warning}"))
    }
}

/// ln of the mean of e^w over many log-weights w, its standard error and the effective sample size.
///
/// Where the mean of e^w is Z, or Z / Z₀, without bias, `value` lies below ln Z in expectation (Jensen), and above
/// ln Z + b with probability e⁻ᵇ at most (Markov).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogMeanExp {
    /// ln of the mean, nats.
    pub value: f64,
    /// Standard error of `value` by the delta method: sd(e^w) / (mean(e^w) √n).
    pub error: f64,
    /// (Σ e^w)² / Σ e^2w.
    pub effective_sample_size: f64,
}

impl fmt::Display for LogMeanExp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LogMeanExp { value, error, effective_sample_size } = self;
        write!(f, "{value:.3} nats (Monte Carlo error {error:.3}, {effective_sample_size:.1} effective draws)")
    }
}

impl LogMeanExp {
    /// From the log-weights; −∞ where there are none.
    pub fn of(log_weights: &[f64]) -> Self {
        let n = log_weights.len() as f64;
        let largest = log_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if !largest.is_finite() {
            return LogMeanExp { value: largest, error: f64::INFINITY, effective_sample_size: 0.0 };
        }
        let weights = log_weights.iter().map(|w| (w - largest).exp());
        let (sum, squares) = weights.fold((0.0, 0.0), |(sum, squares), w| (sum + w, squares + w * w));
        let mean = sum / n;
        let variance = if n > 1.0 { (squares - n * mean * mean).max(0.0) / (n - 1.0) } else { f64::INFINITY };
        LogMeanExp {
            value: largest + mean.ln(),
            error: (variance / n).sqrt() / mean,
            effective_sample_size: sum * sum / squares,
        }
    }
}

/// Mean of `values` and its standard error.
pub(crate) fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, if n > 1.0 { (squares / (n - 1.0) / n).sqrt() } else { f64::INFINITY })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_weights_have_no_error() {
        let mean = LogMeanExp::of(&[700.0; 8]);
        assert_eq!((mean.value, mean.error, mean.effective_sample_size), (700.0, 0.0, 8.0));
    }

    #[test]
    fn one_weight_knows_no_error() {
        assert_eq!(LogMeanExp::of(&[3.0]).error, f64::INFINITY);
        assert_eq!(mean_and_error(&[1.0, 3.0]), (2.0, 1.0));
    }
}
