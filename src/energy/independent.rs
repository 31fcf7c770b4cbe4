//! Independent units: where annealing starts from, and visible biases.

use crate::tensor::BitMatrix;

/// ln(1 + eˣ).
pub(super) fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// ln(m / (1 − m)) of each mean, kept 1 / (2 `examples`) away from 0 and 1.
pub(super) fn logits_of_means(means: &[f64], examples: usize) -> impl Iterator<Item = f32> + '_ {
    let margin = 0.5 / examples.max(1) as f64;
    means.iter().map(move |&mean| {
        let mean = mean.clamp(margin, 1.0 - margin);
        (mean / (1.0 - mean)).ln() as f32
    })
}

/// The biases of independent units with the means of `rows`, `[units]`.
pub(super) fn biases_of(rows: &BitMatrix) -> Vec<f32> {
    let counts = rows.column_counts();
    let means: Vec<f64> = counts.into_iter().map(|on| f64::from(on) / rows.rows() as f64).collect();
    logits_of_means(&means, rows.rows()).collect()
}
