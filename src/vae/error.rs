//! What can be wrong with a variational autoencoder's shape, recipe or data.

use crate::optim::OptimiserError;
use crate::store::SnapshotError;
use std::fmt;

/// Why a variational autoencoder could not be made, trained or evaluated.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum VaeError {
    /// A setting out of its range.
    Setting {
        /// Its name.
        name: &'static str,
        /// What was given.
        given: String,
        /// What would do.
        wanted: &'static str,
    },
    /// Data as wide as another model.
    Width {
        /// Values a row of the data.
        data: usize,
        /// Values a row of the model.
        model: usize,
    },
    /// No rows.
    NoRows,
    /// Numbers above 1 where the model has probabilities.
    Support {
        /// The largest number a row of the data can hold.
        largest: f32,
    },
    /// Grey levels where a Bernoulli model was asked for a likelihood.
    Grey,
    /// A parameter that is NaN or infinite.
    NonFinite {
        /// Its name.
        tensor: String,
    },
    /// Another number of latent dimensions than a picture of them needs.
    Latent {
        /// Those of the model.
        given: usize,
        /// Those needed.
        wanted: usize,
    },
    /// A setting of the optimiser out of its range.
    Optimiser(OptimiserError),
    /// Arrays that are not a variational autoencoder's.
    Snapshot(SnapshotError),
}

impl VaeError {
    pub(super) fn setting(name: &'static str, given: impl fmt::Display, wanted: &'static str) -> Self {
        VaeError::Setting { name, given: given.to_string(), wanted }
    }

    /// What usually helps, in one line, where there is something to say.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            VaeError::Support { .. } => Some("read the data on the unit scale, or choose a Gaussian likelihood"),
            VaeError::Grey => Some("binarise the data, or choose a Gaussian likelihood"),
            _ => None,
        }
    }
}

impl fmt::Display for VaeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VaeError::Setting { name, given, wanted } => write!(f, "{name} is {given}, but must be {wanted}"),
            VaeError::Width { data, model } => write!(f, "the data has {data} values a row, the model {model}"),
            VaeError::NoRows => f.write_str("the data has no rows"),
            VaeError::Support { largest } => {
                write!(f, "a Bernoulli likelihood needs numbers from 0 to 1, the data go up to {largest}")
            }
            VaeError::Grey => f.write_str("grey levels give a Bernoulli model no log-likelihood"),
            VaeError::NonFinite { tensor } => write!(f, "{tensor} holds a NaN or an infinity"),
            VaeError::Latent { given, wanted } => {
                write!(
                    f,
                    "the picture of the latent plane needs {wanted} latent dimensions, the model has {given}"
                )
            }
            VaeError::Optimiser(error) => error.fmt(f),
            VaeError::Snapshot(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for VaeError {}

impl From<SnapshotError> for VaeError {
    fn from(error: SnapshotError) -> Self {
        VaeError::Snapshot(error)
    }
}

impl From<OptimiserError> for VaeError {
    fn from(error: OptimiserError) -> Self {
        VaeError::Optimiser(error)
    }
}
