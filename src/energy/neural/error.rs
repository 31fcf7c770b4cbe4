//! What can be wrong with a neural energy's shape, recipe, data or chains.

use crate::optim::OptimiserError;
use crate::sampling::SamplingError;
use crate::store::SnapshotError;
use std::fmt;

/// Why a neural energy could not be made, trained, sampled or evaluated.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum NeuralError {
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
    /// Bits where real numbers are wanted.
    Bits,
    /// An energy that nothing confines has no likelihood.
    Unconfined,
    /// An energy or its slope that is NaN or infinite where a chain is.
    NonFiniteEnergy {
        /// Which chain.
        chain: usize,
    },
    /// A parameter that is NaN or infinite.
    NonFinite {
        /// Its name.
        tensor: String,
    },
    /// A setting of the optimiser out of its range.
    Optimiser(OptimiserError),
    /// Arrays that are not a neural energy's.
    Snapshot(SnapshotError),
    /// What stopped annealed importance sampling.
    Sampling(SamplingError),
}

impl NeuralError {
    pub(super) fn setting(name: &'static str, given: impl fmt::Display, wanted: &'static str) -> Self {
        NeuralError::Setting { name, given: given.to_string(), wanted }
    }

    /// What usually helps, in one line, where there is something to say.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            NeuralError::Bits => Some("an RBM, a Boltzmann machine or a VAE learns bits"),
            NeuralError::Unconfined => Some("train it with a confinement above 0"),
            NeuralError::NonFiniteEnergy { .. } => Some("a smaller step or a lower learning rate usually helps"),
            _ => None,
        }
    }
}

impl fmt::Display for NeuralError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NeuralError::Setting { name, given, wanted } => write!(f, "{name} is {given}, but must be {wanted}"),
            NeuralError::Width { data, model } => {
                write!(f, "the data has {data} values a row, the model {model}")
            }
            NeuralError::NoRows => f.write_str("the data has no rows"),
            NeuralError::Bits => f.write_str("the data is bits, and a neural energy is a density of real numbers"),
            NeuralError::Unconfined => {
                f.write_str("without a confinement e^(−E) need not be normalisable: there is no likelihood")
            }
            NeuralError::NonFiniteEnergy { chain } => {
                write!(f, "the energy or its slope became NaN or infinite where chain {chain} is")
            }
            NeuralError::NonFinite { tensor } => write!(f, "{tensor} holds a NaN or an infinity"),
            NeuralError::Optimiser(error) => error.fmt(f),
            NeuralError::Snapshot(error) => error.fmt(f),
            NeuralError::Sampling(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for NeuralError {}

impl From<SnapshotError> for NeuralError {
    fn from(error: SnapshotError) -> Self {
        NeuralError::Snapshot(error)
    }
}

impl From<OptimiserError> for NeuralError {
    fn from(error: OptimiserError) -> Self {
        NeuralError::Optimiser(error)
    }
}

impl From<SamplingError> for NeuralError {
    fn from(error: SamplingError) -> Self {
        NeuralError::Sampling(error)
    }
}
