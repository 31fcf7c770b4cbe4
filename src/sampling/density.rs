//! What a model-free sampler is given: an unnormalised log-density, perhaps with its gradient.

use std::error::Error;
use std::fmt;

/// Why a log-density could not be computed at a point.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DensityError {
    /// The point is outside of what can be computed: a solver that did not converge, a matrix that is not positive
    /// definite. Samplers treat it as density zero, count it and go on.
    Recoverable(String),
    /// Going on makes no sense: missing data, a broken connection. Samplers stop and pass it on.
    Fatal(String),
}

impl fmt::Display for DensityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DensityError::Recoverable(why) | DensityError::Fatal(why) => f.write_str(why),
        }
    }
}

impl Error for DensityError {}

/// An unnormalised log-density over real vectors.
///
/// ```
/// use helmholtz::sampling::{DensityError, LogDensity};
///
/// /// A standard normal distribution.
/// struct Normal(usize);
///
/// impl LogDensity for Normal {
///     fn dimension(&self) -> usize {
///         self.0
///     }
///     fn log_density(&self, x: &[f64]) -> Result<f64, DensityError> {
///         Ok(-0.5 * x.iter().map(|x| x * x).sum::<f64>())
///     }
/// }
/// assert_eq!(Normal(2).log_density(&[1.0, 1.0]), Ok(-1.0));
/// ```
pub trait LogDensity: Sync {
    /// Components of a point.
    fn dimension(&self) -> usize;

    /// log p*(x) up to a constant, nats; −∞ where the density is zero. NaN and +∞ are refused by samplers.
    ///
    /// # Errors
    /// [`DensityError::Recoverable`] where this point alone is at fault.
    fn log_density(&self, x: &[f64]) -> Result<f64, DensityError>;
}

/// A log-density with its gradient.
pub trait GradientLogDensity: LogDensity {
    /// log p*(x), and ∇ log p*(x) into `gradient`, `[dimension]`.
    ///
    /// # Errors
    /// As [`LogDensity::log_density`].
    fn log_density_and_gradient(&self, x: &[f64], gradient: &mut [f64]) -> Result<f64, DensityError>;
}

impl<D: LogDensity + ?Sized> LogDensity for &D {
    fn dimension(&self) -> usize {
        (**self).dimension()
    }
    fn log_density(&self, x: &[f64]) -> Result<f64, DensityError> {
        (**self).log_density(x)
    }
}

impl<D: GradientLogDensity + ?Sized> GradientLogDensity for &D {
    fn log_density_and_gradient(&self, x: &[f64], gradient: &mut [f64]) -> Result<f64, DensityError> {
        (**self).log_density_and_gradient(x, gradient)
    }
}
