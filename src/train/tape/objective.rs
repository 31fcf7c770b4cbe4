//! An objective: the mathematics of a family, for the one trainer of all of them.

use super::{BatchProgram, Piece, TapeModel};
use crate::autodiff::Var;
use crate::data::Dataset;
use crate::optim::Descent;
use crate::store::{Parameter, Snapshot, SnapshotError, Store};
use crate::train::{Batch, Judge, Metrics, Progress, TrainError, Training};
use std::fmt::Debug;

/// A part of a step: a loss, the parameters that follow its gradient, and the settings of their descent. One for a joint objective; two for encoder and
/// decoder in turn; critic, then generator.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The beginning of the names of its optimiser's arrays in a checkpoint.
    pub name: &'static str,
    /// The parameters that move.
    pub parameters: Vec<Parameter>,
    /// The settings of their descent. The average is that of the last part.
    pub descent: Descent,
    /// The pieces that a batch may be cut into, where its examples are one group.
    pub pieces: Pieces,
    /// Updates of this part in a step, at least one: each draws anew.
    pub updates: usize,
}

impl Part {
    /// All parameters of a store at once, one update a step, of the whole batch.
    pub fn joint(name: &'static str, descent: Descent, store: &Store) -> Self {
        Part { name, parameters: store.parameters().collect(), descent, pieces: Pieces::One, updates: 1 }
    }
}

/// The pieces that a batch may be cut into, to stay near the cores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pieces {
    /// It stays whole: the loss is no mean over examples.
    One,
    /// The loss is a mean over examples, each with so many draws (at least one): a batch of many draws is cut into pieces.
    OfDraws(usize),
    /// The loss is a mean over examples: a batch is cut into pieces of at most so many (at least one). Networks so small that
    /// threads would meet more often than they work have a lane of rows each instead.
    OfRows(usize),
}

/// A group of a batch's examples, whose losses are of one form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its examples; none are left out.
    pub examples: usize,
    /// The pieces that it may be cut into.
    pub pieces: Pieces,
}

/// A model as it is evaluated.
#[derive(Clone, Copy, Debug)]
pub struct Evaluation<'a, M> {
    /// The model as its last step left it.
    pub model: &'a M,
    /// The model of the average of the parameters, where one is kept.
    pub average: Option<&'a M>,
    /// The training split.
    pub train: &'a Dataset<'a>,
    /// Rows held out.
    pub held_out: Option<&'a Dataset<'a>>,
    /// The position in the run.
    pub progress: &'a Progress,
}

impl<'a, M> Evaluation<'a, M> {
    /// The rows held out where there are some, else the training split.
    pub fn watched(&self) -> &'a Dataset<'a> {
        self.held_out.unwrap_or(self.train)
    }
}

/// The mathematics of training a family on the tape: its losses, what they are fed, and the figures that are watched. It holds
/// the recipe and whatever is drawn: streams, chains.
pub trait Objective: Clone + Debug + Send {
    /// The model.
    type Model: TapeModel;
    /// The recipe of its training.
    type Recipe;

    /// The objective of `recipe` for batches of `data`; it may set parameters of the model that start with the data.
    ///
    /// # Errors
    /// Where a setting is out of its range, or the data does not suit the model.
    fn new(
        model: &mut Self::Model,
        recipe: &Self::Recipe,
        data: &Dataset<'_>,
        training: &Training,
    ) -> Result<Self, TrainError>;

    /// The parts of a step, in their order. They never change.
    fn parts(&self) -> &[Part];

    /// The groups that the examples of a batch are of: examples with labels and without them, for example. The loss of a batch is the
    /// sum over groups of the mean loss of each; the examples of all of them are as many as the batch has. By default it is one group.
    fn groups(&self, part: usize, batch: usize) -> Vec<Group> {
        vec![Group { examples: batch, pieces: self.parts()[part].pieces }]
    }

    /// The loss of a part, a scalar, recorded for a piece of a batch: its inputs are declared on the [`Piece`].
    fn loss<'t>(&self, model: &Self::Model, part: usize, piece: &Piece<'t>) -> Var<'t>;

    /// Reads a batch into the inputs of all parts' programs, at the start of a step.
    ///
    /// # Errors
    /// Where the data does not suit the model.
    fn read(
        &mut self,
        model: &Self::Model,
        batch: &Batch<'_>,
        progress: &Progress,
        programs: &mut [BatchProgram],
    ) -> Result<(), TrainError>;

    /// Draws the other inputs of a part's program: noise, chains, a schedule's number. Before each of its updates.
    ///
    /// # Errors
    /// Where a draw is not finite.
    fn draw(
        &mut self,
        model: &Self::Model,
        part: usize,
        progress: &Progress,
        program: &mut BatchProgram,
    ) -> Result<(), TrainError> {
        let _ = (model, part, progress, program);
        Ok(())
    }

    /// Figures of a model into `metrics`. Nothing that the next step depends on may change.
    ///
    /// # Errors
    /// Where a figure cannot be computed.
    fn evaluate(
        &mut self,
        evaluation: &Evaluation<'_, Self::Model>,
        metrics: &mut Metrics,
    ) -> Result<(), TrainError>;

    /// The figure that judges the model: the average's where one is kept.
    fn judge(&self, model: &Self::Model) -> Option<Judge>;

    /// Whether rows count as their weights say: see [`Learner::takes_weights`](crate::train::Learner::takes_weights).
    fn takes_weights(&self) -> bool {
        false
    }

    /// Puts the state of everything that is drawn into a snapshot.
    fn save(&self, snapshot: &mut Snapshot);

    /// Takes back what [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// Where an array is missing or has another shape.
    fn load(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError>;
}
