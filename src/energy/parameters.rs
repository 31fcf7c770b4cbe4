//! Parameters: what weights and biases that come from elsewhere must be.

use std::fmt;

/// Why weights or biases are none of a model's.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ParameterError {
    /// A value that is NaN or infinite.
    NonFinite {
        /// The tensor that holds it.
        tensor: &'static str,
        /// The first such value.
        value: f32,
    },
    /// Weights of which Wᵢⱼ is not Wⱼᵢ: there would be no energy.
    NotSymmetric {
        /// i.
        row: usize,
        /// j.
        column: usize,
        /// Wᵢⱼ and Wⱼᵢ.
        values: [f32; 2],
    },
    /// A unit that acts on itself.
    SelfCoupling {
        /// The unit.
        unit: usize,
        /// Wᵢᵢ.
        value: f32,
    },
}

impl fmt::Display for ParameterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ParameterError::NonFinite { tensor, value } => write!(f, "{tensor} holds {value}"),
            ParameterError::NotSymmetric { row, column, values: [there, back] } => write!(
                f,
                "weights are not symmetric: {there} from unit {row} to {column}, {back} from {column} to {row}"
            ),
            ParameterError::SelfCoupling { unit, value } => {
                write!(f, "unit {unit} acts on itself with a weight of {value}, wanted 0")
            }
        }
    }
}

impl std::error::Error for ParameterError {}

/// Checks that `values` are as many as `shape` says, and finite.
///
/// # Panics
/// Where they are not as many.
#[track_caller]
pub(super) fn check(tensor: &'static str, values: &[f32], shape: &[usize]) -> Result<(), ParameterError> {
    let wanted = shape.iter().try_fold(1usize, |n, &axis| n.checked_mul(axis));
    assert!(Some(values.len()) == wanted, "{tensor} of shape {shape:?} from {} values", values.len());
    match values.iter().find(|value| !value.is_finite()) {
        Some(&value) => Err(ParameterError::NonFinite { tensor, value }),
        None => Ok(()),
    }
}

/// Checks that weights `[units, units]` are symmetric.
pub(super) fn check_symmetric(weights: &[f32], units: usize) -> Result<(), ParameterError> {
    for row in 0..units {
        for column in row + 1..units {
            let values = [weights[row * units + column], weights[column * units + row]];
            if values[0] != values[1] {
                return Err(ParameterError::NotSymmetric { row, column, values });
            }
        }
    }
    Ok(())
}
