//! Pictures of rows whose hidden values were imputed.

use crate::contract::Filled;
use crate::pictures::{Canvas, Grid, table};
use helmholtz::storage::StorageError;
use std::path::Path;

/// Images side by side, and images at the most.
const COLUMNS: usize = 16;
const MOST: usize = 64;
/// Rows of a table.
const ROWS: usize = 1000;
/// Imputations of an image below one another.
const IMPUTATIONS: usize = 3;
/// A hidden pixel.
const HIDDEN: f32 = 0.5;
/// From the 5 to the 95 % quantile of a normal distribution, in deviations.
const NINETY: f32 = 3.29;

/// The rows that were completed.
pub struct Completed<'a> {
    /// `[rows, width]`.
    pub originals: &'a [f32],
    /// What of them was hidden or missing.
    pub hidden: &'a [bool],
    /// What was imputed, `count` times a row.
    pub filled: &'a Filled,
    /// Imputations of each row.
    pub count: usize,
    /// The canvas.
    pub canvas: Canvas,
}

impl Completed<'_> {
    /// Images one below the other: as they were, as they were shown, imputations, their mean and their uncertainty; of a table a panel a column.
    pub fn save(&self, path: &Path) -> Result<(), StorageError> {
        let Completed { originals, hidden, filled, count, canvas } = *self;
        let width = canvas.shape.0 * canvas.shape.1;
        let or_shown = |place: usize, value: f32| if hidden[place] { value } else { originals[place] };
        let imputation = |index: usize| -> Vec<f32> {
            let of = |place: usize| filled.values[(place / width * count + index) * width + place % width];
            (0..originals.len()).map(|place| or_shown(place, of(place))).collect()
        };
        if canvas.is_table() {
            let last = originals.len().min(ROWS * width);
            let first = imputation(0);
            let hides = |column: usize| hidden[column..last].iter().step_by(width).any(|hidden| *hidden);
            return table::completions(&first[..last], &originals[..last], width, hides).save(path);
        }
        let shown: Vec<f32> = (0..originals.len()).map(|place| or_shown(place, HIDDEN * canvas.largest)).collect();
        let means: Vec<f32> = (0..originals.len()).map(|place| or_shown(place, filled.means[place])).collect();
        let uncertainty = (0..originals.len()).map(|place| match (&filled.quantiles, hidden[place]) {
            (_, false) => 0.0,
            (Some(quantiles), true) => (quantiles[4 * place + 3] - quantiles[4 * place]) / NINETY,
            // Twice the deviation of a bit: 1 where it is anyone's guess.
            (None, true) => 2.0 * (filled.means[place] * (1.0 - filled.means[place])).max(0.0).sqrt(),
        });
        let uncertainty: Vec<f32> = uncertainty.collect();
        let mut versions = vec![originals.to_vec(), shown];
        versions.extend((0..count.min(IMPUTATIONS)).map(imputation));
        versions.extend([means, uncertainty]);
        let last = originals.len().min(MOST * width);
        let levels: Vec<Vec<f32>> = versions.iter().map(|version| canvas.levels(&version[..last])).collect();
        let levels: Vec<&[f32]> = levels.iter().map(Vec::as_slice).collect();
        Grid::stacked(canvas.shape, COLUMNS, &levels).save(path)
    }
}
