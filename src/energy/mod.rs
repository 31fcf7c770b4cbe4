//! Models with an energy: p(x) ∝ e^(−E(x)).

pub mod boltzmann;
mod enumerated;
mod held;
pub mod hopfield;
mod independent;
pub mod neural;
mod parameters;
pub mod rbm;

pub use parameters::ParameterError;
