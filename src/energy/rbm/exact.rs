//! Enumeration of the smaller layer: log Z, exact draws and exact model expectations.
//!
//! With s the smaller layer (bias c) and x its other side's logits, log Z = ln Σₛ e^(c·s + Σ softplus(xᵢ(s))): the
//! larger layer is summed out in closed form.

use super::machine::{add_linear, stride};
use super::{Rbm, RbmError};
use crate::energy::enumerated;
use crate::kernels::lookup::{self, BitsRef, Layer, Tables, Weights};
use crate::parallel::{chunks_mut, for_each, map};
use crate::random::{Seed, Streams};
use crate::tensor::{BitMatrix, LANES};

/// Units of the smaller layer up to which log Z is enumerated without being asked.
pub(super) const EXACT_UNITS: usize = 20;

/// States enumerated at a time: 32 blocks of 16.
pub(super) const CHUNK: usize = 512;

/// The smaller layer of a machine as the numbers 0 to 2ⁿ − 1, unit `u` being bit `u`.
pub(super) struct Enumeration<'a> {
    /// Units of the smaller layer.
    pub units: usize,
    /// Whether that is the hidden one.
    pub hidden_is_smaller: bool,
    bias: &'a [f32],
    other_bias: &'a [f32],
    tables: Tables,
}

impl<'a> Enumeration<'a> {
    /// # Errors
    /// Where the smaller layer has more than `limit` units.
    pub(super) fn of(rbm: &'a Rbm, limit: usize) -> Result<Self, RbmError> {
        let units = rbm.visible.min(rbm.hidden);
        if units > limit.min(30) {
            return Err(RbmError::TooManyUnits { units, limit: limit.min(30) });
        }
        let hidden_is_smaller = rbm.hidden <= rbm.visible;
        let mut tables = Tables::new();
        let (bias, other_bias) = if hidden_is_smaller {
            tables.build(&rbm.weights, [rbm.visible, rbm.hidden], rbm.hidden);
            (&rbm.hidden_bias, &rbm.visible_bias)
        } else {
            tables.build(&rbm.transposed, [rbm.hidden, rbm.visible], stride(rbm.visible));
            (&rbm.visible_bias, &rbm.hidden_bias)
        };
        Ok(Enumeration { units, hidden_is_smaller, bias, other_bias, tables })
    }

    /// How many states there are.
    pub(super) fn states(&self) -> usize {
        1 << self.units
    }

    /// ln of the unnormalised probability of each state from `first` on, into `out`.
    pub(super) fn log_weights(&self, first: usize, out: &mut [f64]) {
        let blocks = out.len().div_ceil(LANES);
        let mut words = [0u32; CHUNK];
        let mut totals = [0.0f64; CHUNK];
        let (words, totals) = (&mut words[..blocks * LANES], &mut totals[..blocks * LANES]);
        for (index, word) in words.iter_mut().enumerate() {
            *word = (first + index).min(self.states() - 1) as u32;
        }
        let input = BitsRef::new(words, self.units, blocks);
        lookup::add_softplus(Weights::Tables(&self.tables), input, self.other_bias, totals);
        add_linear(input, self.bias, totals);
        out.copy_from_slice(&totals[..out.len()]);
    }

    /// log Z, nats.
    pub(super) fn log_z(&self) -> f64 {
        let parts: Vec<(f64, f64)> = map(self.states().div_ceil(CHUNK), |chunk| {
            let mut values = [0.0; CHUNK];
            let values = &mut values[..CHUNK.min(self.states() - chunk * CHUNK)];
            self.log_weights(chunk * CHUNK, values);
            let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            (largest, values.iter().map(|value| (value - largest).exp()).sum())
        });
        let largest = parts.iter().map(|part| part.0).fold(f64::NEG_INFINITY, f64::max);
        largest + parts.iter().map(|(shift, sum)| (shift - largest).exp() * sum).sum::<f64>().ln()
    }

    /// ln of the unnormalised probability of every state.
    pub(super) fn all_log_weights(&self) -> Vec<f64> {
        let mut values = vec![0.0; self.states()];
        for_each(chunks_mut(&mut values, CHUNK), |chunk, values| self.log_weights(chunk * CHUNK, values));
        values
    }
}

impl Rbm {
    /// log Z by enumeration of the smaller layer, nats. f32 activations, f64 sums: the error is about 1e-6 of the
    /// largest exponent.
    ///
    /// # Errors
    /// Where the smaller layer has more than `limit` units (each unit doubles the time; 20 take about a second).
    pub fn exact_log_z(&self, limit: usize) -> Result<f64, RbmError> {
        Ok(Enumeration::of(self, limit)?.log_z())
    }

    /// `count` independent exact draws of the visible units, `[count, visible]`: the smaller layer from its enumerated
    /// marginal, the other given it. `None` where the smaller layer has more than 20 units.
    pub fn sample_exact(&self, count: usize, seed: Seed) -> Option<BitMatrix> {
        let enumeration = Enumeration::of(self, EXACT_UNITS).ok()?;
        let states = enumerated::draw(&enumeration.all_log_weights(), count, seed);
        let smaller = BitMatrix::from_fn(count, enumeration.units, |row, unit| states[row] >> unit & 1 == 1);
        if !enumeration.hidden_is_smaller {
            return Some(smaller);
        }
        let mut visible = BitMatrix::zeros(count, self.visible);
        let mut streams = Streams::new(seed, "exact visible", count);
        let layer =
            Layer { bias: &self.visible_bias, temper: None, words: visible.words_mut(), free: None, rows: count };
        lookup::sample(Weights::Tables(&enumeration.tables), BitsRef::from(&smaller), layer, streams.blocks_mut());
        Some(visible)
    }
}
