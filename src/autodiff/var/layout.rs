//! Moving numbers about.

use super::Var;
use crate::autodiff::Shape;
use crate::autodiff::op::Op;
use crate::autodiff::ops::{Choice, Layout, Reduction};

impl<'t> Var<'t> {
    #[track_caller]
    fn layout(self, layout: Layout) -> Self {
        self.tape.push(Op::Layout(layout), &[self])
    }

    /// The same numbers in another shape.
    ///
    /// # Panics
    /// When it has another number of elements.
    #[track_caller]
    pub fn reshape(self, shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        if shape == self.shape() { self } else { self.layout(Layout::Reshape(shape)) }
    }

    /// Repeated along missing axes and axes of length 1.
    ///
    /// # Panics
    /// When it does not spread to that shape.
    #[track_caller]
    pub fn broadcast_to(self, shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        if shape == self.shape() { self } else { self.layout(Layout::BroadcastTo(shape)) }
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

    /// Axes in another order: axis i of the result is axis `order[i]` of this.
    ///
    /// # Panics
    /// When `order` does not name each axis once.
    #[track_caller]
    pub fn transpose(self, order: &[usize]) -> Self {
        self.layout(Layout::Transpose { order: Shape::new(order) })
    }

    /// The transpose of a matrix.
    ///
    /// # Panics
    /// When it has not two axes.
    #[track_caller]
    pub fn t(self) -> Self {
        self.transpose(&[1, 0])
    }

    /// `length` of an axis, from `start` on.
    ///
    /// # Panics
    /// When the axis is shorter.
    #[track_caller]
    pub fn slice(self, axis: usize, start: usize, length: usize) -> Self {
        self.layout(Layout::Slice { axis, start, length })
    }

    /// With `before` zeros before and `after` zeros after it along an axis.
    ///
    /// # Panics
    /// When there is no such axis.
    #[track_caller]
    pub fn pad(self, axis: usize, before: usize, after: usize) -> Self {
        self.layout(Layout::Pad { axis, before, after })
    }

    /// This and others, one after another along an axis.
    ///
    /// # Panics
    /// When other axes differ.
    #[track_caller]
    pub fn concat(self, others: &[Self], axis: usize) -> Self {
        let mut all = vec![self];
        all.extend_from_slice(others);
        self.tape.push(Op::Layout(Layout::Concat { axis }), &all)
    }

    /// Rows of this table `[rows, ..]` by their indices `[m]`: `[m, ..]`. Indices are whole numbers, exact up to 2²⁴.
    ///
    /// # Panics
    /// When the shapes differ from these, and at each run where an index is not a whole number below `rows`.
    #[track_caller]
    pub fn gather(self, indices: Self) -> Self {
        self.tape.push(Op::Layout(Layout::Gather), &[self, indices])
    }

    /// `[rows, ..]`, each row the sum of those rows of this `[m, ..]` whose index in `indices` `[m]` it is: the transpose
    /// of [`gather`](Self::gather).
    ///
    /// # Panics
    /// When the shapes differ from these, and at each run where an index is not a whole number below `rows`.
    #[track_caller]
    pub fn scatter_add(self, indices: Self, rows: usize) -> Self {
        self.tape.push(Op::Layout(Layout::ScatterAdd { rows }), &[self, indices])
    }

    /// Indices `[..]` as rows `[.., classes]` with a single 1; no derivative.
    ///
    /// # Panics
    /// When there is no room for another axis, and at each run where an index is not a whole number below `classes`.
    #[track_caller]
    pub fn one_hot(self, classes: usize) -> Self {
        self.tape.push(Op::Choice(Choice::OneHot { classes }), &[self])
    }

    /// The same numbers, taken as constant: no derivative passes through.
    #[track_caller]
    pub fn stop_gradient(self) -> Self {
        self.layout(Layout::StopGradient)
    }
}
