//! What can be wrong with an RBM's parameters, recipe or data.

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
    /// A parameter whose length is not its shape's.
    Shape {
        /// Its name.
        tensor: &'static str,
        /// The shape it should have.
        shape: Vec<usize>,
        /// The values it has.
        length: usize,
    },
    /// A parameter that is NaN or infinite.
    NonFinite {
        /// Its name.
        tensor: &'static str,
        /// The first such value.
        value: f32,
    },
    /// Data as wide as another model.
    Width {
        /// Values a row of the data.
        data: usize,
        /// Visible units of the model.
        model: usize,
    },
    /// Grey levels where a likelihood was asked for.
    Grey,
    /// Real numbers where bits or their probabilities are wanted.
    Real,
    /// No rows.
    NoRows,
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
    /// A setting out of its range.
    Setting {
        /// Its name.
        name: &'static str,
        /// What was given.
        given: String,
        /// What would do.
        wanted: &'static str,
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
            RbmError::Shape { tensor, shape, length } => {
                write!(f, "{tensor} of shape {shape:?} cannot have {length} values")
            }
            RbmError::NonFinite { tensor, value } => write!(f, "{tensor} holds {value}"),
            RbmError::Width { data, model } => {
                write!(f, "the data has {data} values a row, the model {model} visible units")
            }
            RbmError::Grey => {
                f.write_str("grey levels give a Bernoulli model no log-likelihood: binarise the data")
            }
            RbmError::Real => f.write_str("the data is real numbers, and the visible units are bits"),
            RbmError::NoRows => f.write_str("the data has no rows"),
            RbmError::TooManyUnits { units, limit } => {
                write!(f, "the smaller layer has {units} units; at most {limit} are enumerated")
            }
            RbmError::Coarse { logit_error, limit } => write!(
                f,
                "16-bit sums would move a logit by {logit_error:.3}, more than {limit}: use f32 precision"
            ),
            RbmError::Setting { name, given, wanted } => write!(f, "{name} is {given}, but must be {wanted}"),
            RbmError::Snapshot(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for RbmError {}

impl ModelError for RbmError {
    fn hint(&self) -> Option<&'static str> {
        None
    }
}

impl From<SnapshotError> for RbmError {
    fn from(error: SnapshotError) -> Self {
        RbmError::Snapshot(error)
    }
}
