//! The modern Hopfield network for continuous states (Ramsauer et al. 2021): one step of recall is attention.
//!
//! With the patterns as rows of X and an inverse temperature β, E(ξ) = −β⁻¹ ln Σ_μ e^(β x_μ · ξ) + ½ ξ·ξ + β⁻¹ ln P + ½ M², M
//! the largest norm of a pattern; it is never negative and never rises under ξ ← Xᵀ softmax(β X ξ), which is attention with
//! query ξ and the patterns as keys and values.

use super::HopfieldError;
use crate::Setting;
use crate::energy::parameters;
use crate::kernels::gemm::{Epilogue, MatrixRef, gemm};
use std::fmt;

/// A memory of continuous patterns, recalled by attention.
///
/// ```
/// use helmholtz::energy::hopfield::AttentionMemory;
/// let memory = AttentionMemory::new(&[1.0, 0.0, 0.0, 1.0], 2, 20.0)?;
/// let mut query = [0.8, 0.1];
/// memory.recall(&mut query, 3);
/// assert!((query[0] - 1.0).abs() < 1e-3 && query[1].abs() < 1e-3);
/// # Ok::<(), helmholtz::energy::hopfield::HopfieldError>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct AttentionMemory {
    width: usize,
    /// `[patterns, width]`.
    patterns: Vec<f32>,
    beta: f32,
}

impl fmt::Debug for AttentionMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AttentionMemory {{ {} patterns of {} values, beta {} }}", self.len(), self.width, self.beta)
    }
}

impl AttentionMemory {
    /// The memory of `patterns` `[patterns, width]` at inverse temperature `beta`.
    ///
    /// # Errors
    /// Where there is no pattern, a value is not finite, or β is not positive.
    ///
    /// # Panics
    /// Where the values are no whole number of patterns.
    #[track_caller]
    pub fn new(patterns: &[f32], width: usize, beta: f32) -> Result<Self, HopfieldError> {
        if width == 0 {
            return Err(HopfieldError::NoUnits);
        }
        if patterns.is_empty() {
            return Err(HopfieldError::NoPatterns);
        }
        parameters::check("patterns", patterns, &[patterns.len().div_ceil(width), width])?;
        Setting::positive("the inverse temperature", beta)?;
        Ok(AttentionMemory { width, patterns: patterns.to_vec(), beta })
    }

    /// Patterns.
    pub fn len(&self) -> usize {
        self.patterns.len() / self.width
    }

    /// Whether there are none: never, as [`new`](Self::new) refuses that.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    fn matrix(&self) -> MatrixRef<'_> {
        MatrixRef::row_major(&self.patterns, self.len(), self.width)
    }

    /// β x_μ · ξ of every pattern for each row of `states`, `[rows, patterns]`.
    #[track_caller]
    fn scores(&self, states: &[f32]) -> Vec<f32> {
        let (values, width) = (states.len(), self.width);
        assert!(values.is_multiple_of(width), "{values} values are no rows of width {width}");
        let rows = values / width;
        let mut scores = vec![0.0; rows * self.len()];
        let epilogue = Epilogue { scale: self.beta, ..Epilogue::default() };
        gemm(MatrixRef::row_major(states, rows, width), self.matrix().transposed(), &mut scores, epilogue);
        scores
    }

    /// The part of the attention that each pattern has, softmax(β X ξ), for each row of `states` `[rows, width]`:
    /// `[rows, patterns]`.
    ///
    /// # Panics
    /// Where `states` is no whole number of rows.
    #[track_caller]
    pub fn attention(&self, states: &[f32]) -> Vec<f32> {
        let mut scores = self.scores(states);
        for row in scores.chunks_exact_mut(self.len()) {
            let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            row.iter_mut().for_each(|score| *score = (*score - largest).exp());
            let total: f64 = row.iter().map(|&score| f64::from(score)).sum();
            row.iter_mut().for_each(|score| *score = (f64::from(*score) / total) as f32);
        }
        scores
    }

    /// `steps` times ξ ← Xᵀ softmax(β X ξ) for each row of `states` `[rows, width]`.
    ///
    /// # Panics
    /// Where `states` is no whole number of rows.
    #[track_caller]
    pub fn recall(&self, states: &mut [f32], steps: usize) {
        let rows = states.len() / self.width;
        for _ in 0..steps {
            let attention = self.attention(states);
            let attention = MatrixRef::row_major(&attention, rows, self.len());
            gemm(attention, self.matrix(), states, Epilogue::default());
        }
    }

    /// The energy of each row of `states` `[rows, width]`, `[rows]`.
    ///
    /// # Panics
    /// Where `states` is no whole number of rows.
    #[track_caller]
    pub fn energy(&self, states: &[f32]) -> Vec<f64> {
        let beta = f64::from(self.beta);
        let square = |row: &[f32]| row.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
        let largest_norm = self.patterns.chunks_exact(self.width).map(square).fold(0.0, f64::max);
        let constant = (self.len() as f64).ln() / beta + 0.5 * largest_norm;
        let scores = self.scores(states);
        let rows = states.chunks_exact(self.width).zip(scores.chunks_exact(self.len()));
        rows.map(|(state, scores)| {
            let largest = f64::from(scores.iter().copied().fold(f32::NEG_INFINITY, f32::max));
            let sum: f64 = scores.iter().map(|&score| (f64::from(score) - largest).exp()).sum();
            -(largest + sum.ln()) / beta + 0.5 * square(state) + constant
        })
        .collect()
    }
}
