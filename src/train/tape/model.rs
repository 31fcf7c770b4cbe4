//! A model on the tape: a store of parameters, and whatever shape they have together.

use crate::optim::Descending;
use crate::store::{Snapshot, SnapshotError, Store};
use crate::train::best_learner;
use std::fmt::Debug;

/// A model whose parameters are in a store.
pub trait TapeModel: Clone + Debug + Send + Sync {
    /// The error of arrays that are not such a model's.
    type Error: From<SnapshotError>;

    /// Its parameters.
    fn store(&self) -> &Store;

    /// Its parameters, to be set.
    fn store_mut(&mut self) -> &mut Store;

    /// Puts the rest of the model's shape, which no tensor says, into the metadata.
    fn describe(&self, snapshot: &mut Snapshot);

    /// A model of the shape that the tensors, each name with `prefix` before it, and the metadata have; its parameters may be
    /// any.
    ///
    /// # Errors
    /// Where they have the shape of no model.
    fn shaped_like(snapshot: &Snapshot, prefix: &str) -> Result<Self, Self::Error>;

    /// The parameters as named arrays, and what they do not say as metadata.
    fn to_snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::default();
        self.write_to(&mut snapshot);
        snapshot
    }

    /// Puts parameters and metadata into a snapshot.
    fn write_to(&self, snapshot: &mut Snapshot) {
        self.store().save("", snapshot);
        self.describe(snapshot);
    }

    /// The model whose parameters these are, each name with `prefix` before it.
    ///
    /// # Errors
    /// Where an array is missing, of another type or shape, or not finite.
    fn read_from(snapshot: &Snapshot, prefix: &str) -> Result<Self, Self::Error> {
        let mut model = Self::shaped_like(snapshot, prefix)?;
        model.store_mut().load(prefix, snapshot)?;
        match model.store().first_non_finite() {
            Some(tensor) => Err(SnapshotError::NonFinite { name: tensor.to_owned() }.into()),
            None => Ok(model),
        }
    }

    /// The trained model that a checkpoint of a [`TapeTrainer`](super::TapeTrainer) holds: the average of the parameters where
    /// it keeps one, at the best evaluation where the run stops early. A file that is no checkpoint holds the parameters.
    ///
    /// # Errors
    /// As for [`read_from`](Self::read_from).
    fn from_checkpoint(checkpoint: &Snapshot) -> Result<Self, Self::Error> {
        let learner = best_learner(checkpoint);
        Self::read_from(&learner, Descending::prefix_in(&learner))
    }
}
