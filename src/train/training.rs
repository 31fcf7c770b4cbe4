//! The length of a run, its batches, and the looks at it on the way.

use super::{EarlyStopping, TrainError};
use crate::Setting;
use crate::data::Holdout;
use crate::random::Seed;

/// The length of a run, its batches, and the looks at it on the way. A plain value: set what matters and take the rest from
/// [`Default`].
///
/// ```
/// use helmholtz::train::Training;
/// let training = Training { epochs: 100, ..Training::default() };
/// assert_eq!(training.batch, 64);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Training {
    /// Passes over the training data. Schedules stretch over them.
    pub epochs: u64,
    /// A number of updates to make instead of `epochs`.
    pub steps: Option<u64>,
    /// Examples of an update. Batches are always full: the stream of examples crosses the ends of epochs.
    pub batch: usize,
    /// Names the run: the order of the examples, and whatever the learner draws.
    pub seed: Seed,
    /// Evaluate after every so many epochs and at the end; 0: at the end only.
    pub evaluate_every: u64,
    /// Make a checkpoint after every so many epochs, at the start and at the end; 0: at the start and the end only.
    pub checkpoint_every: u64,
    /// Stop on purpose after this many epochs, as if interrupted: schedules still stretch over the whole run.
    pub stop_after: Option<u64>,
    /// Stop once a figure of rows held out no longer improves, and keep the best.
    pub early_stopping: Option<EarlyStopping>,
    /// Rows of the data that [`Fit::fit`](super::Fit::fit) holds out of training where it is given none.
    pub holdout: Option<Holdout>,
}

impl Default for Training {
    fn default() -> Self {
        Training {
            epochs: 50,
            steps: None,
            batch: 64,
            seed: Seed(1),
            evaluate_every: 1,
            checkpoint_every: 1,
            stop_after: None,
            early_stopping: None,
            holdout: None,
        }
    }
}

impl Training {
    /// Updates of the whole run on `length` rows.
    ///
    /// # Errors
    /// Where the batch, the length of the run or the data are empty, or the run is longer than numbers go.
    pub fn steps_for(&self, length: usize) -> Result<u64, TrainError> {
        let positive = "at least 1";
        let setting = |name, value: u64, wanted| Setting::new(name, value, wanted).into();
        if self.batch == 0 {
            return Err(setting("batch", 0, positive));
        }
        if length == 0 {
            return Err(setting("the number of training examples", 0, positive));
        }
        let (name, length_of_run) = match self.steps {
            Some(steps) => ("steps", Some(steps)),
            None => {
                let examples = self.epochs.checked_mul(length as u64);
                ("epochs", examples.map(|examples| examples.div_ceil(self.batch as u64)))
            }
        };
        match length_of_run {
            Some(0) => Err(setting(name, 0, positive)),
            Some(steps) if steps.checked_mul(self.batch as u64).is_some() => Ok(steps),
            _ => Err(setting(name, self.steps.unwrap_or(self.epochs), "fewer")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_become_steps() {
        let training = |epochs, steps, batch| Training { epochs, steps, batch, ..Training::default() };
        assert_eq!(training(3, None, 4).steps_for(10).ok(), Some(8));
        assert_eq!(training(3, Some(5), 4).steps_for(10).ok(), Some(5));
        assert_eq!(
            training(3, Some(5), 0).steps_for(10).unwrap_err().to_string(),
            "batch is 0, but must be at least 1"
        );
        for bad in [training(0, None, 4), training(1, Some(0), 4), training(u64::MAX, None, 4)] {
            assert!(bad.steps_for(10).is_err());
        }
        assert!(training(1, None, 4).steps_for(0).is_err());
    }
}
