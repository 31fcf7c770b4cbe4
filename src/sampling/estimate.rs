//! A mean log-likelihood that knows its errors, its direction and its method, and prints them.

use super::warning::Warning;
use std::fmt;

/// Which way an estimate errs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// No Monte Carlo in it: enumeration.
    Exact,
    /// A lower bound in expectation: the truth is likely higher.
    Lower,
    /// A lower bound in expectation for the model that annealing reaches, which is the model itself only where annealing
    /// misses no mode: conservative of that one.
    Annealed,
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
            Kind::Annealed => "annealed",
            Kind::Upper => "upper",
            Kind::Estimate => "estimate",
        })
    }
}

/// A mean log-likelihood, in nats an example, with what is known of its errors. One of a model of your own starts with
/// [`of`](Self::of).
///
/// Displayed with two significant digits of each error and the value to the last of them; a precision, as in `{:.4}`, sets
/// the decimals of all.
///
/// ```
/// use helmholtz::sampling::{Estimate, Kind};
/// let estimate = Estimate::of(&[-2.0, -2.5, -3.0], Kind::Lower, "500 draws").with_monte_carlo_error(0.00044);
/// let shown = "-2.50000 nats (500 draws, conservative; Monte Carlo error 0.00044, data error 0.29)";
/// assert_eq!(estimate.to_string(), shown);
/// assert!(format!("{estimate:.1}").starts_with("-2.5 nats"));
/// ```
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
    /// The log-likelihood that the plainest model of its kind would reach on the same data, nats an example: independent
    /// pixels with the data's means; of real numbers, a normal distribution with their mean and covariance.
    pub baseline: Option<f64>,
    /// Examples it is a mean of.
    pub examples: usize,
    /// Why it should not be taken at its word; empty where nothing speaks against it.
    pub warnings: Vec<Warning>,
}

impl Estimate {
    /// The mean of the log-likelihoods of some examples, nats each, with the standard error of that mean as the error of the
    /// data, ∞ for fewer than two. It knows of no Monte Carlo error until it is [given
    /// one](Self::with_monte_carlo_error).
    pub fn of(log_likelihoods: &[f64], kind: Kind, method: impl Into<String>) -> Self {
        let (value, data_error) = mean_and_error(log_likelihoods);
        Estimate {
            value,
            kind,
            monte_carlo_error: 0.0,
            data_error,
            method: method.into(),
            log_z: None,
            log_z_error: None,
            effective_sample_size: None,
            baseline: None,
            examples: log_likelihoods.len(),
            warnings: Vec::new(),
        }
    }

    /// The same, with this standard error from the sampler, nats.
    pub fn with_monte_carlo_error(self, monte_carlo_error: f64) -> Self {
        Estimate { monte_carlo_error, ..self }
    }

    /// The same, with the log partition function that it rests on and its standard error, nats.
    pub fn with_log_z(self, log_z: f64, error: f64) -> Self {
        Estimate { log_z: Some(log_z), log_z_error: Some(error), ..self }
    }

    /// The same, with the effective number of importance samples, (Σw)² / Σw².
    pub fn with_effective_sample_size(self, size: f64) -> Self {
        Estimate { effective_sample_size: Some(size), ..self }
    }

    /// The same, with what the plainest model would reach on the same data, nats an example.
    pub fn with_baseline(self, baseline: f64) -> Self {
        Estimate { baseline: Some(baseline), ..self }
    }

    /// The same, with one more reason not to take it at its word.
    pub fn with_warning(mut self, warning: Warning) -> Self {
        self.warnings.push(warning);
        self
    }
}

/// The decimals that show two significant digits of a standard error; `None` where it is 0, infinite or NaN.
fn decimals(error: f64) -> Option<usize> {
    let known = error.is_finite() && error > 0.0;
    known.then(|| (1.0 - error.log10().floor()).clamp(0.0, 15.0) as usize)
}

/// The decimals of a value with these errors: those of the smallest, or 2 where none is known.
fn decimals_of_value(errors: &[f64]) -> usize {
    errors.iter().filter_map(|&error| decimals(error)).max().unwrap_or(2)
}

/// A standard error with `precision` decimals, or else with two significant digits.
fn write_error(f: &mut fmt::Formatter<'_>, error: f64) -> fmt::Result {
    let decimals = f.precision().or(decimals(error)).unwrap_or(0);
    write!(f, "{error:.decimals$}")
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Estimate { value, method, monte_carlo_error, data_error, .. } = self;
        let decimals = f.precision().unwrap_or(decimals_of_value(&[*monte_carlo_error, *data_error]));
        let direction = match self.kind {
            Kind::Exact => "exact; ",
            Kind::Lower => "conservative; ",
            Kind::Annealed => "conservative of the annealed model; ",
            Kind::Upper => "optimistic; ",
            Kind::Estimate => "estimate; ",
        };
        write!(f, "{value:.decimals$} nats ({method}, {direction}")?;
        if self.kind != Kind::Exact {
            f.write_str("Monte Carlo error ")?;
            write_error(f, *monte_carlo_error)?;
            f.write_str(", ")?;
        }
        f.write_str("data error ")?;
        write_error(f, *data_error)?;
        f.write_str(")")?;
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
        let decimals = f.precision().unwrap_or(decimals_of_value(&[*error]));
        write!(f, "{value:.decimals$} nats (Monte Carlo error ")?;
        write_error(f, *error)?;
        write!(f, ", {effective_sample_size:.1} effective draws)")
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

    /// 0.00 hid 0.00044.
    #[test]
    fn errors_show_two_digits_and_the_value_as_many_decimals() {
        let estimate = |value: f64, monte_carlo_error: f64, data_error: f64| Estimate {
            value,
            data_error,
            ..Estimate::of(&[], Kind::Upper, "annealing").with_monte_carlo_error(monte_carlo_error)
        };
        for (value, monte_carlo, data, shown) in [
            (
                -19.589_314,
                0.000_441,
                0.128,
                "-19.58931 nats (annealing, optimistic; Monte Carlo error 0.00044, data error 0.13)",
            ),
            (-519.5, 12.3, 0.99, "-519.50 nats (annealing, optimistic; Monte Carlo error 12, data error 0.99)"),
            (
                -519.5,
                456.0,
                f64::INFINITY,
                "-520 nats (annealing, optimistic; Monte Carlo error 456, data error inf)",
            ),
            (-3.0, 0.0, f64::NAN, "-3.00 nats (annealing, optimistic; Monte Carlo error 0, data error NaN)"),
        ] {
            assert_eq!(estimate(value, monte_carlo, data).to_string(), shown);
        }
        let precise = format!("{:.4}", estimate(-19.589_314, 0.000_441, 0.128));
        assert_eq!(precise, "-19.5893 nats (annealing, optimistic; Monte Carlo error 0.0004, data error 0.1280)");
        let mean = LogMeanExp { value: 12.345_678, error: 0.0234, effective_sample_size: 41.23 };
        assert_eq!(mean.to_string(), "12.346 nats (Monte Carlo error 0.023, 41.2 effective draws)");
        assert_eq!(format!("{mean:.1}"), "12.3 nats (Monte Carlo error 0.0, 41.2 effective draws)");
    }

    #[test]
    fn a_model_of_ones_own_makes_its_estimate() {
        let warning = Warning::AboveZero { value: 1.0 };
        let estimate = Estimate::of(&[1.0, 3.0], Kind::Exact, "all states")
            .with_log_z(7.0, 0.5)
            .with_effective_sample_size(9.0)
            .with_baseline(-4.0)
            .with_warning(warning);
        assert_eq!((estimate.value, estimate.data_error, estimate.examples), (2.0, 1.0, 2));
        assert_eq!((estimate.log_z, estimate.log_z_error), (Some(7.0), Some(0.5)));
        assert_eq!((estimate.effective_sample_size, estimate.baseline), (Some(9.0), Some(-4.0)));
        assert_eq!(estimate.warnings, [warning]);
        assert!(estimate.to_string().starts_with("2.0 nats (all states, exact; data error 1.0); warning: "));
    }

    #[test]
    fn one_weight_knows_no_error() {
        assert_eq!(LogMeanExp::of(&[3.0]).error, f64::INFINITY);
        assert_eq!(mean_and_error(&[1.0, 3.0]), (2.0, 1.0));
    }
}
