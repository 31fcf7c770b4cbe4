//! `encode`, `reconstruct` and `interpolate`: rows as the hidden layer sees them, and back.

use crate::cli::Failure;
use crate::input::Rows;

/// Codes of rows.
pub struct Codes {
    /// The codes, `[rows, columns]`.
    pub values: Vec<f32>,
    /// Numbers of a code.
    pub columns: usize,
    /// The numbers of a code in words.
    pub words: String,
    /// The size of the layer that they tell of, by its name in a report.
    pub size: (&'static str, usize),
}

/// A model with a hidden layer that rows are told by.
pub trait Encoder {
    /// The codes of the rows.
    fn encode(&self, rows: &Rows) -> Result<Codes, Failure>;
}

/// A model that decodes what it encodes.
pub trait Autoencoder {
    /// The model's version of each row of `originals` `[count, width]`.
    fn reconstruct(&self, originals: &[f32]) -> Vec<f32>;

    /// From each row of `originals` `[2 · pairs, width]` with an even number to the next one: a line each of `steps` rows,
    /// `[pairs · steps, width]`.
    fn interpolate(&self, originals: &[f32], steps: usize) -> Vec<f32>;
}
