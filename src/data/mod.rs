//! Datasets: embedded, memory-mapped or borrowed; splits, batches, binarisation.

use crate::random::Lanes;
use crate::tensor::BitMatrix;
use std::path::Path;

/// How grey levels become the 0 and 1 that a Bernoulli model has a likelihood for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Binarization {
    /// 1 where the grey level is at least half of the scale.
    #[default]
    Threshold,
    /// 1 with the probability the grey level names, drawn anew whenever a row is read.
    Sample,
    /// Grey levels stay probabilities in [0, 1].
    None,
}

/// Rows of numbers in [0, 1], perhaps images, perhaps with labels. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Dataset<'a> {
    values: &'a [u8],
}

/// What can be wrong with data.
#[derive(Debug)]
#[non_exhaustive]
pub enum DataError {}

impl<'a> Dataset<'a> {
    /// The embedded UCI digits, 8×8.
    pub fn digits() -> Dataset<'static> {
        todo!()
    }
    /// The distinct `n`×`n` bars and stripes.
    pub fn bars(_n: usize) -> Result<Dataset<'static>, DataError> {
        todo!()
    }
    /// A folder with MNIST's four IDX files, one IDX file, or one 2-D `.npy`, memory-mapped.
    pub fn open(_path: &Path) -> Result<Dataset<'static>, DataError> {
        todo!()
    }
    /// The same rows read another way.
    pub fn binarized(&self, _binarization: Binarization) -> Dataset<'a> {
        todo!()
    }
    /// How rows are read as bits.
    pub fn binarization(&self) -> Binarization {
        todo!()
    }
    /// Training rows.
    pub fn train(&self) -> Dataset<'a> {
        todo!()
    }
    /// Test rows.
    pub fn test(&self) -> Dataset<'a> {
        todo!()
    }
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.values.len()
    }
    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Values a row.
    pub fn width(&self) -> usize {
        todo!()
    }
    /// Height and width of a row as an image.
    pub fn image_shape(&self) -> (usize, usize) {
        todo!()
    }
    /// Whether reading rows as bits loses nothing.
    pub fn is_binary(&self) -> bool {
        todo!()
    }
    /// Row `row` in [0, 1] into `out`, `[width]`; thresholded where the dataset thresholds, grey otherwise.
    pub fn row_into(&self, _row: usize, _out: &mut [f32]) {
        todo!()
    }
    /// The named rows as bits.
    pub fn bits_into(&self, _rows: &[usize], _lanes: &mut [Lanes], _out: &mut BitMatrix) {
        todo!()
    }
    /// All rows as bits for evaluation: the binarisation's own fixed stream.
    pub fn to_bits(&self) -> BitMatrix {
        todo!()
    }
    /// Mean of each column, f64.
    pub fn means(&self) -> Vec<f64> {
        todo!()
    }
}
