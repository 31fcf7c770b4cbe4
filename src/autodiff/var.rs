//! Variables: handles to what has been recorded, with operators, so that a loss reads like its formula.

use super::op::Op;
use super::ops::{Arithmetic, Layout, Reduction};
use super::{Shape, Tape};
use std::ops::{Add, Div, Mul, Sub};
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

    /// What it was when it was recorded, row-major.
    pub fn value(self) -> Rc<[f32]> {
        Rc::clone(&self.tape.recording.borrow().values[self.index])
    }

    /// Gives it a name for messages.
    pub fn named(self, name: &str) -> Self {
        self.tape.recording.borrow_mut().nodes[self.index].name = Some(name.to_owned());
        self
    }

    /// The same numbers in another shape.
    ///
    /// # Panics
    /// When it has another number of elements.
    #[track_caller]
    pub fn reshape(self, shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        if shape == self.shape() { self } else { self.tape.push(Op::Layout(Layout::Reshape(shape)), &[self]) }
    }

    /// Repeated along missing axes and axes of length 1.
    ///
    /// # Panics
    /// When it does not spread to that shape.
    #[track_caller]
    pub fn broadcast_to(self, shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        if shape == self.shape() { self } else { self.tape.push(Op::Layout(Layout::BroadcastTo(shape)), &[self]) }
    }

    /// Summed over the axes along which `shape` would be repeated to reach this one: the transpose of
    /// [`broadcast_to`](Self::broadcast_to).
    ///
    /// # Panics
    /// When `shape` does not spread to this one.
    #[track_caller]
    pub fn sum_to(self, shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        if shape == self.shape() { self } else { self.tape.push(Op::Reduction(Reduction::SumTo(shape)), &[self]) }
    }
}

macro_rules! operators {
    ($(($trait:ident, $method:ident)),*) => {$(
        impl<'t> $trait for Var<'t> {
            type Output = Var<'t>;
            #[track_caller]
            fn $method(self, other: Var<'t>) -> Var<'t> {
                self.tape.push(Op::Arithmetic(Arithmetic::$trait), &[self, other])
            }
        }
    )*};
}
operators!((Add, add), (Sub, sub), (Mul, mul), (Div, div));
