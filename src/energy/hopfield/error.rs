//! What can be wrong with a Hopfield network's weights, patterns or settings.

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
    /// Weights of which W_ij is not W_ji: there would be no energy.
    NotSymmetric {
        /// i.
        row: usize,
        /// j.
        column: usize,
        /// W_ij and W_ji.
        values: [f32; 2],
    },
    /// A pattern with a value that is neither −1 nor 1.
    NotASign {
        /// The pattern.
        pattern: usize,
        /// The unit.
        unit: usize,
        /// Its value.
        value: f32,
    },
    /// Patterns as wide as another network.
    Width {
        /// Units of the patterns.
        patterns: usize,
        /// Units of the network.
        network: usize,
    },
    /// Patterns of which one is a combination of the others: the pseudo-inverse rule has no answer.
    Dependent {
        /// The first such pattern.
        pattern: usize,
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
    /// Arrays that are not a network's.
    Snapshot(SnapshotError),
}

impl fmt::Display for HopfieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HopfieldError::NoUnits => f.write_str("a Hopfield network needs at least one unit"),
            HopfieldError::NoPatterns => f.write_str("there are no patterns to store"),
            HopfieldError::Shape { tensor, shape, length } => {
                write!(f, "{tensor} of shape {shape:?} cannot have {length} values")
            }
            HopfieldError::NonFinite { tensor, value } => write!(f, "{tensor} holds {value}"),
            HopfieldError::NotSymmetric { row, column, values: [there, back] } => write!(
                f,
                "weights are not symmetric: {there} from unit {row} to {column}, {back} from {column} to {row}"
            ),
            HopfieldError::NotASign { pattern, unit, value } => {
                write!(f, "unit {unit} of pattern {pattern} is {value}, wanted -1 or 1")
            }
            HopfieldError::Width { patterns, network } => {
                write!(f, "the patterns have {patterns} units, the network {network}")
            }
            HopfieldError::Dependent { pattern } => write!(
                f,
                "pattern {pattern} is a linear combination of those before it: the pseudo-inverse rule cannot store it"
            ),
            HopfieldError::Setting { name, given, wanted } => write!(f, "{name} is {given}, but must be {wanted}"),
            HopfieldError::Snapshot(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for HopfieldError {}

impl From<SnapshotError> for HopfieldError {
    fn from(error: SnapshotError) -> Self {
        HopfieldError::Snapshot(error)
    }
}
