//! The gradient of the mean log-likelihood, ⟨v hᵀ⟩_data − ⟨v hᵀ⟩_model: its parts, and those that no [stack](super::stack) of
//! bits has: grey levels, and the exact model.

use super::Rbm;
use super::exact::{CHUNK, Enumeration};
use super::machine::stride;
use crate::data::Dataset;
use crate::kernels::gemm::{Epilogue, MatrixRef, Output, gemm};
use crate::kernels::lookup::{self, BitsRef, MeansOut, Rows, Weights};
use crate::parallel::{chunks_mut, for_each_in_groups, items, items_mut};
use crate::simd::Isa;
use crate::tensor::{AlignedVec, LANES};

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
    /// Room for the means, and for the `products` where they are summed before they are used.
    pub(super) fn new(visible: usize, hidden: usize, products: bool) -> Self {
        Statistics {
            products: AlignedVec::zeroed(if products { hidden * stride(visible) } else { 0 }),
            visible: AlignedVec::zeroed(stride(visible)),
            hidden: AlignedVec::zeroed(hidden),
            data_hidden: AlignedVec::zeroed(hidden),
        }
    }
}

/// The data's side for grey levels, which are probabilities: no bits, so a matrix product.
#[derive(Clone, Debug, Default)]
pub(super) struct Grey {
    /// `[batch, stride]`.
    pub(super) levels: AlignedVec<f32>,
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

    /// Reads the rows of a batch.
    pub(super) fn read(&mut self, data: &Dataset<'_>, rows: &[usize]) {
        for (&row, levels) in rows.iter().zip(self.levels.chunks_exact_mut(stride(data.width()))) {
            data.row_into(row, &mut levels[..data.width()]);
        }
    }

    /// Adds the data's side to statistics that hold the model's.
    pub(super) fn add(&mut self, rbm: &Rbm, out: &mut Statistics) {
        let (rows, stride) = (self.rows, stride(rbm.visible));
        let weights = MatrixRef::row_major(&rbm.transposed, rbm.hidden, stride);
        let levels = MatrixRef::row_major(&self.levels, rows, stride);
        gemm(weights, levels.transposed(), &mut self.means, Epilogue::default());
        let weight = 1.0 / rows as f32;
        let hidden = (items_mut(&mut out.hidden), items_mut(&mut out.data_hidden), items(&rbm.hidden_bias));
        for_each_in_groups(16, (chunks_mut(&mut self.means, rows), hidden), |_, (means, hidden)| {
            let (hidden, data_hidden, &bias) = hidden;
            means.iter_mut().for_each(|x| *x += bias);
            crate::kernels::elementwise::sigmoid(means);
            means.iter_mut().for_each(|p| *p *= weight);
            *data_hidden = means.iter().sum();
            *hidden += *data_hidden;
        });
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
