//! A model in training, as the loop knows it.

use super::{Judge, Metrics, Progress, TrainError};
use crate::data::Dataset;
use crate::store::{Snapshot, SnapshotError};

/// The rows of one update.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// The training split.
    pub data: &'a Dataset<'a>,
    /// Which of its rows; always as many as [`Training::batch`](super::Training::batch) says.
    pub rows: &'a [usize],
}

/// A model in training: its parameters, its optimiser, its chains and its random streams.
pub trait Learner: Send {
    /// One update on one full batch. `progress.step` updates have been made before it.
    ///
    /// # Errors
    /// [`TrainError::NonFinite`] where a number is NaN or infinite; the learner is not used after an error.
    fn step(&mut self, batch: &Batch<'_>, progress: &Progress) -> Result<(), TrainError>;

    /// Figures of the current state into `metrics`; `held_out` is the validation or test split that is monitored.
    /// Nothing that the next step depends on may change, or the model would depend on how often it is looked at.
    ///
    /// # Errors
    /// Where a figure cannot be computed. A NaN or infinite figure is found by the loop.
    fn evaluate(
        &mut self,
        train: &Dataset<'_>,
        held_out: Option<&Dataset<'_>>,
        progress: &Progress,
        metrics: &mut Metrics,
    ) -> Result<(), TrainError>;

    /// The figure that judges the learner: of those that [`evaluate`](Self::evaluate) reports, the one that early stopping watches
    /// unless told otherwise. Of a learner that keeps an average of its parameters it is the average's.
    fn judge(&self) -> Option<Judge> {
        None
    }

    /// Whether rows count as their [weights](Dataset::weight) say. By default they do not, and the loop refuses rows with weights.
    fn takes_weights(&self) -> bool {
        false
    }

    /// Everything that the next step depends on: parameters, optimiser, chains, streams. All floats must be finite;
    /// names that start with `train.` belong to the loop.
    fn save(&self, snapshot: &mut Snapshot);

    /// Takes back what [`save`](Self::save) wrote; nothing of what the learner was before remains.
    ///
    /// # Errors
    /// Where an array is missing or has another shape.
    fn load(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError>;
}
