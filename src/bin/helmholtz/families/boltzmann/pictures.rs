//! Pictures of a Boltzmann machine: what units say to the visible ones, and draws.

use super::sample::draw;
use crate::pictures::Grid;
use helmholtz::Seed;
use helmholtz::energy::boltzmann::BoltzmannMachine;

/// Samples in a picture.
const SAMPLES: usize = 100;

/// The weights of each hidden unit, else of each visible one, to the visible units, as an image.
pub fn filters(machine: &BoltzmannMachine, shape: (usize, usize)) -> Grid {
    let (visible, n) = (machine.visible(), machine.len());
    let first = if machine.hidden() > 0 { visible } else { 0 };
    let filters: Vec<&[f32]> = (first..n).map(|unit| &machine.weights()[unit * n..][..visible]).collect();
    Grid::of_filters(&filters, shape)
}

/// Draws as images.
pub fn samples(machine: &BoltzmannMachine, shape: (usize, usize), seed: Seed) -> Grid {
    Grid::of(&draw(machine, SAMPLES, None, seed).levels, shape)
}
