//! How patterns become weights.

use super::network::signs;
use super::{Hopfield, HopfieldError, Perceptron, perceptron};
use crate::kernels::pairs::pair_counts;
use crate::parallel::{chunks, chunks_mut, for_each};
use crate::tensor::{AlignedVec, BitMatrix};
use rayon::prelude::*;

/// A rule of storage. All give symmetric weights with a zero diagonal and no biases; ξ is a pattern, n the units, P the
/// patterns.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub enum Rule {
    /// W = Σ ξ ξᵀ (Hebb 1949, Hopfield 1982), without the customary factor 1/n, which no recall depends on: so fields
    /// are whole numbers, and a tie is a tie. Random patterns are retrieved up to P = 0.138 n.
    #[default]
    Hebb,
    /// Wᵢⱼ grows by (ξᵢ ξⱼ − ξᵢ hⱼᵢ − hᵢⱼ ξⱼ) / n with each pattern, hᵢⱼ being the field of i without i and j (Storkey 1997):
    /// local and incremental as Hebb's rule, and a higher capacity.
    Storkey,
    /// The projection on the patterns' span, W = Ξᵀ (Ξ Ξᵀ)⁻¹ Ξ, without its diagonal (Personnaz, Guyon & Dreyfus 1985;
    /// Kanter & Sompolinsky 1987): stores up to n − 1 linearly independent patterns exactly.
    PseudoInverse,
    /// The perceptron rule for each unit (Gardner 1988), the weights kept symmetric: stores whatever symmetric weights can.
    Perceptron(Perceptron),
}

impl Hopfield {
    /// The network that has `patterns` stored by `rule`.
    ///
    /// # Errors
    /// Where there are no patterns or units, a setting is out of its range, or the pseudo-inverse rule meets patterns that
    /// are linearly dependent.
    pub fn store(patterns: &BitMatrix, rule: Rule) -> Result<Self, HopfieldError> {
        if patterns.units() == 0 {
            return Err(HopfieldError::NoUnits);
        }
        if patterns.rows() == 0 {
            return Err(HopfieldError::NoPatterns);
        }
        let weights = match rule {
            Rule::Hebb => hebb(patterns),
            Rule::Storkey => storkey(patterns),
            Rule::PseudoInverse => pseudo_inverse(patterns)?,
            Rule::Perceptron(settings) => perceptron::weights(patterns, settings)?,
        };
        let units = patterns.units();
        Ok(Hopfield { units, weights, bias: AlignedVec::zeroed(units) })
    }
}

/// Σ ξᵢ ξⱼ: patterns in which two units agree, less those in which they do not.
fn hebb(patterns: &BitMatrix) -> AlignedVec<f32> {
    let units = patterns.units();
    let mut counts = vec![0u32; units * units];
    pair_counts(patterns, &mut AlignedVec::new(), &mut counts);
    let own: Vec<i64> = (0..units).map(|unit| i64::from(counts[unit * units + unit])).collect();
    let rows = patterns.rows() as i64;
    let mut weights = AlignedVec::zeroed(units * units);
    for_each((chunks_mut(&mut weights, units), chunks(&counts, units)), |i, (weights, both)| {
        for (j, (weight, both)) in weights.iter_mut().zip(both).enumerate() {
            let differ = own[i] + own[j] - 2 * i64::from(*both);
            *weight = if i == j { 0.0 } else { (rows - 2 * differ) as f32 };
        }
    });
    weights
}

fn storkey(patterns: &BitMatrix) -> AlignedVec<f32> {
    let units = patterns.units();
    let mut weights = vec![0.0f64; units * units];
    for pattern in 0..patterns.rows() {
        let x: Vec<f64> = signs(patterns, pattern).into_iter().map(f64::from).collect();
        let field = |row: &[f64]| row.iter().zip(&x).map(|(w, x)| w * x).sum::<f64>();
        let h: Vec<f64> = weights.par_chunks_exact(units).map(field).collect();
        weights.par_chunks_exact_mut(units).enumerate().for_each(|(i, row)| {
            for (j, w) in row.iter_mut().enumerate().filter(|(j, _)| *j != i) {
                // The fields without the other unit, by the weights before this pattern.
                let (h_ij, h_ji) = (h[i] - *w * x[j], h[j] - *w * x[i]);
                *w += (x[i] * x[j] - x[i] * h_ji - h_ij * x[j]) / units as f64;
            }
        });
    }
    symmetric(&weights, units)
}

/// Ξᵀ G⁻¹ Ξ by the Cholesky factor of the Gram matrix G = Ξ Ξᵀ / n, in f64.
fn pseudo_inverse(patterns: &BitMatrix) -> Result<AlignedVec<f32>, HopfieldError> {
    let (rows, units) = (patterns.rows(), patterns.units());
    let x: Vec<Vec<f64>> =
        (0..rows).map(|row| signs(patterns, row).into_iter().map(f64::from).collect()).collect();
    let mut factor = vec![vec![0.0; rows]; rows];
    for i in 0..rows {
        for j in 0..=i {
            let gram = x[i].iter().zip(&x[j]).map(|(a, b)| a * b).sum::<f64>() / units as f64;
            let known: f64 = factor[i][..j].iter().zip(&factor[j][..j]).map(|(a, b)| a * b).sum();
            if i == j {
                // The part of the pattern outside the span of those before it; the sums above err by some ε a pattern.
                let rest = gram - known;
                if rest <= 16.0 * rows as f64 * f64::EPSILON {
                    return Err(HopfieldError::Dependent { pattern: i });
                }
                factor[i][i] = rest.sqrt();
            } else {
                factor[i][j] = (gram - known) / factor[j][j];
            }
        }
    }
    // With G = L Lᵀ and Y = L⁻¹ Ξ, the projection is Yᵀ Y / n; the rows of Y follow one another.
    let mut y = x;
    for i in 0..rows {
        let (before, rest) = y.split_at_mut(i);
        for (j, before) in before.iter().enumerate() {
            let l = factor[i][j];
            rest[0].iter_mut().zip(before).for_each(|(y, before)| *y -= l * before);
        }
        rest[0].iter_mut().for_each(|y| *y /= factor[i][i]);
    }
    let mut weights = vec![0.0f64; units * units];
    weights.par_chunks_exact_mut(units).enumerate().for_each(|(i, row)| {
        for y in &y {
            let scale = y[i] / units as f64;
            row.iter_mut().zip(y).for_each(|(w, y)| *w += scale * y);
        }
    });
    Ok(symmetric(&weights, units))
}

/// As f32, the upper triangle being the lower one's mirror image, without the diagonal.
pub(super) fn symmetric(weights: &[f64], units: usize) -> AlignedVec<f32> {
    let mut out = AlignedVec::zeroed(units * units);
    for i in 0..units {
        for j in 0..i {
            let weight = weights[i * units + j] as f32;
            out[i * units + j] = weight;
            out[j * units + i] = weight;
        }
    }
    out
}
