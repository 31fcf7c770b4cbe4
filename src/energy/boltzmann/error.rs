//! What can be wrong with a Boltzmann machine's parameters, recipe or data.

use crate::Setting;
use crate::data::Unsuitable;
use crate::energy::ParameterError;
use crate::store::SnapshotError;
use crate::train::ModelError;
use std::fmt;

/// Why a Boltzmann machine could not be made, trained or evaluated.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum BoltzmannError {
    /// A machine without visible units.
    NoUnits,
    /// A setting out of its range.
    Setting(Setting),
    /// Parameters that are none of a Boltzmann machine's.
    Parameter(ParameterError),
    /// Data that does not suit the machine.
    Data(Unsuitable),
    /// More units to enumerate than allowed.
    TooManyUnits {
        /// Units of the machine.
        units: usize,
        /// The most that are enumerated.
        limit: usize,
    },
    /// Arrays that are not a Boltzmann machine's.
    Snapshot(SnapshotError),
}

impl fmt::Display for BoltzmannError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BoltzmannError::NoUnits => f.write_str("a Boltzmann machine needs at least one visible unit"),
            BoltzmannError::Setting(setting) => setting.fmt(f),
            BoltzmannError::Parameter(error) => error.fmt(f),
            BoltzmannError::Data(error) => error.fmt(f),
            BoltzmannError::TooManyUnits { units, limit } => {
                write!(f, "the machine has {units} units; at most {limit} are enumerated")
            }
            BoltzmannError::Snapshot(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for BoltzmannError {}

impl ModelError for BoltzmannError {
    fn hint(&self) -> Option<&'static str> {
        match self {
            BoltzmannError::Data(error) => error.hint(),
            BoltzmannError::TooManyUnits { .. } => Some("sampling estimates what cannot be enumerated"),
            _ => None,
        }
    }
}

impl From<Setting> for BoltzmannError {
    fn from(setting: Setting) -> Self {
        BoltzmannError::Setting(setting)
    }
}

impl From<ParameterError> for BoltzmannError {
    fn from(error: ParameterError) -> Self {
        BoltzmannError::Parameter(error)
    }
}

impl From<Unsuitable> for BoltzmannError {
    fn from(error: Unsuitable) -> Self {
        BoltzmannError::Data(error)
    }
}

impl From<SnapshotError> for BoltzmannError {
    fn from(error: SnapshotError) -> Self {
        BoltzmannError::Snapshot(error)
    }
}
