//! The closed set of operations: whatever a gradient is made of is in it again.

use super::Operation;
use super::ops::{
    ActivationGradient, Along, Arithmetic, Bernoulli, Bijection, BijectionGradient, Choice, Convolve, Function,
    Gaussian, Layout, Masked, Product, Reduction,
};
use crate::store::Parameter;
use std::sync::Arc;

/// Operation of a node of the tape.
#[derive(Clone, Debug)]
pub(super) enum Op {
    /// Filled from outside before each run.
    Input,
    /// Read from the store at each run.
    Parameter(Parameter),
    /// Values that never change.
    Constant(Arc<[f32]>),
    Arithmetic(Arithmetic),
    Function(Function),
    ActivationGradient(ActivationGradient),
    Product(Product),
    Masked(Masked),
    Convolve(Convolve),
    Reduction(Reduction),
    Along(Along),
    Layout(Layout),
    Choice(Choice),
    Bernoulli(Bernoulli),
    Gaussian(Gaussian),
    Bijection(Bijection),
    BijectionGradient(BijectionGradient),
    User(Arc<dyn Operation>),
}

impl Op {
    /// The operation of a node that computes something; `None` for a leaf.
    pub(super) fn operation(&self) -> Option<&dyn Operation> {
        match self {
            Op::Input | Op::Parameter(_) | Op::Constant(_) => None,
            Op::Arithmetic(operation) => Some(operation),
            Op::Function(operation) => Some(operation),
            Op::ActivationGradient(operation) => Some(operation),
            Op::Product(operation) => Some(operation),
            Op::Masked(operation) => Some(operation),
            Op::Convolve(operation) => Some(operation),
            Op::Reduction(operation) => Some(operation),
            Op::Along(operation) => Some(operation),
            Op::Layout(operation) => Some(operation),
            Op::Choice(operation) => Some(operation),
            Op::Bernoulli(operation) => Some(operation),
            Op::Gaussian(operation) => Some(operation),
            Op::Bijection(operation) => Some(operation),
            Op::BijectionGradient(operation) => Some(operation),
            Op::User(operation) => Some(&**operation),
        }
    }

    /// Whether both do the same: such nodes with the same operands are one. Users' operations are compared by address.
    pub(super) fn same(&self, other: &Op) -> bool {
        match (self, other) {
            (Op::Parameter(a), Op::Parameter(b)) => a == b,
            (Op::Constant(a), Op::Constant(b)) => {
                a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.to_bits() == b.to_bits())
            }
            (Op::Arithmetic(a), Op::Arithmetic(b)) => a == b,
            (Op::Function(a), Op::Function(b)) => a == b,
            (Op::ActivationGradient(a), Op::ActivationGradient(b)) => a == b,
            (Op::Product(a), Op::Product(b)) => a == b,
            (Op::Masked(a), Op::Masked(b)) => a == b,
            (Op::Convolve(a), Op::Convolve(b)) => a == b,
            (Op::Reduction(a), Op::Reduction(b)) => a == b,
            (Op::Along(a), Op::Along(b)) => a == b,
            (Op::Layout(a), Op::Layout(b)) => a == b,
            (Op::Choice(a), Op::Choice(b)) => a == b,
            (Op::Bernoulli(a), Op::Bernoulli(b)) => a == b,
            (Op::Gaussian(a), Op::Gaussian(b)) => a == b,
            (Op::Bijection(a), Op::Bijection(b)) => a == b,
            (Op::BijectionGradient(a), Op::BijectionGradient(b)) => a == b,
            (Op::User(a), Op::User(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}
