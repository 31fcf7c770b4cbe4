//! Gardner's rule: every unit a perceptron that learns its own value in each pattern from the other units.

use crate::Setting;
use crate::kernels::gemm::{Epilogue, MatrixRef, Output, gemm};
use crate::kernels::reduce;
use crate::tensor::{AlignedVec, BitMatrix};

/// Settings of the perceptron rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Perceptron {
    /// κ: a pattern is learned where ξᵢ hᵢ > κ ‖Wᵢ‖ for every unit. Larger margins make larger basins and a lower
    /// capacity.
    pub margin: f32,
    /// Passes over the patterns at the most. Where they do not suffice the weights are those learned so far, and
    /// [`unstable_units`](super::Hopfield::unstable_units) names what is not.
    pub sweeps: usize,
}

impl Default for Perceptron {
    fn default() -> Self {
        Perceptron { margin: 0.0, sweeps: 1000 }
    }
}

/// Patterns whose mistakes are found together and then corrected together.
const BATCH: usize = 32;

/// W ← W + m ξᵀ + ξ mᵀ without the diagonal, m being ξ where the unit's margin is violated and 0 elsewhere, until there is
/// no mistake. Weights are whole numbers, exact and exactly symmetric below 2²⁴.
pub(super) fn weights(patterns: &BitMatrix, settings: Perceptron) -> Result<AlignedVec<f32>, Setting> {
    let Perceptron { margin, sweeps } = settings;
    Setting::not_negative("the margin of the perceptron rule", margin)?;
    Setting::at_least_one("the number of sweeps of the perceptron rule", sweeps)?;
    let units = patterns.units();
    let x: Vec<f32> = patterns.to_f32().into_iter().map(|bit| 2.0 * bit - 1.0).collect();
    let mut weights = AlignedVec::zeroed(units * units);
    let mut fields = vec![0.0f32; BATCH * units];
    let mut thresholds = vec![0.0f32; units];
    // Mistakes over patterns, patterns over mistakes: one product makes both halves of the change.
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for _ in 0..sweeps {
        let mut mistakes = false;
        for (threshold, row) in thresholds.iter_mut().zip(weights.chunks_exact(units)) {
            *threshold = if margin > 0.0 { margin * reduce::sum_of_squares(row).sqrt() as f32 } else { 0.0 };
        }
        for batch in x.chunks(BATCH * units) {
            let rows = batch.len() / units;
            let w = MatrixRef::row_major(&weights, units, units);
            let fields = &mut fields[..batch.len()];
            gemm(MatrixRef::row_major(batch, rows, units), w, fields, Epilogue::default());
            left.clear();
            right.clear();
            for (x, h) in batch.chunks_exact(units).zip(fields.chunks_exact(units)) {
                let wrong = |unit: usize| x[unit] * h[unit] <= thresholds[unit];
                if (0..units).any(wrong) {
                    left.extend((0..units).map(|unit| if wrong(unit) { x[unit] } else { 0.0 }));
                    right.extend_from_slice(x);
                }
            }
            if left.is_empty() {
                continue;
            }
            mistakes = true;
            let half = left.len();
            left.extend_from_slice(&right);
            right.extend_from_within(..);
            right[half..].copy_from_slice(&left[..half]);
            let depth = left.len() / units;
            let left = MatrixRef::row_major(&left, depth, units).transposed();
            let add = Epilogue { output: Output::Accumulate, ..Epilogue::default() };
            gemm(left, MatrixRef::row_major(&right, depth, units), &mut weights, add);
            weights.iter_mut().step_by(units + 1).for_each(|weight| *weight = 0.0);
        }
        if !mistakes {
            break;
        }
    }
    Ok(weights)
}
