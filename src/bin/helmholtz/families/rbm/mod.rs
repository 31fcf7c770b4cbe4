//! Restricted Boltzmann machines.

mod bench;
mod encode;
mod eval;
mod inpaint;
mod model;
mod pictures;
mod sample;
mod train;

pub use model::FAMILY;
