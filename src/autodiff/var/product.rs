//! Matrix products and linear layers.

use super::Var;
use crate::autodiff::op::Op;
use crate::autodiff::ops::{Masked, MaskedProduct, Product};
use crate::autodiff::{Activation, Orientation, Staircase};
use std::sync::Arc;

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

    /// A masked linear layer, activation(x Wᵀ + b): x `[batch, in]` is this, `weight` `[stored]` is what the staircase stores of
    /// W `[out, in]`, and the rest of W is neither there nor multiplied. The bias is `[out]`, or one of each example,
    /// `[batch, out]`; the result is `[batch, out]`.
    ///
    /// What is stored beyond the limit of a row, to the end of its block, has to be 0, as [`Staircase::pack`] leaves it: its
    /// gradient is 0, so it stays.
    ///
    /// # Panics
    /// When the shapes differ from these, or the slope of a leaky activation is negative.
    #[track_caller]
    pub fn masked_linear(
        self,
        weight: Self,
        staircase: &Arc<Staircase>,
        bias: Self,
        activation: Activation,
    ) -> Self {
        let product = MaskedProduct::Linear(activation);
        let masked = Masked { staircase: Arc::clone(staircase), product };
        self.tape.push(Op::Masked(masked), &[self, weight, bias])
    }
}
