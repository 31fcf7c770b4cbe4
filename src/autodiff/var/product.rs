//! Matrix products and linear layers.

use super::Var;
use crate::autodiff::op::Op;
use crate::autodiff::ops::Product;
use crate::autodiff::{Activation, Orientation};

impl<'t> Var<'t> {
    /// The product of matrices `[m, k]` and `[k, n]`: `[m, n]`.
    ///
    /// # Panics
    /// When the shapes differ from these.
    #[track_caller]
    pub fn matmul(self, other: Self) -> Self {
        self.matmul_oriented(Orientation::Plain, other, Orientation::Plain)
    }

    /// The product of two matrices, each of them as it is or transposed; a transpose costs nothing here.
    ///
    /// # Panics
    /// When these are not two matrices, or the lengths that are summed over differ.
    #[track_caller]
    pub fn matmul_oriented(self, own: Orientation, other: Self, others: Orientation) -> Self {
        self.tape.push(Op::Product(Product::MatMul { left: own, right: others }), &[self, other])
    }

    /// A linear layer, activation(x Wᵀ + b), in one pass: x `[batch, in]` is this, weight `[out, in]`, bias `[out]`; the
    /// result is `[batch, out]`.
    ///
    /// # Panics
    /// When the shapes differ from these, or the slope of a leaky activation is negative.
    #[track_caller]
    pub fn linear(self, weight: Self, bias: Self, activation: Activation) -> Self {
        self.tape.push(Op::Product(Product::Linear(activation)), &[self, weight, bias])
    }
}
