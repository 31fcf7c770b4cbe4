//! Dense associative memories: energies steeper than quadratic, and far more memories than units.
//!
//! E(x) = −Σ_μ F(ξ_μ · x) over the stored patterns ξ_μ, on {−1, 1}ⁿ. With F(z) = z² it is twice the energy of Hebb's network, less
//! n for each pattern; F(z) = zᵈ stores about nᵈ⁻¹ patterns (Krotov & Hopfield 2016), F(z) = eᶻ exponentially many (Demircigil et al. 2017). Each unit
//! takes the sign of the lower energy, the other units held.

use super::asynchronous::{in_random_order, recall_rows};
use super::network::signs;
use super::{Asynchronous, Ending, HopfieldError};
use crate::Setting;
use crate::parallel::map;
use crate::tensor::BitMatrix;
use std::fmt;

/// F, the steepness of the energy in the overlap with a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interaction {
    /// F(z) = zᵈ, d ≥ 2.
    Polynomial(u32),
    /// F(z) = eᶻ.
    Exponential,
}

/// A dense associative memory of the patterns it keeps.
#[derive(Clone)]
pub struct DenseMemory {
    units: usize,
    patterns: usize,
    interaction: Interaction,
    /// `[units, patterns]`, −1 and 1.
    columns: Vec<f64>,
}

impl fmt::Debug for DenseMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DenseMemory { units, patterns, interaction, .. } = self;
        write!(f, "DenseMemory {{ {patterns} patterns of {units} units, {interaction:?} }}")
    }
}

impl DenseMemory {
    /// The memory of `patterns` `[patterns, units]`.
    ///
    /// # Errors
    /// Where there are no units or patterns, or the degree is below 2.
    pub fn new(patterns: &BitMatrix, interaction: Interaction) -> Result<Self, HopfieldError> {
        if patterns.units() == 0 {
            return Err(HopfieldError::NoUnits);
        }
        if patterns.rows() == 0 {
            return Err(HopfieldError::NoPatterns);
        }
        if let Interaction::Polynomial(degree) = interaction {
            Setting::check(degree >= 2, "the degree of a dense memory", degree, "at least 2")?;
        }
        let (units, count) = (patterns.units(), patterns.rows());
        let sign = |index: usize| if patterns.get(index % count, index / count) { 1.0 } else { -1.0 };
        Ok(DenseMemory { units, patterns: count, interaction, columns: (0..units * count).map(sign).collect() })
    }

    /// Units.
    pub fn units(&self) -> usize {
        self.units
    }

    /// ξᵢ of every pattern.
    fn column(&self, unit: usize) -> &[f64] {
        &self.columns[unit * self.patterns..][..self.patterns]
    }

    /// The overlaps ξ_μ · x, `[patterns]`, not divided by n.
    fn overlaps(&self, x: &[f32]) -> Vec<f64> {
        let mut overlaps = vec![0.0; self.patterns];
        for (unit, &x) in x.iter().enumerate() {
            overlaps.iter_mut().zip(self.column(unit)).for_each(|(z, column)| *z += f64::from(x) * column);
        }
        overlaps
    }

    /// The energy −Σ F(ξ_μ · x) of each row of `states`, `[rows]`; for the exponential −ln Σ e^(ξ_μ · x), which has the same
    /// minima and no overflow.
    ///
    /// # Panics
    /// Where `states` is not `units` wide.
    #[track_caller]
    pub fn energy(&self, states: &BitMatrix) -> Vec<f64> {
        self.check_width(states);
        let energy = |row| {
            let overlaps = self.overlaps(&signs(states, row));
            match self.interaction {
                Interaction::Polynomial(degree) => -overlaps.iter().map(|z| z.powi(degree as i32)).sum::<f64>(),
                Interaction::Exponential => {
                    let largest = overlaps.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    -largest - overlaps.iter().map(|z| (z - largest).exp()).sum::<f64>().ln()
                }
            }
        };
        map(states.rows(), energy)
    }

    /// Σ_μ F(r + ξᵢ) − F(r − ξᵢ), r the overlap without unit i: by how much the energy is lower at xᵢ = 1 than at −1; for the
    /// exponential up to a positive factor.
    fn preference(&self, overlaps: &[f64], unit: usize, x: f64) -> f64 {
        let terms = overlaps.iter().zip(self.column(unit)).map(|(z, &own)| (z - own * x, own));
        match self.interaction {
            Interaction::Polynomial(degree) => {
                terms.map(|(rest, own)| (rest + own).powi(degree as i32) - (rest - own).powi(degree as i32)).sum()
            }
            Interaction::Exponential => {
                let largest = terms.clone().map(|(rest, _)| rest).fold(f64::NEG_INFINITY, f64::max);
                // e^(r + ξ) − e^(r − ξ) = 2 ξ sinh(1) eʳ.
                terms.map(|(rest, own)| own * (rest - largest).exp()).sum()
            }
        }
    }

    /// How many units of each row of `states` recall would change: 0 for a fixed point.
    ///
    /// # Panics
    /// Where `states` is not `units` wide.
    #[track_caller]
    pub fn unstable_units(&self, states: &BitMatrix) -> Vec<usize> {
        self.check_width(states);
        let count = |row| {
            let x = signs(states, row);
            let overlaps = self.overlaps(&x);
            let wrong = |unit: &usize| {
                let x = f64::from(x[*unit]);
                self.preference(&overlaps, *unit, x) * x < 0.0
            };
            (0..self.units).filter(wrong).count()
        };
        map(states.rows(), count)
    }

    /// Recalls each row of `states` one unit at a time, until a sweep changes nothing; returns how each ended. The energy
    /// never rises.
    ///
    /// # Panics
    /// Where `states` is not `units` wide.
    #[track_caller]
    pub fn recall(&self, states: &mut BitMatrix, how: &Asynchronous) -> Vec<Ending> {
        self.check_width(states);
        recall_rows(states, how, |x, stream| {
            let mut overlaps = self.overlaps(x);
            in_random_order(self.units, how.sweeps, stream, |unit| {
                let before = f64::from(x[unit]);
                let changes = self.preference(&overlaps, unit, before) * before < 0.0;
                if changes {
                    x[unit] = -x[unit];
                    let column = self.column(unit);
                    overlaps.iter_mut().zip(column).for_each(|(z, own)| *z -= 2.0 * before * own);
                }
                changes
            })
        })
    }

    #[track_caller]
    fn check_width(&self, states: &BitMatrix) {
        let given = states.units();
        assert_eq!(given, self.units, "states of {given} units, the memory has {}", self.units);
    }
}
