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
mod learner;
mod metrics;
mod observer;
mod position;
mod progress;
mod run;
pub mod tape;
#[cfg(test)]
mod tests;
mod training;

pub use early::{Direction, EarlyStopping, Judge, best_learner};
pub(crate) use error::LOWER_RATE;
pub use error::{ModelError, TrainError};
pub use fit::{Fit, Fitting, Trainer};
pub use learner::{Batch, Learner};
pub use metrics::Metrics;
pub use observer::{Control, Observer};
pub use position::Position;
pub use progress::Progress;
pub use run::{Ending, Summary, train};
pub use training::Training;
