//! What can stop a sampler.

use super::DensityError;
use crate::Setting;
use std::error::Error;
use std::fmt;

/// Why a sampler stopped.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SamplingError {
    /// A setting out of its range.
    Setting(Setting),
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
        /// The value.
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

impl SamplingError {
    /// Advice: what usually helps, in one line, where there is something to say.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            SamplingError::Start { .. } => Some("start where the density is above 0"),
            SamplingError::NonFinite { .. } => Some("a smaller step, or another start, usually helps"),
            SamplingError::NoOverlap { .. } => Some("a wider proposal usually helps"),
            SamplingError::Setting(_) | SamplingError::Dimension { .. } | SamplingError::Density(_) => None,
        }
    }
}

impl fmt::Display for SamplingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SamplingError::Setting(setting) => setting.fmt(f),
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

impl From<Setting> for SamplingError {
    fn from(setting: Setting) -> Self {
        SamplingError::Setting(setting)
    }
}
