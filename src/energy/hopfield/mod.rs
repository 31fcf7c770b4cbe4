//! Hopfield networks (Hopfield 1982): memories as minima of an energy.
//!
//! A network of n units x ∈ {−1, 1}ⁿ with symmetric weights W `[units, units]` and biases b:
//!
//! - energy E(x) = −½ xᵀW x − bᵀx;
//! - field hᵢ(x) = Σⱼ Wᵢⱼ xⱼ + bᵢ, and the rule of recall: xᵢ ← sign(hᵢ), xᵢ staying as it is where hᵢ = 0.
//!
//! One unit at a time the energy never rises where Wᵢᵢ ≥ 0, so recall ends in a minimum; all units at once it ends in a
//! fixed point or in a cycle of two states (Goles & Olivos 1981). W = x xᵀ stores x and −x alike.
//!
//! States are the rows of a [`BitMatrix`](crate::tensor::BitMatrix), bit 1 for +1 and bit 0 for −1.

mod asynchronous;
mod attention;
mod capacity;
mod dense;
#[cfg(test)]
mod dense_tests;
mod ending;
mod error;
mod minima;
mod network;
mod patterns;
mod perceptron;
mod storage;
mod synchronous;
#[cfg(test)]
mod tests;
mod theory;

pub use asynchronous::Asynchronous;
pub use attention::AttentionMemory;
pub use capacity::{CapacityPoint, CapacitySweep};
pub use dense::{DenseMemory, Interaction};
pub use ending::Ending;
pub use error::HopfieldError;
pub use minima::{Basin, Minimum, Origin, Search};
pub use network::Hopfield;
pub use patterns::{Corruption, overlap, patterns_from_signs, random_patterns};
pub use perceptron::Perceptron;
pub use storage::Rule;
pub use synchronous::Synchronous;
pub use theory::{CRITICAL_LOAD, exactly_fixed, retrieval_overlap};
