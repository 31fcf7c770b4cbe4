//! A piece of a batch on the tape: it declares the inputs of a loss.

use crate::autodiff::{Shape, Tape, Var};
use std::cell::RefCell;

/// A piece of a batch on the tape: so many examples. It declares the inputs of a loss by their width an example.
#[derive(Debug)]
pub struct Piece<'t> {
    tape: &'t Tape<'t>,
    group: usize,
    examples: usize,
    inputs: RefCell<Vec<Input>>,
}

/// An input of a loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Input {
    pub(super) name: &'static str,
    pub(super) extent: Extent,
}

/// The share of a batch that an input holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Extent {
    /// `[draws, examples, width]`, or without the first axis one draw.
    Examples { draws: usize, width: usize },
    /// So many numbers, the same ones for every piece.
    Shared { length: usize },
}

impl<'t> Piece<'t> {
    pub(super) fn new(tape: &'t Tape<'t>, group: usize, examples: usize) -> Self {
        Piece { tape, group, examples, inputs: RefCell::default() }
    }

    /// The tape.
    pub fn tape(&self) -> &'t Tape<'t> {
        self.tape
    }

    /// The group of examples that it is of: see [`Objective::groups`](super::Objective::groups).
    pub fn group(&self) -> usize {
        self.group
    }

    /// Its examples.
    pub fn examples(&self) -> usize {
        self.examples
    }

    /// The input `name`, a row an example: `[examples, width]`. Groups of examples have inputs of different names.
    ///
    /// # Panics
    /// Where there is an input of that name.
    #[track_caller]
    pub fn rows(&self, name: &'static str, width: usize) -> Var<'t> {
        self.input(name, Shape::from([self.examples, width]), Extent::Examples { draws: 1, width })
    }

    /// The input `name`, so many draws an example: `[draws, examples, width]`.
    ///
    /// # Panics
    /// As for [`rows`](Self::rows).
    #[track_caller]
    pub fn draws(&self, name: &'static str, draws: usize, width: usize) -> Var<'t> {
        self.input(name, Shape::from([draws, self.examples, width]), Extent::Examples { draws, width })
    }

    /// The input `name` of any shape, the same for all pieces.
    ///
    /// # Panics
    /// As for [`rows`](Self::rows).
    #[track_caller]
    pub fn shared(&self, name: &'static str, shape: impl Into<Shape>) -> Var<'t> {
        let shape = shape.into();
        self.input(name, shape, Extent::Shared { length: shape.elements() })
    }

    #[track_caller]
    fn input(&self, name: &'static str, shape: Shape, extent: Extent) -> Var<'t> {
        self.inputs.borrow_mut().push(Input { name, extent });
        self.tape.input(name, shape)
    }

    pub(super) fn into_inputs(self) -> Vec<Input> {
        self.inputs.into_inner()
    }
}
