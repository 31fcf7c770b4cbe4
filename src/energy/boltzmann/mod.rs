//! Boltzmann machines (Ackley, Hinton & Sejnowski 1985): every unit may act on every other.
//!
//! A machine of V visible and H hidden units x = (v, h), visible ones first, with symmetric weights W `[units, units]` whose
//! diagonal is zero, and biases b:
//!
//! - energy E(x) = −½ xᵀW x − bᵀx, and p(x) = e^(−E(x)) / Z;
//! - with units 0 and 1, p(xᵢ = 1 | all others) = σ(hᵢ), hᵢ = Σⱼ Wᵢⱼ xⱼ + bᵢ; with units −1 and 1, σ(2 hᵢ);
//! - the gradient of the mean log-likelihood is ∂/∂Wᵢⱼ = ⟨xᵢ xⱼ⟩_data − ⟨xᵢ xⱼ⟩_model.
//!
//! Units are drawn one at a time, since each depends on all others: a restricted machine, which lacks the weights within
//! its layers, draws a layer at a time: on the same 784 × 500 machine one unit at a time takes 2.2 times as long, on 64 × 128
//! 4.1 times (`cargo bench --bench boltzmann -- speed` in `benches/`). [`BoltzmannChains`] does the former for any machine,
//! [`ColourChains`] draws units together that do not act on one another, which pays where most weights are zero.

mod annealing;
mod chains;
mod colours;
mod error;
mod exact;
mod likelihood;
mod machine;
pub mod metrics;
mod recipe;
#[cfg(test)]
mod reference;
mod statistics;
#[cfg(test)]
mod tests;
mod trainer;
#[cfg(test)]
mod training_tests;
mod units;

pub use crate::sampling::Ais;
pub use annealing::AIS;
pub use chains::BoltzmannChains;
pub use colours::{ColourChains, Colouring};
pub use error::BoltzmannError;
pub use machine::BoltzmannMachine;
pub use recipe::{DataTerm, ModelTerm, Recipe};
pub use trainer::BoltzmannTrainer;
pub use units::Units;
