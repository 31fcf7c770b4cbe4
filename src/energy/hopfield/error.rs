//! What can be wrong with a Hopfield network's weights, patterns or settings.

use crate::Setting;
use crate::energy::ParameterError;
use crate::store::SnapshotError;
use std::fmt;

/// Why a network could not be made, or patterns not be stored.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum HopfieldError {
    /// A network without units.
    NoUnits,
    /// Nothing to store.
    NoPatterns,
    /// A setting out of its range.
    Setting(Setting),
    /// Parameters or patterns that are none of a network's.
    Parameter(ParameterError),
    /// A pattern with a value that is neither −1 nor 1.
    NotASign {
        /// The pattern.
        pattern: usize,
        /// The unit.
        unit: usize,
        /// Its value.
        value: f32,
    },
    /// Arrays that are not a network's.
    Snapshot(SnapshotError),
}

impl HopfieldError {
    /// Advice: what usually helps, in one line, where there is something to say.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            HopfieldError::NotASign { .. } => {
                Some("numbers become signs by a threshold; what is 0 or 1 is bits already")
            }
            _ => None,
        }
    }
}

impl fmt::Display for HopfieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HopfieldError::NoUnits => f.write_str("a Hopfield network needs at least one unit"),
            HopfieldError::NoPatterns => f.write_str("there are no patterns to store"),
            HopfieldError::Setting(setting) => setting.fmt(f),
            HopfieldError::Parameter(error) => error.fmt(f),
            HopfieldError::NotASign { pattern, unit, value } => {
                write!(f, "unit {unit} of pattern {pattern} is {value}, wanted -1 or 1")
            }
            HopfieldError::Snapshot(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for HopfieldError {}

impl From<Setting> for HopfieldError {
    fn from(setting: Setting) -> Self {
        HopfieldError::Setting(setting)
    }
}

impl From<ParameterError> for HopfieldError {
    fn from(error: ParameterError) -> Self {
        HopfieldError::Parameter(error)
    }
}

impl From<SnapshotError> for HopfieldError {
    fn from(error: SnapshotError) -> Self {
        HopfieldError::Snapshot(error)
    }
}
