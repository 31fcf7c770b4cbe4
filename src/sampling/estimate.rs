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
    /// Neither. With a Monte Carlo error of 0 nothing was sampled: a sum over a grid, whose own error, that of log Z, is
    /// estimated.
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
/// the decimals of all. An infinite error is one that is not known, and displayed as `unknown`.
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
    /// Standard error from the sampler, nats; 0 where exact, infinite where it is not known.
    pub monte_carlo_error: f64,
    /// Standard error from the finite number of examples, nats; infinite where it is not known.
    pub data_error: f64,
    /// How it was made, in words.
    pub method: String,
    /// The log partition function, nats, where the model has one.
    pub log_z: Option<f64>,
    /// Standard error of `log_z`, nats, infinite where it is not known; of a sum over a grid an estimate of its error.
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

    /// Whether nothing was sampled, and yet the figure is not exact: the error of log Z is an estimate.
    pub fn is_without_sampling(&self) -> bool {
        self.kind == Kind::Estimate && self.monte_carlo_error == 0.0
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
pub(super) fn decimals(error: f64) -> Option<usize> {
    let known = error.is_finite() && error > 0.0;
    known.then(|| (1.0 - error.log10().floor()).clamp(0.0, 15.0) as usize)
}

/// The decimals of a value with these errors: those of the smallest, or 2 where none is known.
pub(super) fn decimals_of_value(errors: &[f64]) -> usize {
    errors.iter().filter_map(|&error| decimals(error)).max().unwrap_or(2)
}

/// A standard error with `precision` decimals, or else with two significant digits; `unknown` where it is not finite.
pub(super) fn write_error(f: &mut fmt::Formatter<'_>, error: f64) -> fmt::Result {
    if !error.is_finite() {
        return f.write_str("unknown");
    }
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
        if self.is_without_sampling() {
            f.write_str("no sampling; error of log Z ")?;
            write_error(f, self.log_z_error.unwrap_or(f64::INFINITY))?;
            f.write_str(" estimated, ")?;
        } else if self.kind != Kind::Exact {
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

/// Mean of `values` and its standard error.
pub(crate) fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, if n > 1.0 { (squares / (n - 1.0) / n).sqrt() } else { f64::INFINITY })
}

/// The Monte Carlo error of the mean of `values` that were estimated apart, each with its own of `errors`, which may be unknown.
///
/// The square of a value's distance from the mean of all, times n / (n − 1), is on average at least the variance of its own noise.
/// So it stands for the error of a value that knows none: the figure's error is then too large rather than too small.
/// Infinite where a single value does not know its error.
pub(crate) fn error_of_mean(values: &[f64], errors: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let square = |(value, error): (&f64, &f64)| match error.is_finite() {
        true => error * error,
        false if n > 1.0 => (value - mean).powi(2) * n / (n - 1.0),
        false => f64::INFINITY,
    };
    values.iter().zip(errors).map(square).sum::<f64>().sqrt() / n
}

/// Three standard errors of the difference of figures with these errors, nats. An error that is not known allows nothing: its
/// figure carries a warning of that, and no contradiction may hide behind it.
pub(crate) fn three_errors(errors: &[f64]) -> f64 {
    let known = errors.iter().filter(|error| error.is_finite());
    3.0 * known.map(|error| error * error).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

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
                "-520 nats (annealing, optimistic; Monte Carlo error 456, data error unknown)",
            ),
            (-3.0, 0.0, f64::NAN, "-3.00 nats (annealing, optimistic; Monte Carlo error 0, data error unknown)"),
        ] {
            assert_eq!(estimate(value, monte_carlo, data).to_string(), shown);
        }
        let precise = format!("{:.4}", estimate(-19.589_314, 0.000_441, 0.128));
        assert_eq!(precise, "-19.5893 nats (annealing, optimistic; Monte Carlo error 0.0004, data error 0.1280)");
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
    fn a_sum_over_a_grid_is_neither_sampled_nor_exact() {
        let grid = Estimate { data_error: 0.12, ..Estimate::of(&[-1.5], Kind::Estimate, "a grid") };
        let shown =
            "-1.50 nats (a grid, estimate; no sampling; error of log Z 0.00031 estimated, data error 0.12)";
        assert_eq!(grid.clone().with_log_z(1.0, 3.1e-4).to_string(), shown);
        assert!(grid.to_string().contains("error of log Z unknown"));
    }

    #[test]
    fn unknown_errors_allow_nothing() {
        assert_eq!(mean_and_error(&[1.0, 3.0]), (2.0, 1.0));
        assert_eq!(three_errors(&[3.0, 4.0]), 15.0);
        assert_eq!(three_errors(&[3.0, f64::INFINITY, f64::NAN]), 9.0);
        assert_eq!(three_errors(&[f64::INFINITY]), 0.0);
    }

    /// Numbers whose own errors are unknown tell them by how they scatter: never less on average than their noise.
    #[test]
    fn rows_without_an_error_of_their_own_are_known_by_their_spread() {
        assert_eq!(error_of_mean(&[1.0, 5.0, 9.0], &[0.3, 0.4, 1.2]), 1.3 / 3.0);
        // (1 + 16) · 3/2 of the two, about the mean of all three.
        let spread = error_of_mean(&[1.0, 5.0, 0.0], &[f64::INFINITY, f64::NAN, 0.5]);
        assert!((spread - ((1.0 + 9.0) * 1.5 + 0.25f64).sqrt() / 3.0).abs() < 1e-15, "{spread}");
        let all = error_of_mean(&[1.0, 3.0], &[f64::INFINITY; 2]);
        assert_eq!(all, mean_and_error(&[1.0, 3.0]).1);
        assert_eq!(error_of_mean(&[1.0], &[f64::INFINITY]), f64::INFINITY);
    }
}
