//! Training of models on the tape: a store of parameters, and programs for the gradients of losses.
//!
//! Such a family brings its mathematics, an [`Objective`]: the losses, written on the tape, their inputs, and the figures that are
//! watched. [`TapeTrainer`] does the rest, once for all of them: it records the programs, cuts a batch of many draws into
//! pieces, clips, looks for NaNs, steps, averages, saves and resumes. Here is a whole family:
//!
//! ```
//! use helmholtz::autodiff::Var;
//! use helmholtz::data::{Dataset, Values, Wanted};
//! use helmholtz::optim::Descent;
//! use helmholtz::store::{Parameter, Snapshot, SnapshotError, Store};
//! use helmholtz::train::tape::{BatchProgram, BatchReader, Evaluation, Objective, Part, Piece, TapeModel, TapeTrainer};
//! use helmholtz::train::{Batch, Fit, Judge, Metrics, Progress, TrainError, Training};
//!
//! /// Independent pixels with logits b: ln p(x) = Σ (x b − softplus b).
//! #[derive(Clone, Debug)]
//! struct Pixels { store: Store, logits: Parameter, width: usize }
//!
//! impl Pixels {
//!     fn new(width: usize) -> Self {
//!         let mut store = Store::new();
//!         Pixels { logits: store.add("logits", &[width]), store, width }
//!     }
//! }
//!
//! impl TapeModel for Pixels {
//!     type Error = SnapshotError;
//!     fn store(&self) -> &Store { &self.store }
//!     fn store_mut(&mut self) -> &mut Store { &mut self.store }
//!     fn describe(&self, _: &mut Snapshot) {}
//!     fn shaped_like(snapshot: &Snapshot, prefix: &str) -> Result<Self, SnapshotError> {
//!         Ok(Pixels::new(snapshot.shape(&format!("{prefix}logits"))?[0]))
//!     }
//! }
//!
//! /// −ln p(x), a mean over the batch.
//! #[derive(Clone, Debug)]
//! struct LogLikelihood { reader: BatchReader, parts: [Part; 1] }
//!
//! impl Objective for LogLikelihood {
//!     type Model = Pixels;
//!     type Recipe = Descent;
//!     fn new(model: &mut Pixels, descent: &Descent, data: &Dataset<'_>, training: &Training) -> Result<Self, TrainError> {
//!         Wanted { width: model.width, values: Values::Probabilities }.check(data)?;
//!         let part = Part::joint("adam.", *descent, &model.store);
//!         Ok(LogLikelihood { reader: BatchReader::new(training, model.width), parts: [part] })
//!     }
//!     fn parts(&self) -> &[Part] { &self.parts }
//!     fn loss<'t>(&self, model: &Pixels, _: usize, piece: &Piece<'t>) -> Var<'t> {
//!         let x = piece.rows("x", model.width);
//!         x.tape().parameter(model.logits).broadcast_to(x.shape()).bernoulli_cross_entropy(x).mean()
//!     }
//!     fn read(&mut self, _: &Pixels, batch: &Batch<'_>, _: &Progress, programs: &mut [BatchProgram]) -> Result<(), TrainError> {
//!         self.reader.read(batch, programs[0].input_mut("x"));
//!         Ok(())
//!     }
//!     fn evaluate(&mut self, at: &Evaluation<'_, Pixels>, metrics: &mut Metrics) -> Result<(), TrainError> {
//!         let logits = at.model.store.get(at.model.logits).iter().map(|&b| f64::from(b));
//!         let terms = at.watched().means().into_iter().zip(logits).map(|(x, b)| x * b - b.exp().ln_1p());
//!         metrics.set("log_likelihood", terms.sum::<f64>());
//!         Ok(())
//!     }
//!     fn judge(&self, _: &Pixels) -> Option<Judge> { Some(Judge::higher("log_likelihood")) }
//!     fn save(&self, snapshot: &mut Snapshot) { self.reader.save(snapshot); }
//!     fn load(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> { self.reader.load(snapshot) }
//! }
//!
//! impl Fit for Pixels {
//!     type Recipe = Descent;
//!     type Trainer = TapeTrainer<LogLikelihood>;
//!     fn trainer(self, recipe: &Descent, data: &Dataset<'_>, training: &Training) -> Result<Self::Trainer, TrainError> {
//!         TapeTrainer::new(self, recipe, data, training)
//!     }
//! }
//!
//! let mut pixels = Pixels::new(64);
//! let descent = Descent { learning_rate: 0.1, ..Descent::default() };
//! let summary = pixels.fit(&Dataset::digits().train(), &descent, &Training { epochs: 5, ..Training::default() })?;
//! assert!(summary.metrics.get("log_likelihood") > Some(-26.0)); // nats; 44.4 at the start, 24.7 at best
//! # Ok::<(), TrainError>(())
//! ```

mod batch_program;
mod model;
mod objective;
mod piece;
mod reader;
#[cfg(test)]
mod tests;
mod trainer;

pub use batch_program::BatchProgram;
pub use model::TapeModel;
pub use objective::{Evaluation, Group, Objective, Part, Pieces};
pub use piece::Piece;
pub use reader::BatchReader;
pub use trainer::{GRADIENT_NORM, TapeTrainer};
