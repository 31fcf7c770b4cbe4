//! The one training loop. It knows no model: whatever can take a step on a batch is a [`Learner`].
//!
//! A run is named by its seed, its batch size and its data: step `s` reads a batch that is a function of these and of
//! `s` alone. So a position is one number, and a run that was interrupted and resumed computes the same bits as the
//! unbroken one.
//!
//! A model that learns implements [`Fit`]: `fit` for a line, or a trainer and [`train`] where rows are held out, someone looks on
//! and a run goes on from a checkpoint:
//!
//! ```
//! use helmholtz::data::{Dataset, Holdout};
//! use helmholtz::store::Snapshot;
//! use helmholtz::train::{EarlyStopping, Fit, Observer, Progress, TrainError, Trainer, Training, train};
//! use helmholtz::vae::{Vae, VaeConfig, VaeRecipe, metrics};
//! use helmholtz::Seed;
//!
//! /// Keeps the last checkpoint.
//! struct Keeper(Snapshot);
//!
//! impl Observer for Keeper {
//!     fn checkpoint(&mut self, _: &Progress, snapshot: &Snapshot) -> Result<(), TrainError> {
//!         self.0 = snapshot.clone();
//!         Ok(())
//!     }
//! }
//!
//! let training = Training { epochs: 3, early_stopping: Some(EarlyStopping::patience(2)), ..Training::default() };
//! let (rows, held_out) = Dataset::digits().train().split_validation(Holdout::Fraction(0.1), training.seed)?;
//! let vae = Vae::new(VaeConfig { encoder: vec![32], decoder: vec![32], ..VaeConfig::new(64, 2) }, Seed(1))?;
//! let mut trainer = vae.trainer(&VaeRecipe::default(), &rows, &training)?;
//! let mut keeper = Keeper(Snapshot::default());
//! let summary = train(&mut trainer, &rows, Some(&held_out), &training, None, &mut keeper)?;
//! println!("{:?}", summary.metrics.get(metrics::ELBO)); // of the rows held out, nats an example
//! assert_eq!(trainer.model(), Vae::from_checkpoint(&keeper.0)?);
//!
//! // Two epochs more, from the checkpoint.
//! let longer = Training { epochs: 5, ..training };
//! train(&mut trainer, &rows, Some(&held_out), &longer, Some(&keeper.0), &mut ())?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A learner can be anything that takes steps on batches; [`tape`] has one for every model of a store and programs.
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
