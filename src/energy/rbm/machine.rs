//! The machine: its parameters, energies, conditional means and files.

use super::{RbmChains, RbmError};
use crate::data::{Dataset, Values, Wanted};
use crate::energy::independent::logits_of_means;
use crate::energy::parameters;
use crate::kernels::elementwise;
use crate::kernels::gemm::{Epilogue, MatrixRef, Output, gemm};
use crate::kernels::lookup::{self, BitsRef, MeansOut, Rows, Weights};
use crate::parallel::{chunks, chunks_mut, for_each};
use crate::random::Seed;
use crate::simd::Isa;
use crate::store::{Snapshot, SnapshotError};
use crate::tensor::{AlignedVec, BitMatrix, LANES};
use crate::train::best_learner;
use std::fmt;

use super::tabulated::Tabulated;

/// A Bernoulli–Bernoulli restricted Boltzmann machine.
///
/// ```
/// use helmholtz::{rbm::Rbm, Seed};
/// let rbm = Rbm::new(64, 128, Seed(1));
/// let mut chains = rbm.chains(1024, Seed(2));
/// chains.gibbs(&rbm, 10);
/// assert_eq!(chains.visible().rows(), 1024);
/// ```
#[derive(Clone)]
pub struct Rbm {
    pub(super) visible: usize,
    pub(super) hidden: usize,
    /// `[visible, hidden]`.
    pub(super) weights: AlignedVec<f32>,
    /// `[hidden, stride]`, the first `visible` of each row: the same weights, for the products towards hidden units.
    pub(super) transposed: AlignedVec<f32>,
    pub(super) visible_bias: AlignedVec<f32>,
    pub(super) hidden_bias: AlignedVec<f32>,
    /// The step of the grid that all weights lie on, where [`Rbm::rounded`] made the machine.
    pub(super) step: Option<f32>,
}

/// Prefix of the averaged parameters' names in a checkpoint.
pub(super) const AVERAGE: &str = "average.";

/// From one row of the transposed weights to the next.
pub(super) fn stride(visible: usize) -> usize {
    visible.next_multiple_of(LANES)
}

impl fmt::Debug for Rbm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rbm {{ {} visible × {} hidden units }}", self.visible, self.hidden)
    }
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
    /// Hidden units where nothing is known of the data: a default for those who have to choose one.
    pub const HIDDEN: usize = 128;

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

    pub(super) fn zeros(visible: usize, hidden: usize) -> Self {
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
    /// Where a layer has no unit, or a value is not finite.
    ///
    /// # Panics
    /// Where a length is not the shape's.
    #[track_caller]
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
        parameters::check("weights", weights, &[visible, hidden])?;
        parameters::check("visible_bias", visible_bias, &[visible])?;
        parameters::check("hidden_bias", hidden_bias, &[hidden])?;
        let mut rbm = Self::zeros(visible, hidden);
        rbm.weights.copy_from_slice(weights);
        rbm.visible_bias.copy_from_slice(visible_bias);
        rbm.hidden_bias.copy_from_slice(hidden_bias);
        rbm.transpose_weights();
        Ok(rbm)
    }

    /// Makes the transposed copy equal the weights.
    pub(super) fn transpose_weights(&mut self) {
        let stride = stride(self.visible);
        for (visible, row) in self.weights.chunks_exact(self.hidden).enumerate() {
            for (hidden, &weight) in row.iter().enumerate() {
                self.transposed[hidden * stride + visible] = weight;
            }
        }
    }

    /// Makes the weights equal their transposed copy.
    pub(super) fn restore_weights(&mut self) {
        let stride = stride(self.visible);
        for (visible, row) in self.weights.chunks_exact_mut(self.hidden).enumerate() {
            for (hidden, weight) in row.iter_mut().enumerate() {
                *weight = self.transposed[hidden * stride + visible];
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
        self.visible_bias.iter_mut().zip(logits_of_means(means, examples)).for_each(|(bias, logit)| *bias = logit);
    }

    /// A row of weights for each hidden unit, `[hidden, visible]`.
    pub(super) fn hidden_rows(&self) -> Rows<'_> {
        Rows {
            isa: Isa::current(),
            values: &self.transposed,
            outputs: self.hidden,
            inputs: self.visible,
            stride: stride(self.visible),
        }
    }

    /// A row of weights for each visible unit, `[visible, hidden]`.
    pub(super) fn visible_rows(&self) -> Rows<'_> {
        Rows {
            isa: Isa::current(),
            values: &self.weights,
            outputs: self.visible,
            inputs: self.hidden,
            stride: self.hidden,
        }
    }

    /// The weights towards hidden units.
    pub(super) fn towards_hidden(&self) -> Weights<'_> {
        Weights::Rows(self.hidden_rows())
    }

    /// The weights towards visible units.
    pub(super) fn towards_visible(&self) -> Weights<'_> {
        Weights::Rows(self.visible_rows())
    }

    /// The free energy F(v) = −a·v − Σⱼ softplus(bⱼ + v·W₍ⱼ₎) of each row of `visible`, `[rows]`, nats.
    ///
    /// # Panics
    /// Where `visible` is not `visible()` wide.
    #[track_caller]
    pub fn free_energy(&self, visible: &BitMatrix) -> Vec<f64> {
        check_units(visible, self.visible);
        let mut tables = Tabulated::new();
        tables.build(self, None);
        let [towards_hidden, _] = tables.weights(self);
        let mut totals = vec![0.0; visible.blocks() * LANES];
        let block_words = visible.words_per_row() * LANES;
        // 32 blocks a task: 512 rows keep a tile of tables busy.
        let cut = (chunks_mut(&mut totals, 32 * LANES), chunks(visible.words(), 32 * block_words));
        for_each(cut, |_, (totals, words)| {
            let input = BitsRef::new(words, self.visible, totals.len() / LANES);
            lookup::add_softplus(towards_hidden, input, &self.hidden_bias, totals);
            add_linear(input, &self.visible_bias, totals);
        });
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
        check_units(visible, self.visible);
        means(self.towards_hidden(), &self.hidden_bias, visible)
    }

    /// The code p(h = 1 | v) of each row of `data`, `[rows, hidden]`; grey levels are taken for the means of visible units.
    ///
    /// # Errors
    /// Where the data has no rows, is not as wide as the machine, or holds other numbers than those from 0 to 1.
    pub fn encode(&self, data: &Dataset<'_>) -> Result<Vec<f32>, RbmError> {
        Wanted { width: self.visible, values: Values::Probabilities }.check(data)?;
        if !data.is_grey() {
            return Ok(self.mean_hidden(&data.to_bits()));
        }
        let mut levels = vec![0.0; data.len() * self.visible];
        for (row, levels) in levels.chunks_exact_mut(self.visible).enumerate() {
            data.row_into(row, levels);
        }
        let mut codes = self.hidden_bias.repeat(data.len());
        let levels = MatrixRef::row_major(&levels, data.len(), self.visible);
        let weights = MatrixRef::row_major(&self.weights, self.visible, self.hidden);
        gemm(levels, weights, &mut codes, Epilogue { output: Output::Accumulate, ..Epilogue::default() });
        elementwise::sigmoid(&mut codes);
        Ok(codes)
    }

    /// p(v = 1 | h) for each row of `hidden`, `[rows, visible]`.
    ///
    /// # Panics
    /// Where `hidden` is not `hidden()` wide.
    #[track_caller]
    pub fn mean_visible(&self, hidden: &BitMatrix) -> Vec<f32> {
        check_units(hidden, self.hidden);
        means(self.towards_visible(), &self.visible_bias, hidden)
    }

    /// `count` persistent chains from uniformly random states.
    pub fn chains(&self, count: usize, seed: Seed) -> RbmChains {
        RbmChains::random(count, self.visible, self.hidden, seed)
    }

    /// `count` draws of the visible units by chains of `sweeps` sweeps from random states, `[count, visible]`.
    /// [`sample_exact`](Self::sample_exact) draws from small machines without chains.
    pub fn sample(&self, count: usize, sweeps: usize, seed: Seed) -> BitMatrix {
        let mut chains = self.chains(count, seed);
        chains.gibbs(self, sweeps);
        chains.into_visible()
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

    /// The trained machine of a checkpoint, [`Trainer::model`](crate::train::Trainer::model): at the best evaluation where
    /// the run stops early, the running average of the parameters where it keeps one. Of a file that is no checkpoint,
    /// [`from_snapshot`](Self::from_snapshot).
    ///
    /// # Errors
    /// As for `from_snapshot`.
    pub fn from_checkpoint(snapshot: &Snapshot) -> Result<Self, RbmError> {
        let learner = best_learner(snapshot);
        let averaged = learner.contains(&format!("{AVERAGE}weights"));
        Self::read_from(&learner, if averaged { AVERAGE } else { "" })
    }

    pub(super) fn write_to(&self, snapshot: &mut Snapshot, prefix: &str) {
        snapshot.put_f32(&format!("{prefix}weights"), &[self.visible, self.hidden], &self.weights);
        snapshot.put_f32(&format!("{prefix}visible_bias"), &[self.visible], &self.visible_bias);
        snapshot.put_f32(&format!("{prefix}hidden_bias"), &[self.hidden], &self.hidden_bias);
    }

    /// Takes the parameters of a machine of this shape.
    pub(super) fn copy_from(&mut self, snapshot: &Snapshot, prefix: &str) -> Result<(), SnapshotError> {
        let [visible, hidden] = [self.visible, self.hidden];
        self.weights.copy_from_slice(snapshot.f32(&format!("{prefix}weights"), &[visible, hidden])?);
        self.visible_bias.copy_from_slice(snapshot.f32(&format!("{prefix}visible_bias"), &[visible])?);
        self.hidden_bias.copy_from_slice(snapshot.f32(&format!("{prefix}hidden_bias"), &[hidden])?);
        self.transpose_weights();
        Ok(())
    }

    fn read_from(snapshot: &Snapshot, prefix: &str) -> Result<Self, RbmError> {
        let length = |name: &str| snapshot.shape(&format!("{prefix}{name}")).map(|shape| shape.iter().product());
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

#[track_caller]
fn check_units(rows: &BitMatrix, units: usize) {
    assert_eq!(rows.units(), units, "rows of {} units, the machine has {units}", rows.units());
}

/// Adds bias · state to the total of each row, in f64.
pub(super) fn add_linear(states: BitsRef<'_>, bias: &[f32], totals: &mut [f64]) {
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
