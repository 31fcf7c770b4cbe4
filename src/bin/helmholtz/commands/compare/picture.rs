//! One picture: a row of the data, and below it a row of draws of each model; of tables a panel each.

use super::entry::Entry;
use crate::pictures::{Canvas, Raster, table};
use helmholtz::storage::StorageError;
use std::path::Path;

/// Images of a row.
const COLUMNS: usize = 16;

/// Draws the picture of all entries that have any draws, and writes it. `false` where none has.
pub fn save(entries: &[Entry], canvas: Canvas, width: usize, path: &Path) -> Result<bool, StorageError> {
    let drawn: Vec<(&str, &[f32], &[f32])> = entries
        .iter()
        .filter_map(|entry| {
            let (place, drawn) = (entry.place.as_ref()?, entry.drawn.as_ref().ok()?);
            Some((entry.name.as_str(), drawn.values.as_slice(), place.values.as_slice()))
        })
        .collect();
    let Some((_, _, data)) = drawn.first() else { return Ok(false) };
    if canvas.is_table() {
        let panels: Vec<Raster> =
            drawn.iter().map(|(name, draws, data)| table::pairs_named(draws, data, width, name)).collect();
        Raster::side_by_side(&panels).save(path)?;
        return Ok(true);
    }
    let line = |name: &str, values: &[f32]| {
        let shown = &values[..values.len().min(COLUMNS * width)];
        canvas.lines(shown, COLUMNS).raster().under(name)
    };
    let mut lines = vec![line("data", data)];
    lines.extend(drawn.iter().map(|(name, draws, _)| line(name, draws)));
    Raster::stacked(&lines).save(path)?;
    Ok(true)
}
