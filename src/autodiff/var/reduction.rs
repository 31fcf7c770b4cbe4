//! Sums, means, largest values, softmax. Sums accumulate in f64.

use super::Var;
use crate::autodiff::Shape;
use crate::autodiff::op::Op;
use crate::autodiff::ops::Along;

impl<'t> Var<'t> {
    #[track_caller]
    fn axis_length(self, axis: usize) -> usize {
        let shape = self.shape();
        assert!(axis < shape.len(), "no axis {axis} in {shape}");
        shape[axis]
    }

    /// Without an axis of length 1.
    #[track_caller]
    fn dropped(self, axis: usize) -> Self {
        self.reshape(self.shape().without(axis))
    }

    /// Σ of all elements, a scalar.
    #[track_caller]
    pub fn sum(self) -> Self {
        self.sum_to(Shape::SCALAR)
    }

    /// The mean of all elements, a scalar.
    ///
    /// # Panics
    /// When there are none.
    #[track_caller]
    pub fn mean(self) -> Self {
        let (shape, count) = (self.shape(), self.shape().elements());
        assert!(count > 0, "the mean of no elements: shape {shape}");
        self.sum() * (1.0 / count as f64) as f32
    }

    /// Σ over an axis, which goes.
    ///
    /// # Panics
    /// When there is no such axis.
    #[track_caller]
    pub fn sum_axis(self, axis: usize) -> Self {
        self.sum_to(self.shape().with(axis, 1)).dropped(axis)
    }

    /// The mean over an axis, which goes.
    ///
    /// # Panics
    /// When there is no such axis, or it has length 0.
    #[track_caller]
    pub fn mean_axis(self, axis: usize) -> Self {
        let count = self.axis_length(axis);
        assert!(count > 0, "the mean of no elements along axis {axis} of {}", self.shape());
        self.sum_axis(axis) * (1.0 / count as f64) as f32
    }

    /// The largest along an axis, which goes; NaN where one is. Equal ones share the derivative equally.
    ///
    /// # Panics
    /// When there is no such axis, or it has length 0.
    #[track_caller]
    pub fn max_axis(self, axis: usize) -> Self {
        self.tape.push(Op::Along(Along::Max { axis }), &[self]).dropped(axis)
    }

    /// ln Σ eˣ along an axis, which goes. −∞ where all are, and for no values.
    ///
    /// # Panics
    /// When there is no such axis.
    #[track_caller]
    pub fn logsumexp(self, axis: usize) -> Self {
        self.tape.push(Op::Along(Along::LogSumExp { axis }), &[self]).dropped(axis)
    }

    /// eˣ / Σ eˣ along an axis. Zeros where all are −∞.
    ///
    /// # Panics
    /// When there is no such axis.
    #[track_caller]
    pub fn softmax(self, axis: usize) -> Self {
        self.tape.push(Op::Along(Along::Softmax { axis }), &[self])
    }

    /// x − ln Σ eˣ along an axis: the logarithm of [`softmax`](Self::softmax).
    ///
    /// # Panics
    /// When there is no such axis.
    #[track_caller]
    pub fn log_softmax(self, axis: usize) -> Self {
        self.tape.push(Op::Along(Along::LogSoftmax { axis }), &[self])
    }
}
