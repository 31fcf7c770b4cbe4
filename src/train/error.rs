//! Errors that end a run early.

use crate::Setting;
use crate::data::{DataError, Unsuitable};
use crate::store::SnapshotError;
use std::error::Error;
use std::fmt;

/// The hint where a number becomes NaN or infinite in training.
pub(crate) const LOWER_RATE: &str = "a lower learning rate usually helps";

/// A model's own error, which the loop passes on as it is: `?` makes a [`TrainError`] of it.
pub trait ModelError: Error + Send + Sync + 'static {
    /// What usually helps, in one line, where there is something to say.
    fn hint(&self) -> Option<&'static str>;
}

/// An error that ends a run early.
#[derive(Debug)]
#[non_exhaustive]
pub enum TrainError {
    /// A NaN or an infinity. What was saved before it stays.
    NonFinite {
        /// Updates finished when it was found.
        step: u64,
        /// The parameter, statistic or figure that holds it.
        tensor: String,
        /// What usually helps.
        hint: &'static str,
    },
    /// A setting out of its range.
    Setting(Setting),
    /// Rows that cannot be held out.
    Data(DataError),
    /// Rows with weights, which the learner takes no account of.
    Weights,
    /// Early stopping without rows held out: it would watch the rows it trains on.
    NothingHeldOut,
    /// Early stopping without a figure to watch: the learner is judged by none, and none was named.
    NoJudge,
    /// A checkpoint of a run with another setting.
    Resume {
        /// The setting.
        setting: &'static str,
        /// The checkpoint's.
        saved: String,
        /// This run's.
        given: String,
    },
    /// A checkpoint with a NaN or an infinity in it, which no run has saved.
    NonFiniteCheckpoint {
        /// The array that holds it.
        tensor: String,
    },
    /// A checkpoint that no training run wrote.
    NoPosition,
    /// A checkpoint further on than the run should go.
    Past {
        /// Steps the checkpoint has behind it.
        done: u64,
        /// Steps asked for.
        steps: u64,
    },
    /// Early stopping watches a figure that the learner does not report.
    NoSuchMetric {
        /// The figure watched.
        name: String,
        /// The figures there are.
        reported: String,
    },
    /// A checkpoint that does not fit the learner.
    Snapshot(SnapshotError),
    /// The model's own reason.
    Learner(Box<dyn ModelError>),
    /// An observer's reason: it could not write, for example.
    Observer(Box<dyn Error + Send + Sync>),
}

impl TrainError {
    /// What usually helps, in one line, where there is something to say.
    pub fn hint(&self) -> Option<&str> {
        match self {
            TrainError::NonFinite { hint, .. } if !hint.is_empty() => Some(hint),
            TrainError::Data(error) => error.hint(),
            TrainError::Learner(error) => error.hint(),
            _ => None,
        }
    }
}

impl fmt::Display for TrainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrainError::NonFinite { step, tensor, .. } => {
                write!(f, "{tensor} became NaN or infinite at step {step}")
            }
            TrainError::Setting(setting) => setting.fmt(f),
            TrainError::Data(error) => error.fmt(f),
            TrainError::Weights => f.write_str("the rows have weights, which this model takes no account of"),
            TrainError::NothingHeldOut => f.write_str("early stopping needs rows held out of training to watch"),
            TrainError::NoJudge => f.write_str("early stopping has no figure to watch: the learner names none"),
            TrainError::Resume { setting, saved, given } => {
                write!(f, "the checkpoint was made with {setting} {saved}, not {given}")
            }
            TrainError::NonFiniteCheckpoint { tensor } => {
                write!(f, "the checkpoint is damaged: {tensor} holds a NaN or an infinity")
            }
            TrainError::NoPosition => f.write_str("the file to resume from is no checkpoint of a training run"),
            TrainError::Past { done, steps } => {
                write!(f, "the run is at step {done}, past the {steps} asked for now")
            }
            TrainError::NoSuchMetric { name, reported } => {
                write!(f, "early stopping watches {name}, but the figures of this run are: {reported}")
            }
            TrainError::Snapshot(error) => write!(f, "the checkpoint does not fit: {error}"),
            TrainError::Learner(error) => error.fmt(f),
            TrainError::Observer(error) => error.fmt(f),
        }
    }
}

impl Error for TrainError {
    /// The cause of the error that this one shows as its own.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            TrainError::Setting(error) => error.source(),
            TrainError::Data(error) => error.source(),
            TrainError::Snapshot(error) => error.source(),
            TrainError::Learner(error) => error.source(),
            TrainError::Observer(error) => error.source(),
            _ => None,
        }
    }
}

impl<E: ModelError> From<E> for TrainError {
    fn from(error: E) -> Self {
        TrainError::Learner(Box::new(error))
    }
}

impl ModelError for Unsuitable {
    fn hint(&self) -> Option<&'static str> {
        Unsuitable::hint(self)
    }
}

impl From<Setting> for TrainError {
    fn from(setting: Setting) -> Self {
        TrainError::Setting(setting)
    }
}

impl From<DataError> for TrainError {
    fn from(error: DataError) -> Self {
        TrainError::Data(error)
    }
}

impl From<SnapshotError> for TrainError {
    fn from(error: SnapshotError) -> Self {
        TrainError::Snapshot(error)
    }
}
