//! Reverse-mode differentiation: a tape that becomes a program.

mod op;
mod operation;
mod ops;
mod shape;
mod tape;
mod var;

pub use operation::{Operation, View};
pub use ops::{Activation, Orientation};
pub use shape::{MOST_AXES, Shape};
pub use tape::Tape;
pub use var::Var;
