//! The families of models, a folder each: training, answers to commands, reports and pictures.

pub mod boltzmann;
pub mod flow;
pub mod hopfield;
pub mod neural;
pub mod rbm;
pub mod vae;
