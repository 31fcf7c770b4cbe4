//! Models with an energy: p(x) ∝ e^(−E(x)).

pub mod boltzmann;
pub mod hopfield;
pub mod neural;
pub mod rbm;
