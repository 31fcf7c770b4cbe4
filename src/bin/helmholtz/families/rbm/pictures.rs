//! Pictures of an RBM: what its hidden units look for, and what it draws.

use super::sample::SWEEPS;
use super::start;
use crate::pictures::Grid;
use helmholtz::Seed;
use helmholtz::rbm::{Rbm, RbmChains};
use helmholtz::tensor::BitMatrix;

/// Samples in a picture.
const SAMPLES: usize = 100;

/// The weights of each hidden unit as an image, the largest norm first, all on one scale of colours.
pub fn filters(rbm: &Rbm, shape: (usize, usize)) -> Grid {
    let mut filters: Vec<Vec<f32>> =
        (0..rbm.hidden()).map(|h| rbm.weights().iter().skip(h).step_by(rbm.hidden()).copied().collect()).collect();
    let norm = |filter: &Vec<f32>| filter.iter().map(|w| f64::from(*w).powi(2)).sum::<f64>();
    filters.sort_by(|a, b| norm(b).total_cmp(&norm(a)));
    Grid::of_filters(&filters, shape)
}

/// Draws of the model, each from its own chain: exact ones as they are where the machine is small enough, else the
/// probabilities of the pixels at the end of a long chain from a row of `start`, or from a random state.
pub fn samples(rbm: &Rbm, shape: (usize, usize), start: Option<&BitMatrix>, seed: Seed) -> Grid {
    let values = rbm.sample_exact(SAMPLES, seed).map_or_else(
        || {
            let mut chains = match start {
                Some(states) => RbmChains::from_visible(start::repeated(states, SAMPLES), rbm.hidden(), seed),
                None => rbm.chains(SAMPLES, seed),
            };
            chains.gibbs(rbm, SWEEPS);
            rbm.mean_visible(chains.hidden())
        },
        |bits| bits.to_f32(),
    );
    Grid::of(&values, shape)
}
