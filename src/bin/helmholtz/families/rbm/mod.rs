//! Restricted Boltzmann machines.

mod bench;
mod encode;
mod eval;
mod inpaint;
mod mixing;
mod model;
mod pictures;
mod sample;
mod start;
mod train;

pub use model::FAMILY;
