//! Energies given by a network.

mod eval;
mod model;
mod pictures;
mod report;
mod sample;
mod train;

pub use model::FAMILY;
