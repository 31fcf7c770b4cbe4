//! What can be wrong with an RBM's parameters, recipe or data.

use crate::Setting;
use crate::data::Unsuitable;
use crate::energy::ParameterError;
use crate::store::SnapshotError;
use crate::train::ModelError;
use std::fmt;

/// Why an RBM could not be made, trained or evaluated.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RbmError {
    /// A layer without units.
    NoUnits {
        /// Visible units asked for.
        visible: usize,
        /// Hidden units asked for.
        hidden: usize,
    },
    /// A setting out of its range.
    Setting(Setting),
    /// Parameters that are none of an RBM's.
    Parameter(ParameterError),
    /// Data that does not suit the machine.
    Data(Unsuitable),
    /// More units to enumerate than allowed.
    TooManyUnits {
        /// Units of the smaller layer.
        units: usize,
        /// The most that are enumerated.
        limit: usize,
    },
    /// Weights that a 16-bit grid is too coarse for.
    Coarse {
        /// The predicted error of a logit, root mean square over the worst unit.
        logit_error: f64,
        /// The most that is accepted.
        limit: f64,
    },
    /// Arrays that are not an RBM's.
    Snapshot(SnapshotError),
}

impl fmt::Display for RbmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RbmError::NoUnits { visible, hidden } => {
                write!(f, "an RBM needs at least one unit a layer, not {visible} visible and {hidden} hidden")
            }
            RbmError::Setting(setting) => setting.fmt(f),
            RbmError::Parameter(error) => error.fmt(f),
            RbmError::Data(error) => error.fmt(f),
            RbmError::TooManyUnits { units, limit } => {
                write!(f, "the smaller layer has {units} units; at most {limit} are enumerated")
            }
            RbmError::Coarse { logit_error, limit } => {
                write!(f, "16-bit sums would move a logit by {logit_error:.3}, more than {limit}")
            }
            RbmError::Snapshot(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for RbmError {}

impl ModelError for RbmError {
    fn hint(&self) -> Option<&'static str> {
        match self {
            RbmError::Data(error) => error.hint(),
            RbmError::TooManyUnits { .. } => Some("annealing estimates what cannot be enumerated"),
            RbmError::Coarse { .. } => Some("f32 precision takes every machine"),
            _ => None,
        }
    }
}

impl From<Setting> for RbmError {
    fn from(setting: Setting) -> Self {
        RbmError::Setting(setting)
    }
}

impl From<ParameterError> for RbmError {
    fn from(error: ParameterError) -> Self {
        RbmError::Parameter(error)
    }
}

impl From<Unsuitable> for RbmError {
    fn from(error: Unsuitable) -> Self {
        RbmError::Data(error)
    }
}

impl From<SnapshotError> for RbmError {
    fn from(error: SnapshotError) -> Self {
        RbmError::Snapshot(error)
    }
}
