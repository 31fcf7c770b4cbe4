//! Observers of a run: progress bars, writers of tables and of checkpoints.

use super::{Metrics, Progress, TrainError};
use crate::store::Snapshot;

/// Whether the run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Control {
    /// Go on.
    #[default]
    Continue,
    /// Finish this step, make a checkpoint and return.
    Stop,
}

impl Control {
    /// Stop where either says so.
    pub fn or(self, other: Control) -> Control {
        if self == Control::Stop { self } else { other }
    }
}

/// Looks on while a run goes. Every method has a default, so an observer says only what it cares about; `()` is the
/// one that cares about nothing; references to observers, boxes, pairs and vectors of them are observers.
pub trait Observer: Send {
    /// After every update.
    fn step(&mut self, progress: &Progress) -> Control {
        let _ = progress;
        Control::Continue
    }

    /// After every evaluation.
    ///
    /// # Errors
    /// Ends the run.
    fn evaluation(&mut self, progress: &Progress, metrics: &Metrics) -> Result<Control, TrainError> {
        let _ = (progress, metrics);
        Ok(Control::Continue)
    }

    /// Whether a checkpoint is wanted now; asked wherever [`Training::checkpoint_every`](super::Training) allows one.
    /// Those at the start and the end are made without asking. No: a learner whose epochs are short would otherwise
    /// spend its time saving.
    fn wants_checkpoint(&mut self, progress: &Progress) -> bool {
        let _ = progress;
        false
    }

    /// A checkpoint: resuming from it continues the run byte for byte.
    ///
    /// # Errors
    /// Ends the run.
    fn checkpoint(&mut self, progress: &Progress, snapshot: &Snapshot) -> Result<(), TrainError> {
        let _ = (progress, snapshot);
        Ok(())
    }
}

impl Observer for () {}

/// Pointers to observers hand everything on.
macro_rules! pointers {
    ($($pointer:ty),*) => {$(
        impl<O: Observer + ?Sized> Observer for $pointer {
            fn step(&mut self, progress: &Progress) -> Control {
                (**self).step(progress)
            }
            fn evaluation(&mut self, progress: &Progress, metrics: &Metrics) -> Result<Control, TrainError> {
                (**self).evaluation(progress, metrics)
            }
            fn wants_checkpoint(&mut self, progress: &Progress) -> bool {
                (**self).wants_checkpoint(progress)
            }
            fn checkpoint(&mut self, progress: &Progress, snapshot: &Snapshot) -> Result<(), TrainError> {
                (**self).checkpoint(progress, snapshot)
            }
        }
    )*};
}

pointers!(&mut O, Box<O>);

impl<A: Observer, B: Observer> Observer for (A, B) {
    fn step(&mut self, progress: &Progress) -> Control {
        let first = self.0.step(progress);
        first.or(self.1.step(progress))
    }
    fn evaluation(&mut self, progress: &Progress, metrics: &Metrics) -> Result<Control, TrainError> {
        let first = self.0.evaluation(progress, metrics)?;
        Ok(first.or(self.1.evaluation(progress, metrics)?))
    }
    fn wants_checkpoint(&mut self, progress: &Progress) -> bool {
        let first = self.0.wants_checkpoint(progress);
        self.1.wants_checkpoint(progress) || first
    }
    fn checkpoint(&mut self, progress: &Progress, snapshot: &Snapshot) -> Result<(), TrainError> {
        self.0.checkpoint(progress, snapshot)?;
        self.1.checkpoint(progress, snapshot)
    }
}

impl<O: Observer> Observer for Vec<O> {
    fn step(&mut self, progress: &Progress) -> Control {
        self.iter_mut().fold(Control::Continue, |control, observer| control.or(observer.step(progress)))
    }
    fn evaluation(&mut self, progress: &Progress, metrics: &Metrics) -> Result<Control, TrainError> {
        self.iter_mut().try_fold(Control::Continue, |control, observer| {
            Ok(control.or(observer.evaluation(progress, metrics)?))
        })
    }
    fn wants_checkpoint(&mut self, progress: &Progress) -> bool {
        // Each is asked, whatever those before it said.
        self.iter_mut().fold(false, |wanted, observer| wanted | observer.wants_checkpoint(progress))
    }
    fn checkpoint(&mut self, progress: &Progress, snapshot: &Snapshot) -> Result<(), TrainError> {
        self.iter_mut().try_for_each(|observer| observer.checkpoint(progress, snapshot))
    }
}
