//! The closed set of operations: whatever a gradient is made of is in it again.

use super::Operation;
use super::ops::{Arithmetic, Layout, Reduction};
use crate::store::Parameter;
use std::sync::Arc;

/// What a node of the tape does.
#[derive(Clone, Debug)]
pub(super) enum Op {
    /// Filled from outside before each run.
    Input,
    /// Read from the store at each run.
    Parameter(Parameter),
    /// Values that never change.
    Constant(Arc<[f32]>),
    Arithmetic(Arithmetic),
    Reduction(Reduction),
    Layout(Layout),
    User(Arc<dyn Operation>),
}

impl Op {
    /// The operation of a node that computes something; `None` for a leaf.
    pub(super) fn operation(&self) -> Option<&dyn Operation> {
        match self {
            Op::Input | Op::Parameter(_) | Op::Constant(_) => None,
            Op::Arithmetic(operation) => Some(operation),
            Op::Reduction(operation) => Some(operation),
            Op::Layout(operation) => Some(operation),
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
            (Op::Reduction(a), Op::Reduction(b)) => a == b,
            (Op::Layout(a), Op::Layout(b)) => a == b,
            (Op::User(a), Op::User(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}
