//! Normalizing flows.

mod bench;
mod encode;
mod eval;
mod model;
mod pictures;
mod report;
mod sample;
mod train;

pub use model::FAMILY;
