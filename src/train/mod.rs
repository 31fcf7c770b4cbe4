//! The one training loop. It knows no model: whatever can take a step on a batch is a [`Learner`].
//!
//! A run is named by its seed, its batch size and its data: step `s` reads a batch that is a function of these and of
//! `s` alone. So a position is one number, and a run that was interrupted and resumed computes the same bits as the
//! unbroken one.
//!
//! ```
//! use helmholtz::data::Dataset;
//! use helmholtz::store::{Snapshot, SnapshotError};
//! use helmholtz::train::{train, Batch, Learner, Metrics, Progress, TrainError, Training};
//!
//! /// Counts what it sees.
//! struct Counter(u64);
//!
//! impl Learner for Counter {
//!     fn step(&mut self, batch: &Batch<'_>, _: &Progress) -> Result<(), TrainError> {
//!         self.0 += batch.rows.len() as u64;
//!         Ok(())
//!     }
//!     fn evaluate(
//!         &mut self, _: &Dataset<'_>, _: Option<&Dataset<'_>>, _: &Progress, metrics: &mut Metrics,
//!     ) -> Result<(), TrainError> {
//!         metrics.set("seen", self.0 as f64);
//!         Ok(())
//!     }
//!     fn save(&self, _: &mut Snapshot) {}
//!     fn load(&mut self, _: &Snapshot) -> Result<(), SnapshotError> { Ok(()) }
//! }
//!
//! let data = Dataset::digits().train();
//! let training = Training { epochs: 2, batch: 100, ..Training::default() };
//! let summary = train(&mut Counter(0), &data, None, &training, None, &mut ())?;
//! assert!(summary.metrics.get("seen") >= Some(2.0 * data.len() as f64));
//! # Ok::<(), TrainError>(())
//! ```

mod early;
mod error;
mod fit;
mod metrics;
mod observer;
mod position;
mod progress;
mod run;
#[cfg(test)]
mod tests;
mod training;

pub use early::{Direction, EarlyStopping, Judge, best_learner};
pub use error::TrainError;
pub use fit::{Fit, Fitting, Trainer};
pub use metrics::Metrics;
pub use observer::{Control, Observer};
pub use position::Position;
pub use progress::Progress;
pub use run::{Ending, Summary, train};
pub use training::Training;

use crate::data::Dataset;
use crate::store::{Snapshot, SnapshotError};

/// The rows of one update.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// The training split.
    pub data: &'a Dataset<'a>,
    /// Which of its rows; always as many as [`Training::batch`] says.
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

    /// Everything that the next step depends on: parameters, optimiser, chains, streams. All floats must be finite;
    /// names that start with `train.` belong to the loop.
    fn save(&self, snapshot: &mut Snapshot);

    /// Takes back what [`save`](Self::save) wrote; nothing of what the learner was before remains.
    ///
    /// # Errors
    /// Where an array is missing or has another shape.
    fn load(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError>;
}
