//! What can stop a sampler.

use super::DensityError;
use std::error::Error;
use std::fmt;

/// What can stop a sampler.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SamplingError {
    /// A setting out of its range.
    Setting {
        /// Its name.
        name: &'static str,
        /// What was given.
        given: String,
        /// What would do.
        wanted: &'static str,
    },
    /// A point of another dimension than the density's.
    Dimension {
        /// Components of the point.
        given: usize,
        /// Components that the density takes.
        wanted: usize,
    },
    /// The log-density is −∞ where a chain starts.
    Start {
        /// Which chain.
        chain: usize,
        /// The log-density there.
        log_density: f64,
    },
    /// A density, a gradient or a proposal gave NaN or +∞.
    NonFinite {
        /// Which of them.
        what: &'static str,
        /// What it gave.
        value: f64,
        /// Steps finished when it did.
        step: usize,
    },
    /// None of an importance sampler's draws has a weight.
    NoOverlap {
        /// Draws there were.
        draws: usize,
    },
    /// The density gave up for good.
    Density(DensityError),
}

impl fmt::Display for SamplingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SamplingError::Setting { name, given, wanted } => write!(f, "{name} is {given}, but must be {wanted}"),
            SamplingError::Dimension { given, wanted } => {
                write!(f, "a point of {given} components for a density of {wanted}")
            }
            SamplingError::Start { chain, log_density } => {
                write!(
                    f,
                    "the log-density is {log_density} where chain {chain} starts: it can go nowhere from there"
                )
            }
            SamplingError::NonFinite { what, value, step } => write!(f, "{what} gave {value} after {step} steps"),
            SamplingError::NoOverlap { draws } => {
                write!(f, "the target is zero at each of the proposal's {draws} draws: they do not overlap")
            }
            SamplingError::Density(error) => error.fmt(f),
        }
    }
}

impl Error for SamplingError {}

/// Refuses a setting of 0.
pub(super) fn at_least_one(name: &'static str, given: usize) -> Result<(), SamplingError> {
    match given {
        0 => Err(SamplingError::Setting { name, given: "0".to_owned(), wanted: "at least 1" }),
        _ => Ok(()),
    }
}

/// Refuses a setting that is not a positive finite number.
pub(super) fn positive(name: &'static str, given: f64) -> Result<(), SamplingError> {
    if given > 0.0 && given.is_finite() {
        return Ok(());
    }
    Err(SamplingError::Setting { name, given: given.to_string(), wanted: "a positive number" })
}
