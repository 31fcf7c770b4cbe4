//! Restricted Boltzmann machines with binary units (Smolensky 1986; Hinton 2002).
//!
//! A machine of V visible units v and H hidden units h, all 0 or 1, with weights W `[visible, hidden]` and biases a, b:
//!
//! - energy E(v, h) = −a·v − b·h − v·W h, and p(v, h) = e^(−E(v, h)) / Z;
//! - free energy F(v) = −a·v − Σⱼ softplus(bⱼ + v·W₍ⱼ₎), so p(v) = e^(−F(v)) / Z;
//! - conditionals p(hⱼ = 1 | v) = σ(bⱼ + Σᵢ vᵢ Wᵢⱼ) and p(vᵢ = 1 | h) = σ(aᵢ + Σⱼ Wᵢⱼ hⱼ), independent within a
//!   layer: block Gibbs sampling draws a whole layer at a time.

mod ais;
#[cfg(test)]
mod annealing_tests;
mod bridge;
mod chains;
mod conditional;
mod error;
mod exact;
mod gradient;
#[cfg(test)]
mod gradient_tests;
mod likelihood;
#[cfg(test)]
mod likelihood_tests;
mod machine;
pub mod metrics;
#[cfg(test)]
mod missed_tests;
#[cfg(test)]
mod model_free_tests;
mod monitor;
mod raise;
mod recipe;
#[cfg(test)]
pub(super) mod reference;
mod rounding;
mod stack;
mod tabulated;
mod tempering;
#[cfg(test)]
mod tempering_tests;
#[cfg(test)]
mod tests;
mod trainer;
#[cfg(test)]
mod training_tests;

pub use crate::sampling::Ais;
pub use ais::{AdaptiveAis, Annealing};
pub use chains::RbmChains;
pub use error::RbmError;
pub use likelihood::{Score, Scoring};
pub use machine::Rbm;
pub use raise::Raise;
pub use recipe::{Centering, ChainStart, Method, Recipe};
pub use rounding::{Precision, Rounding};
pub use tempering::TemperedChains;
pub use trainer::RbmTrainer;
