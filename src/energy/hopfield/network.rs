//! The network: its weights, energy, fields and files.

use super::HopfieldError;
use crate::energy::parameters;
use crate::kernels::reduce;
use crate::parallel::map;
use crate::store::Snapshot;
use crate::tensor::{AlignedVec, BitMatrix};
use std::fmt;

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
#[derive(Clone, PartialEq)]
pub struct Hopfield {
    pub(super) units: usize,
    /// `[units, units]`, symmetric.
    pub(super) weights: AlignedVec<f32>,
    pub(super) bias: AlignedVec<f32>,
}

impl fmt::Debug for Hopfield {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hopfield {{ {} units }}", self.units)
    }
}

impl Hopfield {
    /// A network with the given weights `[units, units]` and biases `[units]`.
    ///
    /// # Errors
    /// Where there is no unit, a value is not finite, or the weights are not symmetric.
    ///
    /// # Panics
    /// Where a length is not the shape's.
    #[track_caller]
    pub fn from_parameters(units: usize, weights: &[f32], bias: &[f32]) -> Result<Self, HopfieldError> {
        if units == 0 {
            return Err(HopfieldError::NoUnits);
        }
        parameters::check("weights", weights, &[units, units])?;
        parameters::check("bias", bias, &[units])?;
        parameters::check_symmetric(weights, units)?;
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
    pub(super) fn row(&self, unit: usize) -> &[f32] {
        &self.weights[unit * self.units..][..self.units]
    }

    /// E(x) = −½ xᵀW x − bᵀx of each row of `states`, `[rows]`, summed in f64.
    ///
    /// # Panics
    /// Where `states` is not `units` wide.
    #[track_caller]
    pub fn energy(&self, states: &BitMatrix) -> Vec<f64> {
        self.check_width(states);
        map(states.rows(), |row| {
            let x = signs(states, row);
            let terms = self.fields(&x).into_iter().zip(self.bias.iter());
            // The field has b once, the energy must not halve it.
            let twice: f64 = terms.zip(&x).map(|((h, b), x)| (h + f64::from(*b)) * f64::from(*x)).sum();
            -0.5 * twice
        })
    }

    /// The field hᵢ = Σⱼ Wᵢⱼ xⱼ + bᵢ of every unit, `[units]`, in f64.
    pub(super) fn fields(&self, x: &[f32]) -> Vec<f64> {
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
        map(states.rows(), |row| {
            let x = signs(states, row);
            self.fields(&x).iter().zip(&x).filter(|(h, x)| **h * f64::from(**x) < 0.0).count()
        })
    }

    #[track_caller]
    pub(super) fn check_width(&self, states: &BitMatrix) {
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
pub(super) fn signs(states: &BitMatrix, row: usize) -> Vec<f32> {
    (0..states.units()).map(|unit| if states.get(row, unit) { 1.0 } else { -1.0 }).collect()
}
