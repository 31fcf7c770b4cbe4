//! Restricted Boltzmann machines with binary units (Smolensky 1986; Hinton 2002).
//!
//! A machine of V visible units v and H hidden units h, all 0 or 1, with weights W `[visible, hidden]` and biases a, b:
//!
//! - energy E(v, h) = −a·v − b·h − v·W h, and p(v, h) = e^(−E(v, h)) / Z;
//! - free energy F(v) = −a·v − Σⱼ softplus(bⱼ + v·W₍ⱼ₎), so p(v) = e^(−F(v)) / Z;
//! - conditionals p(hⱼ = 1 | v) = σ(bⱼ + Σᵢ vᵢ Wᵢⱼ) and p(vᵢ = 1 | h) = σ(aᵢ + Σⱼ Wᵢⱼ hⱼ), independent within a
//!   layer: block Gibbs sampling draws a whole layer at a time.

mod ais;
mod bridge;
mod chains;
mod error;
mod exact;
mod gradient;
mod likelihood;
mod monitor;
mod raise;
mod recipe;
mod rounding;
mod tabulated;
mod tempering;
mod trainer;
mod update;

pub use ais::{AdaptiveAis, Ais, Annealing};
pub use chains::Chains;
pub use error::RbmError;
pub use likelihood::{Score, Scoring};
pub use raise::Raise;
pub use recipe::{Centering, ChainStart, Method, Recipe};
pub use rounding::{Precision, Rounding};
pub use tempering::TemperedChains;
pub use trainer::RbmTrainer;

use crate::kernels::lookup::{self, BitsRef, MeansOut, Rows, Weights};
use crate::random::Seed;
use crate::simd::Isa;
use crate::store::{Snapshot, SnapshotError};
use crate::tensor::{AlignedVec, BitMatrix, LANES};
use rayon::prelude::*;
use tabulated::Tabulated;

/// A Bernoulli–Bernoulli restricted Boltzmann machine.
///
/// ```
/// use helmholtz::{rbm::Rbm, Seed};
/// let rbm = Rbm::new(64, 128, Seed(1));
/// let mut chains = rbm.chains(1024, Seed(2));
/// chains.gibbs(&rbm, 10);
/// assert_eq!(chains.visible().rows(), 1024);
/// ```
#[derive(Clone, Debug)]
pub struct Rbm {
    visible: usize,
    hidden: usize,
    /// `[visible, hidden]`.
    weights: AlignedVec<f32>,
    /// `[hidden, stride]`, the first `visible` of each row: the same weights, for the products towards hidden units.
    transposed: AlignedVec<f32>,
    visible_bias: AlignedVec<f32>,
    hidden_bias: AlignedVec<f32>,
    /// The step of the grid that all weights lie on, where [`Rbm::rounded`] made the machine.
    step: Option<f32>,
}

/// What the names of the averaged parameters begin with in a checkpoint.
const AVERAGE: &str = "average.";

/// From one row of the transposed weights to the next.
fn stride(visible: usize) -> usize {
    visible.next_multiple_of(LANES)
}

impl PartialEq for Rbm {
    fn eq(&self, other: &Self) -> bool {
        (self.visible, self.hidden) == (other.visible, other.hidden)
            && self.weights == other.weights
            && self.visible_bias == other.visible_bias
            && self.hidden_bias == other.hidden_bias
    }
}

impl Rbm {
    /// A machine with small random weights, N(0, 0.01²), and zero biases.
    ///
    /// # Panics
    /// Where a layer has no unit.
    #[track_caller]
    pub fn new(visible: usize, hidden: usize, seed: Seed) -> Self {
        assert!(visible > 0 && hidden > 0, "an RBM of {visible} visible and {hidden} hidden units");
        let mut rbm = Self::zeros(visible, hidden);
        seed.lanes("rbm weights", 0).fill_normal(&mut rbm.weights);
        rbm.weights.iter_mut().for_each(|w| *w *= 0.01);
        rbm.transpose_weights();
        rbm
    }

    fn zeros(visible: usize, hidden: usize) -> Self {
        Rbm {
            visible,
            hidden,
            weights: AlignedVec::zeroed(visible * hidden),
            transposed: AlignedVec::zeroed(hidden * stride(visible)),
            visible_bias: AlignedVec::zeroed(visible),
            hidden_bias: AlignedVec::zeroed(hidden),
            step: None,
        }
    }

    /// A machine with the given weights `[visible, hidden]` and biases.
    ///
    /// # Errors
    /// Where a layer has no unit, a length is not the shape's, or a value is not finite.
    pub fn from_parameters(
        visible: usize,
        hidden: usize,
        weights: &[f32],
        visible_bias: &[f32],
        hidden_bias: &[f32],
    ) -> Result<Self, RbmError> {
        if visible == 0 || hidden == 0 {
            return Err(RbmError::NoUnits { visible, hidden });
        }
        let parts = [
            ("weights", weights, vec![visible, hidden]),
            ("visible_bias", visible_bias, vec![visible]),
            ("hidden_bias", hidden_bias, vec![hidden]),
        ];
        for (tensor, values, shape) in parts {
            if Some(values.len()) != shape.iter().try_fold(1usize, |n, &axis| n.checked_mul(axis)) {
                return Err(RbmError::Shape { tensor, shape, length: values.len() });
            }
            if let Some(&value) = values.iter().find(|value| !value.is_finite()) {
                return Err(RbmError::NonFinite { tensor, value });
            }
        }
        let mut rbm = Self::zeros(visible, hidden);
        rbm.weights.copy_from_slice(weights);
        rbm.visible_bias.copy_from_slice(visible_bias);
        rbm.hidden_bias.copy_from_slice(hidden_bias);
        rbm.transpose_weights();
        Ok(rbm)
    }

    /// Makes the transposed copy equal the weights.
    fn transpose_weights(&mut self) {
        let stride = stride(self.visible);
        for (visible, row) in self.weights.chunks_exact(self.hidden).enumerate() {
            for (hidden, &weight) in row.iter().enumerate() {
                self.transposed[hidden * stride + visible] = weight;
            }
        }
    }

    /// Visible units.
    pub fn visible(&self) -> usize {
        self.visible
    }

    /// Hidden units.
    pub fn hidden(&self) -> usize {
        self.hidden
    }

    /// The weights W, `[visible, hidden]`.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// The visible biases a, `[visible]`.
    pub fn visible_bias(&self) -> &[f32] {
        &self.visible_bias
    }

    /// The hidden biases b, `[hidden]`.
    pub fn hidden_bias(&self) -> &[f32] {
        &self.hidden_bias
    }

    /// Sets the visible biases to the logits of `means`, the data's column means, clamped away from 0 and 1 by
    /// 1 / (2 `examples`): the best independent model to start from.
    ///
    /// # Panics
    /// Where `means` is not `visible` long.
    #[track_caller]
    pub fn set_visible_bias_from_means(&mut self, means: &[f64], examples: usize) {
        assert_eq!(means.len(), self.visible, "means of {} units for {} visible ones", means.len(), self.visible);
        for (bias, logit) in self.visible_bias.iter_mut().zip(likelihood::logits_of_means(means, examples)) {
            *bias = logit as f32;
        }
    }

    /// A row of weights for each hidden unit, `[hidden, visible]`.
    fn hidden_rows(&self) -> Rows<'_> {
        Rows {
            isa: Isa::current(),
            values: &self.transposed,
            outputs: self.hidden,
            inputs: self.visible,
            stride: stride(self.visible),
        }
    }

    /// A row of weights for each visible unit, `[visible, hidden]`.
    fn visible_rows(&self) -> Rows<'_> {
        Rows {
            isa: Isa::current(),
            values: &self.weights,
            outputs: self.visible,
            inputs: self.hidden,
            stride: self.hidden,
        }
    }

    /// The weights towards hidden units.
    fn towards_hidden(&self) -> Weights<'_> {
        Weights::Rows(self.hidden_rows())
    }

    /// The weights towards visible units.
    fn towards_visible(&self) -> Weights<'_> {
        Weights::Rows(self.visible_rows())
    }

    /// The free energy F(v) = −a·v − Σⱼ softplus(bⱼ + v·W₍ⱼ₎) of each row of `visible`, `[rows]`, nats.
    ///
    /// # Panics
    /// Where `visible` is not `visible()` wide.
    #[track_caller]
    pub fn free_energy(&self, visible: &BitMatrix) -> Vec<f64> {
        assert_eq!(
            visible.units(),
            self.visible,
            "rows of {} units, the model has {}",
            visible.units(),
            self.visible
        );
        let mut tables = Tabulated::new();
        tables.build(self, None);
        let [towards_hidden, _] = tables.weights(self);
        let mut totals = vec![0.0; visible.blocks() * LANES];
        let block_words = visible.words_per_row() * LANES;
        // 32 blocks a task: 512 rows keep a tile of tables busy.
        totals.par_chunks_mut(32 * LANES).zip(visible.words().par_chunks(32 * block_words)).for_each(
            |(totals, words)| {
                let blocks = totals.len() / LANES;
                let input = BitsRef::new(words, self.visible, blocks);
                lookup::add_softplus(towards_hidden, input, &self.hidden_bias, totals);
                add_linear(input, &self.visible_bias, totals);
            },
        );
        totals.truncate(visible.rows());
        totals.iter_mut().for_each(|total| *total = -*total);
        totals
    }

    /// p(h = 1 | v) for each row of `visible`, `[rows, hidden]`.
    ///
    /// # Panics
    /// Where `visible` is not `visible()` wide.
    #[track_caller]
    pub fn mean_hidden(&self, visible: &BitMatrix) -> Vec<f32> {
        assert_eq!(
            visible.units(),
            self.visible,
            "rows of {} units, the model has {}",
            visible.units(),
            self.visible
        );
        means(self.towards_hidden(), &self.hidden_bias, visible)
    }

    /// p(v = 1 | h) for each row of `hidden`, `[rows, visible]`.
    ///
    /// # Panics
    /// Where `hidden` is not `hidden()` wide.
    #[track_caller]
    pub fn mean_visible(&self, hidden: &BitMatrix) -> Vec<f32> {
        assert_eq!(hidden.units(), self.hidden, "rows of {} units, the model has {}", hidden.units(), self.hidden);
        means(self.towards_visible(), &self.visible_bias, hidden)
    }

    /// `count` persistent chains from uniformly random states.
    pub fn chains(&self, count: usize, seed: Seed) -> Chains {
        Chains::random(count, self.visible, self.hidden, seed)
    }

    /// The parameters as named arrays: `weights` `[visible, hidden]`, `visible_bias`, `hidden_bias`.
    pub fn to_snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::default();
        self.write_to(&mut snapshot, "");
        snapshot
    }

    /// The machine whose [`to_snapshot`](Self::to_snapshot) this is; any file with just these three arrays will do.
    ///
    /// # Errors
    /// Where an array is missing, of another type or shape, empty or not finite.
    pub fn from_snapshot(snapshot: &Snapshot) -> Result<Self, RbmError> {
        Self::read_from(snapshot, "")
    }

    /// The machine that a checkpoint of [`RbmTrainer`] is worth: the running average of the weights where it keeps one,
    /// else the weights. Of a file that is no checkpoint, [`from_snapshot`](Self::from_snapshot).
    ///
    /// # Errors
    /// As for `from_snapshot`.
    pub fn from_checkpoint(snapshot: &Snapshot) -> Result<Self, RbmError> {
        let kept = format!("{AVERAGE}weights");
        Self::read_from(snapshot, if snapshot.arrays.contains_key(&kept) { AVERAGE } else { "" })
    }

    fn write_to(&self, snapshot: &mut Snapshot, prefix: &str) {
        snapshot.put_f32(&format!("{prefix}weights"), &[self.visible, self.hidden], &self.weights);
        snapshot.put_f32(&format!("{prefix}visible_bias"), &[self.visible], &self.visible_bias);
        snapshot.put_f32(&format!("{prefix}hidden_bias"), &[self.hidden], &self.hidden_bias);
    }

    fn read_from(snapshot: &Snapshot, prefix: &str) -> Result<Self, RbmError> {
        let length = |name: &str| -> Result<usize, RbmError> {
            let name = format!("{prefix}{name}");
            let array = snapshot.arrays.get(&name).ok_or(SnapshotError::Missing { name })?;
            Ok(array.shape.iter().product())
        };
        let (visible, hidden) = (length("visible_bias")?, length("hidden_bias")?);
        Self::from_parameters(
            visible,
            hidden,
            snapshot.f32(&format!("{prefix}weights"), &[visible, hidden])?,
            snapshot.f32(&format!("{prefix}visible_bias"), &[visible])?,
            snapshot.f32(&format!("{prefix}hidden_bias"), &[hidden])?,
        )
    }
}

/// Adds bias · state to the total of each row, in f64.
fn add_linear(states: BitsRef<'_>, bias: &[f32], totals: &mut [f64]) {
    let words = states.units.div_ceil(32);
    for (block, totals) in totals.chunks_exact_mut(LANES).enumerate() {
        for (word, bias) in bias.chunks(32).enumerate() {
            let lanes = &states.words[(block * words + word) * LANES..][..LANES];
            for (bit, &bias) in bias.iter().enumerate() {
                for (total, lane) in totals.iter_mut().zip(lanes) {
                    *total += f64::from(bias) * f64::from(lane >> bit & 1);
                }
            }
        }
    }
}

/// Means `[rows, outputs]` of the units that `weights` lead to.
fn means(weights: Weights<'_>, bias: &[f32], input: &BitMatrix) -> Vec<f32> {
    let stride = input.blocks() * LANES;
    let mut values = AlignedVec::zeroed(bias.len() * stride);
    let row_weights = vec![1.0; stride];
    lookup::mean(weights, input.into(), bias, MeansOut { values: &mut values, stride, row_weights: &row_weights });
    let mut out = vec![0.0; input.rows() * bias.len()];
    for (row, out) in out.chunks_exact_mut(bias.len()).enumerate() {
        for (unit, out) in out.iter_mut().enumerate() {
            *out = values[unit * stride + row];
        }
    }
    out
}

#[cfg(test)]
mod annealing_tests;
#[cfg(test)]
mod gradient_tests;
#[cfg(test)]
mod likelihood_tests;
#[cfg(test)]
mod model_free_tests;
#[cfg(test)]
pub(super) mod reference;
#[cfg(test)]
mod tempering_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod training_tests;
