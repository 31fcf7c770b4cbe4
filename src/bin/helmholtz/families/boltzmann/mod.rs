//! Boltzmann machines whose units may all act on one another.

mod eval;
mod inpaint;
mod model;
mod pictures;
mod sample;
mod train;

pub use model::FAMILY;
