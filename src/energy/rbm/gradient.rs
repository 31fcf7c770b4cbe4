//! The gradient of the mean log-likelihood: ⟨v hᵀ⟩ on the data minus ⟨v hᵀ⟩ under the model.
//!
//! Both sides are weighted sums over rows of a bit matrix: the data's with weight 1/N, the model's with −1/M (chains) or
//! −p (enumerated states). So one product over all rows gives the difference, the rows being the summed axis: the rows'
//! bits, transposed, are the indices, and the hidden probabilities, times the row's weight, are what is tabulated.

use super::exact::{CHUNK, Enumeration};
use super::{Rbm, stride};
use crate::kernels::gemm::{Epilogue, MatrixRef, Output, gemm};
use crate::kernels::lookup::{self, BitsRef, Layer, MeansOut, Rows, Weights};
use crate::random::Lanes;
use crate::simd::Isa;
use crate::tensor::{AlignedVec, BitMatrix, LANES};
use rayon::prelude::*;
use std::ops::Range;

/// The gradient before centering, and the means it needs.
#[derive(Clone, Debug, Default)]
pub(super) struct Statistics {
    /// ⟨v hᵀ⟩_data − ⟨v hᵀ⟩_model, `[hidden, stride]`; empty where they are summed as they are used.
    pub products: AlignedVec<f32>,
    /// ⟨v⟩_data − ⟨v⟩_model, `[stride]`.
    pub visible: AlignedVec<f32>,
    /// ⟨h⟩_data − ⟨h⟩_model, `[hidden]`.
    pub hidden: AlignedVec<f32>,
    /// ⟨h⟩_data, `[hidden]`.
    pub data_hidden: AlignedVec<f32>,
}

impl Statistics {
    pub(super) fn new(visible: usize, hidden: usize) -> Self {
        Statistics { products: AlignedVec::zeroed(hidden * stride(visible)), ..Self::means(visible, hidden) }
    }

    /// Room for the means alone.
    pub(super) fn means(visible: usize, hidden: usize) -> Self {
        Statistics {
            products: AlignedVec::new(),
            visible: AlignedVec::zeroed(stride(visible)),
            hidden: AlignedVec::zeroed(hidden),
            data_hidden: AlignedVec::zeroed(hidden),
        }
    }
}

/// Rows of bits stacked for one step, data first, the model's after, and the scratch of the products over them.
///
/// Each side starts on a multiple of 32 rows, a word of the transposed matrix.
#[derive(Debug, Default)]
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

    fn block_words(&self) -> usize {
        self.visible.div_ceil(32) * LANES
    }

    /// Lays the data's bits in.
    pub(super) fn set_data(&mut self, bits: &BitMatrix) {
        self.words[..bits.words().len()].copy_from_slice(bits.words());
    }

    fn model_blocks(&self) -> usize {
        self.model_rows.div_ceil(LANES)
    }

    /// Draws the hidden units of `hidden` given the data's rows.
    pub(super) fn draw_hidden_from_data(
        &mut self,
        rbm: &Rbm,
        weights: Weights<'_>,
        hidden: &mut BitMatrix,
        streams: &mut [Lanes],
    ) {
        let blocks = hidden.blocks();
        let input = BitsRef::new(&self.words[..blocks * self.block_words()], self.visible, blocks);
        let rows = hidden.rows();
        let layer = Layer { bias: &rbm.hidden_bias, temper: None, words: hidden.words_mut(), free: None, rows };
        lookup::sample_by_outputs(weights, input, layer, streams, &mut self.drawn);
    }

    /// The model's visible rows.
    #[cfg(test)]
    pub(super) fn model_visible(&self) -> BitMatrix {
        let mut bits = BitMatrix::zeros(self.model_rows, self.visible);
        let start = self.data_blocks * self.block_words();
        let length = bits.words().len();
        bits.words_mut().copy_from_slice(&self.words[start..][..length]);
        bits
    }

    /// Draws the model's visible rows given `hidden`.
    pub(super) fn draw_visible(
        &mut self,
        rbm: &Rbm,
        weights: Weights<'_>,
        hidden: &BitMatrix,
        streams: &mut [Lanes],
    ) {
        let start = self.data_blocks * self.block_words();
        let length = self.model_blocks() * self.block_words();
        let words = &mut self.words[start..][..length];
        let layer = Layer { bias: &rbm.visible_bias, temper: None, words, free: None, rows: self.model_rows };
        lookup::sample_by_outputs(weights, hidden.into(), layer, streams, &mut self.drawn);
    }

    /// Draws the hidden units of `hidden` given the model's visible rows.
    pub(super) fn draw_hidden(
        &mut self,
        rbm: &Rbm,
        weights: Weights<'_>,
        hidden: &mut BitMatrix,
        streams: &mut [Lanes],
    ) {
        let start = self.data_blocks * self.block_words();
        let blocks = self.model_blocks();
        let input = BitsRef::new(&self.words[start..][..blocks * self.block_words()], self.visible, blocks);
        let rows = hidden.rows();
        let layer = Layer { bias: &rbm.hidden_bias, temper: None, words: hidden.words_mut(), free: None, rows };
        lookup::sample_by_outputs(weights, input, layer, streams, &mut self.drawn);
    }

    /// The hidden probabilities of all rows; and a draw of the model's, into `hidden`.
    pub(super) fn finish_hidden(&mut self, rbm: &Rbm, hidden: &mut BitMatrix, streams: &mut [Lanes]) {
        let blocks = self.data_blocks + self.model_blocks();
        let input = BitsRef::new(&self.words[..blocks * self.block_words()], self.visible, blocks);
        let stride = self.row_weights.len();
        let out = MeansOut { values: &mut self.means, stride, row_weights: &self.row_weights };
        let rows = hidden.rows();
        let layer = Layer { bias: &rbm.hidden_bias, temper: None, words: hidden.words_mut(), free: None, rows };
        lookup::mean_and_sample(
            rbm.towards_hidden(),
            input,
            out,
            layer,
            self.data_blocks,
            streams,
            &mut self.drawn,
        );
    }

    /// The hidden probabilities of the data's rows alone.
    pub(super) fn finish_data(&mut self, rbm: &Rbm) {
        let stride = self.row_weights.len();
        let input =
            BitsRef::new(&self.words[..self.data_blocks * self.block_words()], self.visible, self.data_blocks);
        let out = MeansOut { values: &mut self.means, stride, row_weights: &self.row_weights };
        lookup::mean(rbm.towards_hidden(), input, &rbm.hidden_bias, out);
    }

    /// Lays the model's visible rows in, and finds the hidden probabilities of all rows.
    pub(super) fn finish_with_model(&mut self, rbm: &Rbm, visible: &BitMatrix) {
        let start = self.data_blocks * self.block_words();
        self.words[start..][..visible.words().len()].copy_from_slice(visible.words());
        self.finish_means(rbm);
    }

    /// The hidden probabilities of all rows.
    pub(super) fn finish_means(&mut self, rbm: &Rbm) {
        let blocks = self.data_blocks + self.model_blocks();
        let input = BitsRef::new(&self.words[..blocks * self.block_words()], self.visible, blocks);
        let stride = self.row_weights.len();
        let out = MeansOut { values: &mut self.means, stride, row_weights: &self.row_weights };
        lookup::mean(rbm.towards_hidden(), input, &rbm.hidden_bias, out);
    }

    /// Sums all rows up.
    pub(super) fn statistics(&mut self, out: &mut Statistics) {
        self.sum_means(out);
        if self.row_weights.is_empty() {
            out.products.fill(0.0);
            return;
        }
        let (weights, visible_bits) = self.operands(0..out.hidden.len());
        lookup::sums(weights, visible_bits, &mut out.products, stride(self.visible));
    }

    /// ⟨v hᵀ⟩_data − ⟨v hᵀ⟩_model of some hidden units into `out` `[units, stride]`, one thread; the means are summed.
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

    /// Sums the means up, and lays the bits out for the products.
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
        let hidden = out.hidden.par_iter_mut().zip(out.data_hidden.par_iter_mut());
        self.means.par_chunks_exact(rows).zip(hidden).with_min_len(64).for_each(
            |(means, (hidden, data_hidden))| {
                *data_hidden = sum(&means[..data_rows]);
                *hidden = *data_hidden + sum(&means[data_rows..]);
            },
        );
        let data_words = self.data_blocks / 2;
        let words = rows / 32;
        let (data_weight, model_weight) = (
            self.row_weights.first().copied().unwrap_or(0.0),
            self.row_weights.get(data_rows).copied().unwrap_or(0.0),
        );
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

/// The data's side for grey levels, which are probabilities: no bits, so a matrix product.
#[derive(Debug, Default)]
pub(super) struct Grey {
    /// `[batch, stride]`.
    pub levels: AlignedVec<f32>,
    /// `[hidden, batch]`.
    means: AlignedVec<f32>,
    rows: usize,
}

impl Grey {
    pub(super) fn new(rbm: &Rbm, rows: usize) -> Self {
        Grey {
            levels: AlignedVec::zeroed(rows * stride(rbm.visible)),
            means: AlignedVec::zeroed(rbm.hidden * rows),
            rows,
        }
    }

    /// Adds the data's side to statistics that hold the model's.
    pub(super) fn add(&mut self, rbm: &Rbm, out: &mut Statistics) {
        let (rows, stride) = (self.rows, stride(rbm.visible));
        let weights = MatrixRef::row_major(&rbm.transposed, rbm.hidden, stride);
        let levels = MatrixRef::row_major(&self.levels, rows, stride);
        gemm(weights, levels.transposed(), &mut self.means, Epilogue::default());
        let weight = 1.0 / rows as f32;
        let hidden = out.hidden.par_iter_mut().zip(out.data_hidden.par_iter_mut()).zip(rbm.hidden_bias.par_iter());
        self.means.par_chunks_exact_mut(rows).zip(hidden).with_min_len(16).for_each(
            |(means, ((hidden, data_hidden), &bias))| {
                means.iter_mut().for_each(|x| *x += bias);
                crate::kernels::elementwise::sigmoid(means);
                means.iter_mut().for_each(|p| *p *= weight);
                *data_hidden = means.iter().sum();
                *hidden += *data_hidden;
            },
        );
        let means = MatrixRef::row_major(&self.means, rbm.hidden, rows);
        gemm(means, levels, &mut out.products, Epilogue { output: Output::Accumulate, ..Epilogue::default() });
        for row in self.levels.chunks_exact(stride) {
            for (out, level) in out.visible.iter_mut().zip(row) {
                *out += level * weight;
            }
        }
    }
}

/// Subtracts the exact model side from `out`, which holds the data's.
pub(super) fn subtract_exact_model(rbm: &Rbm, enumeration: &Enumeration<'_>, out: &mut Statistics) {
    let mut log_weights = enumeration.all_log_weights();
    let log_z = log_sum_exp(&log_weights);
    log_weights.iter_mut().for_each(|value| *value = (*value - log_z).exp());
    let probabilities = log_weights;

    let hidden_is_smaller = enumeration.hidden_is_smaller;
    let (smaller, larger) = (enumeration.units, rbm.visible.max(rbm.hidden));
    let (weights, bias) = if hidden_is_smaller {
        (rbm.towards_visible(), &rbm.visible_bias)
    } else {
        (rbm.towards_hidden(), &rbm.hidden_bias)
    };
    let row_words = CHUNK / 32;
    let (mut means, mut products) =
        (AlignedVec::zeroed(larger * CHUNK), AlignedVec::<f32>::zeroed(larger * stride(smaller)));
    let mut transposed = vec![0; smaller.div_ceil(LANES) * row_words * LANES];
    let mut larger_mean = vec![0.0f64; larger];
    let mut smaller_mean = vec![0.0f64; smaller];
    let mut all_products = vec![0.0f64; larger * stride(smaller)];
    for (chunk, probabilities) in probabilities.chunks(CHUNK).enumerate() {
        let mut row_weights = [0.0f32; CHUNK];
        let mut words = [0u32; CHUNK];
        for (index, &probability) in probabilities.iter().enumerate() {
            row_weights[index] = probability as f32;
            let state = chunk * CHUNK + index;
            words[index] = state as u32;
            for (unit, mean) in smaller_mean.iter_mut().enumerate() {
                *mean += probability * (state >> unit & 1) as f64;
            }
        }
        let states = BitsRef::new(&words, smaller, CHUNK / LANES);
        let means_out = MeansOut { values: &mut means, stride: CHUNK, row_weights: &row_weights };
        lookup::mean(weights, states, bias, means_out);
        lookup::transpose_bits(states, &mut transposed);
        let bits = BitsRef::new(&transposed, CHUNK, smaller.div_ceil(LANES));
        let rows = Rows { isa: Isa::current(), values: &means, outputs: larger, inputs: CHUNK, stride: CHUNK };
        lookup::sums(Weights::Rows(rows), bits, &mut products, stride(smaller));
        for (all, product) in all_products.iter_mut().zip(products.iter()) {
            *all += f64::from(*product);
        }
        for (mean, row) in larger_mean.iter_mut().zip(means.chunks_exact(CHUNK)) {
            *mean += row.iter().map(|&value| f64::from(value)).sum::<f64>();
        }
    }
    let (visible_mean, hidden_mean) =
        if hidden_is_smaller { (&larger_mean, &smaller_mean) } else { (&smaller_mean, &larger_mean) };
    for (hidden, row) in out.products.chunks_exact_mut(stride(rbm.visible)).enumerate() {
        for (visible, value) in row.iter_mut().take(rbm.visible).enumerate() {
            let product = if hidden_is_smaller {
                all_products[visible * stride(smaller) + hidden]
            } else {
                all_products[hidden * stride(smaller) + visible]
            };
            *value -= product as f32;
        }
    }
    for (value, mean) in out.visible.iter_mut().zip(visible_mean) {
        *value -= *mean as f32;
    }
    for (value, mean) in out.hidden.iter_mut().zip(hidden_mean) {
        *value -= *mean as f32;
    }
}

fn log_sum_exp(values: &[f64]) -> f64 {
    let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    largest + values.iter().map(|value| (value - largest).exp()).sum::<f64>().ln()
}
