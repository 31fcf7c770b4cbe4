//! The rows of one update, the batch's and the chains', and every product over them.
//!
//! ⟨v hᵀ⟩_data − ⟨v hᵀ⟩_model is a weighted sum over rows: the data's weigh 1/N, the chains' −1/M. So with all rows in one
//! stack one product gives the difference, the rows being the summed axis: their bits, transposed, are the indices, and the
//! hidden probabilities, times the row's weight, are what is tabulated.

use super::Rbm;
use super::gradient::Statistics;
use super::machine::stride;
use crate::kernels::lookup::{self, BitsRef, Layer, MeansOut, Rows, Weights};
use crate::parallel::{for_each_in_groups, items_mut};
use crate::random::Streams;
use crate::simd::Isa;
use crate::tensor::{AlignedVec, BitMatrix, LANES};
use std::ops::Range;

/// Which rows of a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// The batch's.
    Data,
    /// The chains'.
    Model,
}

/// Rows of bits stacked for one step, data first, the model's after, and the scratch of the products over them.
///
/// Each side starts on a multiple of 32 rows, a word of the transposed matrix.
#[derive(Clone, Debug, Default)]
pub(super) struct Stack {
    data_blocks: usize,
    model_rows: usize,
    /// `[rows, visible]`, canonical layout.
    words: AlignedVec<u32>,
    row_weights: AlignedVec<f32>,
    /// Hidden probabilities times the row's weight, `[hidden, rows]`.
    means: AlignedVec<f32>,
    transposed: AlignedVec<u32>,
    drawn: AlignedVec<u32>,
    visible: usize,
}

impl Stack {
    /// Room for `data_rows` and `model_rows` rows of a machine. Rows weigh 1 / `data_rows` and −1 / `model_rows`.
    pub(super) fn new(rbm: &Rbm, data_rows: usize, model_rows: usize) -> Self {
        let data_blocks = data_rows.div_ceil(32) * 2;
        let blocks = data_blocks + model_rows.div_ceil(32) * 2;
        let mut row_weights = AlignedVec::zeroed(blocks * LANES);
        row_weights[..data_rows].fill(1.0 / data_rows as f32);
        row_weights[data_blocks * LANES..][..model_rows].fill(-1.0 / model_rows as f32);
        Stack {
            data_blocks,
            model_rows,
            words: AlignedVec::zeroed(blocks * rbm.visible.div_ceil(32) * LANES),
            means: AlignedVec::zeroed(rbm.hidden * blocks * LANES),
            transposed: AlignedVec::zeroed(rbm.visible.div_ceil(LANES) * (blocks / 2) * LANES),
            row_weights,
            drawn: AlignedVec::new(),
            visible: rbm.visible,
        }
    }

    /// Where a side's first `blocks` blocks of 16 rows are.
    fn words_of(&self, side: Side, blocks: usize) -> Range<usize> {
        let block = self.visible.div_ceil(32) * LANES;
        let first = if side == Side::Model { self.data_blocks } else { 0 };
        first * block..(first + blocks) * block
    }

    /// Blocks of 16 rows of both sides.
    fn blocks(&self) -> usize {
        self.data_blocks + self.model_rows.div_ceil(LANES)
    }

    /// Lays the visible rows of one side in.
    pub(super) fn lay(&mut self, side: Side, bits: &BitMatrix) {
        let range = self.words_of(side, bits.blocks());
        self.words[range].copy_from_slice(bits.words());
    }

    /// The model's visible rows.
    #[cfg(test)]
    pub(super) fn model_visible(&self) -> BitMatrix {
        let mut bits = BitMatrix::zeros(self.model_rows, self.visible);
        let range = self.words_of(Side::Model, bits.blocks());
        bits.words_mut().copy_from_slice(&self.words[range]);
        bits
    }

    /// v ~ p(v | h): draws the model's visible rows given `hidden`.
    pub(super) fn draw_visible(
        &mut self,
        rbm: &Rbm,
        weights: Weights<'_>,
        hidden: &BitMatrix,
        streams: &mut Streams,
    ) {
        let range = self.words_of(Side::Model, self.model_rows.div_ceil(LANES));
        let (words, rows) = (&mut self.words[range], self.model_rows);
        let layer = Layer { bias: &rbm.visible_bias, temper: None, words, free: None, rows };
        lookup::sample_by_outputs(weights, hidden.into(), layer, streams.blocks_mut(), &mut self.drawn);
    }

    /// h ~ p(h | v): draws the hidden units of `hidden` given the visible rows of one side.
    pub(super) fn draw_hidden(
        &mut self,
        side: Side,
        rbm: &Rbm,
        weights: Weights<'_>,
        hidden: &mut BitMatrix,
        streams: &mut Streams,
    ) {
        let (blocks, rows) = (hidden.blocks(), hidden.rows());
        let input = BitsRef::new(&self.words[self.words_of(side, blocks)], self.visible, blocks);
        let layer = Layer { bias: &rbm.hidden_bias, temper: None, words: hidden.words_mut(), free: None, rows };
        lookup::sample_by_outputs(weights, input, layer, streams.blocks_mut(), &mut self.drawn);
    }

    /// p(h | v) of all rows, times their weights.
    pub(super) fn mean_hidden(&mut self, rbm: &Rbm) {
        let (blocks, stride) = (self.blocks(), self.row_weights.len());
        let input = BitsRef::new(&self.words[self.words_of(Side::Data, blocks)], self.visible, blocks);
        let out = MeansOut { values: &mut self.means, stride, row_weights: &self.row_weights };
        lookup::mean(rbm.towards_hidden(), input, &rbm.hidden_bias, out);
    }

    /// The same, and h ~ p(h | v) of the model's rows into `hidden`, in one product.
    pub(super) fn mean_and_draw_hidden(&mut self, rbm: &Rbm, hidden: &mut BitMatrix, streams: &mut Streams) {
        let (blocks, stride, rows) = (self.blocks(), self.row_weights.len(), hidden.rows());
        let input = BitsRef::new(&self.words[self.words_of(Side::Data, blocks)], self.visible, blocks);
        let out = MeansOut { values: &mut self.means, stride, row_weights: &self.row_weights };
        let layer = Layer { bias: &rbm.hidden_bias, temper: None, words: hidden.words_mut(), free: None, rows };
        let (weights, first, streams) = (rbm.towards_hidden(), self.data_blocks, streams.blocks_mut());
        lookup::mean_and_sample(weights, input, out, layer, first, streams, &mut self.drawn);
    }

    /// ⟨v⟩ and ⟨h⟩, data less model; and the bits are transposed for the products.
    pub(super) fn sum_means(&mut self, out: &mut Statistics) {
        let rows = self.row_weights.len();
        if rows == 0 {
            // Grey levels beside the exact model: neither side has bits.
            for values in [&mut out.visible, &mut out.hidden, &mut out.data_hidden] {
                values.fill(0.0);
            }
            return;
        }
        lookup::transpose_bits(BitsRef::new(&self.words, self.visible, rows / LANES), &mut self.transposed);
        let data_rows = self.data_blocks * LANES;
        let means = &self.means;
        let cut = (items_mut(&mut out.hidden), items_mut(&mut out.data_hidden));
        for_each_in_groups(64, cut, |unit, (hidden, data_hidden)| {
            let (data, model) = means[unit * rows..][..rows].split_at(data_rows);
            *data_hidden = sum(data);
            *hidden = *data_hidden + sum(model);
        });
        let (data_words, words) = (self.data_blocks / 2, rows / 32);
        let weight = |row: usize| self.row_weights.get(row).copied().unwrap_or(0.0);
        let (data_weight, model_weight) = (weight(0), weight(data_rows));
        for (block, out) in out.visible.chunks_exact_mut(LANES).enumerate() {
            for (lane, out) in out.iter_mut().enumerate() {
                let count =
                    |words: &[u32]| words.iter().skip(lane).step_by(LANES).map(|w| w.count_ones()).sum::<u32>();
                let all = &self.transposed[block * words * LANES..][..words * LANES];
                let (data, model) = all.split_at(data_words * LANES);
                *out = count(data) as f32 * data_weight + count(model) as f32 * model_weight;
            }
        }
    }

    /// ⟨v hᵀ⟩ of all hidden units, data less model, into `out` `[hidden, stride]`, after [`sum_means`](Self::sum_means).
    pub(super) fn sum_products(&self, hidden: usize, out: &mut [f32]) {
        if self.row_weights.is_empty() {
            return out.fill(0.0);
        }
        let (weights, visible_bits) = self.operands(0..hidden);
        lookup::sums(weights, visible_bits, out, stride(self.visible));
    }

    /// The same of some hidden units, `[units, stride]`, in one thread.
    pub(super) fn products(&self, hidden: Range<usize>, out: &mut [f32]) {
        let (weights, visible_bits) = self.operands(hidden);
        lookup::sums_of_blocks(weights, visible_bits, out, stride(self.visible));
    }

    /// The rows are the inputs: weighted probabilities to be tabulated, and the transposed bits.
    fn operands(&self, hidden: Range<usize>) -> (Weights<'_>, BitsRef<'_>) {
        let rows = self.row_weights.len();
        let (isa, outputs) = (Isa::current(), hidden.len());
        let weights =
            Rows { isa, values: &self.means[hidden.start * rows..], outputs, inputs: rows, stride: rows };
        (Weights::Rows(weights), BitsRef::new(&self.transposed, rows, self.visible.div_ceil(LANES)))
    }
}

/// A sum in sixteen lanes.
fn sum(values: &[f32]) -> f32 {
    let mut lanes = [0.0f32; LANES];
    for chunk in values.chunks_exact(LANES) {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += value;
        }
    }
    lanes.iter().sum()
}
