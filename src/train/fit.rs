//! Models that learn: what `fit` means is said once.

use super::{Learner, Observer, Summary, TrainError, Training, train};
use crate::data::Dataset;
use crate::store::Snapshot;

/// A model in training.
pub trait Trainer: Learner {
    /// The model.
    type Model;

    /// The model as its last step left it.
    fn last(&self) -> &Self::Model;

    /// The model that the run is worth: that of the running average of the parameters where the recipe keeps one, else the
    /// last one. [`Fit::fit`] leaves it, and a checkpoint is loaded as it.
    fn model(&self) -> Self::Model;
}

/// The parts of a fit that most do without: rows held out, a checkpoint to go on from, an observer.
#[derive(Default)]
pub struct Fitting<'a> {
    /// Rows that evaluation looks at and no step sees. Without them [`Training::holdout`] takes some of the data.
    pub held_out: Option<&'a Dataset<'a>>,
    /// The checkpoint of an earlier run of the same settings, which goes on with the same bits.
    pub resume: Option<&'a Snapshot>,
    /// Looks on at steps, evaluations and checkpoints.
    pub observer: Option<&'a mut dyn Observer>,
}

/// A model that learns from rows of data by a recipe.
///
/// A trained model means one thing: after [`fit`](Self::fit), from a trainer ([`Trainer::model`]) and from a checkpoint it is
/// the average of the parameters where the recipe keeps one, at the best evaluation where the run stops early.
pub trait Fit: Sized + Clone {
    /// The recipe of its training: a plain struct with good defaults.
    type Recipe;
    /// The model in training.
    type Trainer: Trainer<Model = Self>;

    /// The model ready to be trained by `recipe` on batches of `data`, for [`train`] or for steps of one's own.
    ///
    /// # Errors
    /// Where a setting is out of its range, or the data does not suit the model.
    fn trainer(
        self,
        recipe: &Self::Recipe,
        data: &Dataset<'_>,
        training: &Training,
    ) -> Result<Self::Trainer, TrainError>;

    /// Trains the model on `data` by `recipe`.
    ///
    /// # Errors
    /// Where a setting is out of its range, the data does not suit the model, early stopping has no rows held out to watch,
    /// or a number becomes NaN or infinite. The model stays as it was.
    fn fit(
        &mut self,
        data: &Dataset<'_>,
        recipe: &Self::Recipe,
        training: &Training,
    ) -> Result<Summary, TrainError> {
        self.fit_with(data, recipe, training, Fitting::default())
    }

    /// The same with rows held out, a checkpoint to go on from, or an observer.
    ///
    /// # Errors
    /// As for [`fit`](Self::fit), where the checkpoint is of another run, and what the observer refuses.
    fn fit_with(
        &mut self,
        data: &Dataset<'_>,
        recipe: &Self::Recipe,
        training: &Training,
        fitting: Fitting<'_>,
    ) -> Result<Summary, TrainError> {
        let Fitting { held_out, resume, observer } = fitting;
        let split = match (held_out, training.holdout) {
            (None, Some(holdout)) => Some(data.split_validation(holdout, training.seed)?),
            _ => None,
        };
        let (rows, held_out) = match &split {
            Some((rows, held_out)) => (rows, Some(held_out)),
            None => (data, held_out),
        };
        let mut trainer = self.clone().trainer(recipe, rows, training)?;
        let mut nobody = ();
        let observer = observer.unwrap_or(&mut nobody);
        let summary = train(&mut trainer, rows, held_out, training, resume, observer)?;
        *self = trainer.model();
        Ok(summary)
    }
}
