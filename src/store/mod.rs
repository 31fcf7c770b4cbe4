//! The parts of a model by name: parameters in one flat buffer, and snapshots of named arrays.

mod parameters;
mod snapshot;

pub(crate) use parameters::Layout;
pub use parameters::{Gradients, Parameter, Store};
pub use snapshot::{Array, Snapshot, SnapshotError, Values};
