//! Pictures of an RBM: what its hidden units look for, and what it draws.

use super::sample::SWEEPS;
use super::start;
use crate::pictures::{Canvas, Grid, Raster, table};
use helmholtz::Seed;
use helmholtz::data::Dataset;
use helmholtz::rbm::{Rbm, RbmChains};
use helmholtz::tensor::BitMatrix;

/// Samples in a picture.
const SAMPLES: usize = 100;

/// The weights of each hidden unit as an image, the largest norm first, all on one scale of colours; of a table as a line
/// of a matrix.
pub fn filters(rbm: &Rbm, canvas: Canvas) -> Raster {
    let mut filters: Vec<Vec<f32>> =
        (0..rbm.hidden()).map(|h| rbm.weights().iter().skip(h).step_by(rbm.hidden()).copied().collect()).collect();
    let norm = |filter: &Vec<f32>| filter.iter().map(|w| f64::from(*w).powi(2)).sum::<f64>();
    filters.sort_by(|a, b| norm(b).total_cmp(&norm(a)));
    if canvas.is_table() {
        return table::weights(&filters);
    }
    Grid::of_filters(&filters, canvas.shape).raster()
}

/// Draws of the model, each from its own chain: exact ones as they are where the machine is small enough, else the
/// probabilities of the pixels at the end of a long chain from a row of `start`, or from a random state; of a table its bits,
/// over those of the data.
pub fn samples(rbm: &Rbm, canvas: Canvas, data: &Dataset<'_>, start: Option<&BitMatrix>, seed: Seed) -> Raster {
    let points = if canvas.is_table() { table::points(data) } else { Vec::new() };
    let count = if canvas.is_table() { points.len() / rbm.visible().max(1) } else { SAMPLES };
    let values = rbm.sample_exact(count, seed).map_or_else(
        || {
            let mut chains = match start {
                Some(states) => RbmChains::from_visible(start::repeated(states, count), rbm.hidden(), seed),
                None => rbm.chains(count, seed),
            };
            chains.gibbs(rbm, SWEEPS);
            match canvas.is_table() && !data.is_grey() {
                true => chains.visible().to_f32(),
                false => rbm.mean_visible(chains.hidden()),
            }
        },
        |bits| bits.to_f32(),
    );
    if canvas.is_table() {
        return table::pairs(&values, &points, rbm.visible());
    }
    Grid::of(&values, canvas.shape).raster()
}
