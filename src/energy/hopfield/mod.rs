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
//! States are the rows of a [`BitMatrix`], bit 1 for +1 and bit 0 for −1.

mod asynchronous;
mod attention;
mod capacity;
mod dense;
mod error;
mod minima;
mod patterns;
mod perceptron;
mod storage;
mod synchronous;
mod theory;

pub use asynchronous::Asynchronous;
pub use attention::AttentionMemory;
pub use capacity::{CapacityPoint, CapacitySweep};
pub use dense::{DenseMemory, Interaction};
pub use error::HopfieldError;
pub use minima::{Basin, Minimum, Origin, Search};
pub use patterns::{Corruption, overlap, patterns_from_signs, random_patterns};
pub use perceptron::Perceptron;
pub use storage::Rule;
pub use synchronous::Synchronous;
pub use theory::{CRITICAL_LOAD, exactly_fixed, retrieval_overlap};

use crate::kernels::reduce;
use crate::store::Snapshot;
use crate::tensor::{AlignedVec, BitMatrix};
use rayon::prelude::*;

/// How a recall of one state ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// In a state that recall leaves as it is, after so many sweeps that changed it.
    Fixed {
        /// Sweeps in which a unit changed.
        sweeps: usize,
    },
    /// Between two states, each of which follows the other: only where all units change at once.
    Cycle,
    /// At the limit of sweeps, still changing.
    Unfinished,
}

/// A Hopfield network.
///
/// ```
/// use helmholtz::energy::hopfield::{Asynchronous, Corruption, Hopfield, Rule, random_patterns};
/// use helmholtz::Seed;
/// let stored = random_patterns(5, 100, Seed(1));
/// let network = Hopfield::store(&stored, Rule::Hebb)?;
/// let mut states = Corruption::Flip(0.1).apply(&stored, Seed(2))?;
/// network.recall(&mut states, &Asynchronous::default());
/// assert_eq!(states, stored);
/// # Ok::<(), helmholtz::energy::hopfield::HopfieldError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Hopfield {
    units: usize,
    /// `[units, units]`, symmetric.
    weights: AlignedVec<f32>,
    bias: AlignedVec<f32>,
}

impl Hopfield {
    /// A network with the given weights `[units, units]` and biases `[units]`.
    ///
    /// # Errors
    /// Where there is no unit, a length is not the shape's, a value is not finite, or the weights are not symmetric.
    pub fn from_parameters(units: usize, weights: &[f32], bias: &[f32]) -> Result<Self, HopfieldError> {
        if units == 0 {
            return Err(HopfieldError::NoUnits);
        }
        for (tensor, values, shape) in [("weights", weights, vec![units, units]), ("bias", bias, vec![units])] {
            if Some(values.len()) != shape.iter().try_fold(1usize, |n, &axis| n.checked_mul(axis)) {
                return Err(HopfieldError::Shape { tensor, shape, length: values.len() });
            }
            if let Some(&value) = values.iter().find(|value| !value.is_finite()) {
                return Err(HopfieldError::NonFinite { tensor, value });
            }
        }
        for row in 0..units {
            for column in row + 1..units {
                let values = [weights[row * units + column], weights[column * units + row]];
                if values[0] != values[1] {
                    return Err(HopfieldError::NotSymmetric { row, column, values });
                }
            }
        }
        Ok(Hopfield { units, weights: AlignedVec::from_slice(weights), bias: AlignedVec::from_slice(bias) })
    }

    /// Units.
    pub fn units(&self) -> usize {
        self.units
    }

    /// The weights W, `[units, units]`.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// The biases b, `[units]`.
    pub fn bias(&self) -> &[f32] {
        &self.bias
    }

    /// Row i of the weights.
    fn row(&self, unit: usize) -> &[f32] {
        &self.weights[unit * self.units..][..self.units]
    }

    /// E(x) = −½ xᵀW x − bᵀx of each row of `states`, `[rows]`, summed in f64.
    ///
    /// # Panics
    /// Where `states` is not `units` wide.
    #[track_caller]
    pub fn energy(&self, states: &BitMatrix) -> Vec<f64> {
        self.check_width(states);
        (0..states.rows())
            .into_par_iter()
            .map(|row| {
                let x = signs(states, row);
                let terms = self.fields(&x).into_iter().zip(self.bias.iter());
                // The field has b once, the energy must not halve it.
                let twice: f64 = terms.zip(&x).map(|((h, b), x)| (h + f64::from(*b)) * f64::from(*x)).sum();
                -0.5 * twice
            })
            .collect()
    }

    /// The field hᵢ = Σⱼ Wᵢⱼ xⱼ + bᵢ of every unit, `[units]`, in f64.
    fn fields(&self, x: &[f32]) -> Vec<f64> {
        let field = |unit: usize| reduce::dot(self.row(unit), x) + f64::from(self.bias[unit]);
        (0..self.units).map(field).collect()
    }

    /// How many units of each row of `states` the rule would change: 0 for a fixed point.
    ///
    /// # Panics
    /// Where `states` is not `units` wide.
    #[track_caller]
    pub fn unstable_units(&self, states: &BitMatrix) -> Vec<usize> {
        self.check_width(states);
        (0..states.rows())
            .into_par_iter()
            .map(|row| {
                let x = signs(states, row);
                self.fields(&x).iter().zip(&x).filter(|(h, x)| **h * f64::from(**x) < 0.0).count()
            })
            .collect()
    }

    #[track_caller]
    fn check_width(&self, states: &BitMatrix) {
        let given = states.units();
        assert_eq!(given, self.units, "states of {given} units, the network has {}", self.units);
    }

    /// The parameters as named arrays: `weights` `[units, units]`, `bias` `[units]`.
    pub fn to_snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::default();
        snapshot.put_f32("weights", &[self.units, self.units], &self.weights);
        snapshot.put_f32("bias", &[self.units], &self.bias);
        snapshot
    }

    /// The network whose [`to_snapshot`](Self::to_snapshot) this is; other arrays may stand beside its two.
    ///
    /// # Errors
    /// Where an array is missing, of another type or shape, empty, not finite or not symmetric.
    pub fn from_snapshot(snapshot: &Snapshot) -> Result<Self, HopfieldError> {
        let units = snapshot.shape("bias")?.iter().product();
        Self::from_parameters(units, snapshot.f32("weights", &[units, units])?, snapshot.f32("bias", &[units])?)
    }
}

/// Row `row` as −1 and 1.
fn signs(states: &BitMatrix, row: usize) -> Vec<f32> {
    (0..states.units()).map(|unit| if states.get(row, unit) { 1.0 } else { -1.0 }).collect()
}

#[cfg(test)]
mod dense_tests;
#[cfg(test)]
mod tests;
