//! Variational autoencoders.

mod bench;
mod encode;
mod eval;
mod model;
mod pictures;
mod report;
mod sample;
mod shape;
mod train;

pub use model::FAMILY;
