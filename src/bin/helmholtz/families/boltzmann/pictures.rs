//! Pictures of a Boltzmann machine: what units say to the visible ones, and draws.

use super::sample::draw;
use crate::pictures::{Canvas, Grid, Raster, table};
use helmholtz::Seed;
use helmholtz::data::Dataset;
use helmholtz::energy::boltzmann::BoltzmannMachine;

/// Samples in a picture.
const SAMPLES: usize = 100;

/// The weights of each hidden unit, else of each visible one, to the visible units, as an image; of a table as a
/// line of a matrix.
pub fn filters(machine: &BoltzmannMachine, canvas: Canvas) -> Raster {
    let (visible, n) = (machine.visible(), machine.len());
    let first = if machine.hidden() > 0 { visible } else { 0 };
    let filters: Vec<&[f32]> = (first..n).map(|unit| &machine.weights()[unit * n..][..visible]).collect();
    if canvas.is_table() {
        return table::weights(&filters);
    }
    Grid::of_filters(&filters, canvas.shape).raster()
}

/// Draws as images, or of a table over its rows.
pub fn samples(machine: &BoltzmannMachine, canvas: Canvas, data: &Dataset<'_>, seed: Seed) -> Raster {
    if canvas.is_table() {
        let (points, width) = (table::points(data), machine.visible());
        let draws = draw(machine, points.len() / width.max(1), None, seed).levels;
        return table::pairs(&draws, &points, width);
    }
    Grid::of(&draw(machine, SAMPLES, None, seed).levels, canvas.shape).raster()
}
