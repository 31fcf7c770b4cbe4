//! Variational autoencoders.

mod bench;
mod classes;
mod encode;
mod eval;
mod inpaint;
mod label_options;
mod mask_options;
mod model;
mod pictures;
mod report;
mod sample;
mod shape;
mod train;

pub use model::FAMILY;
