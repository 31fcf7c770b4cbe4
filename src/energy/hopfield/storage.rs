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
    /// Kanter & Sompolinsky 1987). Patterns may depend on one another: the span is what counts.
    ///
    /// The field of unit i in a stored pattern is (1 − Pᵢᵢ) ξᵢ, P being the projection. So every pattern is fixed; by a field of
    /// its own sign at each unit whose direction does not lie in the span, and by a tie, all weights of the unit being 0, where it
    /// does. Of n independent patterns every direction does, every weight is 0, and nothing is recalled.
    PseudoInverse,
    /// The perceptron rule for each unit (Gardner 1988), the weights kept symmetric: stores whatever symmetric weights can.
    Perceptron(Perceptron),
}

impl Hopfield {
    /// The network that has `patterns` stored by `rule`.
    ///
    /// # Errors
    /// Where there are no patterns or units, or a setting is out of its range.
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
            Rule::PseudoInverse => pseudo_inverse(patterns),
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

/// Yᵀ Y without its diagonal, the rows of Y being an orthonormal basis of the patterns' span, in f64.
///
/// An exact 0 must not become 10⁻¹⁶, or rounding would decide where exact arithmetic has a tie. So weights below n ε are 0, and
/// all weights of a unit are where its direction lies in the span. Of such a unit 1 − Pᵢᵢ, the square of the direction's distance
/// from the span, is 0, and known to n ε, while its weights are only known to the root of that.
fn pseudo_inverse(patterns: &BitMatrix) -> AlignedVec<f32> {
    let units = patterns.units();
    let least = units as f64 * f64::EPSILON;
    let basis = basis_of_span(patterns);
    let outside = |unit: usize| 1.0 - basis.iter().map(|y| y[unit] * y[unit]).sum::<f64>();
    let free: Vec<bool> = (0..units).map(|unit| outside(unit) > least).collect();
    let mut weights = vec![0.0f64; units * units];
    weights.par_chunks_exact_mut(units).enumerate().filter(|(i, _)| free[*i]).for_each(|(i, row)| {
        for y in &basis {
            row.iter_mut().zip(y).for_each(|(w, own)| *w += y[i] * own);
        }
        for (w, free) in row.iter_mut().zip(&free) {
            if !free || w.abs() < least {
                *w = 0.0;
            }
        }
    });
    symmetric(&weights, units)
}

/// An orthonormal basis of the patterns' span, `[rank][units]`, by the modified Gram–Schmidt process: of the patterns left, the one
/// farthest from the span of those taken is next, until none is farther than rounding would have it. Each is made orthogonal to
/// the basis twice, which leaves it so to machine precision (Giraud, Langou & Rozložník 2005).
fn basis_of_span(patterns: &BitMatrix) -> Vec<Vec<f64>> {
    let (rows, units) = (patterns.rows(), patterns.units());
    let mut left: Vec<Vec<f64>> =
        (0..rows).map(|row| signs(patterns, row).into_iter().map(f64::from).collect()).collect();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let remove = |x: &mut [f64], y: &[f64]| {
        let along = dot(x, y);
        x.iter_mut().zip(y).for_each(|(x, y)| *x -= along * y);
    };
    // Squares of distances in units of a pattern's own; whole numbers to begin with, so that ties go to the first.
    let least = units as f64 * f64::EPSILON;
    let mut basis: Vec<Vec<f64>> = Vec::new();
    while !left.is_empty() {
        let squares: Vec<f64> = left.par_iter().map(|x| dot(x, x) / units as f64).collect();
        let farthest = (1..left.len()).fold(0, |best, row| if squares[row] > squares[best] { row } else { best });
        if squares[farthest] <= least {
            break;
        }
        let mut y = left.remove(farthest);
        basis.iter().for_each(|before| remove(&mut y, before));
        let norm = dot(&y, &y).sqrt();
        y.iter_mut().for_each(|y| *y /= norm);
        left.par_iter_mut().for_each(|x| remove(x, &y));
        basis.push(y);
    }
    basis
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
