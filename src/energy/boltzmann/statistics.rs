//! The two expectations of the gradient, and their difference.

use super::exact::{log_weights, moments, normalise};
use super::{BoltzmannMachine, Units};
use crate::kernels::gemm::{Epilogue, MatrixRef, gemm};
use crate::kernels::pairs::pair_counts;
use crate::tensor::{AlignedVec, BitMatrix};

/// ⟨xᵢ xⱼ⟩ of units 0 and 1, `[units, units]`, ⟨xᵢ⟩ on the diagonal; with the memory it is made in.
#[derive(Clone, Debug, Default)]
pub(super) struct Expectation {
    pub pairs: Vec<f64>,
    counts: Vec<u32>,
    transposed: AlignedVec<u32>,
    products: Vec<f32>,
    field: Vec<f64>,
    states: Vec<f64>,
    part: Vec<f64>,
    held: Vec<bool>,
}

impl Expectation {
    /// The mean over rows of bits.
    pub(super) fn of_bits(&mut self, bits: &BitMatrix) {
        let n = bits.units();
        self.counts.resize(n * n, 0);
        pair_counts(bits, &mut self.transposed, &mut self.counts);
        self.pairs.clear();
        let rows = bits.rows() as f64;
        self.pairs.extend(self.counts.iter().map(|&count| f64::from(count) / rows));
    }

    /// The mean over rows `[rows, units]` whose units are independent with these means; the first `visible` are bits.
    pub(super) fn of_means(&mut self, means: &[f32], units: usize) {
        let rows = means.len() / units;
        self.products.resize(units * units, 0.0);
        let matrix = MatrixRef::row_major(means, rows, units);
        gemm(matrix.transposed(), matrix, &mut self.products, Epilogue::default());
        self.pairs.clear();
        self.pairs.extend(self.products.iter().map(|&sum| f64::from(sum) / rows as f64));
        for unit in 0..units {
            let sum: f64 = means.iter().skip(unit).step_by(units).map(|&mean| f64::from(mean)).sum();
            self.pairs[unit * units + unit] = sum / rows as f64;
        }
    }

    /// The exact expectation of the model.
    pub(super) fn of_model(&mut self, machine: &BoltzmannMachine) {
        let n = machine.len();
        self.pairs.clear();
        self.pairs.resize(n * n, 0.0);
        self.add_conditional(machine, 0, &[], 1.0);
    }

    /// The mean over rows `[rows, visible]` of the exact expectation given each.
    pub(super) fn of_data(&mut self, machine: &BoltzmannMachine, visible: &BitMatrix) {
        let n = machine.len();
        self.pairs.clear();
        self.pairs.resize(n * n, 0.0);
        let mut v = std::mem::take(&mut self.held);
        v.resize(machine.visible, false);
        for row in 0..visible.rows() {
            v.iter_mut().enumerate().for_each(|(unit, v)| *v = visible.get(row, unit));
            self.add_conditional(machine, machine.visible, &v, 1.0 / visible.rows() as f64);
        }
        self.held = v;
    }

    /// Adds `weight` times the moments given that the first `held` units are `v`.
    fn add_conditional(&mut self, machine: &BoltzmannMachine, held: usize, v: &[bool], weight: f64) {
        let n = machine.len();
        let (w, b) = (&machine.binary_weights, &machine.binary_bias);
        let on = || (0..held).filter(|&unit| v[unit]);
        let field = |free: usize| {
            let row = &w[(held + free) * n..];
            f64::from(b[held + free]) + on().map(|unit| f64::from(row[unit])).sum::<f64>()
        };
        let coupling = |i: usize, j: usize| f64::from(w[(held + i) * n + held + j]);
        log_weights(n - held, coupling, field, &mut self.field, &mut self.states);
        normalise(&mut self.states);
        let pairs = &mut self.pairs;
        for i in on() {
            on().for_each(|j| pairs[i * n + j] += weight);
        }
        moments(n - held, &mut self.states, &mut self.part, |i, j, mean| {
            let (row, column) = (held + i, held + j);
            pairs[row * n + column] += weight * mean;
            if i == j {
                for unit in (0..held).filter(|&unit| v[unit]) {
                    pairs[row * n + unit] += weight * mean;
                    pairs[unit * n + row] += weight * mean;
                }
            } else {
                pairs[column * n + row] += weight * mean;
            }
        });
    }

    /// ∂/∂Wᵢⱼ and, on the diagonal, ∂/∂bᵢ of the mean log-likelihood in the units' own values, `self` being under the data.
    #[inline]
    pub(super) fn gradient(&self, model: &Expectation, units: Units, n: usize, i: usize, j: usize) -> f64 {
        let difference = |i: usize, j: usize| self.pairs[i * n + j] - model.pairs[i * n + j];
        match units {
            Units::Binary => difference(i, j),
            // s = 2x − 1: ⟨sᵢ sⱼ⟩ = 4 ⟨xᵢ xⱼ⟩ − 2 ⟨xᵢ⟩ − 2 ⟨xⱼ⟩ + 1.
            Units::Spin if i == j => 2.0 * difference(i, i),
            Units::Spin => 4.0 * difference(i, j) - 2.0 * (difference(i, i) + difference(j, j)),
        }
    }
}

/// Hidden means given each row of `visible` `[rows, visible]`, by `sweeps` over μⱼ ← σ(fieldⱼ(v, μ)) one unit at a time, from
/// ½; into `out` `[rows, units]`, whose first `visible` of each row become the row.
pub(super) fn mean_field(machine: &BoltzmannMachine, visible: &BitMatrix, sweeps: usize, out: &mut [f32]) {
    let (n, first) = (machine.len(), machine.visible);
    for (row, x) in out.chunks_exact_mut(n).enumerate() {
        visible.row_into(row, &mut x[..first]);
        x[first..].fill(0.5);
        for _ in 0..sweeps {
            for unit in first..n {
                let weights = &machine.binary_weights[unit * n..][..n];
                let field: f32 = weights.iter().zip(x.iter()).map(|(w, x)| w * x).sum();
                x[unit] = 1.0 / (1.0 + (-(field + machine.binary_bias[unit])).exp());
            }
        }
    }
}
