//! Normalizing flows.

mod bench;
mod encode;
mod eval;
mod fit;
mod inpaint;
mod model;
mod pictures;
mod report;
mod sample;
mod target;
mod train;

pub use model::FAMILY;
