//! A model on the tape in training: parameters, programs, optimisers, draws; one step after the other.

use super::{BatchProgram, Evaluation, Objective, TapeModel};
use crate::Setting;
use crate::data::Dataset;
use crate::optim::{self, Descending};
use crate::store::{Snapshot, SnapshotError};
use crate::train::{Batch, Judge, LOWER_RATE, Learner, Metrics, Progress, TrainError, Trainer, Training};

/// The figure that every family on the tape reports: the Euclidean norm of the last gradient, before it was clipped. No direction is
/// better.
pub const GRADIENT_NORM: &str = "gradient_norm";

/// A model on the tape in training by an objective.
#[derive(Clone, Debug)]
pub struct TapeTrainer<O: Objective> {
    model: O::Model,
    objective: O,
    /// Of each part.
    programs: Vec<BatchProgram>,
    descending: Descending,
}

impl<O: Objective> TapeTrainer<O> {
    /// Prepares `model` for `recipe` on `data`: the objective, programs for batches of `training`'s size, optimisers.
    ///
    /// # Errors
    /// Where a setting is out of its range, or the data does not suit the model.
    pub fn new(
        mut model: O::Model,
        recipe: &O::Recipe,
        data: &Dataset<'_>,
        training: &Training,
    ) -> Result<Self, TrainError> {
        Setting::at_least_one("the batch size", training.batch)?;
        let objective = O::new(&mut model, recipe, data, training)?;
        let parts = objective.parts();
        let descents: Vec<optim::Part> =
            parts.iter().map(|part| optim::Part { name: part.name, descent: part.descent }).collect();
        let record = |(index, part): (usize, &super::Part)| {
            let groups = objective.groups(index, training.batch);
            BatchProgram::record(model.store(), &part.parameters, &groups, &|piece| {
                objective.loss(&model, index, piece)
            })
        };
        let programs = parts.iter().enumerate().map(record).collect();
        Ok(TapeTrainer { descending: Descending::new(model.store(), &descents)?, programs, objective, model })
    }

    /// The objective.
    pub fn objective(&self) -> &O {
        &self.objective
    }

    /// The model of the average of the parameters, where the recipe keeps one.
    pub fn average(&self) -> Option<O::Model> {
        let average = self.descending.average()?;
        let mut model = self.model.clone();
        average.copy_to(model.store_mut());
        Some(model)
    }

    /// An update of a part: draw, run, clip, look for a NaN, step.
    fn update(&mut self, part: usize, turn: Turn, progress: &Progress) -> Result<(), TrainError> {
        let program = &mut self.programs[part];
        self.objective.draw(&self.model, part, progress, program)?;
        let loss = program.run(self.model.store(), self.descending.gradients_mut());
        let Progress { step, steps, .. } = *progress;
        if loss.is_finite() {
            let store = self.model.store_mut();
            let moved = match turn {
                Turn::Last => self.descending.step_and_follow(part, store, step, steps),
                Turn::Other => self.descending.step(part, store, step, steps),
            };
            if moved {
                return Ok(());
            }
        }
        let tensor = program.first_non_finite(self.model.store()).unwrap_or_else(|| "the gradient".to_owned());
        Err(TrainError::NonFinite { step, tensor, hint: LOWER_RATE })
    }
}

/// Whether an update is the last one of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// The average follows.
    Last,
    Other,
}

impl<O: Objective> Learner for TapeTrainer<O> {
    fn step(&mut self, batch: &Batch<'_>, progress: &Progress) -> Result<(), TrainError> {
        self.objective.read(&self.model, batch, progress, &mut self.programs)?;
        let parts = self.programs.len();
        for part in 0..parts {
            let updates = self.objective.parts()[part].updates;
            for update in 0..updates {
                let last = part + 1 == parts && update + 1 == updates;
                self.update(part, if last { Turn::Last } else { Turn::Other }, progress)?;
            }
        }
        Ok(())
    }

    fn takes_weights(&self) -> bool {
        self.objective.takes_weights()
    }

    fn evaluate(
        &mut self,
        train: &Dataset<'_>,
        held_out: Option<&Dataset<'_>>,
        progress: &Progress,
        metrics: &mut Metrics,
    ) -> Result<(), TrainError> {
        if let Some(tensor) = self.model.store().first_non_finite() {
            let tensor = tensor.to_owned();
            return Err(TrainError::NonFinite { step: progress.step, tensor, hint: LOWER_RATE });
        }
        let average = self.average();
        let (model, average) = (&self.model, average.as_ref());
        self.objective.evaluate(&Evaluation { model, average, train, held_out, progress }, metrics)?;
        metrics.set(GRADIENT_NORM, self.descending.norm());
        Ok(())
    }

    fn judge(&self) -> Option<Judge> {
        self.objective.judge(&self.model)
    }

    fn save(&self, snapshot: &mut Snapshot) {
        self.model.write_to(snapshot);
        self.descending.save(snapshot);
        self.objective.save(snapshot);
    }

    fn load(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        self.model.store_mut().load("", snapshot)?;
        self.descending.load(snapshot)?;
        self.objective.load(snapshot)
    }
}

impl<O: Objective> Trainer for TapeTrainer<O> {
    type Model = O::Model;

    fn last(&self) -> &O::Model {
        &self.model
    }

    fn model(&self) -> O::Model {
        self.average().unwrap_or_else(|| self.model.clone())
    }
}
