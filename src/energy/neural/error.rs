//! Errors of a neural energy's shape, recipe, data or chains.

use crate::Setting;
use crate::data::Unsuitable;
use crate::sampling::SamplingError;
use crate::store::SnapshotError;
use crate::train::ModelError;
use std::fmt;

/// The error of a neural energy that could not be made, trained, sampled or evaluated.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum NeuralError {
    /// A setting out of its range.
    Setting(Setting),
    /// Data that does not suit the model.
    Unsuitable(Unsuitable),
    /// An energy that nothing confines has no likelihood.
    Unconfined,
    /// An energy or its slope that is NaN or infinite where a chain is.
    NonFiniteEnergy {
        /// Which chain.
        chain: usize,
    },
    /// Arrays that are not a neural energy's.
    Snapshot(SnapshotError),
    /// The error that stopped annealed importance sampling.
    Sampling(SamplingError),
}

impl NeuralError {
    pub(super) fn setting(name: &'static str, given: impl fmt::Display, wanted: &'static str) -> Self {
        NeuralError::Setting(Setting::new(name, given, wanted))
    }

    /// What usually helps, in one line, where there is something to say.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            NeuralError::Unsuitable(error) => error.hint(),
            NeuralError::Unconfined => Some("train it with a confinement above 0"),
            NeuralError::NonFiniteEnergy { .. } => Some("a smaller step or a lower learning rate usually helps"),
            _ => None,
        }
    }
}

impl fmt::Display for NeuralError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NeuralError::Setting(error) => error.fmt(f),
            NeuralError::Unsuitable(error) => error.fmt(f),
            NeuralError::Unconfined => {
                f.write_str("without a confinement e^(−E) need not be normalisable: there is no likelihood")
            }
            NeuralError::NonFiniteEnergy { chain } => {
                write!(f, "the energy or its slope became NaN or infinite where chain {chain} is")
            }
            NeuralError::Snapshot(error) => error.fmt(f),
            NeuralError::Sampling(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for NeuralError {}

impl ModelError for NeuralError {
    fn hint(&self) -> Option<&'static str> {
        NeuralError::hint(self)
    }
}

impl From<SnapshotError> for NeuralError {
    fn from(error: SnapshotError) -> Self {
        NeuralError::Snapshot(error)
    }
}

impl From<Setting> for NeuralError {
    fn from(setting: Setting) -> Self {
        NeuralError::Setting(setting)
    }
}

impl From<Unsuitable> for NeuralError {
    fn from(error: Unsuitable) -> Self {
        NeuralError::Unsuitable(error)
    }
}

impl From<SamplingError> for NeuralError {
    fn from(error: SamplingError) -> Self {
        NeuralError::Sampling(error)
    }
}
