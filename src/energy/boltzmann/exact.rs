//! Enumeration of all states, in f64: log Z, exact moments, likelihoods and draws.
//!
//! The states of n units are built by doubling: those with unit i on and none above have the log-weight of the state
//! without it plus the field of unit i, which itself is built by doubling. Moments fold the table back again. Both take
//! about 4 · 2ⁿ additions, less than one for each pair and state.

use super::{BoltzmannError, BoltzmannMachine};
use crate::energy::enumerated;
use crate::random::Seed;
use crate::tensor::BitMatrix;

/// Units up to which all states are enumerated.
pub(super) const EXACT_UNITS: usize = 20;

/// −E of every state of `units` units 0 and 1 with these weights and biases, into `out` `[2^units]`; unit u is bit u.
pub(super) fn log_weights(
    units: usize,
    weight: impl Fn(usize, usize) -> f64,
    bias: impl Fn(usize) -> f64,
    field: &mut Vec<f64>,
    out: &mut Vec<f64>,
) {
    out.clear();
    out.push(0.0);
    for unit in 0..units {
        field.clear();
        field.push(bias(unit));
        for other in 0..unit {
            let weight = weight(unit, other);
            for state in 0..1 << other {
                field.push(field[state] + weight);
            }
        }
        for state in 0..1 << unit {
            out.push(out[state] + field[state]);
        }
    }
}

/// Turns log-weights into probabilities; returns ln of their sum.
pub(super) fn normalise(values: &mut [f64]) -> f64 {
    let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut total = 0.0;
    for value in values.iter_mut() {
        *value = (*value - largest).exp();
        total += *value;
    }
    values.iter_mut().for_each(|value| *value /= total);
    largest + total.ln()
}

/// Calls `pair(i, j, ⟨xᵢ xⱼ⟩)` for all j < i and `pair(i, i, ⟨xᵢ⟩)`, under probabilities of all states of `units` units.
/// `probabilities` and `part` are used up.
pub(super) fn moments(
    units: usize,
    probabilities: &mut [f64],
    part: &mut Vec<f64>,
    mut pair: impl FnMut(usize, usize, f64),
) {
    for unit in (0..units).rev() {
        let half = 1 << unit;
        let (off, on) = probabilities[..2 * half].split_at_mut(half);
        pair(unit, unit, on.iter().sum());
        part.clear();
        part.extend_from_slice(on);
        for other in (0..unit).rev() {
            let half = 1 << other;
            let (off, on) = part[..2 * half].split_at_mut(half);
            pair(unit, other, on.iter().sum());
            off.iter_mut().zip(on).for_each(|(off, on)| *off += *on);
        }
        off.iter_mut().zip(on).for_each(|(off, on)| *off += *on);
    }
}

impl BoltzmannMachine {
    /// −E of every state by the form with units 0 and 1, where they are few enough.
    pub(super) fn all_log_weights(&self) -> Result<Vec<f64>, BoltzmannError> {
        let n = self.len();
        if n > EXACT_UNITS {
            return Err(BoltzmannError::TooManyUnits { units: n, limit: EXACT_UNITS });
        }
        let mut out = Vec::with_capacity(1 << n);
        let weight = |i: usize, j: usize| f64::from(self.binary_weights[i * n + j]);
        log_weights(n, weight, |i| f64::from(self.binary_bias[i]), &mut Vec::new(), &mut out);
        Ok(out)
    }

    /// log Z by enumeration of all states, nats.
    ///
    /// # Errors
    /// Where there are more than 20 units.
    pub fn exact_log_z(&self) -> Result<f64, BoltzmannError> {
        Ok(normalise(&mut self.all_log_weights()?) - self.energy_offset())
    }

    /// ln p(v) of each row of `visible` `[rows, visible]` by enumeration, nats.
    ///
    /// # Errors
    /// Where there are more than 20 units.
    pub(super) fn exact_log_likelihoods(&self, visible: &BitMatrix) -> Result<Vec<f64>, BoltzmannError> {
        let mut probabilities = self.all_log_weights()?;
        normalise(&mut probabilities);
        let marginal = |row: usize| {
            let v: usize = (0..self.visible).map(|unit| usize::from(visible.get(row, unit)) << unit).sum();
            probabilities.iter().skip(v).step_by(1 << self.visible).sum::<f64>().ln()
        };
        Ok((0..visible.rows()).map(marginal).collect())
    }

    /// `count` independent exact draws of all units, `[count, units]`. `None` where there are more than 20.
    pub fn sample_exact(&self, count: usize, seed: Seed) -> Option<BitMatrix> {
        let states = enumerated::draw(&self.all_log_weights().ok()?, count, seed);
        Some(BitMatrix::from_fn(count, self.len(), |row, unit| states[row] >> unit & 1 == 1))
    }
}
