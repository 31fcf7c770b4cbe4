//! Variables: handles to what has been recorded, with operators, so that a loss reads like its formula.

mod bijection;
mod convolution;
mod elementwise;
mod layout;
mod likelihood;
mod product;
mod reduction;

pub use convolution::Sliding;

use super::{Shape, Tape};
use std::rc::Rc;

/// A tensor on the tape: a small handle that is copied freely and lives as long as the recording.
#[derive(Clone, Copy, Debug)]
pub struct Var<'t> {
    tape: &'t Tape<'t>,
    index: usize,
}

impl<'t> Var<'t> {
    pub(super) fn new(tape: &'t Tape<'t>, index: usize) -> Self {
        Var { tape, index }
    }

    pub(super) fn index(self) -> usize {
        self.index
    }

    pub(super) fn tape_address(self) -> *const () {
        std::ptr::from_ref(self.tape).cast()
    }

    /// The tape it is recorded on.
    pub fn tape(self) -> &'t Tape<'t> {
        self.tape
    }

    /// Its shape.
    pub fn shape(self) -> Shape {
        self.tape.recording.borrow().nodes[self.index].shape
    }

    /// Value when it was recorded, row-major.
    pub fn value(self) -> Rc<[f32]> {
        Rc::clone(&self.tape.recording.borrow().values[self.index])
    }

    /// Gives it a name for messages.
    pub fn named(self, name: &str) -> Self {
        self.tape.recording.borrow_mut().nodes[self.index].name = Some(name.to_owned());
        self
    }
}
