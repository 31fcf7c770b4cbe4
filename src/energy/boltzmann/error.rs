//! What can be wrong with a Boltzmann machine's parameters, recipe or data.

use crate::store::SnapshotError;
use crate::train::ModelError;
use std::fmt;

/// Why a Boltzmann machine could not be made, trained or evaluated.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum BoltzmannError {
    /// A machine without visible units.
    NoUnits,
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
    /// Weights of which W_ij is not W_ji.
    NotSymmetric {
        /// i.
        row: usize,
        /// j.
        column: usize,
        /// W_ij and W_ji.
        values: [f32; 2],
    },
    /// A unit that acts on itself.
    SelfCoupling {
        /// The unit.
        unit: usize,
        /// W_ii.
        value: f32,
    },
    /// Data as wide as another model.
    Width {
        /// Values a row of the data.
        data: usize,
        /// Visible units of the model.
        model: usize,
    },
    /// Grey levels where bits are wanted.
    Grey,
    /// No rows.
    NoRows,
    /// More units to enumerate than allowed.
    TooManyUnits {
        /// Units of the machine.
        units: usize,
        /// The most that are enumerated.
        limit: usize,
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
    /// Arrays that are not a Boltzmann machine's.
    Snapshot(SnapshotError),
}

impl fmt::Display for BoltzmannError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BoltzmannError::NoUnits => f.write_str("a Boltzmann machine needs at least one visible unit"),
            BoltzmannError::Shape { tensor, shape, length } => {
                write!(f, "{tensor} of shape {shape:?} cannot have {length} values")
            }
            BoltzmannError::NonFinite { tensor, value } => write!(f, "{tensor} holds {value}"),
            BoltzmannError::NotSymmetric { row, column, values: [there, back] } => write!(
                f,
                "weights are not symmetric: {there} from unit {row} to {column}, {back} from {column} to {row}"
            ),
            BoltzmannError::SelfCoupling { unit, value } => {
                write!(f, "unit {unit} acts on itself with a weight of {value}, wanted 0")
            }
            BoltzmannError::Width { data, model } => {
                write!(f, "the data has {data} values a row, the model {model} visible units")
            }
            BoltzmannError::Grey => f.write_str("a Boltzmann machine has binary units: binarise the data"),
            BoltzmannError::NoRows => f.write_str("the data has no rows"),
            BoltzmannError::TooManyUnits { units, limit } => {
                write!(f, "the machine has {units} units; at most {limit} are enumerated")
            }
            BoltzmannError::Setting { name, given, wanted } => {
                write!(f, "{name} is {given}, but must be {wanted}")
            }
            BoltzmannError::Snapshot(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for BoltzmannError {}

impl ModelError for BoltzmannError {
    fn hint(&self) -> Option<&'static str> {
        None
    }
}

impl From<SnapshotError> for BoltzmannError {
    fn from(error: SnapshotError) -> Self {
        BoltzmannError::Snapshot(error)
    }
}
